"""A worker's memory stays within its bounds on a long video: it is streamed, and its frames are let go."""

from __future__ import annotations

from pathlib import Path

import faulty
import numpy as np
import pytest
from conftest import EXAMPLES

from faceagent.collection.lines import lines
from faceagent.collection.local import run
from faceagent.collection.manifest import Collection
from faceagent.media import Limits, Photo

av = pytest.importorskip("av")
MINUTES, SIZE = 30, (1920, 1080)
BYTES = 1_200_000_000
"""Of the file, most of it a box that players skip: more than a worker may take."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of a face in full HD, a frame a second."""
    path = tmp_path_factory.mktemp("long") / "clip.mp4"
    face = Photo.open(EXAMPLES / "portrait.jpg").pixels[: SIZE[1], : SIZE[0]]
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    picture[: face.shape[0], : face.shape[1]] = face
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1, options={"g": "25", "qscale": "3"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(MINUTES * 60):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    padding = BYTES - path.stat().st_size
    with path.open("ab") as file:
        file.write(padding.to_bytes(4, "big") + b"free")
        file.truncate(BYTES)  # a hole, which takes no room on the disk
    return path


def test_half_an_hour_of_video_takes_less_than_a_gigabyte(clip: Path, tmp_path: Path) -> None:
    collection = Collection.begin(tmp_path / "out", [str(clip)], limits=Limits(max_video_bytes=2 * BYTES))
    told = faulty.Told()
    run(collection, 1, told)
    (line,) = lines(collection)
    assert line.failure is None
    assert line.report is not None
    assert line.report.exhibit.bytes == BYTES
    assert line.report.faces
    assert 100e6 < told.memory < 1e9
