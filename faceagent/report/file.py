"""What a report says of an exhibit's file."""

from __future__ import annotations

from faceagent.messages import wording
from faceagent.types import Exhibit


def brief(exhibit: Exhibit, language: str = "en") -> str:
    return f"{exhibit.format}, {_pixels(exhibit.width, exhibit.height, language)}"


def facts(exhibit: Exhibit, language: str = "en") -> tuple[tuple[str, str], ...]:
    """What identifies a file and how it was read, without its hash."""
    _ = wording(language)
    stored = _pixels(exhibit.stored_width, exhibit.stored_height, language)
    turned = _("%(stored)s, shown upright as %(shown)s") % {
        "stored": stored,
        "shown": f"{exhibit.width:,} × {exhibit.height:,}",
    }
    return (
        (_("File"), exhibit.name),
        (
            _("Size"),
            f"{size(exhibit.bytes)} ({exhibit.bytes:,} B)" if exhibit.bytes else _("no file: given as an array"),
        ),
        (_("Encoding"), f"{exhibit.format}, {exhibit.mode}"),
        (_("Picture"), stored if exhibit.orientation == 1 else turned),
        *([] if exhibit.id.startswith("video") else [(_("Orientation"), f"EXIF {exhibit.orientation}")]),
        (_("Preparation"), "; ".join(exhibit.preparation) or _("none: examined as stored")),
    )


def _pixels(width: int, height: int, language: str) -> str:
    _ = wording(language)
    return _("%(size)s pixels") % {"size": f"{width:,} × {height:,}"}


def size(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 2**10)):,} KB"
