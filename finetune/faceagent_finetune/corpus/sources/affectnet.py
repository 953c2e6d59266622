"""AffectNet (Mollahosseini et al. 2017) and sets laid out like it: one annotator's word for an expression.

As published: training.csv and validation.csv (also in Manually_Annotated_file_lists/) with the columns
subDirectory_filePath and expression (0 neutral, 1 happiness, 2 sadness, 3 surprise, 4 fear, 5 disgust, 6 anger,
7 contempt, 8 none, 9 uncertain, 10 no face), beside Manually_Annotated_Images/. Or, as it is usually passed on (as in
github.com/UTS-SSTC/Facial-Emotion-Recognition-HCI, data/affectNet/README.md): train/ and val/ with a folder for each
expression, called by its number or by its name. Images of test/ are left out. Or, as its authors pass it on since,
train_set/ and val_set/ with images/0.jpg and, of each, annotations/0_exp.npy, which holds the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from faceagent.errors import UsageError
from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import (
    TEST,
    csv_rows,
    expect,
    images_below,
    listing,
    one_of,
    row_of,
)
from faceagent_tools.emotion_words import WORDS

FOLDER = "affectnet"
LICENCE = "AffectNet agreement: non-commercial research only, not to be passed on"
CONSENT = "photos from the web; the people shown were not asked"
BY_NUMBER = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
_BY_NAME = {name: name for name in WORDS} | {look: name for name, look in WORDS.items()}
_UNUSED = {"8": "none of the eight expressions", "9": "uncertain", "10": "no face"}
_SPLITS = {"train": "train", "train_set": "train", "val": "val", "val_set": "val", "valid": "val", "validation": "val"}
_LISTS = {"training.csv": "train", "validation.csv": "val"}
_LISTED, _IMAGES = "Manually_Annotated_file_lists", "Manually_Annotated_Images"


def published(root: Path) -> Iterator[Row | LeftOut]:
    """
    Raises:
        UsageError: neither layout is there. InputError: a list lacks a column.
    """
    expect(root)
    for folder in (root, root / _LISTED):
        if (folder / "training.csv").is_file():
            yield from _listed(root, folder)
            return
    yield from _sorted(root)


def _listed(root: Path, lists: Path) -> Iterator[Row | LeftOut]:
    images = one_of(root, _IMAGES, f"Manually_Annotated/{_IMAGES}").relative_to(root).as_posix()
    for file, split in _LISTS.items():
        if (lists / file).is_file():
            for line in csv_rows(lists / file, ("subDirectory_filePath", "expression")):
                name = f"{images}/{line['subDirectory_filePath']}"
                yield row_of(name, partial(label, name, line["expression"] or "", split))


def _sorted(root: Path) -> Iterator[Row | LeftOut]:
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and path.name.lower() in _SPLITS]
    if not folders:
        raise UsageError(
            f"{root}: expected training.csv, or train/ and val/ with a folder for each expression or "
            f"with images/ and annotations/; found {listing(root)}",
            "Unpack the set there, or name its folder in the recipe's [places]",
        )
    for folder in folders:
        for image in images_below(folder):
            name = f"{folder.name}/{image}"
            yield row_of(name, partial(_said, folder, image, name, _SPLITS[folder.name.lower()]))


def _said(folder: Path, image: str, name: str, split: str) -> Label:
    """
    Raises:
        LabelMissing: its annotation cannot be read, or see `label`.
    """
    said, _, file = image.partition("/")
    if said == "images":
        said = _annotated(folder / "annotations" / f"{Path(file).stem}_exp.npy")
    return label(name, said, split)


def _annotated(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            found = np.lib.format.read_array(stream, allow_pickle=False).astype(str).ravel()
    except (OSError, ValueError) as error:
        raise LabelMissing(f"annotations/{file.name} cannot be read ({error})") from None
    return " ".join(found[:2])


def label(name: str, expression: str, split: str) -> Label:
    """
    Args:
        expression: a number, or a name ("anger", "Angry").

    Raises:
        LabelMissing: it is none that the set knows, or none of the eight.
    """
    said = expression.strip().lower()
    if said in _UNUSED:
        raise LabelMissing(f"its label is: {_UNUSED[said]}", fault=False)
    if split == "test":
        raise LabelMissing(TEST, fault=False)
    known = BY_NUMBER[int(said)] if said.isdecimal() and int(said) < len(BY_NUMBER) else _BY_NAME.get(said)
    if known is None:
        raise LabelMissing(f"expression is {expression!r}, which the set does not have")
    return Label({"expression": WORDS[known]}, split, name)
