"""Files of others: what is taken in, under which name, and that nothing is left of what is refused."""

from __future__ import annotations

import io
import os
import stat
import tracemalloc
from datetime import timedelta
from pathlib import Path

import hostile_files
import pytest
from conftest import EXAMPLES

from faceagent.errors import MediaError, MediaTooLarge, UnknownFormat, UsageError
from faceagent.media import Limits, Photo
from faceagent.uploads import Uploads, purge_tree
from faceagent.video import Video

PORTRAIT = (EXAMPLES / "portrait.jpg").read_bytes()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", Limits(max_bytes=5 * 2**20, max_video_bytes=2**20))


def left(uploads: Uploads) -> list[str]:
    return sorted(path.name for path in uploads.folder.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_folder_and_its_files_are_private(uploads: Uploads) -> None:
    upload = uploads.store(io.BytesIO(PORTRAIT), "portrait.jpg")
    assert stat.S_IMODE(uploads.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((uploads.folder / upload.id).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", hostile_files.NAMES)
def test_a_name_is_data_and_never_a_path(uploads: Uploads, name: str) -> None:
    upload = uploads.store(io.BytesIO(PORTRAIT), name)
    assert left(uploads) == [upload.id]
    opened = uploads.open(upload)
    assert isinstance(opened, Photo)
    assert opened.name == upload.name
    assert opened.path is None
    assert 0 < len(upload.name) <= 255
    assert upload.name.endswith(name[-100:])


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", MediaError),
        (b"%PDF-1.7 not a photo", UnknownFormat),
        (hostile_files.page(), MediaError),
        (hostile_files.bomb(), MediaTooLarge),
        (hostile_files.text_bomb(), MediaError),
        (PORTRAIT[:300], MediaError),
        (bytes(6 * 2**20), MediaTooLarge),
        (b"\0\0\0\x18ftypisom" + bytes(2 * 2**20), MediaTooLarge),
        (b"\0\0\0\x18ftypisom" + bytes(100), MediaError),
    ],
    ids=["empty", "PDF", "page", "bomb", "text bomb", "cut short", "too large", "large video", "broken video"],
)
def test_nothing_is_left_of_what_is_refused(uploads: Uploads, data: bytes, refusal: type[MediaError]) -> None:
    with pytest.raises(refusal) as told:
        uploads.store(io.BytesIO(data), "holiday.jpg")
    assert left(uploads) == []
    assert "holiday.jpg" in told.value.message
    assert str(uploads.folder) not in str(told.value)


def test_no_more_is_read_than_is_allowed(uploads: Uploads) -> None:
    endless = io.BytesIO(bytes(50 * 2**20))
    with pytest.raises(MediaTooLarge, match="5 MB"):
        uploads.store(endless, "endless.jpg")
    assert endless.tell() <= 7 * 2**20


def test_a_bomb_is_refused_before_it_is_decoded(uploads: Uploads) -> None:
    data = hostile_files.bomb()
    tracemalloc.start()
    with pytest.raises(MediaTooLarge, match="pixels"):
        uploads.store(io.BytesIO(data), "bomb.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_the_content_says_what_a_file_is(uploads: Uploads, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from videos import made

    clip = uploads.store(io.BytesIO(made(tmp_path / "clip.mp4").read_bytes()), "photo.jpg")
    photo = uploads.store(io.BytesIO(hostile_files.polyglot()), "archive.zip")
    assert (clip.kind, photo.kind) == ("video", "photo")
    video = uploads.open(clip)
    assert isinstance(video, Video)
    assert video.name == "photo.jpg"
    assert next(iter(video.sample(1, 1))).photo.name.startswith("photo.jpg at")  # type: ignore[union-attr]


def test_age_and_hand_remove_files(uploads: Uploads) -> None:
    old, new, third = (uploads.store(io.BytesIO(PORTRAIT), "portrait.jpg") for _ in range(3))
    os.utime(uploads.folder / old.id, (0, 0))
    assert uploads.purge(timedelta(hours=1)) == 1
    assert left(uploads) == sorted([new.id, third.id])
    uploads.remove(new, old)
    assert left(uploads) == [third.id]
    with pytest.raises(MediaError, match=r"portrait\.jpg is not kept any more"):
        uploads.open(new)


def test_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "uploads").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="link"):
        Uploads(tmp_path / "uploads")


def test_what_a_killed_run_left_is_purged_wherever_it_lies(tmp_path: Path) -> None:
    old, new = tmp_path / "a1" / "old.jpg", tmp_path / "b2" / "new.jpg"
    for file in (old, new):
        file.parent.mkdir()
        file.write_bytes(b"x")
    os.utime(old, (0, 0))
    purge_tree(tmp_path, timedelta(days=1))
    assert not old.exists() and new.exists()
