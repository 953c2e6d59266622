"""The evidence on files as `provenance_wording` reads it, and how its sentences are put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from faceagent.tool import Names
from faceagent.types import Claim, ClaimRole, Evidence
from faceagent_tools.provenance_rows import CAPTURE


class FileRows:
    """The evidence on one file, by attribute, and how sentences call the file.

    exhibit: id of the photo or video. called: how sentences call that. touched: evidence on faces of the photo.
    origin_first: where it comes from was asked, so that this is what the evidence begins with.
    """

    def __init__(self, exhibit: str, called: str, rows: Sequence[Evidence], names: Names) -> None:
        self.exhibit, self.called, self.names = exhibit, called, names
        self.touched = [row for row in rows if row.subject != exhibit]
        self._own = {row.attribute: row for row in rows if row.subject == exhibit}
        self.origin_first = next(iter(self._own), None) == CAPTURE

    @property
    def is_video(self) -> bool:
        return self.exhibit.startswith("video")

    @property
    def file(self) -> str:
        return in_files([self])

    @property
    def shown(self) -> str:
        """What the file holds, in a word."""
        return "video" if self.is_video else "picture"

    def row(self, attribute: str) -> Evidence | None:
        """Whatever was recorded, measured or not."""
        return self._own.get(attribute)

    def ok(self, attribute: str) -> Evidence | None:
        row = self._own.get(attribute)
        return row if row is not None and row.status == "ok" else None

    def value(self, attribute: str) -> object:
        row = self.ok(attribute)
        return row.value if row else None

    def unread(self) -> list[Evidence]:
        return [row for row in self._own.values() if row.status in ("failed", "abstained")]


def files_of(evidence: Sequence[Evidence], names: Names) -> list[FileRows]:
    """The evidence by file, in the order in which it was given."""
    found: dict[str, list[Evidence]] = {}
    for row in evidence:
        of_face = row.subject.startswith("face")
        exhibit = f"image {row.subject.split()[1].split('.')[0]}" if of_face else row.subject
        found.setdefault(exhibit, []).append(row)
    videos = [exhibit for exhibit in found if exhibit.startswith("video")]
    # "The photo and video 2" would be two sentences to whoever splits them by ids.
    called = {videos[0]: "the video"} if len(videos) == 1 else {one: one for one in found} if videos else {}
    return [FileRows(one, called.get(one) or names.of(one), rows, names) for one, rows in found.items()]


def claim(row: Evidence, role: ClaimRole, sentence: str, *others: Evidence) -> Claim:
    return claims_of([row], role, sentence, others)


def claims_of(rows: Sequence[Evidence], role: ClaimRole, sentence: str, others: Iterable[Evidence]) -> Claim:
    """One sentence about several rows of one attribute, the first of which leads."""
    return Claim(
        sentence=sentence,
        subject=" + ".join(dict.fromkeys(row.subject for row in rows)),
        attribute=rows[0].attribute,
        value=rows[0].value,
        evidence=tuple(dict.fromkeys(row.id for row in (*rows, *others))),
        role=role,
    )


def in_files(files: Sequence[FileRows]) -> str:
    """How sentences call these files."""
    if len(files) == 1 and not files[0].is_video and len(files[0].names.images) == 1:
        return "the file"
    exhibits = listed(one.called for one in files)
    return f"the file of {exhibits}" if len(files) == 1 else f"the files of {exhibits}"


def listed(items: Iterable[str], last: str = "and") -> str:
    every = list(items)
    return f"{', '.join(every[:-1])} {last} {every[-1]}" if len(every) > 1 else "".join(every)


def upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def dicts(row: Evidence | None, key: str) -> list[dict[str, str]]:
    """A list of records in the details of a row, as texts; empty where there is none."""
    found = row.details.get(key) if row else None
    items = found if isinstance(found, list) else []
    return [{name: str(value) for name, value in item.items()} for item in items if isinstance(item, dict)]
