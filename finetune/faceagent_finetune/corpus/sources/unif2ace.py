"""UniF2aceD-1M (Li et al. 2025, arXiv 2503.08120): captions of faces, and questions about them with answers.

As published (huggingface.co/datasets/tulvgengenr/UniF2aceD-1M): captions and VQAs as JSON beside the photos of the sets
that they are about. Read are lists of {"image": path} with "caption" or "captions", with "question" and "answer", with
a list of these as "QA", "qa" or "vqa", or with "conversations" as LLaVA has them ({"from": "human" | "gpt", "value"}).

Answers were written by GPT-4o: they are kept as an annotation's wording. Split by hash of the photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_finetune.corpus.jsonstream import elements
from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.captions import captioned
from faceagent_finetune.corpus.sources.published import Rooted, expect, hashed_split, json_files, row_of

FOLDER = "unif2ace"
LICENCE = "texts Apache-2.0; photos of CelebV-HQ, FFHQ and MM-CelebA-HQ: non-commercial research"
CONSENT = "photos of celebrities and of Flickr users; the people shown were not asked"
_QUESTIONS = ("QA", "qa", "vqa", "VQA", "conversations")


def published(root: Path) -> Iterator[Row | LeftOut]:
    """A row for each caption and each question; those about one photo share its name.

    Raises:
        UsageError: there is no JSON file. InputError: an element is in none of the layouts.
    """
    expect(root)
    rooted = Rooted(root)
    for file in json_files(root):
        for number, item in enumerate(elements(file)):
            if not isinstance(item, Mapping) or not isinstance(item.get("image"), str):
                raise _unknown(file, number, item)
            name, told = rooted.name(item["image"]), list(_told(item))
            if not told:
                raise _unknown(file, number, item)
            for place, (question, answer) in enumerate(told):
                yield row_of(name, partial(_label, question, answer, name), place, f"{name} {number} {place}")


def _unknown(file: Path, number: int, item: Any) -> InputError:
    found = ", ".join(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
    return InputError(
        f"{file}, element {number}: expected image with caption, question and answer, QA or conversations; "
        f"found {found or 'nothing'}",
        "Rename what holds them, or take the file away",
    )


def _told(item: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Questions with answers; a caption has no question."""
    captions = item.get("captions", item.get("caption"))
    if captions is not None:
        yield from ((None, caption) for caption in (captions if isinstance(captions, list) else [captions]))
    if "question" in item and "answer" in item:
        yield item["question"], item["answer"]
    listed: list[Any] = next((item[name] for name in _QUESTIONS if isinstance(item.get(name), list)), [])
    turns = [turn for turn in listed if isinstance(turn, Mapping)]
    yield from ((turn["question"], turn["answer"]) for turn in turns if "question" in turn and "answer" in turn)
    yield from _llava([turn for turn in turns if "from" in turn])


def _llava(turns: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Any, Any]]:
    for asked, said in zip(turns[::2], turns[1::2], strict=False):
        if asked["from"] == "human" and said["from"] == "gpt":
            yield str(asked.get("value", "")).replace("<image>", ""), said.get("value")


def _label(question: Any, answer: Any, name: str) -> Label:
    if question is None:
        return captioned(answer, name)
    if not all(isinstance(text, str) and text.strip() for text in (question, answer)):
        raise LabelMissing("a question or its answer is empty", fault=False)
    return Label({"question": question, "annotation": answer}, hashed_split(name), name)
