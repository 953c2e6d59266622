"""Example questions with the example photos, where those are here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faceagent.app.desk import Desk
from faceagent.app.figures import thumbnail
from faceagent.media import Photo

# Beside the package in an installation, and at the top of the source tree.
_PLACES = (Path(__file__).parent / "examples", Path(__file__).parents[2] / "examples")


@dataclass(frozen=True)
class Example:
    question: str
    files: tuple[Path, ...]

    @property
    def jpegs(self) -> list[str]:
        return [_small(file) for file in self.files]


def found(desk: Desk) -> list[Example]:
    """The examples in the desk's language; none where the photos are not installed."""
    _ = desk.gettext
    folder = next((place for place in _PLACES if (place / "portrait.jpg").exists()), None)
    if folder is None:
        return []
    portrait, altered, group = (folder / f"{name}.jpg" for name in ("portrait", "portrait-altered", "group"))
    return [
        Example(_("Is this photo real?"), (altered,)),
        Example(_("Do these show the same person?"), (portrait, altered)),
        Example(_("How old does each person look?"), (group,)),
    ]


@cache
def _small(file: Path) -> str:
    return thumbnail(Photo.open(file))
