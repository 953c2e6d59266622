"""Is every sentence carried by its evidence? Questions times photos, for any controller.

Two things are counted: what was said, which the agent has already held against the evidence (anything but 100 % is a
fault of the agent), and what the controller drafted before that, which is the controller's own merit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceagent.agent import FaceAgent
from faceagent.ground import Grounded, ground, words_of
from faceagent.media import Photo
from faceagent_eval.asking import Asking, Held, Overhears, conduct, held, share
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import resampled

QUESTIONS = (
    "How many faces are there?",
    "Is this photo real?",
    "What does the metadata say?",
    "How old do they look?",
    "Who looks the oldest?",
    "Is the photo sharp?",
    "Is it good enough for a passport?",
    "Which way is the head turned?",
    "Are the eyes open?",
    "What is the facial expression?",
    "Do they wear glasses or a beard?",
    "Is it a man or a woman?",
    "Do these photos show the same person?",
    "Was this a live person or a print?",
    "Outline the regions of the face.",
    "Tell me everything about this photo.",
    "Is he a criminal?",
    "What is the weather like?",
)


Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Item:
    question: str
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class Measured:
    """said, drafted: claims held against the evidence. drafts: how many there were; unreadable: turns that were none.
    conversation: as it went."""

    said: Grounded
    drafted: Grounded
    drafts: int
    unreadable: int
    conversation: Held

    @property
    def whole(self) -> bool:
        """Whether all was carried that the controller drafted; where it drafted nothing, nothing was."""
        return self.drafts > 0 and not self.drafted.rejected


class GroundedAnswers(Asking[Item, Measured]):
    name = "grounded"
    about = "share of sentences that their evidence carries, over questions and photos, for any controller"

    def items(self) -> Sequence[Item]:
        photos = self.photos()
        self._tools = self.tools()
        singly = [Item(question, (photo,)) for photo in photos for question in QUESTIONS]
        return [*singly, *(Item(question, tuple(photos)) for question in QUESTIONS if len(photos) > 1)]

    def measure(self, item: Item) -> Measured:
        controller, ear = self.seated(self._tools), Overhears()
        controller.callbacks = [ear]
        agent = FaceAgent(controller, tools=self._tools, purpose="research")
        session = agent.open(item.photos)
        conversation = held(agent, item.question, session)
        answer = conversation.answer.claims if conversation.answer else ()
        drafts = [claim for draft in ear.drafts for claim in draft.claims]
        said, drafted = (ground(claims, session.ledger.get, words=words_of(self._tools)) for claims in (answer, drafts))
        return Measured(said, drafted, len(ear.drafts), ear.unreadable, conversation)

    def score(self, measured: Sequence[Measured]) -> Result:
        said, drafted = [one.said for one in measured], [one.drafted for one in measured]
        rows, tools = [one.conversation for one in measured], {tool.name for tool in self._tools}
        return self.result(
            f"{len(measured)} conversations: {len(QUESTIONS)} questions on each photo and on all together",
            [
                *_figures("said", said),
                *_figures("drafted", drafted),
                share("conversations carried whole", [one.whole for one in measured]),
                share("conversations with a drafted sentence that is carried", [bool(one.accepted) for one in drafted]),
                share(
                    "answers that could not be used",
                    [not one.conversation.answer or one.unreadable > 0 for one in measured],
                ),
                share("no tool called", [not row.called(tools) for row in rows]),
                *(share(name, found) for name, found in conduct(rows, tools).items()),
            ],
            items=tuple(
                ItemScore(id=f"conversation {number}", of="drafted: carried by evidence", right=one.whole)
                for number, one in enumerate(measured)
            ),
            notes=(
                "A retried draft counts again; the check of drafts is the agent's own (faceagent.ground).",
                "What is said are the tools' own words where a draft is not carried or there is none.",
                "Some questions are to be answered without a tool, or without a sentence about a photo.",
            ),
        )


def _percentage(part: Counts, whole: Counts) -> float:
    return 100 * float(part.sum()) / max(int(whole.sum()), 1)


def _figures(name: str, found: Sequence[Grounded]) -> list[Figure]:
    accepted = np.array([len(one.accepted) for one in found])
    claims = accepted + np.array([len(one.rejected) for one in found])
    count = int(claims.sum())
    faults = Counter(rejection.kind for one in found for rejection in one.rejected)
    return [
        # The sentences of one conversation are not independent of each other.
        resampled(f"{name}: carried by evidence", _percentage, [accepted, claims], n=count, unit="%"),
        Figure(name=f"{name}: wrong or missing evidence", value=faults["evidence"], n=count),
        Figure(name=f"{name}: numeric mismatches", value=faults["number"], n=count),
        Figure(name=f"{name}: contradictions", value=faults["contradiction"], n=count),
        Figure(name=f"{name}: words that cannot be checked", value=faults["wording"], n=count),
    ]
