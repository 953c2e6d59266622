"""VIPBench (Lin et al. 2025, arXiv 2505.19582): photos of one person and of others, and forgeries of that one.

As published (github.com/KQL11/VIPGuard, Example/id0_w_text.json and README.md): a list of {"messages": [{role,
content}], "images": [path]}, the messages of ms-swift. The folder of an image says what it is: r_r_i the person,
r_r_d_i somebody else, r_fs_i the person's face swapped in, r_efs_i a synthesis; the folder above it ("id0") says of
whom.

An answer's analysis was written by a model that was told the label: it is not used. Its conclusion is held against the
folder, and a photo whose answers contradict it is left out. People are kept apart by hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from faceagent_finetune.corpus.jsonstream import elements
from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import Rooted, expect, hashed_split, json_files, row_of

FOLDER = "vipbench"
LICENCE = "VIPBench: research use"
CONSENT = "photos of celebrities; the people shown were not asked"
_CONCLUSION = re.compile(r"<Conclusion>\s*\[?(yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Relation:
    """authenticity: as in `Facts`. vip: what an answer must conclude about "is this the person"."""

    authenticity: str
    vip: str


_RELATIONS = {
    "r_r_i": _Relation("authentic", "yes"),
    "r_r_d_i": _Relation("authentic", "no"),
    "r_fs_i": _Relation("manipulated", "no"),
    "r_efs_i": _Relation("synthetic", "no"),
}


def published(root: Path) -> Iterator[Row | LeftOut]:
    """One row an image, of which there are several conversations one after the other.

    Raises:
        UsageError: there is no JSON file. InputError: one is no list of conversations.
    """
    expect(root)
    rooted = Rooted(root)
    for file in json_files(root):
        told: Iterator[Mapping[str, Any]] = elements(file)
        for path, items in groupby(told, key=_image):
            if not path:
                yield LeftOut(file.name, "expected an element with messages and images; found none of either")
            else:
                messages = [message for item in items for message in item["messages"]]
                yield row_of(rooted.name(path), partial(label, path, messages))


def _image(item: Any) -> str:
    """The path of its image; "" where it is no conversation about one."""
    images = item.get("images") if isinstance(item, Mapping) else []
    if not isinstance(images, list) or not images or not isinstance(item.get("messages"), list):
        return ""
    return images[0] if isinstance(images[0], str) else ""


def label(path: str, messages: Sequence[Any]) -> Label:
    """
    Args:
        path: of the image, ".../id0/r_fs_i/id0_8/fake.png".
        messages: of all conversations about it.

    Raises:
        LabelMissing: the path names no relation, or an answer contradicts it.
    """
    parts = path.replace("\\", "/").split("/")
    place = next((place for place, part in enumerate(parts) if part in _RELATIONS), 0)
    if not place:
        raise LabelMissing(f"its path has none of the folders {', '.join(_RELATIONS)} below a person's")
    relation, person = _RELATIONS[parts[place]], parts[place - 1]
    for message in messages:
        content = message.get("content") if isinstance(message, Mapping) else None
        said = _CONCLUSION.search(content) if isinstance(content, str) and message.get("role") == "assistant" else None
        if said and said[1].lower() != relation.vip:
            raise LabelMissing(f"its answer concludes {said[1].lower()!r}, but it lies in {parts[place]}", fault=False)
    return Label({"authenticity": relation.authenticity}, hashed_split(person), person)
