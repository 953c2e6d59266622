"""Sets of authentic and forged photos in the layouts of their authors.

AI-Face (Lin et al. 2025), version 2: test.csv with the columns that the README of Purdue-M2/AI-Face-FairnessBench
lists. Images are found at the ends of their paths below the folder. Version 1 has other columns, and other codes.

Deepfake-Eval-2024 (Chandra et al. 2025), images: image-metadata-publish.csv (Filename; Ground Truth: Real, Fake or
Unknown; Finetuning Set: Train or Test) beside image-data/, as huggingface.co/datasets/nuriachandra/Deepfake-Eval-2024
has them. Of the test part; rows of unknown truth are told and no part of the benchmark.

MultiFakeVerse (Gupta et al. 2025): what the scripts of Parul-Gupta/MultiFakeVerse write and read: splits.json, the
authentic photos in real_data/, the edits of NAME.jpg as EDITOR_images/MODEL_SET/NAME_NUMBER.jpg. Of the test split,
in which an edit goes with its photo.

DFF (Song et al. 2023, OpenRL-Lab/DeepFakeFace): the four archives of the set, unpacked; the authentic one is wiki.
GPT4MF (Jia et al. 2024, shanface33/GPT4MF_UB): the folders that its README shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_eval.forensic_item import Item, pictures
from faceagent_finetune.corpus.sources.published import Rooted, csv_rows

_AI_FACE = ("Image Path", "Gender", "Age", "Skin Tone", "Intersection", "Target")
_GENDERS = {"0": "female", "1": "male"}
_AGES = {"0": "child", "1": "youth", "3": "adult", "4": "middle-aged", "5": "senior"}
_INTERSECTIONS = [f"{gender}, {tone}" for gender in ("female", "male") for tone in ("light", "medium", "dark")]
_FAMILIES = ("deepfakes", "GANs", "DMs", "Real")
_EVAL_2024 = "image-metadata-publish.csv"
_FOLDERS = {
    "DFF": ("wiki", ("text2img", "inpainting", "insight")),
    "GPT4MF": (
        "Real_512Size",
        ("StyleGAN_raw_512size", "StyleGAN_pped_256size", "LD_raw_512Size", "LD_pped_256Size"),
    ),
}
"""By set: the folder of authentic photos, and those of forgeries, of which one has to be there."""
LAYOUTS = (
    "or DIR/                          AI-Face (version 2)",
    f"  test.csv                       {', '.join(_AI_FACE)}",
    "  <images as the CSV names them> deepfakes/dfdc/…, GANs/AttGAN/…, DMs/Palette/…, Real/FFHQ/…",
    "or DIR/                          Deepfake-Eval-2024",
    f"  {_EVAL_2024}     Filename, Ground Truth, Finetuning Set",
    "  image-data/<Filename>",
    "or DIR/                          MultiFakeVerse",
    '  splits.json                    {"test": {"PISC": ["02002.jpg", …]}}',
    "  real_data/PISC_Dataset/**/02002.jpg",
    "  gemini_images/gemini-2.0-flash_PISC/02002_2.jpg",
    *(
        f"or DIR/                          {name}: {real}/ (authentic), {', '.join(f'{one}/' for one in forged)}"
        for name, (real, forged) in _FOLDERS.items()
    ),
)


def items(folder: Path) -> list[Item]:
    """The photos of the first of these layouts that the folder has; none where it has none of them.

    Raises:
        InputError: a CSV or JSON file of a set is not as expected.
    """
    if (folder / "test.csv").is_file():
        return list(_ai_face(folder))
    if _is_deepfake_eval(folder):
        return list(_deepfake_eval(folder))
    if (folder / "splits.json").is_file() and (folder / "real_data").is_dir():
        return list(_multifakeverse(folder))
    for name, (real, forged) in _FOLDERS.items():
        here = [one for one in forged if (folder / one).is_dir()]
        if here and (folder / real).is_dir():
            return [item for part in (real, *here) for item in _of_folder(folder, part, name, real)]
    return []


def notes(folder: Path) -> tuple[str, ...]:
    """What of the set that `items` gives is left out, by line and not by name."""
    rows = _deepfake_eval_rows(folder) if _is_deepfake_eval(folder) else ()
    unknown = [str(number) for number, _, truth in rows if truth == "unknown"]
    what = f"{len(unknown)} photos of unknown truth are left out: lines {', '.join(unknown)} of {_EVAL_2024}."
    return (what,) if unknown else ()


def _is_deepfake_eval(folder: Path) -> bool:
    return (folder / _EVAL_2024).is_file() and not (folder / "test.csv").is_file()


def _ai_face(folder: Path) -> Iterator[Item]:
    rooted = Rooted(folder)
    for number, row in enumerate(csv_rows(folder / "test.csv", _AI_FACE), start=2):
        path, target = row["Image Path"] or "", row["Target"]
        if target not in ("0", "1"):
            raise InputError(f"line {number} of test.csv: `Target` is {target!r}, neither 0 nor 1")
        parts = path.replace("\\", "/").split("/")
        place = next((place for place, part in enumerate(parts[:-2]) if part in _FAMILIES), None)
        made = parts[place + 1] if place is not None else "".join(parts[-2:-1])
        name = rooted.name(path)
        yield Item(
            name=name,
            photo=folder / name,
            set="AI-Face",
            generator="" if target == "0" else made or "generated",
            split="test",
            group=name,
            people=tuple(_people(row)),
        )


def _people(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is known of the person; a code that the README does not list says nothing."""
    crossed = dict(zip("012345", _INTERSECTIONS, strict=True))
    for name, column, words in (
        ("gender", "Gender", _GENDERS),
        ("age", "Age", _AGES),
        ("gender and skin tone", "Intersection", crossed),
    ):
        if (code := row[column]) in words:
            yield name, words[code]
    if (tone := row["Skin Tone"] or "").isdigit():
        yield "skin tone (Monk)", tone.zfill(2)


