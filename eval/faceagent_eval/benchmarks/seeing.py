"""What a vision-language model reads off val photos with its own eyes, no tool at hand, beside what the tools measure.

The questions are those of a corpus' val split (`python -m faceagent_finetune corpus`), whose answers are labels. Of
each task as many are asked of one answer as of another, so that chance is one over their number. Who gives no answer,
or one that cannot be read, is wrong. With the embedded controller, who has no eyes, the tools are measured alone.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Evidence
from faceagent_eval import seen
from faceagent_eval.asking import Asking, share
from faceagent_eval.benchmark import Figure, LayoutError, Result
from faceagent_finetune.corpus.build import CONVERSATIONS
from faceagent_finetune.corpus.conversation import ABSTAINED, OFF
from faceagent_finetune.corpus.labelled import band
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_tools.emotion_words import WORDS

_LONGEST = 96  # tokens of an answer
_THINGS = ("glasses", "beard", "smiling", "hat")
_FEW = 5  # conversations with an answer, without which it is not asked for
NOT_VISIBLE, _VISIBLE = "not visible", "visible"


@dataclass(frozen=True)
class Task:
    """One kind of question.

    asks: whether a record of a corpus is one. read: what an answer in words says, in the terms of the label. tool: that
    measures the same, and how its evidence is read; None where there is none. label: the label in those terms; None:
    not to be asked about.
    """

    asks: Callable[[Mapping[str, Any]], bool]
    read: Callable[[str], str | None]
    tool: tuple[str, Callable[[Sequence[Evidence]], str | None]] | None = None
    label: Callable[[str], str | None] = str


@dataclass(frozen=True)
class Item:
    task: str
    number: int
    truth: str


@dataclass(frozen=True)
class Seen:
    """said: by the model, None without a readable answer; measured: by the tools."""

    item: Item
    said: str | None
    measured: str | None


class Seeing(Asking[Item, Seen]):
    name = "seeing"
    about = (
        "gender, age, expression, glasses, beard, smile, same person, not visible: a model's own eyes, on val photos"
    )
    layout = f"CORPUS/\n  val/\n    fairface-00000/\n      {CONVERSATIONS}"

    def items(self) -> Sequence[Item]:
        if not any(self.data.glob(f"val/*/{CONVERSATIONS}")):
            raise LayoutError(self.name, "there is no val split of a corpus", self.layout)
        self._corpus = Conversations(self.data, "val")
        tools = self.tools()
        self._tools, self._seat = Toolbox(tools), _with_eyes(self.seated(tools))
        return list(self._balanced(self._found()))

    def _found(self) -> dict[str, dict[str, list[int]]]:
        """Numbers of the conversations by task and answer."""
        found: dict[str, dict[str, list[int]]] = {name: defaultdict(list) for name in TASKS}
        for number in range(len(self._corpus)):
            record = self._corpus.record(number)
            if len(record.get("turns", ())) != 1:
                continue
            for name, task in TASKS.items():
                if task.asks(record) and (label := task.label(record["turns"][0]["value"])):
                    found[name][label].append(number)
        return found

    def _balanced(self, found: Mapping[str, Mapping[str, list[int]]]) -> Iterator[Item]:
        """As many of each answer. Answers that hardly occur, and tasks with but one answer, are left out."""
        for name, answers in found.items():
            common = {answer: numbers for answer, numbers in sorted(answers.items()) if len(numbers) >= _FEW}
            if len(common) < 2:
                continue
            most = min(map(len, common.values()))
            if self.limit:
                most = min(most, max(self.limit // len(common), 1))
            for answer, numbers in common.items():
                chosen = random.Random(f"{name}/{answer}").sample(numbers, most)
                yield from (Item(name, number, answer) for number in chosen)

    def measured_data(self, items: Sequence[Item]) -> Iterator[object]:
        """The conversations that are asked, and the photos they are of."""
        for item in items:
            record = self._corpus.record(item.number)
            yield item, record, [self.data / image for image in record["images"]]

    def measure(self, item: Item) -> Seen:
        task = TASKS[item.task]
        said = task.read(self._answer(item.number)) if self._seat else None
        return Seen(item, said, self._measured(item.number, *task.tool) if task.tool else None)

    def _answer(self, number: int) -> str:
        assert self._seat is not None
        messages = self._corpus.spoken(number).messages
        return str(self._seat.invoke(list(takewhile(lambda message: message.type != "ai", messages))).text)

    def _measured(self, number: int, tool: str, read: Callable[[Sequence[Evidence]], str | None]) -> str | None:
        session = Session("research")
        for image in self._corpus.record(number)["images"]:
            session.add(Photo.open((self.data / image).read_bytes()))
        outcomes = self._tools.call(session, tool, {})
        return read([row for outcome in outcomes for row in outcome.evidence])

    def score(self, measured: Sequence[Seen]) -> Result:
        figures: list[Figure] = []
        for name, task in TASKS.items():
            rows = [row for row in measured if row.item.task == name]
            if rows and self._seat:
                figures.append(_right(f"{name}: the model", rows, lambda row: row.said))
            if rows and task.tool:
                figures.append(_right(f"{name}: the tools", rows, lambda row: row.measured))
        missing = tuple(row.name for row in self._corpus.left_out)
        protocol = "questions of a corpus' val split, as many of each answer"
        return self.result(protocol, figures, missing=missing)


def _right(name: str, rows: Sequence[Seen], answer: Callable[[Seen], str | None]) -> Figure:
    chance = 100 / len({row.item.truth for row in rows})
    silent = sum(answer(row) is None for row in rows)
    figure = share(name, [answer(row) == row.item.truth for row in rows])
    return figure.model_copy(update={"note": f"chance {chance:.1f} %; no answer to {silent} of {len(rows)}"})


def _with_eyes(seat: BaseChatModel) -> Any:
    """The controller, kept to short answers; None if it sees no pictures."""
    if not getattr(seat, "sees_images", False):
        return None
    return seat.model_copy(update={"max_tokens": _LONGEST}) if "max_tokens" in type(seat).model_fields else seat


def _hidden(value: str) -> str:
    """Whether a thing can be seen at all, whatever the answer about it."""
    return value if value == ABSTAINED else _VISIBLE


def _strongest(rows: Sequence[Evidence]) -> str | None:
    """Where `detect_forgery` saw most of a forgery, whatever it makes of it."""
    named = [places for row in rows if isinstance(places := row.details.get("strongest"), list) and places]
    return seen.region(str(named[0][0])) if named else None


def _asked(attribute: str, *kinds: str, of: str = "") -> Callable[[Mapping[str, Any]], bool]:
    def asks(record: Mapping[str, Any]) -> bool:
        turn = record["turns"][0]
        right = turn["attribute"] == attribute and record["kind"] in kinds and of in ("", record["set"])
        return bool(right and turn["value"] not in (ABSTAINED, OFF))

    return asks


def _hidden_or_not(record: Mapping[str, Any]) -> bool:
    """A question about an attribute of the face, of a photo that shows it or of a copy that was made not to."""
    if record["kind"] == "abstention":
        return bool(record["changes"][0])
    shown = record["kind"] in ("yes_no", "answered_though_degraded")
    return shown and record["turns"][0]["attribute"] in ("age", *_THINGS)


def _evidence(attribute: str, read: Callable[[Evidence], str | None]) -> Callable[[Sequence[Evidence]], str | None]:
    def found(rows: Sequence[Evidence]) -> str | None:
        able = [row for row in rows if row.attribute == attribute and row.status == "ok"]
        return read(able[0]) if able else None

    return found


def _visible(thing: str) -> Callable[[Sequence[Evidence]], str | None]:
    return _evidence(
        "visible_attributes", lambda row: "yes" if isinstance(row.value, list) and thing in row.value else "no"
    )


def _same(row: Evidence) -> str | None:
    return {"supported": "yes", "not_supported": "no"}.get(str(row.value))


TASKS: Mapping[str, Task] = {
    "perceived gender": Task(
        _asked("gender", "attribute"),
        seen.gender,
        ("estimate_attributes", _evidence("perceived_gender", lambda row: str(row.details["leading"]))),
    ),
    "age band": Task(
        _asked("age", "attribute", of="fairface"),
        seen.age_band,
        ("estimate_attributes", _evidence("age", lambda row: band(round(float(str(row.value)))))),
    ),
    "older than": Task(_asked("age", "yes_no"), seen.yes_or_no),
    "expression": Task(
        _asked("expression", "purpose"),
        seen.expression,
        ("recognize_emotion", _evidence("expression", lambda row: WORDS.get(str(row.value)))),
    ),
    **{
        thing: Task(_asked(thing, "yes_no"), seen.yes_or_no, ("estimate_attributes", _visible(thing)))
        for thing in _THINGS
    },
    "who looks older": Task(_asked("who looks older", "comparison"), seen.place),
    "same person": Task(
        _asked("same person", "comparison"), seen.same_person, ("compare_faces", _evidence("same_person", _same))
    ),
    "altered region": Task(
        _asked("altered region", "forgery"), seen.region, ("detect_forgery", _strongest), label=seen.region
    ),
    NOT_VISIBLE: Task(_hidden_or_not, lambda text: ABSTAINED if seen.abstains(text) else _VISIBLE, label=_hidden),
}
