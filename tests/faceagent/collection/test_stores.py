"""Collections in stores: fsspec's memory, and its local files for workers that are processes of their own."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import ClassVar

import pytest
from conftest import EXAMPLES

from faceagent.cli import main
from faceagent.collection import stores
from faceagent.collection.lines import lines
from faceagent.collection.manifest import Collection
from faceagent.collection.shard import examiner, work
from faceagent.errors import InputError, MediaTooLarge, UsageError
from faceagent.files import claim
from faceagent.media import Limits

fsspec = pytest.importorskip("fsspec")
PORTRAIT = (EXAMPLES / "portrait.jpg").read_bytes()


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    files.pipe({"/bucket/b/two.png": b"", "/bucket/a.jpg": PORTRAIT, "/bucket/notes.txt": b"", "/bucket/.x.jpg": b""})
    yield files
    files.rm("/bucket", recursive=True)


def sources(tmp_path: Path, *inputs: str) -> list[str]:
    return [source for shard in Collection.begin(tmp_path / "out", inputs).all() for source in shard.sources]


def test_a_folder_stands_for_its_photos(memory: object, tmp_path: Path) -> None:
    assert sources(tmp_path, "memory://bucket") == ["memory:///bucket/a.jpg", "memory:///bucket/b/two.png"]


def test_a_pattern_and_a_name(memory: object, tmp_path: Path) -> None:
    assert sources(tmp_path, "memory://bucket/**/*.png", "memory://bucket/notes.txt") == [
        "memory:///bucket/b/two.png",
        "memory:///bucket/notes.txt",
    ]


def test_tables_name_addresses(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    memory.pipe_file("/bucket/list.csv", b"uri\na.jpg\nmemory://bucket/b/two.png\n")
    table = tmp_path / "list.csv"
    table.write_text("path\ns3://other/key::with colons.jpg\nhere.jpg\n", encoding="utf-8")
    assert sources(tmp_path, "memory://bucket/list.csv", str(table)) == [
        "memory://bucket/a.jpg",
        "memory://bucket/b/two.png",
        "s3://other/key::with colons.jpg",
        str(tmp_path / "here.jpg"),
    ]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://169.254.169.254/latest", "is not read"),
        ("HTTPS://example.org/a.jpg", "is not read"),
        ("simplecache::http://example.org/a.jpg", "is not read"),
        ("ftp://example.org/a.jpg", "is not read"),
        ("s3://key:secret@bucket/a.jpg", "name or a password"),
    ],
)
def test_what_is_not_read(address: str, said: str, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text(f"uri\n{address}\n", encoding="utf-8")
    for given in (address, str(table)):
        with pytest.raises(UsageError, match=said) as caught:
            sources(tmp_path, given)
        assert "secret" not in str(caught.value)


def test_a_table_in_a_store_names_no_file_of_this_machine(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    memory.pipe_file("/bucket/list.csv", b"uri\nfile:///etc/passwd\n")
    with pytest.raises(UsageError, match="a file of this machine"):
        sources(tmp_path, "memory://bucket/list.csv")


@pytest.mark.parametrize("address", ["memory://nowhere", "memory://nowhere/list.csv", "memory://bucket/*.gif"])
def test_where_there_is_nothing(memory: object, address: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        sources(tmp_path, address)


def test_a_protocol_without_its_package(tmp_path: Path) -> None:
    if any(known in ("gcsfs",) for known in map(str, fsspec.available_protocols())):
        pytest.skip("it is there")
    with pytest.raises(UsageError, match="pip install adlfs"):
        sources(tmp_path, "az://container/folder")


def test_size_is_looked_at_before_copying(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    collection = Collection.begin(tmp_path / "out", ["memory://bucket/a.jpg"], limits=Limits(max_bytes=1000))
    monkeypatch.setattr(type(memory), "_open", lambda *_, **__: pytest.fail("it was copied"))
    monkeypatch.setattr(type(memory), "cat_file", lambda *_, **__: PORTRAIT[:200])
    work(collection, next(collection.all()), examiner)
    (line,) = lines(collection)
    assert line.failure is not None
    assert "over the limit" in line.failure.message


def test_an_object_that_is_lost_is_one_row_and_no_copy_stays(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copies = temporary(tmp_path, monkeypatch)
    collection = Collection.begin(tmp_path / "out", ["memory://bucket"], shard=2)
    memory.rm_file("/bucket/b/two.png")
    work(collection, next(collection.all()), examiner)
    found, lost = lines(collection)
    assert found.report is not None
    assert found.report.exhibit.name == "a.jpg"
    assert lost.failure is not None
    assert lost.failure.message == "memory:///bucket/b/two.png does not exist."
    (room,) = copies.iterdir()
    assert [path.name for path in room.iterdir()] == ["lock"]


def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    monkeypatch.setattr(stores, "_room", cache(stores._room.__wrapped__))
    return copies


def test_what_a_killed_process_left_is_removed(memory: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copies = temporary(tmp_path, monkeypatch)
    dead, alive, young = (copies / f"faceagent-copies-{name}" for name in ("dead", "alive", "young"))
    for folder in (dead, alive, young):
        folder.mkdir()
        (folder / "lock").touch()
        if folder is not young:
            os.utime(folder, (0, 0))
    with claim(alive / "lock"), stores.fetched("memory://bucket/a.jpg", Limits()) as path:
        assert path.read_bytes() == PORTRAIT
        assert not dead.exists()
        assert alive.exists()
        assert young.exists()


def test_an_outage_ends_the_run_and_is_nobodys_fault(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    collection = Collection.begin(tmp_path / "out", ["memory://bucket/a.jpg"])
    shard = next(collection.all())

    def unreachable(*_: object, **__: object) -> bytes:
        raise ConnectionError("no route to host")

    for _ in range(4):  # more often than a file that crashes its reader is tried
        with monkeypatch.context() as broken, pytest.raises(InputError, match="cannot be reached"):
            broken.setattr(type(memory), "info", unreachable)
            work(collection, shard, examiner)
    work(collection, shard, examiner)
    (line,) = lines(collection)
    assert line.report is not None


def test_workers_read_a_store_as_they_read_a_folder(tmp_path: Path) -> None:
    """The findings are the same; only the source is told as it was given."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.jpg").write_bytes(PORTRAIT)
    told = []
    for name, given in (("path", [str(folder), "--engine", "local"]), ("address", [folder.as_uri()])):
        assert main(["report", *given, "--workers", "1", "--out", str(tmp_path / name)]) == 0
        rows = list(lines(Collection.open(tmp_path / name)))
        assert all(line.report for line in rows)
        told.append([json.loads(line.report.exhibit.model_dump_json()) for line in rows if line.report])
    assert told[0] == told[1]


