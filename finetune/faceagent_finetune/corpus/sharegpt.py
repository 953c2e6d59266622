"""The ShareGPT format as LLaMA-Factory reads it: turns of "human" or "observation" and of "gpt" or "function_call" in
alternation, `<image>` where a picture stands, tools as JSON text.

    OUT/dataset_info.json           the sets faces_train and faces_val, for LLaMA-Factory
    OUT/README.md                   the dataset card
    OUT/train.jsonl, OUT/val.jsonl  with the licence and the set of each conversation, columns that it does not read
    OUT/train/fairface-00000/0000.webp …    the pictures, by the paths that the conversations name
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from faceagent_finetune.corpus.conversation import picture
from faceagent_finetune.corpus.report import records

_IMAGE = "<image>"
_ASSISTANT = "assistant"


def write(corpus: Path, out: Path) -> tuple[int, int]:
    """How many conversations were written, and how many left out because the format cannot say what is context only.

    Raises: see `records` and `picture`.
    """
    written, left = 0, 0
    described: dict[str, Any] = {}
    for record in records(corpus):
        if any(told.get("weight") == 0 for told in record["messages"]):
            left += 1
            continue
        file = f"{record['split']}.jsonl"
        described[f"faces_{record['split']}"] = _description(file)
        with (out / file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(converted(record), ensure_ascii=False) + "\n")
        _copy(record["images"], corpus, out)
        written += 1
    (out / "dataset_info.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    if (corpus / "README.md").is_file():
        shutil.copyfile(corpus / "README.md", out / "README.md")
    return written, left


def _description(file: str) -> dict[str, Any]:
    columns = {"messages": "conversations", "system": "system", "tools": "tools", "images": "images"}
    return {"file_name": file, "formatting": "sharegpt", "columns": columns}


def _copy(images: Sequence[str], corpus: Path, out: Path) -> None:
    for image in images:
        if not (out / image).exists():
            (out / image).parent.mkdir(parents=True, exist_ok=True)
            (out / image).write_bytes(picture(corpus, image))


def converted(record: Mapping[str, Any]) -> dict[str, Any]:
    """One conversation.

    Messages on one side become one turn: what tools report together with what the agent says after it.
    """
    messages = list(record["messages"])
    tools = record.get("tools")
    system = _text(messages.pop(0)) if messages[0]["role"] == "system" else ""
    sides = groupby(messages, key=lambda told: told["role"] == _ASSISTANT)
    return {
        "id": record["id"],
        "conversations": [_turn(list(told), assistant) for assistant, told in sides],
        "system": system,
        "tools": json.dumps([tool["function"] for tool in tools], ensure_ascii=False) if tools else "",
        "images": record["images"],
        "set": record["set"],
        "licence": record["licence"],
    }


def _turn(told: Sequence[Mapping[str, Any]], assistant: bool) -> dict[str, str]:
    calls = [call["function"] for message in told for call in message.get("tool_calls", ())]
    if calls:
        return {"from": "function_call", "value": json.dumps(calls if len(calls) > 1 else calls[0], ensure_ascii=False)}
    text = "\n".join(map(_text, told))
    if assistant:
        return {"from": "gpt", "value": text}
    return {"from": "observation" if told[0]["role"] == "tool" else "human", "value": text}


def _text(message: Mapping[str, Any]) -> str:
    return "\n".join(_parts(message["content"]))


def _parts(content: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for part in content:
        # Words that look like the mark of a picture must not count as one.
        yield _IMAGE if part["type"] == "image" else part["text"].replace(_IMAGE, "< image>")
