"""Evidence into a verdict: a list of rules in order of weight, each a pure function.

The first rule that finds a sign gives the verdict and its headline; those after it support it. Without a sign the
verdict is "no_sign_found" only where a forgery detector has examined the pixels and found none, otherwise
"inconclusive". Editing software is a circumstance and never a sign: ordinary work leaves the same mark.

The sentences are those of the tools wherever they have one; a rule has its own for the case that they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from faceagent.types import Claim, ClaimRole, Evidence, Verdict, VerdictKind

WEIGHED = ("inspect_provenance", "detect_forgery", "examine_video")
"""The tools whose findings bear on the verdict. What the others found describes the photo."""
FORGERY = "forgery"
RECORDS = (
    "generator_marks",
    "thumbnail",
    "content_credentials",
    "digital_source_type",
    "contradictions",
    "editing_software",
    "capture_record",
    "metadata",
)
# IPTC's vocabulary (cv.iptc.org/newscodes/digitalsourcetype): what a file may state of itself that is a sign. Terms for
# ordinary capture and ordinary edits are none.
SYNTHETIC = frozenset(
    {
        "trainedAlgorithmicMedia",
        "algorithmicMedia",
        "dataDrivenMedia",
        "virtualRecording",
        "digitalCreation",
        "digitalArt",
    }
)
COMPOSED = frozenset(
    {"compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "composite", "compositeCapture"},
)
_FORGED: dict[JsonValue, VerdictKind] = {"synthetic": "signs_of_synthesis", "manipulated": "signs_of_alteration"}
"""Values of `FORGERY` that are signs."""
_ROLES: tuple[ClaimRole, ...] = ("answer", "reason", "doubt")


@dataclass(frozen=True)
class Sign:
    """What a rule found: the evidence it rests on, and a sentence for the case that the tool has none for it."""

    kind: VerdictKind
    evidence: Evidence
    sentence: str
    settle: tuple[str, ...]


class Rows:
    """The evidence on one exhibit as the rules read it."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._evidence = evidence

    def row(self, attribute: str) -> Evidence | None:
        """What was measured of an attribute of the exhibit itself, if it was, and not of a face."""
        return next((row for row in self.all(attribute) if not row.subject.startswith("face")), None)

    def all(self, attribute: str) -> list[Evidence]:
        return [row for row in self._evidence if row.attribute == attribute and row.status == "ok"]

    def value(self, attribute: str) -> object:
        row = self.row(attribute)
        return row.value if row else None

    def unread(self) -> list[Evidence]:
        """Evidence that records of the file could not be read, or that there is no file."""
        return [row for row in self._evidence if row.tool == "inspect_provenance" and row.status != "ok"]

    def clear(self) -> list[Evidence]:
        """Evidence that the pixels were examined and show nothing."""
        return [row for row in self.all(FORGERY) if row.value == "no_sign"]

    def undecided(self) -> list[Evidence]:
        """Evidence that the pixels were examined without a result; not that there was no face to examine."""
        rows = (row for row in self._evidence if row.attribute == FORGERY and row.status != "not_applicable")
        return [row for row in rows if row not in self.clear()]


def verdict(evidence: Sequence[Evidence], said: Sequence[Claim] = ()) -> Verdict:
    """The verdict on one exhibit.

    Args:
        evidence: all that was measured on it and on its faces, with ids.
        said: what the tools say of it, already held against the evidence.
    """
    rows = Rows(evidence)
    tools = {row.id: row.tool for row in evidence}
    weighed = [claim for claim in said if tools.get(claim.evidence[0]) in WEIGHED]
    signs = [sign for rule in RULES if (sign := rule(rows)) is not None]
    if not signs:
        return _without_sign(rows, weighed)
    answer, *others = (_worded(sign, weighed) for sign in signs)
    supporting = [claim.model_copy(update={"role": "reason"}) for claim in others if claim != answer]
    told = {answer.sentence, *(claim.sentence for claim in supporting)}
    beside = [claim for claim in _beside(rows, weighed) if claim.sentence not in told]
    claims = [answer, *supporting, *beside, *(claim for claim in weighed if claim.role != "answer")]
    about = signs[0].evidence.id
    ordered = sorted(claims, key=lambda claim: (_ROLES.index(claim.role), about not in claim.evidence))
    return Verdict(
        kind=signs[0].kind,
        headline=answer.sentence,
        claims=tuple(ordered),
        would_settle=tuple(dict.fromkeys(item for sign in signs for item in sign.settle)),
    )


