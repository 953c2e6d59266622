"""What a sentence says is so, says is not so, or leaves open, held against the values of the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from faceagent.ground import wording
from faceagent.ground.sentence import REFERENCE, Clause, Said
from faceagent.ground.wording import Saying, Topic, compared, idioms, topics
from faceagent.types import Evidence

NEGATION = re.compile(
    r"\b(?:not(?! only| just| merely)|no|never|neither|nor|none|nobody|without|hardly|scarcely|barely|cannot|fails? to|lacks?"
    r"|lacking|unlikely|improbable|anything but|far from|nothing|nowhere)\b|\b\w+n['’]t\b|(?<=\w)n['’]t\b",
    re.IGNORECASE,
)
_ANEW = re.compile(r"\b(?:and|or|but)\s+(?=(?:no|not|without)\b)|\b(?=nor\b)", re.IGNORECASE)
_LISTED = re.compile(r"\bno\b[^.;]*\band $", re.IGNORECASE)
_REACH = 8
"""Words between a negation and what it negates, at most."""
_OPEN = re.compile(
    r"\b(?:whether|undecided|unclear|ambiguous|(?:stays?|remains?|left) open|no conclusion"
    r"|(?:cannot|could not|can't) be (?:decided|told|judged|said|called|established|determined|known)"
    r"|(?:not|n't|nothing is) (?:judged|estimated|compared|read|measured|outlined|settled?|examined|known|said))\b",
    re.IGNORECASE,
)
UNDECIDED = ("undecided", "inconclusive", None)
_CONTRAST = re.compile(r"\bover (?:no )?(?:an? )?[\w -]+?(?=[.,;]|$)", re.IGNORECASE)
_THAN = re.compile(r"\b(?:more|less) (?:likely|suspicious)\b.*?\bthan\b", re.IGNORECASE)
_TWO = re.compile(r"\bboth\b|\bneither\b(?!.*\bnor\b| way)|\beither of (?:them|the)\b", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:all|each|every|none|no|any)(?: one)?(?: of)?(?: the| them| these| those)?(?: \w+)? (?:faces?|people|persons?|wom[ae]n|m[ae]n)\b"
    r"|\b(?:all|none|each|any) of them\b|\b(?:everyone|everybody|nobody|no one)\b|\bthey all\b",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\bonly (?:face|image) \d|\bthe only (?:face|person|one|image|photo|man|woman)\b|\bno other\b", re.IGNORECASE
)


_REST = re.compile(
    r"\b(?:the )?others\b|\bother (?:faces|people|persons|ones)\b|\beveryone else\b|\bthe rest\b", re.IGNORECASE
)
_THAN_ANY = re.compile(r"\b(?:than|to others|people asked)\b", re.IGNORECASE)
_UNRESOLVED = re.compile(r"\b(?:the )?other (?:face|person|man|woman|guy|girl|boy|lady)\b", re.IGNORECASE)
_EXCEPT = re.compile(
    r"\b(?:nobody|no one|none|no \w+|every\w+|all(?: the)? \w+|anyone|any \w+) (?:but|except|besides|other than|apart from)\b"
    r"|\b(?:unlike|contrary to|in contrast to|as opposed to|instead of|rather than) (?=face \d)|\b(?:only|merely|just) (?:seems?|looks?|appears?)\b"
    r"|\b(?:average|mean|total|combined) \w+ (?:is|are|was|were)\b",
    re.IGNORECASE,
)
_LONE = re.compile(
    r"(?:no|not|nope|never|not (?:really|at all|so|true|quite)|none|wrong|false|(?:(?:it|they|he|she) )?(?:is|are|was|were|does|do)(?: not|n['’]t))",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:in no way|by no means|not at all|at all|not|isn't|never|no)\b(?=[\s.!?,]*$| (?:true|right|so|the case|correct)\b)",
    re.IGNORECASE,
)
_SOME = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|\d+|most|half|some|several|many|a few|few) of (?:the|them|these|those)(?: (?:faces|people|persons|women|men|\d+|two|three|four|five))*"
    r"|(?<!in )\b(two|three|four|five|six|seven|eight|nine|ten|\d+|some|several|many|few) (?:faces|people|persons)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Found:
    """A phrase in a clause, with the topics that know it."""

    start: int
    text: str
    sayings: tuple[tuple[Topic, Saying], ...]


def contradiction(said: Said) -> str | None:
    """A phrase whose truth the cited evidence denies, leaves open, or does not touch."""
    if standing(said):
        return None
    if match := _EXCEPT.search(said.plain):
        return f"{match[0]!r} is unclear: say of each face what is so"
    for clause in said.clauses:
        meant = quantified(said, clause)
        if isinstance(meant, str):
            return meant
        reason, text = _lines(said, meant)
        reason = reason or _unclear(said, meant)
        if reason:
            return reason
        for found in sayings_in(text):
            if reason := _judged(said, meant, found):
                return reason
    return None


def _lines(said: Said, clause: Clause) -> tuple[str | None, str]:
    """What a threshold means ("sharp enough to compare") is so where the score obeys it; then the rest of the clause."""
    text = clause.text
    for row in said.cited:
        if row.threshold is None or row.score is None or row.threshold.meaning not in text:
            continue
        if clause.named and not set(row.subject.split(" + ")) & set(clause.subjects):
            continue
        meaning, start = row.threshold.meaning, text.index(row.threshold.meaning)
        if row.threshold.holds(row.score) is (negations(text, start) == 1):
            reaches = "reaches" if row.threshold.holds(row.score) else "does not reach"
            return f"the sentence says otherwise of {meaning!r}: the score of {row.id} {reaches} the threshold", text
        text = text.replace(meaning, "·" * len(meaning))
    return None, text


def standing(said: Said) -> bool:
    """Whether the sentence speaks of methods or people in general and of no face in view."""
    return bool(wording.standing().fullmatch(said.text)) and not REFERENCE.search(said.text)


@lru_cache(maxsize=256)
def sayings_in(text: str) -> tuple[Found, ...]:
    """The phrases of all topics in a clause; one inside a longer one does not count by itself."""
    for pattern in (_CONTRAST, idioms().events, _THAN, compared()):
        text = pattern.sub(lambda match: "·" * len(match[0]), text)
    spans: dict[tuple[int, int], list[tuple[Topic, Saying]]] = {}
    for topic in topics().values():
        for saying in topic.sayings:
            for match in saying.pattern.finditer(text):
                spans.setdefault(match.span(), []).append((topic, saying))
    return tuple(
        Found(start, text[start:end], tuple(known))
        for (start, end), known in sorted(spans.items())
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in spans)
    )


def negations(text: str, end: int) -> int:
    """How many negations bear on what follows at `end`."""
    before = text[:end]
    if "neither" not in before.lower():
        before = before[max(before.rfind(stop) for stop in ",;:(") + 1 :]
    # "No glasses and no beard": each has a negation of its own.
    before = _ANEW.split(before)[-1]
    before = REFERENCE.sub("·", before).replace("· + ", "")
    reach = re.search(rf"(?:\S+\s+){{0,{_REACH}}}$", before)
    count = len(NEGATION.findall(reach.group(0) if reach else before))
    # "No thumbnail" is a phrase of its own, and so is what is said not to be so.
    return 0 if count == 1 and re.match(r"no\b", text[end:], re.IGNORECASE) and _LISTED.search(before) else count


def quantified(said: Said, clause: Clause) -> Clause | str:
    """The clause with the faces that "both", "none of them", "everyone" stand for, or why they cannot be told."""
    if _TWO.search(clause.text):
        for group in (clause.subjects, said.scope(clause.text)):
            if len(group) == 2:
                return replace(clause, subjects=group, named=True)
        return f"it is not clear whom {_TWO.search(clause.text)[0]!r} means: {len(clause.subjects)} subjects are cited"  # type: ignore[index]
    if _REST.search(clause.text) and not _THAN_ANY.search(clause.text):
        return replace(clause, subjects=said.others(clause.subjects), named=True)
    if _ALL.search(clause.text) and said.claim.attribute != "face_count":
        return replace(clause, subjects=said.scope(clause.text) or clause.subjects, named=True)
    return clause


def _unclear(said: Said, clause: Clause) -> str | None:
    """What cannot be followed: "the other face" among three, a lone "No.", a negation that comes after."""
    if match := _UNRESOLVED.search(clause.text):
        return f"it is not clear whom {match[0]!r} means: name the face by its id"
    if _LONE.fullmatch(clause.text.strip(" .!?,")):
        return f"{clause.text!r} takes back what was said: say it in one plain sentence"
    found = sayings_in(clause.text)
    if found and _AFTER.search(clause.text[found[-1].start + len(found[-1].text) :]):
        return f"a negation after {found[-1].text!r} is unclear: say it in one plain sentence"
    return None


def _judged(said: Said, clause: Clause, found: Found) -> str | None:
    if said.claim.attribute not in _COUNTING and (match := _SOME.search(clause.text)) and not clause.named:
        return _wrong_share(said, clause, found, (match[1] or match[2]).lower())
    rows = {subject: _rows(said, clause, subject, found) for subject in _asked(said, clause, found)}
    for subject, pairs in rows.items():
        if not pairs:
            return f"the sentence says {found.text!r}, but no cited evidence measures that of {subject}"
    if _OPEN.search(clause.text):
        decided = [row for pairs in rows.values() for row, saying in pairs if not _leaves_open(row, saying)]
        return f"the sentence leaves open what {decided[0].id} decides ({decided[0].value!r})" if decided else None
    count = negations(clause.text, found.start)
    if count > 1:
        return f"{found.text!r} is negated twice: say plainly what the evidence says"
    for subject, pairs in rows.items():
        pairs = [pair for pair in pairs if pair[1].every] or pairs
        truths = [_true(row, saying) for row, saying in pairs]
        row = pairs[0][0]
        if pairs[0][1].every and not all(truths):
            row = pairs[truths.index(False)][0]
            return f"the sentence says {found.text!r}, but {row.id} says {row.value!r}"
        if row.status != "ok" and not any(truths):
            return f"{row.id} has no value ({row.status}), so nothing can be said of {found.text!r} for {subject}"
        if any(truths) is (count == 1):
            how = "denies" if count else "says"
            return f"the sentence {how} {found.text!r} of {subject}, but {row.id} says {row.value!r}"
        if count and (row.value in UNDECIDED or _untold(row, [saying for _, saying in pairs])):
            return f"the sentence denies {found.text!r} of {subject}, which {row.id} leaves undecided"
    return _not_only(said, clause, found)


def _asked(said: Said, clause: Clause, found: Found) -> Sequence[str]:
    """The subjects of which a phrase is said: those named, or those on which there is evidence of that kind."""
    if clause.named:
        pair = " + ".join(clause.subjects)
        if any(row.subject == pair for topic, _ in found.sayings for row in said.of(pair, topic.attribute)):
            return (pair,)
        if any(subject.startswith("face ") for subject in clause.subjects):
            # "In face 1.1, in 48 frames of video 1": the phrase is said of the face.
            measured = {
                row.subject for topic, _ in found.sayings for row in said.cited if row.attribute == topic.attribute
            }
            return [one for one in clause.subjects if one.startswith("face ") or one in measured]
        return clause.subjects
    return (said.claim.subject,)


def _rows(said: Said, clause: Clause, subject: str, found: Found) -> list[tuple[Evidence, Saying]]:
    pairs = [(row, saying) for topic, saying in found.sayings for row in said.of(subject, topic.attribute)]
    if pairs or clause.named:
        return pairs or [
            (row, saying)
            for topic, saying in found.sayings
            for row in said.cited
            if row.attribute == topic.attribute and not row.subject.startswith("face ")
        ]
    return [(row, saying) for topic, saying in found.sayings for row in said.cited if row.attribute == topic.attribute]


def _true(row: Evidence, saying: Saying) -> bool:
    if row.status != "ok":
        return saying.of_details and saying.true_of(row)
    return saying.true_of(row) or ("second" in row.details and saying.true_of(row, row.details["second"]))


def _leaves_open(row: Evidence, saying: Saying) -> bool:
    if row.status != "ok" or row.value in UNDECIDED:
        return True
    if row.probability is not None and row.threshold is not None and "second" in row.details:
        return not row.threshold.holds(row.probability.value)
    return _untold(row, [saying])


def _untold(row: Evidence, sayings: Sequence[Saying]) -> bool:
    """Whether the evidence lists a thing among those that it leaves undecided."""
    names = {saying.condition.removeprefix("has:") for saying in sayings}
    listed = [row.details.get(key) for key in ("undecided", "not_told_well_enough")]
    return any(name in found for found in listed if isinstance(found, list | dict) for name in names)


def _wrong_share(said: Said, clause: Clause, found: Found, share: str) -> str | None:
    """ "Two of them are sharp" is counted over all faces in view."""
    scope = said.scope(clause.text)
    rows = {
        face: [(row, saying) for topic, saying in found.sayings for row in said.of(face, topic.attribute)]
        for face in scope
    }
    if lacking := [face for face, pairs in rows.items() if not pairs]:
        return f"{share!r} counts the faces in view, and no evidence on {', '.join(lacking)} is cited"
    denied = negations(clause.text, found.start) == 1
    count = sum(any(_true(row, saying) for row, saying in pairs) is not denied for pairs in rows.values())
    low, high = {"most": (len(scope) // 2 + 1, len(scope)), "half": (len(scope) / 2, len(scope) / 2)}.get(
        share, (2, len(scope) - 1) if share not in _NUMBERS and not share.isdigit() else (0, 0)
    )
    if share in _NUMBERS or share.isdigit():
        low = high = float(_NUMBERS.get(share, 0) or int(share))
    return None if low <= count <= high else f"{found.text!r} is true of {count} of {len(scope)} faces, not of {share}"


_COUNTING = ("face_count", "same_person", "frames", "age_order")
_NUMBERS = {
    word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), start=1)
}


def _not_only(said: Said, clause: Clause, found: Found) -> str | None:
    """ "Only face 1.1 is sharp" says something of all the other faces as well."""
    if not _ONLY.search(clause.text):
        return None
    for other in said.scope(clause.text):
        if other in clause.subjects:
            continue
        pairs = [(row, saying) for topic, saying in found.sayings for row in said.of(other, topic.attribute)]
        if not pairs:
            return f"'only' needs evidence on every face, and none on {other} is cited"
        if any(_true(row, saying) for row, saying in pairs):
            return f"{pairs[0][0].id} says {pairs[0][0].value!r} of {other} too, so it is not the only one"
    return None


def affirmed(text: str) -> Iterator[tuple[Found, bool]]:
    """The phrases in a clause, each with whether it is affirmed."""
    for found in sayings_in(text):
        yield found, negations(text, found.start) == 0
