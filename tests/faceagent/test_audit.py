"""The audit log: what is in it, and that no line can be changed, removed or moved unnoticed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import fake_toolbox
from galleries import enrol, opened
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.agent import FaceAgent
from faceagent.audit import AuditLog, pseudonymous
from faceagent.errors import AuditError
from faceagent.media import Photo

KEY = bytes(range(32))


def log(folder: Path, lines: int = 5, key: bytes | None = KEY) -> AuditLog:
    made = AuditLog(folder / "audit.jsonl", key)
    for number in range(lines):
        made.append("answered", {"question": f"number {number}\nand \u2028 more"})
    return made


def rewritten(audit: AuditLog, change: Callable[[list[bytes]], list[bytes]]) -> tuple[str, ...]:
    """The faults after a change of the lines."""
    audit.path.write_bytes(b"".join(change(audit.path.read_bytes().splitlines(keepends=True))))
    return audit.verify().faults


@pytest.mark.parametrize("key", [KEY, None])
def test_an_untouched_log_is_sound_and_reads_as_json_lines(tmp_path: Path, key: bytes | None) -> None:
    audit = log(tmp_path, key=key)
    checked = audit.verify()
    assert (checked.lines, checked.faults) == (5, ())
    rows = [json.loads(line) for line in audit.path.read_text().splitlines()]
    assert [row["n"] for row in rows] == [1, 2, 3, 4, 5]
    assert checked.head == f"5:{rows[-1]['digest']}"
    assert AuditLog(tmp_path / "none.jsonl").verify().faults == ()


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"number 2", b"number 9"), *lines[3:]], "line 3 was changed"),
        (lambda lines: [*lines[:2], *lines[3:]], "line 4 stands where line 3 belongs"),
        (lambda lines: [lines[0].replace(b"u2028", b"u202F".lower()), *lines[1:]], "line 1 was changed"),
        (lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]], "line 1 was changed"),
        (lambda lines: lines[1:], "line 2 stands where line 1 belongs"),
        (lambda lines: [*lines[:1], lines[2], lines[1], *lines[3:]], "line 3 stands where line 2 belongs"),
        (lambda lines: lines[:-1], "line 5, which was written, is missing"),
        (lambda lines: lines[:2], "line 5, which was written, is missing"),
        (lambda lines: [], "line 5, which was written, is missing"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "line 3 stands where line 4 belongs"),
        (lambda lines: [*lines[:2], b"nonsense\n", *lines[3:]], "line 3 cannot be read"),
        (lambda lines: [*lines[:4], lines[4][:-40]], "line 5 is incomplete"),
    ],
)
def test_what_was_done_to_a_line_is_found_and_named(
    tmp_path: Path, key: bytes | None, change: Callable[[list[bytes]], list[bytes]], named: str
) -> None:
    assert any(named in fault for fault in rewritten(log(tmp_path, key=key), change))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_byte_of_a_log_can_be_changed_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    audit = log(tmp_path_factory.mktemp("audit"), lines=3)
    written = bytearray(audit.path.read_bytes())
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= data.draw(st.integers(1, 255))
    audit.path.write_bytes(written)
    assert audit.verify().faults


def test_a_log_forged_as_a_whole_is_found_by_its_key_or_by_a_head_that_was_kept(tmp_path: Path) -> None:
    audit = log(tmp_path / "keyed")
    (tmp_path / "plain").mkdir()
    forged = log(tmp_path / "plain", lines=5, key=None)
    audit.path.write_bytes(forged.path.read_bytes())
    assert [fault for fault in audit.verify().faults if fault.endswith("was changed")]

    kept = forged.verify().head
    for path in (tmp_path / "plain").iterdir():
        path.unlink()
    again = log(tmp_path / "plain", lines=6, key=None)
    assert again.verify().faults == ()
    assert again.verify(expected=kept).faults == ("line 5 is not the one that was written",)
    assert "no head" in again.verify(expected="5").faults[0]


def test_a_line_that_a_crash_cut_off_does_not_spoil_those_that_follow(tmp_path: Path) -> None:
    audit = log(tmp_path)
    with audit.path.open("ab") as stream:
        stream.write(b'{"n":6,"half a li')
    assert audit.verify().faults == ("line 6 is incomplete",)
    audit.append("answered", {})
    assert (audit.verify().lines, audit.verify().faults) == (6, ())


def test_nothing_is_added_after_a_last_line_that_was_changed(tmp_path: Path) -> None:
    audit = log(tmp_path)
    audit.path.write_bytes(b"nonsense\n")
    with pytest.raises(AuditError, match=r"last line .* was changed"):
        audit.append("answered", {})


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    code = (
        "from faceagent.audit import AuditLog; from pathlib import Path; "
        f"log = AuditLog(Path({str(tmp_path / 'audit.jsonl')!r})); [log.append('a', {{'b': n}}) for n in range(40)]"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    checked = AuditLog(tmp_path / "audit.jsonl").verify()
    assert (checked.lines, checked.faults) == (80, ())


def test_names_become_numbers_wherever_they_stand() -> None:
    names = {"Ada": "person 1", "Ada Lovelace": "person 2", "李娜": "person 3"}
    said = {"a": ["Is this ada lovelace, or Ada’s sister Adalind?", {"b": "这是李娜吗"}], "n": 3}
    assert pseudonymous(said, names) == {
        "a": ["Is this person 2, or person 1’s sister Adalind?", {"b": "这是person 3吗"}],
        "n": 3,
    }


def test_a_question_is_logged_with_what_was_done_and_said_but_no_name_and_no_picture(
    tmp_path: Path, portrait: Photo
) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada Lovelace", (1,))
        agent = FaceAgent(tools=fake_toolbox().values(), gallery=gallery, purpose="research")
        answer = agent.ask("How many faces, and is one Ada Lovelace?", [portrait])
        assert agent.open(()).gallery is gallery
        line = json.loads(gallery.audit.path.read_text().splitlines()[-1])
        assert gallery.verify() == []
    assert line["question"] == "How many faces, and is one person 1?"
    assert (line["kind"], line["purpose"], line["status"]) == ("answered", "research", answer.status)
    assert line["exhibits"] == [{"id": "image 1", "sha256": portrait.sha256}]
    assert [step["tool"] for step in line["steps"]] == [step.tool for step in answer.steps]
    assert [said["evidence"] for said in line["said"]] == [list(claim.evidence) for claim in answer.claims]
    assert len(json.dumps(line)) < 20_000 and "Ada" not in json.dumps(line)


def test_a_question_that_was_broken_off_is_logged_too(tmp_path: Path, portrait: Photo) -> None:
    audit = AuditLog(tmp_path / "audit.jsonl")
    agent = FaceAgent(tools=fake_toolbox().values(), audit=audit)
    events = agent.stream("How many faces are there?", [portrait])
    next(events)
    events.close()
    line = json.loads(audit.path.read_text())
    assert (line["kind"], line["question"]) == ("broken off", "How many faces are there?")


def test_without_gallery_and_audit_nothing_is_written(portrait: Photo) -> None:
    agent = FaceAgent(tools=fake_toolbox().values())
    assert agent.audit is None and agent.ask("How many faces are there?", [portrait]).claims


def test_what_cannot_be_logged_is_not_answered(tmp_path: Path, portrait: Photo) -> None:
    (tmp_path / "folder").write_text("a file where a folder is needed")
    agent = FaceAgent(tools=fake_toolbox().values(), audit=AuditLog(tmp_path / "folder" / "audit.jsonl"))
    with pytest.raises(AuditError, match="cannot be written"):
        agent.ask("How many faces are there?", [portrait])
