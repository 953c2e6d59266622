"""The few terms of a report that an outsider may not know: those that it uses are explained."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from faceagent.messages import N_, wording


@dataclass(frozen=True)
class Term:
    """A term and what it means, for a reader from outside.

    pattern: a regular expression, case ignored; the term is explained where it occurs in what the report says outside
    its tables, in English. "" is everywhere.
    """

    name: str
    means: str
    pattern: str = ""


TERMS = (
    Term(
        N_("e12, face 1.2"),
        N_(
            "A label such as e12 leads to the measurement that a sentence rests on: what was measured, the result, "
            "and by which method. Face 1.2 is the second face of image 1, counted from the left."
        ),
    ),
    Term(
        N_("SHA-256"),
        N_(
            "A fingerprint of a file’s bytes. Two files with the same one are the same, byte for byte; if anything "
            "in a file changes, its fingerprint is another."
        ),
    ),
    Term(
        N_("Records of a file"),
        N_(
            "What cameras and programs write into a file beside the picture: date, camera, program, a small copy. "
            "They are easily lost, removed or rewritten."
        ),
        r"records? ",
    ),
    Term(
        N_("Content Credentials"),
        N_(
            "Records of origin that are signed, so that a change to the file shows (the C2PA standard). Most photos"
            " have none. A valid signature shows who vouches, not that it is true."
        ),
        r"content credentials",
    ),
    Term(
        N_("Thumbnail"),
        N_(
            "The small copy of the picture that cameras embed in a file. A program that changes the picture may "
            "leave the old copy in place."
        ),
        r"thumbnail",
    ),
    Term(
        N_("Traces"),
        N_(
            "Regularities in the noise, the edges and the frequencies of a picture, as editing and generators leave"
            " them. The eye does not see them; compression and enlarging can add or remove them."
        ),
        r"\btraces\b",
    ),
    Term(
        N_("Supports one thing over another"),
        N_(
            "What was measured is more to be expected if the first holds than if the second does. It says which way"
            " the evidence points and how far, not that the first is proven."
        ),
        r"\bsupports?\b",
    ),
    Term(
        N_("Equally likely beforehand"),
        N_(
            "The probability holds for somebody who, before the examination, thought both as likely. Whoever had "
            "reason to expect one of them must take that into account."
        ),
        r"equally likely beforehand",
    ),
    Term(
        N_("Calibrated"),
        N_(
            "Fitted to photos whose truth is known, so that of all cases that are given 80 %, about 80 in 100 are "
            "so. It holds for photos like those."
        ),
        r"calibrated|calibration",
    ),
    Term(
        N_("Line"),
        N_(
            "The value from which on a finding is reported. It stands with the evidence, with how often it errs "
            "where that is known."
        ),
        r"\blines?\b",
    ),
    Term(
        N_("Median"),
        N_("The middle value: half of the frames lie above it and half below, so a few odd frames do not move it."),
        r"\bmedian\b",
    ),
)


def terms(sentences: Iterable[str], language: str = "en") -> tuple[Term, ...]:
    """The terms that occur in English sentences, in a reader's language."""
    _ = wording(language)
    text = "\n".join(sentences)
    used = (term for term in TERMS if re.search(term.pattern, text, re.IGNORECASE))
    return tuple(Term(_(term.name), _(term.means)) for term in used)
