"""Faces that recur in a collection: who is in several photos, without knowing who it is.

Off unless it is asked for, under a purpose that allows it (`faceagent.policy`), since it compares everybody with
everybody. While the files are examined, the embeddings of faces lie in OUT/faces, which only this user may read; the
pass compares them, writes OUT/recurring.json, which holds places and no embedding, and deletes them. Faces that are not
good enough to be compared take no part, nor do those that look like children's, nor those of videos.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from faceagent import policy
from faceagent.collection.lines import Line, lines
from faceagent.collection.manifest import Collection
from faceagent.errors import InputError, UsageError
from faceagent.gallery.records import Vector
from faceagent.review import ENROLS, Grouper, Seen
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import SCHEMA_VERSION, Face, Frozen, Named

MOST_FACES = 50_000
"""Faces that are compared; what that costs: `python -m faceagent_eval run recurring`."""
_RESULT = "recurring.json"


class Place(Frozen):
    """A face. number: that of its file, from 1, as everywhere in the overview. face: its id in the line."""

    number: int
    source: Named
    face: str


class Cluster(Frozen):
    """Faces in several files that seem to show one person. files: how many different ones; copies do not count."""

    files: int
    faces: tuple[Place, ...]


class Recurring(Frozen):
    """faces: how many were compared. too_many: there were more than can be, so none was. clusters: largest first."""

    schema_version: str = SCHEMA_VERSION
    purpose: str | None
    faces: int
    too_many: bool = False
    clusters: tuple[Cluster, ...] = ()


def grouper_of(tools: Toolbox) -> Grouper:
    """Raises:
    UsageError: no tool compares faces.
    """
    grouper: object = tools.get(ENROLS)
    if not isinstance(grouper, Grouper):
        raise UsageError("No installed tool groups faces", "Install faceagent itself rather than its core alone")
    return grouper


def gather(collection: Collection, tools: Toolbox) -> Recurring | None:
    """Compare the faces once every file is examined, delete what they were compared by, and say who recurs.

    Returns:
        None where the collection was begun without it.

    Raises:
        UsageError: no tool compares faces. InputError: the folder cannot be read or written to.
    """
    if not collection.settings.recurring:
        return None
    place = collection.place
    try:
        if not place.has(_RESULT):
            found = _gathered(collection, grouper_of(tools))
            place.write(_RESULT, found.model_dump_json(indent=1).encode() + b"\n")
        if collection.faces.exists():
            shutil.rmtree(collection.faces)
        with place.open(_RESULT) as stream:
            return Recurring.model_validate_json(stream.read())
    except (OSError, ValueError) as error:
        raise InputError(
            f"Faces that recur cannot be told from {place} ({error})", "Mend that and run it again"
        ) from error


class _Seen(NamedTuple):
    place: Place
    vector: Vector


def _gathered(collection: Collection, grouper: Grouper) -> Recurring:
    seen: list[_Seen] = []
    known: set[str] = set()
    for line in lines(collection):
        if line.report is not None and line.report.exhibit.sha256 not in known:
            known.add(line.report.exhibit.sha256)
            seen += _kept(collection, line)
    purpose = collection.settings.purpose
    if len(seen) > MOST_FACES:
        return Recurring(purpose=purpose, faces=len(seen), too_many=True)
    groups = grouper.group([Seen(one.vector, b"", None) for one in seen])
    clusters = [_cluster([seen[at].place for at in group]) for group in groups]
    several = sorted((one for one in clusters if one.files > 1), key=lambda one: (-one.files, one.faces[0].number))
    return Recurring(purpose=purpose, faces=len(seen), clusters=tuple(several))


def _cluster(places: Sequence[Place]) -> Cluster:
    ordered = sorted(places, key=lambda one: (one.number, one.face))
    return Cluster(files=len({one.number for one in ordered}), faces=tuple(ordered))


def _kept(collection: Collection, line: Line) -> list[_Seen]:
    path = collection.kept(line.number)
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as kept:
        return [
            _Seen(Place(number=line.number + 1, source=line.source, face=str(face)), vector)
            for face, vector in zip(kept["faces"], kept["vectors"], strict=True)
        ]


class Keeper:
    """What is kept of the faces of a photo while a collection is examined."""

    def __init__(self, tools: Toolbox, purpose: str | None) -> None:
        self._grouper = grouper_of(tools)
        self._withheld = policy.withheld_from_minors("identification", purpose) is not None
        self._faces: list[str] = []
        self._vectors: list[Vector] = []

    def look(self, session: Session, faces: Sequence[Face]) -> None:
        """Take in the faces of a photo that are good enough to be compared."""
        for face in faces:
            seen = self._grouper.see(session, face)
            if seen.fault is None and not (seen.minor and self._withheld):
                self._faces.append(face.id)
                self._vectors.append(seen.vector)

    def taken(self) -> bytes:
        """What was taken in, as a file of NumPy's; empty where there is nothing. Then nothing is."""
        if not self._faces:
            return b""
        file = io.BytesIO()
        np.savez(file, faces=np.array(self._faces), vectors=np.stack(self._vectors).astype(np.float32))
        self._faces, self._vectors = [], []
        return file.getvalue()
