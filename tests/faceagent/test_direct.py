"""A tool called by a person: worded, and logged without names."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.direct import call
from faceagent.errors import UsageError
from faceagent.gallery import Gallery, Key
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox


def test_a_call_is_worded_and_logged_without_names(tmp_path: Path) -> None:
    key = Key.of_file(tmp_path / "key", create=True)
    with Gallery.open(tmp_path / "people", key, create=True) as gallery:
        session = Session("access", gallery)
        session.add(Photo.open(EXAMPLES / "portrait.jpg"))
        called = call(Toolbox.installed(), session, "enroll_person", {"name": "Eileen", "consent": "Eileen agreed."})
        assert called.succeeded and "“Eileen” was enrolled" in called.narration.claims[0].sentence
        assert [outcome.step.tool for outcome in called.outcomes] == ["detect_faces", "enroll_person"]
        log = (gallery.folder / "audit.jsonl").read_text(encoding="utf-8")
        assert "enroll_person" in log and '"consent":"in the entry"' in log and "Eileen" not in log


def test_what_a_tool_refuses_is_an_error_in_its_words() -> None:
    session = Session()
    session.add(Photo.open(EXAMPLES / "portrait.jpg"))
    with pytest.raises(UsageError, match="There is no gallery"):
        call(Toolbox.installed(), session, "enroll_person", {"name": "Eileen", "consent": "She agreed."})
    with pytest.raises(UsageError, match="No installed tool does that"):
        call(Toolbox([]), session, "enroll_person", {})
