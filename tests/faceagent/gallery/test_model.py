"""The store against a dictionary: whatever is done in whatever order, both know the same people."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from galleries import CONSENT, MODEL, key, opened, template, vector
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from faceagent.gallery import Gallery, Key

NAMES = st.sampled_from(["Ada", "Grace", "Émilie", "李娜"])


class Galleries(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.key: Key = key(self.folder)
        self.gallery = opened(self.folder)
        self.other: Gallery = opened(self.folder)  # a second user of the same folder
        self.known: dict[str, list[int]] = {}
        self.seed = 0
        self.keys = 0

    def teardown(self) -> None:
        self.gallery.close()
        self.other.close()
        shutil.rmtree(self.folder)

    @rule(name=NAMES, count=st.integers(1, 3), other=st.booleans())
    def enrol(self, name: str, count: int, other: bool) -> None:
        seeds = list(range(self.seed, self.seed + count))
        self.seed += count
        (self.other if other else self.gallery).enroll(name, [template(seed) for seed in seeds], CONSENT)
        self.known.setdefault(name, []).extend(seeds)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), other=st.booleans())
    def forget(self, data: st.DataObject, other: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        forgotten = (self.other if other else self.gallery).forget(name.upper())
        assert forgotten.proven and forgotten.templates == len(self.known.pop(name))

    @rule()
    def open_again(self) -> None:
        self.gallery.close()
        self.gallery = Gallery.open(self.folder / "gallery", self.key)

    @rule()
    def change_the_key(self) -> None:
        self.keys += 1
        self.key = Key.of_file(self.folder / f"{self.keys}.key", create=True)
        self.gallery.rekey(self.key)
        self.other.close()
        self.other = Gallery.open(self.folder / "gallery", self.key)

    @rule(seed=st.integers(0, 30))
    def search(self, seed: int) -> None:
        query = vector(seed) / np.linalg.norm(vector(seed))
        scores = {
            name: max(float(vector(own) @ query / np.linalg.norm(vector(own))) for own in seeds)
            for name, seeds in self.known.items()
        }
        for gallery in (self.gallery, self.other):
            hits = gallery.search(query, MODEL, 3)
            assert [hit.name for hit in hits] == sorted(scores, key=lambda name: -scores[name])[:3]

    @invariant()
    def both_know_the_same(self) -> None:
        for gallery in (self.gallery, self.other):
            assert {person.name: person.templates.get(MODEL, 0) for person in gallery.people()} == {
                name: len(seeds) for name, seeds in self.known.items()
            }


Galleries.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
TestGalleries = Galleries.TestCase
