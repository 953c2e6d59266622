"""The first lines of a report and its standing reservations, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from faceagent.messages import N_
from faceagent.narrate import LABELS
from faceagent.policy import Purpose
from faceagent.tool import Toolbox
from faceagent.types import Evidence, ExhibitReport, Failure, VerdictKind

# How one exhibit and several are spoken of, in the order in which a reader wants to hear of them.
FOUND: dict[VerdictKind, tuple[str, str]] = {
    "signs_of_alteration": ("shows signs of alteration", "show signs of alteration"),
    "signs_of_synthesis": ("shows signs of AI generation", "show signs of AI generation"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "no_sign_found": (
        "shows no sign of alteration or of AI generation",
        "show no sign of alteration or of AI generation",
    ),
}
MEANING: dict[VerdictKind, str] = {
    "signs_of_alteration": N_(
        "Something in the file or the picture speaks for a change after the picture was taken. It does not say who "
        "changed it or why."
    ),
    "signs_of_synthesis": N_("Something in the file or the picture speaks for a picture that no camera took."),
    "no_sign_found": N_("All examinations were made and none found a sign. A careful forgery can pass all of them."),
    "inconclusive": N_("What was examined allows no conclusion either way. It is neither a suspicion nor a clearance."),
}
_NAMED_AT_MOST = 4
_NAME = 44
"""Characters of a file's name in a sentence; the exhibit itself has it whole."""
_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def summarise(
    exhibits: Sequence[ExhibitReport], across: Sequence[Evidence], failures: Sequence[Failure]
) -> tuple[str, ...]:
    """What was found, most important first; with one photo, its own headline.

    Args:
        across: the comparisons between exhibits.
    """
    lines = [_opening(exhibits)]
    if len(exhibits) == 1:
        lines.append(exhibits[0].verdict.headline)
    else:
        lines += [_kind(kind, exhibits) for kind in FOUND if any(item.verdict.kind == kind for item in exhibits)]
    lines += [*_same_files(across), *_same_person(across)]
    if failures:
        were = "file" if len(failures) == 1 else "files"
        lines.append(
            f"{count(len(failures))} {were} could not be examined: {_listed([short(one.name) for one in failures])}."
        )
    return tuple(lines)


def _opening(exhibits: Sequence[ExhibitReport]) -> str:
    videos = sum(item.exhibit.id.startswith("video") for item in exhibits)
    photos = len(exhibits) - videos
    if len(exhibits) == 1:
        return f"One {'video' if videos else 'photo'} was examined: “{short(exhibits[0].exhibit.name)}”."
    told = [_counted(photos, "photo")] if photos or not videos else []
    told += [_counted(videos, "video")] if videos else []
    return f"{' and '.join(told).capitalize()} were examined."


def _counted(number: int, what: str) -> str:
    return f"{count(number).lower()} {what}{'' if number == 1 else 's'}"


def _kind(kind: VerdictKind, exhibits: Sequence[ExhibitReport]) -> str:
    named = [f"{item.exhibit.id} (“{short(item.exhibit.name)}”)" for item in exhibits if item.verdict.kind == kind]
    one, several = FOUND[kind]
    if len(named) == len(exhibits):
        return f"All {several}." if len(named) > 2 else f"Both {several}."
    return f"{count(len(named))} {one if len(named) == 1 else several}: {_listed(named)}."


def _same_files(across: Sequence[Evidence]) -> list[str]:
    pairs = [row.subject.split(" + ") for row in across if row.attribute == "same_file" and row.value is True]
    return [f"{first.capitalize()} and {second} are the same file, byte for byte." for first, second in pairs]


def _same_person(across: Sequence[Evidence]) -> list[str]:
    """Photos that seem to share a person. Which face is which is told where the comparison is."""
    pairs = [
        tuple(f"image {face.split()[1].split('.')[0]}" for face in row.subject.split(" + "))
        for row in across
        if row.attribute == "same_person" and row.value == "supported"
    ]
    shared = list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))
    if not shared:
        return []
    if len(shared) == 1:
        return [f"{shared[0][0].capitalize()} and {shared[0][1]} seem to show the same person."]
    images = list(dict.fromkeys(image for pair in shared for image in pair))
    everywhere = len(shared) == len(images) * (len(images) - 1) // 2
    who = "The same person seems" if everywhere else "Some of the people seem"
    return [f"{who} to appear in more than one photo: {_listed(images)}."]


def short(name: str) -> str:
    """A name with its middle left out where it is long; what a reader knows it by is its beginning and its ending."""
    half = _NAME // 2
    return name if len(name) <= _NAME else f"{name[:half]}…{name[-half:]}"


def _listed(names: Sequence[str]) -> str:
    shown, rest = list(names[:_NAMED_AT_MOST]), len(names) - _NAMED_AT_MOST
    if rest > 0:
        shown.append(f"{rest} more")
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def count(number: int) -> str:
    """A number at the start of a sentence: a word up to twelve."""
    return _WORDS[number] if number < len(_WORDS) else f"{number:,}"


def limitations(exhibits: Sequence[ExhibitReport], toolbox: Toolbox, *, compared: int, faces: int) -> tuple[str, ...]:
    """What a reader must keep in mind about this report as a whole."""
    items = [
        f"{LABELS[name]}: not part of this version, so nothing in this report rests on it."
        for name in ("detect_forgery", "check_liveness")
        if name not in toolbox
    ]
    items += [
        "Records inside a file (capture data, thumbnails, content credentials) can be removed or rewritten. That they "
        "are missing is normal for photos from websites and messengers and says nothing about the picture.",
        "Content credentials that are valid show who signed the file and that it has not changed since, not that the "
        "picture is true.",
        "The report speaks about the files as they were handed in, each identified by the SHA-256 of its bytes, not "
        "about the event that they show.",
        "Findings are measurements with known error rates where these are stated. They support a human judgement and "
        "do not replace it.",
    ]
    if len(exhibits) > 1 and 0 < compared < faces:
        items.append(
            f"{compared} of {faces} faces were compared with one another: the largest of each photo, in the order in "
            "which the photos were given."
        )
    return tuple(items)


def read_for(purpose: Purpose) -> str:
    """The purpose under which a report may read what is otherwise off."""
    return (
        f"Whoever made this report stated what faces are read for: “{purpose.name}”. {purpose.means} That switches on "
        f"what is off otherwise ({', '.join(sorted(purpose.opens))}); that it is lawful is theirs to answer for "
        f"({purpose.source})."
    )
