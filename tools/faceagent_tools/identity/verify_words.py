"""The words for what verify_protected_identity finds: a pure function of evidence. The evidence supports, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from faceagent.tool import Names
from faceagent.types import Claim, Evidence
from faceagent_tools.identity.likelihood import NOT_AUTHENTIC
from faceagent_tools.identity.regions import OVERALL, PARTS

_PRIOR = "if an authentic photo, somebody else, a face swap and a synthesised picture were equally likely beforehand"
ANSWERS = {
    "genuine": "The evidence on {who} supports an authentic photo of “{name}” over an imitation or a photo of somebody "
    "else",
    "other": "The evidence supports that {who} shows somebody else than “{name}”",
    "swap": "The evidence on {who} supports an imitation of “{name}” over an authentic photo, and a face swap over a "
    "synthesised picture",
    "synthesised": "The evidence on {who} supports an imitation of “{name}” over an authentic photo, and a synthesised "
    "picture over a face swap",
}
"""By the kind of `likelihood.KINDS` that was found; faceagent_finetune.vip teaches models the same words."""
_NOT_AUTHENTIC = "The evidence supports that {who} does not come from an authentic photo of “{name}”"
_PIXELS = {
    "for": "The pixels, taken alone, speak for a forgery.",
    "against": "The pixels, taken alone, speak against a forgery.",
    "neither": "The pixels, taken alone, speak neither for nor against a forgery.",
}
_FEW = 3  # authentic photos, below which it is said that they are few


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """For each face the answer, how alike it is, region by region, what the pixels say; then the doubts."""
    rows = [row for row in evidence if row.attribute == "protected_identity"]
    claims: list[Claim] = []
    for row in (row for row in rows if row.status == "ok"):
        mine = [one for one in evidence if one.subject == row.subject and one is not row]
        claims += [
            _answer(row, names),
            *_left_open(row),
            _likeness(row, names),
            *_regions(mine, row, names),
            *_pixels(row),
            *_doubts(row, mine),
        ]
    return [*claims, *_unjudged([row for row in rows if row.status != "ok"], names)]


def _answer(row: Evidence, names: Names) -> Claim:
    who, name = names.of(row.subject), row.details["name"]
    if row.value == "undecided":
        sentence = (
            f"Whether {who} comes from an authentic photo of “{name}”, an imitation or a photo of somebody else cannot "
            "be decided."
        )
        return Claim.on([row], sentence, "answer")
    chance = row.probability.value if row.probability else 0.5
    said = _NOT_AUTHENTIC if row.value == NOT_AUTHENTIC else ANSWERS[str(row.value)]
    return Claim.on([row], f"{said.format(who=who, name=name)} (probability {chance:.2f}, {_PRIOR}).", "answer")


def _left_open(row: Evidence) -> Iterator[Claim]:
    if row.value == NOT_AUTHENTIC:
        sentence = (
            "Likeness alone does not tell somebody who looks alike from an imitation, and the pixels do not settle it."
        )
        yield Claim.on([row], sentence, "reason")


def _likeness(row: Evidence, names: Names) -> Claim:
    count, name = row.details["photos"], row.details["name"]
    likeness, among = _two(row.details["likeness"]), _two(row.details["likeness_among_authentic"])
    if count == 1:
        compared = f"the one authentic photo of “{name}” is {likeness}"
        sentence = f"The likeness of {names.of(row.subject)} to {compared}, where {among} is usual."
    else:
        compared = f"the {count} authentic photos of “{name}” is {likeness} on average"
        sentence = f"The likeness of {names.of(row.subject)} to {compared}; theirs to each other is {among}."
    return Claim.on([row], sentence, "reason")


def _regions(rows: Sequence[Evidence], answer: Evidence, names: Names) -> Iterator[Claim]:
    """What is similar, what is different, and what could not be compared."""
    by_name = {row.attribute.removesuffix("_comparison"): row for row in rows if row.attribute.endswith("_comparison")}
    for value, how in (("similar", "similar to"), ("different", "different from")):
        found = [name for name in PARTS if name in by_name and by_name[name].value == value]
        if found:
            show = "photo of “{}” shows" if answer.details["photos"] == 1 else "photos of “{}” show"
            what = f"{_and(found)} {_are(found)} {how} what the {show.format(answer.details['name'])}"
            sentence = f"In {names.of(answer.subject)}, {what}."
            yield Claim.on([by_name[name] for name in found], sentence, "reason", answer)
    lacking = [name for name in PARTS if name in by_name and by_name[name].status != "ok"]
    if lacking:
        reason = by_name[lacking[0]].reason
        sentence = f"In {names.of(answer.subject)}, {_and(lacking)} {_are(lacking)} not comparable, because {reason}."
        yield Claim.on([by_name[name] for name in lacking], sentence, "reason")


def _pixels(row: Evidence) -> Iterator[Claim]:
    pixels, reason = row.details.get("pixels"), row.details.get("pixels_not_judged")
    if pixels:
        yield Claim.on([row], _PIXELS[str(pixels)], "reason")
    elif reason:
        yield Claim.on([row], f"The pixels were left out of it: “{reason}”.", "doubt")


def _doubts(row: Evidence, rows: Sequence[Evidence]) -> Iterator[Claim]:
    sentence = "A forgery by a method that was not tested, a twin or another light and age can mislead this comparison."
    yield Claim.on([row], sentence, "doubt")
    if row.value in ("swap", "synthesised"):
        sentence = "Such pictures of known people were not among those that the comparison was fitted on."
        yield Claim.on([row], sentence, "doubt")
    compared = [one for one in rows if one.status == "ok" and one.attribute != f"{OVERALL}_comparison"]
    if compared:
        errors = [_number(one.details["missed"]) for one in compared]
        sentence = (
            f"Each region alone misleads: {min(errors):.0%} to {max(errors):.0%} of photos of one person seem "
            "different in it, and as many of different people similar."
        ).replace("%", " %")
        yield Claim.on(compared, sentence, "doubt")
    if _number(row.details["photos"]) < _FEW:
        count = row.details["photos"]
        photos = "one authentic photo" if count == 1 else f"{count} authentic photos"
        yield Claim.on([row], f"With only {photos} enrolled, the comparison is weak.", "doubt")


def _unjudged(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    by_reason: dict[str, list[Evidence]] = {}
    for row in rows:
        by_reason.setdefault(str(row.reason), []).append(row)
    for reason, found in by_reason.items():
        who = names.start(" + ".join(row.subject for row in found))
        were = "was" if len(found) == 1 else "were"
        yield Claim.on(found, f"{who} {were} not compared with a protected person, because {reason}.", "answer")


def _and(names: Sequence[str]) -> str:
    said = [f"the {name}" for name in names]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 and names[0] != "eyes" else "are"


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _two(value: JsonValue) -> str:
    return f"{_number(value):.2f}"
