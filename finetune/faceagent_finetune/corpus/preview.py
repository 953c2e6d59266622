"""Some conversations of every kind as one page of HTML, with their pictures in it."""

from __future__ import annotations

import base64
import html
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_finetune.corpus.report import records

_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Conversations about faces</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
article { display: flex; gap: 1rem; border-top: 1px solid #ccc; padding: 1rem 0; }
figure { margin: 0; display: flex; gap: .3rem; flex: none; align-items: flex-start; }
img { height: 9rem; }
p { margin: 0 0 .4rem; }
p { white-space: pre-wrap; overflow-wrap: anywhere; }
.user { font-weight: 600; } .system, .tool, small { color: #555; }
</style></head><body>
"""


def write_preview(out: Path, each: int, seed: int = 0) -> Path:
    """OUT/preview.html, with so many conversations of each kind, drawn by chance.

    Raises:
        UsageError: the folder holds no corpus.
    """
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records(out):
        kinds[record["kind"]].append(record)
    rng, target = random.Random(seed), out / "preview.html"
    sections = [_section(out, kind, rng.sample(found, min(each, len(found)))) for kind, found in kinds.items()]
    target.write_text(
        f"{_HEAD}<h1>Conversations about faces</h1>\n{''.join(sections)}</body></html>\n", encoding="utf-8"
    )
    return target


def _section(out: Path, kind: str, found: Sequence[Mapping[str, Any]]) -> str:
    return f"<h2>{html.escape(kind)}</h2>\n" + "".join(_article(out, record) for record in found)


def _article(out: Path, record: Mapping[str, Any]) -> str:
    pictures = "".join(f'<img alt="" src="{_data(out / image)}">' for image in record["images"])
    told = "".join(
        f'<p class="{html.escape(message["role"])}">{html.escape(text)}</p>'
        for message in record["messages"]
        for text in _texts(message)
    )
    labels = "; ".join(f"{turn['attribute']}: {turn['value']}" for turn in record["turns"])
    about = f"{record['id']} | {record['set']} | {labels} | {record['licence']}"
    return f"<article><figure>{pictures}</figure><div>{told}<small>{html.escape(about)}</small></div></article>\n"


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    yield from (part["text"] for part in message["content"] if part["type"] == "text")
    for call in message.get("tool_calls", ()):
        yield f"{call['function']['name']} {json.dumps(call['function']['arguments'], ensure_ascii=False)}"


def _data(file: Path) -> str:
    return f"data:{_TYPES[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"
