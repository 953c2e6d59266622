"""Pictures of the report: marked where the finding lies, and free of what the file carried."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from fakes import FakeProvenance, fake_toolbox, photo
from PIL import Image

from faceagent.media import Photo
from faceagent.report import Examination
from faceagent.report.drawing import LONG_SIDE_OF_MANY, Shown, draw, marked_regions
from faceagent.session import Session
from faceagent.tool import Arguments
from faceagent.types import Evidence


def decoded(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def test_the_region_of_the_finding_and_the_face_are_marked() -> None:
    shot = photo("altered.jpg")
    examination = Examination(fake_toolbox())
    exhibit = examination.examine(shot)
    pictures = examination.pictures["image 1"]
    assert [(box.x0, box.y0) for box in marked_regions(exhibit)] == [(100, 60)]
    assert pictures.marked == 1
    drawn = np.asarray(decoded(pictures.annotated), dtype=int)
    plain = np.asarray(Image.fromarray(shot.pixels).resize(drawn.shape[1::-1], Image.Resampling.BICUBIC), dtype=int)
    changed = np.abs(drawn - plain).max(axis=2) > 90
    scale = drawn.shape[1] / shot.width
    x, y = round(150 * scale), round(60 * scale)
    assert changed[y - 3 : y + 4, x - 30 : x + 30].any()  # the upper edge of the region
    assert not changed[: round(20 * scale), : round(20 * scale)].any()  # a corner without a finding


def test_the_thumbnail_and_the_faces_are_left_unmarked() -> None:
    shot = photo("altered.jpg", size=(1200, 900))
    examination = Examination(fake_toolbox())
    examination.examine(shot)
    drawn = decoded(examination.pictures["image 1"].thumbnail)
    plain = Image.fromarray(shot.pixels).resize(drawn.size, Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(drawn, dtype=int) - np.asarray(plain, dtype=int)).max() < 60


def test_without_a_sign_no_region_is_marked() -> None:
    examination = Examination(fake_toolbox())
    examination.examine(photo("plain.jpg"))
    assert examination.pictures["image 1"].marked == 0


def test_pictures_carry_no_metadata() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    Image.fromarray(photo().pixels).save(buffer, "JPEG", exif=exif, comment=b"SECRET PLACE")
    examination = Examination(fake_toolbox())
    examination.examine(Photo.open(buffer.getvalue(), name="plain.jpg"))
    pictures = examination.pictures["image 1"]
    for jpeg in (pictures.thumbnail, pictures.annotated, *pictures.faces.values()):
        assert b"SECRET" not in jpeg and not decoded(jpeg).getexif()


@pytest.mark.parametrize("size", [(1, 1), (3, 4000), (2400, 1800), (20, 20)])
def test_any_shape_can_be_drawn(size: tuple[int, int]) -> None:
    examination = Examination(fake_toolbox())
    examination.examine(photo("group-altered.jpg", size=size))
    pictures = examination.pictures["image 1"]
    assert decoded(pictures.annotated).size == (pictures.width, pictures.height)
    assert max(decoded(pictures.thumbnail).size) <= 320
    assert all(decoded(jpeg).size == (128, 128) for jpeg in pictures.faces.values())


def test_large_batches_get_smaller_pictures() -> None:
    shot = photo("plain.jpg", size=(1200, 900))
    exhibit = Examination(fake_toolbox()).examine(shot)
    few, many = draw(shot, exhibit, number=1), draw(shot, exhibit, number=101)
    assert few.width == 1000 and len(many.annotated) < len(few.annotated)
    assert max(many.width, many.height) < few.width and LONG_SIDE_OF_MANY < 1000


class Picturing(FakeProvenance):
    """Gives a picture for its evidence on the thumbnail."""

    def __init__(self, picture: bytes) -> None:
        super().__init__()
        self.picture = picture

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        details = {"picture": session.illustrate("image 1", self.picture)}
        rows = super().run(session, arguments)
        return [row.model_copy(update={"details": details}) if row.attribute == "thumbnail" else row for row in rows]


def png(size: tuple[int, int], colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def shown(picture: bytes, name: str) -> tuple[Shown, ...]:
    examination = Examination(fake_toolbox(Picturing(picture)))
    examination.examine(photo(name))
    return examination.pictures["image 1"].shown


def test_a_differing_thumbnail_is_shown_beside_the_same_place_in_the_photo() -> None:
    thumbnail, place = shown(png((160, 120)), "altered.jpg")
    assert (thumbnail.of, place.of) == ("thumbnail", "photo")
    assert decoded(thumbnail.jpeg).size == decoded(place.jpeg).size == (320, 213)
    red = np.asarray(decoded(thumbnail.jpeg), dtype=int)
    assert (red[..., 0] > 200).all() and (red[..., 1] < 60).all()


def test_a_picture_of_another_shape_or_without_a_region_is_shown_whole() -> None:
    (other,) = shown(png((120, 120)), "altered.jpg")
    (whole,) = shown(png((160, 120)), "signed.jpg")
    assert decoded(other.jpeg).size == (120, 120) and decoded(whole.jpeg).size == (160, 120)


def test_what_a_tool_gives_is_decoded_before_it_is_shown() -> None:
    assert shown(b"<svg onload=alert(1)>", "altered.jpg") == ()
