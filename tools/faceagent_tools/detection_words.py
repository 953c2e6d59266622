"""detect_faces' evidence in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from faceagent.tool import Names
from faceagent.types import Claim, Evidence
from faceagent_tools.detectors import YUNET


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """How many faces there are, then what is small, weak or may have been missed."""
    claims: list[Claim] = []
    counts = [row for row in evidence if row.attribute == "face_count" and row.status == "ok"]
    for row in counts:
        claims.append(_count_claim(row, names))
        claims += _small_claim(row, names)
    claims += [
        Claim.on([row], f"{names.start(row.subject)} was found only weakly and may not be a face.", "doubt")
        for row in evidence
        if row.details.get("weak")
    ]
    claims += _miss_claim(counts)
    return [*claims, *_uncounted(evidence, names)]


def _count_claim(row: Evidence, names: Names) -> Claim:
    count = row.value if isinstance(row.value, int) else 0
    where = names.of(row.subject)
    sentence = {
        0: f"No face was found in {where}.",
        1: f"There is one face in {where}.",
    }.get(count, f"There are {_spelled(count)} faces in {where}, counted from left to right.")
    return Claim.on([row], sentence, "answer")


def _small_claim(row: Evidence, names: Names) -> list[Claim]:
    small = row.details["small_faces"]
    if not isinstance(small, int) or not small:
        return []
    who = "One of them is" if small == 1 else f"{_spelled(small).capitalize()} of them are"
    if row.value == 1:
        who = "It is"
    return [
        Claim.on(
            [row], f"{who} less than {row.details['small_below_px']} pixels wide, too small to measure much.", "doubt"
        )
    ]


def _uncounted(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    rows = [row for row in evidence if row.attribute == "face_count" and row.status != "ok"]
    return [
        Claim.on([row], f"The faces in {names.of(row.subject)} were not counted, because {row.reason}.", "answer")
        for row in rows
    ]


def _miss_claim(counts: Sequence[Evidence]) -> list[Claim]:
    """One doubt for all photos, when the detector is the one that misses faces."""
    weak = [row for row in counts if row.method is not None and row.method.name != YUNET]
    if not weak:
        return []
    lead = weak[0]
    sentence = "The detector in use can miss faces that are small, turned away or covered."
    return [Claim.on([lead], sentence, "doubt")]


def _spelled(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[number] if number < len(words) else str(number)
