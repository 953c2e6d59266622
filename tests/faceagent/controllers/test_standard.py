"""LangChain's standard suites: whatever LangChain expects of a chat model holds for the controllers.

The suite downloads a picture; here it gets one that is made on the spot.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, ClassVar

import fakes
import httpx
import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from openai_server import MODEL, Served, serving
from PIL import Image

pytest.importorskip("langchain_tests", reason="langchain-tests comes with the extra dev")
pytest.importorskip("langchain_openai", reason="the served controller comes with the extra served")

from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from faceagent.controllers.embedded import EmbeddedController
from faceagent.controllers.served import ServedController


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, "PNG")
    return buffer.getvalue()


class TestServedUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ServedController

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "base_url": "http://127.0.0.1:9/v1", "api_key": "none"}


class TestServedIntegration(ChatModelIntegrationTests):
    served: ClassVar[Served]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def server(cls) -> Iterator[None]:
        with serving() as cls.served:
            yield

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ServedController

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "base_url": self.served.url, "api_key": "none", "stream_usage": True}

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @pytest.fixture(autouse=True)
    def offline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def get(url: str, **options: Any) -> httpx.Response:
            return httpx.Response(200, content=picture())

        monkeypatch.setattr(httpx, "get", get)


class TestEmbeddedUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedController

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"tools": fakes.fake_toolbox()}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        """None of temperature, keys, retries: it neither samples nor calls anybody."""
        return {}


class TestEmbeddedIntegration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedController

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"tools": fakes.fake_toolbox()}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        return {}

    @property
    def has_tool_calling(self) -> bool:
        """Of the face tools only, and those are tested in test_plan.py: the suite's tools are about the weather."""
        return False

    @property
    def has_structured_output(self) -> bool:
        """Its last turn is always a `Draft` and can be nothing else."""
        return False

    @property
    def returns_usage_metadata(self) -> bool:
        """It has no tokens to count."""
        return False
