"""`faceagent gallery review`: what is asked, what is done with the answers, and that the sheet goes in the end."""

from __future__ import annotations

import io

import pytest
from conftest import EXAMPLES
from galleries import opened
from PIL import Image

from faceagent.cli import main
from faceagent.cli.review import contact_sheet
from faceagent.errors import UsageError

PORTRAIT, GROUP = EXAMPLES / "portrait.jpg", EXAMPLES / "group.jpg"


def png(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (150, 150), colour).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def review(tmp_path, monkeypatch, capsys):
    """Review photos with these answers: exit status, what was said, what was complained of."""
    with opened(tmp_path):
        pass
    monkeypatch.setenv("FACEAGENT_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.setenv("FACEAGENT_GALLERY_KEY_FILE", str(tmp_path / "gallery.key"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    def run(*photos, answers=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        status = main(["gallery", "review", *map(str, photos), "--purpose", "personal"])
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        assert list((tmp_path / "tmp").iterdir()) == []
        return status, told.out, told.err

    return run


def test_a_name_with_consent_is_enrolled_and_then_known(review, tmp_path):
    status, out, _ = review(PORTRAIT, answers="Eileen Collins\nShe agreed in writing.\n")
    assert status == 0 and "Eileen Collins was enrolled with 1 of these faces, for personal." in out
    with opened(tmp_path) as gallery:
        consent = gallery.person("Eileen Collins").consent
        assert (consent.purpose, consent.statement) == ("personal", "She agreed in writing.")
    status, out, _ = review(PORTRAIT)
    assert "1 face shows Eileen Collins, who is enrolled." in out and "There is nobody to be named." in out


def test_without_consent_and_at_the_end_of_the_answers_nobody_is_enrolled(review, tmp_path):
    status, out, err = review(PORTRAIT, tmp_path / "none.jpg", answers="Eileen\n\n")
    assert status == 1 and "Eileen was not enrolled." in out and "none.jpg" in err
    assert "Nothing is kept of those who were not named." in out
    status, out, err = review(PORTRAIT, answers="split\nstop\n")
    assert status == 0 and "A single face cannot be split" in err
    with opened(tmp_path) as gallery:
        assert len(gallery) == 0


def test_for_whoever_looks_under_age_a_guardian_is_asked_for(review, tmp_path, monkeypatch):
    # The portrait's own age, told as a child's: no photo of a child is among the examples.
    monkeypatch.setattr("faceagent.policy.age_line", lambda: 99)
    asked = "Eileen looks younger than 99 here. Which parent or guardian agreed?"
    status, out, _ = review(PORTRAIT, answers="Eileen\nShe agreed.\n\n")
    assert status == 0 and asked in out and "Eileen was not enrolled." in out
    _, out, _ = review(PORTRAIT, answers="Eileen\n\n")
    assert asked not in out  # without consent there is nothing to complete
    with opened(tmp_path) as gallery:
        assert len(gallery) == 0
    _, out, _ = review(PORTRAIT, answers="Eileen\nShe agreed.\nRose Collins\n")
    assert "Eileen was enrolled with 1 of these faces" in out
    with opened(tmp_path) as gallery:
        consent = gallery.person("Eileen").consent
        assert (consent.guardian, consent.of_age) == ("Rose Collins", False)
        gallery.forget("Eileen")
    review(PORTRAIT, answers="Eileen\nShe agreed.\nOf age\n")
    with opened(tmp_path) as gallery:
        consent = gallery.person("Eileen").consent
        assert (consent.guardian, consent.of_age) == (None, True)


def test_a_contact_sheet_has_every_face():
    with Image.open(io.BytesIO(contact_sheet([png("red"), png("blue")] * 4))) as sheet:
        assert sheet.size == (960, 320)
        assert (sheet.getpixel((80, 80)), sheet.getpixel((240, 80))) == ((255, 0, 0), (0, 0, 255))
    with pytest.raises(UsageError, match="no face"):
        contact_sheet([])
