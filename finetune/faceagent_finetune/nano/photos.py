"""Labelled photos as the vision tower sees them: whole, squeezed into a square, once, in a folder.

The folder is one that `nets.multitask.data.CropSet` opens; only the photos are not cut and aligned, since nobody does
that for a model that is shown a photo.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.errors import MediaError, UsageError
from faceagent.media import Photo
from faceagent_finetune.corpus.labelled import LeftOut
from faceagent_finetune.nets.multitask import crops, labels
from faceagent_finetune.nets.multitask.data import CropSet

_SURE = 0.9  # of the mesh that there is a face where it put its points


def cached(data: Path, folder: Path, sets: Iterable[str], side: int, say: Callable[[str], None]) -> None:
    """Write the sets that `folder` does not have yet; a run that was cut off begins its set anew.

    Photos that do not open are left out, and named in left_out.jsonl of the set.

    Args:
        data: folder of the Parquet files. sets: of `nets.multitask.crops.SOURCES`. side: of the squares, in pixels.
        say: is told of each set.

    Raises:
        UsageError: a file of `data` is missing, or `folder` holds photos of another side.
        MissingExtra: pyarrow is not installed.
    """
    for name in sets:
        if (folder / name / "labels.npz").is_file():
            if CropSet.open(folder, name).crops.shape[1] != side:
                raise UsageError(f"{folder} holds photos of another size", "Name another folder with --out")
            continue
        rows = crops.read(data / crops.SOURCES[name].file)
        mesh = crops.mesh_rows(data, name)
        say(f"{name}: {len(rows)} photos, {side} pixels a side")
        targets = crops.SOURCES[name].targets(rows)
        (folder / name).mkdir(parents=True, exist_ok=True)
        shape = (len(rows), side, side, 3)
        pixels = np.lib.format.open_memmap(folder / name / "crops.npy", mode="w+", dtype=np.uint8, shape=shape)
        kept: list[int] = []
        left_out: list[LeftOut] = []
        for place, row in enumerate(rows):
            try:
                photo = Photo.open(row["image"]["bytes"])
            except MediaError as error:
                left_out.append(LeftOut(str(row["image"]["path"] or place), error.message))
                continue
            pixels[len(kept)] = Image.fromarray(photo.pixels).resize((side, side), Image.Resampling.LANCZOS)
            _geometry(mesh.get(row["image"]["path"]), photo, targets, place)
            kept.append(place)
        pixels.flush()
        if left_out:
            say(_named(name, left_out, folder / name / "left_out.jsonl"))
        stored: dict[str, Any] = {
            **{head: values[np.array(kept, np.intp)] for head, values in targets.items()},
            "val": np.array([rows[place]["split"] == "val" for place in kept], np.bool_),
            "how": np.full(len(kept), crops.PLACED, np.uint8),
            "paths": np.array([str(rows[place]["image"]["path"]) for place in kept], np.str_),
        }
        np.savez_compressed(folder / name / "labels.npz", **stored)


def _named(name: str, left_out: Sequence[LeftOut], file: Path) -> str:
    """Write down what is left out of a set; the sentence that says so."""
    lines = [json.dumps({"name": row.name, "reason": row.reason}, ensure_ascii=False) + "\n" for row in left_out]
    file.write_text("".join(lines), encoding="utf-8")
    first = left_out[0]
    return f"{name}: {len(left_out)} photos are broken and left out, such as {first.name}: {first.reason}. See {file}."


def _geometry(
    known: Mapping[str, Any] | None, photo: Photo, targets: Mapping[str, npt.NDArray[Any]], place: int
) -> None:
    """Points in shares of the photo's width and height; pose and openings; NaN where the mesh is not sure."""
    if known is None or known["face_flag"] <= _SURE:
        return
    targets["points"][place] = known["points"] / (photo.width, photo.height)
    targets["pose"][place] = known["euler_y"], labels.MESH_PITCH_OF_FRONTAL - known["euler_x"], known["euler_z"]
    targets["openings"][place] = known["left_eye_open"], known["right_eye_open"], known["mouth_open"]
