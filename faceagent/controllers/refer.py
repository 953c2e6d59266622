"""Whom a question points at: "face 1.2", "photo 2", "the woman on the left", "the two on the right", "the one next to
her", "the older one", "the other one", "her".

Where several faces could be meant, they are offered to choose from (`References.choices`) and none is guessed.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from faceagent.controllers.beside import with_ids, without_ruled_out
from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.pointing import languages, parts, plain
from faceagent.controllers.whom import (
    VAGUE,
    References,
    Text,
    all_but,
    existing,
    faces_in,
    image_of,
    last_subjects,
    on_its_own,
    resolved,
    ways_to_point,
)

_POINTS = (
    "except",
    "relative",
    "several",
    "person_number",
    "face_number",
    "photo_number",
    "nth_photo",
    "side_photo",
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


def references(question: str, view: View, history: Sequence[Earlier] = ()) -> References:
    """Resolve what a question points at.

    Args:
        view: photos and faces in view, with what was found since the question.
        history: earlier questions and what their answers were about, oldest first.
    """
    text = _without_sides(Text.of(question), view)
    images = _images(text, view, history)
    people = ways_to_point(text)
    if not people:
        return References(images or _inherited(text, view, history))
    if any(view.faces.get(image) is None for image in existing(images, view) or view.images) and people != {"written"}:
        return References(images, needs="faces", vague=people <= VAGUE)
    if "age" in people and view.by_age is None and len(faces_in(view, images)) > 1:
        return References(images, needs="ages")
    text, open_ = with_ids(text, view, images, history)
    if open_:
        return References(choices=open_)
    text, ruled_out = without_ruled_out(text, view, images, history)
    people = ways_to_point(text) - {"not"}
    if text.has("except"):
        found = _besides(resolved(text, people - {"other", "others"}, view, images, history), view, images)
    else:
        found = resolved(text, people, view, images, history)
    if ruled_out:
        found = _less(found, ruled_out, text, view, images)
    if len(found.subjects) == len(faces_in(view)) == 1 and found.subjects == faces_in(view):
        return replace(found, subjects=())  # there is nobody else: the same as everything
    return found


def points_only(question: str) -> bool:
    """Whether a question does nothing but point: "and the other one?", "what about her?", "the left one"."""
    text = Text.of(question)
    start = on_its_own(text.plain, text.words)
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
        words["doubts"].search(written) and words["filling"].fullmatch(on_its_own(written, words))
        for words in languages()
    )


def without_age_reference(question: str) -> str:
    """The question without its "the older one": whoever says so does not ask who is older."""
    text, (_, places) = Text.of(question), plain(question)
    if text.asks_order:
        return question
    for match in reversed(list(text.words["by_age"].finditer(text.plain))):
        first, last = places[match.start()], places[match.end() - 1]
        question = question[:first] + text.words.the_one + question[last + 1 :]
    return question


def _without_sides(text: Text, view: View) -> Text:
    """Of several photos, "the left photo" is one of them, and no place in it."""
    if len(view.images) < 2:
        return text
    return replace(text, people=text.words["side_photo"].sub(" ", text.people))


def _images(text: Text, view: View, history: Sequence[Earlier]) -> tuple[str, ...]:
    named = [f"image {parts(match)['number']}" for match in text.words["photo_number"].finditer(text.plain)]
    for said in map(parts, text.words["nth_photo"].finditer(text.plain)):
        place = text.words.place(said["nth"])
        if view.images and place < len(view.images):
            named.append(view.images[place])
    if len(view.images) > 1:
        sides = map(parts, text.words["side_photo"].finditer(text.plain))
        named += [view.images[0 if "left" in said else -1] for said in sides]
    if text.has("other_photo"):
        before = {image_of(subject) for subject in last_subjects(history)}
        rest = [image for image in view.images if image not in before]
        named += rest if before and len(rest) == 1 else []
    if not named and text.has("it"):
        before_it = last_subjects(history)
        named += before_it if before_it and all(subject.startswith("image") for subject in before_it) else []
    return tuple(dict.fromkeys(named))


def _besides(found: References, view: View, images: Sequence[str]) -> References:
    """ "Everyone except her": where it is clear who she is, the others."""
    named = tuple(subject for subject in found.subjects if subject.startswith("face"))
    return found if found.choices or not named else replace(found, subjects=all_but(named, view, images), vague=False)


def _less(found: References, ruled_out: Container[str], text: Text, view: View, images: Sequence[str]) -> References:
    """Those that a question means without those that it does not; the others, where it says no more."""
    named = tuple(subject for subject in found.subjects if subject.startswith("face"))
    left = tuple(face for face in named or found.choices or faces_in(view, images) if face not in ruled_out)
    if not left:
        return found
    sure = named or text.has("all") or len(left) == 1
    return replace(found, subjects=left if sure else (), choices=() if sure else left)


def _inherited(text: Text, view: View, history: Sequence[Earlier]) -> tuple[str, ...]:
    """ "And the glasses?" stays with whom the last answer was about."""
    words = text.words
    if not (words["begins"].search(text.plain) or words["ends"].search(text.plain)) or text.has("all"):
        return ()
    last = tuple(subject for subject in last_subjects(history) if subject in (*view.images, *faces_in(view)))
    return () if set(last) >= set(faces_in(view)) or set(last) >= set(view.images) else last
