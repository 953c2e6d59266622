"""Parquet in Hugging Face's Image convention: a column `images` of {bytes, path}, in the order of the places
{"type": "image"} in `messages`.

    OUT/README.md                   the dataset card, with the files of each split
    OUT/data/train-00000.parquet …

`tools` and the arguments of calls are JSON text: their keys differ from tool to tool, and a column has one type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from faceagent.errors import MissingExtra
from faceagent_finetune.corpus.conversation import picture
from faceagent_finetune.corpus.report import records

_ROWS = 100  # in a row group
_BYTES = 300_000_000  # of pictures after which a file is full
_HEAD = """\
---
license: other
task_categories: [visual-question-answering, image-text-to-text]
configs:
- config_name: default
  data_files:
{files}
---
"""
_NOTE = (
    "\nIn these files `tools` and the arguments of calls are JSON text; pictures stand in `images`, in their order.\n"
)


def write(corpus: Path, out: Path) -> tuple[int, int]:
    """How many conversations were written; none is left out.

    Raises:
        MissingExtra: pyarrow is not installed. For others see `records` and `picture`.
    """
    try:
        import pyarrow  # imported where used: it is an optional package
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtra("Writing Parquet", "train") from None
    schema = _schema(pyarrow)
    (out / "data").mkdir()
    written = 0
    splits = []
    for split, found in groupby(records(corpus), key=lambda record: str(record["split"])):
        splits.append(split)
        rows = (row(record, corpus) for record in found)
        for number, file in enumerate(_files(rows)):
            with parquet.ParquetWriter(out / "data" / f"{split}-{number:05d}.parquet", schema) as writer:
                for group in file:
                    writer.write_table(pyarrow.Table.from_pylist(group, schema))
                    written += len(group)
    _write_card(corpus, out, splits)
    return written, 0


def _files(rows: Iterator[dict[str, Any]]) -> Iterator[Iterator[list[dict[str, Any]]]]:
    """Row groups, file by file."""
    for first in rows:
        yield _groups(first, rows)


def _groups(first: dict[str, Any], rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group, size = [first], _size(first)
    while size < _BYTES and (one := next(rows, None)) is not None:
        group.append(one)
        size += _size(one)
        if len(group) == _ROWS:
            yield group
            group = []
    if group:
        yield group


def _size(one: Mapping[str, Any]) -> int:
    return sum(len(image["bytes"]) for image in one["images"])


def row(record: Mapping[str, Any], corpus: Path) -> dict[str, Any]:
    """A conversation with its pictures in it."""
    return {
        **record,
        "messages": [_message(told) for told in record["messages"]],
        "tools": _json(record["tools"]) if "tools" in record else None,
        "images": [{"bytes": picture(corpus, image), "path": image} for image in record["images"]],
    }


def _message(told: Mapping[str, Any]) -> dict[str, Any]:
    message = dict(told)
    message["content"] = [{"type": part["type"], "text": part.get("text")} for part in told["content"]]
    if "tool_calls" in told:
        message["tool_calls"] = [
            call | {"function": call["function"] | {"arguments": _json(call["function"]["arguments"])}}
            for call in told["tool_calls"]
        ]
    return message


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _schema(pyarrow: Any) -> Any:
    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())

    def struct(**fields: Any) -> Any:
        return pyarrow.struct(list(fields.items()))

    def several(**fields: Any) -> Any:
        return pyarrow.list_(struct(**fields))

    call = {"type": text, "id": text, "function": struct(name=text, arguments=text)}
    columns = {
        "id": text,
        "messages": several(
            role=text,
            content=several(type=text, text=text),
            tool_calls=several(**call),
            name=text,
            tool_call_id=text,
            weight=pyarrow.int8(),
        ),
        "images": several(bytes=pyarrow.binary(), path=text),
        "tools": text,
        "kind": text,
        "turns": several(attribute=text, value=text),
        "changes": texts,
        "set": text,
        "licence": text,
        "split": text,
        "group": pyarrow.struct([("gender", text), ("ethnicity", text), ("age band", text)]),
        "photos": texts,
    }
    images = {"info": {"features": {"images": {"feature": {"_type": "Image"}, "_type": "List"}}}}
    return pyarrow.schema(list(columns.items()), metadata={"huggingface": json.dumps(images)})


def _write_card(corpus: Path, out: Path, splits: list[str]) -> None:
    """The corpus's own card under the head that says which files are which split."""
    files = "\n".join(f"  - split: {split}\n    path: data/{split}-*" for split in splits)
    card = (corpus / "README.md").read_text(encoding="utf-8") if (corpus / "README.md").is_file() else ""
    (out / "README.md").write_text(_HEAD.format(files=files) + card + _NOTE, encoding="utf-8")
