"""Labelled photos to look for forgeries in, in several layouts: folders, DeepfakeBench's JSON, sets as their authors
publish them (`forensic_published`), and this project's Parquet files, of which only those photos are taken that no part
of the ensemble was trained on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from faceagent.errors import InputError
from faceagent_eval import forensic_published
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.forensic_item import Item, pictures
from faceagent_eval.sampling import evenly, thinned
from faceagent_finetune.nets.calibrate_forgery import MEASURED_ONLY
from faceagent_finetune.nets.forensic.crops import SOURCES, group_of, kind_of
from faceagent_finetune.nets.forgery_samples import fitted_on
from faceagent_finetune.nets.multitask.crops import read
from faceagent_tools.forensics.windows import KINDS

AUTHENTIC = ("authentic", "real", "original")
"""Names of a folder, or last words of a label, that say so; every other one names a generator."""
FRAMES = 32
"""Of each video, evenly spread, as DeepfakeBench tests on."""
LAYOUT = """\
DIR/                             folders
  authentic/ (real/, original/)
    **/*.jpg
  <name of a generator>/
    **/*.jpg
or DIR/                          DeepfakeBench
  Celeb-DF-v2.json               {set: {label: {split: {video: {"label", "frames": [paths]}}}}}, for some sets with
  <frames as the JSON names them>  {compression: {video: …}} below the split
or DIR/                          Parquet, those of these that are there (columns: image {bytes, path}, and labels)
""" + "\n".join((*(f"  {source.file}" for source in SOURCES.values()), *forensic_published.LAYOUTS))


def items(folder: Path, limit: int | None = None) -> list[Item]:
    """All photos of a data folder, in a fixed order.

    Args:
        limit: at most so many authentic photos of each set and of each generator, evenly spread.

    Raises:
        LayoutError: there is no photo, no authentic one, or a JSON file is not as expected.
        MissingExtra: there is a Parquet file and pyarrow is not installed.
    """
    try:
        published = forensic_published.items(folder)
    except InputError as error:
        raise LayoutError("forensics", error.message, LAYOUT) from None
    found = published or [*parquet(folder), *deepfakebench(folder)] or list(folders(folder))
    if not any(not item.forged for item in found):
        what = f"only forgeries are there, the first is {found[0].name}" if found else f"{folder} holds none of these"
        raise LayoutError("forensics", what, LAYOUT)
    return found if limit is None else thinned(found, limit, by=lambda item: (item.set, item.generator))


def folders(folder: Path) -> Iterator[Item]:
    """Photos of DIR/authentic and of DIR/GENERATOR, at any depth."""
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        generator = "" if part.name.casefold() in AUTHENTIC else part.name
        for path in pictures(part):
            name = path.relative_to(folder).as_posix()
            yield Item(name, path, folder.resolve().name, generator, split="", group=name)


def deepfakebench(folder: Path) -> Iterator[Item]:
    """Frames of the test split (or val, or what there is) of every DIR/*.json that DeepfakeBench's preprocessing wrote.

    Raises:
        LayoutError: a file is not as expected.
    """
    for path in sorted(folder.glob("*.json")):
        try:
            videos = list(_videos(path, json.loads(path.read_text(encoding="utf-8"))))
        except ValueError as error:
            raise LayoutError("forensics", f"{path.name} is no JSON ({error})", LAYOUT) from error
        splits = {place[2] for place, _ in videos}
        split = next((name for name in ("test", "val", *sorted(splits)) if name in splits), "")
        for place, video in videos:
            if place[2] == split:
                yield from _frames(folder, place, video)


Place = tuple[str, ...]
"""Keys of a video: set, label, split, compression where there is one, name."""


def _videos(path: Path, node: Any, place: Place = ()) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    # DFDC.json has one video in place of its whole val split: rearrange.py overwrites the split with each.
    if not isinstance(node, dict) or len(place) > 5 or ("frames" in node) > (len(place) in (3, 4, 5)):
        where = " > ".join(place) or "the outermost level"
        raise LayoutError("forensics", f"{path.name}: at {where} it is not {{set: {{label: {{split: …", LAYOUT)
    if "frames" in node:
        yield (place if len(place) > 3 else (*place, place[2])), node
        return
    for key, child in node.items():
        yield from _videos(path, child, (*place, key))


def _frames(folder: Path, place: Place, video: Mapping[str, Any]) -> Iterator[Item]:
    label = str(video.get("label", place[1]))
    authentic = re.split(r"[-_]", label.casefold())[-1] in AUTHENTIC
    # Each compression is a set of its own: forgeries of one are not held against authentic videos of another.
    name = " ".join((place[0], *place[3:-1]))
    # A video without frames counts as one that is missing.
    frames = sorted(str(frame).replace("\\", "/") for frame in video["frames"]) or [place[-1]]
    for frame in evenly(frames, FRAMES):
        yield Item(
            name=frame,
            photo=folder / PurePosixPath(frame),
            set=name,
            generator="" if authentic else label,
            split=place[2],
            group=f"{name} {label} {place[-1]}",
            frame=True,
        )


def parquet(folder: Path) -> Iterator[Item]:
    """The val photos of the files that the forensic network and its calibration know, as far as they are there."""
    for name, source in SOURCES.items():
        if not (folder / source.file).is_file():
            continue
        for row in read(folder / source.file):
            if source.val(row):
                group, kind = f"{name} {group_of(row, source)}", kind_of(row, source)
                fitted = fitted_on(group) and name not in MEASURED_ONLY
                yield Item(
                    name=f"{name} {row['image']['path']}",
                    photo=row["image"]["bytes"],
                    set=name,
                    generator="" if kind == KINDS[0] else kind,
                    split="calibration" if fitted else "val",
                    group=group,
                )
