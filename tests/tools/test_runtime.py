"""How many threads a network takes."""

from __future__ import annotations

from importlib.resources import as_file, files

import pytest

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
