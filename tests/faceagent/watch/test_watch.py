"""Files are checked once, when they are complete, over restarts; alerts are signed and none is lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from conftest import EXAMPLES
from fakes import FakeDetector
from galleries import CONSENT, opened, template

from faceagent.cli.watch import _until_told
from faceagent.errors import ToolError, UsageError
from faceagent.tool import Backend, FaceTool, SubjectArguments, Toolbox
from faceagent.types import Claim, Evidence, Failure, Method, Probability
from faceagent.watch import Check, Ledger, Watch, Webhook
from faceagent.watch.arrivals import EMPTY, QUIET, Arrivals
from faceagent.watch.webhook import SIGNATURE, secret_of

METHOD = Method(name="fake", version="1", licence="Apache-2.0")
SECRET = b"0123456789abcdef"


class Verifier(FaceTool):
    """What a photo is, its file's name says; "broken" is a measurement that fails."""

    name = "verify_protected_identity"
    description = "Verifies."
    arguments = SubjectArguments
    needs_faces = True

    def run(self, session, arguments):
        return [self._row(session, face) for face in session.faces_in(arguments.subjects)]

    def _row(self, session, face):
        value = session.photo(face.image).name.split("-")[0]
        if value == "broken":
            raise ToolError("The network is not here")
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="protected_identity",
            value=value,
            method=METHOD,
            region=face.box,
            probability=Probability(value=0.9, event="an imitation", calibrated_on="tests", n=10, prior=0.5),
            details={"name": "Ada Lovelace", "likeness": 0.9},
        )

    def word(self, evidence, names):
        return [Claim.on([row], f"{names.start(row.subject)} is Ada Lovelace's.", "answer") for row in evidence]

    def backends(self):
        return [Backend(self.name, METHOD, "method", here=True, chosen=True)]


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


class Scene:
    """A gallery with a protected person, a folder, and watches on it."""

    def __init__(self, folder):
        self.folder, self.clock, self.told = folder, Clock(), []
        self.incoming = folder / "incoming"
        self.incoming.mkdir()
        self.gallery = opened(folder)
        self.gallery.enroll("Ada Lovelace", [template(1)], CONSENT, protected=True)

    def arrive(self, name, data=None):
        path = self.incoming / name
        path.write_bytes((EXAMPLES / "portrait.jpg").read_bytes() if data is None else data)
        os.utime(path, (self.clock.now - 10, self.clock.now - 10))
        return path

    def once(self, webhook=None, kinds=("imitation", "undecided"), tell=None):
        with Ledger(self.folder / "watch.db") as ledger:
            check = Check(Toolbox([FakeDetector(), Verifier()]), self.gallery, kinds)
            arrivals = Arrivals([self.incoming], ledger.checked, self.clock)
            watch = Watch(
                arrivals, check, ledger, self.gallery, tell or self.told.append, webhook=webhook, interval=0.01
            )
            return watch.run(once=True)


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    made.gallery.close()


