"""Threats of docs/security.md to a gallery that a test can hold: templates that get out, and guessed names."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest
from conftest import EXAMPLES

from faceagent.called import called
from faceagent.gallery import Gallery, Key
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox

NAME = "Ada Lovelace"
LONGEST = 32  # numbers in a row that no answer needs; a template has 128


def numbers_in_a_row(value: object) -> Iterator[int]:
    """How many numbers each list in a JSON value holds."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        yield sum(isinstance(one, int | float) for one in value)
        for one in value:
            yield from numbers_in_a_row(one)


def enrolled(gallery: Gallery) -> list[dict[str, object]]:
    """All evidence, as JSON, of a conversation in which somebody was enrolled, named and verified."""
    tools, session = Toolbox.installed(), Session("access", gallery)
    image = session.add(Photo.open(EXAMPLES / "portrait.jpg"))
    outcomes = [
        *called(tools, session, "enroll_person", {"name": NAME, "consent": "She agreed.", "protected": True}),
        *called(tools, session, "identify_person", {"subjects": [image]}),
        *called(tools, session, "verify_protected_identity", {"subjects": [image]}),
    ]
    assert all(outcome.step.status == "ok" for outcome in outcomes)
    return [row.model_dump(mode="json") for outcome in outcomes for row in outcome.evidence]


def test_no_tool_and_no_log_gives_a_template_away(gallery: Gallery) -> None:
    evidence = enrolled(gallery)
    found = {row["attribute"] for row in evidence if row["status"] == "ok"}
    assert {"enrolment", "identity", "protected_identity"} <= found
    assert max(numbers_in_a_row(evidence)) < LONGEST
    logged = [json.loads(line) for line in gallery.audit.path.read_text().splitlines()]
    assert logged and max(numbers_in_a_row(logged)) < LONGEST
    (template,) = gallery.templates(NAME)
    assert max(numbers_in_a_row(template.vector.tolist())) >= LONGEST  # what is looked for would be found


def test_a_name_cannot_be_tried_without_the_key(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = []
    for place in ("one", "two"):
        with Gallery.open(
            tmp_path / place, Key.of_file(tmp_path / f"{place}.key", create=True), create=True
        ) as gallery:
            enrolled(gallery)
        with sqlite3.connect(tmp_path / place / "gallery.db") as database:
            tags += database.execute("SELECT lookup FROM people").fetchall()
        database.close()
        assert not any(NAME.encode() in path.read_bytes() for path in (tmp_path / place).iterdir())
    assert len(tags) == 2 and tags[0] != tags[1]  # the same name: whoever compares folders learns nothing
