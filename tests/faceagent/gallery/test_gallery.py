"""Enrolling, searching and listing, and what is refused."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from galleries import CONSENT, MODEL, enrol, key, opened, template, vector

from faceagent.errors import GalleryError, MediaError, UsageError
from faceagent.gallery import Consent, Enrolment, Gallery, Model, Reembedded, Template


def test_who_is_enrolled_is_found_again_after_opening(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada  Lovelace", (1, 2))
        enrol(gallery, "Grace Hopper", (3,))
    with opened(tmp_path) as gallery:
        ada, grace = gallery.people()
        assert (ada.name, ada.templates, ada.consent, ada.protected) == ("Ada Lovelace", {MODEL: 2}, CONSENT, False)
        assert grace.id != ada.id
        first, second = gallery.search(vector(2) * 7, MODEL)
        assert (first.name, second.name) == ("Ada Lovelace", "Grace Hopper")
        assert first.similarity == pytest.approx(1.0) and second.similarity < 0.9
        assert gallery.verify() == []


def test_a_template_comes_back_as_it_was_given(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        (back,) = gallery.templates("ADA")
    given = template(1)
    assert np.array_equal(back.vector, given.vector) and back.vector.dtype == np.float32
    assert (back.crop, back.photo_sha256, back.quality) == (given.crop, given.photo_sha256, given.quality)


def test_similarities_are_those_of_every_pair_and_each_person_comes_once(tmp_path: Path) -> None:
    seeds = {f"person {number}": (10 * number, 10 * number + 1, 10 * number + 2) for number in range(40)}
    with opened(tmp_path) as gallery:
        gallery.enroll_many(Enrolment(name, [template(seed) for seed in own], CONSENT) for name, own in seeds.items())
        query = vector(999)

        def cosine(seed: int) -> float:
            return float(vector(seed) @ query / np.linalg.norm(vector(seed)) / np.linalg.norm(query))

        expected = sorted(((max(map(cosine, own)), name) for name, own in seeds.items()), reverse=True)
        for k in (1, 5, 39, 40, 60):
            hits = gallery.search(query, MODEL, k)
            assert [hit.name for hit in hits] == [name for _, name in expected[:k]]
            assert [hit.similarity for hit in hits] == pytest.approx([score for score, _ in expected[:k]], abs=1e-5)


def test_more_photos_of_somebody_enrolled_before_are_added(tmp_path: Path) -> None:
    later = Consent("personal", date(2026, 2, 1), statement="Again.")
    with opened(tmp_path) as gallery:
        gallery.enroll("Ada", [template(1)], CONSENT, protected=True)
        person = gallery.enroll("ada", [template(2)], later)
        assert (person.name, person.templates, person.consent, person.protected) == ("Ada", {MODEL: 2}, later, True)
        assert len(gallery) == 1


def test_only_those_who_consented_to_a_purpose_are_found_for_it(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        gallery.enroll("Grace", [template(2)], Consent("personal", date(2026, 1, 1), statement="yes"))
        assert [hit.name for hit in gallery.search(vector(1), MODEL, purpose="personal")] == ["Grace"]
        assert [hit.name for hit in gallery.search(vector(1), MODEL)] == ["Ada", "Grace"]


def test_an_entry_past_its_date_is_not_found_and_is_removed_when_the_gallery_is_opened(tmp_path: Path) -> None:
    day = [date(2026, 6, 1)]
    until = Consent("research", date(2026, 1, 1), statement="yes", until=date(2026, 6, 1))
    with Gallery.open(tmp_path / "gallery", key(tmp_path), create=True, today=lambda: day[0]) as gallery:
        gallery.enroll("Ada", [template(1)], until)
        assert len(gallery.search(vector(1), MODEL)) == 1
        day[0] = date(2026, 6, 2)
        assert gallery.search(vector(1), MODEL) == gallery.people() == []
        with pytest.raises(UsageError, match="ended on 2026-06-01"):
            gallery.enroll("Grace", [template(2)], until)
    with Gallery.open(tmp_path / "gallery", key(tmp_path), today=lambda: day[0]) as gallery:
        assert len(gallery) == 0
    assert '"kind":"purged"' in (tmp_path / "gallery" / "audit.jsonl").read_text()


def test_another_models_vector_is_refused_and_crops_make_templates_anew(tmp_path: Path) -> None:
    new = Model("recogniser", "2")
    with opened(tmp_path) as gallery:
        assert gallery.search(vector(1), new) == []  # an empty gallery knows nobody, and that is no error
        enrol(gallery, "Ada", (1, 2))
        with pytest.raises(GalleryError, match=r"made by recogniser 1, .* recogniser 2 cannot be compared .*reembed"):
            gallery.search(vector(1), new)
        by_crop = {template(seed).crop: vector(seed + 100) for seed in (1, 2)}
        assert gallery.reembed("Ada", new, by_crop.__getitem__) == Reembedded("Ada", renewed=2, already=0, lost=0)
        assert gallery.models() == {new: 2}
        assert gallery.search(vector(102), new)[0].similarity == pytest.approx(1.0)
        assert [one.photo_sha256 for one in gallery.templates("Ada")] == [
            template(seed).photo_sha256 for seed in (1, 2)
        ]


def anew(crop: bytes) -> np.ndarray:
    """What another recogniser makes of a crop."""
    return vector(int.from_bytes(crop[-4:]))


def test_everybody_is_made_anew_but_for_crops_that_are_missing_or_broken(tmp_path: Path) -> None:
    new = Model("recogniser", "2")

    def embed(crop: bytes) -> np.ndarray:
        if crop == b"broken":
            raise MediaError("It is no picture")
        return anew(crop)

    def without(seed: int, crop: bytes) -> Template:
        return Template(vector(seed), MODEL, crop, f"{seed:064x}")

    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1, 2))
        gallery.enroll("Eve", [template(3), without(4, b"")], CONSENT)
        gallery.enroll("Max", [without(5, b"broken")], CONSENT)
        gallery.enroll("Ann", [template(6, new)], CONSENT)
        found = list(gallery.reembed_all(new, embed))
        assert found == [
            Reembedded("Ada", 2, 0, 0),
            Reembedded("Eve", 1, 0, 1),
            Reembedded("Max", 0, 0, 1),
            Reembedded("Ann", 0, 1, 0),
        ]
        assert [one.searchable for one in found] == [True, True, False, True]
        assert gallery.models() == {MODEL: 2, new: 4}
        assert gallery.search(anew(template(3).crop), new)[0].name == "Eve"
        assert [one.vector.tolist() for one in gallery.templates("Max")] == [vector(5).tolist()]
        assert gallery.verify() == []
        log = (tmp_path / "gallery" / "audit.jsonl").read_text()
        assert log.count('"kind":"re-enrolled"') == 2 and "Ada" not in log


def test_who_stops_in_the_middle_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    new, calls = Model("recogniser", "2"), []

    def impatient(crop: bytes) -> np.ndarray:
        calls.append(crop)
        if len(calls) == 4:  # the second of Eve's
            raise KeyboardInterrupt
        return anew(crop)

    with opened(tmp_path) as gallery:
        for number, name in enumerate(("Ada", "Eve", "Max")):
            enrol(gallery, name, (10 * number, 10 * number + 1))
        with pytest.raises(KeyboardInterrupt):
            list(gallery.reembed_all(new, impatient))
        assert gallery.models() == {MODEL: 4, new: 2} and gallery.verify() == []
        assert [one.renewed for one in gallery.reembed_all(new, anew)] == [0, 2, 2]
        assert gallery.models() == {new: 6} and [len(gallery.templates(name)) for name in ("Ada", "Eve")] == [2, 2]


def test_whoever_is_forgotten_while_being_made_anew_stays_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        enrol(gallery, "Eve", (2,))

        def forgetting(crop: bytes) -> np.ndarray:
            if gallery.person("Ada") is not None:
                gallery.forget("Ada")
            return anew(crop)

        assert [one.name for one in gallery.reembed_all(Model("recogniser", "2"), forgetting)] == ["Eve"]
        assert [one.name for one in gallery.people()] == ["Eve"] and gallery.verify() == []


def test_vectors_of_another_length_are_refused_and_nothing_is_enrolled(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery:
        enrol(gallery, "Ada", (1,))
        short = Template(np.ones(8, dtype=np.float32), MODEL, b"", "0" * 64)
        with pytest.raises(GalleryError, match="have 16 numbers here, not 8"):
            gallery.enroll("Grace", [template(2), short], CONSENT)
        with pytest.raises(GalleryError, match="have 16 numbers, not 8"):
            gallery.search(short.vector, MODEL)
        assert [person.name for person in gallery.people()] == ["Ada"] and gallery.models() == {MODEL: 1}


@pytest.mark.parametrize("wrong", [np.zeros(16), np.full(16, np.nan), np.ones((2, 16)), np.array([])])
def test_what_is_no_vector_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(UsageError, match="one row of finite numbers"):
        Template(wrong.astype(np.float32), MODEL, b"", "0" * 64)


@pytest.mark.parametrize("name", ["", "  ", "a\u202eb", "a\x00b", "x" * 121])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as gallery, pytest.raises(UsageError, match=r"name"):
        enrol(gallery, name, (1,))


def test_nobody_is_enrolled_without_consent_or_photos(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a statement or a file"):
        Consent("research", date(2026, 1, 1), statement=" ")
    with pytest.raises(UsageError, match="needs a purpose"):
        Consent("", date(2026, 1, 1), statement="yes")
    with pytest.raises(UsageError, match="cannot end on"):
        Consent("research", date(2026, 1, 1), statement="yes", until=date(2025, 1, 1))
    with opened(tmp_path) as gallery, pytest.raises(UsageError, match="no template"):
        gallery.enroll("Ada", [], CONSENT)


def test_a_consent_form_is_known_by_its_hash(tmp_path: Path) -> None:
    form = tmp_path / "form.pdf"
    form.write_bytes(b"signed")
    consent = Consent.of_file(form, "research", date(2026, 1, 1))
    assert (consent.file, consent.sha256) == ("form.pdf", hashlib.sha256(b"signed").hexdigest())
    with pytest.raises(UsageError, match="cannot be read"):
        Consent.of_file(tmp_path / "none.pdf", "research", date(2026, 1, 1))


def test_forgetting_who_is_not_there_says_so(tmp_path: Path) -> None:
    with opened(tmp_path) as gallery, pytest.raises(GalleryError, match="Nobody called “Ada” is enrolled"):
        gallery.forget("Ada")
