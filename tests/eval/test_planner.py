"""The benchmark of the planner: what counts as right."""

from __future__ import annotations

import pytest

from faceagent.controllers.plan import Call, Plan
from faceagent.controllers.planner import labels
from faceagent.errors import UsageError
from faceagent.policy import topics
from faceagent_eval.benchmarks.planner import Item, PlannerBenchmark, natural, planned


def item(*names: str) -> Item:
    return Item("natural", "?", frozenset(names), "en", "plain")


def calling(*tools: str) -> Plan:
    return Plan(calls=tuple(Call.of(tool) for tool in tools))


def test_the_tools_of_an_item() -> None:
    assert item("age", "quality").tools == {"estimate_attributes", "assess_quality"}
    assert item("authenticity").tools == {"detect_forgery", "inspect_provenance", "detect_faces"}
    assert item("everything", "age").tools == {"estimate_attributes"}
    assert item("everything", "crime").tools == item("crime").tools == item().tools == frozenset()


def test_figures_count_what_they_say() -> None:
    crime = next(topic.why for topic in topics() if topic.name == "crime")
    rows = [
        planned(item("age"), calling("estimate_attributes"), 1.0),
        planned(item("age"), calling("estimate_attributes", "assess_quality"), 1.0),
        planned(item("age"), Plan(status="needs_clarification"), 3.0),
        planned(item("crime"), Plan(status="declined", remarks=(crime,)), 3.0),
        planned(item(), calling("detect_faces"), 3.0),
    ]
    result = PlannerBenchmark().score(rows)
    found = {name: result.figure(f"natural: {name}").value for name in ("exact", "wrongly called", "fabricated")}
    assert found == {"exact": 0.4, "wrongly called": 0.4, "fabricated": 0.5}
    assert result.figure("natural: asked back").value == pytest.approx(1 / 3)
    assert result.figure("natural: recall, age").value == pytest.approx(2 / 3)
    assert result.figure("natural: decline precision").value == result.figure("natural: decline recall").value == 1.0
    assert result.figure("natural: a plan").value == 3.0
    interval = result.figure("natural: exact").interval
    assert interval is not None and interval.low < 0.4 < interval.high
    assert [row.right for row in result.items] == [True, False, False, True, False]
    assert result.items[0].label == "age"
    assert set(result.weights) == {"planner.onnx", "planner.model"}


def test_natural_questions_are_many_and_well_labelled() -> None:
    found = natural()
    assert len(found) >= 200
    assert len({one.text for one in found}) == len(found)
    assert {label for one in found for label in one.labels} <= set(labels())


def test_it_takes_no_data(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError):
        PlannerBenchmark(tmp_path)
