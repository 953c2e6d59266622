"""Whom a question points at: "face 1.2", "photo 2", "the woman on the left", "the older one", "the other one", "her".

Faces are numbered from left to right, so a place is a number. A pronoun means whom the last answers were about. Where
several faces could be meant, they are offered to choose from (`References.choices`) and none is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from faceagent.controllers.draft import Earlier, View


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


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = rf"(?:{'|'.join(_ORDINALS)}|last|\d+(?:st|nd|rd|th))"
_PHOTO = r"(?:image|photo|picture|pic|exhibit|photograph|shot)"
_PERSON = r"(?:face|person|man|woman|one|guy|girl|boy|lady|gentleman|child|kid)"
_OLD, _YOUNG = r"(?:older|oldest|elder|eldest)", r"(?:younger|youngest)"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})(?!\w)", re.IGNORECASE)


_NTH_PHOTO = _words(rf"({_ORDINAL})\s+{_PHOTO}")
_PHOTO_N = _words(rf"{_PHOTO}s?\s*#?(\d+)")
_OTHER_PHOTO = _words(rf"(?:the )?other {_PHOTO}")
_FACE_N = _words(r"face\s*#?(\d+\.\d+)")
_SIDE = _words(
    rf"(?:on|at|to) (?:the |my )?(?:far |very |extreme )?(left|right)(?: hand)?(?: side)?|in the (middle|cent(?:er|re))"
    rf"|(left|right|middle)(?:most|-hand|hand)? (?:hand )?{_PERSON}|(left|right)most"
)
# "Is she looking to the left?" speaks of a direction and not of a place.
_DIRECTION = _words(
    r"(?:look|gaz|glanc|star|turn|point|lean|tilt)\w*(?: \w+)? (?:to|at|towards?) (?:the |my |her |his )?(?:left|right)"
    rf"(?! {_PERSON})|fac(?:es|ing)(?: \w+)? (?:to |towards? )?(?:the |her |his )?(?:left|right)(?! {_PERSON})"
)
_NTH = _words(rf"({_ORDINAL}) (?:{_PERSON} )?from (?:the )?(left|right)|({_ORDINAL}) {_PERSON}")
_BY_AGE = _words(rf"the ({_OLD}|{_YOUNG}) (?:{_PERSON}|of (?:the )?(?:two|both|them|these))")
# "Which one is the older one?" asks for the order and does not presume it.
_ASKS_ORDER = re.compile(
    rf"\b(?:which|who)\b[^?.]*\b(?:is|are|looks?|seems?)\b[^?.]*\b(?:{_OLD}|{_YOUNG})", re.IGNORECASE
)
# "Another person's face was pasted in" points at nobody in view.
_OTHER = _words(rf"(?:the )?other {_PERSON}|the other(?= *(?:[?.!,;]|$))")
_OTHERS = _words(r"(?:the )?others|(?:the )?other (?:faces|people|persons|ones|men|women)")
_ALL = _words(r"both|(?<!at )all|each|every(?:one|body)?|they|them|their|theirs|these|those|any(?:one|body)")
_PRONOUN = _words(
    r"he|him|his|himself|she|her|hers|herself"
    r"|(?:this|that|the) (?!(?:same|other|only|two|an?|is|was|\w*est|most|more)\b)(?:\w+ )?"
    rf"{_PERSON}(?! (?:mask|swap|shape)\w*)"
)
_VAGUE = {"pronoun", "other", "others"}
_IT = _words(r"it|its|itself")
_FOLLOWS = re.compile(
    r"^(?:(?:ok(?:ay)?|so|and|but)[, ]+)*(?:and|but|or|also|what about|how about|(?:the )?same for)\b"
    r"|\b(?:too|as well) *[?.!]*$",
    re.IGNORECASE,
)
# What somebody answers to "which one?".
_SHORT = re.compile(
    rf"(?:the |my )?(?:(left|right|middle)|({_ORDINAL})|(?:face )?#?(\d+\.\d+))(?: please)?[ .?!]*", re.IGNORECASE
)
_FILLING = re.compile(
    rf"(?:so|ok|okay|now|then|please|with|of|the|this|that|a|an|in|on|at|i|mean|meant|no|yes|not|only|just|side|hand"
    rf"|{_PERSON}|{_PHOTO})",
    re.IGNORECASE,
)


def references(question: str, view: View, history: Sequence[Earlier] = ()) -> References:
    """Resolve what a question points at.

    Args:
        view: photos and faces in view, with what was found since the question.
        history: earlier questions and what their answers were about, oldest first.
    """
    text = _DIRECTION.sub(" ", _plain(question))
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
    found = _resolved(text, people, view, images, history)
    if len(found.subjects) == len(_faces(view)) == 1 and found.subjects == _faces(view):
        return replace(found, subjects=())  # there is nobody else: the same as everything
    return found


def points_only(question: str) -> bool:
    """Whether a question does nothing but point: "and the other one?", "what about her?", "the left one"."""
    text = _plain(question)
    if _SHORT.fullmatch(text):
        return True
    start = rest = _FOLLOWS.sub(" ", text)
    patterns = (_FACE_N, _PHOTO_N, _NTH_PHOTO, _OTHER_PHOTO, _NTH, _BY_AGE, _OTHERS, _OTHER, _SIDE, _PRONOUN, _ALL)
    for pattern in patterns:
        rest = pattern.sub(" ", rest)
    return rest != start and all(_FILLING.fullmatch(word) for word in re.findall(r"[\w'.]+", rest))


def without_age_reference(question: str) -> str:
    """The question without its "the older one": whoever says so does not ask who is older."""
    return question if _ASKS_ORDER.search(question) else _BY_AGE.sub("the one", question)


def which_one(choices: Sequence[str], view: View) -> str:
    """The question back: which of these faces is meant, by their places."""
    if len(choices) > 6:
        return (
            f"Which of the {len(choices)} faces do you mean? They are counted from left to right: name one by its "
            f"place or its number, such as “the second from the left” or “{choices[1]}”."
        )
    *most, last = (f"the person {_place(face, view)} ({face})" for face in choices)
    return f"Which one do you mean: {', '.join(most)} or {last}?"


def _plain(question: str) -> str:
    return " ".join(question.replace("’", "'").split())


# Photos


def _images(text: str, view: View, history: Sequence[Earlier]) -> tuple[str, ...]:
    named = [f"image {number}" for number in _PHOTO_N.findall(text)]
    for ordinal in _NTH_PHOTO.findall(text):
        place = _place_of(ordinal)
        if view.images and place < len(view.images):
            named.append(view.images[place])
    if _OTHER_PHOTO.search(text):
        before = {image_of(subject) for subject in _last(history)}
        rest = [image for image in view.images if image not in before]
        named += rest if before and len(rest) == 1 else []
    if not named and _IT.search(text):
        before_it = _last(history)
        named += before_it if before_it and all(subject.startswith("image") for subject in before_it) else []
    return tuple(dict.fromkeys(named))


def _existing(images: Iterable[str], view: View) -> tuple[str, ...]:
    return tuple(image for image in images if image in view.faces)


def image_of(subject: str) -> str:
    return f"image {subject.split()[1].partition('.')[0]}"


# Faces


def _people(text: str) -> set[str]:
    """The ways in which a question points at faces."""
    ways = {"written": _FACE_N, "place": _SIDE, "number": _NTH, "others": _OTHERS, "other": _OTHER}
    found = {way for way, pattern in ways.items() if pattern.search(text)}
    if _BY_AGE.search(text) and not _ASKS_ORDER.search(text):
        found.add("age")
    if short := _SHORT.fullmatch(text):
        found.add("written" if short[3] else "number" if short[2] else "place")
    if not found - {"other"} and _PRONOUN.search(_BY_AGE.sub(" ", _OTHER.sub(" ", text))) and not _ALL.search(text):
        found.add("pronoun")
    return found


def _resolved(
    text: str, people: set[str], view: View, images: tuple[str, ...], history: Sequence[Earlier]
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


def _written(text: str) -> Iterable[str]:
    short = _SHORT.fullmatch(text)
    numbers = _FACE_N.findall(text) or ([short[3]] if short and short[3] else [])
    return dict.fromkeys(f"face {number}" for number in numbers)


def _faces(view: View, images: Sequence[str] = ()) -> tuple[str, ...]:
    """Known faces of these photos, or of all."""
    return tuple(face for image in _existing(images, view) or view.images for face in view.faces[image] or ())


def _crowded(view: View, images: Sequence[str]) -> tuple[str, ...]:
    """Photos with more than one face: those in which "she" is not clear, and which have a left and a right."""
    return tuple(image for image in _existing(images, view) or view.images if len(view.faces[image] or ()) > 1)


def _named(text: str, view: View, images: Sequence[str], history: Sequence[Earlier]) -> Iterable[tuple[str, ...]]:
    """For each place or number in a question the faces that it may mean: one, or one for each photo with several."""
    # The photo that was spoken of, or that the question names, may have one face only; then another one is meant.
    scope = _crowded(view, images) or _crowded(view, ())
    before = [image for image in scope if image in {image_of(subject) for subject in _last(history)}]
    scope = tuple(before) if len(before) == 1 else scope
    for places in _numbers(text):
        yield tuple(face for image in scope for face in _at(places, image, view.faces[image] or ()))


Number = int | Literal["middle"]


def _numbers(text: str) -> list[Number]:
    """Places from left to right, from 0, or from the right, from -1."""
    numbers: list[Number] = []
    for nth_of_side, side, nth in _NTH.findall(text):
        place = _place_of(nth_of_side or nth)
        numbers.append(-1 - place if side.lower() == "right" else place)
    # "Second from the left" is no "left" besides.
    rest = _NTH.sub(" ", text)
    short = _SHORT.fullmatch(text)
    sides = [next(filter(None, found)) for found in _SIDE.findall(rest)] + ([short[1]] if short and short[1] else [])
    if short and short[2]:
        numbers.append(_place_of(short[2]))
    known: dict[str, Number] = {"left": 0, "right": -1}
    return list(dict.fromkeys([*numbers, *(known.get(side.lower(), "middle") for side in sides)]))


def _at(number: Number, image: str, faces: Sequence[str]) -> tuple[str, ...]:
    if number == "middle":
        return tuple(faces[(len(faces) - 1) // 2 : len(faces) // 2 + 1])
    if number >= len(faces):
        return (f"{image.replace('image', 'face')}.{number + 1}",)  # there is none: the tool will say what there is
    return (faces[max(number, -len(faces))],)


def _place_of(ordinal: str) -> int:
    word = ordinal.lower()
    if word == "last":
        return -1
    return _ORDINALS.index(word) if word in _ORDINALS else max(int(re.sub(r"\D", "", word)) - 1, 0)


def _by_age(text: str, view: View, among: Sequence[str]) -> tuple[str, ...]:
    """The oldest or youngest of these faces; all of them where that is not known, several where they tie."""
    if len(among) < 2:
        return tuple(among)
    order = [(face, years) for face, years in view.by_age or () if face in among]
    match = _BY_AGE.search(text)
    if not order or match is None:
        return tuple(among)
    wanted = order[-1][1] if re.fullmatch(_YOUNG, match[1], re.IGNORECASE) else order[0][1]
    return tuple(face for face, years in order if years == wanted)


def _rest(base: Sequence[str], view: View, images: Sequence[str]) -> tuple[str, ...]:
    """The faces besides those spoken of: of the same photo if it shows more, else of all."""
    beside = [face for image in dict.fromkeys(map(image_of, base)) for face in view.faces.get(image) or ()]
    scope = beside if len(beside) > len(base) and not images else _faces(view, images)
    rest = tuple(face for face in scope if face not in base)
    if rest and (base or len(rest) > 1):
        return rest
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


def _inherited(text: str, view: View, history: Sequence[Earlier]) -> tuple[str, ...]:
    """ "And the glasses?" stays with whom the last answer was about."""
    if not _FOLLOWS.search(text) or _ALL.search(text):
        return ()
    last = tuple(subject for subject in _last(history) if subject in (*view.images, *_faces(view)))
    return () if set(last) >= set(_faces(view)) or set(last) >= set(view.images) else last


# Words for places


def _place(face: str, view: View) -> str:
    image = image_of(face)
    faces = view.faces.get(image) or ()
    of = f" of {image}" if len(view.images) > 1 else ""
    if len(faces) < 2 or face not in faces:
        return f"in {image}"
    place, count = faces.index(face), len(faces)
    if place in (0, count - 1):
        return f"on the {'far ' if count > 3 else ''}{'left' if place == 0 else 'right'}{of}"
    if count == 3:
        return f"in the middle{of}"
    return f"who is {_ORDINALS[place] if place < len(_ORDINALS) else f'number {place + 1}'} from the left{of}"
