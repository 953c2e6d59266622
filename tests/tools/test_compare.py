"""compare_faces: which pairs, which finding, which words. The network is real once, and faked where lines matter."""

from __future__ import annotations

import numpy as np
import pytest
from held import word
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from placed import PLACES, never_met, placed
from skimage import data

from faceagent.errors import UnknownReference, UsageError
from faceagent.ground import ground
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Names, Toolbox
from faceagent.types import Box, Face
from faceagent_tools import compare, similarity, weights
from faceagent_tools.compare import CompareArguments, CompareFaces
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.identity import regions, saliency
from faceagent_tools.identity.explain import Explainer

MODEL = "dlib_face_recognition_resnet_model_v1"


class FakeEmbedder:
    """Gives every face the same embedding and notes which it was asked for."""

    method = weights.method(MODEL)
    weights = MODEL

    def __init__(self):
        self.calls = []

    def embed(self, photo, face):
        self.calls.append(face.id)
        return np.eye(128, dtype=np.float32)[0]

    def chip(self, photo, face):
        return np.full((150, 150, 3), 128, np.uint8)


@pytest.fixture
def score(monkeypatch):
    """Set the similarity that every pair has."""

    def set_to(value):
        monkeypatch.setattr(similarity, "similarity", lambda left, right: value)

    return set_to


def session_of(*counts, size=60.0):
    """A session with a grey photo for each count, that many faces in it."""
    session = Session()
    for count in counts:
        image = session.add(Photo.open(np.full((200, 100 * max(count, 1), 3), 128, np.uint8), name="grey"))
        number = image.split()[1]
        faces = [
            Face(
                id=f"face {number}.{place + 1}",
                image=image,
                box=Box(x0=100 * place + 20, y0=50, x1=100 * place + 20 + size, y1=50 + size),
                score=1.0,
            )
            for place in range(count)
        ]
        session.set_faces(image, faces)
    return session


def measure(session, subjects=(), **arguments):
    tool = CompareFaces(FakeEmbedder())
    rows = tool.run(session, CompareArguments(subjects=subjects, **arguments))
    return [session.ledger.record(row) for row in rows]


def say(session, rows):
    """The sentences, every one of them carried by the evidence."""
    names = Names(images=session.images, faces=tuple(face.id for face in session.faces()))
    claims = CompareFaces(FakeEmbedder()).word(rows, names)
    checked = ground(claims, session.ledger.get)
    assert not checked.rejected, [(bad.claim.sentence, bad.reason) for bad in checked.rejected]
    return claims


def usual():
    return similarity.table().line(similarity.DEFAULT_RATE)


# Which pairs


@pytest.mark.parametrize(
    ("counts", "subjects", "expected"),
    [
        ((2,), (), {"face 1.1 + face 1.2"}),
        ((1, 1), (), {"face 1.1 + face 2.1"}),
        ((1, 1), ("image 1", "image 2"), {"face 1.1 + face 2.1"}),
        ((1, 2), (), {"face 1.1 + face 2.1", "face 1.1 + face 2.2"}),
        ((1, 2), ("image 2",), {"face 2.1 + face 2.2"}),
        ((3,), ("face 1.1", "face 1.3"), {"face 1.1 + face 1.3"}),
        ((3,), ("face 1.2", "image 1"), {"face 1.2 + face 1.1", "face 1.2 + face 1.3"}),
        ((1, 0, 1), (), {"face 1.1 + face 3.1"}),
        ((0, 2), (), {"face 2.1 + face 2.2"}),
        ((3,), (), {"face 1.1 + face 1.2", "face 1.1 + face 1.3", "face 1.2 + face 1.3"}),
        ((1, 1), ("face 1.1", "face 1.1", "face 2.1"), {"face 1.1 + face 2.1"}),
    ],
)
def test_the_pairs_that_subjects_name(counts, subjects, expected, score):
    score(0.0)
    rows = measure(session_of(*counts), subjects)
    assert {row.subject for row in rows} == expected
    assert len(rows) == len(expected)


@pytest.mark.parametrize(
    ("counts", "subjects", "message"),
    [
        ((1,), (), "the photo shows only one"),
        ((1,), ("face 1.1", "image 1"), "the photo shows only one"),
        ((1, 0), (), "only face 1.1 was found"),
        ((1, 1), ("face 2.1",), "only face 2.1 was named"),
        ((3,), ("face 1.2",), "only face 1.2 was named"),
        ((0,), (), "no face to compare"),
        ((11,), (), "55 pairs, more than the 45"),
    ],
)
def test_too_few_or_too_many_faces_are_refused_in_one_sentence(counts, subjects, message):
    with pytest.raises(UsageError, match=message):
        measure(session_of(*counts), subjects)


