"""The finding on an embedded thumbnail: decoded, laid on the photo the right way up, held against measured levels."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from faceagent.errors import FaceAgentError
from faceagent.media import Photo, Pixels, opened, turned
from faceagent.types import Box, Threshold
from faceagent_tools.provenance_records import thumbnail

_LEVELS = Path(__file__).parents[1] / "calibration" / "thumbnail.json"
_LARGEST_SIDE = 1024
# EXIF orientations without mirroring: an editor that turned the picture may have left the thumbnail, or the reverse.
_TURNS = (1, 6, 3, 8)

Finding = Literal["agrees", "differs", "undecided", "unusable"]


@dataclass(frozen=True)
class Levels:
    """From calibration/thumbnail.json, written by faceagent_finetune.nets.calibrate_thumbnail.

    local: the local difference that one honest thumbnail in a thousand reaches. agreement: the correlation that one
    honest thumbnail in a thousand falls below. stranger: the correlation that one thumbnail of another photo in a
    thousand reaches.
    """

    local: float
    agreement: float
    stranger: float
    source: str

    @staticmethod
    @functools.cache
    def measured() -> Levels:
        table = json.loads(_LEVELS.read_text(encoding="utf-8"))
        source = f"{table['n']['honest']:,} simulated thumbnails of {table['photos']} photos; `{table['command']}`"
        return Levels(table["local_level"], table["agreement_level"], table["stranger_level"], source)


@dataclass(frozen=True)
class ThumbnailFinding:
    """finding: "undecided" and "unusable" come with a reason. region: where it differs, in upright pixels of the photo.

    extent: "part" of the photo differs, or it is "another picture". lie: how the thumbnail lies on the photo.
    picture: the thumbnail upright and without bars, to be shown where it differs; turned: not as the file says.
    """

    finding: Finding
    reason: str = ""
    size: tuple[int, int] = (0, 0)
    score: float | None = None
    threshold: Threshold | None = None
    extent: Literal["part", "another picture"] | None = None
    region: Box | None = None
    lie: thumbnail.Overlap | None = None
    turned: bool = False
    picture: Pixels | None = None


def examine(photo: Photo, jpeg: bytes) -> ThumbnailFinding:
    """Hold the thumbnail of a file against its photo.

    Args:
        jpeg: the bytes of the thumbnail as they stand in the file.
    """
    decoded = _decoded(jpeg)
    if isinstance(decoded, str):
        return ThumbnailFinding("unusable", decoded)
    small, tables = decoded
    size = (small.shape[1], small.shape[0])
    if not thumbnail.comparable(photo.pixels, small):
        reason = "the thumbnail is too small to compare, or the photo hardly larger than it"
        return ThumbnailFinding("undecided", reason, size)
    if min(_spread(photo.pixels), _spread(small)) < thumbnail.FLAT:
        return ThumbnailFinding("undecided", "the photo or its thumbnail is of one tone, with nothing to compare", size)
    return _held_against(photo, small, tables)


def _held_against(photo: Photo, small: Pixels, tables: list[int]) -> ThumbnailFinding:
    levels = Levels.measured()
    upright, lie, orientation = _laid_on(photo, small, levels.agreement)
    known = ThumbnailFinding(
        "agrees",
        size=(small.shape[1], small.shape[0]),
        lie=lie,
        turned=orientation != photo.orientation,
        picture=thumbnail.without_bars(upright, lie, photo.width / photo.height),
    )
    if lie.correlation < levels.stranger:
        line = Threshold(value=levels.stranger, rule="<", meaning="shows another picture", source=levels.source)
        return replace(known, finding="differs", score=lie.correlation, threshold=line, extent="another picture")
    found = thumbnail.difference(photo.pixels, upright, lie, tables, levels.local)
    line = Threshold(value=levels.local, rule=">=", meaning="differs in a part", source=levels.source)
    known = replace(known, score=found.score, threshold=line)
    if found.score >= levels.local:
        return replace(known, finding="differs", extent="part", region=found.region)
    if lie.correlation < levels.agreement:
        reason = "the thumbnail resembles the photo, but less than thumbnails do"
        return replace(known, finding="undecided", reason=reason)
    return known


def _laid_on(photo: Photo, small: Pixels, enough: float) -> tuple[Pixels, thumbnail.Overlap, int]:
    """The thumbnail turned so that it fits best, how it then lies on the photo, and the orientation that did it.

    The file's own orientation is tried first and kept when it fits.
    """
    best: tuple[Pixels, thumbnail.Overlap, int] | None = None
    for orientation in _orientations(photo.orientation):
        upright = turned(small, orientation)
        lie = thumbnail.overlap(photo.pixels, upright)
        if best is None or lie.correlation > best[1].correlation:
            best = (upright, lie, orientation)
        if lie.correlation >= enough:
            break
    assert best is not None
    return best


def _spread(pixels: Pixels) -> float:
    """Standard deviation of the channel that varies most, in grey levels."""
    return float(cv2.meanStdDev(pixels)[1].max())


def _orientations(stated: int) -> Iterable[int]:
    return dict.fromkeys((stated, *_TURNS))


def _decoded(jpeg: bytes) -> tuple[Pixels, list[int]] | str:
    """Pixels and luminance quantisation table, or why there are none."""
    try:
        with opened(jpeg, "the embedded thumbnail") as image:
            if max(image.size) > _LARGEST_SIDE:
                return "the embedded thumbnail is larger than thumbnails are"
            # Only a JPEG has them; what else stands there is no thumbnail as EXIF wants it.
            tables: Mapping[int, list[int]] = getattr(image, "quantization", {})
            return np.asarray(image.convert("RGB")), list(tables[min(tables)])
    except FaceAgentError:
        return "the embedded thumbnail is damaged"
