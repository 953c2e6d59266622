"""What detectors of others say (`voices`), in sentences: whether they agree with the examination, and their scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.tool import Names
from faceagent.types import Claim, ClaimRole, Evidence

ATTRIBUTE = "forgery_voice"
_ANSWER = "forgery"  # attribute of the examination's own answer
_SIDES = {"manipulated": "forged", "synthetic": "forged", "no_sign": "authentic"}
_MANY = 3  # faces beyond which scores are left to the table


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Agreement with the examination's answer is a reason; dissent, and a score without a line of its own, a doubt.

    Args:
        evidence: all of detect_forgery's, its own answers included.
    """
    rows = [row for row in evidence if row.attribute == ATTRIBUTE]
    spoken = [row for row in rows if row.status == "ok"]
    answers = {row.subject: _SIDES.get(str(row.value)) for row in evidence if row.attribute == _ANSWER}
    faces = list(dict.fromkeys(row.subject for row in spoken))
    claims: list[Claim] = []
    for face in faces if len(faces) <= _MANY else ():
        mine = [row for row in spoken if row.subject == face]
        for title in _titles(mine):
            claims += _sides([row for row in mine if row.details["title"] == title], answers.get(face), names)
    claims += [claim for title in _titles(spoken) for claim in _worth(title, spoken)]
    return [*claims, *_failures(rows)]


def _titles(rows: Sequence[Evidence]) -> list[str]:
    return list(dict.fromkeys(str(row.details["title"]) for row in rows))


def _sides(rows: Sequence[Evidence], answer: str | None, names: Names) -> Iterator[Claim]:
    """Of one title on one face: a claim for those that speak of a forgery, one for those that do not."""
    for side in ("forged", "authentic"):
        group = [row for row in rows if row.value == side]
        if group:
            yield Claim.on(group, _side(group, len(group) < len(rows), answer, names), _role(side, answer))
    for row in rows:
        if row.threshold is None:
            on = "" if len(names.faces) == 1 else f" on {names.of(row.subject)}"
            sentence = f"{row.details['title']}, gives a raw score of {row.score:.2f}{on}, for which no line is stated."
            yield Claim.on([row], sentence, "doubt")


def _side(group: Sequence[Evidence], in_part: bool, answer: str | None, names: Names) -> str:
    first = group[0]
    forged = first.value == "forged"
    stance = "sees a forgery" if forged else "sees no forgery"
    if answer:
        stance = "agrees" if first.value == answer else "dissents"
    part = " in part" if in_part else ""
    on = "" if len(names.faces) == 1 else f" on {names.of(first.subject)}"
    line = first.threshold.value if first.threshold else 0.0
    from_there = f"from {line:.2f} on" if forged else f"only from {line:.2f} on"
    told = _scores(group, forged, in_part)
    return f"{first.details['title']}, {stance}{part}{on}: {told}, and {from_there} it speaks of a forgery."


def _scores(group: Sequence[Evidence], forged: bool, in_part: bool) -> str:
    """Of several, the one that is nearest to the line."""
    scores = [row.score or 0.0 for row in group]
    owners = _listed([row.method.name for row in group])
    if len(group) == 1:
        return f"{f'the raw score of {owners}' if in_part else 'its raw score'} is {scores[0]:.2f}"
    nearest = f"least {min(scores):.2f}" if forged else f"most {max(scores):.2f}"
    return f"the raw scores of {owners if in_part else 'its networks'} are at {nearest}"


def _role(side: str, answer: str | None) -> ClaimRole:
    return "reason" if side == answer else "doubt"


def _worth(title: str, spoken: Sequence[Evidence]) -> Iterator[Claim]:
    row = next(row for row in spoken if row.details["title"] == title)
    worth = row.details.get("right_order")
    if isinstance(worth, dict):
        least, most = worth["least"], worth["most"]
        count = f"{least}" if least == most else f"{least} to {most}"
        yield Claim.on(
            [row],
            f"In our test, {title.partition(',')[0]} put {count} of {worth['of']} pairs of a face swap and an "
            f"authentic photo ({worth['set']}) in the right order; guessing gives {worth['by_guessing']}.",
            "doubt",
        )


def _failures(rows: Sequence[Evidence]) -> Iterator[Claim]:
    failed = [row for row in rows if row.status != "ok"]
    for title, reason in dict.fromkeys((str(row.details["title"]), row.reason) for row in failed):
        same = [row for row in failed if (row.details["title"], row.reason) == (title, reason)]
        yield Claim.on(same, f"{title}, could not be asked: “{reason}”.", "doubt")


def _listed(items: Sequence[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
