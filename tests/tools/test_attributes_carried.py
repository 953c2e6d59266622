"""Whatever is read of a face, what is said of it is carried by its evidence, and nothing else is."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from faces_read import TABLE, ask, made, use
from hypothesis import example, given
from hypothesis import strategies as st

from faceagent.ground import fault
from faceagent.types import Claim, Evidence
from faceagent_tools.attributes import About
from faceagent_tools.attributes_visible import KINDS, THINGS, Thing
from faceagent_tools.multitask import ATTRIBUTES, RACES, Reading


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A table of figures of its own, so that tests do not hang on how good the shipped network is."""
    use(monkeypatch, TABLE)
    return TABLE


_READINGS = st.builds(
    made,
    age=st.floats(0, 95),
    spread=st.floats(2, 15),
    male=st.floats(0, 1),
    race=st.floats(0.2, 1),
    of=st.sampled_from(RACES),
)


_SEVERAL = st.lists(st.sampled_from(KINDS), unique=True, min_size=3)  # so that several things are denied at once
_ASKED = st.one_of(_SEVERAL, st.lists(st.sampled_from(get_args(About)), unique=True))


@given(
    st.lists(_READINGS, min_size=1, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(ATTRIBUTES), st.floats(0, 1)), min_size=4, max_size=4),
    _ASKED,
    st.sampled_from((None, "research", "personal", "access")),
)
def test_whatever_is_read_every_sentence_is_carried(
    readings: list[Reading], seen: list[dict[str, float]], about: list[str], purpose: str | None
) -> None:
    """With the figures of the network that ships."""
    for reading, scores in zip(readings, seen, strict=False):
        for name, score in scores.items():
            reading.attributes[ATTRIBUTES.index(name)] = score
    ask(*readings, purpose=purpose, about=about)


_THINGS = st.sets(st.sampled_from(THINGS))


@given(
    st.lists(st.tuples(_THINGS, _THINGS), min_size=1, max_size=4),
    _ASKED,
    st.one_of(st.just(set[Thing]()), _THINGS),
)
@example([(set(), set())], ["smile", "facial_hair", "mouth"], set())
@example([(set(), set())], list(KINDS), set())
def test_whatever_is_asked_for_and_found_every_sentence_is_carried(
    faces: list[tuple[set[Thing], set[Thing]]], about: list[str], untold: set[Thing]
) -> None:
    """faces: what each shows, and what stays open. The network that ships tells too few things to deny many at once."""
    with pytest.MonkeyPatch.context() as patch:
        use(patch, telling_all_but(untold))
        ask(*(showing(*face) for face in faces), about=about)


def telling_all_but(untold: set[Thing]) -> dict[str, Any]:
    figures = TABLE["figures"]["celeba40"]
    told = {thing.column: figures["by_attribute"][thing.column] | {"balanced": 0.6} for thing in untold}
    celeba = figures | {"by_attribute": figures["by_attribute"] | told}
    return TABLE | {"figures": TABLE["figures"] | {"celeba40": celeba}}


def showing(there: set[Thing], unsure: set[Thing]) -> Reading:
    """A reading of a face that shows some things; of those that are unsure the network does not know."""
    scores = {thing.column: 0.5 if thing in unsure else 0.95 if thing in there else 0.01 for thing in THINGS}
    inverted = {thing.column: 1 - scores[thing.column] for thing in THINGS if thing.inverted}
    return made(**scores | inverted)


def test_what_is_not_there_is_denied_in_one_list(table: object) -> None:
    [row], said = ask(made(Eyeglasses=0.9), about=["smile", "facial_hair", "mouth"])
    assert "The face shows no sign of a smile, a beard, a moustache or a slightly open mouth." in said
    assert refused("The face shows no sign of a smile, but glasses, and a beard.", row)


@pytest.mark.parametrize("name", RACES)
def test_another_category_than_the_one_found_is_not_carried(table: object, name: str) -> None:
    [row], _ = ask(made(of=name), about=["ethnicity"], purpose="research")
    for other in RACES:
        said = f"People who label photos would probably put the face in the category “{plain(other)}”."
        assert (refused(said, row) is None) is (other == name), said


def test_another_group_than_that_of_the_face_is_not_carried(table: object) -> None:
    [row, *_], _ = ask(made(age=6), about=["gender"], purpose="research")
    assert refused("The face looks to be in the group age 3-9, where it was 25 %.", row) is None
    for other in ("age 70+, where it was 50 %", "age 3-90, where it was 25 %", "age 40-49, where it was 3 %"):
        assert refused(f"The face looks to be in the group {other}.", row)


def test_what_is_left_open_in_a_list_ends_where_the_list_does(table: object) -> None:
    [row], _ = ask(made(Smiling=0.99), about=["attributes"])
    for said in (
        "Nothing is said of a hat, and the face has black hair.",
        "Nothing is said of a hat, with black hair.",
    ):
        assert refused(said, row)


def refused(sentence: str, row: Evidence) -> str | None:
    claim = Claim(sentence=sentence, subject=row.subject, attribute=row.attribute, value=row.value, evidence=(row.id,))
    return fault(claim, {row.id: row}.get)


def plain(name: str) -> str:
    return name.replace("_", " or ")
