"""The page: a header and a row of tabs. Each tab is a function `tab(desk)` in a module of its own."""

from __future__ import annotations

from importlib.resources import files

import gradio as gr

from faceagent.app import about, chat, live, models, people, reports, text
from faceagent.app.desk import UPLOADS_KEPT, Desk

KEPT = (3600, int(UPLOADS_KEPT.total_seconds()))
"""Seconds: how often the files of uploads and downloads are looked through, and after how long they are removed."""


def build(desk: Desk) -> gr.Blocks:
    """The page for one desk, in its language."""
    _ = desk.gettext
    tabs = (
        ("chat", _("Chat"), chat.tab),
        ("report", _("Report"), reports.tab),
        ("people", _("People"), people.tab),
        ("live", _("Live"), live.tab),
        ("models", _("Models"), models.tab),
        ("about", _("About"), about.tab),
    )
    page = gr.Blocks(title="faceagent", analytics_enabled=False, fill_width=True, delete_cache=KEPT)
    with page:
        gr.HTML(text.render(desk, "header.html.j2"), elem_id="masthead")
        with gr.Tabs(elem_id="tabs"):
            for name, label, tab in tabs:
                with gr.Tab(label, id=name, elem_id=f"tab-{name}"):
                    tab(desk)
    return page


def style() -> str:
    folder = files("faceagent.app")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("style.css", "tabs.css"))


def script() -> str:
    return files("faceagent.app").joinpath("page.js").read_text(encoding="utf-8")


def theme() -> gr.themes.Base:
    """Plain, with the fonts of the reader's own system: nothing is fetched from elsewhere."""
    sans = ["-apple-system", "BlinkMacSystemFont", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif"]
    mono = ["ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace"]
    return gr.themes.Base(font=sans, font_mono=mono, radius_size="sm", text_size="md")
