"""Questions, conversations and reports over HTTP, on real photos."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES
from fakes import FakeQuality, fake_toolbox

pytest.importorskip("fastapi")

from faceagent.agent import FaceAgent
from faceagent.errors import ControllerError
from faceagent.types import Answer, Report

from .conftest import GROUP, PORTRAIT, Make, ended, jpeg, stored


def ask(client: Any, question: str, *files: Any, **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    return client.post("/v1/ask", data={"question": question, **fields}, files=files or None, headers=headers)


def test_an_answer_cites_its_evidence(client: Any, tmp_path: Path) -> None:
    told = ask(client, "How many faces are there?", jpeg(GROUP, "group.jpg"))
    assert told.status_code == 200, told.text
    answer = Answer.model_validate(told.json()["answer"])
    assert answer.text.startswith("There are two faces")
    assert {cited for claim in answer.claims for cited in claim.evidence} <= {row.id for row in answer.evidence}
    assert answer.exhibits[0].name == "group.jpg"
    assert stored(tmp_path) == []


def test_an_answer_in_another_language(client: Any) -> None:
    told = ask(client, "How many faces are there?", jpeg(GROUP, "group.jpg"), language="de").json()["answer"]
    assert told["text"].startswith("In dem Foto sind zwei Gesichter")
    assert told["claims"][0]["sentence"] in told["text"].replace(" [e1]", "")
    assert ask(client, "How many?", jpeg(), language="tlh").status_code == 422


def test_a_conversation_is_gone_on_with(client: Any) -> None:
    first = ask(client, "How many faces are there?", jpeg(GROUP, "group.jpg")).json()
    second = ask(client, "How old does the person on the left look?", conversation=first["conversation"]).json()
    assert second["conversation"] == first["conversation"]
    assert {claim["subject"] for claim in second["answer"]["claims"]} == {"face 1.1"}
    third = ask(client, "Is image 2 sharp?", jpeg(), conversation=first["conversation"]).json()
    assert [exhibit["id"] for exhibit in third["answer"]["exhibits"]] == ["image 1", "image 2"]
    assert client.delete(f"/v1/conversations/{first['conversation']}").status_code == 204
    gone = ask(client, "And now?", conversation=first["conversation"])
    assert gone.status_code == 404


def test_a_copy_that_a_tool_made_can_be_fetched(client: Any) -> None:
    told = ask(client, "Blur the faces", jpeg(PORTRAIT, 'x"\r\nX-Evil: 1.jpg')).json()
    made = client.get(told["made"][0]["url"])
    assert made.status_code == 200
    assert len(made.content) == told["made"][0]["bytes"]
    assert made.headers["content-disposition"] == 'attachment; filename="output-1"'
    assert made.headers["content-type"] == told["made"][0]["media_type"]
    assert client.get(told["made"][0]["url"].replace("/1", "/2")).status_code == 404


def test_a_purpose_holds_for_a_conversation(client: Any) -> None:
    closed = ask(client, "Which expression does the face have?", jpeg()).json()
    assert closed["answer"]["purpose"] is None
    assert not any(row["status"] == "ok" for row in closed["answer"]["evidence"] if row["attribute"] == "expression")
    again = ask(client, "And the expression?", conversation=closed["conversation"], purpose="research")
    assert (again.status_code, again.json()["title"]) == (409, "Conflict")
    stated = ask(client, "Which expression does the face have?", jpeg(), purpose="research").json()
    assert stated["answer"]["purpose"] == "research"
    assert ask(client, "Who?", jpeg(), purpose="stalking").status_code == 422


def test_a_video_is_kept_as_long_as_its_conversation(client: Any, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from photo_files import portrait
    from videos import panned

    from faceagent.media import Photo

    clip = panned(Photo.open(portrait(), name="x"), tmp_path / "clip.mp4", frames=8).path.read_bytes()
    told = ask(client, "How long is the video?", jpeg(clip, "clip.mp4", "video/mp4")).json()
    assert len(stored(tmp_path)) == 1
    again = ask(client, "Is the video manipulated?", conversation=told["conversation"])
    assert again.status_code == 200
    client.delete(f"/v1/conversations/{told['conversation']}")
    assert stored(tmp_path) == []


def test_a_report_is_a_job(client: Any, tmp_path: Path) -> None:
    sent = [
        jpeg(),
        jpeg((EXAMPLES / "portrait-altered.jpg").read_bytes(), "<altered>.jpg"),
        jpeg(b"none", "broken.jpg"),
    ]
    queued = client.post("/v1/report", files=sent, data={"title": "Press & <b>photos</b>"})
    assert queued.status_code == 202
    job = ended(client, queued.json()["id"])
    assert queued.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["state"], job["done"], job["total"]) == ("done", 2, 2)
    assert [one["name"] for one in job["failures"]] == ["broken.jpg"]
    assert [one["id"] for one in client.get("/v1/jobs").json()["jobs"]] == [job["id"]]

    page = client.get(job["report"]["html"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]
    assert "<altered>" not in page.text
    assert "<b>photos" not in page.text
    report = Report.model_validate(client.get(job["report"]["json"]).json())
    assert [one.verdict.kind for one in report.exhibits][1] == "signs_of_alteration"
    assert [one.name for one in report.failures] == ["broken.jpg"]
    assert client.get(job["report"]["csv"]).headers["content-type"] == "text/csv; charset=utf-8"
    packed = client.get(job["report"]["zip"])
    assert "report.html" in zipfile.ZipFile(io.BytesIO(packed.content)).namelist()

    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert client.get(job["report"]["html"]).status_code == 404
    assert stored(tmp_path) == []
    assert [path.name for path in (tmp_path / "data" / "jobs").iterdir()] == ["lock"]


class Held(FakeQuality):
    """Waits until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def run(self, session: Any, arguments: Any) -> Any:
        self.reached.set()
        assert self.go.wait(20)
        return super().run(session, arguments)


