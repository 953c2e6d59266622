"""That who is forgotten is gone from every file, by its bytes."""

from __future__ import annotations

from pathlib import Path

from galleries import enrol, on_disk, opened

from faceagent.gallery import Gallery


def stored(gallery: Gallery, person: int) -> list[bytes]:
    """Every sealed piece of a person as it lies in the file."""
    with gallery._store.reading():
        db = gallery._store._db
        own = db.execute("SELECT lookup, key, card FROM people WHERE id = ?", (person,)).fetchone()
        rows = db.execute("SELECT vector, crop, facts FROM templates WHERE person = ?", (person,)).fetchall()
    return [bytes(piece) for row in (own, *rows) for piece in row]


def windows(piece: bytes) -> list[bytes]:
    """Parts of a piece, because a page of the file may hold only some of it."""
    return [piece[start : start + 20] for start in range(0, len(piece) - 20, 400)] or [piece]


def test_no_part_of_a_forgotten_person_is_left_in_any_file(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        for number in range(6):
            enrol(gallery, f"person {number}", (2 * number, 2 * number + 1))
        pieces = stored(gallery, 3)
        assert all(on_disk(tmp_path, part) for piece in pieces for part in windows(piece))
        forgotten = gallery.forget("person 2")
        assert forgotten.proven and (forgotten.person, forgotten.templates, forgotten.blobs) == (3, 2, 9)
        assert {"gallery.db", "audit.jsonl"} <= set(forgotten.searched)
        assert [part for piece in pieces for part in windows(piece) if on_disk(tmp_path, part)] == []
        assert all(on_disk(tmp_path, part) for piece in stored(gallery, 4) for part in windows(piece))


def test_the_proof_finds_a_copy_that_somebody_put_beside_the_gallery(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        (tmp_path / "gallery" / "copy.bak").write_bytes(b"before" + stored(gallery, 1)[4])
        forgotten = gallery.forget("Ada")
        assert not forgotten.proven and forgotten.remaining == ("copy.bak",)


def test_a_reader_that_holds_the_log_is_waited_for_and_told(tmp_path: Path) -> None:
    """Whoever reads in the middle of an erasure keeps old pages in the log; the next opening removes them."""
    with opened(tmp_path) as gallery, opened(tmp_path) as reader:
        gallery._store._db.execute("PRAGMA busy_timeout = 50")
        enrol(gallery, "Ada", (1,))
        with reader._store.reading():
            list(reader._store.ids())
            forgotten = gallery.forget("Ada")
        assert not forgotten.proven
        assert [fault for fault in gallery.verify() if "may still be in the file" in fault]
    with opened(tmp_path) as gallery:
        assert gallery.verify() == []


def test_what_is_replaced_by_templates_of_another_model_is_gone(tmp_path: Path) -> None:
    from galleries import vector

    from faceagent.gallery import Model

    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        old = stored(gallery, 1)[3]
        gallery.reembed("Ada", Model("recogniser", "2"), lambda crop: vector(9))
        assert on_disk(tmp_path, old[:24]) == []
