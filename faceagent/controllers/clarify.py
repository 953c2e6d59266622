"""What is asked back: which of the things that a question may ask for is meant, and of whom."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from functools import cache

from faceagent.controllers.draft import View
from faceagent.controllers.planner import Intent, table
from faceagent.controllers.whom import References, image_of

MOST = 3
"""Readings that are offered to choose from."""
_USUAL_OF_ONE = ("appearance", "age", "authenticity", "quality", "faces")
_USUAL_OF_SEVERAL = ("comparison", "age", "authenticity", "quality", "faces")
_NTH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SOMEBODY, _PHOTO = "somebody", "the photo"
_ASKING = re.compile(r"\b(?:Are you|You are) asking\b")
_LEFT = "something"  # in place of a reading
_WHO = (
    r"(?:somebody|the person(?: (?:on the (?:far )?(?:left|right)|in the middle|"
    rf"who is (?:{'|'.join(_NTH)}|number \d+) from the left)(?: of image \d+)?)?)"
)


def what(maybe: Sequence[Intent], pointed: References, view: View, tools: Container[str]) -> str:
    """The question back: what is asked for, with up to three readings to choose from.

    Args:
        maybe: what it could be, the likeliest first; where that is one thing or nothing, what people usually ask of
            such photos is offered beside it.
        pointed: whom the question is about.
        tools: names of the tools that could answer.
    """
    known = [face for faces in view.faces.values() for face in faces or ()]
    one = [face for face in pointed.subjects if face in known] or (known if len(view.images) == 1 else [])
    who = one[0] if len(one) == 1 else None
    several = who is None and (len(known) > 1 or len(view.images) > 1)
    usual = () if len(maybe) > 1 else _usual(maybe, _USUAL_OF_SEVERAL if several else _USUAL_OF_ONE, tools)
    offered = [*maybe, *usual][:MOST]
    readings = [_of(intent.means, who, pointed, view) for intent in offered]
    if len(maybe) > 1:
        lead = "Your question can be read in different ways."
    elif maybe:
        lead = "I am not sure that I read your question right."
    else:
        about = f" about {_person(who, view)}" if who in pointed.subjects else ""
        lead = f"I cannot make out what you would like to know{about}."
    return f"{lead} Are you asking {_listed(readings)}?" if readings else f"{lead} Please say it in other words."


def whom(choices: Sequence[str], view: View, wanted: Sequence[Intent] = ()) -> str:
    """The question back: which of these faces is meant, by their places, after what was understood."""
    lead = f"You are asking {_listed([intent.means for intent in wanted], 'and')}. " if wanted else ""
    if len(choices) > 6:
        return (
            f"{lead}Which of the {len(choices)} faces do you mean? They are counted from left to right: name one by "
            f"its place or its number, such as “the second from the left” or “{choices[1]}”."
        )
    return f"{lead}Which one do you mean: {_listed([_person(face, view) for face in choices], comma=False)}?"


def struck(sentence: str) -> str:
    """A question back without the readings that it offers, which state nothing; any other sentence as it is."""
    asking = _ASKING.search(sentence)
    return sentence if asking is None else sentence[: asking.end()] + _readings().sub(_LEFT, sentence[asking.end() :])


@cache
def _readings() -> re.Pattern[str]:
    """What intents mean, of anybody and of any photo."""
    meant = sorted((re.escape(intent.means) for intent in table()), key=len, reverse=True)
    of = (
        one.replace(re.escape(_SOMEBODY), _WHO).replace(re.escape(_PHOTO), rf"(?:{re.escape(_PHOTO)}|image \d+)")
        for one in meant
    )
    return re.compile("|".join(of))


def _usual(maybe: Sequence[Intent], names: Sequence[str], tools: Container[str]) -> Iterable[Intent]:
    known = {intent.name: intent for intent in table()}
    usual = (known[name] for name in names)
    return (intent for intent in usual if intent not in maybe and any(name in tools for name in intent.tools))


def _of(means: str, who: str | None, pointed: References, view: View) -> str:
    """What an intent means, of the one whom the question is about, or of the photo that it points at."""
    images = [subject for subject in pointed.subjects if subject in view.images]
    if len(images) == 1:
        means = means.replace(_PHOTO, images[0])
    if who is None:
        return means
    place = _place(who, view)
    return means.replace(_SOMEBODY, "the person" if place.startswith("in image") else f"the person {place}")


def _listed(items: Sequence[str], word: str = "or", *, comma: bool = True) -> str:
    *most, last = items
    return f"{', '.join(most)}{',' if comma and len(most) > 1 else ''} {word} {last}" if most else last


def _person(face: str, view: View) -> str:
    return f"the person {_place(face, view)} ({face})"


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
    return f"who is {_NTH[place] if place < len(_NTH) else f'number {place + 1}'} from the left{of}"
