"""estimate_attributes: the age that a face looks, and what people would see in it: gender, visible things, ethnicity.

All is perception: what people who label photos say of a face. Every figure on how often that is wrong comes from the
table that is shipped with the network (networks/faceagent-multitask.json).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from pydantic import Field, JsonValue

from faceagent import policy
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, GroupError, Interval, Probability, Threshold
from faceagent_tools import attributes_visible as visible
from faceagent_tools import minors, multitask, readable, weights
from faceagent_tools.attributes_words import word
from faceagent_tools.data_sets import data_set
from faceagent_tools.multitask import AGE_GROUPS, RACES, FaceReader, Reading

Topic = Literal["age", "age_order", "gender", "ethnicity", "attributes"]
About = Literal[Topic, visible.Kind]
_DEFAULT: tuple[About, ...] = ("age", "gender", "attributes")
_ATTRIBUTE: Mapping[str, str] = {"age": "age", "gender": "perceived_gender", "ethnicity": "perceived_ethnicity"}
_WITHHELD = ("gender", "ethnicity")
"""Topics that are not told of children."""

GROUP_NAMES = (*(f"{first}-{last}" for first, last in AGE_GROUPS[:-1]), f"{AGE_GROUPS[-1][0]}+")
ADULT = 18  # years, the age of majority in most countries

GENDER_LINE = Threshold(
    value=0.9,
    rule=">=",
    meaning="one of the two is named",
    source="a calibrated probability: of faces at the line one in ten is labelled otherwise, of those above fewer",
)
ETHNICITY_LINE = Threshold(
    value=0.7,
    rule=">=",
    meaning="a category is named",
    source="a calibrated probability: of faces at the line three in ten are labelled otherwise, of those above fewer",
)
SEEN_LINE = Threshold(
    value=visible.PRESENT,
    rule=">=",
    meaning="a visible thing is named",
    source="accuracy was measured with the line at 0.5; a margin on either side is left undecided",
)
_FEW = 30  # photos of a group below which its error rate is not called the worst

_AGE_LIMIT = "Light, make-up, retouching and the photo's quality shift the age that a face looks."
_GENDER_LIMIT = "How people would see the face, as they label photos; not what somebody's gender is."
_ETHNICITY_LIMIT = (
    "FairFace's categories as its annotators perceived them: neither ancestry nor how somebody sees themselves."
)
_VISIBLE_LIMIT = (
    "Learnt from photos of celebrities; scores are no calibrated probabilities; colours depend on the light."
)


class AttributeArguments(SubjectArguments):
    about: tuple[About, ...] = Field(
        default=(),
        description=(
            "What to estimate. Empty: age, gender and attributes (all that is visible). Name visible things (glasses, "
            "hat, facial_hair, hair, smile, mouth, makeup, earrings) to ask for these only; age_order: who is older; "
            "ethnicity needs a stated purpose."
        ),
    )


class EstimateAttributes(FaceTool[AttributeArguments]):
    """The tool.

    Args:
        reader: the one that the other tools share, so that a face is read once.
    """

    name = "estimate_attributes"
    description = (
        "Estimate how old faces look (years, with a range), the gender that people would perceive, and what is "
        "visible: glasses, hat, beard, hair colour, smile. Perceived ethnicity only for a stated purpose."
    )
    arguments = AttributeArguments
    needs_faces = True

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def run(self, session: Session, arguments: AttributeArguments) -> list[Evidence]:
        asked = arguments.about or _DEFAULT
        rows = [row for face in session.faces_in(arguments.subjects) for row in self._face(session, face, asked)]
        if "age_order" in asked:
            rows += self._order(rows)
        return rows

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return word(evidence, names)

    def backends(self) -> list[Backend]:
        found, size = weights.find(multitask.WEIGHTS), weights.row(multitask.WEIGHTS).size
        return [Backend(self.name, self._reader.method, "embedded", here=found is not None, chosen=True, size=size)]

    def _face(self, session: Session, face: Face, asked: Sequence[About]) -> Iterator[Evidence]:
        wanted = list(_topics(asked))
        if "ethnicity" in wanted and not policy.opens(session.purpose, "ethnicity"):
            wanted.remove("ethnicity")
            law: dict[str, JsonValue] = {"law": policy.law("ethnicity")}
            yield self._abstained(face, "perceived_ethnicity", policy.how_to_open("ethnicity", session.purpose), law)
        if not wanted:
            return
        reading = readable.read(self._reader, session, face)
        for topic in wanted:
            if isinstance(reading, str):
                yield self._abstained(face, _ATTRIBUTE.get(topic, "visible_attributes"), reading)
            elif topic in _WITHHELD and (reason := minors.withheld(reading, topic, session.purpose)):
                yield self._abstained(face, _ATTRIBUTE[topic], reason, {"law": policy.minors_law()})
            elif topic == "age":
                yield self._age(face, reading)
            elif topic == "gender":
                yield self._gender(face, reading)
            elif topic == "ethnicity":
                yield self._ethnicity(face, reading)
            else:
                yield self._visible(face, reading, _kinds(asked))

    def _abstained(
        self, face: Face, attribute: str, reason: str, details: Mapping[str, JsonValue] | None = None
    ) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute=attribute,
            status="abstained",
            reason=reason,
            region=face.box,
            method=self._reader.method,
            details=dict(details or {}),
        )

    def _age(self, face: Face, reading: Reading) -> Evidence:
        years, told = round(reading.age), _figures("utkface")
        fitted = multitask.calibration().table["calibration"]["age"]
        details: dict[str, JsonValue] = {
            "age_groups": {
                name: round(share, 3) for name, share in zip(GROUP_NAMES, _group_shares(reading), strict=True)
            },
            "range_set": fitted["set"],
            "range_held_when_measured": fitted["covered_when_measured"],
            "range_photos": fitted["n_measured"],
        }
        if (error := told.get("age_mae_years")) is not None:
            details |= {"mean_error_years": error, "mean_error_photos": told["photos"], "mean_error_set": "UTKFace val"}
        low, high = min(reading.age_low, years), max(reading.age_high, years)
        # Above the line by less than the mean error, an estimate says nothing about the line.
        details["may_be_minor"] = min(low, years - (error or 0.0)) < ADULT
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="age",
            value=years,
            unit="years",
            interval=Interval(low=low, high=high, level=multitask.calibration().covered),
            group_errors=_errors(
                _figures("fairface").get("age_group_accuracy_by_group", {}), "share in a wrong age group"
            ),
            region=face.box,
            method=self._reader.method,
            limitations=(_AGE_LIMIT,),
            details=details,
        )

    def _gender(self, face: Face, reading: Reading) -> Evidence:
        leading, chance = ("male", reading.male) if reading.male >= 0.5 else ("female", 1.0 - reading.male)
        told = _figures("fairface")
        errors = _errors(told.get("gender_accuracy_by_group", {}), "share labelled with the other gender")
        details = _error_details(told, "gender_accuracy", errors)
        own = f"age {GROUP_NAMES[_group_of(reading.age)]}"
        for error in errors:
            if error.group == own:
                details["own_age_group"] = {"group": error.group, "rate": error.rate, "photos": error.n}
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="perceived_gender",
            value=leading if GENDER_LINE.holds(chance) else "undecided",
            score=chance,
            threshold=GENDER_LINE,
            probability=_probability("gender", chance, f"people who label photos would say “{leading}”"),
            group_errors=errors,
            region=face.box,
            method=self._reader.method,
            limitations=(_GENDER_LIMIT,),
            details={"leading": leading, **details},
        )

    def _ethnicity(self, face: Face, reading: Reading) -> Evidence:
        leading, chance = RACES[int(reading.races.argmax())], float(reading.races.max())
        told = _figures("fairface")
        photos = {name: row["photos"] for name, row in told.get("gender_accuracy_by_group", {}).items()}
        recall = {
            name: {"accuracy": found, "photos": photos[name]}
            for name, found in told.get("race_accuracy_by_race", {}).items()
            if name in photos
        }
        errors = _errors(recall, "share put in another category")
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="perceived_ethnicity",
            value=leading if ETHNICITY_LINE.holds(chance) else "undecided",
            score=chance,
            threshold=ETHNICITY_LINE,
            probability=_probability("race", chance, f"people who label photos would choose “{_plain(leading)}”"),
            group_errors=errors,
            region=face.box,
            method=self._reader.method,
            limitations=(_ETHNICITY_LIMIT,),
            details={
                "leading": _plain(leading),
                "probabilities": {
                    _plain(name): round(float(p), 3) for name, p in zip(RACES, reading.races, strict=True)
                },
                **_error_details(told, "race_accuracy", errors),
            },
        )

    def _visible(self, face: Face, reading: Reading, kinds: Sequence[visible.Kind]) -> Evidence:
        told = _figures("celeba40")
        found = visible.find(reading.attributes, told.get("by_attribute", {}), kinds)
        details: dict[str, JsonValue] = {"not_told_well_enough": list(found.untold), "told_from": visible.ENOUGH}
        if set(kinds) != set(visible.KINDS):
            details["asked"] = list(kinds)
        if not found.told:
            return self._abstained(face, "visible_attributes", _not_told(kinds, bool(told)), details)
        details |= {
            "present": dict(found.present),
            "absent": dict(found.absent),
            "undecided": dict(found.undecided),
            "balanced_accuracy": dict(found.told),
            "accuracy_photos": told["photos"],
        }
        if said := visible.said(found, asked="asked" in details):
            details["lowest_balanced_accuracy"] = min(found.told[name] for name in said)
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="visible_attributes",
            value=list(found.present),
            threshold=SEEN_LINE,
            region=face.box,
            method=self._reader.method,
            limitations=(_VISIBLE_LIMIT,),
            details=details,
        )

    def _order(self, rows: Sequence[Evidence]) -> list[Evidence]:
        """Faces from the oldest-looking to the youngest-looking, and whether the ranges of those two overlap others."""
        aged = [row for row in rows if row.attribute == "age" and row.status == "ok"]
        if not aged:
            return []
        subject = " + ".join(row.subject for row in aged)
        common = {"tool": self.name, "subject": subject, "attribute": "age_order", "method": self._reader.method}
        if len(aged) == 1:
            reason = "it is the only face whose age could be estimated"
            return [Evidence.model_validate({**common, "status": "not_applicable", "reason": reason})]
        ordered = sorted(aged, key=lambda row: -cast(int, row.value))
        details = {
            "years": {row.subject: row.value for row in ordered},
            "oldest_apart": all(_low(ordered[0]) > _high(row) for row in ordered[1:]),
            "youngest_apart": all(_low(row) > _high(ordered[-1]) for row in ordered[:-1]),
        }
        value = [row.subject for row in ordered]
        return [Evidence.model_validate({**common, "value": value, "details": details, "limitations": (_AGE_LIMIT,)})]


def _not_told(kinds: Sequence[visible.Kind], measured: bool) -> str:
    if not measured:
        return "how well the network tells what is visible was not measured"
    return f"the network does not tell {visible.listed([visible.CALLED[kind] for kind in kinds], 'or')} well enough"


def _low(row: Evidence) -> float:
    return row.interval.low if row.interval else cast(int, row.value)


def _high(row: Evidence) -> float:
    return row.interval.high if row.interval else cast(int, row.value)


def _topics(asked: Sequence[About]) -> Iterator[str]:
    """Once each, in the order in which they are said; any visible thing makes "attributes", an order needs ages."""
    if "age" in asked or "age_order" in asked:
        yield "age"
    if "gender" in asked:
        yield "gender"
    if "attributes" in asked or any(kind in asked for kind in visible.KINDS):
        yield "attributes"
    if "ethnicity" in asked:
        yield "ethnicity"


def _kinds(asked: Sequence[About]) -> tuple[visible.Kind, ...]:
    named = tuple(kind for kind in visible.KINDS if kind in asked)
    return visible.KINDS if "attributes" in asked or not named else named


def _figures(name: str) -> Mapping[str, Any]:
    """What was measured on the val photos of one set; empty where the table has none."""
    return cast(Mapping[str, Any], multitask.calibration().table.get("figures", {}).get(name, {}))


def _errors(accuracies: Mapping[str, Any], kind: str) -> tuple[GroupError, ...]:
    """Rows {"accuracy", "photos"} by group as error rates; groups without photos have none."""
    return tuple(
        GroupError(group=_plain(name), rate=round(1.0 - row["accuracy"], 4), kind=kind, n=row["photos"])
        for name, row in accuracies.items()
        if row.get("photos") and row.get("accuracy") is not None
    )


def _error_details(told: Mapping[str, Any], figure: str, errors: Sequence[GroupError]) -> dict[str, JsonValue]:
    """The error over all photos, and the group with the highest, for a sentence to cite."""
    details: dict[str, JsonValue] = {}
    if told.get(figure) is not None:
        details |= {"error": round(1.0 - told[figure], 4), "error_photos": told["photos"], "error_set": "FairFace val"}
    worst = max((error for error in errors if error.n >= _FEW), key=lambda error: error.rate, default=None)
    if worst:
        years: list[JsonValue] = [int(number) for number in re.findall(r"\d+", worst.group)]  # a sentence may name them
        details["worst_group"] = {"group": worst.group, "years": years, "rate": worst.rate, "photos": worst.n}
    return details


def _probability(head: str, value: float, event: str) -> Probability:
    fitted = multitask.calibration().table["calibration"][head]
    return Probability(value=min(value, 1.0), event=event, calibrated_on=data_set(fitted["set"]), n=fitted["n_fit"])


def _group_shares(reading: Reading) -> list[float]:
    return [float(reading.years[first : last + 1].sum()) for first, last in AGE_GROUPS]


def _group_of(age: float) -> int:
    return next(k for k, (_, last) in enumerate(AGE_GROUPS) if age < last + 1 or k == len(AGE_GROUPS) - 1)


def _plain(name: str) -> str:
    return name.replace("_", " or ")
