"""Miniature labelled sets, in the Parquet files that a corpus is made of. Needs pyarrow."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import skimage.data
from PIL import Image
from pyarrow import parquet


def picture(number: int) -> bytes:
    """A part of the portrait under a pattern of its own: different for each number, the same each time."""
    face = Image.fromarray(skimage.data.astronaut()[20:220, 120:320]).resize((96, 96))
    pattern = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
    spread = Image.fromarray(pattern).resize((96, 96), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    Image.blend(face, spread, 0.8).save(buffer, "PNG")
    return buffer.getvalue()


def write(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), file, row_group_size=5)


def row(number: int, **labels: Any) -> dict[str, Any]:
    split = "val" if number % 4 == 0 else "train"
    return {"image": {"bytes": picture(number), "path": f"{number}.png"}, "split": split, **labels}


def fairface(count: int = 24) -> list[dict[str, Any]]:
    return [
        row(
            number,
            age_group=("20-29", "50-59", "3-9")[number % 3],
            gender=("male", "female")[number // 2 % 2],
            race=("White", "Black", "Indian")[number % 3],
        )
        for number in range(count)
    ]