@pytest.fixture
def receiver():
    """An address on this machine that notes what it gets; `answers` says with what status, the last one for good."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.headers[SIGNATURE], body))
            status = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answers = [], [200]
    server.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_file_is_checked_once_over_restarts(scene):
    for name in ("swap-1.jpg", "other-1.jpg", "genuine-1.jpg", "undecided-1.jpg"):
        scene.arrive(name)
    assert scene.once()[:3] == (4, 2, 0)
    alert = next(one for one in scene.told if one.kind == "imitation")
    assert (alert.person, alert.finding, alert.probability, alert.prior) == ("Ada Lovelace", "swap", 0.9, 0.5)
    assert alert.sentences == ("The face is Ada Lovelace's.",) and alert.file.endswith("swap-1.jpg")
    assert scene.once()[:3] == (0, 0, 0)
    scene.clock.now += 100
    scene.arrive("swap-1.jpg", (EXAMPLES / "group.jpg").read_bytes())
    assert scene.once()[0] == 1  # another file under the same name


def test_authentic_photos_are_told_of_where_that_is_wanted(scene):
    scene.arrive("genuine-1.jpg")
    assert scene.once(kinds=("authentic",)).alerts == 1
    assert scene.told[0].kind == "authentic"


def test_a_look_alike_or_an_imitation_is_an_alert_of_its_own_kind(scene):
    scene.arrive("not_authentic-1.jpg")
    assert scene.once(kinds=("not_authentic",)).alerts == 1
    assert [(alert.kind, alert.finding) for alert in scene.told] == [("not_authentic", "not_authentic")]


def test_a_file_that_is_being_written_is_waited_for(scene):
    arrivals = Arrivals([scene.incoming], lambda mark: False, scene.clock)
    path = scene.arrive("swap-1.jpg", b"half")
    assert arrivals.ready() == [] and arrivals.waiting == 1
    path.write_bytes(b"half and more")
    os.utime(path, (scene.clock.now, scene.clock.now))
    assert arrivals.ready() == []  # it has grown
    assert arrivals.ready() == []  # it was written just now
    scene.clock.now += QUIET
    assert [one.path.name for one in arrivals.ready()] == ["swap-1.jpg"] and arrivals.waiting == 0
    scene.arrive("empty.jpg", b"")
    arrivals.ready()
    assert [one.path.name for one in arrivals.ready()] == ["swap-1.jpg"]
    scene.clock.now += EMPTY
    assert {one.path.name for one in arrivals.ready()} == {"swap-1.jpg", "empty.jpg"}


def test_bad_files_are_named_and_the_rest_is_checked(scene):
    scene.arrive("bad.jpg", b"no photo")
    scene.arrive("notes.txt", b"no matter")
    scene.arrive("swap-1.jpg")
    assert scene.once()[:3] == (1, 1, 1)
    assert [one.name.endswith("bad.jpg") for one in scene.told if isinstance(one, Failure)] == [True]
    assert scene.once()[:3] == (0, 0, 0)


def test_where_a_tool_failed_the_next_watch_tries_again(scene):
    scene.arrive("broken-1.jpg")
    assert scene.once().failures == 1
    assert "network is not here" in scene.told[0].message
    assert scene.once().failures == 1


def test_a_watch_that_ends_before_it_told_tells_after_the_restart(scene):
    scene.arrive("swap-1.jpg")

    def full(alert):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        scene.once(tell=full)
    assert scene.once().alerts == 1 and len(scene.told) == 1


def test_calls_are_in_the_audit_log_without_names(scene):
    scene.arrive("swap-1.jpg")
    scene.once()
    lines = [json.loads(line) for line in scene.gallery.audit.path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["enrolled", "called"]
    assert lines[1]["purpose"] == "protection" and len(lines[1]["photos"]) == 1
    assert scene.gallery.audit.verify().faults == ()


def test_alerts_are_sent_signed(scene, receiver):
    scene.arrive("swap-1.jpg")
    assert scene.once(Webhook(receiver.url, SECRET)).unsent == 0
    [(signature, body)] = receiver.got
    at, _, signed = signature.removeprefix("t=").partition(",v1=")
    assert signed == hmac.new(SECRET, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert json.loads(body) == scene.told[0].model_dump(mode="json")


@pytest.mark.parametrize("answers", [[500, 503, 200], [302, 200]])
def test_a_failed_attempt_is_repeated_and_redirects_are_not_followed(scene, receiver, answers):
    receiver.answers = list(answers)
    scene.arrive("swap-1.jpg")
    hook = Webhook(receiver.url, SECRET, scene.clock)
    scene.arrive("undecided-1.jpg")
    before = scene.once(hook)
    assert before.unsent == 2 and len(receiver.got) == 1 and hook.trouble == f"it answered {answers[0]}"
    assert not hook.due and hook.wait == 1
    for _ in answers:
        scene.clock.now += 10
        after = scene.once(hook)
    assert after.unsent == 0
    bodies = [body for _, body in receiver.got]
    assert len(set(bodies)) == 2 and bodies[: len(answers)] == [bodies[0]] * len(answers)


def test_nothing_is_lost_where_nobody_answers_and_names_do_not_wait_in_the_clear(scene, receiver):
    scene.arrive("swap-1.jpg")
    assert scene.once(Webhook("http://127.0.0.1:9/", SECRET, scene.clock)).unsent == 1
    assert b"Ada" not in (scene.folder / "watch.db").read_bytes()
    scene.gallery.forget("Ada Lovelace")
    scene.gallery.enroll("Bob", [template(2)], CONSENT, protected=True)
    scene.once(Webhook(receiver.url, SECRET))
    told = json.loads(receiver.got[0][1])
    assert told["person"] != "Ada Lovelace" and "Ada" not in " ".join(told["sentences"])


def test_waits_grow_to_an_hour(scene):
    hook = Webhook("http://127.0.0.1:9/", SECRET, scene.clock)
    waits = []
    for _ in range(15):
        assert not hook.send(b"{}")
        waits.append(hook.wait)
        scene.clock.now += hook.wait
    assert waits[:4] == [1, 2, 4, 8] and waits[-1] == 3600


@pytest.mark.parametrize(
    ("url", "secret", "message"),
    [
        ("http://example.org/", SECRET, "not sent to"),
        ("ftp://127.0.0.1/", SECRET, "not sent to"),
        ("https:///x", SECRET, "no address"),
        ("https://user@example.org/", SECRET, "no address"),
        ("https://example.org/", b"short", "fewer than 16 bytes"),
    ],
)
def test_addresses_and_secrets_that_will_not_do(url, secret, message):
    with pytest.raises(UsageError, match=message):
        Webhook(url, secret)


def test_what_is_missing_is_said(scene, tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        Arrivals([tmp_path / "none"], lambda mark: False)
    with pytest.raises(UsageError, match="secret"):
        secret_of(tmp_path / "none")
    with Ledger(tmp_path / "one.db"), pytest.raises(UsageError, match="Another watch"):
        Ledger(tmp_path / "one.db")
    scene.gallery.forget("Ada Lovelace")
    with pytest.raises(UsageError, match="Nobody is enrolled as a protected person"):
        scene.once()


def test_a_signal_ends_a_watch_after_the_file_at_hand(scene):
    import signal

    for number in range(3):
        scene.arrive(f"swap-{number}.jpg")
    with Ledger(scene.folder / "watch.db") as ledger, _until_told() as stop:
        tools = Toolbox([FakeDetector(), Verifier()])
        arrivals = Arrivals([scene.incoming], ledger.checked, scene.clock)

        def tell(alert):
            scene.told.append(alert)
            signal.raise_signal(signal.SIGTERM)

        watch = Watch(
            arrivals, Check(tools, scene.gallery, ("imitation",)), ledger, scene.gallery, tell, interval=0.01, stop=stop
        )
        assert watch.run().checked == 1
    assert scene.once().checked == 2
