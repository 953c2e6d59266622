"""A corpus in a folder, shard after shard.

    OUT/train/fairface-00000/conversations.jsonl    one conversation a line (see `conversation`); pictures by their path
                                                    from OUT
    OUT/train/fairface-00000/0000.webp …            the photos' own bytes; degraded copies as JPEG
    OUT/train/fairface-00000/shard.json             what was left out, the hashes of what was not, and
                                                    what came of rewording
    OUT/report.json, OUT/README.md                  figures; the dataset card
    OUT/run.json                                    recipe and sample: a run that goes on must have the same

A shard is a folder that takes its place in one step when it is whole: a run that was cut off goes on with the next one,
and ends with the same bytes.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faceagent.errors import InputError, MediaError, UsageError
from faceagent.files import write_whole
from faceagent.media import Photo
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Trace
from faceagent_finetune.corpus.duplicates import Duplicates, Seen
from faceagent_finetune.corpus.kinds import KINDS
from faceagent_finetune.corpus.labelled import LabelledPhoto, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.phash import phash
from faceagent_finetune.corpus.plan import Plan, Shard, planned
from faceagent_finetune.corpus.recipe import Recipe
from faceagent_finetune.corpus.rewriter import Rewriter
from faceagent_finetune.corpus.sources import SOURCES
from faceagent_finetune.corpus.sources.published import Opened
from faceagent_finetune.corpus.wording import Voice

_ASKED = ("trace", "first_turn")
CONVERSATIONS, ABOUT, RUN = "conversations.jsonl", "shard.json", "run.json"
Progress = Callable[[int, int], None]
"""Called after each shard with the number done and the number in all."""


@dataclass(frozen=True)
class Built:
    """pace: of this run alone, planning aside."""

    plan: Plan
    pace: Pace


@dataclass
class Pace:
    """Conversations made and how long they took; kinds for which the assistant itself is asked apart from the others.

    seconds: of all. made, seconds_of: by kind, of the others under "".
    """

    seconds: float = 0.0
    made: Counter[str] = field(default_factory=Counter)
    seconds_of: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def note(self, kind: str, made: int, seconds: float) -> None:
        group = kind if kind in _ASKED else ""
        self.made[group] += made
        if group:
            self.seconds_of[group] += seconds

    def told(self) -> dict[str, Any]:
        """For the report."""
        rest = self.seconds - sum(self.seconds_of.values())
        return {
            "conversations_of_this_run": self.made.total(),
            "seconds": round(self.seconds, 2),
            "conversations_per_second": round(self.made[""] / rest, 1) if self.made[""] else None,
            "asked_per_second": {kind: round(self.made[kind] / spent, 1) for kind, spent in self.seconds_of.items()},
        }


def build(
    recipe: Recipe,
    data: Path,
    out: Path,
    sample: int | None,
    on_progress: Progress,
    rewriter: Rewriter | None = None,
) -> Built:
    """Write the shards that are not there yet.

    Raises:
        UsageError: OUT was made with another recipe, or a set is missing. InputError: none of a shard's photos opens.
        InputError, MissingExtra: see `Opened`.
        ControllerError: see `Rewriter`.
    """
    plan = planned(recipe, data, sample)
    _claim(out, recipe, sample)
    run = _Run(recipe, Duplicates(recipe.duplicate_bits), rewriter)
    for file in recipe.evaluation:
        run.duplicates.reserve(data, file)
    begun = time.monotonic()
    for done, shard in enumerate(plan.shards, start=1):
        folder = out / shard.name
        if folder.is_dir():
            run.duplicates.replay(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["taken"])
        else:
            run.write(shard, plan.sets[shard.set], folder)
        on_progress(done, len(plan.shards))
    run.pace.seconds = time.monotonic() - begun
    return Built(plan, run.pace)


def _claim(out: Path, recipe: Recipe, sample: int | None) -> None:
    """Note what OUT is made of, or see that it is the same."""
    wanted = {"recipe": recipe.text, "sample": sample}
    file = out / RUN
    if file.is_file():
        if json.loads(file.read_text(encoding="utf-8")) != wanted:
            raise UsageError(f"{out} holds a corpus of another recipe or --sample", "Name another folder with --out")
    elif out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} holds other files", "Name a folder that is empty or does not exist with --out")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(file, (json.dumps(wanted, indent=1) + "\n").encode(), private=False)


class _Run:
    """What goes on from shard to shard."""

    def __init__(self, recipe: Recipe, duplicates: Duplicates, rewriter: Rewriter | None) -> None:
        self.recipe, self.duplicates, self.rewriter = recipe, duplicates, rewriter
        self.pace = Pace()

    def write(self, shard: Shard, found: Opened, folder: Path) -> None:
        """One shard.

        Raises:
            InputError: none of its photos opens.
        """
        photos, taken, left = _photos(shard, found, self.duplicates)
        conversations, outcomes = self._conversations(shard, photos)
        partial = folder.parent / f".{folder.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        written = _Written(partial, shard.name)
        lines = [_record(one, f"{shard.name}/{n}", written, shard) for n, one in enumerate(conversations)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (partial / CONVERSATIONS).write_text(text, encoding="utf-8")
        about = {
            "taken": [seen.stored() for seen in taken],
            "left_out": [asdict(one) for one in left],
            "reworded": outcomes,
        }
        (partial / ABOUT).write_text(json.dumps(about, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.rename(folder)

    def _conversations(
        self, shard: Shard, photos: Sequence[LabelledPhoto]
    ) -> tuple[list[Conversation], dict[str, int]]:
        """Those of a shard, and what came of rewording them."""
        rng = random.Random(f"{self.recipe.seed}/{shard.name}")
        talk = Talk(rng, Voice(rng), self.recipe.purpose)
        found: list[Conversation] = []
        for kind, share in self.recipe.kinds.items():
            begun = time.monotonic()
            made = list(KINDS[kind](photos, round(share * len(photos)), talk))
            self.pace.note(kind, len(made), time.monotonic() - begun)
            found += made
        if self.rewriter is None:
            return found, {}
        return self.rewriter.reworded(found, random.Random(f"{self.recipe.seed}/{shard.name}/rewriter"))


def _photos(
    shard: Shard, found: Opened, duplicates: Duplicates
) -> tuple[list[LabelledPhoto], list[Seen], list[LeftOut]]:
    """The shard's photos that open and that the corpus does not have yet; their hashes; and why not the others.

    Raises:
        InputError: none of several opens, so that it is not the photos that are broken.
    """
    closed = 0
    photos: list[LabelledPhoto] = []
    taken: list[Seen] = []
    left: list[LeftOut] = []
    for row in shard.rows:
        try:
            photo = _labelled(row, shard.set, found)
            seen = Seen.of(photo, phash(Photo.open(photo.data, name=row.name).pixels))
        except MediaError as error:
            left.append(LeftOut(row.name, error.message))
            closed += 1
            continue
        except LabelMissing as missing:
            left.append(LeftOut(row.name, str(missing), missing.fault))
            continue
        twin = duplicates.of(seen)
        if twin is not None:
            left.append(LeftOut(row.name, f"looks like {twin}", fault=False))
            continue
        duplicates.add(seen)
        photos.append(photo)
        taken.append(seen)
    if closed == len(shard.rows) > 1:
        raise InputError(
            f"{shard.set}: none of the {closed} photos of {shard.name} opens, such as {left[0].name}: {left[0].reason}",
            "Unpack them there, and give the same command again",
        )
    return photos, taken, left


def _labelled(row: Row, name: str, found: Opened) -> LabelledPhoto:
    """
    Raises:
        MediaError, LabelMissing: see `Opened`.
    """
    data, facts = found.photo(row)
    source, label = SOURCES[name], row.label
    group = f"{source.origin or name}/{label.group}"
    return LabelledPhoto(name, row.name, data, facts, label.split, group, source.licence)


class _Written:
    """The picture files of a shard: each once, however many conversations show it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._files: dict[bytes, str] = {}

    def path(self, picture: Picture) -> str:
        """Where it is, from OUT."""
        if picture.data not in self._files:
            file = f"{len(self._files):04d}{_suffix(picture.data)}"
            (self._folder / file).write_bytes(picture.data)
            self._files[picture.data] = f"{self._name}/{file}"
        return self._files[picture.data]


def _suffix(data: bytes) -> str:
    if data.startswith(b"\xff\xd8"):
        return ".jpg"
    return ".webp" if data[8:12] == b"WEBP" else ".png"


def _record(conversation: Conversation, name: str, written: _Written, shard: Shard) -> dict[str, Any]:
    facts = conversation.pictures[0].photo.facts if conversation.pictures else {}
    images = [written.path(picture) for picture in conversation.pictures]
    tools = {"tools": conversation.tools} if isinstance(conversation, Trace) else {}
    return {
        "id": name,
        "messages": conversation.messages(images),
        "images": images,
        **tools,
        "kind": conversation.kind,
        "turns": [{"attribute": turn.attribute, "value": turn.value} for turn in conversation.turns],
        "changes": [picture.change for picture in conversation.pictures],
        "set": shard.set,
        "licence": SOURCES[shard.set].licence,
        "split": shard.split,
        "group": {name: facts.get(name, "") for name in ("gender", "ethnicity", "age band")},
        "photos": [picture.photo.name for picture in conversation.pictures],
    }
