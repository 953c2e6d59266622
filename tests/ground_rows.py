"""A ledger of three faces in one photo and one in another, in the form in which the tools write it."""

from __future__ import annotations

from typing import Any

from faceagent.types import Claim, Evidence, Interval, Method, Probability, Threshold

METHOD = Method(name="ruler", version="1", licence="Apache-2.0")
LINE = Threshold(value=0.5, rule=">=", meaning="sharp enough to compare", source="test")
FACES = {
    "face 1.1": {"age": 34, "range": (26, 43), "gender": "female", "sharp": 0.9, "happy": 0.82, "yaw": -4.0},
    "face 1.2": {"age": 51, "range": (44, 60), "gender": "male", "sharp": 0.62, "happy": 0.11, "yaw": 31.0},
    "face 1.3": {"age": 17, "range": (11, 24), "gender": "female", "sharp": 0.21, "happy": 0.45, "yaw": 2.0},
}


def _rows() -> dict[str, Evidence]:
    made: list[dict[str, Any]] = [{"subject": "image 1", "attribute": "face_count", "value": 3}]
    for face, known in FACES.items():
        low, high = known["range"]
        made += [
            {"subject": face, "attribute": "age", "value": known["age"], "unit": "years"}
            | {"interval": Interval(low=low, high=high, level=0.8), "details": {"mean_error_years": 5.3}},
            {"subject": face, "attribute": "perceived_gender", "value": known["gender"]}
            | {"probability": Probability(value=0.93, event="people would say so", calibrated_on="val", n=900)},
            {"subject": face, "attribute": "sharpness", "value": "sharp" if known["sharp"] >= 0.5 else "blurred"}
            | {"score": known["sharp"], "threshold": LINE},
            {"subject": face, "attribute": "expression", "value": "happiness" if known["happy"] > 0.4 else "sadness"}
            | {"probability": Probability(value=0.7, event="people would say so", calibrated_on="val", n=900)}
            | {"details": {"probabilities": {"happiness": known["happy"], "sadness": 1 - known["happy"]}}},
            {"subject": face, "attribute": "pose", "value": {"yaw": known["yaw"], "pitch": 0.0, "roll": 0.0}},
        ]
    for pair, value, chance in (
        ("face 1.1 + face 2.1", "supported", 0.987),
        ("face 1.2 + face 2.1", "not_supported", 0.004),
        ("face 1.3 + face 2.1", "undecided", 0.55),
    ):
        likely = Probability(
            value=chance, event="the two faces are one person", calibrated_on="pairs", n=1200, prior=0.5
        )
        made.append({"subject": pair, "attribute": "same_person", "value": value, "probability": likely})
    forged = {"event": "the face was altered or generated", "calibrated_on": "photos", "n": 2977, "prior": 0.5}
    made += [
        {"subject": "face 1.1", "attribute": "forgery", "value": "manipulated"}
        | {"probability": Probability(value=0.91, **forged)},
        {"subject": "face 1.2", "attribute": "forgery", "value": "no_sign"}
        | {"probability": Probability(value=0.08, **forged)},
        {"subject": "face 1.3", "attribute": "forgery", "value": "inconclusive"}
        | {"probability": Probability(value=0.5, **forged)},
        {"subject": "face 1.1", "attribute": "visible_attributes", "value": ["smiling", "glasses"]}
        | {"details": {"absent": ["beard", "hat"], "undecided": ["earrings"]}},
        {"subject": "face 2.1", "attribute": "age", "status": "abstained", "reason": "the face is only 18 pixels wide"},
        {"subject": "image 2", "attribute": "face_count", "value": 1},
        {"subject": "image 1", "attribute": "editing_software", "value": ["Adobe Photoshop 26.1"]},
    ]
    rows = {}
    for number, fields in enumerate(made, start=1):
        tool = "inspect_provenance" if fields["attribute"] == "editing_software" else "tool"
        rows[f"e{number}"] = Evidence(id=f"e{number}", tool=tool, method=METHOD, **fields)
    return rows


ROWS = _rows()


def cite(attribute: str, *subjects: str) -> tuple[str, ...]:
    """Ids of the evidence on an attribute of each subject."""
    found = {row.subject: row.id for row in ROWS.values() if row.attribute == attribute}
    return tuple(found[subject] for subject in subjects)


def claim(sentence: str, attribute: str, *subjects: str, more: tuple[str, ...] = ()) -> Claim:
    """A claim on the first subject with its true value, citing the evidence on all of them, and `more`."""
    evidence = cite(attribute, *subjects)
    first = ROWS[evidence[0]]
    return Claim(
        sentence=sentence, subject=first.subject, attribute=attribute, value=first.value, evidence=(*evidence, *more)
    )
