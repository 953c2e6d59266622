"""Which faces words point at by themselves: an id, a place or a number in the row, an age, "the other one", "her".

The words are data, in five languages (pointing.toml). Faces are numbered from left to right, so a place is a number. A
pronoun means whom the last answers were about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.pointing import Language, parts, plain, spoken


@dataclass(frozen=True)
class References:
    """What a question points at.

    subjects: ids, faces before photos; some may not exist. Empty: everything in view.
    choices: faces between which the question leaves open which one is meant.
    needs: what has to be found out before this can be told: where the faces are, or in which order of age.
    vague: nothing points at a face but words that mean whom was spoken of, or the others.
    by_age: the subject was found by its age.
    """

    subjects: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    needs: Literal["faces", "ages"] | None = None
    vague: bool = False
    by_age: bool = False


VAGUE = {"pronoun", "other", "others"}
"""Ways to point that mean whom was spoken of, or the others."""


@dataclass(frozen=True)
class Text:
    """A question as it is read, and the words of its language. people: without what points at nobody, such as the
    right of "is that right?"."""

    plain: str
    people: str
    words: Language

    @staticmethod
    def of(question: str) -> Text:
        words, text = spoken(question), plain(question)[0]
        return Text(text, words["doubts"].sub(" ", words["nowhere"].sub(" ", text)), words)

    def has(self, phrase: str) -> bool:
        return bool(self.words[phrase].search(self.people))

    def found(self, phrase: str, *, beside: str | None = None) -> Iterator[dict[str, str]]:
        """What the matches of a phrase say, beside those of another one."""
        text = self.words[beside].sub(" ", self.people) if beside else self.people
        return (parts(match) for match in self.words[phrase].finditer(text))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left but words of no weight."""
        return bool(self.words["filling"].fullmatch(on_its_own(self.people, self.words)))

    def matches(self, phrase: str) -> Iterator[re.Match[str]]:
        return self.words[phrase].finditer(self.people)

    @property
    def short(self) -> dict[str, str]:
        """What somebody answers to "which one?"."""
        match = self.words["short"].fullmatch(self.people)
        return parts(match) if match else {}

    @property
    def has_pronoun(self) -> bool:
        rest = self.words["by_age"].sub(" ", self.words["other"].sub(" ", self.people))
        everybody = self.words["all"].search(self.words["except"].sub(" ", self.people))
        return bool(self.words["pronoun"].search(rest)) and not everybody

    @property
    def asks_order(self) -> bool:
        """ "Which one is the older one?" asks for the order and does not presume it."""
        return self.has("asks_order")


def on_its_own(written: str, words: Language) -> str:
    """What is left of a question without what ties it to the last one: "and", "too", "are you sure about"."""
    for phrase in ("begins", "ends", "doubts"):
        written = words[phrase].sub(" ", written)
    return written


def image_of(subject: str) -> str:
    """The photo that a face is in, or that an image is."""
    return f"image {subject.split()[1].partition('.')[0]}"


def existing(images: Iterable[str], view: View) -> tuple[str, ...]:
    return tuple(image for image in images if image in view.faces)


def ways_to_point(text: Text) -> set[str]:
    """The ways in which a question points at faces."""
    ways = {"written": "face_number", "place": "place", "number": "nth", "others": "others", "other": "other"}
    ways |= {phrase: phrase for phrase in ("relative", "several", "person_number", "not")}
    found = {way for way, phrase in ways.items() if text.has(phrase)}
    if text.has("by_age") and not text.asks_order:
        found.add("age")
    if short := text.short:
        found.add("written" if "face" in short else "number" if "nth" in short else "place")
    if not found - {"other", "not"} and text.has_pronoun:
        found.add("pronoun")
    return found


def resolved(text: Text, people: set[str], view: View, images: Sequence[str], history: Sequence[Earlier]) -> References:
    found, open_ = list(_written(text)), list[str]()
    for group in _named(text, view, images, history):
        (found if len(group) == 1 else open_).extend(group)
    base = tuple(found) or spoken_of_before(view, images, history)
    if "age" in people and not found:
        oldest = _by_age(text, view, faces_in(view, images))
        (found if len(oldest) == 1 else open_).extend(oldest)
    if people & {"other", "others"}:
        rest = all_but(base, view, images)
        if "others" in people or len(rest) == 1:
            found += [*(base if "pronoun" in people else ()), *rest]
        else:
            open_ += rest
    elif people == {"pronoun"}:
        them = base or faces_in(view, images)
        if len(base) == 1:
            found += base
        elif base or crowded(view, images):
            open_ += them
    named = tuple(dict.fromkeys(found))
    photos = tuple(image for image in images if image not in {image_of(face) for face in named})
    return References(
        (*named, *photos),
        choices=() if named else tuple(dict.fromkeys(open_)),
        vague=people <= VAGUE,
        by_age="age" in people,
    )


