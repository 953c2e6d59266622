"""A recogniser that gives each face the embedding that a test wants, and evidence in words."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
from held import sentences, word
from hypothesis import strategies as st

from faceagent.errors import UsageError
from faceagent.gallery import Consent, Hit, Person, Template
from faceagent.gallery.records import proper_name
from faceagent.types import Pose
from faceagent_tools import similarity, weights
from faceagent_tools.compare import View

MODEL = "dlib_face_recognition_resnet_model_v1"


class Embedder:
    """What the first pixels of a photo say, one for each face: the number of a person, and how far from usual."""

    method = weights.method(MODEL)
    weights = MODEL

    def embed(self, photo, face):
        who, off = (int(value) for value in photo.pixels[0, int(face.id.partition(".")[2]) - 1, :2])
        return vector(who, off / 255)

    def embed_chip(self, chip):
        return vector(int(chip[0, 0, 0]))

    def chip(self, photo, face):
        return np.full((150, 150, 3), photo.pixels[0, 0, 0], np.uint8)


def vector(who, off=0.0):
    """People lie as the recogniser's do: around the average of the cohort's faces, each apart from the others."""
    middle = similarity.unit(similarity.cohort().mean(axis=0))
    own, other = (
        similarity.unit(np.random.default_rng(seed).normal(size=128)) for seed in (who, [who, round(off * 1000)])
    )
    return similarity.unit(middle + 0.4 * own + off * other).astype(np.float32)


def recorded(session, rows):
    return [session.ledger.record(row) for row in rows]


def said(tool, session, rows):
    """The sentences, every one of them carried by the evidence and there in all languages."""
    return sentences(word(tool, rows, session))


class Shelf:
    """A gallery that keeps its people in memory. others: how many are enrolled besides, of whom nothing is kept."""

    def __init__(self, others=0, model=None, templates=0):
        self._people, self._templates, self._others = {}, {}, others
        self._others_templates = {model: templates} if templates else {}

    def __len__(self):
        return len(self._people) + self._others

    def models(self):
        found = dict(self._others_templates)
        for row in (row for rows in self._templates.values() for row in rows):
            found[row.model] = found.get(row.model, 0) + 1
        return found

    def people(self):
        return list(self._people.values())

    def person(self, name):
        return self._people.get(proper_name(name).casefold())

    def templates(self, name):
        return self._templates[proper_name(name).casefold()]

    def enroll(self, name, templates, consent, *, protected=False):
        key = proper_name(name).casefold()
        rows = self._templates.setdefault(key, [])
        rows += templates
        before = self._people.get(key)
        person = Person(
            before.id if before else len(self._people) + 1,
            before.name if before else proper_name(name),
            date.today(),
            consent,
            protected or bool(before and before.protected),
            {row.model: sum(one.model == row.model for one in rows) for row in rows},
        )
        self._people[key] = person
        return person

    def search(self, embedding, model, most=5, *, purpose=None):
        found = [
            Hit(person.id, person.name, max(float(row.vector @ embedding) for row in rows), "access", person.protected)
            for key, person in self._people.items()
            if (rows := [row for row in self._templates[key] if row.model == model])
            and purpose in (None, person.consent.purpose)
        ]
        return sorted(found, key=lambda hit: -hit.similarity)[:most]


def agreed(purpose="access", **details):
    return Consent(purpose, date.today(), statement="agreed", **details)


def template(row, model):
    return Template(row, model, b"crop", "0" * 64)


class Reads:
    """Gives every face the reading that a test drew."""

    def __init__(self, readings):
        self.readings = readings

    def read(self, session, face):
        return self.readings[face.id]


READINGS = st.builds(
    lambda age, face, yaw, detail: SimpleNamespace(
        age=age, face=face, pose=Pose(yaw=yaw, pitch=0, roll=0), detail=detail, points=np.zeros((78, 2))
    ),
    st.sampled_from([40.0, 40.0, 9.0]),
    st.sampled_from([1.0, 1.0, 0.1]),
    st.sampled_from([0.0, 0.0, 75.0]),
    st.sampled_from([1.0, 1.0, 0.0]),
)
VIEWS = st.builds(View, st.sampled_from([60.0, 60.0, 60.0, 5.0]), st.sampled_from([0.0, 0.0, 0.0, -75.0]))


# What people may be called

_WORDS = (
    *(
        "beard",
        "not",
        "No",
        "nobody",
        "two",
        "1815",
        "100 %",
        "the same person",
        "different from",
        "supported",
        "Many",
        "Twins",
    ),
    *("unknown", "undecided", "match", "somebody else than", "an authentic photo of", "a face swap over", "shows “”"),
    *(
        "face 1.1",
        "Face 2.1 is",
        "image 1",
        "(probability 0.99)",
        "3.",
        "is a protected person",
        "alike enough to be named",
    ),
    *("“", "”", '"', "'", "O’Neil", "«", "»", "(", ")", ";", ":", ",", ".", "?", "&", "=", "✓", "–", "Jr.", "because"),
    *("Ада", "李明", "عليّ", "Λένα", "😀", "Zoë", "D'Arcy-Smith", "one photo", "the purpose", "was erased", "left out"),
)


def _proper(name):
    try:
        return proper_name(name)
    except UsageError:
        return None


NAMES = st.one_of(
    st.sampled_from(["Ada Lovelace", "Eve"]),
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map(" ".join),
    st.lists(st.sampled_from(_WORDS), min_size=2, max_size=3).map("".join),
    st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=20),
    st.text(st.sampled_from("“”„«»'\".,;:()0123456789 aA"), max_size=12),
)
NAMES = NAMES.map(_proper).filter(lambda name: name is not None)
