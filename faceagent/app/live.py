"""The tab “Live”."""

from __future__ import annotations

import gradio as gr

from faceagent.app.desk import Desk


def tab(desk: Desk) -> None:
    _ = desk.gettext
    gr.Markdown("## " + _("Live"))
