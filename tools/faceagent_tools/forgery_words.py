"""detect_forgery's evidence in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from faceagent.tool import Names
from faceagent.types import Claim, Evidence
from faceagent_tools.forensics.witnesses import WEIGHED

ORDER = ("synthetic", "manipulated", "inconclusive", "no_sign")
TOLD_APART = "told_apart"
"""In the details of answers where it is asked which of several is forged: share of pairs of a forged and an authentic
face whose order was right (AUC)."""
OUTSIDE = "outside_of_faces"
"""Attribute of photos where it is asked what lies outside of faces."""
_ALIKE = math.log(1.5)  # log odds; where they are nearer, each of two would be the forged one with 40 % or more
_MANY = 3  # faces beyond which probabilities are left to the table
_PART_NAMES = {
    WEIGHED["network"]: "the network",
    WEIGHED["swap"]: "the measure of noise and edges",
    WEIGHED["synthesis"]: "the measure of a generator’s spectrum",
    WEIGHED["clip"]: "the image network CLIP",
}
_UNUSUAL = {
    "jpeg_ghost": "the face seems to have been saved at another quality than what surrounds it",
    "jpeg_ghost_around": "what surrounds the face seems to have been saved at another quality than the face",
    "second_block_grid": "the face bears a second grid of JPEG blocks, as a part pasted in would",
    "noise_contrast": "the grain of the face differs from that of its surroundings more than is usual",
    "eye_highlights": "the highlights in the two eyes differ more than is usual",
    "upsampling_grid": "the face bears the grid of an enlargement",
}


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Answers by finding, then the probability and the rates behind them, the parts that agree and dissent, doubts."""
    found = [row for row in evidence if row.attribute == "forgery"]
    measured = [row for row in found if row.status == "ok"]
    outside = list(_outside(evidence, names))
    claims = [*outside, *_which(measured, names)]
    for finding in ORDER:
        rows = [row for row in measured if row.value == finding]
        if rows:
            claims.append(
                Claim.on(rows, _ANSWERS[finding].format(who=names.of(_subjects(rows)), **_grammar(rows)), "answer")
            )
            claims += _reasons(finding, rows, names)
            claims += _doubts(finding, rows, names)
    claims += () if outside else _elsewhere(measured)
    claims += _parts(evidence, measured, names)
    return [*claims, *_unmeasured(found, names)]


