"""Inputs into files, files into photos or failures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.batch import expand, media
from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent.types import Failure
from faceagent.video import Video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    for name in ("b.jpg", "a.JPG", "deep/c.jpeg", ".hidden.jpg"):
        shutil.copy(EXAMPLES / "portrait.jpg", tmp_path / name)
    (tmp_path / "readme.txt").write_text("x")
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_a_folder_is_searched_through_in_order(folder: Path) -> None:
    assert names(expand([str(folder)])) == ["a.JPG", "b.jpg", "c.jpeg"]


def test_a_file_given_twice_is_examined_once(folder: Path) -> None:
    assert names(expand([str(folder / "b.jpg"), str(folder)])) == ["b.jpg", "a.JPG", "c.jpeg"]


def test_patterns(folder: Path) -> None:
    assert names(expand([str(folder / "**" / "*.jp*g")])) == ["b.jpg", "c.jpeg"]
    with pytest.raises(UsageError, match=r"\*\.png"):
        expand([str(folder / "*.png")])


def test_a_name_with_brackets_is_a_name(folder: Path) -> None:
    odd = folder / "odd[1].jpg"
    shutil.copy(EXAMPLES / "portrait.jpg", odd)
    assert expand([str(odd)]) == [odd]


def test_each_file_is_a_photo_or_a_failure(folder: Path) -> None:
    made = list(media([folder / "b.jpg", folder / "readme.txt", folder / "missing.jpg"]))
    assert [type(item) for item in made] == [Photo, Failure, Failure]
    assert all(isinstance(item, Failure) and item.mend for item in made[1:])


def test_videos_are_found_by_suffix_and_opened_by_content(folder: Path) -> None:
    pytest.importorskip("av")
    from videos import made

    made(folder / "d.MP4", frames=5)
    made(folder / "e.mkv", frames=5).rename(folder / "e.jpg")
    found = expand([str(folder)])
    assert {"d.MP4", "e.jpg"} <= set(names(found))
    assert [type(item) for item in media([folder / "d.MP4", folder / "e.jpg"])] == [Video, Video]
