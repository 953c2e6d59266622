"""What labels say of photos, as evidence: so that a sentence can be held against them by the same check as a sentence
about what tools measured (`faceagent.ground`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from faceagent.session import Ledger
from faceagent.types import Evidence, Method
from faceagent_finetune.corpus.labelled import LabelledPhoto, years
from faceagent_finetune.corpus.sources.celeba import USED

_SAME = {"yes": "supported", "no": "not_supported"}
ATTRIBUTES = {
    **{thing.name: "visible_attributes" for thing in USED},
    "age": "age",
    "gender": "perceived_gender",
    "same person": "same_person",
}
"""Of evidence, by that of a `Turn`. What is not here (policy, what is not visible, forgeries) no label bears out."""


def of_labels(photos: Sequence[LabelledPhoto]) -> Ledger:
    """A row for each fact of each photo: of "face 1.1", "face 2.1" …; of a pair also whether it shows one person.

    Things that the labels do not know are undecided.
    """
    ledger = Ledger()
    for place, photo in enumerate(photos, start=1):
        for attribute, value, undecided in _rows(photo):
            ledger.record(_row(photo, f"face {place}.1", attribute, value, undecided))
    if len(photos) == 2 and "same" in photos[0].facts and photos[0].facts["pair"] == photos[1].facts["pair"]:
        ledger.record(_row(photos[0], "face 1.1 + face 2.1", "same_person", _SAME[photos[0].facts["same"]]))
    return ledger


def _rows(photo: LabelledPhoto) -> list[tuple[str, JsonValue, list[str]]]:
    facts = photo.facts
    rows: list[tuple[str, JsonValue, list[str]]] = []
    if "age" in facts:
        rows.append(("age", list(years(facts["age"])), []))
    if "gender" in facts:
        rows.append(("perceived_gender", facts["gender"], []))
    if any(thing.name in facts for thing in USED):
        there: list[JsonValue] = [thing.name for thing in USED if facts.get(thing.name) == "yes"]
        rows.append(("visible_attributes", there, [thing.name for thing in USED if thing.name not in facts]))
    return rows


def _row(
    photo: LabelledPhoto, subject: str, attribute: str, value: JsonValue, undecided: Sequence[str] = ()
) -> Evidence:
    return Evidence(
        tool="labels",
        subject=subject,
        attribute=attribute,
        value=value,
        method=Method(name=photo.set, version="labels", licence=photo.licence),
        details={"undecided": list(undecided)} if undecided else {},
    )
