"""What a question asks for, read by a small network of our own: the embedded controller's planner.

The network (planner.onnx, planner.md says how it was trained and what it is worth) sees the words of a question and
nothing else. For each intent of intents.toml, each declined topic, a greeting and a question about the assistant
itself it gives a probability and the place in the question that speaks of it.
"""

from __future__ import annotations

import json
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.policy import Topic, topics

LONGEST = 96
"""Pieces that the network sees at a time, with the first and the last; of a longer question it sees overlapping
stretches."""
FIRST, LAST = 2, 3
"""Pieces before and after what it sees."""

GREETING, HELP = "greeting", "help"
OUTSIDE = "outside"
_STRETCHES = 12  # of one question; what follows them is not read
_ASKED = 0.5  # probability from which a label holds
_TOLD_IN = 4  # words; less ("tense?") may mean anything
_OUTSIDE = (
    0.04  # where no label is likelier, it is no question for us: so are 35 % of such, and 0.1 % of those that are
)


@dataclass(frozen=True)
class Intent:
    """Something that a question can ask for. See intents.toml for the fields."""

    name: str
    means: str
    tools: tuple[str, ...]
    before: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Reading:
    """A question as understood.

    intents: what it asks for, in the order in which it says so. declined: topics that are not answered.
    chat: "greeting" or "help" where it asks for nothing else, "outside" where it has nothing to do with faces. maybe:
    where it is not clear enough to act, what it could ask for, the likeliest first; then `intents` is empty.
    """

    intents: tuple[Intent, ...] = ()
    declined: tuple[Topic, ...] = ()
    chat: str | None = None
    maybe: tuple[Intent, ...] = ()


@cache
def table() -> tuple[Intent, ...]:
    """All intents that the planner knows."""
    text = files("faceagent.controllers").joinpath("intents.toml").read_text(encoding="utf-8")
    return tuple(
        Intent(
            row["name"],
            row["means"],
            tuple(row["tools"]),
            tuple(row.get("before", ())),
            tuple(row.get("about", ())),
            row.get("alone", False),
        )
        for row in tomllib.loads(text)["intent"]
    )


@cache
def labels() -> tuple[str, ...]:
    """What the network tells apart, in the order of its outputs."""
    return (*(intent.name for intent in table()), *(topic.name for topic in topics()), GREETING, HELP)


class Planner:
    """The network and its tokeniser, loaded once; reading is safe from several threads.

    Args:
        network, tokens: bytes of the ONNX file and of the sentencepiece model.

    The ONNX file's metadata say which labels it was trained on (`labels`, JSON) and from which confidence a question is
    acted on (`confidence`).

    Raises:
        ValueError: the network was trained on other labels than intents.toml and declined.toml have.
    """

    def __init__(self, network: bytes, tokens: bytes) -> None:
        import onnxruntime  # imported where used: it costs a tenth of a second
        import sentencepiece

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._tokens: Any = sentencepiece.SentencePieceProcessor(model_proto=tokens)
        told = self._session.get_modelmeta().custom_metadata_map
        if tuple(json.loads(told["labels"])) != labels():
            raise ValueError("planner.onnx was trained on other intents or topics than the tables have: train it anew")
        self.confidence = float(told["confidence"])

    def scores(self, question: str) -> tuple[dict[str, float], dict[str, float]]:
        """Probability of each label, and where in the question it is spoken of (in pieces, for their order alone)."""
        pieces = self._tokens.encode(_readable(question))
        ids = _stretches(pieces)
        if not len(ids):
            return dict.fromkeys(labels(), 0.0), dict.fromkeys(labels(), 0.0)
        logits, places = self._session.run(None, {"ids": ids})
        best = logits.argmax(0)
        every = np.arange(logits.shape[1])
        found = 1 / (1 + np.exp(-logits[best, every]))
        where = places[best, every] + best * LONGEST
        return dict(zip(labels(), found.tolist(), strict=True)), dict(zip(labels(), where.tolist(), strict=True))

    def read(self, question: str) -> Reading:
        """What a question asks for."""
        scores, places = self.scores(question)
        if max(scores.values()) < _OUTSIDE and len(question.split()) >= _TOLD_IN:
            return Reading(chat=OUTSIDE)
        return decided(scores, places, self.confidence)


def decided(scores: Mapping[str, float], places: Mapping[str, float], confidence: float) -> Reading:
    """What to make of the scores of a question.

    It is asked back where it matters: where the tools for what is as likely as `confidence` are not those for what is
    at all likely.
    """
    refused = tuple(topic for topic in topics() if scores[topic.name] >= _ASKED)
    possible = _likely(scores, 1 - confidence)
    if not refused and tools(_likely(scores, confidence)) != tools(possible):
        return Reading(maybe=tuple(sorted(possible, key=lambda one: -scores[one.name])))
    asked = tuple(sorted(_likely(scores, _ASKED), key=lambda one: places[one.name]))
    chat = next((name for name in (HELP, GREETING) if scores[name] >= _ASKED), None)
    return Reading(asked, refused, None if asked or refused else chat)


def tools(asked: Iterable[Intent]) -> frozenset[str]:
    """The tools that answer all of it, with those that run before."""
    return frozenset(name for one in asked for name in (*one.before, *one.tools))


def _likely(scores: Mapping[str, float], least: float) -> list[Intent]:
    """What is at least as likely, without what counts only alone where it is not."""
    found = [one for one in table() if scores[one.name] >= least]
    return [one for one in found if not one.alone] or found


@cache
def planner() -> Planner:
    """The one that is shipped."""
    folder = files("faceagent.controllers")
    return Planner(folder.joinpath("planner.onnx").read_bytes(), folder.joinpath("planner.model").read_bytes())


def _readable(question: str) -> str:
    """Its letters, digits and punctuation: what else there is (control characters, emoji) becomes spaces."""
    return " ".join("".join(mark if unicodedata.category(mark)[0] in "LMNP" else " " for mark in question).split())


def _stretches(pieces: Sequence[int]) -> npt.NDArray[np.int64]:
    """[N, T]: one row for a question of usual length, overlapping rows of LONGEST for a longer one."""
    room = LONGEST - 2
    step = room * 3 // 4
    starts = range(0, max(len(pieces) - room + step, step if pieces else 0), step)
    rows = [[FIRST, *pieces[start : start + room], LAST] for start in starts][:_STRETCHES]
    longest = max(map(len, rows), default=0)
    return np.array([[*row, *[0] * (longest - len(row))] for row in rows], np.int64).reshape(len(rows), longest)
