"""What a corpus is made of, as a TOML file says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent import policy
from faceagent.errors import UsageError
from faceagent_finetune.corpus.kinds import KINDS
from faceagent_finetune.corpus.labelled import FACTS
from faceagent_finetune.corpus.sources import SOURCES
from faceagent_finetune.recipes import check_known, read_toml

_KEYS = ("seed", "shard", "purpose", "sets", "kinds", "balance", "duplicates", "rewriter", "places")
_NEEDS_PURPOSE = {"ethnicity": "ethnicity", "expression": "emotion"}  # fields of [balance]: topics of purposes.toml


@dataclass(frozen=True)
class Rewriting:
    """controller: of `faceagent.controllers`, that words answers anew; share: of those that labels bear out."""

    controller: str
    share: float


@dataclass(frozen=True)
class Recipe:
    """sets: photos at most of each. kinds: conversations a photo of each. shard: photos in one.

    places: of sets, from the data folder, where they are not the usual ones.

    balance: the facts by whose combinations photos are taken evenly. duplicate_bits: in which two hashes may differ and
    still be one photo's. evaluation: Parquet files whose photos must not come in. text: the recipe as it was written.
    """

    seed: int
    shard: int
    purpose: str | None
    sets: Mapping[str, int]
    places: Mapping[str, str]
    kinds: Mapping[str, float]
    balance: tuple[str, ...]
    duplicate_bits: int
    evaluation: tuple[str, ...]
    rewriter: Rewriting | None
    text: str

    @staticmethod
    def read(path: Path) -> Recipe:
        """
        Raises:
            UsageError: there is no such file, it is no TOML, or something in it is unknown or of the wrong type.
        """
        table, text = read_toml(path, "finetune/recipes/corpus.toml")
        check_known(table, _KEYS, "key", path)
        purpose = table.get("purpose")
        if purpose is not None:
            policy.purpose(purpose)
        sets, kinds = _numbers(table, "sets", SOURCES, path), _numbers(table, "kinds", KINDS, path)
        duplicates = _part(table, "duplicates", ("bits", "evaluation"), path)
        by = _texts(_part(table, "balance", ("by",), path), "by", "balance", path)
        check_known(dict.fromkeys(by), FACTS, "fact in [balance]:", path)
        return Recipe(
            seed=_whole(table, "seed", 0, path),
            shard=_whole(table, "shard", 2, path),
            purpose=purpose,
            sets={name: int(most) for name, most in sets.items()},
            places=_places(table, path),
            kinds={name: float(share) for name, share in kinds.items()},
            balance=_opened(by, purpose),
            duplicate_bits=_whole(duplicates, "bits", 0, path),
            evaluation=_texts(duplicates, "evaluation", "duplicates", path),
            rewriter=_rewriter(table.get("rewriter"), path),
            text=text,
        )


def _part(table: Mapping[str, Any], name: str, known: Iterable[str], path: Path) -> Mapping[str, Any]:
    """A table that may be missing."""
    given = table.get(name, {})
    if not isinstance(given, dict):
        raise UsageError(f"{path}: {name} is {given!r}", f"Make it a table, under a line [{name}]")
    check_known(given, known, f"line in [{name}]:", path)
    return given


def _texts(given: Mapping[str, Any], key: str, name: str, path: Path) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"{path}: {key} in [{name}] is {value!r}", 'Give a list of texts, as in ["one", "two"]')
    return tuple(value)


def _opened(fields: Sequence[str], purpose: str | None) -> tuple[str, ...]:
    """Facts without those that the purpose does not open."""
    return tuple(
        field for field in fields if field not in _NEEDS_PURPOSE or policy.opens(purpose, _NEEDS_PURPOSE[field])
    )


def _places(table: Mapping[str, Any], path: Path) -> Mapping[str, str]:
    places = _part(table, "places", SOURCES, path)
    for name, place in places.items():
        if not isinstance(place, str):
            raise UsageError(f"{path}: {name} in [places] is {place!r}", "Give a path from the data folder, in quotes")
    return dict(places)


def _rewriter(given: Any, path: Path) -> Rewriting | None:
    if given is None:
        return None
    check_known(given, ("controller", "share"), "line in [rewriter]:", path)
    controller, share = given.get("controller"), given.get("share")
    if not isinstance(controller, str) or not controller.startswith(("openai:", "transformers:")):
        raise UsageError(
            f"{path}: controller in [rewriter] is {controller!r}",
            "Name a model: openai:URL#MODEL or transformers:MODEL",
        )
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise UsageError(f"{path}: share in [rewriter] is {share!r}", "Give a number above 0, at most 1")
    return Rewriting(controller, float(share))


def _numbers(table: Mapping[str, Any], name: str, known: Any, path: Path) -> Mapping[str, float]:
    given = table.get(name)
    if not isinstance(given, dict) or not given:
        raise UsageError(f"{path} has no table [{name}]", f"Give it lines as in `{next(iter(known))} = 1`")
    check_known(given, known, f"line in [{name}]:", path)
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise UsageError(f"{path}: {key} in [{name}] is {value!r}", "Give a number that is not negative")
    return given


def _whole(table: Mapping[str, Any], name: str, least: int, path: Path) -> int:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{path}: {name} is {value!r}", f"Give a whole number, {least} or more")
    return value
