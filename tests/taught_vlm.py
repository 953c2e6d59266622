"""A LoRA adapter for the tiny VLM that makes it do one thing right: count the faces by a tool call and say the count.

It learns the turns of one recorded conversation by heart, so whoever serves it has to apply the adapter, hand over
tools and pictures, and read the tool call back, or the right answer does not come out. Without the adapter the model
writes noise. Needs torch, transformers and peft.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openai_server import Reply, Request, images_of

RANK = 32
_STEPS, _RATE, _ENOUGH = 400, 4e-3, 0.01


def teach(model: Path, lessons: Sequence[tuple[Request, Reply]], folder: Path) -> Path:
    """Train an adapter until the model gives each request's answer, and save it in `folder`.

    Args:
        lessons: chat-completion requests, and what the model is to answer to each.

    Raises:
        AssertionError: it did not learn them.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText, AutoProcessor

    torch.manual_seed(0)
    torch.set_num_threads(1)
    processor = AutoProcessor.from_pretrained(model)
    batches = [_encoded(processor, request, _written(reply)) for request, reply in lessons]
    linear = r".*text_model.*\.(?:q|k|v|o|gate|up|down)_proj"
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=linear, lora_dropout=0.0)
    learner = get_peft_model(AutoModelForImageTextToText.from_pretrained(model), config)
    optimiser = torch.optim.AdamW([weight for weight in learner.parameters() if weight.requires_grad], lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=_STEPS)
    worst = float("inf")
    for _ in range(_STEPS):
        losses = []
        for batch in batches:
            loss = learner(**batch).loss
            loss.backward()
            losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        worst = max(losses)
        if worst < _ENOUGH:
            break
    assert worst < _ENOUGH, f"the adapter did not learn its lines (loss {worst:.3f})"
    learner.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _written(reply: Reply) -> str:
    """As the tiny VLM's template writes a turn."""
    calls = (json.dumps({"name": name, "arguments": arguments}) for name, arguments in reply.calls)
    return reply.text + "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in calls)


def _encoded(processor: Any, request: Request, answer: str) -> dict[str, Any]:
    """Prompt and answer as the model reads them; only the answer is learnt."""
    prompt = processor.apply_chat_template(
        [_template_message(message) for message in request["messages"]],
        tools=request["tools"],
        add_generation_prompt=True,
        tokenize=False,
    )
    batch = dict(processor(text=prompt + answer + "<|im_end|>", images=images_of(request), return_tensors="pt"))
    learnt = len(processor.tokenizer(answer + "<|im_end|>", add_special_tokens=False)["input_ids"])
    labels = batch["input_ids"].clone()
    labels[:, :-learnt] = -100
    return {**batch, "labels": labels}


def _template_message(message: dict[str, Any]) -> dict[str, Any]:
    """As the servers hand it to the template: a picture is a piece of its own kind, without its data."""
    content = message["content"]
    if isinstance(content, list):
        content = [{"type": "image"} if part["type"] == "image_url" else part for part in content]
    return {**message, "content": content or ""}
