"""Answers in other words, by a chat model that may add nothing: what it writes is held against the labels as evidence,
by the check that holds a controller's sentences against what tools measured, and dropped where it does not stand.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from faceagent.errors import ControllerError
from faceagent.ground import ground
from faceagent.ground.phrase import sayings_in
from faceagent.session import Ledger
from faceagent.types import Claim, Evidence
from faceagent_finetune.corpus.conversation import UNANSWERED, Conversation, Trace, Turn
from faceagent_finetune.corpus.evidence import ATTRIBUTES, of_labels

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import BaseMessage

ACCEPTED, FAILED = "accepted", "failed"
"""Outcomes; the others are reasons: the kinds of `ground.Rejection`, and those of `_judged`."""

_TASK = """\
Say the answer to a question about a photo in other words, as one person says it to another. Keep everything that it
states, every number and every "no" or "not". Add nothing: no detail, no reason, no certainty. Plain English, one to
three short sentences, without "yes" or "no" at the start. Write the new answer and nothing else."""
_AT_ONCE = 8  # requests
_PATIENCE = 20  # failures in a row after which it is not asked any more
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class _Task:
    """A turn that may be reworded. conversation, turn: its place. ledger: the labels; row: the one that it is about."""

    conversation: int
    turn: int
    answered: Turn
    ledger: Ledger
    row: Evidence


class Rewriter:
    """
    Args:
        controller: any chat model; it is given question and answer, no picture and no tool.
        share: of the answers that labels bear out.
    """

    def __init__(self, controller: BaseChatModel, share: float) -> None:
        self._controller, self._share = controller, share
        self._failed = 0

    def reworded(
        self, conversations: Sequence[Conversation], rng: random.Random
    ) -> tuple[list[Conversation], dict[str, int]]:
        """The conversations with some answers in other words, and how often which outcome was.

        Raises:
            ControllerError: the model has failed too often in a row.
        """
        result, outcomes = list(conversations), Counter[str]()
        tasks = [task for task in _tasks(conversations) if rng.random() < self._share]
        for task, text in zip(tasks, self._written(tasks), strict=True):
            outcome = FAILED if text is None else _judged(task, text)
            outcomes[outcome] += 1
            if text and outcome == ACCEPTED:
                turns = list(result[task.conversation].turns)
                turns[task.turn] = replace(task.answered, answer=text)
                result[task.conversation] = replace(result[task.conversation], turns=tuple(turns))
        return result, dict(sorted(outcomes.items()))

    def _written(self, tasks: Sequence[_Task]) -> Iterator[str | None]:
        """What the model makes of each; None where it failed."""
        for begin in range(0, len(tasks), _AT_ONCE):
            prompts: list[Any] = [_prompt(task.answered) for task in tasks[begin : begin + _AT_ONCE]]
            for written in self._controller.batch(prompts, {"max_concurrency": _AT_ONCE}, return_exceptions=True):
                yield self._usable(written)

    def _usable(self, written: BaseMessage | BaseException) -> str | None:
        if not isinstance(written, BaseException):
            self._failed = 0
            return " ".join(written.text.split())
        self._failed += 1
        if not isinstance(written, ControllerError) or self._failed >= _PATIENCE:
            raise written
        return None


def _prompt(turn: Turn) -> list[BaseMessage]:
    from langchain_core.messages import HumanMessage, SystemMessage

    return [SystemMessage(_TASK), HumanMessage(f"Question: {turn.question}\nAnswer: {turn.answer}")]


def _tasks(conversations: Sequence[Conversation]) -> Iterator[_Task]:
    """The answers that state what labels know, and nothing else."""
    for place, conversation in enumerate(conversations):
        if isinstance(conversation, Trace):
            continue
        ledger = of_labels([picture.photo for picture in conversation.pictures])
        for number, turn in enumerate(conversation.turns):
            row = _about(turn, ledger, len(conversation.pictures))
            if row is not None and turn.value not in UNANSWERED:
                yield _Task(place, number, turn, ledger, row)


def _about(turn: Turn, ledger: Ledger, photos: int) -> Evidence | None:
    """The row that an answer is about; of two photos only whether they show one person is said in checkable words."""
    rows = [row for row in ledger.all() if photos == 1 or row.attribute == "same_person"]
    if turn.attribute == "description":
        return rows[0] if rows else None
    return next((row for row in rows if row.attribute == ATTRIBUTES.get(turn.attribute)), None)


def _judged(task: _Task, text: str) -> str:
    """`ACCEPTED`, or why the composed wording is kept."""
    composed = task.answered.answer
    if not text or text == composed:
        return "nothing new"
    rows = task.ledger.all()
    claims = [
        Claim(
            sentence=sentence,
            subject=task.row.subject,
            attribute=task.row.attribute,
            value=task.row.value,
            evidence=tuple(row.id for row in rows),
        )
        for sentence in _SENTENCE.split(text)
    ]
    rejected = ground(claims, task.ledger.get).rejected
    if rejected:
        return rejected[0].kind
    known = {row.attribute for row in rows}
    before, after = _stated(composed, known), _stated(text, known)
    return "says less" if before - after else "says more" if after - before else ACCEPTED


def _stated(text: str, known: Set[str]) -> set[str]:
    """The things that a text speaks of, affirmed or denied, and its numbers."""
    things = {
        f"{topic.attribute}: {saying.condition}"
        for found in sayings_in(text)
        for topic, saying in found.sayings
        if topic.attribute in known
    }
    return things | set(_NUMBER.findall(text))