def test_a_face_that_does_not_exist_is_refused():
    with pytest.raises(UnknownReference, match=r"face 1\.7"):
        measure(session_of(2), ("face 1.1", "face 1.7"))


def test_each_face_is_embedded_once(score):
    score(0.0)
    embedder, session = FakeEmbedder(), session_of(4)
    for _ in range(2):
        CompareFaces(embedder).run(session, CompareArguments())
    assert sorted(embedder.calls) == ["face 1.1", "face 1.2", "face 1.3", "face 1.4"]


# Which finding


def test_the_finding_changes_exactly_at_the_lines(score):
    table, line = similarity.table(), usual()
    findings = {}
    for name, value in {
        "at the line": line.similarity,
        "just below it": np.nextafter(line.similarity, -1),
        "at the lower line": table.different_below,
        "just below that": np.nextafter(table.different_below, -1),
    }.items():
        score(float(value))
        (row,) = measure(session_of(2))
        findings[name] = row.value
        assert row.threshold.holds(row.score) is (row.value == "supported")
    assert findings == {
        "at the line": "supported",
        "just below it": "undecided",
        "at the lower line": "undecided",
        "just below that": "not_supported",
    }


def test_the_evidence_states_its_line_its_probability_and_the_errors_by_group(score):
    score(usual().similarity)
    (row,) = measure(session_of(2))
    assert row.tool == "compare_faces"
    assert row.attribute == "same_person"
    assert row.method.sha256 == weights.method("dlib_face_recognition_resnet_model_v1").sha256
    assert row.probability.prior == 0.5
    assert row.probability.n == similarity.table().genuine_pairs + similarity.table().impostor_pairs
    assert "calibrate_compare" in row.threshold.source
    assert {group.kind for group in row.group_errors} == {"false match rate"}
    assert len(row.group_errors) == len(similarity.table().group_pairs)


@pytest.mark.parametrize("rate", [1e-2, 1e-4])
def test_another_false_match_rate_moves_the_line(rate, score):
    score(0.0)
    (row,) = measure(session_of(2), false_match_rate=rate)
    assert (row.threshold.value > usual().similarity) is (rate < 1e-3)
    assert row.details["false_match_odds"] == [1, round(1 / rate)]


def test_the_strict_line_is_higher(score):
    score(0.0)
    (row,) = measure(session_of(2), strict=True)
    assert row.threshold.value > usual().similarity
    assert max(group.rate for group in row.group_errors if group.group not in ("children", "teenagers")) <= 1e-3


def test_a_rate_that_was_not_calibrated_is_refused():
    with pytest.raises(UsageError, match=r"rate 0.5 is not calibrated. Use one of 0.01, 0.001, 0.0001"):
        measure(session_of(2), false_match_rate=0.5)


def test_a_face_that_is_too_small_is_not_compared():
    session = session_of(2, size=6.0)
    rows = measure(session)
    assert [row.status for row in rows] == ["abstained"]
    assert rows[0].score is None
    (claim,) = say(session, rows)
    assert claim.sentence == "Face 1.1 and face 1.2 were not compared, because face 1.1 and face 1.2 are too small."


def test_a_profile_is_not_compared(monkeypatch, score):
    score(0.3)
    monkeypatch.setattr(compare, "view", lambda session, face: compare.View(40.0, 75.0 if face.id[-1] == "2" else 0.0))
    session = session_of(3)
    rows = measure(session)
    assert [row.status for row in rows] == ["abstained", "ok", "abstained"]
    sentences = [claim.sentence for claim in say(session, rows)]
    assert "2 of the 3 pairs were not compared, because face 1.2 is turned too far from the camera." in sentences


# Which words


