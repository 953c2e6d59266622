"""Which tools are called for a question, what is declined, how fast: by the embedded planner, or by any controller.

The embedded planner is asked for its plan, and nothing is measured; every tool of the contract counts as installed.
Another controller answers the question, about a photo with one face that has been found: the calls of all its turns
count.

Three sets, none of which the planner was trained on: `val` is composed in styles that training never sees, of phrases
that it never sees; `held out` are questions as asked, by authors of whom training saw others; `natural`
(natural_questions.txt) was written in many voices by somebody who saw no phrase of the corpus.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import median

from faceagent.agent import FaceAgent
from faceagent.controllers import make_controller
from faceagent.controllers.draft import View
from faceagent.controllers.plan import ENROL, FORGET, Plan, plan
from faceagent.controllers.planner import table, tools
from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent.narrate import LABELS
from faceagent.policy import topics
from faceagent.tool import DETECTOR, VIDEO, Toolbox
from faceagent_eval.asking import EXAMPLES, Held, Overhears, conduct, held, planner_weights, seat_name
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, Result, machine, versions
from faceagent_eval.figures import proportion
from faceagent_eval.sampling import thinned
from faceagent_eval.suite import without_folders
from faceagent_finetune.planner.asked import asked, read
from faceagent_finetune.planner.compose import held_out, spared
from faceagent_tools import default_tools

VAL_SIZE = 3000
TOOLS = tuple(name for name in LABELS if name != VIDEO)
ONE_FACE = View({"image 1": ("face 1.1",)})
"""Of several faces it would be asked back who is meant, which is no matter of the planner."""


@dataclass(frozen=True)
class Item:
    """A question and what it asks for. kind: its style, or the voice of a natural question."""

    part: str
    text: str
    labels: frozenset[str]
    language: str
    kind: str

    @property
    def tools(self) -> frozenset[str]:
        """The tools that are to be called."""
        asked = [intent for intent in table() if intent.name in self.labels]
        asked = [intent for intent in asked if not intent.alone] or ([] if self.declined else asked)
        return tools(asked)

    @property
    def declined(self) -> bool:
        return bool(self.labels & {topic.name for topic in topics()})


@dataclass(frozen=True)
class Planned:
    """called: tools, and those that wait for a name or consent. declined: something was. back: it was not understood.

    milliseconds: of planning. installed: tools that could be called. conversation: with another controller than the
    embedded one.
    """

    item: Item
    called: frozenset[str]
    declined: bool
    back: bool
    milliseconds: float
    installed: frozenset[str] = frozenset(TOOLS)
    conversation: Held | None = None

    @property
    def wanted(self) -> frozenset[str]:
        """The tools that are to be called, of those that are there."""
        return self.item.tools & self.installed

    @property
    def usable(self) -> bool:
        """Whether it came to an answer by itself."""
        return self.conversation is None or (self.conversation.answer is not None and not self.conversation.stopped)

    @property
    def exact(self) -> bool:
        return self.usable and self.called == self.wanted


class PlannerBenchmark(Benchmark[Item, Planned]):
    """Needs no data. limit: questions of each part."""

    name = "planner"
    about = "questions: which tools are called, what is declined, how fast; by style, voice and language"
    takes_controller = True
    takes_limit = True
    headline = (": exact", ": wrongly called", ": asked back", ": decline precision", ": decline recall")
    backends = ("embedded",)

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark planner takes no data", "Leave --data out")

    def items(self) -> Sequence[Item]:
        val = [Item("val", q.text, q.labels, q.language, q.style) for q in held_out(VAL_SIZE)]
        unseen = [Item("held out", q.text, q.labels, q.language, "as asked") for q in asked() if q.held]
        if self.controller != "embedded":
            self._seat = _Seat(self.controller)
        return thinned([*val, *unseen, *natural()], self.limit, by=lambda item: item.part)

    def measure(self, item: Item) -> Planned:
        if self.controller != "embedded":
            return self._seat.asked(item)
        begun = time.perf_counter()
        made = plan(item.text, ONE_FACE, TOOLS)
        return planned(item, made, 1000 * (time.perf_counter() - begun))

    def score(self, measured: Sequence[Planned]) -> Result:
        return Result(
            benchmark=self.name,
            backend=seat_name(self.controller),
            protocol=f"{len(measured)} questions about a photo with one face, {_installed(measured)}"
            + ("" if self.controller == "embedded" else f"; controller {without_folders(self.controller)}"),
            figures=tuple(figure for part in ("val", "held out", "natural") for figure in _part(part, measured)),
            notes=(
                "exact: the tools called are those asked for, no more and no fewer; none for what is declined or is no "
                "question for this assistant. An enrolment without name or consent, and an erasure without a name, are "
                "rightly asked back, and count as called.",
                "wrongly called: a tool beyond those asked for. fabricated: a tool where none was asked for.",
                "val shares the vocabulary of the phrases that are trained on: natural says more. "
                f"{len(spared())} phrases make all its questions, each many of them: the "
                "intervals take them for independent, and are too narrow.",
                "natural: written by somebody who knew the labels and no phrase; not by those who will ask.",
                *(() if self.controller == "embedded" else _NOTES),
            ),
            items=tuple(
                ItemScore(
                    id=f"question {n}", of=row.item.part, label=", ".join(sorted(row.item.labels)), right=row.exact
                )
                for n, row in enumerate(measured)
            ),
            weights=planner_weights() if self.controller == "embedded" else {},
            machine=machine(),
            versions=versions("faceagent", "onnxruntime", "sentencepiece", "numpy"),
        )


class _Seat:
    """A controller that is no planner, in the seat of the whole assistant.

    Raises:
        UsageError, MissingExtra, ControllerError: see `make_controller`.
    """

    def __init__(self, controller: str) -> None:
        tools = [tool for tool in default_tools() if tool.name in TOOLS]
        self.controller = make_controller(controller, Toolbox(tools))
        self.agent = FaceAgent(self.controller, tools=tools, purpose="research")
        self.photo = Photo.open(EXAMPLES / "portrait.jpg")

    def asked(self, item: Item) -> Planned:
        ear = Overhears()
        self.controller.callbacks = [ear]
        session = self.agent.open([self.photo])
        self.agent.tools.call(session, DETECTOR, {})
        return answered(item, held(self.agent, item.text, session), frozenset(self.agent.tools), ear.seconds)


def _installed(measured: Sequence[Planned]) -> str:
    there = measured[0].installed if measured else frozenset(TOOLS)
    missing = sorted(set(TOOLS) - there)
    return f"all {len(TOOLS)} tools installed" + (f" but {', '.join(missing)}" if missing else "")


def natural() -> list[Item]:
    """The hand-written questions."""
    text = files("faceagent_eval").joinpath("natural_questions.txt").read_text(encoding="utf-8")
    return [
        Item("natural", q.text, q.labels, "other languages" if "languages" in q.voice else "en", q.voice)
        for q in read(text, "en")
    ]


def planned(item: Item, made: Plan, milliseconds: float) -> Planned:
    """A plan held against its question."""
    return Planned(
        item,
        frozenset((*(call.tool for call in made.calls), *made.lacking)),
        any(topic.why in made.remarks for topic in topics()),
        made.status == "needs_clarification" and not made.lacking,
        milliseconds,
    )


_NOTES = (
    "The calls of all turns count, those that were refused included; exact besides needs an answer that the controller "
    "came to by itself. A tool that is not installed is rightly not called.",
    "a plan: the controller's first turn.",
)


def answered(item: Item, conversation: Held, installed: frozenset[str], seconds: Sequence[float]) -> Planned:
    """A conversation held against its question.

    Args:
        seconds: of each of the controller's turns.
    """
    answer = conversation.answer
    asks = answer is not None and answer.status == "needs_clarification"
    lacking = item.tools & {ENROL, FORGET} if asks else frozenset()
    return Planned(
        item,
        conversation.called(installed) | lacking,
        answer is not None and (answer.status == "declined" or any(topic.why in answer.text for topic in topics())),
        asks and not lacking,
        1000 * seconds[0] if seconds else 0.0,
        installed,
        conversation,
    )


def _part(part: str, measured: Sequence[Planned]) -> Iterator[Figure]:
    rows = [row for row in measured if row.item.part == part]
    if not rows:
        return
    wanting, idle = [row for row in rows if row.wanted], [row for row in rows if not row.wanted]
    yield _share(f"{part}: exact", rows, lambda row: row.exact)
    yield from _by(f"{part}: exact,", rows, lambda row: row.item.kind)
    yield from _by(f"{part}: exact in", rows, lambda row: row.item.language)
    yield _share(f"{part}: wrongly called", rows, lambda row: bool(row.called - row.wanted))
    yield _share(f"{part}: fabricated", idle, lambda row: bool(row.called))
    yield _share(f"{part}: asked back", wanting, lambda row: row.back)
    yield from _conduct(part, rows, wanting)
    yield _share(f"{part}: decline precision", [row for row in rows if row.declined], lambda row: row.item.declined)
    yield _share(f"{part}: decline recall", [row for row in rows if row.item.declined], lambda row: row.declined)
    for intent in table():
        named = [row for row in rows if intent.name in row.item.labels and set(intent.tools) <= row.wanted]
        if named:
            its = set(intent.tools)
            yield _share(f"{part}: recall, {intent.name}", named, lambda row, its=its: its <= row.called)
    yield Figure(name=f"{part}: a plan", value=median(row.milliseconds for row in rows), unit="ms", n=len(rows))


def _conduct(part: str, rows: Sequence[Planned], wanting: Sequence[Planned]) -> Iterator[Figure]:
    """What goes wrong with a controller that is no planner."""
    talks = [row.conversation for row in rows if row.conversation is not None]
    if not talks:
        return
    yield _share(f"{part}: no tool called", wanting, lambda row: not row.called)
    for name, found in conduct(talks, rows[0].installed).items():
        yield proportion(f"{part}: {name}", found)
    yield _share(f"{part}: no usable answer", talks, lambda talk: talk.answer is None)


def _by(name: str, rows: Iterable[Planned], key: Callable[[Planned], str]) -> Iterator[Figure]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    for group in sorted(groups):
        if group:
            yield _share(f"{name} {group}", groups[group], lambda row: row.exact)


def _share(name: str, rows: Sequence[object], holds: Callable[..., bool]) -> Figure:
    return proportion(name, [holds(row) for row in rows])
