"""The API under load: the benchmark itself, with few people."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from faceagent_eval.benchmarks.api_load import ApiLoad, Asked


def test_people_ask_a_real_server_at_once() -> None:
    told = ApiLoad().measure(3)
    assert [one.status for one in told] == [200] * 3
    assert all(one.seconds > 0 for one in told)


def test_whoever_gets_no_answer_is_counted() -> None:
    together = [[Asked(200, 1.0), Asked(200, 2.0)], [Asked(503, 0.1), Asked(200, 4.0)]]
    result = ApiLoad().score(together)
    assert result.figure("failed").value == 1
    assert result.figure("failed").n == 4
    assert "503" in str(result.figure("failed").note)
    assert result.figure("wait, p50").value == 2.0
    assert result.figure("longest wait").value == 4.0
    assert result.figure("answers a second").value == 0.5
