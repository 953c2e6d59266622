"""Files of the allowed folders and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faceagent.errors import MediaError, PolicyError, UsageError
from faceagent.mcp.folders import Folders


@pytest.fixture
def allowed(tmp_path: Path) -> Folders:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "inside-not").mkdir()
    for name in ("in/a.jpg", "in/deep/b.jpg", "secret.jpg", "inside-not/c.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    return Folders([tmp_path / "in"])


def read(folders: Folders, given: str) -> bytes:
    with folders.open(given) as file:
        return file.read()


def test_files_inside(allowed: Folders, tmp_path: Path) -> None:
    assert read(allowed, "a.jpg") == b"in/a.jpg"
    assert read(allowed, "deep/b.jpg") == b"in/deep/b.jpg"
    assert read(allowed, "deep/../a.jpg") == b"in/a.jpg"
    assert read(allowed, str(tmp_path / "in" / "a.jpg")) == b"in/a.jpg"


@pytest.mark.parametrize(
    "given",
    ["../secret.jpg", "/etc/passwd", "deep/../../secret.jpg", "../inside-not/c.jpg", "../gone.jpg", "a\0b", "~/x"],
)
def test_files_outside_are_refused_whether_they_are_there_or_not(allowed: Folders, given: str) -> None:
    inside = given == "~/x"  # no shell: a folder called "~"
    with pytest.raises(MediaError if inside else PolicyError):
        read(allowed, given)


def test_an_absolute_path_outside(allowed: Folders, tmp_path: Path) -> None:
    for name in ("secret.jpg", "nothing.jpg"):
        with pytest.raises(PolicyError, match="outside") as told:
            read(allowed, str(tmp_path / name))
        assert "--allow" in str(told.value)


def test_links_may_not_lead_out(allowed: Folders, tmp_path: Path) -> None:
    (tmp_path / "in" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "inside-not")
    (tmp_path / "in" / "round.jpg").symlink_to(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "loop.jpg").symlink_to(tmp_path / "in" / "loop.jpg")
    for given in ("out.jpg", "folder/c.jpg"):
        with pytest.raises(PolicyError):
            read(allowed, given)
    assert read(allowed, "round.jpg") == b"in/a.jpg"
    with pytest.raises(MediaError):
        read(allowed, "loop.jpg")


def test_a_link_that_is_put_there_while_we_look(
    allowed: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check and the opening a folder on the way becomes a link to elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"secret")
    opening = os.open

    def swapped(path: Path, flags: int) -> int:
        (tmp_path / "in" / "deep").rename(tmp_path / "in" / "was")
        (tmp_path / "in" / "deep").symlink_to(tmp_path / "elsewhere")
        return opening(path, flags)

    monkeypatch.setattr("faceagent.mcp.folders.os.open", swapped)
    with pytest.raises(PolicyError):
        read(allowed, "deep/b.jpg")


def test_what_is_no_plain_file(allowed: Folders, tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        read(allowed, "deep")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "in" / "pipe.jpg")  # would wait for a writer
        with pytest.raises(MediaError, match="no file"):
            read(allowed, "pipe.jpg")


def test_something_must_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--allow"):
        Folders([])
    with pytest.raises(UsageError, match="no folder"):
        Folders([tmp_path / "missing"])
