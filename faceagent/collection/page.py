"""The overview of a collection as a page, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceagent import __version__
from faceagent.collection.manifest import Collection
from faceagent.collection.overview import Overview
from faceagent.collection.periods import Period
from faceagent.collection.recurring import Cluster, Place, Recurring
from faceagent.collection.stores import is_address
from faceagent.errors import InputError
from faceagent.messages import catalogue, wording
from faceagent.report.document import BADGES, date
from faceagent.report.html import Uri, page
from faceagent.report.summary import FOUND, MEANING, count
from faceagent.translate import text_in
from faceagent.types import VerdictKind

PAGE = "overview.html"
WIDTH, HEIGHT = 1000, 150
_CLUSTERS, _FILES = 50, 6
Plural = Callable[[str, str, int], str]


@dataclass(frozen=True)
class Bar:
    """A period in the drawing: from the left edge, and as high as its files, of which so many are suspicious."""

    x: float
    width: float
    files: float
    suspicious: float
    told: str


@dataclass(frozen=True)
class Link:
    """A file in a list. address: where a browser finds it, or None."""

    text: str
    address: Uri | None


def write(collection: Collection, found: Overview, recurring: Recurring | None = None, language: str = "en") -> None:
    """The page as OUT/overview.html.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        collection.place.write(PAGE, to_html(found, recurring, language).encode())
    except OSError as error:
        raise InputError(
            f"{collection.place.at(PAGE)} cannot be written ({error.strerror or error})", "Mend that and run it again"
        ) from error


def to_html(found: Overview, recurring: Recurring | None = None, language: str = "en") -> str:
    """The page as text.

    Args:
        language: a key of `messages.LANGUAGES`. Why a file could not be examined stays in English.

    Raises:
        KeyError: there is no such language.
    """
    _ = wording(language)
    clusters = recurring.clusters if recurring else ()
    return page(
        "overview.html.j2",
        language,
        shown=found,
        lang=language,
        title=_(found.title),
        summary=summary(found, recurring, language),
        headlines=[text_in(one.headline, language) for one in found.first],
        badges={kind: _(BADGES[kind]) for kind in FOUND},
        meanings={kind: _(MEANING[kind]) for kind in FOUND},
        bars=list(_bars(found.periods)),
        ticks=_ticks(found.periods),
        clusters=[(one, _links(one)) for one in clusters[:_CLUSTERS]],
        more=max(0, len(clusters) - _CLUSTERS),
        height=HEIGHT,
        version=__version__,
        date=date(found.created, language),
    )


def summary(found: Overview, recurring: Recurring | None = None, language: str = "en") -> tuple[str, ...]:
    """Sentences, most important first."""
    return tuple(text % {"num": _figure(number, language)} for text, number in _told(found, recurring, language))


def _told(found: Overview, recurring: Recurring | None, language: str) -> Iterator[tuple[str, int]]:
    ngettext = catalogue(language).ngettext
    examined, left = found.done - found.failures, found.files - found.done
    yield ngettext("%(num)s file was examined.", "%(num)s files were examined.", examined), examined
    for kind, number in found.verdicts.items():
        if number:
            yield _of_kind(kind, number, ngettext), number
    counted = (
        (
            ngettext(
                "%(num)s is byte for byte the same as an earlier one.",
                "%(num)s are copies, byte for byte.",
                found.copies,
            ),
            found.copies,
        ),
        (
            ngettext("%(num)s file could not be examined.", "%(num)s files could not be examined.", found.failures),
            found.failures,
        ),
        (ngettext("%(num)s file waits to be examined.", "%(num)s files wait to be examined.", left), left),
    )
    yield from ((text, number) for text, number in counted if number)
    if recurring is not None:
        yield _of_faces(recurring, language)


def _of_kind(kind: VerdictKind, number: int, ngettext: Plural) -> str:
    match kind:
        case "signs_of_alteration":
            return ngettext("%(num)s shows signs of alteration.", "%(num)s show signs of alteration.", number)
        case "signs_of_synthesis":
            return ngettext("%(num)s shows signs of AI generation.", "%(num)s show signs of AI generation.", number)
        case "inconclusive":
            return ngettext("%(num)s is inconclusive.", "%(num)s are inconclusive.", number)
        case "no_sign_found":
            return ngettext(
                "%(num)s shows no sign of alteration or of AI generation.",
                "%(num)s show no sign of alteration or of AI generation.",
                number,
            )


def _of_faces(recurring: Recurring, language: str) -> tuple[str, int]:
    _, ngettext = wording(language), catalogue(language).ngettext
    if recurring.too_many:
        return _("Faces that recur were not looked for: there are %(num)s, more than can be compared."), recurring.faces
    number = len(recurring.clusters)
    if not number:
        return _("No face seems to be in several files (%(num)s faces were compared)."), recurring.faces
    return ngettext(
        "%(num)s person seems to be in several files.", "%(num)s people seem to be in several files.", number
    ), number


def _figure(number: int, language: str) -> str:
    """Words up to twelve in English, whose sentences begin with none; elsewhere thousands stand apart (ISO 80000-1)."""
    return count(number) if language == "en" else f"{number:,}".replace(",", "\u202f")


def _bars(periods: Sequence[Period]) -> Iterator[Bar]:
    tallest = max((one.files for one in periods), default=0)
    width = WIDTH / max(len(periods), 1)
    for place, one in enumerate(periods):
        high, red = (round(HEIGHT * number / max(tallest, 1), 1) for number in (one.files, one.suspicious))
        yield Bar(
            round(place * width, 1), round(0.8 * width, 1), high, red, f"{one.label}: {one.files} / {one.suspicious}"
        )


def _ticks(periods: Sequence[Period]) -> list[tuple[float, str]]:
    places = sorted({0, len(periods) // 2, len(periods) - 1}) if periods else []
    return [(round((place + 0.4) * WIDTH / len(periods), 1), periods[place].label) for place in places]


def _links(cluster: Cluster) -> list[Link]:
    files = {one.number: one for one in cluster.faces}
    return [_link(one) for one in list(files.values())[:_FILES]]


def _link(place: Place) -> Link:
    text = f"{place.number}. {place.source}"
    # as_uri escapes whatever a name holds, so that none can be another kind of address.
    return Link(text, None if is_address(place.source) else Uri(Path(place.source).absolute().as_uri()))
