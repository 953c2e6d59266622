"""What a corpus is made of, as a TOML file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent import policy
from faceagent.errors import UsageError
from faceagent_finetune.corpus.kinds import KINDS
from faceagent_finetune.corpus.sources import SOURCES
from faceagent_finetune.recipes import check_known, read_toml

_KEYS = ("seed", "shard", "purpose", "sets", "kinds", "balance", "duplicates")
_NEEDS_PURPOSE = {"ethnicity": "ethnicity", "expression": "emotion"}  # fields of [balance]: topics of purposes.toml


@dataclass(frozen=True)
class Recipe:
    """sets: photos at most of each. kinds: conversations a photo of each. shard: photos in one.

    balance: the facts by whose combinations photos are taken evenly. duplicate_bits: in which two hashes may differ and
    still be one photo's. evaluation: Parquet files whose photos must not come in. text: the recipe as it was written.
    """

    seed: int
    shard: int
    purpose: str | None
    sets: Mapping[str, int]
    kinds: Mapping[str, float]
    balance: tuple[str, ...]
    duplicate_bits: int
    evaluation: tuple[str, ...]
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
        duplicates = table.get("duplicates", {})
        return Recipe(
            seed=_whole(table, "seed", 0, path),
            shard=_whole(table, "shard", 2, path),
            purpose=purpose,
            sets={name: int(most) for name, most in sets.items()},
            kinds={name: float(share) for name, share in kinds.items()},
            balance=_balance(table, purpose),
            duplicate_bits=_whole(duplicates, "bits", 0, path),
            evaluation=tuple(duplicates.get("evaluation", ())),
            text=text,
        )


def _balance(table: Mapping[str, Any], purpose: str | None) -> tuple[str, ...]:
    """The fields of [balance] without those that the purpose does not open."""
    fields = table.get("balance", {}).get("by", ())
    return tuple(
        field for field in fields if field not in _NEEDS_PURPOSE or policy.opens(purpose, _NEEDS_PURPOSE[field])
    )


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