def _deepfake_eval(folder: Path) -> Iterator[Item]:
    for _, name, truth in _deepfake_eval_rows(folder):
        if truth != "unknown":
            yield Item(
                name=name,
                photo=folder / "image-data" / name,
                set="Deepfake-Eval-2024",
                generator="" if truth == "real" else "circulated",
                split="test",
                group=name,
            )


def _deepfake_eval_rows(folder: Path) -> Iterator[tuple[int, str, str]]:
    """Line, name and truth of the test part."""
    columns = ("Filename", "Ground Truth", "Finetuning Set")
    for number, row in enumerate(csv_rows(folder / _EVAL_2024, columns), start=2):
        name, truth, part = (str(row[key]).strip() for key in columns)
        if truth.casefold() not in ("real", "fake", "unknown"):
            what = f"`Ground Truth` is {truth!r}, neither Real nor Fake nor Unknown"
            raise InputError(f"line {number} of {_EVAL_2024}: {what}")
        if part.casefold() == "test":
            yield number, name, truth.casefold()


def _multifakeverse(folder: Path) -> Iterator[Item]:
    test = _test_names(folder / "splits.json")
    for path in pictures(folder / "real_data"):
        of = path.relative_to(folder / "real_data").parts[0].removesuffix("_Dataset").removesuffix("_dataset")
        if path.name in test.get(of, ()):
            yield _edit_or_original(folder, path, "", f"{of} {path.name}")
    for part in sorted(folder.glob("*_images/*_*")):
        model, _, of = part.name.partition("_")
        for path in pictures(part):
            original = f"{path.stem.rpartition('_')[0]}{path.suffix}"
            if original in test.get(of, ()):
                editor = part.parent.name.removesuffix("_images")
                yield _edit_or_original(folder, path, f"{editor}, asked by {model}", f"{of} {original}")


def _edit_or_original(folder: Path, path: Path, generator: str, group: str) -> Item:
    name = path.relative_to(folder).as_posix()
    return Item(name=name, photo=path, set="MultiFakeVerse", generator=generator, split="test", group=group)


def _test_names(path: Path) -> dict[str, frozenset[str]]:
    """The names of the test photos of each set that the photos come from."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path.name} is no JSON ({error})") from error
    test = found.get("test") if isinstance(found, dict) else None
    if not isinstance(test, dict) or not all(isinstance(names, list) for names in test.values()):
        raise InputError(f'{path.name} has no "test": {{set: [names]}}')
    return {name: frozenset(map(str, names)) for name, names in test.items()}


def _of_folder(folder: Path, part: str, name: str, real: str) -> Iterator[Item]:
    for path in pictures(folder / part):
        at = path.relative_to(folder).as_posix()
        yield Item(name=at, photo=path, set=name, generator="" if part == real else part, split="", group=at)
