"""The page: a header and a row of tabs. Each tab is a function `tab(desk)` in a module of its own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import gradio as gr

from faceagent.app import about, chat, live, models, people, reports, text
from faceagent.app.desk import Desk

KEPT = (3600, 24 * 3600)
"""Seconds: how often the files of uploads and downloads are looked through, and after how long they are removed."""


class Local(gr.Blocks):
    """Blocks that take files which were uploaded, and never fetch one from an address that a request names."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *arguments: Any, **more: Any) -> Any:
        if any(_is_address(path) for path in _paths(inputs)):
            raise gr.Error("Files are uploaded here. None is fetched from an address.", print_exception=False)
        return await super().preprocess_data(block_fn, inputs, *arguments, **more)


def _paths(given: Any) -> Iterator[str]:
    """Every "path" in what a request brings."""
    if isinstance(given, dict):
        yield from (value for key, value in given.items() if key == "path" and isinstance(value, str))
        given = list(given.values())
    for item in given if isinstance(given, list) else ():
        yield from _paths(item)


def _is_address(path: str) -> bool:
    return "://" in path


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
    page = Local(title="faceagent", analytics_enabled=False, fill_width=True, delete_cache=KEPT)
    with page:
        gr.HTML(text.render(desk, "header.html.j2"), apply_default_css=False, elem_id="masthead")
        with gr.Tabs(elem_id="tabs"):
            for name, label, tab in tabs:
                with gr.Tab(label, id=name, elem_id=f"tab-{name}"):
                    tab(desk)
    return page


def style() -> str:
    return files("faceagent.app").joinpath("style.css").read_text(encoding="utf-8")


def head(desk: Desk) -> str:
    """What goes into the page's head: its script, which knows the language."""
    script = files("faceagent.app").joinpath("page.js").read_text(encoding="utf-8")
    return f'<script>const LANGUAGE = "{desk.language}";\n{script}</script>'


def theme() -> gr.themes.Base:
    """Plain, with the fonts of the reader's own system: nothing is fetched from elsewhere."""
    sans = ["-apple-system", "BlinkMacSystemFont", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif"]
    mono = ["ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace"]
    return gr.themes.Base(font=sans, font_mono=mono, radius_size="sm", text_size="md")
