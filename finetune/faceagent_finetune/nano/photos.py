"""Labelled photos as the vision tower sees them: whole, squeezed into a square, once, in a folder.

The folder is one that `nets.multitask.data.CropSet` opens; only the photos are not cut and aligned, since nobody does
that for a model that is shown a photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent_finetune.nets.multitask import crops, labels
from faceagent_finetune.nets.multitask.data import CropSet

_SURE = 0.9  # of the mesh that there is a face where it put its points


def cached(data: Path, folder: Path, sets: Iterable[str], side: int, say: Callable[[str], None]) -> None:
    """Write the sets that `folder` does not have yet; a run that was cut off begins its set anew.

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
        for place, row in enumerate(rows):
            photo = Photo.open(row["image"]["bytes"])
            pixels[place] = Image.fromarray(photo.pixels).resize((side, side), Image.Resampling.LANCZOS)
            _geometry(mesh.get(row["image"]["path"]), photo, targets, place)
        pixels.flush()
        stored: dict[str, Any] = {
            **targets,
            "val": np.array([row["split"] == "val" for row in rows]),
            "how": np.full(len(rows), crops.PLACED, np.uint8),
            "paths": np.array([str(row["image"]["path"]) for row in rows]),
        }
        np.savez_compressed(folder / name / "labels.npz", **stored)


def _geometry(
    known: Mapping[str, Any] | None, photo: Photo, targets: Mapping[str, npt.NDArray[Any]], place: int
) -> None:
    """Points in shares of the photo's width and height; pose and openings; NaN where the mesh is not sure."""
    if known is None or known["face_flag"] <= _SURE:
        return
    targets["points"][place] = known["points"] / (photo.width, photo.height)
    targets["pose"][place] = known["euler_y"], labels.MESH_PITCH_OF_FRONTAL - known["euler_x"], known["euler_z"]
    targets["openings"][place] = known["left_eye_open"], known["right_eye_open"], known["mouth_open"]
