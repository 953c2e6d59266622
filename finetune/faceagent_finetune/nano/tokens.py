"""The tokenizer: byte-level BPE (Sennrich et al. 2016) learnt from a corpus, so that any text comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from faceagent.controllers.constraint import CLOSE, OPEN
from faceagent_finetune.vlm.conversations import Conversations

BEGIN, END, PAD, IMAGE = "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>"
SPECIAL = (PAD, BEGIN, END, "<fake_token_around_image>", IMAGE, "<global-img>", "<end_of_utterance>")
"""Those that Idefics3's processor asks for, and those of the chat template."""

RESPONSE = {
    "defaults": {"role": "assistant"},
    "start_anchor": f"{BEGIN}assistant\n",
    "fields": {
        "tool_calls": {
            "open_pattern": rf"\s*{OPEN}",
            "close": CLOSE,
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"\s*(?:<\|im_end\|>|<\|endoftext\|>)", "content": "text"},
    },
}
"""How `transformers serve` reads a turn back (a tokenizer's `response_template`)."""


def template() -> str:
    """The chat template."""
    return files("faceagent_finetune.nano").joinpath("chat_template.jinja").read_text(encoding="utf-8").rstrip("\n")


def texts(conversations: Conversations) -> Iterator[str]:
    """All that is said in a corpus, tools and their calls included, each text once: very many have the same rules."""
    told: set[str] = set()
    for number in range(len(conversations)):
        fresh = dict.fromkeys(text for text in _said(conversations.record(number)) if text not in told)
        told.update(fresh)
        yield from fresh


def _said(record: Mapping[str, Any]) -> Iterator[str]:
    for message in record["messages"]:
        content = message.get("content") or ""
        yield from [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        yield from (json.dumps(call, ensure_ascii=False) for call in message.get("tool_calls") or ())
    yield from (json.dumps(tool, ensure_ascii=False) for tool in record.get("tools") or ())


def learn(said: Iterable[str], pieces: int, context: int, chat_template: str) -> Any:
    """A tokenizer of transformers.

    Args:
        pieces: in the vocabulary at most; a small corpus yields fewer. context: tokens that the model reads.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    # Digit by digit: a measured value is to be copied, and no number is a word.
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    bpe.train_from_iterator(said, trainer)
    # Tokens of their own, but text all the same: they survive decoding, as in the Qwen family.
    bpe.add_tokens([AddedToken(name, special=False, normalized=False) for name in (OPEN, CLOSE)])
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # where transformers is installed
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(SPECIAL),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        response_template=RESPONSE,
    )
    # vLLM reads the template of the tokenizer, transformers that of the processor.
    tokenizer.chat_template = chat_template
    return tokenizer
