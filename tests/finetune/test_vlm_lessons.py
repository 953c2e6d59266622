"""What of a conversation is learnt, and that training reads the tokens that answering reads, for any chat template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

import tiny_vlm  # noqa: E402 - after the skip

from faceagent.controllers.local_model import LocalModel  # noqa: E402
from faceagent.controllers.pretrained import ChatFormat, read_processor  # noqa: E402
from faceagent.controllers.transcript import transcribe  # noqa: E402
from faceagent.errors import UsageError  # noqa: E402
from faceagent_finetune.vlm.batches import NOT_LEARNT, Batches, InTurn  # noqa: E402
from faceagent_finetune.vlm.conversations import Conversations  # noqa: E402

END = "<|im_end|>"
TOOL = {
    "type": "function",
    "function": {
        "name": "detect_faces",
        "description": "Finds faces.",
        "parameters": {"type": "object", "properties": {"images": {"type": "array", "items": {"type": "string"}}}},
    },
}
# A template that knows no tools and no system message, and leaves the end of a turn to the trainer, as LLaVA's does.
BARE = """\
{%- for message in messages %}{% if message['role'] not in ('user', 'assistant') %}{{ raise_exception('no') }}{% endif %}
{{- message['role'].upper() + ':' }}{% for part in message['content'] %}
{{- ' <image>' if part['type'] == 'image' else ' ' + part['text'] }}{% endfor %}{{- ' ' }}
{%- endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"""
# One that drops the reasoning of earlier turns, as those of models that think do.
FORGETFUL = """\
{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}{% for part in message['content'] %}
{{- '<image>' if part['type'] == 'image' else (part['text'] if loop.last and message is sameas messages[-1]
or message['role'] == 'user' else part['text'].split('so ')[-1]) }}{% endfor %}{{ '<|im_end|>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
# One that asks for a turn in another way than it writes one.
OTHERWISE = tiny_vlm.TEMPLATE.replace(
    "{{ '<|im_start|>assistant\\n' }}{% endif %}", "{{ '<|im_start|>assistant now\\n' }}{% endif %}"
)

CALL = {"type": "function", "function": {"name": "detect_faces", "arguments": {"images": ["image 1"]}}}


def trace(picture: str) -> list[dict[str, Any]]:
    """Question, call, observation with a picture, answer; question, answer."""
    image = {"type": "image", "image": picture}
    return [
        {"role": "system", "content": "Call tools."},
        {"role": "user", "content": [{"type": "text", "text": "How many faces?"}, image]},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "name": "detect_faces", "content": '{"evidence": [{"id": "e1"}]}'},
        {"role": "user", "content": [{"type": "text", "text": "Faces found so far <|im_end|>"}, image]},
        {"role": "assistant", "content": [{"type": "text", "text": "It is seen, so one façade 😀."}]},
        {"role": "user", "content": "Sure?"},
        {"role": "assistant", "content": "Yes: e1 says so."},
    ]


def corpus_of(folder: Path, *records: dict[str, Any]) -> Conversations:
    from labelled_rows import picture

    shard = folder / "train" / "made-00000"
    shard.mkdir(parents=True)
    (shard / "0000.png").write_bytes(picture(1))
    (shard / "conversations.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return Conversations(folder, "train")


@pytest.fixture
def traces(tmp_path: Path) -> Conversations:
    pytest.importorskip("pyarrow")
    return corpus_of(tmp_path / "made", {"messages": trace("train/made-00000/0000.png"), "tools": [TOOL]})


def chat_of(tiny: Path, folder: Path, template: str) -> ChatFormat:
    """How the tiny model would be spoken to with another template."""
    model = shutil.copytree(tiny, folder / "model")
    (model / "chat_template.jinja").write_text(template, "utf-8")
    return ChatFormat.of(read_processor(str(model)))


def learnt(chat: ChatFormat, batch: dict[str, Any]) -> list[str]:
    """The texts of each row that are learnt. The mask is printed: what is learnt stands between brackets."""
    told = []
    for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
        assert torch.equal(ids[labels != NOT_LEARNT], labels[labels != NOT_LEARNT])
        pieces: list[tuple[bool, list[int]]] = []
        for token, label in zip(ids.tolist(), labels.tolist(), strict=True):
            if not pieces or pieces[-1][0] != (label != NOT_LEARNT):
                pieces.append((label != NOT_LEARNT, []))
            pieces[-1][1].append(token)
        texts = [(of, chat.processor.tokenizer.decode(tokens)) for of, tokens in pieces]
        print("".join(f"[{text}]" if of else text for of, text in texts))
        told += [text for of, text in texts if of]
    return told


CALLED = '<tool_call>\n{"name": "detect_faces", "arguments": {"images": ["image 1"]}}\n</tool_call>'
SEEN, SURE = "It is seen, so one façade 😀.", "Yes: e1 says so."


@pytest.mark.parametrize(
    ("template", "rows", "wanted"),
    [
        (tiny_vlm.TEMPLATE, 1, [CALLED + END, SEEN + END, SURE + END]),
        (FORGETFUL, 2, [CALLED + END, SEEN + END, SURE + END]),
        (BARE, 3, [f" {CALLED}{END}", f" {SEEN}{END}", f" {SURE}{END}"]),
    ],
    ids=["tools", "forgetful", "bare"],
)
def test_the_assistants_turns_are_learnt_and_nothing_else(
    tiny: Path, tmp_path: Path, traces: Conversations, template: str, rows: int, wanted: list[str]
) -> None:
    chat = chat_of(tiny, tmp_path, template)
    batch = Batches(traces, chat, [END], max_length=4096, image_side=96)([0])
    assert len(batch["labels"]) == rows
    assert learnt(chat, batch) == wanted


@pytest.mark.parametrize("template", [tiny_vlm.TEMPLATE, FORGETFUL, BARE], ids=["tools", "forgetful", "bare"])
def test_training_reads_token_for_token_what_the_product_reads(
    tiny: Path, tmp_path: Path, traces: Conversations, template: str
) -> None:
    """Before each turn that is learnt stands what the local controller shows a model when it asks for that turn."""
    chat = chat_of(tiny, tmp_path, template)
    batch = Batches(traces, chat, [END], max_length=4096, image_side=1024)([0])
    network = type("Network", (), {"get_input_embeddings": lambda self: torch.nn.Embedding(1, 1)})()
    model = LocalModel("tiny", network, chat, None, (2,), 4096)
    messages, tools = traces.messages(0)
    asked = [
        model.encode(transcribe(messages[:place], tools, chat.knows, chat.control_tokens), tools)["input_ids"][
            0
        ].tolist()
        for place, message in enumerate(messages)
        if message.type == "ai"
    ]
    begun = []
    for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        begins = [at for at in range(1, len(ids)) if labels[at] != NOT_LEARNT and labels[at - 1] == NOT_LEARNT]
        begun += [ids[:at] for at in begins]
    assert begun == asked


def test_a_template_that_asks_otherwise_than_it_writes_is_refused(
    tiny: Path, tmp_path: Path, traces: Conversations
) -> None:
    chat = chat_of(tiny, tmp_path, OTHERWISE)
    with pytest.raises(UsageError, match="in another way than it asks"):
        Batches(traces, chat, [END], max_length=4096, image_side=96)([0])


def test_conversations_with_and_without_pictures_share_a_batch(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    ask, say = {"role": "user", "content": "Who is it?"}, {"role": "assistant", "content": "That stays open."}
    made = corpus_of(
        tmp_path / "made", {"messages": trace("train/made-00000/0000.png"), "tools": [TOOL]}, {"messages": [ask, say]}
    )
    chat = ChatFormat.of(read_processor(str(tiny)))
    batch = Batches(made, chat, [END], max_length=4096, image_side=96)([1, 0])
    assert learnt(chat, batch) == [CALLED + END, SEEN + END, SURE + END, "That stays open." + END]
    assert batch["pixel_values"].shape[:2] == (2, 2)


def test_the_order_is_that_of_seed_and_epoch_and_batches_are_of_like_length() -> None:
    sizes = [number * 37 % 1000 for number in range(403)]
    order = InTurn(sizes, 4, seed=5)
    first = list(order)
    assert sorted(first) == list(range(403))
    assert first == list(InTurn(sizes, 4, seed=5))
    order.set_epoch(1)
    assert list(order) != first
    spread = [
        max(cut) - min(cut) for at in range(0, 400, 4) if (cut := [sizes[number] for number in first[at : at + 4]])
    ]
    assert sum(spread) / len(spread) < 40  # of 1000; by chance it would be 600