def _worded(sign: Sign, weighed: Sequence[Claim]) -> Claim:
    """The tool's own sentence about a sign, or else the rule's."""
    own = (claim for claim in weighed if claim.role == "answer" and claim.evidence[0] == sign.evidence.id)
    return next(own, None) or _claim("answer", sign.sentence, sign.evidence)


def _claim(role: ClaimRole, sentence: str, lead: Evidence, *others: Evidence) -> Claim:
    return Claim(
        sentence=sentence,
        subject=lead.subject,
        attribute=lead.attribute,
        value=lead.value,
        evidence=tuple(dict.fromkeys(row.id for row in (lead, *others))),
        role=role,
    )


# The rules, weightiest first.

_ORIGINAL = "The original file as the camera or phone made it, before any website, messenger or program saved it anew."
_PUBLISHER = "Who published it first, and what they say about how it was made."
_WITNESS = "Another photo or a video of the same moment by somebody else."


def stated_by_the_file(rows: Rows) -> Sign | None:
    """The file says of itself that it is AI-made or composed. Few would say so falsely, so it weighs most."""
    stated = rows.row("digital_source_type")
    if stated is None or stated.value not in SYNTHETIC | COMPOSED:
        return None
    kind: VerdictKind = "signs_of_synthesis" if stated.value in SYNTHETIC else "signs_of_alteration"
    what = "no camera took the picture" if stated.value in SYNTHETIC else "the picture was put together from parts"
    settle = (_PUBLISHER, "The records of the service or program that made it.")
    return Sign(kind, stated, f"The file states of itself that {what}.", settle)


def generator_marks(rows: Rows) -> Sign | None:
    """Text that generators leave in a file: prompts, names of models and services."""
    marks = rows.row("generator_marks")
    if marks is None or not marks.value:
        return None
    settle = (_PUBLISHER, "The records of the service or program that made it.")
    return Sign("signs_of_synthesis", marks, "The file carries the mark of a generator.", settle)


def thumbnail_differs(rows: Rows) -> Sign | None:
    """Cameras embed a small copy; a program that leaves it alone leaves the picture from before its change."""
    thumbnail = rows.row("thumbnail")
    if thumbnail is None or thumbnail.value != "differs":
        return None
    sentence = "The thumbnail embedded in the file, a small copy of the picture, differs from the photo."
    settle = ("The original file from the camera or phone: its thumbnail and its picture should agree.", _PUBLISHER)
    return Sign("signs_of_alteration", thumbnail, sentence, settle)


def broken_credentials(rows: Rows) -> Sign | None:
    """Content credentials that do not fit the file any more."""
    credentials = rows.row("content_credentials")
    if credentials is None or credentials.value != "invalid":
        return None
    sentence = "The file carries signed records of its origin that do not fit it: it was changed, or they were."
    settle = ("The file as it was signed, from the signer whom its records name.", _PUBLISHER)
    return Sign("signs_of_alteration", credentials, sentence, settle)


def pixels(rows: Rows) -> Sign | None:
    """A forgery detector has found traces in the pixels."""
    found = [row for row in rows.all(FORGERY) if isinstance(row.value, str) and row.value in _FORGED]
    if not found:
        return None
    lead = max(found, key=lambda row: row.probability.value if row.probability else 0.0)
    what = "synthesis" if lead.value == "synthetic" else "manipulation"
    return Sign(_FORGED[lead.value], lead, f"The pixels support {what} over no {what}.", (_ORIGINAL, _WITNESS))


