"""Spans round each file and each call of a tool, without anything of the file; and no need of OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.collection.manifest import Collection
from faceagent.collection.shard import examiner, work

pytest.importorskip("opentelemetry.sdk")
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    told, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(told))
    monkeypatch.setattr("faceagent.tracing._tracer", lambda: provider.get_tracer("faceagent"))
    yield told
    provider.shutdown()


def test_a_file_holds_the_calls_made_for_it(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    collection = Collection.begin(tmp_path / "out", [str(EXAMPLES / "portrait.jpg")])
    work(collection, next(collection.all()), examiner)
    found = spans.get_finished_spans()
    (file,) = [one for one in found if one.name == "examine a file"]
    assert file.attributes == {"faceagent.file": 0}
    calls = [one for one in found if one is not file]
    assert {"call detect_faces", "call detect_forgery"} <= {one.name for one in calls}
    assert all(one.parent and one.parent.span_id == file.context.span_id for one in calls)
    assert {one.attributes["faceagent.status"] for one in calls if one.attributes} == {"ok"}
    assert not any("portrait" in one.to_json() for one in found)


def test_without_a_provider_nothing_happens() -> None:
    from faceagent.tracing import span

    with span("nothing", file=1) as one:
        one.set_attribute("faceagent.status", "ok")
    assert not trace.get_current_span().is_recording()


def test_without_the_package_nothing_is_missing() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from faceagent.tracing import span\n"
        "with span('nothing', file=1) as one: one.set_attribute('a', 1)\n"
        "print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "fine\n"
