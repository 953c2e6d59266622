"""What a controller with eyes is shown: photos, and the faces found in them with their ids drawn on.

Everything is drawn anew from decoded pixels and encoded without metadata: what a file says beside its picture does not
reach the model. Ids are drawn on a strip of their own, so that they cover nothing of a face.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Face

SIDE = 1024
"""Longest side in pixels of what a controller is shown that states no `image_side` of its own."""
SHEET = 16
"""Faces of one sheet at most; the largest are shown."""
_AROUND = 1.6  # side of the crop in units of the box's longer side: hair and chin included
_LABEL, _MARGIN = 28, 4
_INK, _PAPER = (17, 17, 17), (255, 255, 255)

Block = dict[str, Any]


def photo_blocks(session: Session, images: Sequence[str], side: int = SIDE) -> list[Block]:
    """Each photo after its id, on a line of its own, as LangChain content blocks."""
    blocks: list[Block] = []
    for image_id in images:
        picture = Image.fromarray(session.photo(image_id).pixels)
        picture.thumbnail((side, side))
        blocks += [{"type": "text", "text": f"\n{image_id}:"}, _block(picture)]
    return blocks


def face_blocks(session: Session, faces: Sequence[Face], side: int = SIDE) -> list[Block]:
    """One sheet with a crop of each face, upright, its id above it, after a sentence that says so."""
    shown = set(sorted(faces, key=lambda face: -face.box.area)[:SHEET])
    crops = [(face.id, upright(session.photo(face.image), face)) for face in faces if face in shown]
    left_out = f" Only the {SHEET} largest of {len(faces)} are shown." if len(faces) > SHEET else ""
    text = f"Faces found so far, turned upright, each under its id.{left_out}"
    return [{"type": "text", "text": text}, _block(_sheet(crops, side))]


def upright(photo: Photo, face: Face) -> Image.Image:
    """The face with some room around it, turned upright by its roll; black beyond the frame."""
    half = max(face.box.width, face.box.height, 1.0) * _AROUND / 2
    room = half * math.sqrt(2)  # so that turning leaves no corner empty
    (x, y) = face.box.centre
    cut = Image.fromarray(photo.pixels).crop((round(x - room), round(y - room), round(x + room), round(y + room)))
    if face.roll:
        # The head leans clockwise by `roll`; Pillow turns counterclockwise.
        cut = cut.rotate(face.roll, resample=Image.Resampling.BILINEAR)
    edge = (cut.width - 2 * half) / 2
    return cut.crop((round(edge), round(edge), round(edge + 2 * half), round(edge + 2 * half)))


def _sheet(crops: Sequence[tuple[str, Image.Image]], side: int) -> Image.Image:
    columns = math.ceil(math.sqrt(len(crops)))
    rows = math.ceil(len(crops) / columns)
    tile = max(min(side // max(columns, rows) - _LABEL - _MARGIN, 224), 16)
    sheet = Image.new("RGB", (columns * (tile + _MARGIN), rows * (tile + _LABEL + _MARGIN)), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=20)
    for place, (face_id, crop) in enumerate(crops):
        x, y = place % columns * (tile + _MARGIN), place // columns * (tile + _LABEL + _MARGIN)
        pen.text((x + _MARGIN, y + 1), face_id, fill=_INK, font=font)
        sheet.paste(crop.resize((tile, tile), Image.Resampling.LANCZOS), (x, y + _LABEL))
    return sheet


def _block(picture: Image.Image) -> Block:
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=90)
    return {"type": "image", "base64": base64.b64encode(buffer.getvalue()).decode(), "mime_type": "image/jpeg"}
