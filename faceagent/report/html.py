"""A Report as one self-contained HTML page: inline style, pictures as data, no script, nothing that a file can inject.

Autoescape is on for every template; text from files passes `visible` as well, wherever it is printed; and the page's
own content security policy forbids every script, every request, and every style but the one whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from faceagent.errors import UnknownReference
from faceagent.messages import catalogue
from faceagent.report import present
from faceagent.report.document import SYMBOLS, Section, anchor, document, linked, method_code, together
from faceagent.report.drawing import Pictures
from faceagent.report.summary import short
from faceagent.report.text import visible
from faceagent.types import Report

if TYPE_CHECKING:
    from markupsafe import Markup


def to_html(report: Report, pictures: Mapping[str, Pictures], language: str = "en") -> str:
    """The page as text.

    Args:
        pictures: what is shown of each exhibit, by image id; an exhibit without pictures is shown in words alone.
        language: what it is told in, a key of `messages.LANGUAGES`; what has no translation is marked as English.
    """
    shown = document(report, pictures, language)
    return page("report.html.j2", language, exhibits=shown.exhibits, report=shown)


def page(template: str, language: str = "en", exhibits: Sequence[Section] = (), **shown: object) -> str:
    """A template of this package as a page with the reports' style and policy.

    Args:
        exhibits: whose pictures the style lays out.
    """
    # Imported where used, so that the JSON and CSV of a report do not pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("faceagent.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= filters()
    style = environment.get_template("style.css").render(exhibits=exhibits)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(template).render(
        # The one text that is not escaped: it is ours, and holds nothing of a file but the hex digits of its hash.
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        **shown,
    )


def exhibit_alone(page: str, exhibit_id: str) -> str:
    """Of a page that `to_html` wrote, one exhibit: a page of the same style under the same policy.

    Whatever a file says is escaped in it, so that the marks looked for are the template's own.

    Raises:
        UnknownReference: the page has no such exhibit.
    """
    head, _, body = page.partition("<body>")
    start = re.search(rf'<article class="exhibit[^"]*" id="{anchor(exhibit_id)}"', body)
    if start is None:
        raise UnknownReference(f"This report has no {exhibit_id!r}", "Look at the list of its exhibits")
    article = body[start.start() : body.index("</article>", start.end())]
    return f'{head}<body><div class="page">{article}</article></div></body></html>'


def filters() -> dict[str, Callable[..., object]]:
    """What the templates, and those of the app that take macros from them, print things with."""
    return {
        "together": together,
        "linked": linked,
        "anchor": anchor,
        "citations": present.citations,
        "code": method_code,
        "commands": commands,
        "data_uri": data_uri,
        "short": short,
        "symbol": SYMBOLS.__getitem__,
        "uri": Uri,
    }


def finalize(shown: Any) -> Any:
    """Called by Jinja on everything that a template prints, before it is escaped."""
    return visible(shown) if type(shown) is str else shown


def commands(text: str) -> Markup:
    """A text in which what stands in `…` is a command."""
    from markupsafe import Markup, escape

    parts = visible(text).split("`")
    if len(parts) % 2 == 0:  # a mark without its other
        return escape(visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )


class Uri(str):
    """An address of our own making: printed whole, where text from a file is cut when it is very long."""

    __slots__ = ()


def data_uri(jpeg: bytes) -> Uri:
    return Uri("data:image/jpeg;base64," + base64.b64encode(jpeg).decode())
