"""What a corpus holds, counted from its files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

from faceagent.errors import InputError, UsageError
from faceagent_finetune.corpus.build import ABOUT, CONVERSATIONS, Built
from faceagent_finetune.corpus.labelled import SPLITS, LeftOut

_TOP = 10


def records(out: Path) -> Iterator[dict[str, Any]]:
    """The conversations of a corpus, in the order of its shards.

    Raises:
        UsageError: the folder holds none.
        InputError: a line is damaged.
    """
    files = [file for split in SPLITS for file in sorted(out.glob(f"{split}/*/{CONVERSATIONS}"))]
    if not files:
        raise UsageError(f"{out} holds no corpus", "Make one with: python -m faceagent_finetune corpus RECIPE …")
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    raise InputError(
                        f"Line {number} of {file} is damaged", f"Delete {file.parent}, and `corpus` makes it anew"
                    ) from None


def answers(record: Mapping[str, Any]) -> list[str]:
    """What the assistant says in a conversation, as far as it is to be learnt."""
    learnt = (told for told in record["messages"] if told["role"] == "assistant" and told.get("weight") != 0)
    return [part["text"] for told in learnt for part in told["content"]]


def report(out: Path, built: Built) -> dict[str, Any]:
    """The figures; also written to OUT/report.json."""
    found = list(records(out))
    said = [answer for record in found for answer in answers(record)]
    top = Counter(said).most_common(_TOP)
    licences = {image: record["licence"] for record in found for image in record["images"]}
    told = {
        "conversations": len(found),
        "answers": len(said),
        "images": len(licences),
        "distinct_1": distinct(said, 1),
        "distinct_2": distinct(said, 2),
        "most_frequent_answers": [
            {"answer": answer, "times": times, "share": round(times / len(said), 5)} for answer, times in top
        ],
        "by_split": _counted(record["split"] for record in found),
        "by_kind": _counted(record["kind"] for record in found),
        "by_set": _counted(record["set"] for record in found),
        "by_attribute_and_answer": _by_attribute(found),
        "by_group": _counted(" / ".join(filter(None, record["group"].values())) or "not labelled" for record in found),
        "images_by_licence": _counted(licences.values()),
        "left_out": _left_out(out, built),
        "reworded": _reworded(out),
        "speed": built.pace.told(),
    }
    (out / "report.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return told


def distinct(texts: Sequence[str], size: int) -> float:
    """Share of the stretches of 1 or 2 words that differ from all others (Li et al. 2016, distinct-n)."""
    found: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = text.lower().split()
        found.update(((word,) for word in words) if size == 1 else pairwise(words))
    return round(len(found) / max(found.total(), 1), 4)


def _counted(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _by_attribute(found: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    told: dict[str, Counter[str]] = {}
    for record in found:
        for turn in record["turns"]:
            told.setdefault(turn["attribute"], Counter())[turn["value"]] += 1
    return {attribute: dict(told[attribute].most_common()) for attribute in sorted(told)}


def _reworded(out: Path) -> dict[str, int]:
    """Answers by what came of rewording them: accepted, or why the composed wording was kept."""
    told: Counter[str] = Counter()
    for file in sorted(out.glob(f"*/*/{ABOUT}")):
        told.update(json.loads(file.read_text(encoding="utf-8")).get("reworded", {}))
    return dict(told.most_common())


def _left_out(out: Path, built: Built) -> dict[str, Any]:
    """By set."""
    told: dict[str, Any] = {}
    for name, known in built.plan.left_out.items():
        left = deepcopy(known)
        for file in sorted(out.glob(f"*/{name}-*/{ABOUT}")):
            left.add_all(LeftOut(**row) for row in json.loads(file.read_text(encoding="utf-8"))["left_out"])
        told[name] = left.told()
    return told
