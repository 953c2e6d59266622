"""HTML that the app shows: every template escapes what it prints, and shows what a reader could not see."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from faceagent.messages import LANGUAGES, catalogue

if TYPE_CHECKING:
    from jinja2 import Environment

    from faceagent.app.desk import Desk


def render(desk: Desk, template: str, **values: Any) -> str:
    """A template of `templates/` in the desk's language."""
    return _environment(desk.language).get_template(template).render(language=desk.language, **values)


@cache
def _environment(language: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from faceagent.report import html
    from faceagent.report.language import subject_in
    from faceagent.translate import text_in

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("faceagent.app"), PackageLoader("faceagent.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=html.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= html.filters()
    environment.filters["subject"] = partial(subject_in, language=language)
    environment.filters["phrase"] = partial(_phrase, language=language)
    environment.filters["told"] = partial(text_in, language=language)
    environment.globals["languages"] = LANGUAGES
    return environment


def _phrase(text: str, kind: str, language: str) -> str:
    """A phrase of a kind that wording.toml knows, with a capital where it has one."""
    from faceagent.translate import phrase_in

    found = phrase_in(kind, text, language)
    if found == text:
        found = phrase_in(kind, text[:1].lower() + text[1:], language)
    return found[:1].upper() + found[1:] if text[:1].isupper() else found
