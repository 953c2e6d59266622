"""What the embedded controller does about a question: the tool calls, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

from faceagent.controllers import clarify
from faceagent.controllers.draft import ATTRIBUTES, Earlier, View
from faceagent.controllers.naming import (
    another_name_in,
    consent_in,
    document_in,
    more_suspicious_in,
    name_in,
    outside_faces_in,
    protected_in,
    reasons_in,
    sharpest_in,
    thanks_in,
)
from faceagent.controllers.planner import HELP, OUTSIDE, Intent, Reading, planner
from faceagent.controllers.refer import doubts_only, points_only, references, without_age_reference
from faceagent.controllers.sequence import in_sequence
from faceagent.controllers.whom import References, image_of
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
    def of(tool: str, **arguments: Sequence[str] | bool) -> Call:
        given = {
            key: value if isinstance(value, str | bool) else list(value) for key, value in arguments.items() if value
        }
        return Call(tool, json.dumps(given, sort_keys=True))


@dataclass(frozen=True)
class Plan:
    """asked: tools whose evidence answers the question, most important first.

    in_turn: the question says in which order it wants the calls' answers. lacking: tools that were asked for and wait
    for what is asked back: a name, or consent.
    """

    status: AnswerStatus = "answered"
    calls: tuple[Call, ...] = ()
    asked: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()
    in_turn: bool = False
    lacking: tuple[str, ...] = ()


PIXELS, RECORDS, QUALITY = "detect_forgery", "inspect_provenance", "assess_quality"
ENROL, FORGET, PROTECTED = "enroll_person", "forget_person", "verify_protected_identity"
UNDER_WHICH_NAME = "Under which name shall I enrol the person?"
WITH_CONSENT = "Did the person agree, and how?"
AS_IN = "Please say it in one sentence, as in: enrol face 1.1 as “Anna Bell”, who agreed in writing on 2 May."
WHOM_TO_FORGET = "Whom shall I erase? Please give the name, as in: erase “Anna Bell”."
CAN_DO = (
    "I answer questions about faces in photos and videos: how many there are, whether two show the same person, how "
    "old they look, what else can be seen of them, where they look, whether a face was live or a print, whether a "
    "photo is good enough for a purpose, whether its pixels bear traces of forgery, and what a file's own records say "
    "about its origin.",
    "I can outline the regions of a face and hide faces in a copy.",
    "With a gallery, I enrol people who agreed to it, know them again, check whether a photo of a protected person is "
    "authentic, and erase them.",
    "Expressions and perceived ethnicity I read only for a stated purpose.",
    "Every sentence of an answer names the measurement that it rests on.",
)
HELLO = "Hello. Give me one or more photos and ask a question about the faces in them."
NOT_ABOUT_FACES = "That seems to have nothing to do with the faces in a photo or video."
WELCOME = "You are welcome. Ask on, about this photo or another."
NO_PHOTO = "Please give me the photo that your question is about."

Read = Callable[[str], Reading]
"""What a question asks for."""


def of_itself(offered: Container[str]) -> frozenset[str]:
    """What this package says of itself and its policy, word for word: any controller may say it, without evidence.

    Args:
        offered: names of the tools that are installed, of which it is not said that they are missing.
    """
    missing = (not_offered(name) for name in LABELS if name not in offered)
    asking = (HELLO, WELCOME, NOT_ABOUT_FACES, NO_PHOTO, UNDER_WHICH_NAME, WITH_CONSENT, AS_IN, WHOM_TO_FORGET)
    return frozenset((*(topic.why for topic in topics()), *missing, *CAN_DO, *asking))


def not_offered(tool: str) -> str:
    return f"{LABELS[tool]} is not offered in this installation."


def plan(
    question: str, view: View, tools: Sequence[str], history: Sequence[Earlier] = (), read: Read | None = None
) -> Plan:
    """Map a question to tool calls.

    Args:
        view: the ids in the conversation, including those that tool calls have brought since the question.
        tools: names of the tools that may be called.
        history: earlier questions, oldest first.
        read: by default the network of planner.py.
    """
    read = read or planner().read
    while history and doubts_only(question):
        # "Are you sure?" is answered by what was measured, with its reasons and doubts.
        question, history = history[-1].question, history[:-1]
    meant = _meant(question, history, read)
    reading = read(without_age_reference(meant))
    refusals = _refusals(meant, reading)
    wanted = reading.intents
    if not wanted or (refusals and all(intent.alone for intent in wanted)):
        # "Tell me whether he is a criminal" asks for nothing besides.
        return _without_intent(question, reading, refusals) or _asking_back(question, reading, view, tools, history)
    films = view.videos if {VIDEO, RECORDS} & set(tools) else {}
    known = _known(wanted, view, films=bool(films))
    asked = tuple(name for name in known if name in tools)
    missing = tuple(not_offered(name) for name in known if name not in tools and name in LABELS)
    if not asked:
        return Plan(status="declined" if refusals else "not_offered", remarks=refusals, not_offered=missing)
    if asked == (FORGET,):
        return _forgetting(question, Plan(asked=asked, remarks=refusals, not_offered=missing))
    if films and (calls := _on_films(asked, view, tools, _about(RECORDS, wanted))):
        looking = None in films.values()
        told = asked if looking else tuple(call.tool for call in calls)
        return Plan(calls=calls, asked=told, remarks=refusals, not_offered=missing)
    if not view.images:
        return Plan(status="needs_photo", remarks=(*refusals, NO_PHOTO))
    turns = _turns(meant, wanted, read)
    if len(turns) > 1:
        named = tuple(dict.fromkeys(name for turn in turns for intent in turn for name in intent.tools))
        asked = tuple(sorted(asked, key=lambda name: named.index(name) if name in named else -1))
    base = Plan(asked=asked, remarks=refusals, not_offered=missing, in_turn=len(turns) > 1)
    return _about_whom(question, base, turns, view, tools, history)


def _turns(question: str, wanted: tuple[Intent, ...], read: Read) -> tuple[tuple[Intent, ...], ...]:
    """What is asked for in the order in which the question wants it; all at once where it says none."""
    turns: list[tuple[Intent, ...]] = []
    left = wanted
    for part in in_sequence(question):
        found = read(without_age_reference(part)).intents
        turns.append(tuple(intent for intent in left if intent in found))
        left = tuple(intent for intent in left if intent not in found)
    return tuple(turn for turn in (*turns, left) if turn)


def _on_films(asked: Sequence[str], view: View, tools: Sequence[str], about: tuple[str, ...]) -> tuple[Call, ...]:
    """The calls where nothing but videos can be asked yet; none where their stills or photos can be.

    Who is to be seen is known when a video has been looked at; then its stills are photos like any other. Its file can
    be asked at once.
    """
    records = (Call.of(RECORDS, about=about),) if RECORDS in asked else ()
    frames = (Call.of(VIDEO),) if VIDEO in tools and set(asked) != {RECORDS} else ()
    if frames and None in view.videos.values():
        return frames
    return () if view.images else (*frames, *records)


def _forgetting(question: str, base: Plan) -> Plan:
    """Who is erased is known by name alone, and needs no photo."""
    name = name_in(question, FORGET)
    if not name:
        return Plan(status="needs_clarification", lacking=(FORGET,), remarks=(*base.remarks, WHOM_TO_FORGET))
    return replace(base, calls=(Call.of(FORGET, name=name),))


def _lacking(question: str, asked: Sequence[str]) -> tuple[str, ...]:
    """What has to be said before somebody can be enrolled."""
    if ENROL not in asked:
        return ()
    wanted = ((name_in(question, ENROL), UNDER_WHICH_NAME), (consent_in(question), WITH_CONSENT))
    lacking = tuple(remark for given, remark in wanted if not given)
    return (*lacking, AS_IN) if lacking else ()


def _without_enrolment(base: Plan, lacking: tuple[str, ...]) -> Plan:
    """Nobody is enrolled before it is said under which name and with which consent; what else was asked is answered."""
    rest = tuple(name for name in base.asked if name != ENROL)
    status: AnswerStatus = "partly_answered" if rest else "needs_clarification"
    return replace(base, status=status, asked=rest, lacking=(ENROL,), remarks=(*base.remarks, *lacking))


def _about_whom(
    question: str,
    base: Plan,
    turns: Sequence[Sequence[Intent]],
    view: View,
    tools: Sequence[str],
    history: Sequence[Earlier],
) -> Plan:
    """The calls of a plan whose tools are known, on those whom the question is about."""
    pointed = _pointed(question, base.asked, view, history)
    if pointed.needs == "faces":
        new = tuple(image for image, faces in view.faces.items() if faces is None)
        return replace(base, calls=(Call.of(DETECTOR, images=() if len(new) == len(view.faces) else new),))
    if pointed.needs == "ages" and ATTRIBUTES in tools:
        return replace(base, calls=(Call.of(ATTRIBUTES, about=("age_order",)),))
    if pointed.choices or pointed.needs:
        understood = tuple(intent for turn in turns for intent in turn)
        remark = clarify.whom(pointed.choices or _all_faces(view), view, understood)
        return Plan(status="needs_clarification", remarks=(*base.remarks, remark))
    if lacking := _lacking(question, base.asked):
        base = _without_enrolment(base, lacking)
        if not base.asked:
            return base
    made = (call for turn in turns for call in _calls(turn, _of(turn, base), tools, pointed, view))
    calls = tuple(dict.fromkeys(_with_stated(question, call) for call in made))
    if pointed.by_age and ATTRIBUTES in tools:
        # Who looks older is part of the answer: the rest rests on it.
        base = replace(base, asked=tuple(dict.fromkeys((*base.asked, ATTRIBUTES))))
    return replace(base, calls=calls)


def _meant(question: str, history: Sequence[Earlier], read: Read) -> str:
    """The question whose intent holds: of "and the other one?" that of the last question that had one."""
    if not points_only(question):
        return question
    before = (earlier.question for earlier in reversed(history) if not points_only(earlier.question))
    return next((text for text in before if read(text).intents or declined(text)), question)


_COMPARES = "compare_faces"
_PARTS = "parse_face"


def _pointed(question: str, asked: Sequence[str], view: View, history: Sequence[Earlier]) -> References:
    pointed = references(question, view, history)
    of_one = set(asked) - {DETECTOR, RECORDS, VIDEO, _COMPARES}
    if of_one or not (pointed.vague or pointed.choices):
        return pointed
    # "When was this picture of her taken?" and "is he the same as the other?" are not about one of several faces.
    return References(tuple(subject for subject in pointed.subjects if subject.startswith("image")))


def _of(turn: Sequence[Intent], base: Plan) -> tuple[str, ...]:
    """The tools of a plan that answer this much of the question."""
    named = {name for intent in turn for name in intent.tools}
    return tuple(name for name in base.asked if name in named or not base.in_turn)


def _calls(
    wanted: Sequence[Intent], asked: Sequence[str], tools: Sequence[str], pointed: References, view: View
) -> tuple[Call, ...]:
    first = tuple(
        name
        for intent in wanted
        for name in intent.before
        if name in tools and name not in asked and (view.photos or not view.videos)
    )
    calls = (_call(name, pointed, view, _about(name, wanted)) for name in (*first, *asked))
    # Who compares faces and asks for their parts wants to hear which parts the likeness rests on.
    return tuple(_explained(call) if {_COMPARES, _PARTS} <= set(asked) else call for call in calls)


def _explained(call: Call) -> Call:
    if call.tool != _COMPARES:
        return call
    return Call.of(call.tool, **(json.loads(call.arguments) | {"explain": True}))


_OF_PHOTOS = frozenset({DETECTOR, PIXELS})
"""What is asked of a photo as a whole. Of a video the frames answer, not the stills taken from it."""


def _known(wanted: Sequence[Intent], view: View, *, films: bool) -> tuple[str, ...]:
    """The tools that answer a question, whether they are installed or not, most important first."""
    named = tuple(dict.fromkeys(name for intent in wanted for name in intent.tools))
    if ENROL in named:
        # "Enrol her as a protected person" does not doubt that it is her.
        named = tuple(name for name in named if name != PROTECTED)
    if not films:
        return named
    looked_at = tuple(name for name in named if view.photos or name not in _OF_PHOTOS)
    return (VIDEO, *looked_at) if {PIXELS, DETECTOR} & set(named) else looked_at


def _refusals(question: str, reading: Reading) -> tuple[str, ...]:
    """Why parts of a question are not answered. What the phrases of declined.toml find is declined in any case: the
    network may add to it, in other words or another language, and never takes from it."""
    found = {topic.name for topic in (*declined(question), *reading.declined)}
    return tuple(topic.why for topic in topics() if topic.name in found)


def _without_intent(question: str, reading: Reading, refusals: tuple[str, ...]) -> Plan | None:
    if refusals:
        return Plan(status="declined", remarks=refusals)
    if reading.chat == HELP:
        return Plan(remarks=CAN_DO)
    if reading.chat == OUTSIDE:
        return Plan(status="not_offered", remarks=(NOT_ABOUT_FACES, CAN_DO[0]))
    return Plan(remarks=(WELCOME if thanks_in(question) else HELLO,)) if reading.chat else None


def _asking_back(question: str, reading: Reading, view: View, tools: Sequence[str], history: Sequence[Earlier]) -> Plan:
    remark = clarify.what(reading.maybe, references(question, view, history), view, tools)
    return Plan(status="needs_clarification", remarks=(remark,))


_BY_IMAGE = frozenset({DETECTOR, RECORDS})


def _about(tool: str, wanted: Sequence[Intent]) -> tuple[str, ...]:
    """What of a tool the question is about; empty, which means all of it, where one of its intents does not say."""
    named = [intent.about for intent in wanted if tool in intent.tools]
    return tuple(dict.fromkeys(item for about in named for item in about)) if all(named) else ()


def _call(name: str, pointed: References, view: View, about: tuple[str, ...] = ()) -> Call:
    if name == VIDEO:
        return Call.of(name)
    subjects = pointed.subjects
    if view.videos and name in _OF_PHOTOS:
        subjects = subjects or view.photos
    if name in _BY_IMAGE:
        images = tuple(dict.fromkeys(image_of(subject) for subject in subjects))
        return _on_files(images, view, about) if name == RECORDS else Call.of(name, images=images)
    if name == _COMPARES and len(subjects) == 1:
        # "Is this the person in photo 2?" compares photo 2 with the others; one face is compared with all.
        if subjects[0].startswith("face"):
            subjects = tuple(dict.fromkeys((*subjects, *_all_faces(view))))
        elif len(view.images) > 1:
            subjects = ()
    return Call.of(name, subjects=subjects, about=about)


def _on_files(images: Sequence[str], view: View, about: tuple[str, ...]) -> Call:
    """Records are those of a file: for a frame taken out of a video, the video's."""
    of = {still: video for video, stills in view.videos.items() for still in stills or ()}
    photos = [image for image in images if image not in of]
    videos = tuple(dict.fromkeys(of[image] for image in images if image in of))
    return Call.of(RECORDS, images=photos, videos=videos, about=about)


