"""Pictures of the report: marked where the finding lies, and free of what the file carried."""

from __future__ import annotations

import io

import numpy as np
import pytest
from fakes import FakeProvenance, fake_toolbox, photo
from PIL import Image

from faceagent.media import Photo
from faceagent.report import Examination
from faceagent.report.drawing import LONG_SIDE_OF_MANY, draw, marked_regions, picture_of
from faceagent.session import Output


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
    few, many = draw(shot, exhibit, {}, number=1), draw(shot, exhibit, {}, number=101)
    assert few.width == 1000 and len(many.annotated) < len(few.annotated)
    assert max(many.width, many.height) < few.width and LONG_SIDE_OF_MANY < 1000


def test_pictures_that_tools_made_are_decoded_before_they_are_shown() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "PNG")
    shown = picture_of(Output("thumbnail", "image/png", buffer.getvalue()))
    assert shown is not None and decoded(shown).format == "JPEG"
    assert picture_of(Output("page", "image/png", b"<svg onload=alert(1)>")) is None


def test_evidence_can_bring_a_picture() -> None:
    class Picturing(FakeProvenance):
        def run(self, session, arguments):  # type: ignore[no-untyped-def]
            buffer = io.BytesIO()
            Image.new("RGB", (40, 30), "red").save(buffer, "PNG")
            output = session.add_output(Output("thumbnail", "image/png", buffer.getvalue()))
            rows = super().run(session, arguments)
            return [
                row.model_copy(update={"details": {"picture": output}}) if row.attribute == "thumbnail" else row
                for row in rows
            ]

    examination = Examination(fake_toolbox(Picturing()))
    exhibit = examination.examine(photo("altered.jpg"))
    row = next(row for row in exhibit.evidence if row.attribute == "thumbnail")
    assert list(examination.pictures["image 1"].shown) == [row.id]
