"""A gallery, and conversations about people whom the fake recogniser tells apart."""

from __future__ import annotations

import numpy as np
import pytest

from faceagent.gallery import Gallery, Key
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Face


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(tmp_path / "people", Key.of_file(tmp_path / "key", create=True), create=True) as opened:
        yield opened


@pytest.fixture
def conversation(gallery):
    """A session with a photo for each (person, off), one face in each that is large and frontal; others of `faces` are
    a bystander's."""

    def make(*people, purpose=None, faces=1):
        session = Session(purpose, gallery)
        for who, off in people:
            pixels = np.full((200, 200, 3), 128, np.uint8)
            pixels[0, 1:, 0] = 100 + len(session.images)  # bystanders
            pixels[0, 0] = (who, off, len(session.images))
            image = session.add(Photo.open(pixels, name="portrait"))
            number = image.split()[1]
            count = faces if isinstance(faces, int) else faces[len(session.images) - 1]
            boxes = [Box(x0=40, y0=40, x1=160, y1=160)] * count
            session.set_faces(
                image,
                [Face(id=f"face {number}.{at}", image=image, box=box, score=1.0) for at, box in enumerate(boxes, 1)],
            )
        return session

    return make
