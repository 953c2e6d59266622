"""The words for what recognize_emotion measured: a pure function of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from faceagent.tool import Names
from faceagent.types import Claim, Evidence

WORDS = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprised",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "contempt": "contemptuous",
}
"""What people call a face with each of the eight expressions."""
_MOST = 95


def about(probability: float) -> int:
    """People of a hundred, to the nearest five: the calibration is no finer. Never all of them."""
    return min(round(20 * probability) * 5, _MOST)


def word(rows: Sequence[Evidence], names: Names) -> list[Claim]:
    """Clear expressions, ambiguous ones, those not read; then what an expression does not tell."""
    measured = [row for row in rows if row.status == "ok"]
    claims = [_clear(group, names) for group in _alike(measured, clear=True)]
    claims += [_ambiguous(group, names) for group in _alike(measured, clear=False)]
    for group in _grouped((row for row in measured if row.probability is None), lambda row: row.value):
        claims.append(_scored(group, names))
        claims += [_scales(row, names) for row in group if "valence" in row.details]
    for group in _grouped((row for row in rows if row.status == "abstained"), lambda row: row.reason):
        claims.append(_not_read(group, names))
    return [*claims, *_seldom_found(measured), *_reservations(measured)]


def _alike(rows: Sequence[Evidence], *, clear: bool) -> list[list[Evidence]]:
    """Calibrated rows by what is said of them; ambiguous ones by both words."""
    chosen = [row for row in rows if row.threshold and row.threshold.holds(_chance(row)) is clear]
    return _grouped(chosen, lambda row: row.value if clear else (row.value, row.details["second"]))


def _chance(row: Evidence) -> float:
    return row.probability.value if row.probability else 0.0


def _grouped(rows: Iterable[Evidence], key: Any) -> list[list[Evidence]]:
    groups: dict[Any, list[Evidence]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.values())


def _people(row: Evidence, expression: object) -> int:
    """Of a hundred, those who would choose the word."""
    counts: Any = row.details["people_of_100"]
    return int(counts[expression])


def _clear(rows: Sequence[Evidence], names: Names) -> Claim:
    least = min(rows, key=_chance)
    most = 100 * _chance(least) > _MOST
    many = f"{'more than' if most else 'about'} {_people(least, least.value)}"
    each = "" if len(rows) == 1 else " for each" if most else " for the least clear of them"
    sentence = (
        f"{_start(_who(rows, names))} would probably be described as {WORDS[str(rows[0].value)]}: {many} in 100 people "
        f"would choose that word{each}."
    )
    return Claim.on(rows, sentence, "answer")


def _ambiguous(rows: Sequence[Evidence], names: Names) -> Claim:
    first, second = str(rows[0].value), str(rows[0].details["second"])
    if len(rows) > 1:
        sentence = (
            f"The expressions of {_who(rows, names)} are ambiguous: people would be divided, most of them between "
            f"{WORDS[first]} and {WORDS[second]}."
        )
    else:
        sentence = (
            f"The expression of {_who(rows, names)} is ambiguous: people would not agree on one word. The likeliest "
            f"are {WORDS[first]} (about {_people(rows[0], first)} in 100 people) and {WORDS[second]} (about "
            f"{_people(rows[0], second)})."
        )
    return Claim.on(rows, sentence, "answer")


def _scored(rows: Sequence[Evidence], names: Names) -> Claim:
    sentence = (
        f"HSEmotion, a published network, reads the expression of {_who(rows, names)} as "
        f"{WORDS[str(rows[0].value)]}; how often it is right was not measured here."
    )
    return Claim.on(rows, sentence, "answer")


def _scales(row: Evidence, names: Names) -> Claim:
    details = row.details
    sentence = (
        f"On scales from −1 to 1, the expression of {names.of(row.subject)} is {details['valence']} from unpleasant to "
        f"pleasant, and {details['arousal']} from calm to excited."
    )
    return Claim.on([row], sentence.replace(" -", " −"), "reason")


def _not_read(rows: Sequence[Evidence], names: Names) -> Claim:
    several = len(rows) > 1
    what = f"The expression{'s' if several else ''} of {_who(rows, names)} {'were' if several else 'was'} not read"
    return Claim.on(rows, f"{what}, because {rows[0].reason}.", "answer")


def _seldom_found(rows: Sequence[Evidence]) -> list[Claim]:
    """Where a word that was named is one that the network misses more often than not."""
    claims: dict[str, Claim] = {}
    for row in rows:
        seldom: Any = row.details.get("seldom_found") or {}
        for name, found in seldom.items():
            sentence = (
                f"The network is weak at this: of {found['photos']} validation photos that people most often called "
                f"{WORDS[name]}, it recognised {100 * found['recall']:.0f} %."
            )
            claims.setdefault(name, Claim.on([row], sentence, "doubt"))
    return list(claims.values())


def _reservations(measured: Sequence[Evidence]) -> list[Claim]:
    if not measured:
        return []
    purpose = measured[0].details["purpose"]
    return [
        Claim.on(measured[:1], "This is how an expression looks to others and not what somebody feels.", "doubt"),
        Claim.on(measured[:1], f"Expressions were read because a purpose was stated: “{purpose}”.", "doubt"),
    ]


def _who(rows: Sequence[Evidence], names: Names) -> str:
    """ "The face", "both faces", "all the faces", or the faces by name."""
    if len(rows) == len(names.faces) > 1:
        return "both faces" if len(rows) == 2 else "all the faces"
    return names.of(" + ".join(row.subject for row in rows))


def _start(who: str) -> str:
    return who[0].upper() + who[1:]
