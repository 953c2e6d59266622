"""Detectors of others beside the examination: who speaks, what is kept of it, and how agreement is worded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from declared_onnx import declare, network

from faceagent.errors import UsageError, WeightsMissing
from faceagent.ground import ground
from faceagent.media import Photo
from faceagent.session import Ledger
from faceagent.tool import Backend, Names
from faceagent.types import Box, Claim, Evidence, Face, Method, Threshold
from faceagent_tools import weights
from faceagent_tools.forensics import signals, voices
from faceagent_tools.forensics.mesonet import GRAPHS, MesoNet
from faceagent_tools.forensics.view import Floats
from faceagent_tools.forensics.voices import About, Voice

PHOTO = Photo.open(np.full((100, 120, 3), (200, 100, 50), np.uint8))
POINTS = np.zeros((78, 2))
LINE = Threshold(value=0.5, rule=">=", meaning="a forgery, by its authors", source="doi.org/10.0000/fake")
METHOD = Method(name="fake", version="1", licence="MIT")


def face(number: int = 1) -> Face:
    return Face(id=f"face 1.{number}", image="image 1", box=Box(x0=40, y0=30, x1=80, y1=70), score=1.0)


class Says:
    """A voice that always gives one score, or fails."""

    calibrated_on = None

    def __init__(self, score: float | WeightsMissing, about: About) -> None:
        self.score, self.about, self.method = score, about, METHOD

    def forged(self, photo: Photo, face: Face, points: Floats) -> float:
        if isinstance(self.score, WeightsMissing):
            raise self.score
        return self.score

    def backend(self) -> Backend:
        return Backend("detect_forgery", METHOD, "published", here=True, chosen=True)


def said(voices_: Sequence[Voice], answer: str | None = None, faces: int = 1) -> tuple[list[Evidence], list[Claim]]:
    """What they say of so many faces, each of which the examination has given the same answer; all grounded."""
    ledger = Ledger()
    shown = [face(number + 1) for number in range(faces)]
    rows = [row for one in shown for row in voices.listen(voices_, PHOTO, one, POINTS)]
    own = [
        Evidence(tool="detect_forgery", subject=one.id, attribute="forgery", value=answer, method=METHOD)
        for one in shown
        if answer
    ]
    kept = [ledger.record(row) for row in (*own, *rows)]
    claims = voices.word(kept, Names(("image 1",), tuple(one.id for one in shown)))
    assert not (rejected := ground(claims, ledger.get).rejected), rejected
    return kept[len(own) :], claims


@pytest.mark.parametrize(
    ("score", "answer", "stance", "role"),
    [
        (0.91, "manipulated", "agrees", "reason"),
        (0.12, "manipulated", "dissents", "doubt"),
        (0.12, "synthetic", "dissents", "doubt"),
        (0.12, "no_sign", "agrees", "reason"),
        (0.91, "no_sign", "dissents", "doubt"),
        (0.91, "inconclusive", "sees a forgery", "doubt"),
        (0.12, None, "sees no forgery", "doubt"),
    ],
)
def test_agreement_is_a_reason_and_dissent_a_doubt(score: float, answer: str | None, stance: str, role: str) -> None:
    (row,), (claim,) = said([Says(score, About("Fake, a detector", LINE))], answer)
    assert row.value == ("forged" if score > 0.5 else "authentic")
    assert row.probability is None
    assert row.method == METHOD
    assert claim.sentence.startswith(f"Fake, a detector, {stance}: its raw score is {score:.2f}, and ")
    assert claim.role == role


def test_without_a_line_the_score_is_the_value_and_takes_no_side() -> None:
    (row,), (claim,) = said([Says(0.1234, About("Fake, a detector"))], "manipulated")
    assert (row.value, row.threshold) == (0.12, None)
    assert claim.sentence == "Fake, a detector, gives a raw score of 0.12, for which no line is stated."
    assert "no probability" in row.limitations[0]


def test_those_of_one_title_are_worded_together_and_divided_where_they_differ() -> None:
    about = About("Fake, a detector", LINE)
    _, (together,) = said([Says(0.91, about), Says(0.84, about)], "synthetic")
    assert "agrees: the raw scores of its networks are at least 0.84, and from" in together.sentence
    assert len(together.evidence) == 2
    _, claims = said([Says(0.91, about), Says(0.12, about), Says(0.84, about)], "synthetic")
    assert [claim.role for claim in claims] == ["reason", "doubt"]
    assert "dissents in part: the raw score of fake is 0.12" in claims[1].sentence


def test_of_many_faces_the_table_tells() -> None:
    few, many = (said([Says(0.9, About("Fake, a detector", LINE))], "no_sign", faces) for faces in (3, 4))
    assert "on face 1.2" in few[1][1].sentence
    assert len(many[0]) == 4
    assert not many[1]


def test_a_failure_is_said_once_and_stops_nobody_else() -> None:
    gone = WeightsMissing("xception.onnx is not there", "Put it there")
    rows, claims = said(
        [Says(gone, About("Fake, a detector", LINE)), Says(0.9, About("Other, a detector", LINE))], "no_sign", 2
    )
    assert [row.status for row in rows] == ["failed", "ok"] * 2
    (failure,) = [claim for claim in claims if "could not be asked" in claim.sentence]
    assert "“xception.onnx is not there" in failure.sentence
    assert failure.subject == "face 1.1 + face 1.2"
    assert said([Says(gone, About("Fake, a detector", asked_for=False))]) == ([], [])


# MesoNet


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights on this machine, and nothing declared."""
    for name in ("FACEAGENT_MIRROR", voices.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_mesonet_is_silent_and_listed_where_its_weights_are_not(nowhere: Path) -> None:
    assert said(voices.present()) == ([], [])
    listed = voices.backends(voices.present())
    assert [row.method.name for row in listed] == list(GRAPHS)
    assert not any(row.here or row.chosen for row in listed)
    assert listed[0].how == "faceagent models get meso4-df"
    assert listed[0].fetch is not None


def test_damaged_weights_are_said(nowhere: Path) -> None:
    place = nowhere / weights.row("meso4-f2f").file
    place.parent.mkdir()
    place.write_bytes(b"damaged")
    (row,), (claim,) = said(voices.present(), "no_sign")
    assert row.status == "failed"
    assert "faceagent models get meso4-f2f" in claim.sentence


def test_what_mesonet_is_worth_is_read_from_the_table(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    monkeypatch.setattr(MesoNet, "forged", lambda network, pixels, points: 0.12)
    rows, (dissent, worth) = said(voices.present(), "manipulated")
    assert dissent.sentence.startswith(
        "MesoNet, a published detector of 2018, dissents: the raw scores of its networks"
    )
    assert "at most 0.12, and only from 0.50 on" in dissent.sentence
    known = {name: signals.classifier().table["auc_on_val"][f"mesonet.{name}"] for name in GRAPHS}
    for row in rows:
        assert f"{100 * known[row.method.name]['DFDC']:.0f} (DFDC)" in row.limitations[1]
    found = [round(100 * sets["DFDC"]) for sets in known.values()]
    assert f"{min(found)} to {max(found)} of 100 pairs" in worth.sentence
    assert worth.role == "doubt"


@pytest.mark.skipif("FACEAGENT_MIRROR" not in os.environ, reason="needs the published weights")
def test_mesonet_of_a_portrait(portrait: Photo, points: Floats) -> None:
    rows = voices.listen(voices.present(), portrait, face(), points)
    assert [row.value for row in rows] == ["authentic"] * len(GRAPHS)


# Declared detectors


def test_a_declared_detector_speaks_by_its_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowhere: Path
) -> None:
    pytest.importorskip("onnx")
    network(tmp_path)
    top, given = 'calibrated_on = "FaceForensics++ c23"', 'meaning = "probability"\nline = 0.7'
    monkeypatch.setenv(voices.VARIABLE, str(declare(tmp_path, top=top, given=given)))
    (row,), (claim,) = said(voices.present(), "manipulated")
    assert row.value == "forged"
    assert row.score == pytest.approx(200 / 255, abs=1e-3)
    assert row.threshold is not None
    assert row.threshold.value == 0.7
    assert "FaceForensics++ c23" in row.limitations[0]
    assert claim.sentence == (
        "“means”, a detector that was added here, agrees: its raw score is 0.78, "
        "and from 0.70 on it speaks of a forgery."
    )
    told = voices.backends(voices.present())[-1]
    assert (told.here, told.chosen, told.method.licence) == (True, True, "CC0-1.0")
    assert told.size == (tmp_path / "means.onnx").stat().st_size


def test_a_declared_file_that_is_missing_is_said(tmp_path: Path, nowhere: Path) -> None:
    heard = voices.present(declare(tmp_path))
    (row,), (claim,) = said(heard, "no_sign")
    assert row.status == "failed"
    assert "“means”, a detector that was added here, could not be asked" in claim.sentence
    assert str(tmp_path / "means.onnx") in (voices.backends(heard)[-1].how or "")


def test_a_wrong_table_is_refused_when_the_tool_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line"):
        voices.present(declare(tmp_path, given='meaning = "probability"\nline = 2'))
