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
from faceagent.errors import ControllerError
from faceagent.ground import Grounded, ground, words_of
from faceagent.media import Photo
from faceagent_eval.asking import Asking, Overhears, share
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
    """said, drafted: claims held against the evidence; failed: the controller's turns could not be used."""

    said: Grounded
    drafted: Grounded
    failed: bool


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
        try:
            answer, failed = agent.ask(item.question, session=session).claims, False
        except ControllerError:
            answer, failed = (), True
        drafts = [claim for draft in ear.drafts for claim in draft.claims]
        said, drafted = (ground(claims, session.ledger.get, words=words_of(self._tools)) for claims in (answer, drafts))
        return Measured(said, drafted, failed or ear.unreadable > 0)

    def score(self, measured: Sequence[Measured]) -> Result:
        said, drafted = [one.said for one in measured], [one.drafted for one in measured]
        return self.result(
            f"{len(measured)} conversations: {len(QUESTIONS)} questions on each photo and on all together",
            [
                *_figures("said", said),
                *_figures("drafted", drafted),
                share("conversations carried whole", [not one.rejected for one in drafted]),
                share("answers that could not be used", [one.failed for one in measured]),
            ],
            items=tuple(
                ItemScore(id=f"conversation {number}", of="drafted: carried by evidence", right=not one.rejected)
                for number, one in enumerate(drafted)
            ),
            notes=("A retried draft counts again; the check of drafts is the agent's own (faceagent.ground).",),
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
