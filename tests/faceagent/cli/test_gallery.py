"""The gallery on the command line, with a tool that enrols and knows people without looking at them."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import EXAMPLES
from fakes import fake_toolbox
from galleries import CONSENT, MODEL, template, vector
from pydantic import JsonValue

from faceagent.audit import AuditLog
from faceagent.cli import main
from faceagent.errors import MediaError, UsageError
from faceagent.gallery import Consent, Gallery, Key, Model, Template
from faceagent.gallery.records import Vector
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments, Toolbox
from faceagent.types import Claim, Evidence, Method

PORTRAIT, GROUP = str(EXAMPLES / "portrait.jpg"), str(EXAMPLES / "group.jpg")
METHOD = Method(name="fake", version="1", licence="Apache-2.0")
Run = Callable[..., tuple[int, str, str]]


class Enrolling(SubjectArguments):
    name: str
    consent: str | None = None
    consent_file: str | None = None
    consent_sha256: str | None = None
    until: date | None = None
    protected: bool = False
    another_name: bool = False


asked: list[Enrolling] = []


class Enroller(FaceTool[Enrolling]):
    """A template for each photo, told by the photo's bytes."""

    name: ClassVar[str] = "enroll_person"
    description: ClassVar[str] = "Enrols."
    needs_faces: ClassVar[bool] = True
    arguments: ClassVar[type[Enrolling]] = Enrolling

    def run(self, session: Session, arguments: Enrolling) -> list[Evidence]:
        assert session.gallery is not None
        if session.purpose is None:
            raise UsageError("Enrolment needs a purpose", "Name one with --purpose")
        asked.append(arguments)
        if arguments.name == "Taken" and not arguments.another_name:
            return [self.row("enrolment", None, under_another_name=True)]
        if arguments.name == "Unclear":
            unclear = [image for image in session.images if image in (arguments.subjects or session.images)]
            return [
                self.row("enrolment_photo", None, image, faces=[face.id for face in session.faces(image)])
                for image in unclear
            ]
        seeds = [int(session.photo(image).sha256[:6], 16) for image in session.images]
        consent = Consent(
            session.purpose,
            date(2026, 1, 1),
            statement=arguments.consent,
            file=arguments.consent_file,
            sha256=arguments.consent_sha256,
            until=arguments.until,
        )
        session.gallery.enroll(
            arguments.name, [template(seed) for seed in seeds], consent, protected=arguments.protected
        )
        return [self.row("enrolled", len(seeds))]

    model: ClassVar[Model] = MODEL

    def reembed(self, crop: bytes) -> Vector:
        if crop.endswith(b"broken"):
            raise MediaError("It is no picture")
        return vector(len(crop))

    def row(self, attribute: str, value: JsonValue, subject: str = "image 1", **details: JsonValue) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=subject,
            attribute=attribute,
            value=value,
            status="not_applicable" if value is None else "ok",
            reason="so it is" if value is None else None,
            method=METHOD,
            details=details,
        )

    def word(self, evidence: list[Evidence], names: Names) -> list[Claim]:
        return [Claim.on([row], f"{row.attribute}: {row.value}.", "answer") for row in evidence if row.status == "ok"]

    def backends(self) -> list[Backend]:
        return [Backend(self.name, METHOD, "method", here=True, chosen=True)]


