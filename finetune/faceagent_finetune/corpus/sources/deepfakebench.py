"""DeepfakeBench (Yan et al., NeurIPS 2023): frames of videos, authentic and forged, of many sets in one layout.

As published (github.com/SCLBD/DeepfakeBench, preprocessing/rearrange.py and training/config/train_config.yaml): a JSON
file for each set, here or in dataset_json/, {set: {label: {split: {video: {"label", "frames": [path]}}}}}, where
FaceForensics++ has its compressions ("c23") between split and video. The frames lie at the ends of their paths below
the folder, whatever the beginnings were. A file is read as a whole.

Several of these files list the same videos in more than one split. What is in test is never used (of DeepFakeDetection
and UADFV that is all, as rearrange.py lists them); train and val are theirs where they share no video, and else by hash
of the people or videos that a video was made of: "000_003" of 000 and 003 (FaceForensics++), "id0_id1_0000" of id0 and
id1 (Celeb-DF), "01_02__kitchen__X" of the actors 01 and 02 (DeepFakeDetection), "0000_fake" of 0000 (UADFV). A video
made of two sides of the split is left out, and so is DFDC's train, for nothing says what a video was made of. Sets of
one family are about the same people: they share these names, and a frame that several of them list comes once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from faceagent.errors import InputError, UsageError
from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import Rooted, expect, hashed_split, listing, row_of

FOLDER = "deepfakebench"
LICENCE = "those of FaceForensics++, Celeb-DF, DFDC and the others within: research, non-commercial"
CONSENT = "DFDC and DeeperForensics: paid actors who agreed; the others: videos from the web, nobody was asked"
_LAYOUT = "{set: {label: {split: {video: {label, frames}}}}}"
_FRAMES = 4  # of a video, evenly over it
_REAL = re.compile(r".*[-_]real", re.IGNORECASE)
_FAKE = re.compile(r".*[-_]fake[ab]?|FF-\w+", re.IGNORECASE)
_COMPRESSIONS = ("c23", "c40", "raw")  # in the order in which they are preferred
_SOURCES = (
    re.compile(r"^\d\d(?=(?:_\d\d)?__)|(?<=^\d\d_)\d\d(?=__)"),
    re.compile(r"\d{5,}"),  # beside which three digits are a clip's
    re.compile(r"id\d+|(?<!\d)\d{3}(?!\d)"),
)
_FAMILIES = {"Celeb-DF": ("Celeb-DF",), "FaceForensics++": ("FaceForensics", "FF-", "FaceShifter", "DeeperForensics")}
_UNTOLD = ("DFDC",)  # sets whose videos' names do not say what they were made of


@dataclass(frozen=True)
class _Video:
    name: str
    label: str
    frames: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """People or videos that it shows."""
        named = next((found for each in _SOURCES if (found := each.findall(self.name))), ())
        return tuple(dict.fromkeys(named)) or (self.name.removesuffix("_fake"),)


def published(root: Path) -> Iterator[Row | LeftOut]:
    """A few frames of each video.

    Raises:
        UsageError: there is no JSON file. InputError: one is not in this layout.
    """
    expect(root)
    rooted, given = Rooted(root), set[str]()
    for file in _files(root):
        for name, labels in _object(file, _json(file)).items():
            for row in _of_set(name, _by_split(file, labels), rooted):
                if row.name not in given:
                    yield row
                given.add(row.name)


def _files(root: Path) -> list[Path]:
    """Not those in the sets' own folders, which are lists of other kinds."""
    files = sorted([*root.glob("*.json"), *root.glob("dataset_json/*.json")])
    if not files:
        raise UsageError(
            f"{root}: expected a .json file here or in dataset_json/; found {listing(root)}",
            "Put what rearrange.py wrote there, or name its folder in the recipe's [places]",
        )
    return files


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is no JSON ({error})", "Make it again with rearrange.py") from None


def _object(file: Path, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InputError(
            f"{file}: expected {_LAYOUT}; found a {type(found).__name__}",
            "Make it again with rearrange.py, or take the file away",
        )
    return found


def _by_split(file: Path, labels: Any) -> dict[str, dict[str, _Video]]:
    """{split: {video}}, a video called by its label too, for names repeat among labels."""
    found: dict[str, dict[str, _Video]] = {"train": {}, "val": {}, "test": {}}
    for label, splits in _object(file, labels).items():
        for split, videos in _object(file, splits).items():
            inner = _object(file, videos)
            inner = next((inner[name] for name in _COMPRESSIONS if name in inner), inner)
            for name, video in _object(file, inner).items():
                frames = video.get("frames") if isinstance(video, dict) else None
                if isinstance(frames, list) and split in found:
                    chosen = tuple(map(str, frames[:: max(len(frames) // _FRAMES, 1)][:_FRAMES]))
                    found[split][f"{label}/{name}"] = _Video(name, str(video.get("label", label)), chosen)
    return found


def _family(set_name: str) -> str:
    """The name that sets about the same people have in common."""
    return next((family for family, begun in _FAMILIES.items() if set_name.startswith(begun)), set_name)


def _of_set(set_name: str, videos: Mapping[str, Mapping[str, _Video]], rooted: Rooted) -> Iterator[Row | LeftOut]:
    train, val, test = (videos[split] for split in ("train", "val", "test"))
    family = _family(set_name)
    theirs = bool(val) and not val.keys() & (train.keys() | test.keys())
    for name, video in {**val, **train}.items():
        sides = {hashed_split(f"{family}/{source}") for source in video.sources}
        if name in test:
            yield LeftOut(f"{set_name}/{name}", "it is of the set's test split too", fault=False)
        elif set_name in _UNTOLD:
            yield LeftOut(f"{set_name}/{name}", "the set does not say what it was made of", fault=False)
        elif not theirs and len(sides) > 1:
            yield LeftOut(f"{set_name}/{name}", "what it was made of is in different splits", fault=False)
        else:
            split = ("val" if name in val else "train") if theirs else sides.pop()
            for frame in video.frames:
                yield row_of(rooted.name(frame), partial(_label, family, video, split))


def _label(family: str, video: _Video, split: str) -> Label:
    group = f"{family}/{video.sources[0]}"
    if _REAL.fullmatch(video.label):
        return Label({"authenticity": "authentic"}, split, group)
    if _FAKE.fullmatch(video.label):
        return Label({"authenticity": "manipulated"}, split, group)
    raise LabelMissing(f"label is {video.label!r}, which ends in neither real nor fake and is none of FaceForensics++")
