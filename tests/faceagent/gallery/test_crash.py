"""kill -9 in the middle of things, and several processes at once: nothing half-done is left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from galleries import MODEL, child, enrol, finished, on_disk, opened, template, vector

from faceagent.gallery import Model, erasure

ENROL = """
for number in range(100000):
    enrol(gallery, f"person {number}", (3 * number, 3 * number + 1, 3 * number + 2))
    print(number, flush=True)
"""
FORGET = """
for number in range(15):
    gallery.forget(f"person {number}")
    print(number, flush=True)
"""
# Dies by itself at the worst moment: after the rows are gone and before their remains are.
FORGET_AND_DIE = """
import os, signal
gallery._store.scrub = lambda: os.kill(os.getpid(), signal.SIGKILL)
gallery.forget("Ada")
"""
# Dies before the audit log is told.
ENROL_AND_DIE = """
import os, signal
gallery._deliver = lambda: os.kill(os.getpid(), signal.SIGKILL)
enrol(gallery, "Ada", (1,))
"""
# Dies after the old templates of the second person are gone and before the new are there.
REEMBED_AND_DIE = """
import os, signal
added = gallery._store.add_templates
calls = []
def dying(person, templates):
    calls.append(person)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    added(person, templates)
gallery._store.add_templates = dying
list(gallery.reembed_all(Model("recogniser", "2"), lambda crop: vector(len(crop))))
"""
REKEY_AND_DIE = """
import os, signal
gallery._store._set_meta = lambda name, value: os.kill(os.getpid(), signal.SIGKILL)
gallery.rekey(Key.of_file(folder / "new.key", create=True))
"""


@pytest.mark.parametrize("seconds", [0.05, 0.21, 0.4])
def test_a_killed_enrolment_leaves_people_whole(tmp_path: Path, seconds: float) -> None:
    process = child(ENROL, tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    acknowledged = len([first.decode(), *finished(process)])
    with opened(tmp_path) as gallery:
        people = gallery.people()
        assert acknowledged <= len(people) <= acknowledged + 1
        assert all(person.templates == {MODEL: 3} for person in people)
        assert gallery.verify() == []
        assert gallery.search(vector(1), MODEL, 1)[0].name == "person 0"


def test_a_killed_change_of_model_loses_nobody_and_is_gone_on_with(tmp_path: Path) -> None:
    new = Model("recogniser", "2")
    with opened(tmp_path) as gallery:
        for number, name in enumerate(("Ada", "Eve", "Max")):
            enrol(gallery, name, (2 * number, 2 * number + 1))
    finished(child(REEMBED_AND_DIE, tmp_path))
    with opened(tmp_path) as gallery:
        assert [person.templates for person in gallery.people()] == [{new: 2}, {MODEL: 2}, {MODEL: 2}]
        assert gallery.verify() == []
        assert [one.renewed for one in gallery.reembed_all(new, lambda crop: vector(len(crop)))] == [0, 2, 2]
        assert gallery.models() == {new: 6}


@pytest.mark.parametrize("seconds", [0.05, 0.23])
def test_a_killed_erasure_leaves_people_whole_or_nothing_of_them(tmp_path: Path, seconds: float) -> None:
    with opened(tmp_path) as gallery:
        for number in range(15):
            enrol(gallery, f"person {number}", (2 * number, 2 * number + 1))
        with gallery._store.reading():
            sealed = {
                number: [
                    row[0]
                    for row in gallery._store._db.execute("SELECT vector FROM templates WHERE person=?", (number + 1,))
                ]
                for number in range(15)
            }
    process = child(FORGET, tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    acknowledged = len([first.decode(), *finished(process)])
    with opened(tmp_path) as gallery:
        left = {int(person.name.split()[1]): person for person in gallery.people()}
        assert 15 - acknowledged - 1 <= len(left) <= 15 - acknowledged
        assert all(person.templates == {MODEL: 2} for person in left.values())
        assert gallery.verify() == []
        for number, blobs in sealed.items():
            _, remaining = erasure.remaining(gallery.folder, blobs)
            assert bool(remaining) == (number in left)


def test_what_a_crash_left_of_somebody_forgotten_is_gone_once_the_gallery_is_opened(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1, 2))
        enrol(gallery, "Grace", (3,))
        with gallery._store.reading():
            blobs = [row[0] for row in gallery._store._db.execute("SELECT crop FROM templates WHERE person = 1")]
    finished(child(FORGET_AND_DIE, tmp_path))
    with opened(tmp_path) as gallery:
        assert [person.name for person in gallery.people()] == ["Grace"]
        assert erasure.remaining(gallery.folder, blobs)[1] == ()
        assert gallery.verify() == []


def test_an_event_that_a_crash_kept_from_the_audit_log_is_told_later(tmp_path: Path) -> None:
    opened(tmp_path).close()
    finished(child(ENROL_AND_DIE, tmp_path))
    log = tmp_path / "gallery" / "audit.jsonl"
    assert not log.exists()
    with opened(tmp_path) as gallery:
        assert len(gallery) == 1 and gallery.verify() == []
    assert log.read_text().count('"kind":"enrolled"') == 1


def test_a_change_of_key_that_was_killed_leaves_the_old_one(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
    finished(child(REKEY_AND_DIE, tmp_path))
    with opened(tmp_path) as gallery:
        assert gallery.person("Ada") is not None and gallery.verify() == []


def test_two_writers_and_a_reader_share_a_gallery(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "first", (1000,))
        assert gallery.search(vector(1000), MODEL, 1)[0].name == "first"
        code = "for number in range({0}, {0} + 8): enrol(gallery, f'person {{number}}', (number,))"
        writers = [child(code.format(start), tmp_path) for start in (0, 8)]
        for writer in writers:
            finished(writer)
        assert len(gallery) == 17
        for number in (0, 7, 8, 15):
            assert gallery.search(vector(number), MODEL, 1)[0].name == f"person {number}"
        assert gallery.verify() == []
        finished(child("gallery.forget('person 7')", tmp_path))
        assert gallery.search(vector(7), MODEL, 1)[0].name != "person 7"


def test_the_same_person_enrolled_by_two_at_once_is_one(tmp_path: Path) -> None:
    opened(tmp_path).close()
    code = "for number in range({0}, {0} + 5): enrol(gallery, 'Ada', (number,))"
    for writer in [child(code.format(start), tmp_path) for start in (0, 5)]:
        finished(writer)
    with opened(tmp_path) as gallery:
        (ada,) = gallery.people()
        assert ada.templates == {MODEL: 10}


def test_a_template_is_nowhere_on_the_disk_as_it_is(tmp_path: Path) -> None:
    """While a process has the gallery open too, with its log unwritten."""
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada Lovelace", (1, 2))
        gallery.search(vector(1), MODEL)
        for plain in (template(1).vector.tobytes()[:16], template(2).crop[:16], b"Ada", b"on paper", b"%064x" % 1):
            assert on_disk(tmp_path, plain) == []
