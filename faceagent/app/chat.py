"""The tab “Chat”: photos in, questions, answers with their evidence, and the conversations that are kept."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from faceagent.app import examples, text, view
from faceagent.app.conversations import Shelf
from faceagent.app.desk import Desk
from faceagent.app.parts import sentences, user
from faceagent.app.talk import Talk

CLICKS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const act = {...button.dataset};
  if (act.act === 'ask' || act.act === 'example') trigger('ask', act);
  if (act.act === 'open') trigger('open', act);
  if (act.act === 'delete') trigger('remove', act);
  if (act.act === 'rename')
    trigger('rename', {...act, name: button.parentElement.querySelector('input').value});
});
"""
"""Buttons within HTML become events of the component; what the browser does alone is in page.js."""
FILES = ["image", "video"]
AT_ONCE = 4
"""Questions that are answered at the same time; others wait."""


def tab(desk: Desk) -> None:
    Chat(desk)


class Chat:
    """The tab's parts, and what happens between them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        _ = desk.gettext
        self.talk = gr.State(None)
        with gr.Row(elem_id="chat"):
            with gr.Column(elem_id="kept", min_width=0):
                self.new = gr.Button(_("New conversation"), elem_id="new", size="sm")
                self.shelf = _html("shelf")
            with gr.Column(elem_id="talk", min_width=0):
                self.past = _html("past")
                self.now = _html("now", self._welcome())
                self.box = self._box()
                with gr.Row(elem_id="below"):
                    self.fold, self.camera = self._camera()
                    self.report = gr.Button(
                        _("Report of this conversation"), size="sm", visible=False, elem_id="report"
                    )
                with gr.Row(visible=False, elem_id="written") as self.written:
                    self.files = gr.File(label=_("Report"), file_count="multiple", interactive=False)
            with gr.Column(elem_id="beside", min_width=0):
                self.aside = _html("evidence", view.aside(desk, Talk(desk, "")))
        self._wire()

    def _box(self) -> gr.MultimodalTextbox:
        _ = self.desk.gettext
        return gr.MultimodalTextbox(
            label=_("Question"),
            show_label=False,
            placeholder=_("Ask about the photos …"),
            file_types=FILES,
            file_count="multiple",
            sources=["upload"],
            max_plain_text_length=4000,
            elem_id="box",
        )

    def _camera(self) -> tuple[gr.Accordion, gr.Image]:
        with gr.Accordion(self.desk.gettext("Use the camera"), open=False, elem_id="camera") as fold:
            # Not as in a mirror: the file would be mirrored too, and left and right are evidence.
            options = gr.WebcamOptions(mirror=False)
            picture = gr.Image(
                sources=["webcam"], type="filepath", show_label=False, buttons=[], webcam_options=options
            )
        return fold, picture

    def _wire(self) -> None:
        shown = [self.talk, self.box, self.past, self.now, self.aside, self.shelf, self.report, self.written]
        quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asking: dict[str, Any] = {**quick, "concurrency_limit": AT_ONCE, "concurrency_id": "questions"}
        self.box.submit(self._submitted, [self.box, self.talk], shown, **asking)
        for part in (self.past, self.now):
            part.ask(self._clicked, [self.talk], shown, **asking)
        gr.on(None, self._shelf_at_start, None, self.shelf, **quick)
        self.box.stop(_stop, [self.talk], None, queue=False, **quick)
        self.new.click(self._begin, [self.talk], shown, **quick)
        self.shelf.open(self._open, [self.talk], shown, **quick)
        self.shelf.remove(self._remove, [self.talk], shown, **quick)
        self.shelf.rename(self._rename, [self.talk], [self.talk, self.shelf], **quick)
        self.camera.change(_taken, [self.camera, self.box], [self.box, self.camera, self.fold], **quick)
        self.report.click(self._written, [self.talk], [self.files, self.written], api_visibility="private")

    # What happens

    def _submitted(self, given: dict[str, Any], talk: Talk | None, request: gr.Request) -> Iterator[dict[Any, Any]]:
        files = [Path(file) for file in given.get("files") or ()]
        question = (given.get("text") or "").strip()
        if question or files:
            yield from self._asked(
                self._talk(talk, request), question or self.desk.gettext("Is this photo real?"), files
            )
            for file in files:  # the page's own copies; the conversation has taken what it keeps
                file.unlink(missing_ok=True)
        else:
            yield {self.talk: talk}

    def _clicked(self, talk: Talk | None, request: gr.Request, event: gr.EventData) -> Iterator[dict[Any, Any]]:
        act = event._data
        if act.get("act") == "example":
            example = examples.found(self.desk)[int(act["number"])]
            yield from self._asked(self._talk(talk, request), example.question, example.files)
        else:
            yield from self._asked(self._talk(talk, request), str(act["question"]), ())

    def _asked(self, talk: Talk, question: str, files: Sequence[Path]) -> Iterator[dict[Any, Any]]:
        if talk.busy:
            raise gr.Error(self.desk.gettext("A question is being answered. Wait for it, or stop it."))
        number = len(talk.told) + 1
        box = gr.MultimodalTextbox(value={"text": "", "files": []}, submit_btn=False, stop_btn=True)
        yield {self.talk: talk, self.box: box, self.past: self._past(talk), self.written: gr.Row(visible=False)}
        for state in talk.ask(question, files):
            yield {self.now: view.turn(self.desk, state, number)}
        changed: dict[Any, Any] = {self.box: gr.MultimodalTextbox(submit_btn=True, stop_btn=False)}
        if len(talk.told) == number:
            changed[self.now] = self._last(talk)
        yield {**changed, **self._around(talk)}

    def _begin(self, talk: Talk | None, request: gr.Request) -> dict[Any, Any]:
        talk = self._talk(talk, request)
        talk.leave()
        return self._everything(talk)

    def _open(self, talk: Talk | None, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        talk = self._talk(talk, request)
        with sentences():
            talk.take_up(str(event._data["id"]))
        return self._everything(talk)

    def _remove(self, talk: Talk | None, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        talk = self._talk(talk, request)
        with sentences():
            gone = talk.shelf.get(str(event._data["id"]))
            if talk.conversation == gone:
                talk.leave()
            gone.delete()
        return self._everything(talk)

    def _rename(self, talk: Talk | None, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        talk = self._talk(talk, request)
        with sentences():
            talk.shelf.get(str(event._data["id"])).rename(str(event._data["name"]))
        return {self.talk: talk, self.shelf: self._shelf(talk)}

    def _written(self, talk: Talk | None) -> dict[Any, Any]:
        if talk is None or talk.conversation is None or talk.session is None or talk.busy:
            return {self.written: gr.Row(visible=False)}
        with sentences():
            return {self.files: [str(path) for path in _report(talk)], self.written: gr.Row(visible=True)}

    # What is shown

    def _everything(self, talk: Talk) -> dict[Any, Any]:
        now = self._last(talk) if talk.told else self._welcome()
        return {
            self.past: self._past(talk, but=1),
            self.now: now,
            self.written: gr.Row(visible=False),
            **self._around(talk),
        }

    def _around(self, talk: Talk) -> dict[Any, Any]:
        return {
            self.talk: talk,
            self.aside: view.aside(self.desk, talk),
            self.shelf: self._shelf(talk),
            self.report: gr.Button(visible=bool(talk.told)),
        }

    def _past(self, talk: Talk, but: int = 0) -> str:
        kept = talk.told[: len(talk.told) - but]
        return "".join(view.turn(self.desk, told, number) for number, told in enumerate(kept, 1))

    def _last(self, talk: Talk) -> str:
        return view.turn(self.desk, talk.told[-1], len(talk.told), view.following(self.desk, talk))

    def _welcome(self) -> str:
        return text.render(self.desk, "welcome.html.j2", examples=examples.found(self.desk))

    def _shelf(self, talk: Talk) -> str:
        return view.shelf(self.desk, talk.shelf, talk.conversation.id if talk.conversation else None)

    def _shelf_at_start(self, request: gr.Request) -> str:
        return view.shelf(self.desk, Shelf(self.desk.folder("conversations"), user(request)), None)

    def _talk(self, talk: Talk | None, request: gr.Request) -> Talk:
        return talk or Talk(self.desk, user(request))


def _html(name: str, value: str = "") -> gr.HTML:
    return gr.HTML(value, js_on_load=CLICKS, apply_default_css=False, elem_id=name)


def _stop(talk: Talk | None) -> None:
    if talk is not None:
        talk.cancel()


def _taken(picture: str | None, given: dict[str, Any] | None) -> tuple[Any, Any, Any]:
    """A picture of the camera joins the files of the question, and the camera is folded away."""
    if picture is None:
        return gr.skip(), gr.skip(), gr.skip()
    before = given or {"text": "", "files": []}
    files = [*(before.get("files") or ()), picture]
    return {"text": before.get("text", ""), "files": files}, None, gr.Accordion(open=False)


def _report(talk: Talk) -> list[Path]:
    """The report of the conversation so far, as files that the page may hand out."""
    # Imported where used: it takes Jinja and the rest only once somebody wants it.
    import tempfile

    from faceagent.report import write_report
    from faceagent.report.conversation import of_conversation

    assert talk.session is not None
    answers = [told.answer for told in talk.told]
    names = [exhibit.name for exhibit in talk.session.exhibits()]
    command = "\n".join(
        shlex.join(["faceagent", "ask", "--session", "talk.json", *(names if not number else ()), answer.question])
        for number, answer in enumerate(answers)
    )
    report, pictures = of_conversation(talk.session, answers, talk.desk.agent.tools, command=command)
    folder = Path(tempfile.mkdtemp(dir=talk.desk.folder("uploads")))
    return list(write_report(report, pictures, folder, talk.desk.language).values())