def test_a_supported_pair_in_words(score):
    session = session_of(1, 1)
    score(usual().similarity + 0.02)
    rows = measure(session)
    claims = say(session, rows)
    assert [claim.role for claim in claims] == ["answer", "reason", "doubt", "doubt"]
    answer, reason, relatives, groups = (claim.sentence for claim in claims)
    assert answer.startswith("The evidence supports that face 1.1 and face 2.1 show the same person (probability 0.9")
    assert answer.endswith("if either were equally likely beforehand).")
    assert reason == (
        "Of pairs of different people of the same perceived gender and ethnicity, at most about 1 in 1,000 are as "
        "alike as this."
    )
    assert "Twins" in relatives
    assert "passed for one most often among" in groups


@pytest.mark.parametrize(
    ("value", "beginning"),
    [
        (
            -0.3,
            "The evidence supports that face 1.1 and face 1.2 show different people "
            "(probability of the same person 0.001,",
        ),
        (0.4, "The evidence supports that face 1.1 and face 1.2 show the same person (probability 0.999,"),
    ],
)
def test_probabilities_near_the_ends_are_never_written_as_0_or_1(value, beginning, score):
    score(value)
    session = session_of(2)
    assert say(session, measure(session))[0].sentence.startswith(beginning)


def test_an_undecided_pair_in_words(score):
    score((usual().similarity + similarity.table().different_below) / 2)
    session = session_of(2)
    claims = say(session, measure(session))
    assert claims[0].sentence.startswith("Whether face 1.1 and face 1.2 show the same person cannot be decided")
    assert claims[-1].role == "doubt"


def test_many_pairs_are_summed_up_and_each_doubt_is_said_once(score):
    score(-0.3)
    session = session_of(6)
    claims = say(session, measure(session))
    assert [claim.sentence for claim in claims if claim.role == "answer"] == [
        "In all 15 pairs, the evidence supports different people (probability of the same person at most 0.001, if "
        "either were equally likely beforehand)."
    ]
    assert len(claims) == 3
    assert all(len(claim.evidence) == 15 for claim in claims)


def test_among_many_pairs_those_of_one_person_are_named(monkeypatch):
    values = iter([-0.3, 0.4, 0.4, 0.4, 0.4, -0.3])
    monkeypatch.setattr(similarity, "similarity", lambda left, right: next(values))
    session = session_of(4)
    sentences = [claim.sentence for claim in say(session, measure(session)) if claim.role == "answer"]
    assert sentences == [
        "In 4 of the 6 pairs, the evidence supports the same person: face 1.1 and face 1.3 (probability 0.999); face "
        "1.1 and face 1.4 (probability 0.999); face 1.2 and face 1.3 (probability 0.999); face 1.2 and face 1.4 "
        "(probability 0.999); if either were equally likely beforehand.",
        "In 2 of the 6 pairs, the evidence supports different people: face 1.1 and face 1.2 (probability of the same "
        "person 0.001); face 1.3 and face 1.4 (probability of the same person 0.001); if either were equally likely "
        "beforehand.",
    ]


@settings(deadline=None)  # a busy machine is no failure
@given(
    values=st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6),
    rate=st.sampled_from([1e-2, 1e-3, 1e-4]),
)
def test_every_sentence_is_carried_by_the_evidence(values, rate):
    session, given_values = session_of(4), iter(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "similarity", lambda left, right: next(given_values))
        rows = measure(session, false_match_rate=rate)
    claims = say(session, rows)
    for claim in claims:
        assert "match" not in claim.sentence
    assert {row.value for row in rows} == {claim.value for claim in claims}


_PARTS = st.dictionaries(st.sampled_from(regions.PARTS), st.floats(-0.3, 0.3), min_size=1)
_RATES = [(line.false_match_rate, line.strict) for line in similarity.table().lines]


class Told(Explainer):
    """Finds the parts that a test gives for each pair."""

    def __init__(self, parts):
        super().__init__(FakeEmbedder(), Aged(), None)
        self.parts = iter(parts)

    def explained(self, session, left, right, row):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(saliency, "support", lambda network, chip, other: np.zeros((150, 150)))
            patch.setattr(saliency, "by_region", lambda found, points: next(self.parts))
            patch.setattr(regions, "in_crop", lambda photo, face, points: points)
            return super().explained(session, left, right, row)


class Aged:
    """A reading of which nothing but the points is asked."""

    points = np.zeros((78, 2))

    def read(self, session, face):
        return self