class Identifier(Enroller):
    name: ClassVar[str] = "identify_person"
    needs_faces: ClassVar[bool] = False
    arguments: ClassVar[type[SubjectArguments]] = SubjectArguments  # type: ignore[assignment]

    def run(self, session: Session, arguments: SubjectArguments) -> list[Evidence]:
        assert session.gallery is not None
        seed = int(session.photo("image 1").sha256[:6], 16)
        hits = session.gallery.search(template(seed).vector, MODEL, 1, purpose=session.purpose)
        return [self.row("name", f"“{hits[0].name}”" if hits else "nobody")]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a gallery named by the environment: exit status, standard output, standard error."""
    tools = Toolbox([*fake_toolbox().values(), Enroller(), Identifier()])
    monkeypatch.setattr(Toolbox, "installed", staticmethod(lambda: tools))
    monkeypatch.setenv("FACEAGENT_GALLERY", str(tmp_path / "people"))
    monkeypatch.setenv("FACEAGENT_GALLERY_KEY_FILE", str(tmp_path / "people.key"))

    def run_command(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as error:  # argparse leaves like this
            status = int(error.code or 0)
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return status, " ".join(told.out.split()), " ".join(told.err.split())

    return run_command


def enroll(run: Run, *more: str) -> tuple[int, str, str]:
    return run("enroll", "Ada Lovelace", PORTRAIT, GROUP, "--consent", "By letter.", "--purpose", "personal", *more)


def test_from_enrolment_to_erasure(run: Run, tmp_path: Path) -> None:
    assert enroll(run, "--until", "2099-01-01", "--protected")[:2] == (0, "enrolled: 2 [e6].")
    status, out, _ = run("gallery", "list")
    today = date.today()
    assert (status, out) == (
        0,
        f"Ada Lovelace: 2 photos, since {today}, for personal, until 2099-01-01, protected 1 person is enrolled.",
    )
    assert run("gallery", "search", PORTRAIT)[1] == "name: “Ada Lovelace” [e1]."
    assert run("gallery", "search", PORTRAIT, "--purpose", "research")[1] == "name: nobody [e1]."
    shown = json.loads(run("gallery", "show", "ada lovelace")[1])
    assert shown["consent"]["statement"] == "By letter." and len(shown["photos"]) == 2
    status, out, _ = run("gallery", "verify")
    assert status == 0 and "1 entry is intact, and so is the audit log" in out
    status, out, _ = run("gallery", "forget", "Ada Lovelace")
    assert status == 0 and "None of the 9 pieces stored is left in audit.jsonl, audit.jsonl.head, gallery.db" in out
    assert run("gallery", "list")[1] == "0 people are enrolled."
    status, out, _ = run("audit", "verify")
    assert status == 0 and "each as it was written" in out
    log = (tmp_path / "people" / "audit.jsonl").read_text()
    assert "Ada" not in log and "By letter" not in log and '"consent":"in the entry"' in log


def test_consent_in_a_file_is_kept_by_its_hash(run: Run, tmp_path: Path) -> None:
    form = tmp_path / "form.pdf"
    form.write_bytes(b"signed")
    assert run("enroll", "Ada", PORTRAIT, "--consent", str(form), "--purpose", "personal")[0] == 0
    consent = json.loads(run("gallery", "show", "Ada")[1])["consent"]
    assert (consent["file"], consent["sha256"]) == ("form.pdf", hashlib.sha256(b"signed").hexdigest())


def test_what_is_exported_is_what_is_stored(run: Run, tmp_path: Path) -> None:
    enroll(run)
    status, out, _ = run("gallery", "export", "Ada Lovelace", "--out", str(tmp_path / "out"))
    assert status == 0 and out.startswith("3 files are in")
    told = json.loads((tmp_path / "out" / "person.json").read_text())
    assert told["name"] == "Ada Lovelace" and len(told["templates"]) == 2 and len(told["templates"][0]["vector"]) == 16
    assert (tmp_path / "out" / "face-1.png").read_bytes().startswith(b"\x89PNG")
    status, _, err = run("gallery", "export", "Ada Lovelace", "--out", str(tmp_path / "out"))
    assert status == 2 and "cannot be written" in err


def former(run: Run, tmp_path: Path, people: dict[str, list[bytes]]) -> None:
    """A gallery whose templates a former recogniser made, with these crops."""
    with Gallery.open(tmp_path / "people", Key.of_file(tmp_path / "people.key", create=True), create=True) as gallery:
        for name, crops in people.items():
            made = [Template(vector(number), Model("former", "1"), crop, "0" * 64) for number, crop in enumerate(crops)]
            gallery.enroll(name, made, CONSENT)


def test_after_a_change_of_model_templates_are_made_anew_from_their_crops(run: Run, tmp_path: Path) -> None:
    former(run, tmp_path, {"Ada": [b"crop"], "Eve": [b"crop", b""], "Max": [b"broken"]})
    status, out, err = run("gallery", "reembed")
    assert status == 1
    assert "2 templates of 2 people were made anew by recogniser 1." in out
    assert "2 people have templates of a former model still; 1 of them is not found any more." in out
    assert "Eve: of 1 of 2 templates no crop was kept that can be read. Eve is found by the others" in err
    assert "Max: of 1 of 1 template no crop was kept" in err
    assert 'not found before being enrolled anew: faceagent enroll "Max" PHOTO… --consent …' in err
    status, out, err = run("gallery", "list")
    assert status == 0 and "Several models made the templates (2 by former 1, 2 by recogniser 1)" in err
    assert run("gallery", "reembed")[1].startswith("0 templates of 0 people were made anew by recogniser 1, and 2 were")
    for name in ("Eve", "Max"):
        assert run("gallery", "forget", name)[0] == 0
    assert run("gallery", "reembed")[0] == 0 and run("gallery", "list")[2] == ""


def test_who_stops_a_change_of_model_is_told_how_it_goes_on(run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    former(run, tmp_path, {"Ada": [b"crop"], "Eve": [b"stop"]})

    def stopping(self: Enroller, crop: bytes) -> Vector:
        if crop == b"stop":
            raise KeyboardInterrupt
        return vector(1)

    with monkeypatch.context() as stopped:
        stopped.setattr(Enroller, "reembed", stopping)
        status, _, err = run("gallery", "reembed")
    assert status == 130 and "What was made anew until now stays so. The same command goes on with the rest." in err
    assert run("gallery", "reembed")[:2] == (
        0,
        "1 template of 1 person was made anew by recogniser 1, and 1 was already.",
    )


def test_a_new_key_takes_the_place_of_the_old(run: Run, tmp_path: Path) -> None:
    enroll(run)
    new = str(tmp_path / "new.key")
    status, out, _ = run("gallery", "rekey", "--new-key-file", new)
    assert status == 0 and out.startswith("The gallery has a new key (file new.key).")
    status, _, err = run("gallery", "list")
    assert status == 1 and "The key does not fit the gallery" in err
    assert run("gallery", "list", "--key-file", new)[0] == 0


def test_what_is_missing_is_said_with_the_mend(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = run("gallery", "list")
    assert status == 1 and "There is no gallery at" in err
    status, _, err = run("enroll", "Ada", PORTRAIT, "--consent", "yes")
    assert status == 2 and "Enrolment needs a purpose" in err
    status, _, err = run("enroll", "Ada", str(tmp_path / "none.jpg"), "--consent", "yes", "--purpose", "personal")
    assert status == 1 and "none.jpg" in err
    assert run("enroll", "Ada", PORTRAIT)[0] == 2
    status, _, err = run("enroll", "Ada", PORTRAIT, "--consent", "form.pdf", "--purpose", "personal")
    assert status == 2 and "The consent form.pdf does not exist" in err
    assert "is no date" in run("enroll", "Ada", PORTRAIT, "--consent", "yes", "--until", "soon")[2]
    assert run("gallery", "forget", "Nobody")[0] == 1
    monkeypatch.delenv("FACEAGENT_GALLERY_KEY_FILE")
    status, _, err = run("gallery", "list")
    assert status == 2 and "has a key file, people.key" in err
    monkeypatch.delenv("FACEAGENT_GALLERY")
    status, _, err = run("gallery", "list")
    assert status == 2 and "No gallery is named" in err


def test_a_photo_that_cannot_be_read_does_not_keep_the_others_from_being_enrolled(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    bad = str(tmp_path / "bad.jpg")
    status, out, err = run("enroll", "Ada", bad, PORTRAIT, GROUP, "--consent", "By letter.", "--purpose", "personal")
    assert status == 1 and "bad.jpg" in err and out == "enrolled: 2 [e6]."


def test_which_of_several_faces_is_meant_is_asked_and_can_be_said(run: Run) -> None:
    agreed = ("--consent", "By letter.", "--purpose", "personal")
    status, _, err = run("enroll", "Unclear", GROUP, *agreed)
    assert status == 1
    assert re.search(
        r"The faces of group.jpg: 1.1 is \d+ pixels wide, \d+ % from the left and \d+ % from the top; 1.2 is", err
    )
    assert re.search(r"Say which one is meant, as in --face 1.\d", err)
    for said, subjects in (
        (("--face", "2"), ("face 1.2",)),
        (("--face", "1.2"), ("face 1.2",)),
        (("--face", "face 1.1"), ("face 1.1",)),
    ):
        assert run("enroll", "Ada", GROUP, *agreed, *said)[0] == 0 and asked[-1].subjects == subjects
    assert run("enroll", "Ada", PORTRAIT, GROUP, *agreed, "--face", "2.1")[0] == 0
    assert asked[-1].subjects == ("face 2.1", "image 1")
    status, _, err = run("enroll", "Ada", PORTRAIT, GROUP, *agreed, "--face", "1")
    assert status == 2 and "Face 1 could be in any of the photos. Put the photo's number before it: 1.1" in err
    assert run("enroll", "Ada", GROUP, *agreed, "--face", "left")[0] == 2
    status, _, err = run("enroll", "Ada", GROUP, *agreed, "--face", "7.1")
    assert status == 2 and "7" in err


def test_a_second_name_is_taken_only_where_that_is_said(run: Run) -> None:
    agreed = ("--consent", "By letter.", "--purpose", "personal")
    status, _, err = run("enroll", "Taken", PORTRAIT, *agreed)
    assert status == 1 and "If the person is to have this name too, add --another-name." in err
    assert run("enroll", "Taken", PORTRAIT, *agreed, "--another-name")[0] == 0


def test_a_passphrase_comes_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEAGENT_GALLERY_KEY_FILE")
    monkeypatch.setenv("FACEAGENT_GALLERY_PASSPHRASE", "correct horse battery")
    assert enroll(run)[0] == 0
    monkeypatch.delenv("FACEAGENT_GALLERY_PASSPHRASE")
    status, _, err = run("gallery", "list")
    assert status == 2 and "passphrase is missing" in err


def test_a_new_gallery_without_a_key_says_what_makes_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEAGENT_GALLERY_KEY_FILE")
    monkeypatch.setitem(sys.modules, "keyring", None)
    status, _, err = enroll(run)
    assert status == 2 and "Name a file for it with --key-file" in err


def test_an_index_elsewhere_that_was_not_searched_is_told(run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("lancedb")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("FACEAGENT_GALLERY_INDEX", f"file://{tmp_path / 'elsewhere'}")
    assert enroll(run)[0] == 0 and run("gallery", "search", PORTRAIT)[0] == 0
    status, out, _ = run("gallery", "forget", "Ada Lovelace")
    assert status == 0 and "was written anew without Ada Lovelace. Its files lie elsewhere and were not searched" in out


def test_questions_are_logged_with_a_gallery_or_where_a_log_is_named(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    assert run("ask", PORTRAIT, "How many faces are there?", "--audit", str(log))[0] == 0
    assert run("audit", "verify", "--log", str(log))[1].startswith("1 line, each as it was written")
    log.write_text(log.read_text().replace("How many", "How few"))
    status, _, err = run("audit", "verify", "--log", str(log))
    assert status == 1 and "line 1 was changed" in err
    enroll(run)
    assert run("ask", PORTRAIT, "How many faces are there?")[0] == 0
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "people" / "audit.jsonl").read_text().splitlines()]
    assert kinds == ["enrolled", "called", "answered"]
    assert AuditLog(tmp_path / "none").verify().lines == 0
    assert run("audit", "verify", "--log", str(tmp_path / "none"))[0] == 1
