"""The quality setting that a JPEG was last saved with, from its quantisation tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]

# ITU-T T.81 (1992), Annex K, tables K.1 and K.2, in natural order: what the Independent JPEG Group's library scales.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)


@dataclass(frozen=True)
class JpegQuality:
    """quality: 1-100 on the scale of the IJG library. standard: the tables are exactly the library's at that setting;
    otherwise the nearest setting is given, as for cameras and Photoshop, which have tables of their own.
    """

    quality: int
    standard: bool


def estimate(tables: Sequence[Sequence[int]]) -> JpegQuality | None:
    """The IJG quality whose tables are nearest to those of a file.

    Args:
        tables: luminance first, then chrominance if there is any; 64 entries each, natural order.

    Returns:
        None where the tables are not of that form.
    """
    given = [np.asarray(table, dtype=np.int64) for table in tables[:2]]
    if not given or any(table.shape != (64,) for table in given):
        return None
    # Relative differences, so that the small and telling entries count as much as the large ones.
    distances = [
        sum(float(np.abs(mine - its).sum() / its.sum()) for mine, its in zip(given, _ijg(quality), strict=False))
        for quality in range(1, 101)
    ]
    best = int(np.argmin(distances))
    return JpegQuality(quality=best + 1, standard=distances[best] == 0.0)


@cache
def _ijg(quality: int) -> tuple[Table, Table]:
    """The two tables at a quality (jpeg_quality_scaling and jpeg_add_quant_table of the IJG's jcparam.c)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    luminance, chrominance = (
        np.clip((np.asarray(base, dtype=np.int64).reshape(-1) * scale + 50) // 100, 1, 255)
        for base in (LUMINANCE, CHROMINANCE)
    )
    return luminance, chrominance