def compared(data):
    """A session and what is found in it, whatever the network finds."""
    session = placed(data.draw(PLACES.filter(lambda places: len(places) > 1)))
    lines = [line.similarity for line in similarity.table().lines]
    alike = st.one_of(
        st.floats(-1, 1), st.floats(-0.2, 0.1), st.sampled_from([similarity.table().different_below, *lines])
    )
    view = st.builds(compare.View, st.sampled_from([60.0, 60.0, 15.9, 0.0]), st.sampled_from([0.0, 0.0, -60.1, 90.0]))
    views = {face.id: data.draw(view) for face in session.faces()}
    rate, strict = data.draw(st.sampled_from(_RATES))
    tool = CompareFaces(FakeEmbedder(), Told(iter(lambda: data.draw(_PARTS), None)))
    subjects = data.draw(st.permutations([face.id for face in session.faces()]) | st.just(()))
    arguments = {"false_match_rate": rate, "strict": strict, "explain": data.draw(st.booleans()), "subjects": subjects}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "view", lambda session, face: views[face.id])
        patch.setattr(similarity, "similarity", lambda left, right: data.draw(alike))
        rows = tool.run(session, CompareArguments(**arguments))
    return tool, session, [session.ledger.record(row) for row in rows]


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_found_every_sentence_is_carried(data):
    tool, session, rows = compared(data)
    word(tool, rows, session)


def test_each_condition_of_words_toml_is_met_by_some_evidence(score):
    found = []
    for value in (-1.0, 0.0, 1.0):
        score(value)
        found += measure(session_of(2))
    parts = {"supporting": ["eyes"], "opposing": ["nose"]}
    found[0] = found[0].model_copy(update={"details": {**found[0].details, **parts}})
    assert never_met(found, "same_person") == []


# The scale and the table that ships


@given(hnp.arrays(np.float64, (2, 128), elements=st.floats(-1, 1)))
def test_similarity_is_symmetric_and_highest_for_equals(vectors):
    left, right = (vectors + 1e-3).astype(np.float32)
    one, other = similarity.similarity(left, right), similarity.similarity(right, left)
    assert one == pytest.approx(other)
    assert similarity.similarity(left, left) + similarity.similarity(right, right) >= 2 * one - 1e-6


def test_the_shipped_table_is_coherent():
    table = similarity.table()
    lines = {(line.false_match_rate, line.strict): line for line in table.lines}
    assert {rate for rate, strict in lines if not strict} == {1e-2, 1e-3, 1e-4}
    at = [lines[rate, False].similarity for rate in (1e-2, 1e-3, 1e-4)]
    assert at == sorted(at)
    assert all(lines[rate, True].similarity >= lines[rate, False].similarity for rate, strict in lines if strict)
    assert table.different_below < lines[1e-3, False].similarity
    assert table.slope > 0
    assert table.model_sha256 == weights.row(table.model).sha256
    for line in table.lines:
        assert line.groups.keys() == table.group_pairs.keys()


def test_the_cohort_holds_average_faces_and_nobody_s_own():
    averages = similarity.cohort()
    assert averages.shape[1] == 128
    assert len(averages) >= 100
    np.testing.assert_allclose(np.linalg.norm(averages, axis=1), 1.0, atol=1e-6)
    # A portrait of anyone is farther from every average than a second photo of the person would be.
    portrait = Photo.open(data.astronaut(), name="astronaut")
    face = FaceDetector("dlib").detect(portrait, "image 1")[0]
    assert (averages @ FaceEmbedder().embed(portrait, face)).max() < 0.95


# The whole path


def test_two_renderings_of_a_portrait_are_supported_to_show_one_person():
    astronaut = data.astronaut()
    session = Session()
    session.add(Photo.open(np.ascontiguousarray(astronaut[:320, 80:400]), name="one"))
    session.add(Photo.open(np.ascontiguousarray(astronaut[20:300, 100:380, ::1] // 2 + 40), name="other"))
    toolbox = Toolbox([DetectFaces(FaceDetector("dlib")), CompareFaces(FaceEmbedder())])
    detected, compared = toolbox.call(session, "compare_faces", {"subjects": ["image 1", "image 2"]})
    assert detected.step.tool == "detect_faces"
    (row,) = compared.evidence
    assert row.value == "supported"
    assert row.probability.value > 0.95
    say(session, compared.evidence)


def test_the_backend_is_listed_without_being_loaded():
    (backend,) = CompareFaces(FaceEmbedder()).backends()
    assert backend.method.name == "dlib_face_recognition_resnet_model_v1"
    assert backend.method.licence == "CC0-1.0"
    assert backend.chosen
