"""What a controller with eyes is shown."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from faceagent.controllers.pictures import SHEET, face_blocks, photo_blocks
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Face


def decoded(block: dict[str, Any]) -> Image.Image:
    assert (block["type"], block["mime_type"]) == ("image", "image/jpeg")
    return Image.open(io.BytesIO(base64.b64decode(block["base64"])))


def face(number: int, box: tuple[float, float, float, float], roll: float = 0.0) -> Face:
    x0, y0, x1, y1 = box
    return Face(id=f"face 1.{number}", image="image 1", box=Box(x0=x0, y0=y0, x1=x1, y1=y1), score=0.9, roll=roll)


def test_photos_are_reduced_to_the_models_limit_and_lose_their_metadata(group: Photo) -> None:
    session = Session()
    session.add(group)
    label, block = photo_blocks(session, session.images, side=300)
    picture = decoded(block)
    assert label == {"type": "text", "text": "\nimage 1:"}
    assert max(picture.size) == 300
    assert not picture.getexif()


def test_faces_come_with_their_ids_on_one_sheet(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    faces = [face(number, (175, 75, 275, 195)) for number in (1, 2, 3)]
    text, block = face_blocks(session, faces, side=600)
    sheet = decoded(block)
    assert "under its id" in text["text"]
    assert max(sheet.size) <= 600
    grey = np.asarray(sheet.convert("L"), dtype=float)
    tile = sheet.width // 2
    # A strip with dark letters on white over each of three tiles, and nothing in the place of a fourth.
    assert [grey[:24, :tile].min() < 60, grey[:24, tile:].min() < 60] == [True, True]
    assert grey[sheet.height // 2 + 30 :, tile + 10 :].min() > 240


def test_a_leaning_face_is_turned_upright() -> None:
    """A head that leans clockwise: its crown, white here, is to the right of its chin, and must come out on top."""
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[80:120, 110:150] = 255
    session = Session()
    session.add(Photo.open(pixels))
    _, block = face_blocks(session, [face(1, (60, 60, 140, 140), roll=90.0)])
    grey = np.asarray(decoded(block).convert("L"), dtype=float)[28:252, :224]
    assert grey[:112].mean() > 10 * grey[112:].mean()


def test_a_crowd_does_not_grow_without_bounds(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    crowd = [face(number, (0, 0, 10 + number, 10 + number)) for number in range(1, 41)]
    text, block = face_blocks(session, crowd)
    assert f"Only the {SHEET} largest of 40" in text["text"]
    assert max(decoded(block).size) <= 1024
