"""Photos with an expression, or with valence and arousal, as their authors publish them.

FER+ (github.com/microsoft/FERPlus): see `faceagent_finetune.corpus.sources.ferplus`; the test part is PrivateTest.
RAF-DB (whdeng.cn/RAF/model1.html): basic/EmoLabel/list_patition_label.txt, "test_0001.jpg 4" (1 surprise, 2 fear,
3 disgust, 4 happiness, 5 sadness, 6 anger, 7 neutral); aligned photos are called test_0001_aligned.jpg;
Annotation/manual/test_0001_manu_attri.txt has five points, then gender (0 male, 1 female, 2 unsure), race (0 Caucasian,
1 African-American, 2 Asian) and age group (0-3, 4-19, 20-39, 40-69, 70+). AffectNet (Mollahosseini et al. 2017):
validation.csv; or since 2021 val_set/annotations/N_exp.npy, N_val.npy, N_aro.npy beside val_set/images/N.jpg; or
folders of one expression each (`faceagent_finetune.corpus.sources.affectnet`). Aff-Wild2 of the ABAW challenges
(Kollias et al., ibug.doc.ic.ac.uk/resources/aff-wild2): a text file a video in VA_Estimation_Challenge/Validation_Set
("valence,arousal", then a line a frame; -5: not annotated) and in EXPR_Recognition_Challenge/Validation_Set (the names,
then a number a frame; -1: not annotated); frames are cropped_aligned/VIDEO/00001.jpg. EmoNet-Face HQ (Schuhmann et al.
2025, huggingface.co/datasets/laion/emonet-face-hq, and data/hq.csv of github.com/LAION-AI/emonet-face): Parquet files
with the photo in the column path and in label what each expert rated, "[{'human-1': {'Family|Emotion': 0-7}}]".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from faceagent.errors import FaceAgentError, MissingExtra
from faceagent_eval.photo_sets import Item, PhotoBenchmark, numbers
from faceagent_finetune.corpus.labelled import LabelMissing, Row
from faceagent_finetune.corpus.sources import affectnet, ferplus
from faceagent_tools.emotion_words import WORDS
from faceagent_tools.multitask import EMOTIONS

LAYOUT = """\
DIR/                             those that are there
  FERPlus/                       FER+
    fer2013new.csv, fer2013.csv  or in place of the second FER2013Test/*.png
  RAF-DB/basic/                  RAF-DB
    EmoLabel/list_patition_label.txt
    Image/aligned/test_0001_aligned.jpg     (or Image/original/test_0001.jpg)
    Annotation/manual/test_0001_manu_attri.txt
  AffectNet/                     AffectNet, in one of three layouts
    validation.csv (or Manually_Annotated_file_lists/validation.csv), Manually_Annotated_Images/689/1.jpg
    val_set/images/0.jpg, val_set/annotations/0_exp.npy, 0_val.npy, 0_aro.npy
    val/0/1.jpg                  a folder for each expression, by number or name
  Aff-Wild2/                     ABAW
    VA_Estimation_Challenge/Validation_Set/*.txt, EXPR_Recognition_Challenge/Validation_Set/*.txt (at any depth)
    cropped_aligned/VIDEO/00001.jpg
  emonet-face-hq/                EmoNet-Face HQ
    data/*.parquet               path {bytes, path}, label"""
RAF = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""RAF-DB's numbers, from 1."""
ABAW = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
"""Aff-Wild2's numbers, from 0; the product has no word for the last."""
EMONET: Mapping[str, str] = MappingProxyType(
    {
        "anger": "Anger",
        "contempt": "Contempt",
        "disgust": "Disgust",
        "fear": "Fear",
        "sadness": "Sadness",
        "surprise": "Astonishment/Surprise",
        "happiness": "Elation",
    }
)
"""Of the forty emotions of EmoNet-Face those that one of the eight expressions stands for: six by their name, elation
as its authors map it when they evaluate on AffectNet (eval/config.py). It has no neutral."""
_RAF_PEOPLE: Sequence[tuple[str, Sequence[str]]] = (
    ("gender", ("male", "female")),
    ("race", ("Caucasian", "African-American", "Asian")),
    ("age", ("0-3", "4-19", "20-39", "40-69", "70+")),
)
_AFFECTNET_USED = range(8)  # beyond: none, uncertain, no face


@dataclass(frozen=True)
class Labelled(Item):
    """What a set says of the face; None or empty where it says nothing.

    looks: the expressions that are right, several where votes tie. among: the set's classes that the product has a word
    for. valence, arousal: -1 to 1. ratings: mean of the experts' ratings, 0-7, by expression. people: what rates are
    told by. place: where the photo is in a file of many: a byte, or a row of a Parquet file.
    """

    looks: tuple[str, ...] = ()
    among: tuple[str, ...] = EMOTIONS
    valence: float | None = None
    arousal: float | None = None
    ratings: Mapping[str, float] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    place: int | None = None


Reader = PhotoBenchmark[Any, Any]
Rows = Iterator[Labelled | LabelMissing]
"""What is measured, and why a photo is not."""


def of_ferplus(reader: Reader, root: Path) -> Rows:
    """Photos that most call no face, or an expression that they do not know, are left out, as FER+'s authors do.

    Raises:
        LayoutError: a file or a column is missing.
    """
    pixels = root / "fer2013.csv"
    try:
        places = ferplus.line_starts(pixels) if pixels.is_file() else None
        for line in reader.rows(root / "fer2013new.csv", "Usage", "Image name", *ferplus.COLUMNS[:-1]):
            place = next(places) if places else None
            if line["Usage"] == "PrivateTest" and line["Image name"]:
                yield _voted(root, line, place)
    except (StopIteration, FaceAgentError) as error:
        raise reader.mismatch(getattr(error, "message", "fer2013.csv has fewer lines than fer2013new.csv")) from None


def _voted(root: Path, line: Mapping[str, str], place: int | None) -> Labelled | LabelMissing:
    # A single vote is noise and left out, as the authors of FER+ do.
    votes = {name: int(line[name] or 0) for name in (*EMOTIONS, "unknown", "NF")}
    most = max(votes.values())
    looks = tuple(name for name in EMOTIONS if votes[name] == most > 1)
    if not looks:
        return LabelMissing("most call it no face or no expression that they know")
    photo = root / "fer2013.csv" if place is not None else root / "FER2013Test" / line["Image name"]
    return Labelled(photo, "FER+", looks=looks, place=place)


def of_raf(reader: Reader, root: Path) -> Rows:
    """
    Raises:
        LayoutError: the list is missing, or a line of it is not as published.
    """
    basic = root / "basic" if (root / "basic").is_dir() else root
    aligned = (basic / "Image" / "aligned").is_dir()
    for number, line in enumerate(reader.lines(basic / "EmoLabel" / "list_patition_label.txt"), start=1):
        name, _, code = line.partition(" ")
        if code.strip() not in map(str, range(1, len(RAF) + 1)):
            raise reader.mismatch(f"line {number} of list_patition_label.txt is not a photo and a number of 1-7")
        if name.startswith("test"):
            stem = name.rpartition(".")[0]
            photo = basic / "Image" / ("aligned" if aligned else "original") / f"{stem}{'_aligned' * aligned}.jpg"
            people = _raf_people(basic / "Annotation" / "manual" / f"{stem}_manu_attri.txt")
            yield Labelled(photo, "RAF-DB", looks=(RAF[int(code) - 1],), among=RAF, people=people)


def _raf_people(path: Path) -> dict[str, str]:
    codes = path.read_text(encoding="utf-8").split()[-3:] if path.is_file() else []
    told = zip(_RAF_PEOPLE, codes, strict=False)
    return {key: names[int(code)] for (key, names), code in told if code.isdecimal() and int(code) < len(names)}


def of_affectnet(reader: Reader, root: Path) -> Rows:
    """
    Raises:
        LayoutError: none of the three layouts is there, or a label cannot be read.
    """
    table = next((root / at for at in ("validation.csv", _LISTED) if (root / at).is_file()), None)
    if table is not None:
        for line in reader.rows(table, "subDirectory_filePath", "expression", "valence", "arousal"):
            photo = root / "Manually_Annotated_Images" / line["subDirectory_filePath"]
            yield _affect(reader, photo, [line[key] for key in ("expression", "valence", "arousal")])
    elif (root / "val_set" / "annotations").is_dir():
        for path in sorted((root / "val_set" / "annotations").glob("*_exp.npy")):
            stem = path.name.removesuffix("_exp.npy")
            told = [_single(reader, path.with_name(f"{stem}_{part}.npy")) for part in ("exp", "val", "aro")]
            yield _affect(reader, root / "val_set" / "images" / f"{stem}.jpg", told)
    else:
        yield from _affect_folders(reader, root)


_LISTED = "Manually_Annotated_file_lists/validation.csv"


def _affect(reader: Reader, photo: Path, words: Sequence[str]) -> Labelled | LabelMissing:
    told = numbers(words)
    if told is None:
        raise reader.mismatch(f"the labels of {photo.name} are {', '.join(words)} and not three numbers")
    code, valence, arousal = told
    if code not in _AFFECTNET_USED:
        return LabelMissing("none of the eight expressions", fault=False)
    known = -1 <= valence <= 1 and -1 <= arousal <= 1
    looks = (affectnet.BY_NUMBER[int(code)],)
    return Labelled(
        photo, "AffectNet", looks=looks, valence=valence if known else None, arousal=arousal if known else None
    )


def _affect_folders(reader: Reader, root: Path) -> Rows:
    by_look = {look: name for name, look in WORDS.items()}
    try:
        for row in affectnet.published(root):
            if isinstance(row, Row) and row.label.split == "val":
                yield Labelled(root / row.name, "AffectNet", looks=(by_look[row.label.facts["expression"]],))
    except FaceAgentError as error:
        raise reader.mismatch(error.message) from None


def _single(reader: Reader, path: Path) -> str:
    try:
        return str(np.load(path, allow_pickle=False).item())
    except (OSError, ValueError) as error:
        raise reader.mismatch(f"{path.name} does not hold one number ({error})") from None


def of_affwild2(reader: Reader, root: Path) -> Rows:
    """Frames that are not annotated are no items.

    Raises:
        LayoutError: a line is not as published.
    """
    for path in frame_lists(root, "VA_Estimation_Challenge"):
        for photo, words in frames(reader, root, path):
            told = numbers(words)
            if told is None or len(told) != 2:
                raise reader.mismatch(f"{path.name} has a line that is not valence,arousal: {','.join(words)[:40]!r}")
            if min(told) >= -1:
                yield Labelled(photo, "Aff-Wild2 VA", valence=told[0], arousal=told[1])
    for path in frame_lists(root, "EXPR_*_Challenge"):
        for photo, words in frames(reader, root, path):
            told = numbers(words)
            if told is None or len(told) != 1 or told[0] not in range(-1, len(ABAW)):
                raise reader.mismatch(
                    f"{path.name} has a line that is not a number of -1 to 7: {','.join(words)[:40]!r}"
                )
            if told[0] >= 0:
                yield Labelled(photo, "Aff-Wild2 EXPR", looks=(ABAW[int(told[0])],), among=ABAW[:-1])


def frame_lists(root: Path, challenge: str) -> list[Path]:
    """The text files of a challenge's validation part, one a video."""
    return sorted(root.rglob(f"{challenge}/Validation_Set/*.txt"))


def frames(reader: Reader, root: Path, path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Of a video's list each frame's photo, and the words of its line."""
    for number, line in enumerate(islice(reader.lines(path), 1, None), start=1):
        yield root / "cropped_aligned" / path.stem / f"{number:05d}.jpg", line.strip().split(",")


def of_emonet(reader: Reader, root: Path) -> Rows:
    """
    Raises:
        LayoutError: a column is missing, or a label is not as published.
        MissingExtra: pyarrow, which comes with the extra `eval`, is not installed.
    """
    for path in sorted(root.rglob("*.parquet")):
        for place, label in enumerate(_column(reader, path, "label")):
            yield Labelled(path, "EmoNet-Face HQ", ratings=_ratings(reader, path, label), place=place)


def encoded(item: Labelled, place: int) -> bytes:
    """The photo of an item that is in a file of many.

    Raises:
        MediaError: its line of fer2013.csv does not hold a photo.
    """
    if item.photo.suffix == ".csv":
        return ferplus.pixels_at(item.photo, place, f"{item.photo.name}, byte {place}")
    for group, rows in enumerate(_groups(item.photo)):
        if place < rows:
            return bytes(_photos(item.photo, group)[place]["bytes"])
        place -= rows
    raise IndexError(place)


@lru_cache(maxsize=8)
def _groups(path: Path) -> list[int]:
    from pyarrow import parquet  # by now it is known to be here

    told = parquet.read_metadata(path)
    return [told.row_group(group).num_rows for group in range(told.num_row_groups)]


@lru_cache(maxsize=1)
def _photos(path: Path, group: int) -> list[Any]:
    from pyarrow import parquet

    found: list[Any] = parquet.ParquetFile(path).read_row_group(group, columns=["path"])["path"].to_pylist()
    return found


def _column(reader: Reader, path: Path, name: str) -> list[Any]:
    try:
        from pyarrow import ArrowInvalid, parquet  # imported where used: it is an optional package
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "eval") from None
    try:
        found: list[Any] = parquet.read_table(path, columns=[name])[name].to_pylist()
    except (ArrowInvalid, KeyError) as error:
        raise reader.mismatch(f"{path.name} has no column {name} ({error})") from None
    return found


def _ratings(reader: Reader, path: Path, label: Any) -> dict[str, float]:
    """The mean rating of each emotion that an expression stands for."""
    try:
        experts = [ratings for entry in ast.literal_eval(label) for ratings in entry.values()]
        if not experts:
            raise ValueError("nobody rated it")
        by_name = [{key.rpartition("|")[2]: float(value) for key, value in one.items()} for one in experts]
        return {look: float(np.mean([one[name] for one in by_name])) for look, name in EMONET.items()}
    except (ValueError, SyntaxError, TypeError, KeyError, AttributeError):
        raise reader.mismatch(f"a label of {path.name} is not a list of experts and their ratings") from None


SETS: Mapping[str, Callable[[Reader, Path], Rows]] = MappingProxyType(
    {
        "FERPlus": of_ferplus,
        "RAF-DB": of_raf,
        "AffectNet": of_affectnet,
        "Aff-Wild2": of_affwild2,
        "emonet-face-hq": of_emonet,
    }
)
"""By the folder that a set lies in."""