def _written(text: Text) -> Iterable[str]:
    said = [*text.found("face_number")] or [text.short]
    return dict.fromkeys(f"face {one['face']}" for one in said if "face" in one)


def faces_in(view: View, images: Sequence[str] = ()) -> tuple[str, ...]:
    """Known faces of these photos, or of all."""
    return tuple(face for image in existing(images, view) or view.images for face in view.faces[image] or ())


def crowded(view: View, images: Sequence[str]) -> tuple[str, ...]:
    """Photos with more than one face: those in which "she" is not clear, and which have a left and a right."""
    return tuple(image for image in existing(images, view) or view.images if len(view.faces[image] or ()) > 1)


def _named(text: Text, view: View, images: Sequence[str], history: Sequence[Earlier]) -> Iterable[tuple[str, ...]]:
    """For each place or number in a question the faces that it may mean: one, or one for each photo with several."""
    scope = with_sides(view, images, history)
    for places in _numbers(text):
        yield tuple(face for image in scope for face in _at(places, image, view.faces[image] or ()))


def with_sides(view: View, images: Sequence[str], history: Sequence[Earlier]) -> tuple[str, ...]:
    """The photos in which there may be a left and a right: the one that was spoken of, where it is among them."""
    # The photo that was spoken of, or that the question names, may have one face only; then another one is meant.
    scope = crowded(view, images) or crowded(view, ())
    before = tuple(image for image in scope if image in {image_of(subject) for subject in last_subjects(history)})
    return before if len(before) == 1 else scope


Number = int | Literal["middle"]


def _numbers(text: Text) -> list[Number]:
    """Places from left to right, from 0, or from the right, from -1."""
    numbers: list[Number] = []
    for said in text.found("nth"):
        place = text.words.place(said["nth"])
        numbers.append(-1 - place if "right" in said else place)
    # "Second from the left" is no "left" besides.
    for said in (*text.found("place", beside="nth"), text.short):
        if "nth" in said:
            numbers.append(text.words.place(said["nth"]))
        known: dict[str, Number] = {"left": 0, "right": -1, "middle": "middle"}
        numbers += [known[side] for side in said if side in known]
    return list(dict.fromkeys(numbers))


def _at(number: Number, image: str, faces: Sequence[str]) -> tuple[str, ...]:
    if number == "middle":
        return tuple(faces[(len(faces) - 1) // 2 : len(faces) // 2 + 1])
    if number >= len(faces):
        return (f"{image.replace('image', 'face')}.{number + 1}",)  # there is none: the tool will say what there is
    return (faces[max(number, -len(faces))],)


def _by_age(text: Text, view: View, among: Sequence[str]) -> tuple[str, ...]:
    """The oldest or youngest of these faces; all of them where that is not known, several where they tie."""
    if len(among) < 2:
        return tuple(among)
    order = [(face, years) for face, years in view.by_age or () if face in among]
    said = next(text.found("by_age"), None)
    if not order or said is None:
        return tuple(among)
    wanted = order[-1][1] if "younger" in said else order[0][1]
    return tuple(face for face, years in order if years == wanted)


def all_but(base: Sequence[str], view: View, images: Sequence[str]) -> tuple[str, ...]:
    """The faces besides those spoken of: of the same photo if it shows more, else of all."""
    beside = [face for image in dict.fromkeys(map(image_of, base)) for face in view.faces.get(image) or ()]
    scope = beside if len(beside) > len(base) and not images else faces_in(view, images)
    rest = tuple(face for face in scope if face not in base)
    if rest and (base or len(rest) > 1):
        return rest
    if len(base) > 1:
        return tuple(base)  # all of them were spoken of: one of these, then
    # There is no other: the tool will say what there is.
    image = image_of(scope[0]) if scope else "image 1"
    return (f"{image.replace('image', 'face')}.{len(view.faces.get(image) or ()) + 1}",)


def last_subjects(history: Sequence[Earlier]) -> tuple[str, ...]:
    return next((earlier.subjects for earlier in reversed(history) if earlier.subjects), ())


def spoken_of_before(view: View, images: Sequence[str], history: Sequence[Earlier]) -> tuple[str, ...]:
    """Faces that the last answer that was about faces was about, if they are in view."""
    known = faces_in(view, images)
    for earlier in reversed(history):
        faces = tuple(face for face in earlier.subjects if face in known)
        if faces:
            return faces
    return ()