def _with_stated(question: str, call: Call) -> Call:
    """The call with what the question states for it: name, consent and protection for the gallery, what of the
    quality or of the pixels is asked about, and whether a likeness is to be explained."""
    if call.tool == QUALITY:
        return _asked_about(call, {"document": document_in(question), "sharpest": sharpest_in(question)})
    if call.tool == PIXELS:
        return _asked_about(call, {"which": more_suspicious_in(question), "outside": outside_faces_in(question)})
    if call.tool == _COMPARES and reasons_in(question):
        return _explained(call)
    if call.tool not in (ENROL, FORGET, PROTECTED):
        return call
    given = {"name": name_in(question, call.tool)}
    if call.tool == ENROL:
        return Call.of(
            ENROL,
            **json.loads(call.arguments),
            **given,
            consent=consent_in(question),
            protected=protected_in(question),
            another_name=another_name_in(question),
        )
    return Call.of(call.tool, **(json.loads(call.arguments) if call.tool == PROTECTED else {}), **given)


def _asked_about(call: Call, stated: Mapping[str, bool]) -> Call:
    return Call.of(call.tool, **json.loads(call.arguments), about=[name for name, holds in stated.items() if holds])


def _all_faces(view: View) -> tuple[str, ...]:
    return tuple(face for faces in view.faces.values() for face in faces or ())
