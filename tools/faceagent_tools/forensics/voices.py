"""Detectors of others, which speak beside the examination of detect_forgery and do not enter its calibrated answer.

How the tool uses them::

    heard = voices.present()                               # when it is made
    voices.listen(heard, photo, face, reading.points)      # for each face that it examines: evidence
    voices.word(evidence, names)                           # of all its evidence: sentences, to follow its own
    voices.backends(heard)                                 # after its own

Two kinds speak: MesoNet's four networks (`mesonet`), as far as their weights are here, and those that a user declares
in a TOML file (`declared`), which the environment variable FACEAGENT_FORENSIC_DETECTORS names. Scores are given as they
are: what is said of them is which side of its own line a detector is on, and what it was worth on photos of ours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import JsonValue

from faceagent.errors import FaceAgentError, WeightsMissing
from faceagent.media import Photo
from faceagent.tool import Backend
from faceagent.types import Evidence, Face, Method, Threshold
from faceagent_tools import weights
from faceagent_tools.backends import backend as of_file
from faceagent_tools.forensics import declared, signals
from faceagent_tools.forensics.declared import DeclaredDetector, Row
from faceagent_tools.forensics.mesonet import GRAPHS, MesoNet
from faceagent_tools.forensics.view import Floats
from faceagent_tools.forensics.voice_words import ATTRIBUTE, word

__all__ = ["ATTRIBUTE", "VARIABLE", "About", "Voice", "backends", "listen", "present", "word"]

TOOL = "detect_forgery"
VARIABLE = "FACEAGENT_FORENSIC_DETECTORS"
_SWAPS = "DFDC"  # the set of `forensic_signals` whose figure a sentence gives
_RAW = "Its raw score is no probability: it is not calibrated."


@dataclass(frozen=True)
class About:
    """What is said of a detector beside its score.

    title: how a sentence calls it, as "MesoNet, a published detector of 2018"; those of one title are worded together.
    line: score from which on it speaks of a forgery, None where none is published. asked_for: whether a user named it:
    then it is said when its file is missing, and otherwise it is silent. details: for the evidence, with all numbers of
    the title.
    """

    title: str
    line: Threshold | None = None
    asked_for: bool = True
    limitations: tuple[str, ...] = ()
    details: Mapping[str, JsonValue] = field(default_factory=dict)


class Voice(Protocol):
    """A detector of forgeries that is not ours."""

    @property
    def method(self) -> Method: ...

    @property
    def calibrated_on(self) -> str | None:
        """On what its authors calibrated its score; None where they did not."""

    @property
    def about(self) -> About: ...

    def forged(self, photo: Photo, face: Face, points: Floats) -> float:
        """Its score of one face, from 0 to 1 for a forgery. points: [78, 2], as `multitask.Reading.points`.

        Raises:
            WeightsMissing: its file is not here.
            FaceAgentError: it cannot be run.
        """

    def backend(self) -> Backend: ...


def present(table: Path | None = None) -> tuple[Voice, ...]:
    """All that may speak, without a file of weights being opened.

    Args:
        table: TOML file of `declared`; by default the one that the environment names, if any.

    Raises:
        UsageError: it cannot be read, or declares something that cannot be.
    """
    named = os.environ.get(VARIABLE)
    path = table or (Path(named) if named else None)
    return (*(_MesoNet(name) for name in GRAPHS), *(_Declared(row) for row in (declared.read(path) if path else ())))


def listen(voices: Sequence[Voice], photo: Photo, face: Face, points: Floats) -> list[Evidence]:
    """One evidence of a detector that speaks: its score, or why there is none.

    Value: "forged" or "authentic" where it has a line of its own, otherwise the score with two decimals.
    """
    rows = []
    for voice in voices:
        about = voice.about
        base: dict[str, Any] = {
            "tool": TOOL,
            "subject": face.id,
            "attribute": ATTRIBUTE,
            "region": face.box,
            "method": voice.method,
            "limitations": (_calibration(voice.calibrated_on), *about.limitations),
            "details": {"title": about.title, **about.details},
        }
        try:
            score = voice.forged(photo, face, points)
        except FaceAgentError as error:
            if about.asked_for or not isinstance(error, WeightsMissing):
                rows.append(Evidence(**base, status="failed", reason=_unmarked(str(error))))
            continue
        side = None if about.line is None else "forged" if about.line.holds(score) else "authentic"
        rows.append(Evidence(**base, value=side or round(score, 2), score=score, threshold=about.line))
    return rows


def backends(voices: Sequence[Voice]) -> list[Backend]:
    """Each of them, here or not."""
    return [voice.backend() for voice in voices]


def _calibration(on: str | None) -> str:
    return f"Its score is said to be calibrated on “{_unmarked(on)}”; that was not checked here." if on else _RAW


def _unmarked(text: str) -> str:
    """A text of others, without the marks that would end a quotation of it."""
    return text.replace("“", "").replace("”", "")


class _MesoNet:
    """One of MesoNet's networks, and what `python -m faceagent_finetune.nets.forensic_signals` found it worth."""

    calibrated_on = None

    def __init__(self, name: str) -> None:
        self._name, self._network = name, MesoNet(name)

    @property
    def method(self) -> Method:
        return weights.method(self._name)

    @property
    def about(self) -> About:
        table = signals.classifier().table["auc_on_val"]
        mine = {name: round(100 * auc) for name, auc in table[f"mesonet.{self._name}"].items() if auc is not None}
        alike = [round(100 * table[f"mesonet.{name}"][_SWAPS]) for name in GRAPHS]
        pairs = ", ".join(f"{count} ({name})" for name, count in mine.items())
        return About(
            title="MesoNet, a published detector of 2018",
            line=Threshold(
                value=0.5,
                rule=">=",
                meaning="a forgery, by the line of its authors",
                source="https://github.com/DariusAf/MesoNet, classifiers.py: Keras's binary accuracy, which rounds",
            ),
            asked_for=False,
            limitations=(
                f"Of 100 pairs of a forgery and an authentic photo of our val sets it puts so many in the right order: "
                f"{pairs}. Guessing gives 50 (python -m faceagent_finetune.nets.forensic_signals).",
            ),
            details={
                "year": 2018,
                "right_order": {"set": _SWAPS, "least": min(alike), "most": max(alike), "of": 100, "by_guessing": 50},
            },
        )

    def forged(self, photo: Photo, face: Face, points: Floats) -> float:
        return self._network.forged(photo.pixels, points)

    def backend(self) -> Backend:
        return of_file(self._name, TOOL, chosen=weights.find(self._name) is not None)


class _Declared:
    """A detector of a user's TOML file."""

    def __init__(self, row: Row) -> None:
        self._row, self._detector = row, DeclaredDetector(row)

    @property
    def method(self) -> Method:
        return self._row.method

    @property
    def calibrated_on(self) -> str | None:
        return self._row.calibrated_on

    @property
    def about(self) -> About:
        line, name = self._row.output.line, _unmarked(self._row.name)
        return About(
            title=f"“{name}”, a detector that was added here",
            line=None
            if line is None
            else Threshold(
                value=line,
                rule=">=",
                meaning="a forgery, by the line that was declared",
                source=self._row.source or "the file that declares it",
            ),
            limitations=("What it is worth has not been measured here.",),
        )

    def forged(self, photo: Photo, face: Face, points: Floats) -> float:
        return self._detector.forged(photo.pixels, face.box)

    def backend(self) -> Backend:
        file = self._row.file
        here = file.is_file()
        return Backend(
            TOOL,
            self.method,
            "published",
            here=here,
            chosen=True,
            size=file.stat().st_size if here else 0,
            how=None if here else f"put its file at {file}",
        )
