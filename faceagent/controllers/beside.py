"""Faces that are told by their number, by others or by a side: "face 2", "the one next to her", "the two on the left",
"not him". Ids take the place of such words, and `whom` reads the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.pointing import all_parts, parts
from faceagent.controllers.whom import (
    References,
    Text,
    all_but,
    crowded,
    existing,
    faces_in,
    image_of,
    last_subjects,
    resolved,
    spoken_of_before,
    ways_to_point,
    with_sides,
)

_LOOKS_BACK = 300
"""In so many characters before "the one next to him" it is looked for who he is."""


def with_ids(text: Text, view: View, images: Sequence[str], history: Sequence[Earlier]) -> tuple[Text, tuple[str, ...]]:
    """The text with ids in place of "face 2", "the woman next to her" and "the two on the left"; besides, where it is
    open whom such words mean, the faces to choose from."""
    open_: tuple[str, ...] = ()
    for phrase, told in (("person_number", _numbered), ("relative", _neighbours), ("several", _so_many)):
        text, open_ = (text, open_) if open_ else _replaced(phrase, told, text, view, images, history)
    return text, open_


_Told = Callable[[re.Match[str], Text, View, Sequence[str], Sequence[Earlier]], References]
"""Whom a match means, of which the text before it is known too."""


def _replaced(
    phrase: str, told: _Told, text: Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> tuple[Text, tuple[str, ...]]:
    known = faces_in(view, images) or faces_in(view)
    before, end = "", 0
    for match in text.matches(phrase):
        before += text.people[end : match.start()]
        meant = told(match, replace(text, people=before[-_LOOKS_BACK:]), view, images, history)
        if not meant.subjects and len(known) > 1:
            return text, meant.choices if len(meant.choices) > 1 else known
        before, end = before + " ".join(meant.subjects or known), match.end()
    return replace(text, people=before + text.people[end:]), ()


def _numbered(
    match: re.Match[str], before: Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> References:
    """ "Face 2": the second from the left, where it is clear in which photo."""
    said = parts(match)
    last = tuple(
        image for image in crowded(view, ()) if image in {image_of(subject) for subject in last_subjects(history)}
    )
    scope = existing(images, view) or (last if len(last) == 1 else view.images)
    faces = faces_in(view, scope)
    numbers = [int(digits) for digits in re.findall(r"[0-9]+", match[0])] or [before.words.count(said.get("count", ""))]
    if "stranger" in said or 0 in numbers or (len(scope) > 1 and crowded(view, scope)):
        return References()
    if max(numbers) <= len(faces):
        return References(tuple(faces[number - 1] for number in numbers))
    # Of one face the tool will say that it is the only one.
    of = scope[0].replace("image", "face") if len(scope) == 1 and len(faces) < 2 else ""
    return References(tuple(f"{of}.{number}" for number in numbers) if of else (), choices=faces)


def _so_many(
    match: re.Match[str], before: Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> References:
    """ "The two on the left", where there are more than two; "the other two", where there are two others."""
    said, scope = parts(match), with_sides(view, images, history)
    count = before.words.count(said["count"]) if "count" in said else 0
    if "others" in said:
        rest = all_but(spoken_of_before(view, images, history), view, images)
        return References(rest if len(rest) == count else (), choices=rest)
    faces = view.faces[scope[0]] or () if len(scope) == 1 else ()
    sides = {"left", "right", "middle"} & {*said}
    spare = len(faces) - count
    if not count or spare < 1 or ("middle" in sides and spare % 2):
        return References()
    start = {"left": 0, "right": spare, "middle": spare // 2}[sides.pop()]
    return References(faces[start : start + count])


def _neighbours(
    match: re.Match[str], before: Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> References:
    """ "The woman next to her", "the one to the left of face 1.3", "the next one": by the order of the faces."""
    before, open_ = _replaced("several", _so_many, before, view, images, history)
    said, people, spoken_of = all_parts(match), ways_to_point(before), spoken_of_before(view, images, history)
    # "Is the man on the left older than the one next to him?": who was named just now, before whom was spoken of.
    named = resolved(before, people, view, images, history).subjects if people - {"pronoun"} else ()
    base = tuple(face for face in named if face.startswith("face")) or spoken_of
    anchors = _anchors(said, base, before, view, images, history)
    line = next((faces for faces in view.faces.values() if faces and anchors and {*anchors} <= {*faces}), ())
    if len(line) == 1:
        # There is nobody else, which the tool will say, or there are others in other photos.
        rest = all_but(anchors, view, images)
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
    text: Text,
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
    known, found = faces_in(view), list[str]()
    for anchor in said["anchor"]:
        of = replace(text, people=anchor)
        people = ways_to_point(of)
        if people == {"pronoun"}:
            # "The man" is not the woman on the left who was just named.
            another = " " in anchor and base != spoken_of_before(view, images, history)
            who = (base or known) if len(base or known) == 1 and not another else ()
        else:
            who = resolved(of, people, view, images, history).subjects if people else ()
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


def without_ruled_out(
    text: Text, view: View, images: Sequence[str], history: Sequence[Earlier]
) -> tuple[Text, tuple[str, ...]]:
    """The text without its "not her", and whom that rules out. "It is not him, is it?" rules nobody out."""
    spoken_of = spoken_of_before(view, images, history)
    ruled_out = [_anchors(all_parts(match), spoken_of, text, view, images, history) for match in text.matches("not")]
    rest = replace(text, people=text.words["not"].sub(" ", text.people))
    if not all(ruled_out) or not (ways_to_point(rest) or rest.is_empty):
        return text, ()
    return rest, tuple(face for faces in ruled_out for face in faces)
