"""The benchmark of the planner: what counts as right."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from scripted import ScriptedController, drafting
from scripted import calling as turn

from faceagent.controllers.plan import Call, Plan
from faceagent.controllers.planner import labels
from faceagent.errors import UsageError
from faceagent.policy import topics
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmarks import planner
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


DONE = drafting([])
TELLING = AIMessage('{"status": "answered", "remarks": ["I do not know."]}')
REFUSING = AIMessage('{"status": "declined", "remarks": ["I will not."]}')
ASKING = AIMessage('{"status": "needs_clarification", "remarks": ["Whom do you mean?"]}')


def seated(monkeypatch: pytest.MonkeyPatch, turns: list[Any], *names: str) -> dict[str, float]:
    """The figures of a controller that takes these turns for every question, on one question with these labels."""
    only = Item("natural", "How old is he?", frozenset(names), "en", "plain")
    monkeypatch.setattr(PlannerBenchmark, "items", lambda self: setattr(self, "_seat", planner._Seat("s")) or [only])
    monkeypatch.setattr(planner, "make_controller", lambda spec, tools: ScriptedController(turns=turns))
    result = run.run(benchmarks.make("planner", controller="transformers:some"))
    assert result.backend == "transformers-some" and not result.weights
    return {figure.name.removeprefix("natural: "): figure.value for figure in result.figures if figure.n}


def test_the_calls_of_a_model_are_counted_over_all_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [turn("estimate_attributes"), turn("assess_quality"), DONE]
    right = seated(monkeypatch, two, "age", "quality")
    assert right["exact"] == 1 and right["wrongly called"] == right["no tool called"] == right["no usable answer"] == 0
    wrong = seated(monkeypatch, two, "age")
    assert wrong["exact"] == 0 and wrong["wrongly called"] == 1


def test_a_model_that_calls_nothing_is_right_only_where_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seated(monkeypatch, [DONE], "age")
    assert found["exact"] == 0 and found["no tool called"] == 1 and found["asked back"] == 0
    assert seated(monkeypatch, [TELLING])["exact"] == 1
    assert seated(monkeypatch, [ASKING], "age")["asked back"] == 1
    declined = seated(monkeypatch, [REFUSING], "crime")
    assert declined["exact"] == declined["decline recall"] == declined["decline precision"] == 1
    assert seated(monkeypatch, [ASKING], "enrol")["exact"] == 1  # without a name it is rightly asked back


def test_a_model_that_invents_a_tool_or_never_ends_is_counted_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    invents = [lambda messages: turn("look_harder", subjects=[f"face 1.{len(messages)}"])]
    found = seated(monkeypatch, invents, "age")
    assert found["a tool called that does not exist"] == found["stopped by the budget"] == 1
    assert found["exact"] == found["wrongly called"] == 0 and found["no tool called"] == 1
    idle = seated(monkeypatch, invents)
    assert idle["exact"] == 0 and idle["fabricated"] == 0
    again = seated(monkeypatch, [turn("estimate_attributes")], "age")
    assert again["stopped by the budget"] == 1 and again["exact"] == 0


@pytest.mark.parametrize("said", [AIMessage("Nice photo!"), DONE])
def test_rubbish_or_nothing_is_no_plan_even_where_nothing_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, said: AIMessage
) -> None:
    found = seated(monkeypatch, [said])
    assert found["no usable answer"] == 1 and found["exact"] == 0


def test_what_is_not_installed_is_rightly_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    assert item("details").tools == {"describe_face"}
    assert seated(monkeypatch, [TELLING], "details")["exact"] == 1


def test_the_limit_is_of_each_part() -> None:
    few = benchmarks.make("planner", limit=3).items()
    assert [one.part for one in few] == [part for part in ("val", "held out", "natural") for _ in range(3)]