def test_s3(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    bucket.pipe({"bucket/in/a.jpg": PORTRAIT, "bucket/in/b::c.jpg": PORTRAIT, "bucket/in/lost.jpg": PORTRAIT})
    bucket.pipe({"bucket/in/short.jpg": b"no photo", "bucket/in/void.jpg": b"", "bucket/in/wide.jpg": b"?" * 2**20})
    collection = Collection.begin(tmp_path / "out", ["s3://bucket/in"], shard=6, limits=Limits(max_bytes=2**19))
    bucket.rm_file("bucket/in/lost.jpg")
    work(collection, next(collection.all()), examiner)
    told = [(line.source, line.failure.message if line.failure else "") for line in lines(collection)]
    assert told == [
        ("s3://bucket/in/a.jpg", ""),
        ("s3://bucket/in/b::c.jpg", ""),
        ("s3://bucket/in/lost.jpg", "s3://bucket/in/lost.jpg does not exist."),
        ("s3://bucket/in/short.jpg", "short.jpg is not an image that can be read."),
        ("s3://bucket/in/void.jpg", "void.jpg is empty (0 bytes)."),
        ("s3://bucket/in/wide.jpg", "wide.jpg has 1.0 MB, over the limit of 0 MB."),
    ]


@pytest.mark.parametrize(("code", "ends"), [("ExpiredToken", True), ("AccessDenied", False)])
def test_a_token_that_has_expired_ends_the_run_and_an_object_that_is_denied_does_not(
    code: str, ends: bool, memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Refused(Exception):
        response: ClassVar = {"Error": {"Code": code}}

    def refuses(*_: object, **__: object) -> bytes:
        raise PermissionError(code) from Refused()

    collection = Collection.begin(tmp_path / "out", ["memory://bucket/a.jpg"])
    monkeypatch.setattr(type(memory), "info", refuses)
    with pytest.raises(InputError, match="goes on where it stopped") if ends else nullcontext():
        work(collection, next(collection.all()), examiner)
    told = [line.failure.message for line in lines(collection) if line.failure]
    assert told == ([] if ends else ["memory:///bucket/a.jpg may not be read with the credentials that there are."])


def test_a_large_video_is_told_from_a_large_photo_by_its_head(bucket: fsspec.AbstractFileSystem) -> None:
    head = b"\0\0\0\x18ftypisom" + b"\0" * 5_000
    bucket.pipe({"bucket/clip.mp4": head, "bucket/clip.jpg": b"\xff\xd8\xff" + b"\0" * 5_000 + b"ftypisom"})
    limits = Limits(max_bytes=1_000, max_video_bytes=10_000)
    with stores.fetched("s3://bucket/clip.mp4", limits) as path:
        assert path.read_bytes() == head
    with pytest.raises(MediaTooLarge), stores.fetched("s3://bucket/clip.jpg", limits):
        pytest.fail("it was copied")
