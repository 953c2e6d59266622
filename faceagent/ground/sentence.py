"""A claim as it is checked: its own words, the faces and photos that each clause speaks of, the evidence on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from faceagent.ground.wording import Words, core, idiom
from faceagent.tool import QUOTES_FILES
from faceagent.types import Claim, Evidence

Lookup = Callable[[str], Evidence | None]

QUOTED = re.compile(r"“[^”]*”")
"""What is quoted from a file: no statement of ours, but it must be found there word for word."""

# At the start of a sentence a name has a capital: "Face 1.2 is sharp."
REFERENCE = re.compile(r"\b(?:face \d+\.\d+|image \d+|video \d+|output \d+)", re.IGNORECASE)
_PHOTO = re.compile(r"\b(?:photo|picture|exhibit) (\d+)\b", re.IGNORECASE)
_LIST = re.compile(rf"{REFERENCE.pattern}(?:(?:, and |, | and | or ){REFERENCE.pattern})+", re.IGNORECASE)
_SPLIT = re.compile(
    r"[;:]\s|[.!?](?:\s|$)|,?\s(?:(?<!anything )but|while|whereas|although|though)\s|,\sand\s"
    r"|\sand\s(?=(?:face|image|video) \d)|,\s(?=(?:face|image|video) \d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Clause:
    """A part of a sentence.

    subjects: ids that it speaks of; named: whether it names them itself. quoted: what stands in each “” of the text;
    nothing where that is a reason that evidence gives.
    """

    text: str
    subjects: tuple[str, ...]
    named: bool
    quoted: tuple[str, ...] = ()


class Said:
    """A claim, the evidence that it cites, and the faces in view.

    Args:
        rows: all evidence of the conversation.
        faces: ids of the faces in view, from left to right in each photo; by default all that `rows` speak of.
        words: what is known of attributes; by default of those of this package.
    """

    def __init__(
        self,
        claim: Claim,
        cited: Sequence[Evidence],
        rows: Sequence[Evidence],
        faces: Sequence[str] | None = None,
        words: Words | None = None,
    ) -> None:
        self.claim = claim
        self.cited = tuple(cited)
        self.ledger = tuple(rows)
        self._faces = faces
        self.words = words or core()
        self.subjects = tuple(claim.subject.split(" + "))

    @cached_property
    def faces(self) -> tuple[str, ...]:
        if self._faces is not None:
            return tuple(self._faces)
        found = {part for row in self.ledger for part in row.subject.split(" + ") if part.startswith("face ")}
        return tuple(sorted(found, key=lambda face: tuple(int(number) for number in face[5:].split("."))))

    @property
    def text(self) -> str:
        """The sentence without quotations and without the reasons that evidence gives: they are not ours to judge.

        Otherwise a file could suppress a sentence by what it makes it quote.
        """
        return self._parted[0]

    @property
    def quoted(self) -> tuple[str, ...]:
        """What stands in each “” of the text; nothing where that is a reason."""
        return self._parted[1]

    @cached_property
    def _parted(self) -> tuple[str, tuple[str, ...]]:
        quoted: list[str] = []

        def quotation(match: re.Match[str]) -> str:
            inner = match[0][1:-1] if QUOTED.fullmatch(match[0]) else ""
            if inner and self._of_ours(inner):
                return inner
            quoted.append(inner)
            return "“”"

        reasons = sorted({(row.reason or "").rstrip(".") for row in self.cited}, key=len, reverse=True)
        parts = [re.escape(reason) for reason in reasons if len(reason) > 1]
        parts += [QUOTED.pattern, f"(?i:{idiom('priors').pattern})"]
        return re.sub("|".join(parts), quotation, self.claim.sentence), tuple(quoted)

    def _of_ours(self, quotation: str) -> bool:
        """Whether a quotation is a finding in our own words, which quotation marks do not put beyond judgement."""
        topics = self.words.topics
        ours = {row.attribute for row in self.cited if row.tool not in QUOTES_FILES} & topics.keys()
        return any(saying.pattern.fullmatch(quotation) for name in ours for saying in topics[name].sayings)

    @cached_property
    def plain(self) -> str:
        """The text with every way to name a face or photo written as its id, lists of them joined by " + "."""
        text = _PHOTO.sub(r"image \1", self.text)
        text = _places(text, self)
        text = _LIST.sub(lambda match: " + ".join(REFERENCE.findall(match.group(0))), text)
        return _OF_TWO.sub(r"\1", _BOTH.sub(r"\1", _in_photos(text, self)))

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """The clauses. One that names nothing speaks of what the one before it does, the first of the subject."""
        found: list[Clause] = []
        subjects, quoted = self.subjects, iter(self.quoted)
        for text in _SPLIT.split(self.plain):
            if not text or not text.strip():
                continue
            named = tuple(dict.fromkeys(one.lower() for one in REFERENCE.findall(text) if one[0] not in "oO"))
            subjects = named or subjects
            inside = tuple(next(quoted, "") for _ in range(text.count("“”")))
            found.append(Clause(text.strip(), subjects, bool(named), inside))
        return tuple(found)

    def others(self, named: Sequence[str]) -> tuple[str, ...]:
        """The faces in view besides those named."""
        return tuple(face for face in self.faces if face not in named)

    def of(self, subject: str, attribute: str) -> list[Evidence]:
        """The cited evidence on an attribute of a subject, or of a pair or group that it belongs to."""
        rows = [row for row in self.cited if row.attribute == attribute]
        return [row for row in rows if row.subject == subject] or [
            row for row in rows if subject in row.subject.split(" + ")
        ]

    def concerned(self, clause: Clause) -> list[Evidence]:
        """The cited evidence whose numbers and texts a clause may write."""
        if not clause.named and len(clause.subjects) > 1 and clause.subjects == self.subjects:
            return list(self.cited)
        exact = [row for row in self.cited if row.subject == " + ".join(clause.subjects)]
        if exact and len(clause.subjects) > 1:
            return exact
        images = {image_of(one) for one in clause.subjects}
        return [row for row in self.cited if _touches(row.subject.split(" + "), clause.subjects, images)]

    def scope(self, text: str) -> tuple[str, ...]:
        """The faces that "all", "none" or "the sharpest" speaks of: in the photos named, else in view."""
        images = [one.lower() for one in REFERENCE.findall(text) if one.lower().startswith("image")]
        return tuple(face for face in self.faces if not images or image_of(face) in images)


def _touches(parts: Sequence[str], subjects: Sequence[str], images: Set[str]) -> bool:
    """Whether evidence on these parts is on one of the subjects, or on no other face or photo."""
    if set(parts) & set(subjects):
        return True
    others = [part for part in parts if part.startswith(("face ", "image "))]
    return not others or any(part in images for part in others)


def image_of(subject: str) -> str:
    """ "image 1" for "face 1.2"."""
    return f"image {subject.split()[1].partition('.')[0]}" if subject.startswith("face ") else subject


_NOUN = r"(face|person|one|man|woman|guy|boy|girl|lady|individual|subject)"
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4}
_LEFT = re.compile(
    rf"\b(?:the )?(?:far )?(left|right)(?:-?most|-hand)? {_NOUN}\b"
    rf"|\b(?:the )?{_NOUN} (?:on|to|at) the (?:far )?(left|right)\b(?! edge| side)",
    re.IGNORECASE,
)
_NTH = re.compile(rf"\b(?:the )?({'|'.join(_ORDINALS)}) {_NOUN}\b", re.IGNORECASE)
_BOTH = re.compile(rf"\bboth ({REFERENCE.pattern} \+ {REFERENCE.pattern})(?! \+)", re.IGNORECASE)
# "Of the two, face 1.2 …" is one clause.
_OF_TWO = re.compile(r"^(of (?:the|these|those) two),", re.IGNORECASE)
_IN_PHOTOS = re.compile(
    rf"\b(?:the )?(?:{_NOUN}s?|people) (?:in|of|from|on) (?P<images>image \d+(?: \+ image \d+)*)\b(?!\.\d)",
    re.IGNORECASE,
)
_OTHER = re.compile(rf"\b(?:the )?other {_NOUN}\b|\bthe other\b(?= (?:is|looks|was|seems)\b|[.,;]|$)", re.IGNORECASE)


def _places(text: str, said: Said) -> str:
    """Faces named by their place, as ids. A gendered noun stays beside the id: it is a statement of its own."""
    images = {image_of(one) for one in said.subjects}
    row = [face for face in said.faces if image_of(face) in images]

    def left(match: re.Match[str]) -> str:
        side, noun = (match[1] or match[4]).lower(), match[2] or match[3]
        return _named(row[0 if side == "left" else -1], noun) if len(row) > 1 else match[0]

    def nth(match: re.Match[str]) -> str:
        place = _ORDINALS[match[1].lower()]
        return _named(row[place], match[2]) if len(images) == 1 and place < len(row) else match[0]

    text = _NTH.sub(nth, _LEFT.sub(left, text))
    named = [one.lower() for one in REFERENCE.findall(text) if one.lower().startswith("face")]
    first = named[0] if named else said.subjects[0]
    others = [face for face in said.faces if face != first]

    def other(match: re.Match[str]) -> str:
        return _named(others[0], match[1]) if len(said.faces) == 2 and first in said.faces else match[0]

    # "the eye nearer the left edge is open; the other is closed" does not speak of another face.
    return text if re.search(r"\beyes?\b", text) else _OTHER.sub(other, text)


def _in_photos(text: str, said: Said) -> str:
    """ "The person in image 2" as the id of the face, where every photo spoken of so shows one face, which is cited."""
    cited = {part for row in said.cited for part in row.subject.split(" + ")}
    alone = {
        image_of(face): face for face in said.faces if [image_of(one) for one in said.faces].count(image_of(face)) == 1
    }
    images = [image.lower() for match in _IN_PHOTOS.finditer(text) for image in REFERENCE.findall(match["images"])]
    if not all(alone.get(image) in cited for image in images):
        return text

    def faces(match: re.Match[str]) -> str:
        found = " + ".join(alone[image.lower()] for image in REFERENCE.findall(match["images"]))
        return _named(found, match[1])

    return _IN_PHOTOS.sub(faces, text)


def _named(face: str, noun: str | None) -> str:
    neutral = ("face", "person", "one", "individual", "subject")
    return face if noun is None or noun.lower() in neutral else f"{face} ({noun})"


def ledger(lookup: Lookup) -> tuple[Evidence, ...]:
    """All evidence of a conversation: its ledger counts e1, e2 … without a gap."""
    return tuple(_rows(lookup))


def _rows(lookup: Lookup) -> Iterator[Evidence]:
    number = 1
    while (row := lookup(f"e{number}")) is not None:
        yield row
        number += 1
