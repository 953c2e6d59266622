"""What the embedded controller does about a question: the tool calls, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from faceagent.controllers.draft import View
from faceagent.controllers.intents import References, references
from faceagent.controllers.planner import HELP, Intent, Reading, planner
from faceagent.narrate import LABELS
from faceagent.policy import declined, topics
from faceagent.tool import DETECTOR, VIDEO
from faceagent.types import AnswerStatus


@dataclass(frozen=True)
class Call:
    """A tool call, hashable: arguments as JSON with sorted keys."""

    tool: str
    arguments: str

    @staticmethod
    def of(tool: str, **arguments: Sequence[str]) -> Call:
        given = {key: list(value) for key, value in arguments.items() if value}
        return Call(tool, json.dumps(given, sort_keys=True))


@dataclass(frozen=True)
class Plan:
    """asked: tools whose evidence answers the question, most important first."""

    status: AnswerStatus = "answered"
    calls: tuple[Call, ...] = ()
    asked: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()


PIXELS, RECORDS = "detect_forgery", "inspect_provenance"
CAN_DO = (
    "I answer questions about faces in photos and videos: how many there are, whether two show the same person, how "
    "old they look, what else can be seen of them, where they look, whether a face was live or a print, whether a "
    "photo is good enough for a purpose, whether its pixels bear traces of forgery, and what a file's own records say "
    "about its origin. I can outline the regions of a face and hide faces in a copy. Expressions and perceived "
    "ethnicity I read only for a stated purpose. Every sentence of an answer names the measurement that it rests on."
)
UNCLEAR = (
    "I am not sure what you would like to know. You could ask how many faces there are, whether two photos show the "
    "same person, how old somebody looks, whether the photo is good enough for a comparison, or what the file says "
    "about its origin."
)


def plan(question: str, view: View, tools: Sequence[str]) -> Plan:
    """Map a question to tool calls.

    Args:
        view: the ids in the conversation, including those that tool calls have brought since the question.
        tools: names of the tools that may be called.
    """
    reading = planner().read(question)
    refusals = _refusals(question, reading)
    wanted = reading.intents
    if not wanted or (refusals and all(intent.alone for intent in wanted)):
        # "Tell me whether he is a criminal" asks for nothing besides.
        return _without_intent(reading, refusals)
    films = view.videos if VIDEO in tools else {}
    known = _known(wanted, view, films=bool(films))
    asked = tuple(name for name in known if name in tools)
    missing = tuple(
        f"{LABELS[name]} is not offered in this installation." for name in known if name not in tools and name in LABELS
    )
    if films and RECORDS in {name for intent in wanted for name in intent.tools}:
        missing = (*missing, "The records inside a video are not read in this version.")
    if not asked:
        return Plan(status="declined" if refusals else "not_offered", remarks=refusals, not_offered=missing)
    if films and (None in films.values() or not view.images):
        # Who is to be seen is known when a video has been looked at; then its stills are photos like any other.
        looking = None in films.values()
        return Plan(
            calls=(Call.of(VIDEO),), asked=asked if looking else (VIDEO,), remarks=refusals, not_offered=missing
        )
    if not view.images:
        return Plan(status="needs_photo", remarks=(*refusals, "Please give me the photo that your question is about."))
    pointed = references(question, view.images)
    if pointed.side and any(faces is None for faces in view.faces.values()):
        # "The woman on the left" can only be resolved when the faces are known.
        return Plan(calls=(Call.of(DETECTOR),), asked=asked, remarks=refusals, not_offered=missing)
    first = tuple(
        name
        for intent in wanted
        for name in intent.before
        if name in tools and name not in asked and (view.photos or not films)
    )
    about = {name: _about(name, wanted) for name in asked}
    calls = tuple(_call(name, pointed, view, about.get(name, ())) for name in (*first, *asked))
    return Plan(calls=calls, asked=asked, remarks=refusals, not_offered=missing)


_OF_PHOTOS = frozenset({DETECTOR, PIXELS, RECORDS})
"""What is asked of a photo as a file or as a whole. Of a video the frames answer, not the stills taken from it."""


def _known(wanted: Sequence[Intent], view: View, *, films: bool) -> tuple[str, ...]:
    """The tools that answer a question, whether they are installed or not, most important first."""
    named = tuple(dict.fromkeys(name for intent in wanted for name in intent.tools))
    if not films:
        return named
    looked_at = tuple(name for name in named if view.photos or name not in _OF_PHOTOS)
    return (VIDEO, *looked_at) if {PIXELS, DETECTOR} & set(named) else looked_at


def _refusals(question: str, reading: Reading) -> tuple[str, ...]:
    """Why parts of a question are not answered. What the phrases of declined.toml find is declined in any case: the
    network may add to it, in other words or another language, and never takes from it."""
    found = {topic.name for topic in (*declined(question), *reading.declined)}
    return tuple(topic.why for topic in topics() if topic.name in found)


def _without_intent(reading: Reading, refusals: tuple[str, ...]) -> Plan:
    if refusals:
        return Plan(status="declined", remarks=refusals)
    if reading.chat == HELP:
        return Plan(remarks=(CAN_DO,))
    if reading.chat:
        return Plan(remarks=("Hello. Give me one or more photos and ask a question about the faces in them.",))
    return Plan(status="needs_clarification", remarks=(_asking_back(reading.maybe) or UNCLEAR,))


def _asking_back(maybe: Sequence[Intent]) -> str:
    """A question about what was meant; "" where nothing is likely enough to name."""
    meant = [intent.means for intent in maybe[:_MOST_OFFERED]]
    if not meant:
        return ""
    return f"I am not sure what you would like: {', or '.join(meant)}? Please say it in other words."


_MOST_OFFERED = 3


_BY_IMAGE = frozenset({DETECTOR, RECORDS})


def _about(tool: str, wanted: Sequence[Intent]) -> tuple[str, ...]:
    """What of a tool the question is about; empty, which means all of it, where one of its intents does not say."""
    named = [intent.about for intent in wanted if tool in intent.tools]
    return tuple(dict.fromkeys(item for about in named for item in about)) if all(named) else ()


def _call(name: str, pointed: References, view: View, about: tuple[str, ...] = ()) -> Call:
    if name == VIDEO:
        return Call.of(name)
    subjects = _subjects(pointed, view)
    if view.videos and name in _OF_PHOTOS:
        subjects = subjects or view.photos
    if name in _BY_IMAGE:
        images = dict.fromkeys(
            f"image {subject.split()[1].split('.')[0]}" if subject.startswith("face") else subject
            for subject in subjects
        )
        return Call.of(name, images=tuple(images))
    if name == "compare_faces" and len(subjects) == 1 and len(view.images) > 1 and subjects[0].startswith("image"):
        # "Is this the person in photo 2?" compares photo 2 with the others.
        return Call.of(name)
    return Call.of(name, subjects=subjects, about=about)


def _subjects(pointed: References, view: View) -> tuple[str, ...]:
    """The ids that the question points at; empty means all."""
    sided: tuple[str, ...] = ()
    if pointed.side:
        scope = [image for image in pointed.images if image in view.faces] or view.images
        # The side names a face in the photo that the question does not name otherwise: the first with several faces.
        for image in (*scope, *view.images):
            faces = view.faces.get(image) or ()
            if len(faces) > 1:
                sided = (faces[0] if pointed.side == "left" else faces[-1],)
                break
    images = tuple(image for image in pointed.images if not any(f"face {image[6:]}." in face for face in sided))
    return (*pointed.faces, *sided, *images)
