"""The approximate index: the same people as by comparing all, nothing readable on the disk, nothing left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from galleries import CONSENT, MODEL, D, enrol, key, on_disk, template, vector

from faceagent.gallery import Enrolment, Gallery, rotation

pytest.importorskip("lancedb")

from faceagent.gallery import lance

PEOPLE = 300


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """300 people, enough here for an approximate index."""
    monkeypatch.setattr(lance, "INDEXED", 256)
    made = Gallery.open(tmp_path / "gallery", key(tmp_path), create=True, index="lancedb")
    made.enroll_many(Enrolment(f"person {number}", [template(number)], CONSENT) for number in range(PEOPLE))
    return made


def test_it_finds_whom_comparing_all_finds(gallery: Gallery, tmp_path: Path) -> None:
    with gallery, Gallery.open(tmp_path / "gallery", key(tmp_path)) as exact:
        agreed = 0
        for seed in range(1000, 1020):
            expected, told = (one.search(vector(seed), MODEL, 5) for one in (exact, gallery))
            agreed += len({hit.name for hit in expected} & {hit.name for hit in told})
            shared = {hit.name: hit.similarity for hit in expected}
            for hit in told:
                assert hit.similarity == pytest.approx(shared.get(hit.name, hit.similarity), abs=1e-5)
        assert agreed >= 95  # of 100


def test_no_template_lies_on_the_disk_as_it_is_and_who_is_forgotten_leaves_none(
    gallery: Gallery, tmp_path: Path
) -> None:
    with gallery:
        assert gallery.search(vector(7), MODEL, 1)[0].name == "person 7"
        unit = vector(7) / np.linalg.norm(vector(7))
        assert on_disk(tmp_path, unit.tobytes()[:16]) == on_disk(tmp_path, vector(7).tobytes()[:16]) == []
        with gallery._store.writing():
            turned = gallery._indexes.traces(np.array([8]))
        assert len(turned) == 1 and on_disk(tmp_path, turned[0][: 4 * D])
        forgotten = gallery.forget("person 7")
        assert forgotten.proven and forgotten.blobs == 7
        assert any(name.startswith("index/") for name in forgotten.searched)
        assert on_disk(tmp_path, turned[0][:24]) == []
        assert gallery.search(vector(7), MODEL, 1)[0].name != "person 7"


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_an_index_elsewhere_is_searched_too_or_it_is_said_that_it_was_not(tmp_path: Path, scheme: str) -> None:
    elsewhere = tmp_path / "elsewhere" / "gallery"
    elsewhere.mkdir(parents=True)
    with Gallery.open(tmp_path / "gallery", key(tmp_path), create=True, index=f"{scheme}{elsewhere}") as gallery:
        enrol(gallery, "Ada", (1,))
        enrol(gallery, "Ben", (2,))
        assert gallery.search(vector(1), MODEL, 1)[0].name == "Ada"
        with gallery._store.writing():
            (turned,) = gallery._indexes.traces(np.array([1]))
        assert on_disk(elsewhere.parent, turned[: 4 * D])
        forgotten = gallery.forget("Ada")
        assert forgotten.proven and on_disk(elsewhere.parent, turned[:24]) == []
        reached = any(name.startswith(str(elsewhere)) for name in forgotten.searched)
        assert (forgotten.unsearched, reached) == ((None, True) if not scheme else (f"file://{elsewhere}", False))


def test_two_processes_share_it_and_it_follows_the_store(gallery: Gallery, tmp_path: Path) -> None:
    with gallery, Gallery.open(tmp_path / "gallery", key(tmp_path), index="lancedb") as other:
        assert gallery.search(vector(1), MODEL, 1)[0].name == other.search(vector(1), MODEL, 1)[0].name == "person 1"
        enrol(other, "new", (5000,))
        assert gallery.search(vector(5000), MODEL, 1)[0].name == "new"
        gallery.forget("new")
        assert other.search(vector(5000), MODEL, 1)[0].name != "new"
    with Gallery.open(tmp_path / "gallery", key(tmp_path)) as exact:  # changed while nobody keeps the index
        enrol(exact, "later", (6000,))
        exact.forget("person 3")
    with Gallery.open(tmp_path / "gallery", key(tmp_path), index="lancedb") as again:
        assert again.search(vector(6000), MODEL, 1)[0].name == "later"
        assert again.search(vector(3), MODEL, 1)[0].name != "person 3"


def test_the_matrix_keeps_angles_and_is_another_each_time() -> None:
    turn = rotation.orthogonal(64)
    assert np.allclose(turn @ turn.T, np.eye(64), atol=1e-5)
    assert not np.allclose(turn, rotation.orthogonal(64))
