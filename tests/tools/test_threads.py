"""A server asks the same tools from several threads: they say what they say one after the other.

dlib's detector, which scans in memory of its own, ended the process when it was used so without a lock.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import EXAMPLES

from faceagent.agent import FaceAgent
from faceagent_tools import default_tools

ASKED = [
    (question, name)
    for question in ("How many faces are there, and are they sharp?", "Is this photo real?", "How old do they look?")
    for name in ("group.jpg", "portrait-altered.jpg")
]


@pytest.mark.parametrize("detector", ["auto", "dlib"])
def test_questions_at_once_get_the_answers_of_one_at_a_time(detector: str) -> None:
    agent = FaceAgent(tools=default_tools(detector))

    def said(asked: tuple[str, str]) -> str:
        answer = agent.ask(asked[0], [EXAMPLES / asked[1]]).model_dump(mode="json")
        for timed in (*answer["evidence"], *answer["steps"]):
            del timed["milliseconds"]
        return json.dumps(answer, sort_keys=True)

    with ThreadPoolExecutor(6) as pool:  # the models are loaded by whoever comes first
        at_once = list(pool.map(said, ASKED * 3))
    assert at_once == [said(asked) for asked in ASKED] * 3
