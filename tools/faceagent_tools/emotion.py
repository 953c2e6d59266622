"""recognize_emotion: which word most people would choose for the expression of a face. Never what somebody feels.

The embedded reader gives calibrated probabilities of the eight expressions of FER+ (Barsoum et al. 2016,
doi:10.1145/2993148.2993165), fitted to how the votes of its annotators were divided. Expressions are read only for a
stated purpose (`faceagent.policy`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent import policy
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Probability, Threshold
from faceagent_tools import emotion_words, hsemotion, minors, readable
from faceagent_tools.backends import backend
from faceagent_tools.data_sets import data_set
from faceagent_tools.emotion_words import WORDS
from faceagent_tools.hsemotion import HSEmotion
from faceagent_tools.multitask import EMOTIONS, WEIGHTS, FaceReader, Reading, calibration

CLEAR = Threshold(
    value=0.5,
    rule=">",
    meaning="clear enough for one word",
    source="FER+ (Barsoum et al. 2016) counts an expression as the majority's above half of the votes",
)
WEAK = 0.5  # recall below which the network misses more faces of an expression than it finds
LIMITS = (
    "An expression is not a feeling: people show one feeling with different expressions and one expression with "
    "different feelings (Barrett et al. 2019, doi:10.1177/1529100619832930).",
    "How the errors differ between groups of people is not known: FER+ does not say whom its photos show.",
)
FITTED = "The probabilities were fitted on small grey photos (FER+, 48 x 48 pixels); on others they may be less exact."


class RecognizeEmotion(FaceTool[SubjectArguments]):
    """The tool.

    Args:
        reader: the embedded network.
        model: an ONNX file of HSEmotion to use instead; by default the one that FACEAGENT_EMOTION_MODEL names, if any.
    """

    name = "recognize_emotion"
    description = (
        "Read which expression people would see in a face: neutral, happy, surprised, sad, angry, disgusted, fearful "
        "or contemptuous. It does not tell what somebody feels. Without a stated purpose it abstains."
    )
    arguments = SubjectArguments
    needs_faces = True

    def __init__(self, reader: FaceReader, model: Path | None = None) -> None:
        self._reader = reader
        named = os.environ.get(hsemotion.VARIABLE)
        self._published = HSEmotion(model or Path(named or "")) if model or named else None

    def run(self, session: Session, arguments: SubjectArguments) -> list[Evidence]:
        faces = session.faces_in(arguments.subjects)
        if not policy.opens(session.purpose, "emotion"):
            return [
                self._abstained(face, policy.how_to_open("emotion", session.purpose), law=policy.law("emotion"))
                for face in faces
            ]
        return [self._measure(session, face) for face in faces]

    def _measure(self, session: Session, face: Face) -> Evidence:
        found = readable.read(self._reader, session, face)
        if isinstance(found, str):
            return self._abstained(face, found)
        if reason := minors.withheld(found, "emotion", session.purpose):
            return self._abstained(face, reason, law=policy.minors_law())
        stated = {"purpose": session.purpose, "law": policy.law("emotion")}
        if self._published is not None:
            return self._scored(self._published, session, face, stated)
        return self._calibrated(found, face, stated)

    def _calibrated(self, reading: Reading, face: Face, stated: Mapping[str, Any]) -> Evidence:
        likely = {name: float(value) for name, value in zip(EMOTIONS, reading.emotions, strict=True)}
        lead, second = sorted(likely, key=likely.__getitem__, reverse=True)[:2]
        table = calibration().table
        fitted, recall = table["calibration"]["emotion"], table["figures"]["ferplus"]["recall_by_expression"]
        named = (lead,) if CLEAR.holds(likely[lead]) else (lead, second)
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="expression",
            value=lead,
            score=likely[lead],
            threshold=CLEAR,
            probability=Probability(
                value=likely[lead],
                event=f"a person asked calls the expression {WORDS[lead]}",
                calibrated_on=f"the votes on {data_set(fitted['set'])}",
                n=fitted["n_fit"],
            ),
            region=face.box,
            method=self._reader.method,
            limitations=(*LIMITS, FITTED, _misses(recall)),
            details={
                "probabilities": {name: round(value, 3) for name, value in likely.items()},
                "second": second,
                "people_of_100": {name: emotion_words.about(likely[name]) for name in named},
                "of": 100,
                "calibration_error": fitted["calibration_error_after"],
                "seldom_found": {name: recall[name] for name in named if recall[name]["recall"] < WEAK},
                **stated,
            },
        )

    def _scored(self, model: HSEmotion, session: Session, face: Face, stated: Mapping[str, Any]) -> Evidence:
        found = model.read(session.photo(face.image), face)
        lead, second = sorted(found.shares, key=found.shares.__getitem__, reverse=True)[:2]
        scales = {
            name: round(value, 2) for name in ("valence", "arousal") if (value := getattr(found, name)) is not None
        }
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="expression",
            value=lead,
            score=found.shares[lead],
            region=face.box,
            method=model.method,
            limitations=(*LIMITS, "The scores of this network were not calibrated here: they are no probabilities."),
            details={
                "scores": {name: round(found.shares[name], 3) for name in EMOTIONS},
                "second": second,
                **({**scales, "scale": [-1, 1]} if scales else {}),
                **stated,
            },
        )

    def _abstained(self, face: Face, reason: str, **details: str) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="expression",
            status="abstained",
            reason=reason,
            region=face.box,
            method=self._reader.method,
            limitations=LIMITS[:1],
            details=dict(details),
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return emotion_words.word([row for row in evidence if row.attribute == "expression"], names)

    def backends(self) -> list[Backend]:
        theirs = self._published
        here = theirs is not None and theirs.path.is_file()
        return [
            backend(WEIGHTS, self.name, chosen=theirs is None),
            Backend(
                self.name,
                theirs.method if theirs else hsemotion.METHOD,
                "published",
                here=here,
                chosen=theirs is not None,
                size=theirs.path.stat().st_size if theirs and here else 0,
                how=hsemotion.HOW,
            ),
        ]


def _misses(recall: Mapping[str, Any]) -> str:
    """How often each expression is found, for the report."""
    found = ", ".join(f"{WORDS[name]} {100 * row['recall']:.0f} % of {row['photos']}" for name, row in recall.items())
    return f"Of the FER+ val photos of each expression (the one most voted for) the network recognised: {found}."
