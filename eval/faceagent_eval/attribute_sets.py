"""Photos with age, gender, ethnicity or CelebA's attributes, as their authors publish them.

FairFace (github.com/joojs/fairface, README.md): fairface_label_val.csv with file, age, gender, race beside val/.
UTKFace (susanqq.github.io/UTKFace): [age]_[gender]_[race]_[date&time].jpg; it has no split. CelebA (read as
torchvision/datasets/celeba.py does): list_attr_celeba.txt (a count, the names, a line an image), of which those count
that list_eval_partition.txt puts into the test part. IMDB-Clean (github.com/yiminglin-ai/imdb-clean, README.md and
create_imdb_clean_1024.py): imdb_test_new_1024.csv with filename, age, gender (M or F) and x_min, y_min, x_max, y_max of
the face in the photos of imdb-clean-1024/. Casual Conversations (Hazirbas et al. 2021, arXiv:2104.02821):
CasualConversations.json, {"1140": {"label": {"age": "34", "gender": "Female", "skin-type": "3"}, "files":
["CasualConversationsA/1140/1140_00.MP4"], "dark_files": […]}}; age and gender are what people say of themselves, the
skin type (Fitzpatrick's, 1 to 6) is what others saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from faceagent.types import Box
from faceagent_eval.photo_sets import Item, PhotoBenchmark, numbers
from faceagent_finetune.corpus.labelled import LabelMissing, band
from faceagent_finetune.corpus.sources import utkface
from faceagent_finetune.corpus.sources.published import images_below
from faceagent_finetune.nets.multitask import labels
from faceagent_tools.multitask import ATTRIBUTES, RACES

LAYOUT = """\
DIR/                             those that are there
  fairface/                      FairFace
    fairface_label_val.csv       file,age,gender,race,service_test
    val/1.jpg
  UTKFace/                       in one or several folders
    25_0_2_20170116174525125.jpg [age]_[gender]_[race]_[date&time].jpg
  celeba/                        CelebA
    list_attr_celeba.txt, list_eval_partition.txt
    img_align_celeba/000001.jpg
  CasualConversations/           Casual Conversations
    CasualConversations.json     (or below CC_annotations/)
    CasualConversationsA/1140/1140_00.MP4
  imdb-clean/                    IMDB-Clean
    imdb_test_new_1024.csv       (or below csvs/) filename,age,gender,x_min,y_min,x_max,y_max
    imdb-clean-1024/00/nm0000100_rm12818688_1955-1-6_2003.jpg    (or below data/)"""
_BOX = ("x_min", "y_min", "x_max", "y_max")
_UNSTATED = ("", "n/a", "none")
_CASUAL_AGES = ((30, "18-30"), (45, "31-45"), (85, "46-85"))
"""Last year and name of the groups of its paper."""
_SECOND = 30  # frames: the videos have 30 a second
_GENDERS = {"M": "male", "F": "female"}


@dataclass(frozen=True)
class Labelled(Item):
    """What a set says of the face; None or empty where it says nothing.

    age: years. band: FairFace's age group. gender: "male" or "female". races: FairFace's groups that the label may
    stand for. attributes: those of CelebA that are so. box: where the face is. people: what rates are told by. frame:
    of a video, from 1; None of a photo.
    """

    age: float | None = None
    band: str | None = None
    gender: str | None = None
    races: tuple[str, ...] = ()
    attributes: tuple[str, ...] | None = None
    box: Box | None = None
    people: Mapping[str, str] = field(default_factory=dict)
    frame: int | None = None


Reader = PhotoBenchmark[Any, Any]
Rows = Iterator[Labelled | LabelMissing]
"""What is measured, and why a photo is not."""


def of_fairface(reader: Reader, root: Path) -> Rows:
    """
    Raises:
        LayoutError: a label is none that the set has; see `PhotoBenchmark.rows`.
    """
    for line in reader.rows(root / "fairface_label_val.csv", "file", "age", "gender", "race"):
        group = "70+" if line["age"] == "more than 70" else line["age"]
        gender, race = (line["gender"] or "").lower(), line["race"]
        if group not in labels.GROUPS or gender not in _GENDERS.values() or race not in RACES:
            raise reader.mismatch(f"fairface_label_val.csv has {group!r}, {gender!r}, {race!r} of {line['file']}")
        people = {"age": group, "gender": gender, "race": race}
        yield Labelled(root / line["file"], "FairFace", band=group, gender=gender, races=(race,), people=people)


def of_utkface(reader: Reader, root: Path) -> Rows:
    """Some names lack a label: those photos are left out, and counted."""
    for name in images_below(root):
        try:
            said = utkface.values(name)
        except LabelMissing as missing:
            yield missing
            continue
        people = {"age": band(said["age"]), "gender": said["gender"], "race": said["race"]}
        races = labels.UTK_RACES[said["race"]]
        yield Labelled(
            root / name, "UTKFace", age=float(said["age"]), gender=said["gender"], races=races, people=people
        )


def of_celeba(reader: Reader, root: Path) -> Rows:
    """
    Raises:
        LayoutError: a line is not as published, or the attributes are not the forty.
    """
    parts = dict(
        _pair(reader, "list_eval_partition.txt", line) for line in reader.lines(root / "list_eval_partition.txt")
    )
    _, header, *lines = [*reader.lines(root / "list_attr_celeba.txt"), "", ""]
    names = header.split()
    if set(names) != set(ATTRIBUTES):
        raise reader.mismatch("line 2 of list_attr_celeba.txt is not the names of the forty attributes")
    for number, line in enumerate(filter(None, lines), start=3):
        photo, *marks = line.split() or [""]
        if len(marks) != len(names) or not {"1", "-1"} >= set(marks):
            raise reader.mismatch(f"line {number} of list_attr_celeba.txt is not a photo and forty of 1 and -1")
        if parts.get(photo) == "2":
            so = {name for name, mark in zip(names, marks, strict=True) if mark == "1"}
            people = {"gender": "male" if "Male" in so else "female", "age": "young" if "Young" in so else "not young"}
            found = tuple(name for name in ATTRIBUTES if name in so)
            yield Labelled(root / "img_align_celeba" / photo, "CelebA", attributes=found, people=people)


def of_imdb_clean(reader: Reader, root: Path) -> Rows:
    """
    Raises:
        LayoutError: a line lacks the age, the gender or the box.
    """
    name = "imdb_test_new_1024.csv"
    table = next((path for path in (root / name, root / "csvs" / name) if path.is_file()), root / name)
    photos = next(
        (path for path in (root / "imdb-clean-1024", root / "data" / "imdb-clean-1024") if path.is_dir()), root
    )
    for line in reader.rows(table, "filename", "age", "gender", *_BOX):
        told = numbers([line["age"], *(line[side] for side in _BOX)])
        if told is None or line["gender"] not in _GENDERS or told[1] >= told[3] or told[2] >= told[4]:
            raise reader.mismatch(f"{name} has no age, gender (M, F) and box of {line['filename']}")
        age, x0, y0, x1, y1 = told
        gender = _GENDERS[line["gender"]]
        people = {"age": band(int(age)), "gender": gender}
        box = Box(x0=x0, y0=y0, x1=x1, y1=y1)
        yield Labelled(photos / line["filename"], "IMDB-Clean", age=age, gender=gender, box=box, people=people)


def of_casual_conversations(reader: Reader, root: Path) -> Rows:
    """One frame of each video, a second from its start.

    Raises:
        LayoutError: the file is missing, or not as published.
    """
    name = "CasualConversations.json"
    path = next((path for path in (root / "CC_annotations" / name, root / name) if path.is_file()), root / name)
    try:
        for subject in reader.document(path).values():
            label, dark = subject["label"], set(subject.get("dark_files", ()))
            gender = str(label["gender"]).lower()
            known = {"gender": gender} if gender not in _UNSTATED else {}
            years = str(label["age"])
            if years.isdecimal():
                known["age"] = next((group for last, group in _CASUAL_AGES if int(years) <= last), _CASUAL_AGES[-1][1])
            for file in subject["files"]:
                people = {**known, "skin type": str(label["skin-type"]), "light": "dark" if file in dark else "bright"}
                yield Labelled(
                    root / file,
                    "Casual Conversations",
                    age=float(years) if years.isdecimal() else None,
                    gender=gender if gender in _GENDERS.values() else None,
                    people=people,
                    frame=_SECOND,
                )
    except (AttributeError, KeyError, TypeError) as error:
        raise reader.mismatch(f"{name} has somebody without label and files ({error})") from None


def _pair(reader: Reader, file: str, line: str) -> tuple[str, str]:
    words = line.split()
    if len(words) != 2:
        raise reader.mismatch(f"{file} has a line that is not a photo and a part: {line[:40]!r}")
    return words[0], words[1]


SETS: Mapping[str, Callable[[Reader, Path], Rows]] = MappingProxyType(
    {
        "fairface": of_fairface,
        "UTKFace": of_utkface,
        "celeba": of_celeba,
        "imdb-clean": of_imdb_clean,
        "CasualConversations": of_casual_conversations,
    }
)
"""By the folder that a set lies in."""
