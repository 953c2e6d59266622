"""Sentences that say more than their evidence, written by hand to get through, and honest ones that must."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from ground_attacks import HONEST, LIES, OPEN, OTHERS, PAIR, A, B, C, D
from ground_rows import METHOD, ROWS, cite, claim
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from faceagent.ground import fault
from faceagent.ground.wording import core
from faceagent.types import Claim, Evidence


@pytest.mark.parametrize("honest", HONEST, ids=lambda c: c.sentence)
def test_says_what_the_evidence_carries(honest: Claim) -> None:
    assert fault(honest, ROWS.get) is None


@pytest.mark.parametrize("lie", LIES, ids=lambda c: f"{c.sentence} {len(c.evidence)}")
def test_no_lie_gets_through(lie: Claim) -> None:
    reason = fault(lie, ROWS.get)
    assert reason


NEGATED = [
    # Broken off at a comma or a bracket, far away, after the phrase, of a quotation or a number
    *(
        claim(sentence, "sharpness", C)
        for sentence in (
            *("Face 1.3 is not, in this photo, blurred.", "Face 1.3 is not (in this photo) blurred."),
            *("Face 1.3 is not really, in this photo, blurred.", "Face 1.3 is by no means, as measured here, blurred."),
            *("Nor, as measured, is face 1.3 blurred.", "Face 1.3 is no, or hardly any, blurred face."),
            *("Face 1.3 is not as far as one can see in this photo of them blurred.", "Face 1.3 is rarely blurred."),
            *("Face 1.3 looks anything other than blurred.", "What is blurred is not face 1.3."),
        )
    ),
    claim("Face 1.1 is never, as measured, sharp.", "sharpness", A),
    claim("Face 1.1 is almost sharp.", "sharpness", A),
    claim("Few would call face 1.1 sharp.", "sharpness", A),
    claim("Face 1.1 would be sharp if the eyes were seen.", "sharpness", A),
    claim("Face 1.1 is sharp all over and blurred.", "sharpness", A),
    claim("Face 1.1 wears no hat and has a beard.", "visible_attributes", A),
    claim("Face 1.1 wears no hat and she has a beard.", "visible_attributes", A),
    claim("Face 1.1 does not wear a hat and does wear a beard.", "visible_attributes", A),
    claim("Face 1.1 wears glasses that are not there.", "visible_attributes", A),
    # Beyond a comma: denied in a list, or said of something else
    *(
        claim(sentence, "visible_attributes", A)
        for sentence in (
            *("Face 1.1 shows no sign of a hat, glasses or a smile.", "Face 1.1 has no beard, glasses, or smile."),
            *("Face 1.1 does not wear a hat, wear glasses or smile.", "Face 1.1 wears no hat, glasses and a smile."),
            *("Face 1.1 shows, instead of a hat, a beard.", "Face 1.1 shows, with no hat, a beard or stubble."),
            *("With no hat, a beard or stubble is seen.", "Face 1.1 shows no hat, a beard or stubble is seen."),
            *("Face 1.1 shows no hat, yet a beard or stubble.", "Face 1.1 shows no hat, only a beard or stubble."),
            *("Face 1.1 shows no hat, a beard it has or stubble.", "Face 1.1 wears no hat, has a beard or stubble."),
            *("Face 1.1 has no beard or smile.", "Face 1.1 has no beard, smile or hat."),
            *("Face 1.1 shows nothing, a beard or stubble.", "Face 1.1 shows no hat or fringe, glasses."),
        )
    ),
    claim("The records do not mention “Adobe Photoshop 26.1”.", "editing_software", "image 1"),
    claim("No record names “Adobe Photoshop 26.1”.", "editing_software", "image 1"),
    claim("Face 1.1 is not 34 years old.", "age", A),
    claim("Nobody would say that face 1.1 looks 34 years old.", "age", A),
    # Left open beside it, or where it is decided
    claim("Face 1.3 and face 2.1 show the same person, whether or not they are alike.", "same_person", OPEN),
    claim("Face 1.3 and face 2.1 show the same person, which was not said before.", "same_person", OPEN),
    claim("As the pose was not judged, face 1.3 and face 2.1 show the same person.", "same_person", OPEN),
    claim("The age of face 1.1 is unknown.", "age", A),
    claim("The age of face 1.1 was not estimated.", "age", A),
    claim("The age of face 2.1 was estimated.", "age", D),
    # One person, by other words
    *(
        claim(sentence, "same_person", OTHERS)
        for sentence in (
            *("Face 1.2 and face 2.1 are the same.", "Face 1.2 is the same as face 2.1.", "Face 2.1 shows face 1.2."),
            *("The person in image 1 appears again in image 2.", "Face 1.2 and face 2.1: supported (0.004)."),
            *("The person in image 1 (face 1.2) is in image 2 too (0.004).", "Face 1.2 is in image 2 (0.004)."),
            *("Image 2 shows face 1.2 (0.004).", "Face 1.2 was seen in image 1 and in image 2 (0.004)."),
            *("The person of face 1.2 was in both photos (0.004).", "Face 1.2 and face 2.1 seem one."),
            *("Face 1.2, also in image 2 (0.004).",),
        )
    ),
    *(
        claim(sentence, "same_person", PAIR)
        for sentence in (
            *("Face 1.1 and face 2.1 are different.", "Face 1.1 and face 2.1 are not the same."),
            *("Face 1.1 and face 2.1 seem different.", "Face 1.1 and face 2.1: not supported (0.987)."),
        )
    ),
    # Sides
    claim("Face 1.1 is turned by 4° to the left.", "pose", A),
    claim("Face 1.1 is turned about 4° to the right, then to the left.", "pose", A),
    claim("Face 1.1 looks left.", "pose", A),
]
PLAIN = [
    claim("Face 1.1 wears no hat and smiles.", "visible_attributes", A),
    claim("Face 1.1 has no beard and wears glasses.", "visible_attributes", A),
    claim("Face 1.1 has no beard but wears glasses.", "visible_attributes", A),
    claim("Face 1.1 does not wear a hat and smiles.", "visible_attributes", A),
    claim("Face 1.1 wears no hat and no beard.", "visible_attributes", A),
    claim("Face 1.1 shows neither a beard nor a hat.", "visible_attributes", A),
    claim("Face 1.1 shows no sign of a beard, a hat or a moustache.", "visible_attributes", A),
    claim("Face 1.1 shows no beard, hat or fringe and smiles.", "visible_attributes", A),
    claim("Face 1.1 does not wear a hat, have a beard or show stubble.", "visible_attributes", A),
    claim("Face 1.1 wears no hat, it smiles.", "visible_attributes", A),
    claim("Face 1.1 wears no hat, smiles.", "visible_attributes", A),
    claim("It is undecided whether face 1.1 wears earrings.", "visible_attributes", A),
    claim("Face 1.2 and face 2.1 seem different.", "same_person", OTHERS),
    claim("Face 1.1 and face 2.1 seem to be the same.", "same_person", PAIR),
    claim("Image 1 shows face 1.1, which is sharp.", "sharpness", A),
    claim("Face 1.1 is turned by 4° to the right.", "pose", A),
    claim("Face 1.2 looks left.", "pose", B),
]


@pytest.mark.parametrize("lie", NEGATED, ids=lambda c: f"{c.sentence} {c.subject}")
def test_no_denial_is_heard_as_a_finding(lie: Claim) -> None:
    assert fault(lie, ROWS.get)


@pytest.mark.parametrize("honest", PLAIN, ids=lambda c: f"{c.sentence} {c.subject}")
def test_what_is_not_denied_is_not_refused(honest: Claim) -> None:
    assert fault(honest, ROWS.get) is None


# Properties


EYES = {"open": "open", "partly": "not wide open", "closed": "nearly or quite closed"}
STATES = st.tuples(st.sampled_from(list(EYES)), st.sampled_from(("open", "closed")))


@given(
    who=st.sampled_from(("both faces", "face 1.1 and face 2.1", "all the faces")),
    said=STATES,
    held=st.tuples(STATES, STATES),
)
def test_eyes_and_mouths_of_several_faces(
    who: str, said: tuple[str, str], held: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    template = ROWS[cite("sharpness", A)[0]]
    found: dict[str, JsonValue] = {
        face: {"eyes": eyes, "mouth": mouth} for face, (eyes, mouth) in zip((A, D), held, strict=True)
    }
    rows = {
        row_id: template.model_copy(
            update={"id": row_id, "subject": face, "attribute": "eyes_and_mouth", "value": value, "threshold": None}
        )
        for row_id, (face, value) in zip(("e1", "e2"), found.items(), strict=True)
    }
    made = Claim(
        sentence=f"The eyes of {who} are {EYES[said[0]]} and their mouths are {said[1]}.",
        subject=PAIR,
        attribute="eyes_and_mouth",
        value=found,
        evidence=tuple(rows),
    )
    assert (fault(made, rows.get) is None) is (held == (said, said))


NOUNS = {
    "smiling": "a smile",
    "glasses": "glasses",
    "hat": "a hat",
    "beard": "a beard",
    "black hair": "black hair",
    "open mouth": "a slightly open mouth",
}
DENIALS = ("The face shows no sign of", "The face does not have", "Face 1.1 is without", "The face lacks", "No")


@given(
    st.sampled_from(DENIALS),
    st.lists(st.sampled_from(list(NOUNS)), unique=True, min_size=3),
    st.sets(st.sampled_from(list(NOUNS))),
)
def test_a_list_is_denied_exactly_where_nothing_of_it_is_there(denial: str, denied: list[str], there: set[str]) -> None:
    *most, last = (NOUNS[name] for name in denied)
    for joined in (" or", ", or", " nor"):
        assert carried(f"{denial} {', '.join(most)}{joined} {last}.", there) is there.isdisjoint(denied)
    for unclear in (" and", ",", ", only"):
        assert not carried(f"{denial} {', '.join(most)}{unclear} {last}.", there)


@given(
    st.sampled_from(DENIALS),
    st.permutations(list(NOUNS)),
    st.sets(st.sampled_from(list(NOUNS))),
    st.sampled_from(("and", "or")),
)
def test_what_begins_anew_after_a_denial_is_said_to_be_there(
    denial: str, names: list[str], there: set[str], joined: str
) -> None:
    one, other, *said = names[:4]
    holds = there.isdisjoint((one, other)) and there.issuperset(said)
    affirmed = f" {joined} ".join(NOUNS[name] for name in said)
    for anew in (", but", ", and it has", ", it has", "; it has", " and has"):
        assert carried(f"{denial} {NOUNS[one]} or {NOUNS[other]}{anew} {affirmed}.", there) is holds


def carried(sentence: str, there: set[str]) -> bool:
    row = Evidence(id="e1", tool="tool", subject=A, attribute="visible_attributes", value=sorted(there), method=METHOD)
    made = Claim(sentence=sentence, subject=A, attribute=row.attribute, value=row.value, evidence=("e1",))
    return fault(made, {"e1": row}.get) is None


def ages(*years: int) -> dict[str, Evidence]:
    template = ROWS[cite("age", A)[0]]
    return {
        f"e{number}": template.model_copy(
            update={"id": f"e{number}", "subject": f"face 1.{number}", "value": age, "interval": None, "details": {}}
        )
        for number, age in enumerate(years, start=1)
    }


def said(sentence: str, rows: dict[str, Evidence]) -> str | None:
    first = rows["e1"]
    made = Claim(sentence=sentence, subject=first.subject, attribute="age", value=first.value, evidence=tuple(rows))
    return fault(made, rows.get)


YEARS = st.integers(min_value=1, max_value=99)


@settings(deadline=None)  # a busy machine is no failure
@given(YEARS, YEARS)
def test_a_comparison_is_said_exactly_when_it_holds(one: int, other: int) -> None:
    rows = ages(one, other)
    assert (said("Face 1.1 looks older than face 1.2.", rows) is None) is (one > other)
    assert (said("Face 1.1 looks younger than face 1.2.", rows) is None) is (one < other)
    assert (said("Face 1.1 does not look older than face 1.2.", rows) is None) is (one <= other)
    assert (said("Face 1.2 looks older than face 1.1.", rows) is None) is (other > one)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(YEARS, min_size=2, max_size=6), st.data())
def test_a_superlative_is_said_exactly_when_it_holds_over_all(years: list[int], data: st.DataObject) -> None:
    rows = ages(*years)
    oldest = years[0] == max(years) and years.count(years[0]) == 1
    assert (said("Face 1.1 looks the oldest.", rows) is None) is oldest
    left_out = data.draw(st.integers(min_value=2, max_value=len(years)))
    cited = {key: row for key, row in rows.items() if key != f"e{left_out}"}
    made = Claim(
        sentence="Face 1.1 looks the oldest.", subject=A, attribute="age", value=years[0], evidence=tuple(cited)
    )
    assert fault(made, rows.get) is not None


def test_the_one_of_two_is_said_of_two() -> None:
    assert said("Face 1.1 looks the older of the two.", ages(40, 30)) is None
    assert said("Face 1.1 looks the older of the two.", ages(30, 40))
    assert said("Face 1.1 looks the older of the two measured.", ages(40, 30, 20))
    third = ages(40, 30, 20)["e3"].model_copy(update={"status": "abstained", "value": None, "reason": "too small"})
    assert said("Face 1.1 looks the older of the two measured.", ages(40, 30) | {"e3": third}) is None
    assert said("Face 1.1 looks the older of the two.", ages(40, 30) | {"e3": third})


def test_those_who_share_a_place_share_the_word() -> None:
    rows = ages(40, 20, 40)
    assert said("Face 1.1 and face 1.3 look the oldest.", rows) is None
    assert said("Face 1.1 looks the oldest.", rows)
    assert said("Face 1.1 and face 1.2 look the oldest.", rows)
    assert said("Face 1.1, face 1.2 and face 1.3 look the oldest.", rows)


@settings(deadline=None)  # a busy machine is no failure
@given(YEARS, YEARS)
def test_a_number_stays_with_its_face(one: int, other: int) -> None:
    rows = ages(one, other)
    assert said(f"Face 1.1 looks {one} years old and face 1.2 looks {other}.", rows) is None
    swapped = said(f"Face 1.1 looks {other} years old and face 1.2 looks {one}.", rows)
    assert (swapped is None) is (one == other)


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(min_value=0, max_value=1000))
def test_a_word_of_probability_is_said_exactly_when_it_fits(thousandths: int) -> None:
    chance = thousandths / 1000
    value = "supported" if chance >= 0.5 else "not_supported"
    row = ROWS[cite("same_person", PAIR)[0]]
    assert row.probability is not None
    row = row.model_copy(update={"value": value, "probability": row.probability.model_copy(update={"value": chance})})
    for word, low in (("probably", 0.5), ("likely", 0.66), ("very likely", 0.9), ("almost certainly", 0.99)):
        for what, sure in (("the same person", chance), ("different people", 1 - chance)):
            made = claim(f"Face 1.1 and face 2.1 {word} show {what}.", "same_person", PAIR)
            made = made.model_copy(update={"value": value})
            fits = sure >= low and (value == "supported") is (what == "the same person")
            assert (fault(made, {row.id: row}.get) is None) is fits


TABLE = tomllib.loads(files("faceagent.ground").joinpath("words.toml").read_text(encoding="utf-8"))
PHRASES = [
    (attribute, condition, phrase)
    for attribute, table in TABLE.items()
    for condition, phrases in table.get("says", {}).items()
    for phrase in phrases
    if re.fullmatch(r"[a-z ]+", phrase) and re.fullmatch(r"[A-Za-z_|]+", condition) and condition != "any"
]


@pytest.mark.parametrize(("attribute", "condition", "phrase"), PHRASES, ids=str)
def test_a_phrase_is_said_of_its_own_values_only(attribute: str, condition: str, phrase: str) -> None:
    others = {value for name, key, _ in PHRASES if name == attribute for value in key.split("|")}
    for value in (*others, "something else"):
        row = Evidence(id="e1", tool="tool", subject=A, attribute=attribute, value=value, method=METHOD)
        true = any(
            saying.true_of(row)
            for topic in (core().topics[attribute],)
            for saying in topic.sayings
            if saying.pattern.fullmatch(phrase)
        )
        assert true is (value in condition.split("|"))
        for sentence, holds in ((f"Face 1.1: {phrase}.", true), (f"Face 1.1: not {phrase}.", not true)):
            made = Claim(sentence=sentence, subject=A, attribute=attribute, value=value, evidence=("e1",))
            assert holds or fault(made, {"e1": row}.get) is not None


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=120))
def test_text_of_any_kind_is_judged_and_never_breaks_the_check(text: str) -> None:
    reason = fault(claim(text, "sharpness", A), ROWS.get)
    assert reason is None or reason
