"""How many threads a network takes."""

from __future__ import annotations

import threading
from importlib.resources import as_file, files

import pytest

from faceagent.errors import WeightsCorrupt
from faceagent_tools import runtime


@pytest.mark.parametrize(("said", "taken"), [(None, 2), ("1", 1), ("8", 2), ("", 2), ("0", 2), ("many", 2)])
def test_no_more_threads_than_the_environment_allows(
    said: str | None, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if said is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    with as_file(files("faceagent_tools").joinpath("networks", "faceagent-detector.onnx")) as model:
        session = runtime.session(model, threads=2)
    assert session.get_session_options().intra_op_num_threads == taken


@pytest.mark.parametrize(("said", "threads"), [("2", 2), ("1", 1)])
def test_side_by_side_only_where_a_second_thread_is_allowed(
    said: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    one, other = runtime.together(threading.get_ident, threading.get_ident)
    assert len({one, other}) == threads
    assert other == threading.get_ident()


def test_a_failure_of_either_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise WeightsCorrupt("broken", "Get it again")

    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    for one, other in ((fails, str), (str, fails)):
        with pytest.raises(WeightsCorrupt):
            runtime.together(one, other)
