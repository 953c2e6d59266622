"""What goes into the gallery and comes out of it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from faceagent.errors import UsageError

Vector = npt.NDArray[np.float32]
LONGEST_NAME = 120
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"\S*\.[A-Za-z]\w{1,4}")  # one word that ends as files do


@dataclass(frozen=True)
class Model:
    """The network that made a template. Templates of different models, or versions, are never compared."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, eq=False)
class Template:
    """One face of a person, as the recogniser sees it.

    vector: float32 [D] as the embedder gives it, of any length but 0. crop: PNG of the aligned face, to enrol anew with
    another model. photo_sha256: of the photo's file. quality: what was measured of the face when it was enrolled.

    Raises:
        UsageError: the vector is not one row of finite numbers, or all zeros.
    """

    vector: Vector
    model: Model
    crop: bytes
    photo_sha256: str
    quality: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        direction(self.vector)


@dataclass(frozen=True)
class Consent:
    """What a person agreed to: a statement, or a file known by its SHA-256 (the file itself stays where it is).

    purpose: what for. given: when. until: the last day on which the entry may be kept; None: until it is withdrawn.
    guardian: the parent or guardian who agreed for somebody under age. of_age: it was stated that the person is of age.

    Raises:
        UsageError: neither statement nor file, no purpose, or an end before the beginning.
    """

    purpose: str
    given: date
    statement: str | None = None
    file: str | None = None
    sha256: str | None = None
    until: date | None = None
    guardian: str | None = None
    of_age: bool = False

    @property
    def covers_minors(self) -> bool:
        """Whether it allows what is otherwise withheld from faces that look like a child's."""
        return self.of_age or bool((self.guardian or "").strip())

    def __post_init__(self) -> None:
        has_file = bool(self.file) and _SHA256.fullmatch(self.sha256 or "") is not None
        if not has_file and not (self.statement or "").strip():
            raise UsageError("Consent needs a statement or a file", 'As in --consent "She agreed in writing, 2 May"')
        if not self.purpose.strip():
            raise UsageError("Consent needs a purpose", "Say what the person agreed to")
        if self.until is not None and self.until < self.given:
            raise UsageError(f"Consent given on {self.given} cannot end on {self.until}", "Check the dates")

    @staticmethod
    def of_file(path: Path, purpose: str, given: date, until: date | None = None) -> Consent:
        """Consent as it stands in a file, e.g. a signed form.

        Raises:
            UsageError: the file cannot be read.
        """
        try:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(f"The consent {path} cannot be read ({error.strerror})", "Check the path") from error
        return Consent(purpose, given, file=path.name, sha256=sha256, until=until)

    @staticmethod
    def told(text: str, purpose: str, given: date) -> Consent:
        """Consent as a person types it: a statement, or the name of a file with it.

        Raises:
            UsageError: it is empty, or the name of a file that is not there.
        """
        path = Path(text)
        if path.is_file():
            return Consent.of_file(path, purpose, given)
        if _FILE_NAME.fullmatch(text.strip()):
            raise UsageError(
                f"The consent {text} does not exist",
                'Check the path, or state how the person agreed, as in "She agreed in writing, 2 May"',
            )
        return Consent(purpose, given, statement=text)


class Enrolment(NamedTuple):
    """Somebody to be enrolled, as `Gallery.enroll` takes it."""

    name: str
    templates: Sequence[Template]
    consent: Consent
    protected: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody enrolled. id: a number that is never given twice, which stands for the person where no name may.

    since: day of the first enrolment. protected: photos said to show this person are examined as possible fakes.
    templates: how many, by model.
    """

    id: int
    name: str
    since: date
    consent: Consent
    protected: bool
    templates: Mapping[Model, int]


@dataclass(frozen=True)
class Hit:
    """Somebody whom a face resembles. similarity: cosine to the nearest of the person's templates, -1 to 1."""

    person: int
    name: str
    similarity: float
    purpose: str
    protected: bool


@dataclass(frozen=True)
class Forgotten:
    """What was removed of one person, and whether anything is left.

    blobs: how many encrypted pieces were stored (key, card, vectors, crops, facts); each was then looked for, by its
    bytes, in every file of the gallery: `searched`. remaining: the files that still hold one, which should be none.
    unsearched: the address of an index whose files lie elsewhere. It was written anew without the person, but its files
    cannot be looked through from here.
    """

    person: int
    name: str
    templates: int
    blobs: int
    searched: tuple[str, ...]
    remaining: tuple[str, ...]
    unsearched: str | None = None

    @property
    def proven(self) -> bool:
        """Of the files that were searched."""
        return not self.remaining


@dataclass(frozen=True)
class Reembedded:
    """What became of one person's templates when another model was to make them anew.

    renewed: made anew. already: the model had made them before. lost: of how many no crop was kept, or none that can be
    read. They stay as they are, and the person is not found by them while the new model is used.
    """

    name: str
    renewed: int
    already: int
    lost: int

    @property
    def searchable(self) -> bool:
        """Whether the new model finds the person, by one template at least."""
        return self.renewed + self.already > 0


def proper_name(name: str) -> str:
    """A person's name as it is kept: one line, composed (NFC), single spaces.

    Raises:
        UsageError: it is empty, too long, or holds control characters.
    """
    text = " ".join(unicodedata.normalize("NFC", name).split())
    if not text or len(text) > LONGEST_NAME:
        raise UsageError(f"A name has 1 to {LONGEST_NAME} characters, not {len(text)}", "Give another name")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text):
        raise UsageError(f"The name {name!a} holds control characters", "Give it without them")
    return text


def direction(vector: npt.ArrayLike) -> Vector:
    """The vector scaled to length 1: float32 [D].

    Raises:
        UsageError: it is not one row of finite numbers, or all zeros.
    """
    row = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(row)) if row.ndim == 1 else 0.0
    if not np.isfinite(length) or length == 0.0:
        raise UsageError(
            f"A template is one row of finite numbers that are not all zero, not an array of shape {row.shape}",
            "Hand in the embedder's own output",
        )
    unit: Vector = row / np.float32(length)
    return unit