def test_a_report_that_is_not_made_yet(make: Make) -> None:
    held = Held()
    client = make(seated=FaceAgent(tools=fake_toolbox(held).values()))
    job_id = client.post("/v1/report", files=[jpeg()]).json()["id"]
    assert held.reached.wait(20)
    early = client.get(f"/v1/jobs/{job_id}/report.html")
    assert early.status_code == 409
    assert "until it is done" in early.json()["mend"]
    held.go.set()
    assert ended(client, job_id)["state"] == "done"


def test_a_report_of_nothing_usable_is_refused(client: Any, tmp_path: Path) -> None:
    told = client.post("/v1/report", files=[jpeg(b"%PDF", "a.jpg"), jpeg(b"", "b.jpg")])
    assert told.status_code == 415
    assert client.get("/v1/jobs").json() == {"jobs": []}
    assert stored(tmp_path) == []


def test_whoever_comes_when_all_are_busy_is_told_when_to_come_again(make: Make, tmp_path: Path) -> None:
    held = Held()
    client = make({"workers": 1, "waiting": 1}, seated=FaceAgent(tools=fake_toolbox(held).values()))
    with ThreadPoolExecutor(2) as others:
        waiting = [others.submit(ask, client, "Is the photo sharp?", jpeg()) for _ in range(2)]
        assert held.reached.wait(20)
        while client.get("/v1/health").json()["under_way"] < 2:
            pass
        told = ask(client, "Is the photo sharp?", jpeg())
        held.go.set()
        assert [one.result().status_code for one in waiting] == [200, 200]
    assert told.status_code == 503
    assert int(told.headers["retry-after"]) >= 1
    assert stored(tmp_path) == []


def test_one_question_at_a_time_in_a_conversation(make: Make) -> None:
    held = Held()
    held.go.set()
    client = make(seated=FaceAgent(tools=fake_toolbox(held).values()))
    talk = ask(client, "How many faces are there?", jpeg()).json()["conversation"]
    held.go.clear()
    with ThreadPoolExecutor(1) as other:
        first = other.submit(ask, client, "Is the photo sharp?", conversation=talk)
        assert held.reached.wait(20)
        assert ask(client, "How many faces are there?", conversation=talk).status_code == 409
        held.go.set()
        assert first.result().status_code == 200


def broken(*_: object, **__: object) -> None:
    raise ControllerError("The model said nothing of use", "Try again")


def test_a_question_that_fails_leaves_nothing(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    from videos import made

    client = make(seated=FaceAgent(tools=fake_toolbox().values()))
    clip = made(tmp_path / "clip.mp4", frames=8).read_bytes()

    monkeypatch.setattr(client.app.state.service.agent, "stream", broken)  # type: ignore[attr-defined]
    told = ask(client, "What is it?", jpeg(), jpeg(clip, "clip.mp4"))
    assert (told.status_code, told.json()["detail"]) == (500, "The model said nothing of use.")
    assert stored(tmp_path) == []


async def test_a_sender_who_goes_away_ends_the_question(make: Make) -> None:
    held = Held()
    service = make(seated=FaceAgent(tools=fake_toolbox(held).values())).app.state.service  # type: ignore[attr-defined]
    away = asyncio.Event()

    class Sender:
        async def receive(self) -> dict[str, str]:
            await away.wait()
            return {"type": "http.disconnect"}

    upload = service.uploads.store(io.BytesIO(PORTRAIT), "portrait.jpg")
    talk = service.conversations.begin("", None)

    async def asked() -> Any:
        return [event async for event in service.ask(Sender(), talk, "Is the photo sharp?", [upload])][-1]

    asking = asyncio.ensure_future(asked())
    assert await asyncio.to_thread(held.reached.wait, 20)
    away.set()
    await asyncio.sleep(0.05)
    held.go.set()
    assert "cancelled" in " ".join((await asking).answer.not_established)


def test_twenty_at_once(client: Any) -> None:
    with ThreadPoolExecutor(20) as people:
        told = list(people.map(lambda _: ask(client, "How many faces are there?", jpeg(GROUP)), range(20)))
    assert [one.status_code for one in told] == [200] * 20
    assert {one.json()["answer"]["text"] for one in told} == {told[0].json()["answer"]["text"]}
    assert len({one.json()["conversation"] for one in told}) == 20


def test_tools_and_health_are_told(client: Any, agent: FaceAgent) -> None:
    told = client.get("/v1/tools").json()["tools"]
    assert [tool["name"] for tool in told] == list(agent.tools)
    assert all(tool["arguments"]["type"] == "object" and tool["backends"] for tool in told)
    assert client.get("/v1/health").json()["limits"]["files"] == 20


def test_photos_that_are_too_much_together(make: Make, tmp_path: Path) -> None:
    client = make()
    client.app.state.service.conversations._pixels = 400_000  # type: ignore[attr-defined]
    assert ask(client, "How many faces?", jpeg(), jpeg()).status_code == 413
    first = ask(client, "How many faces?", jpeg()).json()["conversation"]
    second = ask(client, "How many faces?", jpeg()).json()["conversation"]
    # There was room for one: the other was forgotten.
    assert ask(client, "How many faces?", conversation=first).status_code == 404
    assert ask(client, "How many faces?", conversation=second).status_code == 200
    assert stored(tmp_path) == []
