"""Whom a question points at: "face 1.2", "photo 2", "the woman on the left", "the two on the right", "the one next to
her", "the older one", "the other one", "her".

The words for it are data, in five languages (pointing.toml). Faces are numbered from left to right, so a place is a
number. A pronoun means whom the last answers were about. Where
several faces could be meant, they are offered to choose from (`References.choices`) and none is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.pointing import Language, all_parts, languages, parts, plain, spoken


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
    "relative",
    "several",
    "person_number",
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
    def is_empty(self) -> bool:
        """Whether nothing is left but words of no weight."""
        return bool(self.words["filling"].fullmatch(_on_its_own(self.people, self.words)))

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
    if any(view.faces.get(image) is None for image in _existing(images, view) or view.images) and people != {"written"}:
        return References(images, needs="faces", vague=people <= _VAGUE)
    if "age" in people and view.by_age is None and len(_faces(view, images)) > 1:
        return References(images, needs="ages")
    text, open_ = _with_ids(text, view, images, history)
    if open_:
        return References(choices=open_)
    text, ruled_out = _without_ruled_out(text, view, images, history)
    people = _people(text) - {"not"}
    if text.has("except"):
        found = _besides(_resolved(text, people - {"other", "others"}, view, images, history), view, images)
    else:
        found = _resolved(text, people, view, images, history)
    if ruled_out:
        found = _less(found, ruled_out, text, view, images)
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
    ways |= {phrase: phrase for phrase in ("relative", "several", "person_number", "not")}
    found = {way for way, phrase in ways.items() if text.has(phrase)}
    if text.has("by_age") and not text.asks_order:
        found.add("age")
    if short := text.short:
        found.add("written" if "face" in short else "number" if "nth" in short else "place")
    if not found - {"other", "not"} and text.has_pronoun:
        found.add("pronoun")
    return found


def _resolved(
    text: _Text, people: set[str], view: View, images: Sequence[str], history: Sequence[Earlier]
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
    scope = _scope(view, images, history)
    for places in _numbers(text):
        yield tuple(face for image in scope for face in _at(places, image, view.faces[image] or ()))


def _scope(view: View, images: Sequence[str], history: Sequence[Earlier]) -> tuple[str, ...]:
    """The photos in which there may be a left and a right: the one that was spoken of, where it is among them."""
    # The photo that was spoken of, or that the question names, may have one face only; then another one is meant.
    scope = _crowded(view, images) or _crowded(view, ())
    before = tuple(image for image in scope if image in {image_of(subject) for subject in _last(history)})
    return before if len(before) == 1 else scope


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


# Faces that are told by their number, by others or by a side

_LOOKS_BACK = 300
"""In so many characters before "the one next to him" it is looked for who he is."""


def _with_ids(
    text: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> tuple[_Text, tuple[str, ...]]:
    """The text with ids in place of "face 2", "the woman next to her" and "the two on the left"; besides, where it is
    open whom such words mean, the faces to choose from."""
    open_: tuple[str, ...] = ()
    for phrase, told in (("person_number", _numbered), ("relative", _neighbours), ("several", _so_many)):
        text, open_ = (text, open_) if open_ else _replaced(phrase, told, text, view, images, history)
    return text, open_


_Told = Callable[[re.Match[str], _Text, View, Sequence[str], Sequence[Earlier]], References]
"""Whom a match means, of which the text before it is known too."""


def _replaced(
    phrase: str, told: _Told, text: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> tuple[_Text, tuple[str, ...]]:
    known = _faces(view, images) or _faces(view)
    before, end = "", 0
    for match in text.matches(phrase):
        before += text.people[end : match.start()]
        meant = told(match, replace(text, people=before[-_LOOKS_BACK:]), view, images, history)
        if not meant.subjects and len(known) > 1:
            return text, meant.choices if len(meant.choices) > 1 else known
        before, end = before + " ".join(meant.subjects or known), match.end()
    return replace(text, people=before + text.people[end:]), ()


def _numbered(
    match: re.Match[str], before: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> References:
    """ "Face 2": the second from the left, where it is clear in which photo."""
    said = parts(match)
    last = tuple(image for image in _crowded(view, ()) if image in {image_of(subject) for subject in _last(history)})
    scope = _existing(images, view) or (last if len(last) == 1 else view.images)
    faces = _faces(view, scope)
    numbers = [int(digits) for digits in re.findall(r"[0-9]+", match[0])] or [before.words.count(said.get("count", ""))]
    if "stranger" in said or 0 in numbers or (len(scope) > 1 and _crowded(view, scope)):
        return References()
    if max(numbers) <= len(faces):
        return References(tuple(faces[number - 1] for number in numbers))
    # Of one face the tool will say that it is the only one.
    of = scope[0].replace("image", "face") if len(scope) == 1 and len(faces) < 2 else ""
    return References(tuple(f"{of}.{number}" for number in numbers) if of else (), choices=faces)


def _so_many(
    match: re.Match[str], before: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> References:
    """ "The two on the left", where there are more than two; "the other two", where there are two others."""
    said, scope = parts(match), _scope(view, images, history)
    count = before.words.count(said["count"]) if "count" in said else 0
    if "others" in said:
        rest = _rest(_spoken_of(view, images, history), view, images)
        return References(rest if len(rest) == count else (), choices=rest)
    faces = view.faces[scope[0]] or () if len(scope) == 1 else ()
    sides = {"left", "right", "middle"} & {*said}
    spare = len(faces) - count
    if not count or spare < 1 or ("middle" in sides and spare % 2):
        return References()
    start = {"left": 0, "right": spare, "middle": spare // 2}[sides.pop()]
    return References(faces[start : start + count])


def _neighbours(
    match: re.Match[str], before: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> References:
    """ "The woman next to her", "the one to the left of face 1.3", "the next one": by the order of the faces."""
    before, open_ = _replaced("several", _so_many, before, view, images, history)
    said, people, spoken_of = all_parts(match), _people(before), _spoken_of(view, images, history)
    # "Is the man on the left older than the one next to him?": who was named just now, before whom was spoken of.
    named = _resolved(before, people, view, images, history).subjects if people - {"pronoun"} else ()
    base = tuple(face for face in named if face.startswith("face")) or spoken_of
    anchors = _anchors(said, base, before, view, images, history)
    line = next((faces for faces in view.faces.values() if faces and anchors and {*anchors} <= {*faces}), ())
    if len(line) == 1:
        # There is nobody else, which the tool will say, or there are others in other photos.
        rest = _rest(anchors, view, images)
        return References(rest if len(rest) == 1 else (), choices=rest)
    if not line or open_ or _nested(match):
        return References()
    among = _beside(anchors, line, said)
    count = before.words.count(said["count"][0]) if "count" in said else None
    if {"left", "right"} & {*said}:
        # "The one to the left of her" is the next one; "those to the left of her" are all.
        nth = before.words.place(said["nth"][0]) if "nth" in said else 0
        nearest = among[-1:] if nth < 0 else among[nth:]
        wanted = count or (len(nearest) if "many" in said else 1)
        found = nearest[:wanted] if wanted <= len(nearest) else ()
    else:
        wanted = count or (len(among) if "many" in said and "somewhere" not in said else 1)
        found = among if len(among) == wanted else ()
    # "Is she older than the man next to her?" is about both.
    she = spoken_of if found and people == {"pronoun"} and len(spoken_of) == 1 else ()
    return References((*she, *sorted(found, key=line.index)), choices=among)


def _beside(anchors: Sequence[str], line: tuple[str, ...], said: Container[str]) -> tuple[str, ...]:
    """The faces of a photo that may be meant, of those on a side the nearest first."""
    first, last = min(map(line.index, anchors)), max(map(line.index, anchors))
    left, right = line[:first][::-1], line[last + 1 :]
    if "somewhere" in said:
        return tuple(face for face in line if face not in anchors)
    if "between" in said:
        return tuple(face for face in line[first:last] if face not in anchors)
    if "left" in said or "right" in said:
        return left if "left" in said else right
    return (*left[:1], *right[:1])


def _anchors(
    said: Mapping[str, Sequence[str]],
    base: tuple[str, ...],
    text: _Text,
    view: View,
    images: Sequence[str],
    history: Sequence[Earlier],
) -> tuple[str, ...]:
    """Those next to whom somebody is; nobody where it is not clear who they are.

    Args:
        base: whom a pronoun means, and where nobody is named.
    """
    if "stranger" in said or "anchor" not in said:
        return () if "stranger" in said else base
    known, found = _faces(view), list[str]()
    for anchor in said["anchor"]:
        of = replace(text, people=anchor)
        people = _people(of)
        if people == {"pronoun"}:
            # "The man" is not the woman on the left who was just named.
            another = " " in anchor and base != _spoken_of(view, images, history)
            who = (base or known) if len(base or known) == 1 and not another else ()
        else:
            who = _resolved(of, people, view, images, history).subjects if people else ()
        if not who or not {*who} <= {*known}:
            return ()
        found += who
    return tuple(dict.fromkeys(found))


def _nested(match: re.Match[str]) -> bool:
    """ "The man next to the woman next to her": two such phrases in one."""
    later = match.re.search(match.string, match.start() + 1)
    while later and later.start() < match.end():
        if later.end() != match.end():
            return True
        later = match.re.search(match.string, later.start() + 1)
    return False


# Whom a question does not mean


def _without_ruled_out(
    text: _Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> tuple[_Text, tuple[str, ...]]:
    """The text without its "not her", and whom that rules out. "It is not him, is it?" rules nobody out."""
    spoken_of = _spoken_of(view, images, history)
    ruled_out = [_anchors(all_parts(match), spoken_of, text, view, images, history) for match in text.matches("not")]
    rest = replace(text, people=text.words["not"].sub(" ", text.people))
    if not all(ruled_out) or not (_people(rest) or rest.is_empty):
        return text, ()
    return rest, tuple(face for faces in ruled_out for face in faces)


def _less(found: References, ruled_out: Container[str], text: _Text, view: View, images: Sequence[str]) -> References:
    """Those that a question means without those that it does not; the others, where it says no more."""
    named = tuple(subject for subject in found.subjects if subject.startswith("face"))
    left = tuple(face for face in named or found.choices or _faces(view, images) if face not in ruled_out)
    if not left:
        return found
    sure = named or text.has("all") or len(left) == 1
    return replace(found, subjects=left if sure else (), choices=() if sure else left)


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
