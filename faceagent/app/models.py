"""The tab “Models”: what measures, under which licence, and who sits in the controller's seat."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import gradio as gr

from faceagent.app import text
from faceagent.app.desk import Desk
from faceagent.app.parts import QUIET, data_of, html, sentences, sight
from faceagent.errors import FaceAgentError, UsageError
from faceagent.messages import N_
from faceagent.report.present import heading
from faceagent.tool import Backend

_LOOK_UP = 0.3  # seconds between looks at how far a download is
_UNKNOWN = (N_("not installed"), N_("not stated"))
"""What stands for the version of a backend that is not here, or says none."""


def tab(desk: Desk) -> None:
    Models(desk)


class Models:
    """The tab's parts, and what happens between them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        _ = desk.gettext
        with gr.Column(elem_id="models", min_width=0):
            seen, self.seat = sight("models-seen"), html("models-seat")
            if not desk.settings.shared:
                with gr.Row(elem_id="models-switch"):
                    self._switch()
            self.list = html("models-list", acts=("get",))
        seen.seen(self._now, None, [self.seat, self.list], **QUIET)
        if not desk.settings.shared:
            self.go.click(
                self._give, [self.kind, self.where, self.bits], [self.seat, self.list], api_visibility="private"
            )
            self.kind.change(_fields, self.kind, [self.where, self.bits], **QUIET)
            self.list.get(self._get, None, self.list, **QUIET)

    def _switch(self) -> None:
        _ = self.desk.gettext
        self.kind = gr.Radio(
            [(_("Embedded"), "embedded"), (_("A model in a folder"), "transformers"), (_("A server"), "openai")],
            value="embedded",
            label=_("Change to"),
            elem_id="models-kind",
        )
        self.where = gr.Textbox(visible=False, elem_id="models-where", max_length=1000)
        self.bits = gr.Dropdown(
            [(_("as stored"), ""), ("8 bit", "8bit"), ("4 bit", "4bit")],
            value="",
            label=_("Weights"),
            visible=False,
            filterable=False,
            elem_id="models-bits",
        )
        self.go = gr.Button(_("Switch"), elem_id="models-go")

    def _now(self) -> tuple[str, str]:
        return self._seated(), self._listed()

    def _give(self, kind: str, where: str, bits: str) -> tuple[str, str]:
        with sentences():
            self.desk.seat.give(controller(kind, where), bits or None)  # type: ignore[arg-type]
        return self._now()

    def _get(self, event: gr.EventData) -> Iterator[str]:
        """Download a model, telling how far it is."""
        name = data_of(event, "name")
        with sentences():
            fetching = Fetching.of(name, backends(self.desk))
        for done, total in fetching.progress():
            yield self._listed(fetching=name, done=done, total=total)
        if fetching.error is None:
            self.desk.seat.renew()
        yield self._listed()
        with sentences():
            fetching.raise_error()

    def _seated(self) -> str:
        return text.render(self.desk, "models_seat.html.j2", controller=self.desk.seat.controller)

    def _listed(self, fetching: str = "", done: int = 0, total: int = 0) -> str:
        rows = backends(self.desk)
        _ = self.desk.gettext
        groups = [(_(heading(tool)), list(group)) for tool, group in groupby(rows, key=lambda row: row.tool)]
        return text.render(
            self.desk,
            "models.html.j2",
            groups=groups,
            unknown={version: _(version) for version in _UNKNOWN},
            fetching=fetching,
            done=done,
            total=total,
            shared=self.desk.settings.shared,
        )


@dataclass
class Fetching:
    """One download on its way, in a thread of its own."""

    backend: Backend
    done: int = 0
    total: int = 0
    error: FaceAgentError | None = None
    _thread: threading.Thread | None = field(default=None, repr=False)

    @staticmethod
    def of(name: str, rows: list[Backend]) -> Fetching:
        """Begin to fetch the model of this name.

        Raises:
            UsageError: there is none to fetch.
        """
        wanted = next((row for row in rows if row.method.name == name and row.fetch and not row.here), None)
        if wanted is None:
            raise UsageError(f"There is no model {name!r} to get", "Look at the list again")
        made = Fetching(wanted, total=wanted.size)
        made._thread = threading.Thread(target=made._run, daemon=True)
        made._thread.start()
        return made

    def progress(self) -> Iterator[tuple[int, int]]:
        """Bytes so far and in all, from time to time, until it has ended."""
        assert self._thread is not None
        while self._thread.is_alive():
            yield self.done, self.total
            self._thread.join(_LOOK_UP)

    def raise_error(self) -> None:
        """Raises:
        FaceAgentError: what kept it from being fetched.
        """
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        assert self.backend.fetch is not None
        try:
            self.backend.fetch(self._told)
        except FaceAgentError as error:
            self.error = error

    def _told(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def backends(desk: Desk) -> list[Backend]:
    """Everything that the tools can run on, tool by tool."""
    return [backend for tool in desk.seat.tools().values() for backend in tool.backends()]


def controller(kind: str, where: str) -> str:
    """The specification of a controller from what was typed.

    Raises:
        UsageError: nothing was typed, or there is no such folder. A model is not fetched from elsewhere unasked.
    """
    typed = where.strip()
    if kind == "embedded":
        return kind
    if not typed:
        raise UsageError("The model is not named", "Type the folder of a model, or the address of a server")
    if kind == "transformers":
        model = typed if Path(typed).is_dir() else typed.rsplit("+", 1)[0]
        if not Path(model).expanduser().is_dir():
            raise UsageError(
                f"{model} is no folder on this machine",
                "Download the model first, read its licence, and name its folder",
            )
    return f"{kind}:{typed}"


def _fields(kind: str) -> tuple[Any, Any]:
    labels = {"transformers": "/models/facellm-1b", "openai": "http://127.0.0.1:8000/v1#facellm-1b"}
    named = gr.Textbox(visible=kind in labels, label=labels.get(kind), placeholder=labels.get(kind), value="")
    return named, gr.Dropdown(visible=kind == "transformers", value="")
