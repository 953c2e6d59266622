"""Keys: a wrong one harms nothing, a changed one shuts the old one out, and pieces open at their own place only."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import stat
import sys
import types
from pathlib import Path

import pytest
from galleries import MODEL, enrol, key, opened, vector

from faceagent.errors import GalleryError, MissingExtra, UsageError
from faceagent.gallery import Gallery, Key
from faceagent.gallery.database import key_of


def files(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_wrong_key_is_said_and_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
    before = files(tmp_path / "gallery")
    wrong = Key.of_file(tmp_path / "wrong.key", create=True)
    with pytest.raises(GalleryError, match=r"^The key does not fit the gallery at .* Nothing was changed"):
        Gallery.open(tmp_path / "gallery", wrong, create=True)
    with pytest.raises(GalleryError, match=r"has another kind of key \(file gallery.key\)"):
        Gallery.open(tmp_path / "gallery", Key.of_passphrase("correct horse battery"))
    assert files(tmp_path / "gallery") == before
    with opened(tmp_path) as gallery:
        assert gallery.search(vector(1), MODEL)[0].name == "Ada"


def test_a_passphrase_opens_and_another_does_not(tmp_path: Path) -> None:
    with Gallery.open(tmp_path, Key.of_passphrase("correct horse battery"), create=True) as gallery:
        enrol(gallery, "Ada", (1,))
    with Gallery.open(tmp_path, Key.of_passphrase("correct horse battery")) as gallery:
        assert gallery.person("Ada")
    with pytest.raises(GalleryError, match="does not fit"):
        Gallery.open(tmp_path, Key.of_passphrase("correct horse batterie"))
    with pytest.raises(UsageError, match="shorter than 12"):
        Key.of_passphrase("short")


def test_after_a_change_of_key_the_old_one_opens_nothing(tmp_path: Path) -> None:
    old, new = key(tmp_path), Key.of_file(tmp_path / "new.key", create=True)
    folder = tmp_path / "gallery"
    with opened(tmp_path) as gallery, opened(tmp_path) as other:
        enrol(gallery, "Ada", (1,))
        with gallery._store.reading():
            wrapped = gallery._store._db.execute("SELECT key FROM people").fetchone()[0]
        gallery.rekey(new)
        assert gallery.search(vector(1), MODEL)[0].name == "Ada"
        with pytest.raises(GalleryError, match="changed meanwhile"):
            other.search(vector(1), MODEL)
        assert [path.name for path in folder.iterdir() if wrapped[:24] in path.read_bytes()] == []
    with pytest.raises(GalleryError, match="does not fit"):
        Gallery.open(folder, old)
    with Gallery.open(folder, new) as gallery:
        assert gallery.person("ada") and gallery.verify() == []
        assert gallery.templates("Ada")[0].photo_sha256 == f"{1:064x}"


def test_a_piece_moved_to_another_place_does_not_open(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        enrol(gallery, "Grace", (2,))
    with sqlite3.connect(tmp_path / "gallery" / "gallery.db") as db:
        one, two = (row[0] for row in db.execute("SELECT vector FROM templates ORDER BY id").fetchall())
        db.executemany("UPDATE templates SET vector = ? WHERE id = ?", [(two, 1), (one, 2)])
    db.close()
    with opened(tmp_path) as gallery:
        with pytest.raises(GalleryError, match="damaged: template 1 1 vector"):
            gallery.search(vector(1), MODEL)
        assert len([fault for fault in gallery.verify() if "does not open" in fault]) == 2


def test_a_retention_date_cannot_be_put_off_without_the_key(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
    with sqlite3.connect(tmp_path / "gallery" / "gallery.db") as db:
        db.execute("UPDATE people SET until = '2199-01-01'")
    db.close()
    with opened(tmp_path) as gallery, pytest.raises(GalleryError, match="damaged: person 1 card"):
        gallery.people()


def test_what_is_no_gallery_is_said_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="There is no gallery at"):
        Gallery.open(tmp_path / "none", key(tmp_path))
    assert not (tmp_path / "none").exists()
    (tmp_path / "gallery.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(GalleryError, match="not a database"):
        Gallery.open(tmp_path, key(tmp_path), create=True)
    assert (tmp_path / "gallery.db").read_bytes() == b"no database at all" * 100
    other = tmp_path / "other"
    other.mkdir()
    with sqlite3.connect(other / "gallery.db") as db:
        db.execute("CREATE TABLE mine (a)")
    db.close()
    before = (other / "gallery.db").read_bytes()
    with pytest.raises(GalleryError, match="no gallery that this version can read"):
        Gallery.open(other, key(tmp_path), create=True)
    assert (other / "gallery.db").read_bytes() == before


def test_key_file_and_gallery_are_for_their_owner_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        made = [tmp_path / "gallery.key", *gallery.folder.iterdir()]
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in made)
        assert stat.S_IMODE(gallery.folder.stat().st_mode) == 0o700


def test_a_key_file_that_is_missing_or_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no key file"):
        Key.of_file(tmp_path / "none.key")
    (tmp_path / "bad.key").write_text("hello")
    with pytest.raises(GalleryError, match="is not a key"):
        Key.of_file(tmp_path / "bad.key")
    assert "hello" not in repr(Key.of_passphrase("hello, everybody"))


def test_the_gallery_says_which_key_it_wants(tmp_path: Path) -> None:
    assert key_of(tmp_path / "gallery") is None
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "gallery.db").touch()  # as a crash leaves it before anything is in it
    assert key_of(tmp_path / "gallery") is None
    opened(tmp_path).close()
    assert key_of(tmp_path / "gallery") == ("file", "gallery.key")


def test_a_key_in_the_keyring_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary in place of the operating system's keyring."""
    entries: dict[tuple[str, str], str] = {}
    keyring = types.ModuleType("keyring")
    errors = types.ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
    keyring.get_password = lambda service, entry: entries.get((service, entry))  # type: ignore[attr-defined]
    keyring.set_password = lambda service, entry, text: entries.__setitem__((service, entry), text)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    with pytest.raises(GalleryError, match="no entry 'gallery'"):
        Key.of_keyring()
    with Gallery.open(tmp_path / "gallery", Key.of_keyring(create=True), create=True) as gallery:
        enrol(gallery, "Ada", (1,))
    with Gallery.open(tmp_path / "gallery", Key.of_keyring(create=True)) as gallery:
        assert len(gallery) == 1
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra, match=r"faceagent\[keyring\]"):
        Key.of_keyring()


def test_a_copy_of_the_folder_opens_with_the_key(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
    shutil.copytree(tmp_path / "gallery", tmp_path / "copy")
    with Gallery.open(tmp_path / "copy", key(tmp_path)) as gallery:
        assert gallery.person("Ada")
