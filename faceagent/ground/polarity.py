"""What a sentence says is so, says is not so, or leaves open, held against the values of the evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faceagent.ground.negation import hangs, negations, unclear
from faceagent.ground.phrase import Found, left_open, sayings_in, standing, true
from faceagent.ground.quantity import not_only, quantified, share_of, wrong_place, wrong_share
from faceagent.ground.sentence import REFERENCE, Clause, Said
from faceagent.ground.wording import Saying, Words, idiom
from faceagent.types import Evidence

_ALL_OF_IT = re.compile(
    rf"(?:{REFERENCE.pattern}|[ +]|it|they|both faces)+ (?:is|are|was|were|stays?|remains?)\b", re.IGNORECASE
)
_ALMOST = re.compile(r"\b(?:almost|nearly|half) $", re.IGNORECASE)
UNDECIDED = ("undecided", "inconclusive", None)


def contradiction(said: Said) -> str | None:
    """A phrase whose truth the cited evidence denies, leaves open, or does not touch."""
    if standing(said):
        return None
    if match := idiom("except").search(said.plain):
        return f"{match[0]!r} is unclear: say of each face what is so"
    for clause in said.clauses:
        meant = quantified(said, clause)
        if isinstance(meant, str):
            return meant
        reason, text = _lines(said, meant)
        reason = reason or wrong_place(said, clause) or _unclear(said, meant) or _misplaced_doubt(said, meant)
        if reason:
            return reason
        for found in sayings_in(text, said.words):
            if reason := _judged(said, meant, found):
                return reason
    return None


def _lines(said: Said, clause: Clause) -> tuple[str | None, str]:
    """What a threshold means ("sharp enough to compare") is so where the score obeys it; and the rest of the clause."""
    text = clause.text
    for row in said.cited:
        if row.threshold is None or row.score is None or row.threshold.meaning not in text:
            continue
        if clause.named and not set(row.subject.split(" + ")) & set(clause.subjects):
            continue
        meaning, start = row.threshold.meaning, text.index(row.threshold.meaning)
        if row.threshold.holds(row.score) is (negations(text, start, said.words) == 1):
            reaches = "reaches" if row.threshold.holds(row.score) else "does not reach"
            return f"the sentence says otherwise of {meaning!r}: the score of {row.id} {reaches} the threshold", text
        text = text.replace(meaning, "·" * len(meaning))
    return None, text


def _unclear(said: Said, clause: Clause) -> str | None:
    """What cannot be followed: "the other face" among three, a lone "No.", a negation that comes after."""
    if match := idiom("unresolved").search(clause.text):
        return f"it is not clear whom {match[0]!r} means: name the face by its id"
    if idiom("takes_back").fullmatch(clause.text.strip(" .!?,")):
        return f"{clause.text!r} takes back what was said: say it in one plain sentence"
    found = sayings_in(clause.text, said.words)
    if found and _negated_after(clause.text, found[-1], said.words):
        return f"a negation after {found[-1].text!r} is unclear: say it in one plain sentence"
    return None


def _negated_after(text: str, found: Found, words: Words) -> bool:
    """ "Sharp in no way", "glasses that are not there"."""
    after = text[found.start + len(found.text) :]
    if idiom("negation_after").search(after):
        return True
    after = idiom("contrast").sub(" ", re.split(r"[,(“]", after)[0])
    return bool(idiom("negation").search(after)) and not left_open(text, found, words)


def _misplaced_doubt(said: Said, clause: Clause) -> str | None:
    """ "The age of face 1.1 is unknown" where it was estimated, "… was estimated" where it was not."""
    if sayings_in(clause.text, said.words):
        return None
    topic = said.claim.attribute.replace("_", " ")
    if topic not in clause.text.lower() and not _ALL_OF_IT.match(clause.text):
        return None
    rows = [row for subject in clause.subjects for row in said.of(subject, said.claim.attribute)]
    decided = [row for row in rows if not _open(row)]
    if decided and len(decided) == len(rows) and idiom("leaves_open").search(clause.text):
        return f"the sentence leaves open what {decided[0].id} decides ({decided[0].value!r})"
    if rows and idiom("looked_into").search(clause.text) and all(row.status != "ok" for row in rows):
        return f"{rows[0].id} has no value ({rows[0].status}), and the sentence says that there is one"
    return None


def _judged(said: Said, clause: Clause, found: Found) -> str | None:
    if share := share_of(said, clause):
        return _half_negated(said, clause, found) or wrong_share(said, clause, found, share)
    rows = {subject: _rows(said, clause, subject, found) for subject in _asked(said, clause, found)}
    for subject, pairs in rows.items():
        if not pairs:
            return f"the sentence says {found.text!r}, but no cited evidence measures that of {subject}"
    if left_open(clause.text, found, said.words):
        decided = [row for pairs in rows.values() for row, saying in pairs if not _leaves_open(row, saying)]
        return f"the sentence leaves open what {decided[0].id} decides ({decided[0].value!r})" if decided else None
    if reason := _half_negated(said, clause, found):
        return reason
    if match := _ALMOST.search(clause.text[: found.start]):
        return f"{match[0].strip()!r} before {found.text!r} is unclear: say whether it is so"
    count = negations(clause.text, found.start, said.words)
    if count > 1:
        return f"{found.text!r} is negated twice: say plainly what the evidence says"
    for subject, pairs in rows.items():
        if reason := _denied(subject, pairs, found, negated=count == 1):
            return reason
    return not_only(said, clause, found)


def _half_negated(said: Said, clause: Clause, found: Found) -> str | None:
    if hangs(clause.text, found, said.words) or unclear(clause.text, found.start, said.words):
        return f"it is not clear whether {found.text!r} is negated: say it in one plain sentence"
    return None


def _denied(subject: str, pairs: Sequence[tuple[Evidence, Saying]], found: Found, *, negated: bool) -> str | None:
    """Why the evidence on one subject does not bear out a phrase, affirmed or negated."""
    pairs = [pair for pair in pairs if pair[1].every] or pairs
    truths = [true(row, saying) for row, saying in pairs]
    row = pairs[0][0]
    if pairs[0][1].every and not all(truths):
        row = pairs[truths.index(False)][0]
        return f"the sentence says {found.text!r}, but {row.id} says {row.value!r}"
    if row.status != "ok" and not any(truths):
        return f"{row.id} has no value ({row.status}), so nothing can be said of {found.text!r} for {subject}"
    if any(truths) is negated:
        how = "denies" if negated else "says"
        return f"the sentence {how} {found.text!r} of {subject}, but {row.id} says {row.value!r}"
    if negated and (row.value in UNDECIDED or _untold(row, [saying for _, saying in pairs])):
        return f"the sentence denies {found.text!r} of {subject}, which {row.id} leaves undecided"
    return None


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
    """The evidence on the subject itself; else that on its photo or, where nothing is named, whatever is cited."""
    cited = [(row, saying) for topic, saying in found.sayings for row in said.cited if row.attribute == topic.attribute]
    if clause.named:
        return found.on(said, subject) or [pair for pair in cited if not pair[0].subject.startswith("face ")]
    return found.on(said, subject) or cited


def _leaves_open(row: Evidence, saying: Saying) -> bool:
    return _open(row) or _untold(row, [saying])


def _open(row: Evidence) -> bool:
    if row.status != "ok" or row.value in UNDECIDED:
        return True
    if row.probability is not None and row.threshold is not None and "second" in row.details:
        return not row.threshold.holds(row.probability.value)
    return False


def _untold(row: Evidence, sayings: Sequence[Saying]) -> bool:
    """Whether the evidence lists a thing among those that it leaves undecided."""
    names = {saying.condition.removeprefix("has:") for saying in sayings}
    listed = [row.details.get(key) for key in ("undecided", "not_told_well_enough")]
    return any(name in found for found in listed if isinstance(found, list | dict) for name in names)