def _outside(evidence: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    """That what is asked about was not judged, which comes before what was."""
    if rows := [row for row in evidence if row.attribute == OUTSIDE]:
        sentence = (
            f"The pixels of {names.of(_subjects(rows))} outside of faces were not judged, because {rows[0].reason}: a "
            "change there can go unnoticed."
        )
        yield Claim.on(rows, sentence, "answer")


def _which(measured: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    """Which face is the most suspicious, where that is asked."""
    judged = [row for row in measured if TOLD_APART in row.details]
    ranked = sorted(judged, key=lambda row: row.score or 0.0, reverse=True)
    if len(ranked) < 2:
        return
    first, second, *rest = ranked
    if _alike(first, second):
        who = names.of(_subjects(judged)).replace(" and ", " nor ")
        sentence = "None of the faces judged stands out." if rest else f"Neither {who} stands out."
        # Alike, and yet one may lie on this side of the line and one on the other: then it claims no value of all.
        said = judged if len({str(row.value) for row in judged}) == 1 else judged[:1]
        yield Claim.on(said, sentence, "answer", *judged[len(said) :])
        return
    who = names.start(first.subject)
    sentence = (
        "is the most suspicious of those judged" if rest else f"is more suspicious than {names.of(second.subject)}"
    )
    yield Claim.on([first], f"{who} {sentence}.", "answer", second, *rest)
    yield Claim.on(
        [first],
        f"A face that stands out need not be forged: in the test, a forged face was told from an authentic one in "
        f"{_percent(first.details[TOLD_APART])} of pairs.",
        "doubt",
    )


def _alike(first: Evidence, second: Evidence) -> bool:
    """Whether two faces are about as suspicious, or as told: nobody is helped by an order of 1 % and 1 %."""
    told = [row.probability and row.probability.value for row in (first, second)]
    return (first.score or 0.0) - (second.score or 0.0) < _ALIKE or told[0] == told[1]


_ANSWERS = {
    "manipulated": "The pixels of {who} support manipulation over no manipulation.",
    "synthetic": "The pixels of {who} support a picture made by a generator over a photograph.",
    "inconclusive": "The pixels of {who} do not settle whether {it} {was} altered or generated.",
    "no_sign": "The pixels of {who} bear no more traces of forgery than those of authentic photos.",
}


def _reasons(finding: str, rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    if finding == "manipulated":
        for row in rows:
            strongest = row.details.get("strongest")
            if isinstance(strongest, list) and strongest:
                where = " and ".join(str(place) for place in strongest)
                who = "" if len(names.faces) == 1 else f" of {names.of(row.subject)}"
                yield Claim.on([row], f"The traces{who} are strongest around {where} in the photo.", "reason")
    if finding == "synthetic":
        sentence = "No part of the face is singled out: such a picture is made as a whole."
        yield Claim.on(rows, sentence if len(rows) == 1 else sentence.replace("the face", "these faces"), "reason")
    if len(rows) <= _MANY:
        yield Claim.on(rows, _probability(rows, names), "doubt" if finding == "inconclusive" else "reason")
    row = rows[0]
    if finding in ("manipulated", "synthetic"):
        yield Claim.on(
            rows,
            f"In the test, {_percent(row.details['false_alarms'], 1)} of authentic photos reached this line, and "
            f"{_percent(row.details['forgeries_found'])} of known forgeries.",
            "reason",
        )
    if finding == "no_sign":
        yield Claim.on(
            rows,
            f"In the test, {_percent(row.details['authentic_as_clean'])} of authentic photos looked as clean, but so "
            f"did {_percent(row.details['forgeries_as_clean'])} of known forgeries.",
            "reason",
        )


def _probability(rows: Sequence[Evidence], names: Names) -> str:
    known = [(row, row.probability) for row in rows if row.probability is not None]
    if len(names.faces) > 1:
        chances = [f"{_percent(chance.value)} for {names.of(row.subject)}" for row, chance in known]
    else:
        chances = [_percent(chance.value) for _, chance in known]
    listed = chances[0] if len(chances) == 1 else f"{', '.join(chances[:-1])} and {chances[-1]}"
    return (
        f"Were a forgery and an authentic photo equally likely beforehand, the probability of a forgery by the pixels "
        f"alone would be {listed} (calibrated on {known[0][1].n:,} photos)."
    )


def _doubts(finding: str, rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    if finding in ("manipulated", "synthetic"):
        sentence = (
            "Retouching, a beauty filter, a screenshot or a copy that was enlarged and saved again can leave similar "
            "traces."
        )
        yield Claim.on(rows, sentence, "doubt")
        for row in rows:
            if "enlarged_about" in row.details:
                factor = f"{row.details['enlarged_about']:.1f}"
                sentence = (
                    f"{names.start(row.subject)} was enlarged about {factor} times or is out of focus, which can leave "
                    "similar traces."
                )
                yield Claim.on([row], sentence, "doubt")
    if finding == "manipulated":
        yield Claim.on(rows, "The marked places are where the network looked, not proof of what was changed.", "doubt")
    if finding == "inconclusive":
        yield Claim.on(
            rows,
            "The traces lie between those of authentic photos and of known forgeries; a larger or less compressed "
            "copy, nearer to the original file, may settle it.",
            "doubt",
        )
    if finding == "no_sign":
        yield Claim.on(
            rows, "Forgeries made by other methods than those it was tested on may look clean to it.", "doubt"
        )


def _elsewhere(measured: Sequence[Evidence]) -> Iterator[Claim]:
    """What no finding speaks of, whatever it is: said once for all faces."""
    if measured:
        sentence = (
            "Only the pixels of faces are judged: a change elsewhere in the picture, such as another background or a "
            "person taken out, can go unnoticed."
        )
        alike = [row for row in measured if row.value == measured[0].value]
        yield Claim.on(alike, sentence, "doubt", *measured)


def _parts(evidence: Sequence[Evidence], measured: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    """Where weighed parts differ from the answer, and what is unusual beside it; for many faces the table has it."""
    for answer in measured if len(measured) <= _MANY else ():
        mine = [row for row in evidence if row.subject == answer.subject and row.status == "ok"]
        who = "" if len(names.faces) == 1 else f" on {names.of(answer.subject)}"
        wanted = "sign" if answer.value in ("manipulated", "synthetic") else "no_sign"
        if answer.value != "inconclusive":
            for row in mine:
                # What carries no weight in the answer cannot dissent from it.
                if row.attribute in _PART_NAMES and row.value != wanted and row.details["weight"]:
                    yield Claim.on([row], _dissent(row, wanted, who), "doubt")
        for row in mine:
            if row.attribute in _UNUSUAL and row.value == "unusual":
                where = "" if len(names.faces) == 1 else f"In {names.of(answer.subject)}, "
                text = f"{where}{_UNUSUAL[row.attribute]}, which about 2 in 100 authentic photos show as well."
                yield Claim.on([row], text[0].upper() + text[1:], "reason" if wanted == "sign" else "doubt")


def _dissent(row: Evidence, wanted: str, who: str) -> str:
    part = _PART_NAMES[row.attribute]
    if wanted == "sign":
        return f"{part[0].upper()}{part[1:]}, taken alone, does not reach its line{who}."
    return (
        f"{part[0].upper()}{part[1:]}, taken alone, reaches its line{who}, which one in twenty authentic photos does."
    )


def _unmeasured(found: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    rest = [row for row in found if row.status != "ok"]
    for reason in dict.fromkeys(row.reason for row in rest):
        rows = [row for row in rest if row.reason == reason]
        who = names.of(_subjects(rows))
        yield Claim.on(rows, f"The pixels of {who} were not judged, because {reason}.", "answer")


def _grammar(rows: Sequence[Evidence]) -> dict[str, str]:
    return {"it": "it", "was": "was"} if len(rows) == 1 else {"it": "they", "was": "were"}


def _subjects(rows: Sequence[Evidence]) -> str:
    return " + ".join(row.subject for row in rows)


def _percent(share: JsonValue, decimals: int = 0) -> str:
    return f"{float(share) * 100:.{decimals}f} %" if isinstance(share, int | float) else "some"
