"""The tools as LangChain's own: schema for the model, text and evidence back."""

from __future__ import annotations

from conftest import EXAMPLES
from langchain_core.tools import BaseTool

from faceagent import Photo, Session
from faceagent.tool import Toolbox
from faceagent_tools import default_tools


def test_bound_tools_are_langchain_tools_on_one_session() -> None:
    session = Session()
    session.add(Photo.open(EXAMPLES / "portrait.jpg"))
    tools = {tool.name: tool for tool in Toolbox(default_tools()).bind(session)}
    assert len(tools) == len(default_tools()) and all(isinstance(tool, BaseTool) for tool in tools.values())
    call = {"name": "detect_faces", "args": {"images": ["image 1"]}, "id": "1", "type": "tool_call"}
    message = tools["detect_faces"].invoke(call)
    *_, outcome = message.artifact
    assert [row.value for row in outcome.evidence if row.attribute == "face_count"] == [1]
    assert outcome.evidence[0].id in message.content and session.ledger.get(outcome.evidence[0].id)
