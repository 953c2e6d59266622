"""enroll_person and forget_person: with consent only, from good photos of one person, and out again for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from held import told_below
from hypothesis import example, given, settings
from hypothesis import strategies as st
from identity_fakes import NAMES, READINGS, VIEWS, Embedder, Reads, Shelf, agreed, recorded, said, template, vector
from placed import below, never_met

from faceagent import policy
from faceagent.errors import MediaError, UsageError
from faceagent.gallery import Forgotten
from faceagent.ground import fault
from faceagent.media import Photo
from faceagent.reembedding import Reembedder, reembed
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Box, Claim, Face
from faceagent_tools import compare, readable, similarity
from faceagent_tools.compare import View
from faceagent_tools.identity import templates
from faceagent_tools.identity.enroll import EnrollArguments, EnrollPerson, ForgetArguments, ForgetPerson

TOOL, FORGET = EnrollPerson(Embedder(), None), ForgetPerson()
_READ = readable.read
AGREED = "She agreed in writing on 2 May"


@pytest.fixture(autouse=True)
def good(monkeypatch):
    """Every face is large and frontal, and is read without a word of complaint."""
    monkeypatch.setattr(compare, "view", lambda session, face: View(60.0, 0.0))
    monkeypatch.setattr(readable, "read", lambda reader, session, face: GoodReading())
    monkeypatch.setattr(templates.regions, "in_crop", lambda photo, face, points: points)


class GoodReading:
    age = 40.0
    detail = 0.9
    points = np.zeros((78, 2))


def enrol(session, name="Ada Lovelace", **arguments):
    return recorded(session, TOOL.run(session, EnrollArguments(name=name, **{"consent": AGREED, **arguments})))


def reasons(rows):
    return {row.subject: row.reason for row in rows if row.attribute == "enrolment_photo"}


def test_several_photos_of_one_person_are_enrolled_with_what_was_agreed(gallery, conversation):
    session = conversation((1, 0), (1, 40), (1, 60))
    rows = enrol(session, protected=True)
    person = gallery.person("Ada Lovelace")
    assert (person.protected, person.consent.statement, person.consent.purpose) == (True, AGREED, "protection")
    assert sum(person.templates.values()) == 3
    assert "“Ada Lovelace” was enrolled as a protected person with 3 photos" in said(TOOL, session, rows)


def test_photo_3_shows_somebody_else(gallery, conversation):
    session = conversation((1, 0), (1, 40), (2, 0), (1, 60))
    rows = enrol(session)
    assert reasons(rows) == {"face 3.1": "it shows somebody else than the other photos"}
    assert sum(gallery.person("Ada Lovelace").templates.values()) == 3
    assert "Face 3.1 was left out, because it shows somebody else" in said(TOOL, session, rows)


def test_nobody_else_gets_into_the_entry_of_who_is_enrolled(gallery, conversation):
    enrol(conversation((1, 0), (1, 40)))
    session = conversation((2, 0), (2, 40))
    rows = enrol(session)
    assert rows[0].status == "not_applicable"
    assert set(reasons(rows).values()) == {"it shows somebody else than who is enrolled under that name"}
    assert "“Ada Lovelace” was not enrolled, because no photo was good enough." in said(TOOL, session, rows)


def test_a_copy_counts_once_within_a_call_and_over_calls(gallery, conversation):
    session = conversation((1, 0), (1, 0), (1, 60))
    assert reasons(enrol(session)) == {"face 2.1": "it is a copy of image 1"}
    again = conversation((1, 60), (1, 90))
    assert reasons(enrol(again)) == {"face 1.1": "it is a copy of a photo that is enrolled already"}


def test_poor_faces_are_left_out_with_the_reason(gallery, conversation, monkeypatch):
    views = {"face 1.1": View(60.0, 0.0), "face 2.1": View(9.0, 0.0), "face 3.1": View(60.0, 55.0)}
    monkeypatch.setattr(compare, "view", lambda session, face: views[face.id])
    session = conversation((1, 0), (1, 40), (1, 60))
    rows = enrol(session)
    told = reasons(rows)
    assert "the eyes are only 9 pixels apart" in told["face 2.1"]
    assert "turned by 55 degrees" in told["face 3.1"]
    said(TOOL, session, rows)


def test_whom_of_several_faces_has_to_be_said(gallery, conversation):
    session = conversation((1, 0), faces=2)
    rows = enrol(session)
    assert reasons(rows) == {"image 1": "it shows 2 faces, and which one is meant has to be said"}
    assert gallery.person("Ada Lovelace") is None
    assert rows[0].reason == "which face is meant is not clear"
    assert rows[-1].details["faces"] == ["face 1.1", "face 1.2"]
    assert "The faces in the photo are counted from left to right: say which of them is meant." in said(
        TOOL, session, rows
    )
    assert enrol(session, subjects=("face 1.2",))[0].details["taken"] == ["face 1.2"]


def test_whom_one_photo_names_is_looked_for_among_several_in_the_others(gallery, conversation):
    session = conversation((1, 0), (1, 40), faces=2)
    rows = enrol(session, subjects=("face 1.2", "image 2"))  # not the one who is in both
    assert rows[0].details["taken"] == ["face 1.2"] and list(reasons(rows)) == ["image 2"]
    rows = enrol(session, name="Eve", subjects=("face 1.1", "image 2"))
    assert rows[0].details["taken"] == ["face 1.1", "face 2.1"] and reasons(rows) == {}
    couple = [[vector(1, off), vector(2, off)] for off in (0.1, 0.2)]
    assert templates.meant([vector(1, 0.3)], couple, [vector(1, 0.3)]) == [0, 0]


def test_a_face_that_is_named_says_who_the_others_are_held_against(gallery, conversation):
    session = conversation((1, 0), (2, 0), (2, 40), (2, 60), faces=(2, 1, 1, 1))
    rows = enrol(session, subjects=("face 1.1", "image 2", "image 3", "image 4"))
    assert rows[0].details["taken"] == ["face 1.1"]
    assert set(reasons(rows)) == {"face 2.1", "face 3.1", "face 4.1"}
    assert enrol(session, name="Eve", subjects=("face 2.1", "face 3.1"))[0].status == "ok"
    again = enrol(session, name="Eve", subjects=("face 1.1",))  # naming does not outweigh who is enrolled
    assert reasons(again) == {"face 1.1": "it shows somebody else than who is enrolled under that name"}


def test_of_faces_that_are_named_those_of_somebody_else_are_left_out(gallery, conversation):
    session = conversation((1, 0), (1, 40), (2, 0))
    rows = enrol(session, subjects=("face 1.1", "face 2.1", "face 3.1"))
    assert reasons(rows) == {"face 3.1": "it shows somebody else than the other photos"}


def test_the_face_that_is_like_the_other_photos_is_taken(gallery, conversation):
    session = conversation((1, 0), (1, 40), (1, 60), faces=(1, 2, 2))
    rows = enrol(session)
    assert reasons(rows) == {}
    assert rows[0].details["taken"] == ["face 1.1", "face 2.1", "face 3.1"]
    assert "Of several faces in a photo, the one that is like the other photos was taken." in said(TOOL, session, rows)


def test_somebody_else_alone_is_not_enrolled_because_the_others_were_not_alone(gallery, conversation):
    session = conversation((1, 0), (1, 40), (2, 0), faces=(2, 2, 1))
    rows = enrol(session)
    assert rows[0].details["taken"] == ["face 1.1", "face 2.1"]
    assert reasons(rows) == {"face 3.1": "it shows somebody else than the other photos"}


def test_which_of_a_couple_is_meant_has_to_be_said():
    photos = [[vector(1, off), vector(2, off)] for off in (0.1, 0.2)]
    assert templates.meant([], photos, []) == [None, None]
    assert templates.meant([vector(2, 0.3)], photos, []) == [1, 1]
    assert templates.meant([], photos, [vector(1, 0.3)]) == [0, 0]
    assert templates.meant([], [photos[0]], []) == [None]


def test_whoever_is_enrolled_already_is_found_among_several(gallery, conversation):
    enrol(conversation((1, 0)))
    assert enrol(conversation((1, 40), faces=2))[0].details["taken"] == ["face 1.1"]
    rows = enrol(conversation((2, 40), faces=2))
    assert reasons(rows) == {"image 1": "it shows 2 faces, and which one is meant has to be said"}


def test_one_person_under_two_names_is_pointed_out(gallery, conversation):
    enrol(conversation((1, 0)))
    session = conversation((1, 40))
    assert "alike enough to be named “Ada Lovelace”" in said(TOOL, session, enrol(session, name="Eve"))


def test_templates_are_made_anew_from_the_crops_that_were_kept(gallery, conversation):
    enrol(conversation((1, 0), (1, 40)))
    assert isinstance(TOOL, Reembedder)
    assert len({TOOL.reembed(one.crop).tobytes() for one in gallery.templates("Ada Lovelace")}) == 1
    (found,) = reembed(Toolbox([TOOL]), gallery)
    assert (found.renewed, found.already, found.lost) == (0, 2, 0)
    with pytest.raises(UsageError, match="No installed tool makes templates"):
        reembed(Toolbox([FORGET]), gallery)


def test_what_is_no_crop_is_refused_with_the_mend():
    for crop in (b"", b"no picture", templates.png(np.zeros((150, 150, 3), np.uint8))[:-40]):
        with pytest.raises(MediaError, match=r"no picture.* Enrol the person anew"):
            TOOL.reembed(crop)
    with pytest.raises(MediaError, match="20 x 10 pixels, not 150 x 150"):
        TOOL.reembed(templates.png(np.zeros((10, 20, 3), np.uint8)))


def test_the_same_photo_under_a_second_name_is_refused_before_anything_is_written(gallery, conversation):
    enrol(conversation((1, 0), (1, 40)))
    session = conversation((1, 40), (1, 60))
    rows = enrol(session, name="Eve")
    assert [person.name for person in gallery.people()] == ["Ada Lovelace"]
    assert reasons(rows) == {"face 1.1": "it is a copy of a photo that is enrolled as “Ada Lovelace”"}
    text = said(TOOL, session, rows)
    assert "“Eve” was not enrolled, because a photo is enrolled under another name already." in text
    assert "Nothing was written: say so if a second name is meant" in text
    both = enrol(session, name="Eve", another_name=True)[0].details
    assert both["photos"] == 2 and both["also_like"] is None
    assert len(gallery) == 2
    assert enrol(session, name="Eve")[0].status == "not_applicable"  # copies of her own photos, as ever
    assert enrol(conversation((1, 60), (1, 90)), name="ADA  Lovelace")[0].status == "not_applicable"


def test_two_people_of_one_photo_are_enrolled_under_their_names(gallery, conversation):
    session = conversation((1, 0), faces=2)
    assert enrol(session, subjects=("face 1.1",))[0].status == "ok"
    assert enrol(session, name="Eve", subjects=("face 1.2",))[0].status == "ok"
    assert len(gallery) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"consent": ""}, "needs the person's consent"),
        ({"name": " "}, "name is needed"),
        ({"purpose": "marketing"}, "no purpose “marketing”"),
    ],
)
def test_without_name_consent_or_a_known_purpose_nobody_is_enrolled(gallery, conversation, arguments, message):
    with pytest.raises(UsageError, match=message):
        enrol(conversation((1, 0)), **arguments)
    assert len(gallery) == 0


def test_without_a_gallery_it_is_said_how_to_open_one(conversation):
    session = conversation((1, 0))
    session.gallery = None
    with pytest.raises(UsageError, match="--gallery"):
        enrol(session)


def test_whoever_is_forgotten_is_gone_and_it_is_proven(gallery, conversation):
    session = conversation((1, 0), (1, 40))
    enrol(session)
    (row,) = recorded(session, FORGET.run(session, ForgetArguments(name="ada lovelace")))
    assert row.value == "erased"
    assert gallery.people() == []
    text = said(FORGET, session, [row])
    assert "“Ada Lovelace” was erased from the gallery, with 2 templates." in text
    assert "none was found" in text


def test_an_unknown_name_is_erased_from_nowhere(gallery, conversation):
    session = conversation()
    (row,) = recorded(session, FORGET.run(session, ForgetArguments(name="Nobody")))
    text = said(FORGET, session, [row])
    assert text == "Under the name “Nobody” there is nothing to erase, because nobody of that name is enrolled."


def test_a_child_is_enrolled_only_with_the_consent_of_a_guardian(gallery, conversation, monkeypatch):
    monkeypatch.setattr(GoodReading, "age", 9.0)
    session = conversation((1, 20), (1, 25))
    rows = enrol(session)
    assert rows[0].status == "not_applicable" and len(gallery) == 0
    assert set(reasons(rows)) == {"face 1.1", "face 2.1"}
    assert "looks like that of a child" in said(TOOL, session, rows)
    assert enrol(session, guardian="her mother")[0].details["photos"] == 2
    assert gallery.person("Ada Lovelace").consent.guardian == "her mother"


def test_an_adult_who_looks_younger_is_enrolled_where_that_is_stated(gallery, conversation, monkeypatch):
    monkeypatch.setattr(GoodReading, "age", 16.0)
    session = conversation((1, 20))
    assert enrol(session)[0].status == "not_applicable"
    assert enrol(session, of_age=True)[0].status == "ok"
    consent = gallery.person("Ada Lovelace").consent
    assert consent.of_age and consent.guardian is None and consent.covers_minors


# Whoever is enrolled or erased


_PEOPLE = st.tuples(st.sampled_from([1, 1, 1, 2, 3]), st.integers(0, 80))
_PHOTOS = st.lists(st.lists(_PEOPLE, max_size=3), min_size=1, max_size=4)
_WIDTHS = st.sampled_from([120.0, 120.0, 120.0, 15.0])


def shown(photos, widths):
    """A session with a photo for each list of (person, off), its faces side by side."""
    session = Session()
    for number, people in enumerate(photos, 1):
        pixels = np.full((200, 200 * max(len(people), 1), 3), 128, np.uint8)
        for place, one in enumerate(people):
            pixels[0, place, :2] = one
        image = session.add(Photo.open(pixels, name="portrait"))
        boxes = [(200 * place + 40, next(widths)) for place in range(len(people))]
        session.set_faces(
            image,
            [
                Face(
                    id=f"face {number}.{at}", image=image, box=Box(x0=x, y0=40, x1=x + width, y1=40 + width), score=1.0
                )
                for at, (x, width) in enumerate(boxes, 1)
            ],
        )
    return session


def enrolled_by(data, monkeypatch):
    """A session in which somebody is to be enrolled, whatever the photos show and whoever is enrolled; all the rows."""
    session = shown(data.draw(_PHOTOS), iter(lambda: data.draw(_WIDTHS), None))
    session.gallery, name = Shelf(), data.draw(NAMES)
    for other in data.draw(st.lists(NAMES, max_size=2) | st.just([name])):
        session.gallery.enroll(
            other, [template(vector(who, off / 255), TOOL.model) for who, off in [data.draw(_PEOPLE)]], agreed()
        )
    views, readings = ({face.id: data.draw(one) for face in session.faces()} for one in (VIEWS, READINGS))
    ids = [*session.images, *(face.id for face in session.faces())]
    arguments = {
        "name": data.draw(st.sampled_from([name, f"  {name}\n", name.upper()])),
        "consent": AGREED,
        "purpose": data.draw(st.sampled_from(["", *policy.purposes()])),
        "subjects": data.draw(st.just(()) | st.lists(st.sampled_from(ids), max_size=4)),
        "until": data.draw(st.sampled_from([None, date(2199, 12, 31)])),
        "guardian": data.draw(st.sampled_from(["", "her mother"])),
        **{flag: data.draw(st.booleans()) for flag in ("of_age", "protected", "another_name")},
    }
    tool = EnrollPerson(Embedder(), Reads(readings))
    monkeypatch.setattr(compare, "view", lambda session, face: views[face.id])
    monkeypatch.setattr(readable, "read", _READ)
    monkeypatch.setattr(templates.regions, "in_crop", lambda photo, face, points: points)
    return tool, session, recorded(session, tool.run(session, EnrollArguments(**arguments)))


@settings(max_examples=70)
@given(st.data())
def test_whoever_is_enrolled_every_sentence_is_carried(data):
    with pytest.MonkeyPatch.context() as patch:
        tool, session, rows = enrolled_by(data, patch)
    said(tool, session, rows)


class Leaves(Shelf):
    """A gallery that finds as much of who was forgotten as a test says."""

    left = Forgotten(1, "", 1, 1, (), ())

    def forget(self, name):
        return replace(self.left, name=self.person(name).name)


_LEFT = st.builds(
    lambda files, remaining, templates, blobs, elsewhere: Forgotten(
        1, "", templates, blobs, files, files[:remaining], elsewhere
    ),
    st.sampled_from([("gallery.sqlite", "index", "log")[:count] for count in range(1, 4)]),
    st.integers(0, 3),
    st.integers(1, 3) | st.just(1234),
    st.integers(2, 9) | st.just(1234),
    st.sampled_from([None, "http://elsewhere"]),
)


@example("0一", False, Leaves.left)
@given(NAMES, st.booleans(), _LEFT)
def test_whoever_is_erased_every_sentence_is_carried(name, there, left):
    session = Session(None, Leaves())
    session.gallery.left = left
    if there:
        session.gallery.enroll(name, [template(vector(1), TOOL.model)], agreed())
    said(FORGET, session, recorded(session, FORGET.run(session, ForgetArguments(name=name))))


def test_what_is_left_of_somebody_is_said_and_nothing_else(conversation):
    session = conversation()
    session.gallery = Leaves()
    session.gallery.left = Forgotten(1, "", 4, 9, ("gallery.sqlite", "index", "log"), ("index",))
    session.gallery.enroll("Ada", [template(vector(1), TOOL.model)], agreed())
    (row,) = recorded(session, FORGET.run(session, ForgetArguments(name="Ada")))
    left = "In 1 of the gallery's 3 files something was still found: look into it."
    assert left in said(FORGET, session, [row])
    wrong = "All 9 stored pieces were then looked for in the gallery's 3 files, and none was found."
    for sentence in (wrong, left.replace("1 of", "2 of"), left.replace("3 files", "5 files")):
        assert fault(Claim.on([row], sentence, "answer"), session.ledger.get) is not None, sentence


def test_each_condition_of_words_toml_is_met_by_some_evidence(gallery, conversation):
    enrol(conversation((1, 0)))
    session = conversation((1, 40))
    found = enrol(session, name="Eve") + FORGET.run(session, ForgetArguments(name="Eve"))
    found += [row.model_copy(update={"value": "remains_found"}) for row in found if row.attribute == "erasure"]
    assert never_met(found, "enrolment", "erasure") == []


@given(below(similarity.table().smallest_eye_distance))
def test_eyes_that_are_too_near_are_not_said_to_be_far_enough_apart(apart):
    assert told_below(templates._fault(View(apart, 0.0))) == (int(apart), similarity.table().smallest_eye_distance)
