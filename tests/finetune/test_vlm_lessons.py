"""What of a conversation is learnt, and that training reads the tokens that answering reads, for any chat template."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

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
from faceagent_finetune.vlm.judge import judged  # noqa: E402

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
{%- for message in messages %}
{%- if message['role'] not in ('user', 'assistant') %}{{ raise_exception('no') }}{% endif %}
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

CALL = {"type": "function", "id": "call_1", "function": {"name": "detect_faces", "arguments": {"images": ["image 1"]}}}


def said(role: str, *parts: str, **more: Any) -> dict[str, Any]:
    """A message of a corpus; a part that names a file is a picture."""
    content = [
        {"type": "image", "image": part} if part.endswith(".png") else {"type": "text", "text": part} for part in parts
    ]
    return {"role": role, "content": content, **more}


def trace(picture: str) -> list[dict[str, Any]]:
    """Question, call, observation with a picture, answer; question, answer."""
    return [
        said("system", "Call tools."),
        said("user", "How many faces?", picture),
        said("assistant", tool_calls=[CALL]),
        said("tool", '{"evidence": [{"id": "e1"}]}', name="detect_faces", tool_call_id="call_1"),
        said("user", "Faces found so far <|im_end|>", picture),
        said("assistant", "It is seen, so one façade 😀."),
        said("user", "Sure?"),
        said("assistant", "Yes: e1 says so."),
    ]


def corpus_of(folder: Path, *records: dict[str, Any]) -> Conversations:
    from labelled_rows import picture

    shard = folder / "train" / "made-00000"
    shard.mkdir(parents=True, exist_ok=True)
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
        sys.stdout.write("".join(f"[{text}]" if of else text for of, text in texts) + "\n")
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
    spoken = traces.spoken(0)
    asked = []
    for place, message in enumerate(spoken.messages):
        if message.type == "ai":
            before = transcribe(spoken.messages[:place], spoken.tools, chat.knows, chat.control_tokens)
            asked.append(model.encode(before, spoken.tools)["input_ids"][0].tolist())
    begun = []
    for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        begins = [at for at in range(1, len(ids)) if labels[at] != NOT_LEARNT and labels[at - 1] == NOT_LEARNT]
        begun += [ids[:at] for at in begins]
    assert begun == asked


@pytest.mark.parametrize("template", [tiny_vlm.TEMPLATE, FORGETFUL, BARE], ids=["tools", "forgetful", "bare"])
def test_what_has_the_weight_0_is_context(tiny: Path, tmp_path: Path, template: str) -> None:
    pytest.importorskip("pyarrow")
    messages = trace("train/made-00000/0000.png")
    messages[5]["weight"] = 0
    chat = chat_of(tiny, tmp_path, template)
    batch = Batches(corpus_of(tmp_path / "made", {"messages": messages, "tools": [TOOL]}), chat, [END], 4096, 96)([0])
    assert [text.strip() for text in learnt(chat, batch)] == [CALLED + END, SURE + END]


@pytest.mark.parametrize("prepend", ["always", "first", "never"])
def test_tokens_that_begin_with_a_space_are_told_apart_too(
    tiny: Path, traces: Conversations, prepend: Literal["always", "first", "never"]
) -> None:
    """A tokenizer as Llama 2 and LLaVA have it: a word and the space before it are one token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Idefics3Processor, PreTrainedTokenizerFast

    words = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend, split=False)
    words.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=prepend)])
    processor = read_processor(str(tiny))
    special = list(processor.tokenizer.all_special_tokens)
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>", *special, *pieces], show_progress=False)
    words.train_from_iterator([SEEN, SURE, CALLED, "How many faces?"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token=END, pad_token=special[0], additional_special_tokens=special
    )
    spoken = Idefics3Processor(
        processor.image_processor, tokenizer, image_seq_len=tiny_vlm.IMAGE_TOKENS, chat_template=BARE
    )
    chat = ChatFormat.of(spoken)
    batch = Batches(traces, chat, [END], max_length=4096, image_side=96)([0])
    assert [text.strip() for text in learnt(chat, batch)] == [CALLED + END, SEEN + END, SURE + END]


def test_a_template_that_asks_otherwise_than_it_writes_is_refused(
    tiny: Path, tmp_path: Path, traces: Conversations
) -> None:
    chat = chat_of(tiny, tmp_path, OTHERWISE)
    with pytest.raises(UsageError, match="in another way than it asks"):
        Batches(traces, chat, [END], max_length=4096, image_side=96)([0])


def test_conversations_with_and_without_pictures_share_a_batch(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    asked = {"messages": [said("user", "Who is it?"), said("assistant", "That stays open.")]}
    made = corpus_of(tmp_path / "made", {"messages": trace("train/made-00000/0000.png"), "tools": [TOOL]}, asked)
    chat = ChatFormat.of(read_processor(str(tiny)))
    batch = Batches(made, chat, [END], max_length=4096, image_side=96)([1, 0])
    assert learnt(chat, batch) == [CALLED + END, SEEN + END, SURE + END, "That stays open." + END]
    assert batch["pixel_values"].shape[:2] == (2, 2)


def test_a_conversation_that_cannot_be_read_is_not_judged_by_another(tiny: Path, tmp_path: Path) -> None:
    """One is too long, one has a picture that does not open; their losses would be those of the third."""
    pytest.importorskip("pyarrow")
    broken = "train/made-00000/0001.png"
    (tmp_path / "made" / broken).parent.mkdir(parents=True)
    (tmp_path / "made" / broken).write_bytes(b"no picture")
    made = corpus_of(
        tmp_path / "made",
        {"kind": "long", "messages": [said("user", "Who? " * 900), said("assistant", "That stays open.")]},
        {"kind": "broken", "messages": [said("user", "Who is it?", broken), said("assistant", "That stays open.")]},
        {"kind": "whole", "messages": [said("user", "Who is it?"), said("assistant", "That stays open.")]},
    )

    class Model:
        def eval(self) -> None: ...

        def __call__(self, **inputs: Any) -> SimpleNamespace:
            return SimpleNamespace(loss=2.0)

    trainer = SimpleNamespace(
        model=Model(), _prepare_inputs=lambda inputs: inputs, compute_loss_context_manager=nullcontext
    )
    named: list[str] = []
    chat = ChatFormat.of(read_processor(str(tiny)))
    batches = Batches(made, chat, [END], 400, 96, lambda rows: named.extend(row.reason for row in rows))
    told = judged(trainer, batches, [0, 1, 2])
    assert list(told["by_kind"]) == ["whole"]
    assert (told["all"]["loss"], told["all"]["conversations"], told["left_out"]) == (2.0, 1, 2)
    assert len(named) == 2


def test_the_order_is_that_of_seed_and_epoch_and_batches_are_of_like_length() -> None:
    sizes = [number * 37 % 1000 for number in range(403)]
    order = InTurn(sizes, 4, seed=5)
    first = list(order)
    assert sorted(first) == list(range(403))
    assert first == list(InTurn(sizes, 4, seed=5))
    order.set_epoch(1)
    assert list(order) != first
    cuts = [[sizes[number] for number in first[at : at + 4]] for at in range(0, 400, 4)]
    spread = [max(cut) - min(cut) for cut in cuts]
    assert sum(spread) / len(spread) < 40  # of 1000; by chance it would be 600
