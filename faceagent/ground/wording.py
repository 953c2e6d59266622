"""What words mean: the tables words.toml and general.txt as Python objects.

A `Topic` holds what can be said of one attribute: phrases with the values of which they are true, and the words that
compare. An attribute of a tool of another package has its table in a file of the same form beside that tool
(`FaceTool.words`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from pydantic import JsonValue

from faceagent.errors import UsageError
from faceagent.tool import AnyTool
from faceagent.types import Evidence

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Saying:
    """A phrase and the condition on a value under which it is true (see words.toml)."""

    condition: str
    pattern: re.Pattern[str]

    @property
    def every(self) -> bool:
        return self.condition.startswith("every ")

    @property
    def of_details(self) -> bool:
        """Whether it is a statement on details, which evidence without a value has as well."""
        return self.condition.startswith(("details.", "any"))

    def true_of(self, row: Evidence, value: JsonValue = None) -> bool:
        """Whether the phrase is true of the evidence, or would be if it had this value instead."""
        told = row.value if value is None else value
        return any(
            all(_meets(part, told, row.details) for part in alternative.split(" & "))
            for alternative in self.condition.removeprefix("every ").split(" or ")
        )


_NUMERIC = re.compile(r"(\w*)([<>])(-?\d+(?:\.\d+)?)")


def _meets(condition: str, value: JsonValue, details: Mapping[str, JsonValue]) -> bool:
    if condition == "any":
        return True
    if condition.startswith("details."):
        key, _, wanted = condition.removeprefix("details.").partition("~")
        return key in details and (not wanted or wanted in _flat(details[key]))
    if condition in ("*", "!"):
        return bool(value) is (condition == "*")
    if condition.startswith("has:"):
        return isinstance(value, list) and condition[4:] in value
    if condition.startswith("no:"):
        return isinstance(value, list) and condition[3:] not in value
    if match := _NUMERIC.fullmatch(condition):
        number = value.get(match[1]) if isinstance(value, dict) else None if match[1] else value
        if not isinstance(number, int | float):
            return False
        return number > float(match[3]) if match[2] == ">" else number < float(match[3])
    if "=" in condition:
        key, _, wanted = condition.partition("=")
        found = value if isinstance(value, dict) else {}
        return (
            all(item == wanted for item in found.values()) and bool(found) if key == "*" else found.get(key) == wanted
        )
    return (str(value).lower() if isinstance(value, bool) else value) in condition.split("|")


def _flat(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return [item for inner in value.values() for item in _flat(inner)]
    return [item for inner in value for item in _flat(inner)] if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Degree:
    """Words that compare by one number. sign: 1 where they mean more of it, -1 where they mean less."""

    sign: int
    base: re.Pattern[str]
    comparative: re.Pattern[str]
    superlative: re.Pattern[str]


@dataclass(frozen=True)
class Topic:
    """What can be said of one attribute. words: what may occur in a sentence about it besides."""

    attribute: str
    sayings: tuple[Saying, ...]
    degrees: tuple[Degree, ...]
    measure: tuple[str, ...]
    probability_of: tuple[str, ...]
    words: frozenset[str]

    def number(self, row: Evidence, face: str) -> float | None:
        """The number by which faces are compared, or None where the evidence has none."""
        for path in self.measure:
            found = _at(row, path.strip("|").replace("*", face))
            if isinstance(found, int | float) and not isinstance(found, bool):
                return abs(float(found)) if path.startswith("|") else float(found)
        return None


def _at(row: Evidence, path: str) -> Any:
    head, *rest = path.split(".", 1)
    if head == "score":
        return row.score
    if head == "probability":
        return row.probability.value if row.probability else None
    found: Any = row.value if head == "value" else row.details
    # A face's name holds a dot, so keys are taken one at a time and the last as it stands.
    keys = rest[0].split(".", 1) if rest else []
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


@dataclass(frozen=True, eq=False)
class Words:
    """What is known of all attributes. topics: by attribute."""

    topics: Mapping[str, Topic]

    @cached_property
    def compared(self) -> re.Pattern[str]:
        """Any comparative or superlative of any topic."""
        degrees = [degree for topic in self.topics.values() for degree in topic.degrees]
        words = [part.pattern for degree in degrees for part in (degree.comparative, degree.superlative)]
        return phrases([word.removeprefix(_BEFORE).removesuffix(_AFTER) for word in dict.fromkeys(words)])


@cache
def core() -> Words:
    """The words of words.toml."""
    return Words(_read(("faceagent.ground", "words.toml")))


def words_of(tools: Iterable[AnyTool]) -> Words:
    """The words of words.toml and of the files that these tools bring.

    Raises:
        UsageError: a file is missing, not of this form, or says what an attribute means that another one has.
    """
    brought = frozenset(tool.words for tool in tools if tool.words is not None)
    return _with(brought) if brought else core()


@cache
def _with(brought: frozenset[tuple[str, str]]) -> Words:
    topics, origin = dict(core().topics), dict.fromkeys(core().topics, "faceagent itself")
    for resource in sorted(brought):
        found = _read(resource)
        if both := sorted(found.keys() & topics.keys()):
            raise UsageError(
                f"{_name(resource)} says what {both[0]!r} means, which {origin[both[0]]} says already",
                "Give the attribute a name of its own",
            )
        topics |= found
        origin |= dict.fromkeys(found, _name(resource))
    return Words(topics)


def _name(resource: tuple[str, str]) -> str:
    return f"{resource[1]} of {resource[0]}"


_FIELDS = frozenset({"says", "measure", "more", "less", "about", "probability_of"})


def _read(resource: tuple[str, str]) -> dict[str, Topic]:
    """The topics of one file, given as package and name."""
    package, name = resource
    mend = "faceagent/ground/words.toml says what such a file holds"
    try:
        table = tomllib.loads(files(package).joinpath(name).read_text(encoding="utf-8"))
    except (ModuleNotFoundError, OSError) as error:
        raise UsageError(f"{_name(resource)} cannot be read ({error})", "Install the package whole") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{_name(resource)} is no TOML file ({error})", mend) from error
    for attribute, row in table.items():
        if not isinstance(row, dict):
            raise UsageError(f"{_name(resource)}: {attribute} is no table", mend)
        if unknown := sorted(row.keys() - _FIELDS):
            raise UsageError(f"{_name(resource)}: {attribute} has no field {unknown[0]!r}", mend)
    try:
        return {attribute: _topic(attribute, row) for attribute, row in table.items()}
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{_name(resource)} holds a phrase or list that cannot be read ({error})", mend) from error


def _topic(name: str, row: Mapping[str, Any]) -> Topic:
    says: Mapping[str, Sequence[str]] = row.get("says", {})
    sayings = tuple(Saying(condition, phrases(given)) for condition, given in says.items() if given)
    words = [row.get("about", ""), name.replace("_", " ")]
    return Topic(
        attribute=name,
        sayings=sayings,
        degrees=tuple(_degrees(row)),
        measure=tuple(row.get("measure", ())),
        probability_of=tuple(row.get("probability_of", ())),
        words=frozenset(word.lower() for text in words for word in WORD.findall(text)),
    )


def _degrees(row: Mapping[str, Any]) -> Iterator[Degree]:
    for key, sign in (("more", 1), ("less", -1)):
        for base, comparative, superlative in row.get(key, ()):
            yield Degree(sign, phrases([base]), phrases([comparative]), phrases([superlative]))


_BEFORE, _AFTER = r"(?<![\w-])(?:", r")(?![\w-])"


def phrases(given: Sequence[str]) -> re.Pattern[str]:
    """A pattern that finds any of the phrases between word boundaries, in any case; none where all are empty."""
    kept = [phrase for phrase in given if phrase]
    return re.compile(rf"{_BEFORE}{'|'.join(kept)}{_AFTER}" if kept else r"(?!)", re.IGNORECASE)


@cache
def standing() -> re.Pattern[str]:
    """Any sentence of standing.txt, as a whole."""
    text = files("faceagent.ground").joinpath("standing.txt").read_text(encoding="utf-8")
    kept = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    slots = {r"\#": r"[\d.,+–-]*\d[+]?", r"\*": r"[^.:;“”]{1,60}?"}
    return re.compile("|".join(re.sub(r"\\[#*]", lambda slot: slots[slot[0]], re.escape(line)) for line in kept))


@cache
def general() -> frozenset[str]:
    """Words that say nothing of any face by themselves: grammar, ids, photos, measuring, doubt."""
    text = files("faceagent.ground").joinpath("general.txt").read_text(encoding="utf-8")
    kept = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word.lower() for line in kept for word in line.split())


@cache
def idiom(name: str) -> re.Pattern[str]:
    """A row of idioms.toml as one pattern."""
    return phrases(_idioms()[name])


@cache
def _idioms() -> Mapping[str, Sequence[str]]:
    return tomllib.loads(files("faceagent.ground").joinpath("idioms.toml").read_text(encoding="utf-8"))
