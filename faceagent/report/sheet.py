"""A Document as JSON for the typesetter: what a page needs is worked out here, so that the template only sets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from faceagent.messages import N_, wording
from faceagent.report import present
from faceagent.report.document import (
    Document,
    Picture,
    Section,
    Shared,
    anchor,
    linked,
    method_code,
    together,
)
from faceagent.report.summary import short
from faceagent.report.text import visible
from faceagent.types import Claim, Failure, Method, Reproduction, Step

COLOPHON = N_(
    "Made with faceagent %(version)s. The same findings with every raw value are in report.json, one line an exhibit "
    "in report.csv; both are in English."
)
WORDS = (
    N_("Page %(page)s of %(pages)s"),
    N_("Page %(page)s"),
    N_("What bears on it"),
    N_("What remains open"),
    N_("Also what several exhibits share:"),
    N_("Only what several exhibits share:"),
    N_("What would settle it"),
    N_("Also measured"),
    N_("The file"),
    N_("All evidence"),
    N_("from page %(page)s"),
    N_("The evidence of so many exhibits is in report.html and report.json."),
    N_("No."),
    N_("Measured"),
    N_("Result"),
    N_("Rests on"),
    N_("Log"),
    N_("Tool"),
    N_("Outcome"),
    N_("Evidence"),
    N_("Time"),
    N_("Doubts that several exhibits share"),
    N_("The exhibits compared"),
    N_("Not examined"),
    N_("Input"),
    N_("Why"),
    N_("What to do"),
    N_("What this report cannot tell"),
    N_("Sentences left out"),
    N_("Terms"),
    N_("Where lines and probabilities come from, and limits"),
    N_("Limits."),
    N_("Limits of “%(what)s”."),
    N_("Methods"),
    N_("Method"),
    N_("Version"),
    N_("Licence"),
    N_("Source and weights"),
    N_("Weights, SHA-256"),
    N_("How to make this report again"),
    N_("Further values are in English, as they were recorded."),
)
"""What the page itself says, besides the document."""


class Sheet:
    """Turns a document into a JSON value, and its pictures into files of a folder.

    Dataclasses pass field by field, with what the page needs besides. Text is made visible wherever it comes from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pictures = 0
        self._known: frozenset[str] = frozenset()
        self._anchors: Mapping[str, str] = {}
        self._language = "en"
        self._shapes: dict[type, Callable[[Any], Any]] = {
            str: visible,
            tuple: lambda found: [self._plain(item) for item in found],
            Picture: self._picture,
            Section: self._section,
            Shared: self._shared,
            present.Row: self._row,
            Claim: self._claim,
            Method: self._method,
            Step: _step,
            Failure: self._failure,
            Reproduction: self._reproduction,
        }

    def of(self, shown: Document) -> dict[str, Any]:
        """The JSON value of a document."""
        groups = [*shown.across.groups, *(group for item in shown.exhibits for group in item.groups)]
        self._anchors, self._language = shown.anchors, shown.language
        _ = wording(shown.language)
        self._known = frozenset(row.id for group in groups for row in group.rows)
        return self._fields(shown) | {
            "short": short(visible(shown.title)),
            "lead": [self._parts(line) for line in shown.summary],
            "symbols": {one.kind: one.symbol for one in shown.kinds},
            "words": {text: _(text) for text in WORDS},
            "colophon": _(COLOPHON) % {"version": shown.version},
        }

    def _plain(self, found: Any) -> Any:
        shape = self._shapes.get(type(found))
        if shape is not None:
            return shape(found)
        return self._fields(found) if hasattr(found, "__dataclass_fields__") else found

    def _fields(self, found: Any) -> dict[str, Any]:
        return {field.name: self._plain(getattr(found, field.name)) for field in fields(found)}

    def _picture(self, picture: Picture) -> dict[str, str]:
        self._pictures += 1
        name = f"{self._pictures}.jpg"
        (self._folder / name).write_bytes(picture.jpeg)
        return {"file": name, "alt": visible(picture.alt), "caption": visible(picture.caption)}

    def _section(self, item: Section) -> dict[str, Any]:
        return self._fields(item) | {
            "anchor": anchor(item.id),
            "short": short(visible(item.name)),
        }

    def _parts(self, line: str) -> list[list[str]]:
        return [[visible(text), target] for text, target in linked(line, self._anchors)]

    def _shared(self, one: Shared) -> dict[str, Any]:
        return self._fields(one) | {"who": self._parts(one.who)}

    def _row(self, row: present.Row) -> dict[str, Any]:
        about = f"{row.subject} · {row.gloss}" if row.gloss else row.subject
        return self._fields(row) | {"about": visible(about)}

    def _claim(self, claim: Claim) -> dict[str, Any]:
        cites = [
            [shown, target if target in self._known else ""] for shown, target in present.citations(claim.evidence)
        ]
        return {"sentence": visible(together(claim.sentence)), "cites": cites}

    def _method(self, method: Method) -> dict[str, str]:
        _ = wording(self._language)
        weights = f", {_('weights')} {method.sha256[:12]}…" if method.sha256 else ""
        return {
            "name": visible(method.name),
            "version": visible(method.version),
            "licence": visible(method.licence),
            "source": visible(method.source or ""),
            "sha256": method.sha256 or "",
            "code": method_code(method),
            "told": visible(f"{method.version}, {method.licence}{weights}"),
        }

    def _failure(self, failure: Failure) -> dict[str, str]:
        _ = wording(self._language)
        return {
            "name": visible(failure.name),
            "message": visible(failure.message),
            "mend": visible(failure.mend or _("Nothing can be done about it.")),
        }

    def _reproduction(self, record: Reproduction) -> dict[str, Any]:
        _ = wording(self._language)
        return {
            "command": visible(record.command),
            "versions": [[visible(name), visible(number)] for name, number in record.versions.items()],
            "more": [
                *([[_("Commit"), record.commit]] if record.commit else []),
                [_("Platform"), visible(record.platform)],
            ],
        }


def _step(step: Step) -> dict[str, str]:
    first, last = (step.evidence[0], step.evidence[-1]) if step.evidence else ("–", "–")
    return {
        "tool": step.tool,
        "outcome": visible(f"{step.status}: {step.message}" if step.message else step.status),
        "evidence": first if first == last else f"{first}–{last}",
        "time": f"{step.milliseconds:.0f} ms",
    }
