"""Traces of compression in the portrait's face: untouched, and with a face that was compressed before."""

from __future__ import annotations

import numpy as np
import pytest
from manipulated import inside, jpeg, recompressed

from faceagent.media import Photo, Pixels, turned
from faceagent_tools.forensics import jpeg as traces
from faceagent_tools.forensics import view
from faceagent_tools.forensics.jpeg import Compression
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured


def measured(raw: bytes, points: Floats) -> Compression:
    photo = Photo.open(raw)
    found = traces.measure(photo, view.cut(photo.pixels, points))
    assert isinstance(found, Compression)
    return found


@pytest.fixture(scope="module")
def own(portrait: Photo, points: Floats) -> Compression:
    return measured(jpeg(portrait.pixels, 92), points)


@pytest.mark.parametrize("before", [52, 64, 76])
def test_a_face_compressed_before_leaves_its_ghost(
    before: int, portrait: Photo, points: Floats, own: Compression
) -> None:
    forged = measured(jpeg(inside(portrait.pixels, points, recompressed(before)), 92), points)
    assert forged.ghost > own.ghost + 2
    assert abs(forged.ghost_quality - before) <= 3


def test_compressed_alike_all_over_there_is_no_ghost(portrait: Photo, points: Floats) -> None:
    whole = np.ascontiguousarray(recompressed(64)(portrait.pixels))
    found = measured(jpeg(whole, 92), points)
    assert found.ghost < 1.5
    assert found.lost < 1.5


def test_a_fresh_face_lacks_the_ghost_of_its_surroundings(portrait: Photo, points: Floats, own: Compression) -> None:
    old = np.ascontiguousarray(recompressed(64)(portrait.pixels))
    found = measured(jpeg(inside(old, points, lambda _: portrait.pixels), 92), points)
    assert found.lost > own.lost + 2
    assert found.ghost < 1.5


@pytest.mark.parametrize(("down", "right"), [(3, 5), (4, 4), (6, 2)])
def test_a_face_from_another_grid(down: int, right: int, portrait: Photo, points: Floats, own: Compression) -> None:
    forged = measured(jpeg(inside(portrait.pixels, points, recompressed(30, down, right)), 95), points)
    assert forged.second_grid > own.second_grid + 0.6


def test_twice_compressed_histograms_have_a_period(portrait: Photo, points: Floats, own: Compression) -> None:
    twice = measured(jpeg(np.ascontiguousarray(recompressed(55)(portrait.pixels)), 92), points)
    assert twice.double_face > own.double_face + 0.05
    assert twice.double_around > own.double_around + 0.05


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_grid_is_the_files_whichever_way_it_is_shown(orientation: int, portrait: Photo, points: Floats) -> None:
    back = {6: 8, 8: 6}.get(orientation, orientation)

    def compressed_as_stored(pixels: Pixels) -> Pixels:
        return turned(np.ascontiguousarray(recompressed(64)(turned(pixels, back))), orientation)

    forged = inside(portrait.pixels, points, compressed_as_stored)
    raw = jpeg(turned(forged, back), 92, orientation)
    assert (Photo.open(raw).pixels.astype(int) - forged).std() < 6
    found = measured(raw, points)
    assert found.ghost > 2
    assert abs(found.ghost_quality - 64) <= 3


def test_a_cropped_file_has_its_own_grid(portrait: Photo, points: Floats) -> None:
    """The grid counts from the corner of the file, wherever the face is cut out of it."""
    forged = inside(portrait.pixels, points, recompressed(64))
    for left in (0, 8, 16, 40):
        found = measured(jpeg(np.ascontiguousarray(forged[:, left:]), 92), points - [left, 0])
        assert found.ghost > 2


@pytest.mark.parametrize("shape", ["array", "png"])
def test_other_formats_are_not_judged(shape: str, portrait: Photo, untouched: FaceView) -> None:
    import io

    from PIL import Image

    photo = portrait
    if shape == "png":
        buffer = io.BytesIO()
        Image.fromarray(portrait.pixels).save(buffer, "PNG")
        photo = Photo.open(buffer.getvalue())
    found = traces.measure(photo, untouched)
    assert isinstance(found, Unmeasured)
    assert found.status == "not_applicable"
    assert "JPEG" in found.reason


def test_the_tables_are_those_of_the_encoder(portrait: Photo) -> None:
    for quality in (30, 50, 75, 92):
        assert (traces.luma_table(Photo.open(jpeg(portrait.pixels, quality))) == traces.ijg_table(quality)).all()


def test_the_error_level_picture_is_one(untouched: FaceView) -> None:
    picture = Photo.open(traces.error_level_picture(untouched))
    assert picture.pixels.shape == untouched.pixels.shape
    assert picture.pixels.max() > 0
