"""An embedded thumbnail agrees with its photo however it was made, and differs where the photo was changed."""

from __future__ import annotations

import io
from itertools import product

import numpy as np
import photo_files as files
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from faceagent.media import Photo
from faceagent_tools.provenance_records import container, embedded_thumbnail
from faceagent_tools.provenance_records.embedded_thumbnail import ThumbnailFinding

Resampling = Image.Resampling
# A maker that skips pixels (nearest) leaves differences of the size of a changed eye: there none can be told.
AVERAGING = [method for method in Resampling if method is not Resampling.NEAREST]
EYES = (176, 75, 275, 125)
PHOTO = Photo.open(files.jpeg())


def examined(raw: bytes) -> ThumbnailFinding:
    record = container.read(raw, "photo").exif
    assert record is not None
    return embedded_thumbnail.examine(Photo.open(raw), record.thumbnail)


def altered() -> Image.Image:
    return Image.fromarray(files.make_examples().eyes_changed(np.asarray(files.portrait())))


@pytest.mark.parametrize(("resample", "quality"), list(product(Resampling, (50, 75, 95))))
def test_honest_thumbnails_agree(resample: Resampling, quality: int) -> None:
    thumbnail = files.small(files.portrait(), resample=resample, quality=quality)
    found = examined(files.with_thumbnail(files.portrait(), thumbnail))
    assert found.finding == "agrees"
    assert found.threshold is not None and found.score is not None and not found.threshold.holds(found.score)


@pytest.mark.parametrize(("resample", "quality"), list(product(AVERAGING, (50, 75, 95))))
def test_changed_eyes_are_found_in_their_place(resample: Resampling, quality: int) -> None:
    thumbnail = files.small(files.portrait(), resample=resample, quality=quality)
    found = examined(files.with_thumbnail(altered(), thumbnail))
    assert (found.finding, found.extent) == ("differs", "part")
    assert found.region is not None
    x, y = found.region.centre
    assert EYES[0] < x < EYES[2] and EYES[1] < y < EYES[3]
    assert found.region.area < 4 * (EYES[2] - EYES[0]) * (EYES[3] - EYES[1])


def test_bars_are_no_difference_and_hide_none() -> None:
    wide = files.portrait().crop((0, 20, 512, 320))
    bars = files.small(wide, size=(160, 120), letterboxed=True)
    honest = examined(files.with_thumbnail(wide, bars))
    assert honest.finding == "agrees"
    changed = examined(files.with_thumbnail(altered().crop((0, 20, 512, 320)), bars))
    assert changed.extent == "part"
    assert changed.picture is not None and changed.picture.shape[:2] == (94, 160), "shown without its bars"


def test_later_handling_is_no_difference() -> None:
    thumbnail = files.small(files.portrait())
    smaller = files.portrait().resize((360, 360), Resampling.LANCZOS)
    brighter = ImageEnhance.Brightness(files.portrait()).enhance(1.15)
    for photo in (smaller, brighter, files.portrait().convert("L").convert("RGB")):
        assert examined(files.with_thumbnail(photo, thumbnail, quality=60)).finding == "agrees"


