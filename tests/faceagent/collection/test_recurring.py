"""Faces that recur: told for a purpose that allows it, and nothing they were compared by is left."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES

from faceagent.cli import main
from faceagent.collection import recurring
from faceagent.collection.lines import lines
from faceagent.collection.manifest import Collection
from faceagent.collection.recurring import Keeper, gather
from faceagent.collection.shard import examiner, work
from faceagent.errors import PolicyError
from faceagent.review import Seen
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Box, Face


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Three photos of one man, and a copy of one, examined and not compared yet."""
    folder = tmp_path_factory.mktemp("recurring")
    photos = folder / "photos"
    photos.mkdir()
    for name in ("group.jpg", "portrait-altered.jpg", "portrait.jpg"):
        shutil.copy(EXAMPLES / name, photos / name)
    shutil.copy(photos / "portrait.jpg", photos / "zz-copy.jpg")
    collection = Collection.begin(folder / "out", [str(photos)], purpose="protection", recurring=True, shard=3)
    for shard in collection.all():
        work(collection, shard, examiner)
    return collection


@pytest.fixture
def collection(examined: Collection, tmp_path: Path) -> Collection:
    return Collection.open(shutil.copytree(examined.place.work, tmp_path / "out"))


def test_one_man_in_three_files_and_a_copy(collection: Collection) -> None:
    found = gather(collection, Toolbox.installed())
    assert found is not None
    (cluster,) = found.clusters
    assert cluster.files == 3
    assert sorted({one.number for one in cluster.faces}) == [1, 2, 3]
    ids = {line.number + 1: {face.id for face in line.report.faces} for line in lines(collection) if line.report}
    assert all(one.face in ids[one.number] for one in cluster.faces)


def test_what_was_compared_is_gone_and_the_result_stays(collection: Collection) -> None:
    first = gather(collection, Toolbox.installed())
    assert not collection.faces.exists()
    assert gather(collection, Toolbox.installed()) == first


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_until_then_only_this_user_may_read_it(examined: Collection) -> None:
    assert stat.S_IMODE(examined.faces.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in examined.faces.iterdir()} == {0o600}


def test_no_line_holds_an_embedding(examined: Collection) -> None:
    assert all(b"embeddings" not in path.read_bytes() for path in (examined.place.work / "shards").iterdir())


def test_more_faces_than_can_be_compared(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurring, "MOST_FACES", 3)
    found = gather(collection, Toolbox.installed())
    assert found is not None
    assert (found.too_many, found.faces, found.clusters) == (True, 4, ())
    assert not collection.faces.exists()


@pytest.mark.parametrize("purpose", [None, "workplace", "access"])
def test_a_purpose_that_does_not_allow_it(purpose: str | None, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="Faces that recur are not looked for"):
        Collection.begin(tmp_path / "out", [str(EXAMPLES)], purpose=purpose, recurring=True)
    assert not (tmp_path / "out").exists()


def test_without_it_nothing_is_kept(tmp_path: Path) -> None:
    collection = Collection.begin(tmp_path / "out", [str(EXAMPLES / "portrait.jpg")], purpose="protection")
    work(collection, next(collection.all()), examiner)
    assert not collection.faces.exists()
    assert gather(collection, Toolbox.installed()) is None


def test_the_page_links_the_files_and_names_nobody(tmp_path: Path) -> None:
    inputs = [str(EXAMPLES / name) for name in ("portrait.jpg", "portrait-altered.jpg")]
    options = ["--engine", "local", "--workers", "1", "--out", str(tmp_path), "--recurring", "--purpose", "protection"]
    assert main(["report", *inputs, *options]) == 0
    page = (tmp_path / "overview.html").read_text(encoding="utf-8")
    assert "One person seems to be in several files." in page
    assert f'href="{(EXAMPLES / "portrait.jpg").absolute().as_uri()}"' in page
    assert not (tmp_path / "faces").exists()


class _Sees:
    """Faces by their number: 1 is good, 2 is blurred, 3 looks like a child's."""

    def see(self, session: Session, face: Face) -> Seen:
        number = int(face.id[-1])
        fault = "it is blurred" if number == 2 else None
        return Seen(np.full(4, number, np.float32), b"", fault, minor=number == 3)

    def known(self, *_: object) -> None: ...

    def group(self, seen: Sequence[Seen]) -> list[tuple[int, ...]]:
        return [tuple(range(len(seen)))]

    divide = weigh = group


@pytest.mark.parametrize("purpose", ["research", "personal"])
def test_children_and_faces_that_will_not_do_take_no_part(purpose: str) -> None:
    keeper = Keeper({"enroll_person": _Sees()}, purpose)  # type: ignore[arg-type]
    box = Box(x0=0, y0=0, x1=9, y1=9)
    faces = [Face(id=f"face 1.{number}", image="image 1", box=box, score=1.0) for number in (1, 2, 3)]
    keeper.look(Session(purpose), faces[1:])
    assert keeper.taken() == b""
    keeper.look(Session(purpose), faces)
    assert keeper.taken() != b""
    assert keeper.taken() == b""
