"""A review asks for the most useful names, enrols nobody without consent, and keeps nothing of strangers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from fakes import FakeDetector
from identity_fakes import Embedder
from PIL import Image

from faceagent.errors import UsageError
from faceagent.gallery import Consent, Gallery, Key
from faceagent.review import Review
from faceagent.tool import Toolbox
from faceagent.types import Box, Face
from faceagent_tools import compare, readable
from faceagent_tools.compare import View
from faceagent_tools.identity import templates
from faceagent_tools.identity.enroll import EnrollPerson


class Reading:
    age = 40.0
    detail = 0.9
    points = np.zeros((78, 2))


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(tmp_path / "people", Key.of_file(tmp_path / "key", create=True), create=True) as opened:
        yield opened


@pytest.fixture
def review(gallery, tmp_path, monkeypatch):
    """Five photos of one person, two of a second and one of a third, looked at."""
    monkeypatch.setattr(compare, "view", lambda session, face: View(60.0, 0.0))
    monkeypatch.setattr(readable, "read", lambda reader, session, face: Reading())
    monkeypatch.setattr(templates.regions, "in_crop", lambda photo, face, points: points)
    tools = Toolbox([Detector(), EnrollPerson(Embedder(), None)])
    made = Review(tools, gallery, purpose="personal")
    for number, who in enumerate((1, 1, 2, 1, 3, 1, 2, 1)):
        path = tmp_path / f"{number}-of-{who}.png"
        pixels = np.full((200, 200, 3), 128, np.uint8)
        pixels[0, 0] = (who, 25 + number, number)
        Image.fromarray(pixels).save(path)
        assert made.look(path) is None
    return made


class Detector(FakeDetector):
    def run(self, session, arguments):
        for image in session.images_in(arguments.images):
            box = Box(x0=40, y0=40, x1=160, y1=160)
            session.set_faces(image, [Face(id=f"face {image.split()[1]}.1", image=image, box=box, score=1.0)])
        return []


def agreed():
    return Consent("personal", date(2026, 5, 2), statement="Agreed in writing.")


def photos(group):
    return sorted(one.photo.name for one in group.faces)


def test_the_largest_group_comes_first_and_says_why(review):
    groups = review.groups()
    assert [len(group.faces) for group in groups] == [5, 2, 1]
    assert all("-of-1" in name for name in photos(groups[0]))
    assert groups[0].why.startswith("5 faces that seem to show one person, whom nobody enrolled explains")
    assert groups[0].faces[0].certain == 1 and groups[0].suggestion is None
    assert groups[0].faces[0].crop.startswith(b"\x89PNG")


def test_a_name_with_consent_is_enrolled_and_logged(review, gallery):
    outcome = review.name(review.groups()[0], "Ada Lovelace", agreed())
    assert outcome.evidence[0].value == "enrolled"
    person = gallery.person("Ada Lovelace")
    assert person.consent == agreed() and sum(person.templates.values()) == 5
    assert [len(group.faces) for group in review.groups()] == [2, 1]
    log = gallery.audit.path.read_text()
    assert '"kind":"called"' in log and "Ada" not in log


def test_whoever_is_enrolled_is_not_asked_about_again(review, gallery, tmp_path):
    review.name(review.groups()[0], "Ada", agreed())
    again = Review(review._tools, gallery, purpose="personal")
    for path in sorted(tmp_path.glob("*.png")):
        again.look(path)
    assert [len(group.faces) for group in again.groups()] == [2, 1]
    assert again.recognised == {"Ada": 5}
    for_another_purpose = Review(review._tools, gallery, purpose="research")
    for path in sorted(tmp_path.glob("*.png")):
        for_another_purpose.look(path)
    assert len(for_another_purpose.groups()) == 3


def test_nothing_of_strangers_is_kept(review, gallery):
    review.groups()
    review.skip(review.groups()[0])
    assert [len(group.faces) for group in review.groups()] == [2, 1]
    assert len(gallery) == 0 and gallery.models() == {}


def test_without_consent_or_name_nobody_is_enrolled(review, gallery):
    with pytest.raises(UsageError, match="Consent needs"):
        Consent("personal", agreed().given, statement=" ")
    with pytest.raises(UsageError, match="name"):
        review.name(review.groups()[0], " ", agreed())
    assert len(gallery) == 0 and len(review.groups()) == 3


def test_a_group_says_that_it_looks_under_age_and_is_enrolled_with_a_guardian_alone(
    review, gallery, tmp_path, monkeypatch
):
    assert not any(group.minor for group in review.groups())
    monkeypatch.setattr(Reading, "age", 9.0)
    young = Review(review._tools, gallery, purpose="personal")
    for path in sorted(tmp_path.glob("*.png")):
        young.look(path)
    first = young.groups()[0]
    assert first.minor
    refused = next(row for row in young.name(first, "Ada", agreed()).evidence if row.attribute == "enrolment")
    assert refused.status == "not_applicable" and len(gallery) == 0 and young.groups()[0].places == first.places
    young.name(first, "Ada", replace(agreed(), guardian="her mother"))
    assert gallery.person("Ada").consent.guardian == "her mother"


def test_what_is_not_one_person_is_asked_about_in_parts(review):
    first = review.groups()[0]
    review.split(first)
    groups = review.groups()
    assert sum(len(group.faces) for group in groups) == 8
    assert not any(set(first.places) <= set(group.places) for group in groups)
    single = next(group for group in groups if len(group.faces) == 1)
    with pytest.raises(UsageError, match="single face"):
        review.split(single)


def test_a_photo_that_changed_is_not_enrolled(review, gallery):
    group = review.groups()[-1]
    Image.new("RGB", (200, 200)).save(group.faces[0].photo)
    with pytest.raises(UsageError, match="None of the photos is what it was"):
        review.name(group, "Ada", agreed())
    assert len(gallery) == 0


def test_bad_files_are_named_and_copies_add_nothing(review, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    failure = review.look(tmp_path / "bad.jpg")
    assert failure is not None and "bad.jpg" in failure.name
    copy = tmp_path / "copy.png"
    copy.write_bytes((tmp_path / "0-of-1.png").read_bytes())
    assert review.look(copy) is None
    assert [len(group.faces) for group in review.groups()] == [5, 2, 1]


def test_tools_that_cannot_group_are_told(gallery):
    with pytest.raises(UsageError, match="groups faces"):
        Review(Toolbox([Detector()]), gallery)