def test_a_thumbnail_of_the_middle_agrees() -> None:
    wide = Image.fromarray(skimage.data.coffee())
    middle = wide.crop(((wide.width - wide.height) // 2, 0, (wide.width + wide.height) // 2, wide.height))
    found = examined(files.with_thumbnail(wide, files.small(middle)))
    assert found.finding == "agrees"
    assert found.lie is not None and found.lie.kind == "centre of the photo"


def test_a_cropped_photo_is_found_in_its_wider_thumbnail() -> None:
    cropped = files.portrait().crop((100, 20, 420, 400))
    found = examined(files.with_thumbnail(cropped, files.small(files.portrait())))
    assert found.finding == "agrees"
    assert found.lie is not None and found.lie.kind == "wider than the photo"


def test_a_thumbnail_of_another_photo_shows_another_picture() -> None:
    other = Image.fromarray(skimage.data.coffee()).crop((0, 0, 400, 400))
    found = examined(files.with_thumbnail(files.portrait(), files.small(other)))
    assert (found.finding, found.extent, found.region) == ("differs", "another picture", None)


@given(st.integers(1, 8))
@settings(deadline=None, max_examples=8)
def test_the_thumbnail_is_turned_like_the_photo(orientation: int) -> None:
    found = embedded_thumbnail.examine(
        Photo.open(files.jpeg(files.portrait(), exif=files.exif({0x0112: orientation}))), files.small(files.portrait())
    )
    assert (found.finding, found.turned) == ("agrees", False)


def test_a_difference_in_a_turned_photo_lies_where_it_is_seen() -> None:
    photo = Photo.open(files.jpeg(altered(), exif=files.exif({0x0112: 6})))
    found = embedded_thumbnail.examine(photo, files.small(files.portrait()))
    assert found.region is not None
    seen = photo.to_upright.point(((EYES[0] + EYES[2]) / 2, (EYES[1] + EYES[3]) / 2))
    assert abs(found.region.centre[0] - seen[0]) < 25 and abs(found.region.centre[1] - seen[1]) < 25


def test_a_thumbnail_left_behind_when_the_photo_was_turned_still_agrees() -> None:
    turned = files.portrait().transpose(Image.Transpose.ROTATE_90)
    found = examined(files.with_thumbnail(turned, files.small(files.portrait())))
    assert (found.finding, found.turned) == ("agrees", True)


def test_what_is_too_small_or_of_one_tone_is_left_undecided() -> None:
    tiny = files.small(files.portrait(), size=(32, 32))
    assert examined(files.with_thumbnail(files.portrait(), tiny)).finding == "undecided"
    barely = files.portrait().resize((200, 200))
    assert examined(files.with_thumbnail(barely, files.small(files.portrait()))).finding == "undecided"
    grey = Image.new("RGB", (400, 400), (90, 90, 90))
    assert examined(files.with_thumbnail(grey, files.small(grey))).finding == "undecided"


@pytest.mark.parametrize(
    "thumbnail", [b"\xff\xd8\xff\xe0 no", b"GIF89a" + bytes(40), files.small(files.portrait())[:900]]
)
def test_a_broken_thumbnail_is_said_to_be_damaged(thumbnail: bytes) -> None:
    found = examined(files.with_thumbnail(files.portrait(), thumbnail))
    assert (found.finding, found.reason) == ("unusable", "the embedded thumbnail is damaged")


def test_a_thumbnail_as_large_as_a_photo_is_not_decoded() -> None:
    huge = io.BytesIO()
    Image.new("L", (5000, 20)).save(huge, "JPEG", quality=20)
    assert examined(files.with_thumbnail(files.portrait(), huge.getvalue())).finding == "unusable"


def test_a_thumbnail_that_claims_to_be_huge_is_not_decoded() -> None:
    data = bytearray(files.small(files.portrait()))
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    assert examined(files.with_thumbnail(files.portrait(), bytes(data))).finding == "unusable"


def test_a_table_of_zeros_is_survived() -> None:
    data = bytearray(files.small(files.portrait()))
    at = data.find(b"\xff\xdb") + 5
    data[at : at + 64] = bytes(64)
    assert embedded_thumbnail.examine(PHOTO, bytes(data)).finding != "agrees"


@given(st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=6)), max_size=6))
@settings(deadline=None, max_examples=40)
def test_a_damaged_thumbnail_never_stops_the_examination(edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(files.small(files.portrait()))
    for at, new in edits:
        data[at % len(data) : at % len(data) + len(new)] = new
    found = embedded_thumbnail.examine(PHOTO, bytes(data))
    assert found.finding in ("agrees", "differs", "undecided", "unusable")


@given(st.integers(30, 200), st.integers(30, 200), st.integers(0, 3))
@settings(deadline=None, max_examples=25)
def test_any_shape_of_thumbnail_can_be_held_against_any_photo(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    found = embedded_thumbnail.examine(PHOTO, files.jpeg(Image.fromarray(noise)))
    assert found.finding != "agrees"
