"""What the tabs share: HTML whose buttons are events, errors as sentences, and who is at the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr

from faceagent.errors import FaceAgentError

_ACTS = """
const acts = %s;
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && acts.includes(button.dataset.act)) trigger(button.dataset.act, {...button.dataset});
});
"""
"""A button with data-act="open" raises the component's event `open`, with what else is in its data. Gradio knows the
events by their names in quotes."""
_SEEN = "new IntersectionObserver(([part]) => { if (part.isIntersecting) trigger('seen'); }).observe(element);"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def html(name: str, value: str = "", acts: Sequence[str] = (), script: str = "", **more: Any) -> gr.HTML:
    """A part of the page as HTML.

    Args:
        acts: the events that its buttons raise. script: what else runs in the browser once it is there.
    """
    listening = _ACTS % list(acts) if acts else ""
    return gr.HTML(value, js_on_load=listening + script, apply_default_css=False, elem_id=name, **more)


def sight(name: str) -> gr.HTML:
    """A place on the page that raises the event `seen` each time its tab comes into sight."""
    return html(name, script=_SEEN)


def user(request: gr.Request) -> str:
    return request.username or "local"


def data_of(event: gr.EventData, key: str) -> str:
    """A value from the data of the button that was pressed; "" where a request has none."""
    return str(event._data.get(key, "")) if isinstance(event._data, dict) else ""


@contextmanager
def sentences() -> Iterator[None]:
    """Errors that a person can mend become a message on the page."""
    try:
        yield
    except FaceAgentError as error:
        raise gr.Error(str(error), print_exception=False) from error
