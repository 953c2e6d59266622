"""A scripted controller in the seat, with one question about one photo."""

from __future__ import annotations

import json
from typing import Any

import fakes
from langchain_core.messages import AIMessage
from scripted import ScriptedController, calling

from faceagent.agent import FaceAgent
from faceagent.types import Answer

LOOK = calling("detect_faces")
DONE = AIMessage('{"claims": []}')


def drafting(*sentences: str) -> AIMessage:
    claim = {"subject": "image 1", "attribute": "face_count", "value": 1, "evidence": ["e1"]}
    return AIMessage(json.dumps({"claims": [{"sentence": sentence, **claim} for sentence in sentences]}))


def agent(*turns: Any, sees_images: bool = False, tools: Any = None, **options: Any) -> FaceAgent:
    controller = ScriptedController(turns=list(turns), sees_images=sees_images)
    return FaceAgent(controller, tools=tools or fakes.fake_toolbox().values(), **options)


def ask(one: FaceAgent, **options: Any) -> Answer:
    return one.ask("How many?", images=[fakes.photo()], **options)


def scripted(one: FaceAgent) -> ScriptedController:
    assert isinstance(one.controller, ScriptedController)
    return one.controller
