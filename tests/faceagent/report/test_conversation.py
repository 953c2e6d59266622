"""A conversation as a report: what was asked, said and measured, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.agent import FaceAgent
from faceagent.report import write_report
from faceagent.report.conversation import of_conversation
from faceagent.report.drawing import Pictures
from faceagent.types import Answer, Report

QUESTIONS = ("Is image 2 real?", "Do these show the same person?", "Is that person a criminal?")


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Report, dict[str, Pictures], list[Answer]]]:
    agent = FaceAgent()
    session = agent.open([EXAMPLES / "portrait.jpg", EXAMPLES / "portrait-altered.jpg"])
    answers = [agent.ask(question, session=session) for question in QUESTIONS]
    report, pictures = of_conversation(session, answers, agent.tools, command="faceagent ask …")
    yield report, pictures, answers


def test_the_questions_and_first_answers_lead(told: tuple[Report, dict[str, Pictures], list[Answer]]) -> None:
    report, _, answers = told
    assert [line.split("”")[0] for line in report.summary] == [f"Asked: “{question}" for question in QUESTIONS]
    assert answers[1].claims[0].sentence in report.summary[1]


def test_each_exhibit_has_what_is_about_it_alone(told: tuple[Report, dict[str, Pictures], list[Answer]]) -> None:
    report, _, answers = told
    first, second = report.exhibits
    assert second.verdict.kind == "signs_of_alteration"
    # Nobody asked whether the first is real.
    assert {row.tool for row in first.evidence} == {"detect_faces"}
    assert first.verdict.headline == "Nothing was examined that could show alteration or AI generation."
    assert [row.subject for row in report.across_evidence] == ["face 1.1 + face 2.1"]
    assert report.across[0].sentence == answers[1].claims[0].sentence
    recorded = [row for exhibit in report.exhibits for row in exhibit.evidence] + list(report.across_evidence)
    assert {row.id for row in recorded} == {row.id for answer in answers for row in answer.evidence}


def test_every_citation_leads_to_evidence_in_the_page(
    told: tuple[Report, dict[str, Pictures], list[Answer]], tmp_path: Path
) -> None:
    report, pictures, _ = told
    written = write_report(report, pictures, tmp_path)
    html = written["html"].read_text(encoding="utf-8")
    for claim in (*report.across, *(claim for exhibit in report.exhibits for claim in exhibit.findings)):
        for name in claim.evidence:
            assert f'id="{name}"' in html
    assert Report.model_validate_json(written["json"].read_bytes()) == report