def dates_contradict(rows: Rows) -> Sign | None:
    """Two dates that disagree call for an explanation. A clock that was set wrong is one, so this decides nothing."""
    found = rows.row("contradictions")
    if found is None or not isinstance(found.value, list) or not set(map(str, found.value)) - {"another size"}:
        return None
    settle = ("Whether the camera’s clock was right.", _ORIGINAL, _WITNESS)
    return Sign("inconclusive", found, "Records in the file contradict each other.", settle)


RULES: tuple[Callable[[Rows], Sign | None], ...] = (
    stated_by_the_file,
    generator_marks,
    thumbnail_differs,
    broken_credentials,
    pixels,
    dates_contradict,
)


def _beside(rows: Rows, weighed: Sequence[Claim]) -> list[Claim]:
    """What the pixels say of each face is shown beside the signs, in the tool's own words if it has some."""
    clear = rows.clear()
    pixels = {row.id: row for row in (*clear, *rows.undecided())}
    own = [claim for claim in weighed if claim.role == "answer" and claim.evidence[0] in pixels]
    if own:
        return [
            claim.model_copy(update={"role": "reason" if pixels[claim.evidence[0]].value in _FORGED else "doubt"})
            for claim in own
        ]
    return [_claim("doubt", "The examination of the pixels found no sign.", clear[0], *clear[1:])] if clear else []


# No sign.


def _without_sign(rows: Rows, weighed: Sequence[Claim]) -> Verdict:
    kind, answer = _conclusion(rows)
    pixels = {row.id for row in (*rows.clear(), *rows.undecided())}
    # What the records say is summed up in the headline, unless nothing could be read. What was found in the pixels of
    # each face, or why they were not judged, is the first reason.
    summed_up = answer is not None and answer.value is not None
    beside = [c for c in weighed if c.role != "answer" or not summed_up or c.evidence[0] in pixels]
    said = [claim.model_copy(update={"role": _aside(claim)}) if answer else claim for claim in beside]
    said.sort(key=lambda claim: (_ROLES.index(claim.role), claim.evidence[0] not in pixels))
    claims = (answer, *said) if answer else tuple(said)
    headline = claims[0].sentence if claims else "Nothing was examined that could show alteration or AI generation."
    return Verdict(kind=kind, headline=headline, claims=claims, would_settle=_what_is_missing(rows))


def _aside(claim: Claim) -> ClaimRole:
    return "reason" if claim.role == "answer" else claim.role


def _conclusion(rows: Rows) -> tuple[VerdictKind, Claim | None]:
    read = [row for attribute in RECORDS if (row := rows.row(attribute)) is not None]
    clear, undecided = rows.clear(), rows.undecided()
    if clear and not undecided:
        where = "Neither the pixels nor the file’s own records show a" if read else "The pixels examined show no"
        sentence = f"{where} sign of alteration or of AI generation."
        return "no_sign_found", _claim("answer", sentence, *clear, *read)
    pixels_too = "the examination of its pixels came to no conclusion" if undecided else "its pixels were not examined"
    unread = rows.unread()
    if read:
        partly = any(row.status != "not_applicable" for row in unread)
        records = "own records, as far as they could be read," if partly else "own records"
        sentence = f"The file’s {records} show no sign of alteration or of AI generation, and {pixels_too}."
        return "inconclusive", _claim("answer", sentence, *read, *undecided)
    rest = [*unread, *undecided]
    none = "There are no records of the file that could be read" if unread else "The file’s own records were not read"
    sentence = f"{none}, and {pixels_too}."
    return "inconclusive", _claim("answer", sentence, *rest) if rest else None


def _what_is_missing(rows: Rows) -> tuple[str, ...]:
    items = [] if rows.value("capture_record") else [_ORIGINAL]
    if rows.value("content_credentials") in (None, "absent"):
        items.append(
            "A copy with content credentials (signed records of origin), if the camera or publisher makes them."
        )
    return (*items, "Where and by whom it was first published.", _WITNESS)
