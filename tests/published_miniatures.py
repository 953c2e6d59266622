"""A miniature of each set in the layout of its authors, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from published_sets import lines, photo, put

from faceagent.media import Photo
from faceagent_finetune.corpus.labelled import LeftOut, Row
from faceagent_finetune.corpus.sources import SOURCES, celeba
from faceagent_tools.emotion_words import WORDS


def fairface(root: Path) -> None:
    for split, first in (("train", 0), ("val", 4)):
        rows = [f"{split}/{n}.jpg,{('20-29', 'more than 70')[n % 2]},Male,East Asian,True" for n in range(1, 4)]
        lines(root / f"fairface_label_{split}.csv", ["file,age,gender,race,service_test", *rows])
        for n in range(1, 4):
            put(root / split / f"{n}.jpg", first + n)


def utk(root: Path) -> None:
    for number, name in enumerate(("25_0_2_20170116174525125.jpg", "1_1_0_20161219140623097.jpg", "61_1_20170109.jpg")):
        put(root / "part1" / name, number)


def celeb(root: Path) -> None:
    names = [f"{n:06d}.jpg" for n in range(1, 5)]
    columns = [column for column in celeba.COLUMNS if column not in ("identity", "split")]
    marks = [" ".join("1" if (n + place) % 3 == 0 else "-1" for place in range(len(columns))) for n in range(4)]
    lines(
        root / "list_attr_celeba.txt",
        ["4", " ".join(columns), *(f"{name}  {mark}" for name, mark in zip(names, marks, strict=True))],
    )
    lines(root / "identity_CelebA.txt", [f"{name} {2880 + n}" for n, name in enumerate(names)])
    lines(root / "list_eval_partition.txt", [f"{name} {n % 3}" for n, name in enumerate(names)])
    for number, name in enumerate(names):
        put(root / "img_align_celeba" / name, number)


VOTES = ("Training,a.png,0,9,1,0,0,0,0,0,0,0", "PublicTest,b.png,5,0,0,5,0,0,0,0,0,0", "Training,,0,0,0,0,0,0,0,0,0,10")


def fer(root: Path) -> None:
    header = ",".join(("Usage", "Image name", *WORDS, "unknown", "NF"))
    lines(root / "fer2013new.csv", [header, *VOTES, "PrivateTest,d.png,9,0,0,0,0,0,0,0,0,1"])
    grey = [Photo.open(photo(n, side=48)).pixels[:, :, 0].ravel() for n in range(4)]
    rows = [
        f"0,{' '.join(map(str, values))},{usage.partition(',')[0]}"
        for values, usage in zip(grey, [*VOTES, "PrivateTest"], strict=True)
    ]
    lines(root / "fer2013.csv", ["emotion,pixels,Usage", *rows])


def affect(root: Path) -> None:
    for file, first in (("training.csv", 0), ("validation.csv", 3)):
        rows = [f"689/{first + n}.jpg,0,0,9,9,,{code},-5,-5" for n, code in enumerate((1, 10, 6))]
        head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
        lines(root / "Manually_Annotated_file_lists" / file, [head, *rows])
    for n in range(6):
        put(root / "Manually_Annotated_Images" / "689" / f"{n}.jpg", n)


def affect_folders(root: Path) -> None:
    for n, folder in enumerate(("train/0", "train/happy", "val/Anger", "val/7", "test/3")):
        put(root / folder / f"{n}.jpg", n)


def affect_annotated(root: Path) -> None:
    for split, code in (("train_set", np.array("1")), ("val_set", np.array(6)), ("val_set", np.array(10.5))):
        name = "1" if code == 10.5 else "0"
        put(root / split / "images" / f"{name}.jpg", int(float(code)))
        (root / split / "annotations").mkdir(exist_ok=True)
        np.save(root / split / "annotations" / f"{name}_exp.npy", code)
    put(root / "train_set" / "images" / "8.jpg", 8)


def wild(root: Path) -> None:
    people = [f"Person_{letter}" for letter in "ABCDEFGHIJ"]
    same = [f"{person}\t1\t2" for person in people]
    other = [f"{one}\t1\t{two}\t2" for one, two in zip(people, people[1:] + people[:1], strict=True)]
    lines(root / "pairs.txt", ["1\t10", *same, *other])
    for number, person in enumerate(people):
        for shot in (1, 2):
            put(root / "lfw" / person / f"{person}_000{shot}.jpg", 2 * number + shot)


def vip(root: Path) -> None:
    items = []
    for n, (person, relation, said) in enumerate(
        [("id0", "r_r_i", "Yes"), ("id0", "r_fs_i", "No"), ("id1", "r_efs_i", "No"), ("id1", "r_r_d_i", "Yes")]
    ):
        path = f"FaceDATA/{person}/{relation}/{n}/2.png"
        put(root / path, n)
        for answer in ("Fine. <Conclusion>[No] Two people.</Conclusion>".replace("No", said), "<Conclusion>x"):
            told = [{"role": "user", "content": "<image>Is it the person?"}, {"role": "assistant", "content": answer}]
            items.append({"messages": told, "images": [f"/data2/somebody/code/{path}"]})
    (root / "id_w_text.json").write_text(json.dumps(items, indent=2), "utf-8")


def bench(root: Path) -> None:
    def videos(label: str, names: list[str]) -> dict[str, object]:
        found = {}
        for name in names:
            frames = [f"/authors/{label}/frames/{name}/{k:03d}.png" for k in range(9)]
            found[name] = {"label": label, "frames": frames}
            for k, frame in enumerate(frames):
                put(root / frame.removeprefix("/authors/"), k)
        return found

    splits = {"train": ["000_003", "001_004"], "val": ["010_011"], "test": ["020_021"]}
    fake = {split: {"c23": videos("FF-DF", names), "c40": {}} for split, names in splits.items()}
    real = {split: {"c23": videos("FF-real", [name[:3] for name in names])} for split, names in splits.items()}
    lines(root / "FaceForensics++" / "train.json", ['[["000", "003"]]'])  # the set's own
    (root / "FF-DF.json").write_text(json.dumps({"FF-DF": {"FF-real": real, "FF-DF": fake}}), "utf-8")


MADE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "fairface": ("fairface_published", fairface),
    "utkface": ("utkface_published", utk),
    "celeba": ("celeba_published", celeb),
    "ferplus": ("ferplus_published", fer),
    "affectnet": ("affectnet", affect),
    "affectnet in folders": ("affectnet", affect_folders),
    "affectnet with annotations": ("affectnet", affect_annotated),
    "lfw": ("lfw_published", wild),
    "vipbench": ("vipbench", vip),
    "deepfakebench": ("deepfakebench", bench),
}


def read(name: str, data: Path) -> tuple[dict[str, Row], list[LeftOut]]:
    """A set's rows by name, and what is left out; every row's photo opens."""
    found = SOURCES[name].open(data)
    rows = list(found.rows())
    kept = [row for row in rows if isinstance(row, Row)]
    for row in kept:
        raw, facts = found.photo(row)
        assert Photo.open(raw).width >= 48
        assert facts == row.label.facts
    return {row.name: row for row in kept}, [row for row in rows if isinstance(row, LeftOut)]
