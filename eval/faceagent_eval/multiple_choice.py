"""Questions with options, put to the assistant: which option its answer chooses, and how often that is right.

The whole assistant is asked: the controller in the seat, the tools, and the check of what is said. An answer is read in
two ways: as the authors of the benchmark read it, and by `chosen`, which is the same for all. Who is not answered, or
names no option, is wrong, and the tasks of which no question was answered are listed.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceagent.errors import ControllerError, MediaError
from faceagent.media import Photo
from faceagent_eval import seen
from faceagent_eval.asking import Asking, share
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.sampling import thinned

LETTERS = "ABCDEFGHIJ"
_MARKED = (
    re.compile(r"^\W*([A-J])\W*$"),
    re.compile(r"\(([A-J])\)"),
    re.compile(r"\b(?:option|answer|choice)(?: is)?:?\s+\(?([A-J])\b", re.IGNORECASE),
    re.compile(r"^\W*([A-J])[.:)]"),
)
_SPAN = re.compile(r"^(\d+)\s*(?:-|–|to)\s*(\d+)$")


@dataclass(frozen=True)
class Question:
    """text: as it is put, options included. photos: files. answer: place among the options; None where none is agreed
    to be right: such are counted, listed and not put. task, category: rows of the table; category is "" where the
    benchmark has none."""

    id: str
    text: str
    photos: tuple[Path, ...]
    options: tuple[str, ...]
    answer: int | None
    task: str
    category: str = ""


@dataclass(frozen=True)
class Reply:
    """said: None where a photo cannot be read. theirs, ours: place of the option that was chosen, or None."""

    question: Question
    said: str | None
    status: str = ""
    theirs: int | None = None
    ours: int | None = None


class MultipleChoice(Asking[Question, Reply]):
    """Base of such benchmarks. `limit`: questions of each task, evenly spread."""

    protocol: ClassVar[str]

    @abstractmethod
    def questions(self) -> Iterator[Question]:
        """All questions, in a fixed order.

        Raises:
            LayoutError: the data folder is not as expected.
        """

    @abstractmethod
    def theirs(self, said: str, options: Sequence[str]) -> int | None:
        """The option that an answer chooses, as the authors of the benchmark read it."""

    def items(self) -> Sequence[Question]:
        found = list(self.questions())
        known = [question for question in found if question.answer is not None]
        if not known:
            raise self.mismatch(f"{self.data} holds no questions that have a right option")
        self._agent = self.assistant()
        self._open = tuple(question.id for question in found if question.answer is None)
        return thinned(known, self.limit, by=lambda question: question.task)

    def measured_data(self, items: Sequence[Question]) -> Sequence[object]:
        return items

    def measure(self, item: Question) -> Reply:
        try:
            photos = [Photo.open(path) for path in item.photos]
        except MediaError:
            return Reply(item, None)
        try:
            answer = self._agent.ask(item.text, session=self._agent.open(photos))
        except ControllerError:
            return Reply(item, "", "controller failed")
        said = answer.text
        return Reply(item, said, answer.status, self.theirs(said, item.options), chosen(said, item.options))

    def score(self, measured: Sequence[Reply]) -> Result:
        replies = [reply for reply in measured if reply.said is not None]
        unanswered = sorted(
            task
            for task in {reply.question.task for reply in replies}
            if all(reply.ours is None and reply.theirs is None for reply in replies if reply.question.task == task)
        )
        listed = {
            "Tasks of which no answer chose an option": unanswered,
            f"{len(self._open)} questions left out, of which no option is agreed to be right": self._open,
        }
        return self.result(
            f"{len(measured)} questions; {self.protocol}; no option chosen counts as wrong",
            list(_figures(replies)),
            missing=tuple(reply.question.id for reply in measured if reply.said is None),
            notes=tuple(f"{what}: {', '.join(names)}." for what, names in listed.items() if names),
            items=tuple(
                ItemScore(id=reply.question.id, of=reply.question.task, right=reply.ours == reply.question.answer)
                for reply in replies
            ),
        )


def lettered(options: Sequence[str], form: str = "({letter}) {option}") -> str:
    """The options, a line each."""
    return "\n".join(
        form.format(letter=letter, option=option) for letter, option in zip(LETTERS, options, strict=False)
    )


def chosen(said: str, options: Sequence[str]) -> int | None:
    """The option that an answer in words chooses, or None where it names none, or several.

    A letter counts where it is marked as one: alone, in brackets, or after "option" or "answer"; not the article "A".
    Else the one option whose words it says; else, of spans of numbers, the one that holds the first number it says; of
    yes and no, which of them it means.
    """
    for pattern in _MARKED:
        letters = {found.upper() for found in pattern.findall(said)} & set(LETTERS[: len(options)])
        if len(letters) == 1:
            return LETTERS.index(letters.pop())
    named = [place for place, option in enumerate(options) if _says(said, option)]
    # "Brown" is named by "dark brown" too, where that is another option.
    named = [one for one in named if not any(_within(options[one], options[other]) for other in named if other != one)]
    if len(named) == 1:
        return named[0]
    return None if named else _meant(said, options)


def _says(said: str, words: str) -> bool:
    return bool(words.strip()) and bool(re.search(rf"(?<!\w){re.escape(words.strip())}(?!\w)", said, re.IGNORECASE))


def _within(short: str, long: str) -> bool:
    return short.casefold() != long.casefold() and _says(long, short)


def _meant(said: str, options: Sequence[str]) -> int | None:
    plain = [option.strip().casefold() for option in options]
    if sorted(plain) == ["no", "yes"]:
        meant = seen.yes_or_no(said) if said.strip() else ""
        return plain.index(meant) if meant in plain else None
    number = re.search(r"\d+(?:\.\d+)?", said)
    spans = [(place, _SPAN.match(option)) for place, option in enumerate(plain)]
    if number is None:
        return None
    value = int(float(number[0]))
    fit = [place for place, span in spans if span and int(span[1]) <= value <= int(span[2])]
    return fit[0] if len(fit) == 1 else None


def _figures(replies: Sequence[Reply]) -> Iterator[Figure]:
    ways: Mapping[str, Callable[[Reply], int | None]] = {
        "their reading": lambda reply: reply.theirs,
        "our reading": lambda reply: reply.ours,
    }
    categories = sorted({reply.question.category for reply in replies} - {""})
    tasks = sorted({reply.question.task for reply in replies})
    for way, read in ways.items():
        yield _right(f"accuracy, {way}", replies, read)
        for category in categories:
            part = [reply for reply in replies if reply.question.category == category]
            yield _right(f"{category}, {way}", part, read)
        for task in tasks:
            yield _right(f"{task}, {way}", [reply for reply in replies if reply.question.task == task], read)
    for task in tasks:
        part = [reply for reply in replies if reply.question.task == task]
        yield share(f"{task}, no option chosen", [reply.ours is None for reply in part])
    for status in sorted({reply.status for reply in replies}):
        yield share(f"status: {status}", [reply.status == status for reply in replies])


def _right(name: str, replies: Sequence[Reply], read: Callable[[Reply], int | None]) -> Figure:
    figure = share(name, [read(reply) == reply.question.answer for reply in replies])
    chance = 100 * sum(1 / len(reply.question.options) for reply in replies) / max(len(replies), 1)
    return figure.model_copy(update={"note": f"chance {chance:.1f} %"})
