"""A Document as JSON for the typesetter: what a page needs is worked out here, so that the template only sets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

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


class Sheet:
    """Turns a document into a JSON value, and its pictures into files of a folder.

    Dataclasses pass field by field, with what the page needs besides. Text is made visible wherever it comes from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pictures = 0
        self._known: frozenset[str] = frozenset()
        self._anchors: frozenset[str] = frozenset()
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
        self._anchors = shown.anchors
        self._known = frozenset(row.id for group in groups for row in group.rows)
        return self._fields(shown) | {
            "short": short(visible(shown.title)),
            "lead": [self._parts(line) for line in shown.summary],
            "symbols": {one.kind: one.symbol for one in shown.kinds},
            "colophon": f"Made with faceagent {shown.version}. The same findings with every raw value are in "
            "report.json, one line an exhibit in report.csv.",
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
            "label": item.id.capitalize(),
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
        weights = f", weights {method.sha256[:12]}…" if method.sha256 else ""
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
        return {
            "name": visible(failure.name),
            "message": visible(failure.message),
            "mend": visible(failure.mend or "Nothing can be done about it."),
        }

    def _reproduction(self, record: Reproduction) -> dict[str, Any]:
        return {
            "command": visible(record.command),
            "versions": [[visible(name), visible(number)] for name, number in record.versions.items()],
            "more": [
                *([["Commit", record.commit]] if record.commit else []),
                ["Platform", visible(record.platform)],
            ],
        }


def _step(step: Step) -> dict[str, str]:
    first, last = (step.evidence[0], step.evidence[-1]) if step.evidence else ("none", "none")
    return {
        "tool": step.tool,
        "outcome": visible(f"{step.status}: {step.message}" if step.message else step.status),
        "evidence": first if first == last else f"{first} to {last}",
        "time": f"{step.milliseconds:.0f} ms",
    }
