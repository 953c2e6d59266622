"""Whom a question points at: "face 1.2", "photo 2", "the woman on the left", "the older one", "the other one", "her".

The words for it are data, in five languages (pointing.toml). Faces are numbered from left to right, so a place is a
number. A pronoun means whom the last answers were about. Where
several faces could be meant, they are offered to choose from (`References.choices`) and none is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.pointing import Language, languages, parts, plain, spoken


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


_VAGUE = {"pronoun", "other", "others"}
_POINTS = (
    "except",
    "face_number",
    "photo_number",
    "nth_photo",
    "other_photo",
    "nth",
    "by_age",
    "others",
    "other",
    "place",
    "pronoun",
    "all",
)
"""Phrases of pointing.toml that a question may consist of and ask nothing."""


@dataclass(frozen=True)
class _Text:
    """A question as it is read, and the words of its language. people: without what points at nobody, such as the
    right of "is that right?"."""

    plain: str
    people: str
    words: Language

    @staticmethod
    def of(question: str) -> _Text:
        words, text = spoken(question), plain(question)[0]
        return _Text(text, words["doubts"].sub(" ", words["nowhere"].sub(" ", text)), words)

    def has(self, phrase: str) -> bool:
        return bool(self.words[phrase].search(self.people))

    def found(self, phrase: str, *, beside: str | None = None) -> Iterator[dict[str, str]]:
        """What the matches of a phrase say, beside those of another one."""
        text = self.words[beside].sub(" ", self.people) if beside else self.people
        return (parts(match) for match in self.words[phrase].finditer(text))

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


def references(question: str, view: View, history: Sequence[Earlier] = ()) -> References:
    """Resolve what a question points at.

    Args:
        view: photos and faces in view, with what was found since the question.
        history: earlier questions and what their answers were about, oldest first.
    """
    text = _Text.of(question)
    images = _images(text, view, history)
    people = _people(text)
    if not people:
        return References(images or _inherited(text, view, history))
    if (
        any(view.faces.get(image) is None for image in _existing(images, view) or view.images)
        and "written" not in people
    ):
        return References(images, needs="faces", vague=people <= _VAGUE)
    if "age" in people and view.by_age is None and len(_faces(view, images)) > 1:
        return References(images, needs="ages")
    if text.has("except"):
        found = _besides(_resolved(text, people - {"other", "others"}, view, images, history), view, images)
    else:
        found = _resolved(text, people, view, images, history)
    if len(found.subjects) == len(_faces(view)) == 1 and found.subjects == _faces(view):
        return replace(found, subjects=())  # there is nobody else: the same as everything
    return found


def points_only(question: str) -> bool:
    """Whether a question does nothing but point: "and the other one?", "what about her?", "the left one"."""
    text = _Text.of(question)
    start = _on_its_own(text.plain, text.words)
    if text.short:
        return True
    rest = start
    for phrase in _POINTS:
        rest = text.words[phrase].sub(" ", rest)
    return rest != start and bool(text.words["filling"].fullmatch(rest))


def doubts_only(question: str) -> bool:
    """Whether a question does nothing but doubt the last answer: "are you sure?", "why?"."""
    written, _ = plain(question)
    # "Warum?" is too short to tell its language.
    return any(
        words["doubts"].search(written) and words["filling"].fullmatch(_on_its_own(written, words))
        for words in languages()
    )


def _on_its_own(written: str, words: Language) -> str:
    """What is left of a question without what ties it to the last one: "and", "too", "are you sure about"."""
    for phrase in ("begins", "ends", "doubts"):
        written = words[phrase].sub(" ", written)
    return written


def without_age_reference(question: str) -> str:
    """The question without its "the older one": whoever says so does not ask who is older."""
    text, (_, places) = _Text.of(question), plain(question)
    if text.asks_order:
        return question
    for match in reversed(list(text.words["by_age"].finditer(text.plain))):
        first, last = places[match.start()], places[match.end() - 1]
        question = question[:first] + text.words.the_one + question[last + 1 :]
    return question


# Photos


def _images(text: _Text, view: View, history: Sequence[Earlier]) -> tuple[str, ...]:
    named = [f"image {parts(match)['number']}" for match in text.words["photo_number"].finditer(text.plain)]
    for said in map(parts, text.words["nth_photo"].finditer(text.plain)):
        place = text.words.place(said["nth"])
        if view.images and place < len(view.images):
            named.append(view.images[place])
    if text.has("other_photo"):
        before = {image_of(subject) for subject in _last(history)}
        rest = [image for image in view.images if image not in before]
        named += rest if before and len(rest) == 1 else []
    if not named and text.has("it"):
        before_it = _last(history)
        named += before_it if before_it and all(subject.startswith("image") for subject in before_it) else []
    return tuple(dict.fromkeys(named))


def _existing(images: Iterable[str], view: View) -> tuple[str, ...]:
    return tuple(image for image in images if image in view.faces)


def image_of(subject: str) -> str:
    """The photo that a face is in, or that an image is."""
    return f"image {subject.split()[1].partition('.')[0]}"


# Faces


def _people(text: _Text) -> set[str]:
    """The ways in which a question points at faces."""
    ways = {"written": "face_number", "place": "place", "number": "nth", "others": "others", "other": "other"}
    found = {way for way, phrase in ways.items() if text.has(phrase)}
    if text.has("by_age") and not text.asks_order:
        found.add("age")
    if short := text.short:
        found.add("written" if "face" in short else "number" if "nth" in short else "place")
    if not found - {"other"} and text.has_pronoun:
        found.add("pronoun")
    return found


def _resolved(
    text: _Text, people: set[str], view: View, images: tuple[str, ...], history: Sequence[Earlier]
) -> References:
    found, open_ = list(_written(text)), list[str]()
    for group in _named(text, view, images, history):
        (found if len(group) == 1 else open_).extend(group)
    base = tuple(found) or _spoken_of(view, images, history)
    if "age" in people and not found:
        oldest = _by_age(text, view, _faces(view, images))
        (found if len(oldest) == 1 else open_).extend(oldest)
    if people & {"other", "others"}:
        rest = _rest(base, view, images)
        if "others" in people or len(rest) == 1:
            found += [*(base if "pronoun" in people else ()), *rest]
        else:
            open_ += rest
    elif people == {"pronoun"}:
        them = base or _faces(view, images)
        if len(base) == 1:
            found += base
        elif base or _crowded(view, images):
            open_ += them
    named = tuple(dict.fromkeys(found))
    photos = tuple(image for image in images if image not in {image_of(face) for face in named})
    return References(
        (*named, *photos),
        choices=() if named else tuple(dict.fromkeys(open_)),
        vague=people <= _VAGUE,
        by_age="age" in people,
    )


def _besides(found: References, view: View, images: Sequence[str]) -> References:
    """ "Everyone except her": where it is clear who she is, the others."""
    named = tuple(subject for subject in found.subjects if subject.startswith("face"))
    return found if found.choices or not named else replace(found, subjects=_rest(named, view, images), vague=False)


def _written(text: _Text) -> Iterable[str]:
    said = [*text.found("face_number")] or [text.short]
    return dict.fromkeys(f"face {one['face']}" for one in said if "face" in one)


def _faces(view: View, images: Sequence[str] = ()) -> tuple[str, ...]:
    """Known faces of these photos, or of all."""
    return tuple(face for image in _existing(images, view) or view.images for face in view.faces[image] or ())


def _crowded(view: View, images: Sequence[str]) -> tuple[str, ...]:
    """Photos with more than one face: those in which "she" is not clear, and which have a left and a right."""
    return tuple(image for image in _existing(images, view) or view.images if len(view.faces[image] or ()) > 1)


def _named(text: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]) -> Iterable[tuple[str, ...]]:
    """For each place or number in a question the faces that it may mean: one, or one for each photo with several."""
    # The photo that was spoken of, or that the question names, may have one face only; then another one is meant.
    scope = _crowded(view, images) or _crowded(view, ())
    before = [image for image in scope if image in {image_of(subject) for subject in _last(history)}]
    scope = tuple(before) if len(before) == 1 else scope
    for places in _numbers(text):
        yield tuple(face for image in scope for face in _at(places, image, view.faces[image] or ()))


Number = int | Literal["middle"]


def _numbers(text: _Text) -> list[Number]:
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


def _by_age(text: _Text, view: View, among: Sequence[str]) -> tuple[str, ...]:
    """The oldest or youngest of these faces; all of them where that is not known, several where they tie."""
    if len(among) < 2:
        return tuple(among)
    order = [(face, years) for face, years in view.by_age or () if face in among]
    said = next(text.found("by_age"), None)
    if not order or said is None:
        return tuple(among)
    wanted = order[-1][1] if "younger" in said else order[0][1]
    return tuple(face for face, years in order if years == wanted)


def _rest(base: Sequence[str], view: View, images: Sequence[str]) -> tuple[str, ...]:
    """The faces besides those spoken of: of the same photo if it shows more, else of all."""
    beside = [face for image in dict.fromkeys(map(image_of, base)) for face in view.faces.get(image) or ()]
    scope = beside if len(beside) > len(base) and not images else _faces(view, images)
    rest = tuple(face for face in scope if face not in base)
    if rest and (base or len(rest) > 1):
        return rest
    if len(base) > 1:
        return tuple(base)  # all of them were spoken of: one of these, then
    # There is no other: the tool will say what there is.
    image = image_of(scope[0]) if scope else "image 1"
    return (f"{image.replace('image', 'face')}.{len(view.faces.get(image) or ()) + 1}",)


# What was spoken of before


def _last(history: Sequence[Earlier]) -> tuple[str, ...]:
    return next((earlier.subjects for earlier in reversed(history) if earlier.subjects), ())


def _spoken_of(view: View, images: Sequence[str], history: Sequence[Earlier]) -> tuple[str, ...]:
    """Faces that the last answer that was about faces was about, if they are in view."""
    known = _faces(view, images)
    for earlier in reversed(history):
        faces = tuple(face for face in earlier.subjects if face in known)
        if faces:
            return faces
    return ()


def _inherited(text: _Text, view: View, history: Sequence[Earlier]) -> tuple[str, ...]:
    """ "And the glasses?" stays with whom the last answer was about."""
    words = text.words
    if not (words["begins"].search(text.plain) or words["ends"].search(text.plain)) or text.has("all"):
        return ()
    last = tuple(subject for subject in _last(history) if subject in (*view.images, *_faces(view)))
    return () if set(last) >= set(_faces(view)) or set(last) >= set(view.images) else last
