"""The command line as a person meets it: sentences, exit statuses, and never a traceback."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.cli import main
from faceagent.types import Answer, Report

PORTRAIT, ALTERED, GROUP = (str(EXAMPLES / f"{name}.jpg") for name in ("portrait", "portrait-altered", "group"))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command: exit status, standard output, standard error (both on one line)."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as error:  # argparse leaves like this
            status = int(error.code or 0)
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return status, " ".join(told.out.split()), " ".join(told.err.split())

    return run_command


def test_an_answer_in_sentences_with_evidence(run: Run) -> None:
    status, out, _ = run("ask", GROUP, "How many faces are there?")
    assert status == 0
    assert out.startswith("There are two faces in the photo")
    assert "[e1]" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", GROUP, "--language", "de", "How many faces are there?"),
        ("ask", "--language", "de", GROUP, "How many faces are there?"),
        ("ask", GROUP, "How many faces are there?", "--language", "de"),
    ],
)
def test_options_may_stand_anywhere(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith("In dem Foto sind zwei Gesichter")


def test_an_answer_in_the_language_of_the_question(run: Run) -> None:
    status, out, err = run("ask", GROUP, "Wie viele Gesichter sind auf dem Bild?")
    assert (status, err) == (0, "")
    assert out.startswith("In dem Foto sind zwei Gesichter")
    _, out, _ = run("ask", GROUP, "--language", "en", "Wie viele Gesichter sind auf dem Bild?")
    assert out.startswith("There are two faces in the photo")


def test_what_a_command_does_not_take_is_named(run: Run) -> None:
    status, _, err = run("ask", GROUP, "--langage", "de", "How many faces are there?")
    assert (status, "unrecognized arguments: --langage" in err) == (2, True)
    status, _, err = run("ask")
    assert (status, "the following arguments are required: FILE… QUESTION" in err) == (2, True)
    status, _, err = run("gallery", "search", GROUP, "--gallery")
    assert (status, "expected one argument" in err) == (2, True)


def test_a_question_that_begins_with_a_dash_follows_two(run: Run) -> None:
    status, out, _ = run("ask", GROUP, "--", "- how many faces are there?")
    assert (status, out.startswith("There are two faces")) == (0, True)


def test_the_whole_answer_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["ask", "--json", PORTRAIT, "Is this photo real?"])
    answer = Answer.model_validate_json(capsys.readouterr().out)
    assert status == 0
    cited = {evidence_id for claim in answer.claims for evidence_id in claim.evidence}
    assert cited <= {row.id for row in answer.evidence}
    assert answer.exhibits[0].name == "portrait.jpg"


def test_the_purpose_is_on_record(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["ask", "--json", "--purpose", "research", PORTRAIT, "How many faces?"])
    assert Answer.model_validate_json(capsys.readouterr().out).purpose == "research"
    run("report", "--purpose", "research", PORTRAIT, "--out", str(tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_text())
    assert report.purpose == "research"
    assert any("“research”" in line for line in report.limitations)


def test_each_tool_call_is_shown(run: Run) -> None:
    _, out, _ = run("ask", "--steps", PORTRAIT, "Which way does she look?")
    assert "· detect_faces" in out
    assert "· estimate_pose" in out


def test_a_conversation_in_a_file(run: Run, tmp_path: Path) -> None:
    talk = str(tmp_path / "talk.json")
    status, out, _ = run("ask", "--session", talk, GROUP, "How old is she?")
    assert (status, "Which one do you mean: the person on the left (face 1.1)" in out) == (0, True)
    status, out, _ = run("ask", "--session", talk, "the one on the right")
    assert (status, out.startswith("Face 1.2 looks about")) == (0, True)
    status, out, err = run("ask", "--session", talk, "--purpose", "research", "And the other one?")
    assert (status, out) == (2, "")
    assert "This conversation has the purpose none, which holds for all of it" in err


def test_somebody_found_by_age(run: Run) -> None:
    status, out, _ = run("ask", "--steps", GROUP, "Is the older one smiling?")
    assert status == 0
    assert out.count("· estimate_attributes") == 2
    assert "Face 1.1 looks older than face 1.2" in out
    assert "Face 1.1 seems to smile" in out and "Face 1.2 seems to smile" not in out


def test_a_conversation_whose_photo_is_gone(run: Run, tmp_path: Path) -> None:
    talk, photo = tmp_path / "talk.json", tmp_path / "group.jpg"
    shutil.copy(GROUP, photo)
    run("ask", "--session", str(talk), str(photo), "How many faces are there?")
    photo.unlink()
    status, out, err = run("ask", "--session", str(talk), "And are they sharp?")
    assert (status, out) == (1, "")
    assert "group.jpg, which this conversation is about, is no longer at" in err


def test_the_altered_copy_is_found_and_the_portrait_is_not_accused(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("report", str(EXAMPLES), "--out", str(tmp_path))
    assert status == 0
    report = Report.model_validate_json((tmp_path / "report.json").read_text())
    verdicts = {item.exhibit.name: item.verdict.kind for item in report.exhibits}
    assert verdicts == {
        "portrait.jpg": "no_sign_found",
        "portrait-altered.jpg": "signs_of_alteration",
        "group.jpg": "no_sign_found",
    }
    assert "Three photos were examined" in out
    assert "signs of alteration: image" in out
    assert not report.withheld


def bad_files(folder: Path) -> dict[str, Path]:
    whole = Path(PORTRAIT).read_bytes()
    contents = {
        "empty.jpg": b"",
        "truncated.jpg": whole[: len(whole) // 2],
        "text.jpg": b"This is not a photo.",
        "bomb.png": bytes.fromhex("89504e470d0a1a0a0000000d49484452ffffffffffffffff0802000000") + b"\0" * 64,
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in contents}


@pytest.mark.parametrize("name", ["empty.jpg", "truncated.jpg", "text.jpg", "bomb.png", "missing.jpg"])
def test_one_sentence_for_a_bad_file(run: Run, tmp_path: Path, name: str) -> None:
    bad_files(tmp_path)
    status, out, err = run("ask", str(tmp_path / name), "How many faces?")
    assert status == 1
    assert name in err
    assert err.count("faceagent:") == 1
    assert out == ""


def test_one_bad_file_does_not_stop_the_rest(run: Run, tmp_path: Path) -> None:
    bad_files(tmp_path)
    shutil.copy(PORTRAIT, tmp_path / "good.jpg")
    (tmp_path / "notes.txt").write_text("not examined")
    status, out, _ = run("report", str(tmp_path), "--out", str(tmp_path / "out"))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert status == 1
    assert [item["exhibit"]["name"] for item in report["exhibits"]] == ["good.jpg"]
    assert len(report["failures"]) == 4
    assert all(failure["message"] and failure["mend"] for failure in report["failures"])
    assert "Four files could not be examined" in out


def test_half_the_photos_of_a_question_are_bad(run: Run, tmp_path: Path) -> None:
    status, out, err = run("ask", PORTRAIT, str(tmp_path / "missing.jpg"), "How many faces?")
    assert status == 1
    assert "one face" in out
    assert "missing.jpg" in err


def test_limits_are_named_with_their_option(run: Run) -> None:
    status, _, err = run("ask", PORTRAIT, "How many faces?", "--max-megapixels", "0.1")
    assert status == 1
    assert "--max-megapixels" in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask", PORTRAIT, GROUP], "question is missing"),
        (["ask", PORTRAIT, "Is face 1.7 sharp?"], "face 1.7"),
        (["ask", PORTRAIT, "Is image 4 sharp?"], "image 4"),
        (["ask", PORTRAIT, " "], "question is empty"),
        (["ask", "--controller", "gpt", PORTRAIT, "How many?"], "gpt"),
        (["ask", "--load-in", "4bit", PORTRAIT, "How many?"], "Only a local model"),
        (["models", "get", "yunett"], "yunett"),
        (["report", "no/such/*.jpg"], "no/such/*.jpg"),
        (["ask", "--purpose", "marketing", PORTRAIT, "How many?"], "Known purposes: research"),
        (["report", "--purpose", "marketing", PORTRAIT], "Known purposes: research"),
        (["nonsense"], "nonsense"),
        ([], "COMMAND"),
        (["ask", PORTRAIT, "How many?", "--max-megabytes", "-1"], "positive"),
    ],
)
def test_wrong_usage_is_status_2_and_one_sentence(run: Run, arguments: list[str], named: str) -> None:
    status, out, err = run(*arguments)
    assert status == 2
    assert named in out + err


def test_a_local_model_as_the_controller_needs_its_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    status, _, err = run("ask", "--controller", "transformers:owner/name", PORTRAIT, "How many?")
    assert status == 1
    assert "pip install 'faceagent[local]'" in err


def test_an_empty_folder_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    status, _, err = run("report", str(tmp_path))
    assert status == 2
    assert "holds no photo" in err


def test_a_photo_without_a_face_is_said_so(run: Run, tmp_path: Path) -> None:
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.coffee()).save(tmp_path / "coffee.png")
    status, out, _ = run("ask", str(tmp_path / "coffee.png"), "Is he looking at the camera?")
    assert status == 0
    assert out.startswith("No face was found")


def test_hiding_faces_writes_a_copy_and_spares_the_original(run: Run, tmp_path: Path) -> None:
    before = Path(PORTRAIT).read_bytes()
    for _ in range(2):
        status, out, _ = run("ask", PORTRAIT, "Hide the faces, please", "--out", str(tmp_path))
        assert status == 0
        assert "Written:" in out
    assert len(list(tmp_path.iterdir())) == 2, "an existing copy must not be overwritten"
    assert Path(PORTRAIT).read_bytes() == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(run: Run, tmp_path: Path) -> None:
    locked = tmp_path / "locked.jpg"
    shutil.copy(PORTRAIT, locked)
    locked.chmod(stat.S_IWUSR)
    status, _, err = run("ask", str(locked), "How many?")
    assert status == 1
    assert "may not be read" in err


def test_markup_in_a_file_name_stays_text(run: Run, tmp_path: Path) -> None:
    name = "[red]<script>alert(1)[red].jpg"
    shutil.copy(PORTRAIT, tmp_path / name)
    status, out, _ = run("report", str(tmp_path / name), "--out", str(tmp_path / "out"))
    assert status == 0
    assert name in out
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("option", ["--export=place", "--recurring", "--workers=2", "--log-json", "--metrics=0"])
def test_options_of_collections_are_not_passed_over(run: Run, tmp_path: Path, option: str) -> None:
    status, _, err = run("report", str(EXAMPLES / "portrait.jpg"), option, "--out", str(tmp_path / "out"))
    assert status == 2
    assert f"{option.partition('=')[0]} is for collections. Give --engine local with it." in " ".join(err.split())
    assert not (tmp_path / "out").exists()


def test_models_and_doctor_tell_what_runs(run: Run) -> None:
    status, out, _ = run("models")
    assert status == 0
    assert "detect_faces" in out
    assert "Apache-2.0" in out
    status, out, _ = run("doctor")
    assert status == 0
    assert "✓ detect_faces" in out
    assert "✓ check_liveness" in out or "○ check_liveness: needs a download: faceagent models get" in out
    assert "extra heif" in out
    assert "extra observe" in out


def test_a_chosen_backend_that_is_not_here_is_said_with_its_mend(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_DETECTOR", "scrfd")
    monkeypatch.setattr("faceagent_tools.uniface_backends._version", lambda: None)
    status, out, _ = run("doctor")
    assert status == 1
    assert "✗ detect_faces: nothing to run on. pip install 'faceagent[uniface]'" in out
