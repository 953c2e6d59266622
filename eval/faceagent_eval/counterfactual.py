"""Does the answer follow the tools? One tool is made to say something else, and the answer must say it too.

The other output is real evidence: what the tool says of other photos, that it abstains, or what it said with the faces
changed places. Everything works on any tool and any controller: nothing here knows what a tool measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faceagent.agent import FaceAgent
from faceagent.ground import ground, words_of
from faceagent.tool import DETECTOR, VIDEO, AnyTool, Names, Toolbox
from faceagent.types import Answer, Evidence
from faceagent_eval.world import PURPOSE, World, played

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

Seat = Callable[[str, Toolbox], "str | BaseChatModel"]
"""Makes the controller that is asked about a tool, by its name."""

QUESTIONS = {
    "detect_faces": "How many faces are there?",
    "estimate_pose": "Which way is the head turned?",
    "compare_faces": "Do these photos show the same person?",
    "estimate_attributes": "How old do they look?",
    "recognize_emotion": "What is the facial expression?",
    "assess_quality": "Is the photo sharp?",
    "parse_face": "Outline the regions of the faces.",
    "check_liveness": "Was this a live person or a print?",
    "inspect_provenance": "What does the metadata say?",
    "detect_forgery": "Is this a deepfake?",
    "examine_video": "Is this video a deepfake?",
    "anonymize_faces": "Blur the faces.",
}
"""A plain question for each tool. A tool without one is asked about by its name."""


@dataclass(frozen=True)
class Swap:
    """One tool's output exchanged. kind: in words, see `swaps`."""

    tool: str
    kind: str
    before: World
    after: World

    @property
    def changed(self) -> frozenset[tuple[str, str]]:
        """The (subject, attribute) of which the tool says something else."""
        old, new = _settled(self.before.rows[self.tool]), _settled(self.after.rows[self.tool])
        return frozenset(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


@dataclass(frozen=True)
class Followed:
    """How an answer took a swap. faults: why it did not follow; asked: whether the tool was called at all."""

    swap: Swap
    asked: bool
    faults: tuple[str, ...]


def swaps(world: World, others: Sequence[World], tools: Sequence[AnyTool]) -> Iterator[Swap]:
    """Every exchange that changes what a tool says of this world."""
    for tool in (tool.name for tool in tools if world.rows.get(tool.name)):
        # What is measured on faces that are not there would be another conversation.
        fitting = [other for other in others if tool in _FINDS_FACES or _ids(other) == _ids(world)]
        made = [Swap(tool, "other photos", world, other) for other in fitting if other.rows.get(tool)]
        made.append(Swap(tool, "abstains", world, world.changed(tool, _abstaining, "abstains")))
        made += [Swap(tool, "abstains in part", world, other) for other in _partly_abstaining(world, tool)]
        made += [Swap(tool, "another face", world, other) for other in _transplanted(world, others, tool)]
        made += [Swap(tool, "changed places", world, other) for other in _places_changed(world, tool)]
        yield from (swap for swap in made if swap.changed)


def follow(swap: Swap, seat: Seat, tools: Sequence[AnyTool]) -> Followed:
    """Ask the same question before and after the exchange, and compare the answers with the tools' own wording."""
    before, _ = _asked(swap.before, swap, seat, tools)
    after, rejected = _asked(swap.after, swap, seat, tools)
    called = swap.tool in {step.tool for step in before.steps} & {step.tool for step in after.steps}
    if not called:
        return Followed(swap, False, ())
    faults = [f"not carried by the evidence: {sentence}" for sentence in rejected]
    own = _own_sentences(after, swap, tools)
    old, new = _settled(swap.before.rows[swap.tool]), _settled(swap.after.rows[swap.tool])
    heard = {claim.sentence for claim in before.claims}
    for claim in after.claims:
        keys = {(part, claim.attribute) for part in (claim.subject, *claim.subject.split(" + "))} & swap.changed
        if not keys:
            continue
        said = (True, claim.value)
        if any(said in old.get(key, ()) and said not in new.get(key, ()) for key in keys):
            faults.append(f"says the value from before: {claim.sentence}")
        elif claim.role == "answer" and claim.sentence in heard and claim.sentence not in own:
            faults.append(f"says the sentence from before: {claim.sentence}")
    if before.claims and not after.claims and not after.not_established:
        faults.append("falls silent")
    return Followed(swap, True, tuple(faults))


_FINDS_FACES = (DETECTOR, VIDEO)


def _ids(world: World) -> set[str]:
    return {face.id for found in world.faces.values() for face in found}


def _settled(rows: Sequence[Evidence]) -> dict[tuple[str, str], list[tuple[bool, object]]]:
    """What the rows establish, of a face and an attribute by each that speaks of them. Why nothing is established may
    differ without a change of the answer."""
    settled: dict[tuple[str, str], list[tuple[bool, object]]] = {}
    for row in rows:
        settled.setdefault((row.subject, row.attribute), []).append((row.status == "ok", row.value))
    return settled


def _asked(world: World, swap: Swap, seat: Seat, tools: Sequence[AnyTool]) -> tuple[Answer, list[str]]:
    """The answer where the tool speaks of `world`; the sentences in it that the evidence does not carry."""
    box = played(tools, swap.before, world, swap.tool)
    agent = FaceAgent(seat(swap.tool, Toolbox(box)), tools=box, purpose=PURPOSE)
    session = agent.open(swap.before.media)
    answer = agent.ask(QUESTIONS.get(swap.tool, swap.tool.replace("_", " ")), session=session)
    rejected = ground(answer.claims, session.ledger.get, words=words_of(tools)).rejected
    return answer, [one.claim.sentence for one in rejected]


def _own_sentences(answer: Answer, swap: Swap, tools: Sequence[AnyTool]) -> set[str]:
    tool = next(tool for tool in tools if tool.name == swap.tool)
    images = tuple(one.id for one in answer.exhibits if one.id.startswith("image"))
    names = Names(images=images, faces=tuple(face.id for face in answer.faces))
    return {claim.sentence for claim in tool.word([row for row in answer.evidence if row.tool == swap.tool], names)}


def _abstaining(row: Evidence) -> Evidence:
    gone = {"value": None, "score": None, "threshold": None, "probability": None, "interval": None}
    return row.model_copy(update={**gone, "status": "abstained", "reason": "the picture is not clear enough for this"})


def _partly_abstaining(world: World, tool: str) -> Iterator[World]:
    """The tool abstains on one thing that it measures and not on the others."""
    attributes = tuple(dict.fromkeys(row.attribute for row in world.rows[tool]))
    for attribute in attributes if len(attributes) > 1 else ():

        def change(row: Evidence, attribute: str = attribute) -> Evidence:
            return _abstaining(row) if row.attribute == attribute else row

        yield world.changed(tool, change, f"abstains on {attribute}")


def _transplanted(world: World, others: Sequence[World], tool: str) -> Iterator[World]:
    """One face, photo or pair with the measurements of another one elsewhere, each finding once."""
    seen: set[str] = set()
    for target in dict.fromkeys(row.subject for row in world.rows[tool]):
        for other in others:
            for donor in dict.fromkeys(row.subject for row in other.rows.get(tool, ())):
                found = [row.model_copy(update={"subject": target}) for row in other.rows[tool] if row.subject == donor]
                told = str([(row.attribute, row.status, row.value) for row in found])
                if _kind(donor) == _kind(target) and told not in seen:
                    seen.add(told)
                    rows = [row for row in world.rows[tool] if row.subject != target]
                    place = [row.subject for row in world.rows[tool]].index(target)
                    rows[place:place] = found
                    yield replace(
                        world, name=f"{target} as {donor}, {other.name}", rows={**world.rows, tool: tuple(rows)}
                    )


def _kind(subject: str) -> str:
    return " + ".join(part.split()[0] for part in subject.split(" + "))


def _places_changed(world: World, tool: str) -> Iterator[World]:
    """The first two faces of a photo with the measurements of each other."""
    for image, faces in world.faces.items():
        if len(faces) < 2:
            continue
        first, second = faces[0].id, faces[1].id
        other = {first: second, second: first}

        def change(row: Evidence, other: dict[str, str] = other) -> Evidence:
            parts = sorted(other.get(part, part) for part in row.subject.split(" + "))
            return row.model_copy(update={"subject": " + ".join(parts)})

        rows = [change(row) for row in world.rows[tool]]
        order = {face.id: place for place, face in enumerate(face for found in world.faces.values() for face in found)}
        rows.sort(key=lambda row: order.get(row.subject, -1) if row.subject.startswith("face") else -1)
        yield World(f"{image} changed", world.media, world.faces, {**world.rows, tool: tuple(rows)}, world.stills)
