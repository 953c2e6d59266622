"""Evidence as a reader of another language sees it: labels from the catalogue; results, lines and sources by patterns.

Further values stay in English, of which the report says so once.
"""

from __future__ import annotations

from dataclasses import replace

from faceagent.messages import wording
from faceagent.report.present import Group, Row
from faceagent.translate import note_in, phrase_in, text_in


def group_in(group: Group, language: str) -> Group:
    """The evidence of one tool in another language.

    Raises:
        KeyError: there is no such language.
    """
    if language == "en":
        return group
    _ = wording(language)
    return replace(
        group,
        heading=_(group.heading),
        rows=tuple(_row(row, language) for row in group.rows),
        notes=tuple(note_in(note, language) for note in group.notes),
        limitations=tuple((_(what), text_in(limit, language)) for what, limit in group.limitations),
    )


def subject_in(subject: str, language: str) -> str:
    """What is measured ("face 1.2", "image 1 + image 2") in another language."""
    return " + ".join(phrase_in("subject", part, language) for part in subject.split(" + "))


def _row(row: Row, language: str) -> Row:
    _ = wording(language)
    reason = _clause_in(row.reason, language)
    return replace(
        row,
        subject=subject_in(row.subject, language),
        label=_(row.label),
        gloss=_(row.gloss),
        status=_(row.status),
        result=phrase_in("result", row.result, language),
        reason=reason[:1].upper() + reason[1:],
        against=tuple(phrase_in("line", line, language) for line in row.against),
    )


def _clause_in(reason: str, language: str) -> str:
    """A reason that was given a capital; "EU law" has one of its own."""
    found = phrase_in("reason", reason, language)
    return found if found != reason else phrase_in("reason", reason[:1].lower() + reason[1:], language)
