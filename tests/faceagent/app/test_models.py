"""The list of models, fetching one, and the controller's seat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from faceagent.app.about import about
from faceagent.app.desk import Desk, Settings
from faceagent.app.models import Fetching, backends, controller
from faceagent.errors import FaceAgentError, UsageError, WeightsCorrupt
from faceagent.tool import Backend
from faceagent.types import Method


def backend(fetch: Callable[[Callable[[int, int], None]], Path]) -> Backend:
    method = Method(name="net", version="1", licence="MIT")
    return Backend("detect_faces", method, "published", here=False, chosen=False, size=10, fetch=fetch)


def test_a_model_is_fetched_in_the_background_and_how_it_went_is_told() -> None:
    def fetch(told: Callable[[int, int], None]) -> Path:
        told(10, 10)
        return Path("net.onnx")

    def damaged(told: Callable[[int, int], None]) -> Path:
        raise WeightsCorrupt("net is damaged", "Get it again")

    well = Fetching.of("net", [backend(fetch)])
    assert all(total == 10 for _, total in well.progress())
    assert (well.done, well.error) == (10, None)
    badly = Fetching.of("net", [backend(damaged)])
    assert list(badly.progress()) is not None
    with pytest.raises(WeightsCorrupt, match="net is damaged"):
        badly.raise_error()
    with pytest.raises(UsageError, match="no model 'other'"):
        Fetching.of("other", [backend(fetch)])


def test_every_backend_has_a_licence(tmp_path: Path) -> None:
    rows = backends(Desk.of(Settings(tmp_path)))
    assert {"faceagent-detector", "faceagent-multitask"} <= {row.method.name for row in rows}
    assert all(row.method.licence for row in rows)


def test_a_controller_is_named_by_its_kind_and_place(tmp_path: Path) -> None:
    assert controller("embedded", "x") == "embedded"
    assert controller("transformers", f" {tmp_path} ") == f"transformers:{tmp_path}"
    assert controller("transformers", f"{tmp_path}+/adapter") == f"transformers:{tmp_path}+/adapter"
    assert controller("openai", "http://127.0.0.1:8000/v1#m") == "openai:http://127.0.0.1:8000/v1#m"
    with pytest.raises(UsageError, match="is no folder on this machine"):
        controller("transformers", "somebody/model")  # nothing is fetched unasked
    with pytest.raises(UsageError, match="not named"):
        controller("openai", " ")


def test_the_seat_stays_with_whoever_has_it_where_the_other_cannot_be_had(tmp_path: Path) -> None:
    desk = Desk.of(Settings(tmp_path))
    before = desk.agent
    with pytest.raises(FaceAgentError):
        desk.seat.give("transformers:/no/such/folder")
    assert desk.seat.controller == "embedded" and desk.agent is before
    desk.seat.give("embedded")
    assert desk.agent is not before and desk.agent.tools["detect_faces"] is before.tools["detect_faces"]


def test_about_tells_the_policy_in_force(tmp_path: Path) -> None:
    page = about(Desk.of(Settings(tmp_path)))
    assert "No purpose was stated" in page and str(tmp_path) in page
    assert "Religion cannot be read from a face" in page and "Apache-2.0" in page
    stated = about(Desk.of(Settings(tmp_path, purpose="workplace", shared=True)))
    assert "refused" in stated and "EU AI Act, art. 5(1)(f)" in stated
    assert str(tmp_path) not in stated
