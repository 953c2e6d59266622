"""A small corpus about one person, in the format of all corpora."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from faceagent_finetune.corpus.build import CONVERSATIONS
from faceagent_finetune.corpus.conversation import message
from faceagent_finetune.corpus.wording import Voice
from faceagent_finetune.vip.photos import Shown
from faceagent_finetune.vip.recipe import Recipe
from faceagent_tools.identity.likelihood import KINDS
from faceagent_tools.identity.verify_words import ANSWERS

MADE = "made.json"
_WHO = "the face"


def answer(kind: str, name: str) -> str:
    """In the words of verify_protected_identity, without its probability, which no photo's label says."""
    return ANSWERS[kind].format(who=_WHO, name=name) + "."


def question(likeness: float, name: str, voice: Voice) -> str:
    mark = f"<{name}>"
    told = voice.say("vip.likeness", mark=mark, likeness=f"{likeness:.2f}")
    return f"{told} {voice.say('vip.ask', mark=mark)}"


def write(
    shown: Sequence[Shown], name: str, recipe: Recipe, out: Path, made: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """OUT/train, OUT/val and OUT/made.json, in one step. Train has every kind as often, val each photo once.

    Args:
        made: what it was made of.
    """
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    voice = Voice(random.Random(recipe.seed))
    for split in ("train", "val"):
        folder = partial / split / "person"
        folder.mkdir(parents=True)
        lines = [
            json.dumps(_record(one, number, name, voice, folder, partial), ensure_ascii=False) + "\n"
            for number, one in enumerate(_chosen(shown, split, recipe.each))
        ]
        (folder / CONVERSATIONS).write_text("".join(lines), encoding="utf-8")
    (partial / MADE).write_text(json.dumps(dict(made), ensure_ascii=False), encoding="utf-8")
    partial.rename(out)


def _chosen(shown: Sequence[Shown], split: str, each: int) -> Iterator[Shown]:
    for kind in KINDS:
        here = [one for one in shown if (one.kind, one.split) == (kind, split)]
        yield from islice(cycle(here), each) if split == "train" else here


def _record(one: Shown, number: int, name: str, voice: Voice, folder: Path, root: Path) -> dict[str, Any]:
    file = folder / f"{number:04d}.jpg"
    file.write_bytes(one.data)
    image = file.relative_to(root).as_posix()
    asked = message("user", question(one.likeness, name, voice), [image])
    return {
        "id": f"{one.split}/{number:04d} {one.name}",
        "messages": [asked, message("assistant", answer(one.kind, name))],
        "images": [image],
        "kind": one.kind,
        "likeness": round(one.likeness, 4),
    }
