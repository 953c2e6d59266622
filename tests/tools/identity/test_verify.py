"""verify_protected_identity: what is weighed, what is found, and in which words. The network is real once."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_fakes import NAMES, READINGS, VIEWS, Embedder, Reads, Shelf, agreed, recorded, said, template, vector
from placed import PLACES, never_met, placed

from faceagent.gallery import Consent
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent_tools import compare
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.forensics import ensemble
from faceagent_tools.identity import likelihood, regions, verify_words
from faceagent_tools.identity.enroll import EnrollPerson
from faceagent_tools.identity.likelihood import Portrayed
from faceagent_tools.identity.templates import model_of
from faceagent_tools.identity.verify import NOBODY, NOT_THIS_ONE, VerifyArguments, VerifyProtectedIdentity
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import Trunk

TRUNK = Trunk()
EMBEDDER, READER = FaceEmbedder(TRUNK), FaceReader(TRUNK)
TOOL = VerifyProtectedIdentity(EMBEDDER, READER, TRUNK)
BOX = Toolbox([DetectFaces(FaceDetector()), EnrollPerson(EMBEDDER, READER), TOOL])


def chances(**given):
    return {**dict.fromkeys(likelihood.KINDS, 0.0), **given}


# What is weighed


def weighed(overall, own=0.955, parts=0.4, forgery=None):
    found = {regions.OVERALL: overall, **dict.fromkeys(regions.PARTS, parts)}
    return likelihood.table().probabilities(likelihood.features(found, own), forgery)


def test_the_less_alike_the_likelier_is_somebody_else():
    order = [weighed(overall, parts=parts) for overall, parts in ((0.96, 0.45), (0.9, 0.25), (0.82, 0.0))]
    assert [max(one, key=one.get) for one in order] == ["genuine", "swap", "other"]


def test_traces_of_forgery_move_the_answer_from_authentic_to_imitation_and_never_to_somebody_else():
    clean, unjudged, traces = (weighed(0.945, forgery=odds) for odds in (-3.0, None, 3.0))
    assert clean["genuine"] > unjudged["genuine"] > traces["genuine"]
    assert traces["other"] <= unjudged["other"]
    assert likelihood.finding(traces, witness=True) in ("swap", "synthesised")


def test_a_person_whose_photos_differ_much_is_given_more_room():
    assert weighed(0.94, own=0.94)["genuine"] > weighed(0.94, own=0.97)["genuine"]


def test_probabilities_add_up_and_are_never_certain():
    for overall in (0.5, 0.9, 1.0):
        found = weighed(overall, forgery=2.0)
        assert sum(found.values()) == pytest.approx(1, abs=0.04)
        assert all(0.01 <= value <= 0.99 for value in found.values())


def test_few_photos_are_drawn_to_what_is_usual():
    one = Portrayed(np.eye(128, dtype=np.float32)[0], {})
    two = Portrayed(np.eye(128, dtype=np.float32)[1], {})
    assert likelihood.own_likeness([one], 0.95, 3) == pytest.approx(0.95)
    assert likelihood.own_likeness([one, two], 0.95, 3) == pytest.approx(0.95 * 3 / 4)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (chances(genuine=0.6, swap=0.4), "genuine"),
        (chances(other=0.7, swap=0.2), "other"),
        (chances(genuine=0.4, swap=0.4, synthesised=0.2), "swap"),
        (chances(genuine=0.45, swap=0.2, synthesised=0.35), "synthesised"),
        (chances(genuine=0.4, other=0.3, swap=0.3), "undecided"),
        (chances(genuine=0.2, other=0.4, swap=0.4), "not_authentic"),
    ],
)
def test_what_is_found_where_the_pixels_are_a_witness(given, value):
    assert likelihood.finding(given, witness=True) == value


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (chances(genuine=0.6, swap=0.4), "genuine"),
        (chances(other=0.7, swap=0.2), "other"),
        (chances(genuine=0.02, other=0.1, swap=0.6, synthesised=0.28), "not_authentic"),
        (chances(genuine=0.4, swap=0.4, synthesised=0.2), "undecided"),
    ],
)
def test_likeness_alone_names_no_imitation(given, value):
    assert likelihood.finding(given, witness=False) == value


def test_the_most_likely_kind_counts_both_kinds_of_imitation_together():
    assert likelihood.likeliest(chances(genuine=0.4, swap=0.25, synthesised=0.35)) == "synthesised"
    assert likelihood.likeliest(chances(genuine=0.5, other=0.1, swap=0.4)) == "genuine"
    assert likelihood.likeliest(chances(genuine=0.2, other=0.5, swap=0.3)) == "other"


def test_of_those_who_look_most_alike_nobody_was_accused():
    told = likelihood.table().figures
    assert {"swap", "synthesised"} & set(told["said of alike, the most likely"])
    assert not {"swap", "synthesised"} & set(told["said of alike"])


# On real photos


@pytest.fixture(scope="module")
def portrait():
    return Photo.open("examples/portrait.jpg")


def asked(gallery, *photos, **arguments):
    session = Session(None, gallery)
    for photo in photos:
        session.add(photo)
    return session, list(BOX.call(session, TOOL.name, arguments)[-1].evidence)


@pytest.fixture
def protected(gallery, portrait):
    session = Session(None, gallery)
    session.add(portrait)
    outcome = BOX.call(session, "enroll_person", {"name": "Eileen", "consent": "she agreed", "protected": True})[-1]
    assert outcome.evidence[0].status == "ok"
    return gallery


def test_each_region_is_compared_and_every_sentence_is_carried(protected):
    session, rows = asked(protected, Photo.open("examples/portrait-altered.jpg"))
    by_attribute = {row.attribute: row for row in rows}
    assert set(by_attribute) == {"protected_identity", *(f"{name}_comparison" for name in regions.REGIONS)}
    # The altered copy has other eyes, and everything else is as it was.
    scores = {name: by_attribute[f"{name}_comparison"].score for name in regions.PARTS}
    assert scores["eyes"] < min(scores["mouth"], scores["outline"]), scores
    text = said(TOOL, session, rows)
    assert "“Eileen”" in text
    assert "With only one authentic photo enrolled" in text


def test_the_words_follow_the_evidence(protected, portrait):
    session, rows = asked(protected, portrait)
    answer, *rest = rows
    for value, words in (
        ("genuine", "supports an authentic photo of “Eileen” over an imitation"),
        ("other", "shows somebody else than “Eileen”"),
        ("swap", "a face swap over a synthesised picture"),
        ("synthesised", "a synthesised picture over a face swap"),
        ("not_authentic", "does not come from an authentic photo of “Eileen” (probability"),
        ("undecided", "cannot be decided"),
    ):
        (changed,) = recorded(session, [answer.model_copy(update={"value": value})])
        assert words in said(TOOL, session, [changed, *rest])
    different = recorded(session, [row.model_copy(update={"value": "different"}) for row in rest])
    assert "are different from what the photo of “Eileen” shows" in said(TOOL, session, [answer, *different])
    lacking = {
        "value": None,
        "score": None,
        "status": "not_applicable",
        "reason": "too little of it can be seen",
    }
    unseen = recorded(session, [rest[0].model_copy(update=lacking)])
    assert "the outline is not comparable, because" in said(TOOL, session, [answer, *unseen])


def test_only_protected_people_are_held_against(gallery, portrait):
    session, rows = asked(gallery, portrait)
    assert [row.reason for row in rows] == [NOBODY]
    assert "was not compared with a protected person" in said(TOOL, session, rows)
    session.add(portrait)
    BOX.call(session, "enroll_person", {"name": "Eileen", "consent": "she agreed", "subjects": ["image 1"]})
    assert [row.reason for row in asked(gallery, portrait, name="Eileen")[1]] == [NOT_THIS_ONE]
    assert gallery.person("Eileen").consent == Consent("access", date.today(), statement="she agreed")


# Whatever is weighed


class Finds:
    """Examines every face as a test drew it."""

    def __init__(self, found):
        self.found = found

    def examine(self, photo, face, points):
        return self.found[face.id]


_STACK = ensemble.stack()
_EXAMINED = st.builds(
    lambda log_odds, synthetic, enlarged, strange, far, blockiness: SimpleNamespace(
        log_odds=log_odds,
        synthetic=synthetic,
        enlarged=enlarged,
        weighed=SimpleNamespace(strange=strange),
        look=SimpleNamespace(far=far),
        blockiness=blockiness,
    ),
    st.one_of(st.floats(-7, 7), st.sampled_from([_STACK.high, _STACK.low])),
    st.booleans(),
    st.sampled_from([1.0, 1.0, 1.0, 2.0, 2.37, 4.0]),
    *(st.sampled_from([1.0, 1.0, 1.0, 1.0, 9.0]) for _ in range(3)),
)
_LIKENESS = st.fixed_dictionaries(
    {regions.OVERALL: st.one_of(st.floats(-1, 1), st.floats(0.85, 1))},
    optional={name: st.floats(-1, 1) for name in regions.PARTS},
)


def weighed_by(data):
    """A session in which faces are held against whoever is protected, whatever is found of them; all the rows."""
    session = placed(data.draw(PLACES))
    session.gallery = Shelf()
    names = data.draw(st.lists(NAMES, max_size=3, unique_by=str.casefold))
    for name in names:
        rows = [template(vector(1), model_of(Embedder()))] * data.draw(st.sampled_from([0, 1, 2, 3, 15]))
        session.gallery.enroll(name, rows, agreed(), protected=data.draw(st.sampled_from([True, True, False])))
    examined, views, readings, found = (
        {face.id: data.draw(one) for face in session.faces()} for one in (_EXAMINED, VIEWS, READINGS, _LIKENESS)
    )
    own, asked = data.draw(st.floats(0.5, 1)), iter(found.values())
    told = {"name": data.draw(st.sampled_from(["", "", *names]) | NAMES)}
    tool = VerifyProtectedIdentity(Embedder(), Reads(readings), None, Finds(examined))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "view", lambda session, face: views[face.id])
        patch.setattr(tool, "_suspect", lambda session, face, reading: Portrayed(vector(2), {}))
        patch.setattr(likelihood, "by_region", lambda suspect, photos, known: next(asked))
        patch.setattr(likelihood, "own_likeness", lambda photos, usual, pairs: own)
        rows = tool.run(session, VerifyArguments(**told))
    return tool, session, recorded(session, rows)


@settings(max_examples=70)
@given(st.data())
def test_whatever_is_weighed_every_sentence_is_carried(data):
    tool, session, rows = weighed_by(data)
    said(tool, session, rows)


def test_each_condition_of_words_toml_is_met_by_some_evidence(protected, portrait):
    _, (answer, *rest) = asked(protected, portrait)
    found = [
        answer.model_copy(update={"value": value, "details": answer.details | {"pixels": pixels}})
        for value in (*likelihood.KINDS, likelihood.NOT_AUTHENTIC)
        for pixels in verify_words._PIXELS
    ]
    found += [row.model_copy(update={"value": value}) for row in rest for value in ("similar", "different")]
    attributes = {row.attribute for row in found}
    assert attributes == {"protected_identity", *(f"{name}_comparison" for name in regions.REGIONS)}
    assert never_met(found, *attributes) == []
