"""Every error that faceagent raises on purpose.

::

    FaceAgentError
    ├── InputError              what the caller gave cannot be used
    │   ├── MediaError          a file that is not a usable photo …
    │   │   ├── MediaTooLarge   … because it is over a limit
    │   │   └── UnknownFormat   … because it is neither photo nor video
    │   ├── UnknownReference    "face 1.7" where image 1 has two faces
    │   └── UsageError          arguments that contradict each other
    ├── MissingExtra            an optional package is not installed
    ├── WeightsError            a model file …
    │   ├── WeightsMissing      … is not here (says how to get it)
    │   └── WeightsCorrupt      … does not have the published SHA-256
    ├── GalleryError            the gallery of enrolled people cannot be used
    ├── AuditError              the audit log cannot be written or read
    ├── PolicyError             refused: the policy in force does not allow it
    ├── Busy                    there is too much to do at present
    ├── ToolError               a measurement failed for good
    └── ControllerError         the chat model did not produce a usable turn

The text of each is one clear sentence that names the thing, and `mend` is a second one that says what to do.
Anything else that escapes is a bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class FaceAgentError(Exception):
    """Root of the tree.

    Args:
        message: one sentence that says what is wrong and names the thing, without a full stop at the end.
        mend: one sentence that says what to do about it, or None where nothing can be done.
    """

    def __init__(self, message: str, mend: str | None = None) -> None:
        super().__init__(message)
        self.message = message.rstrip(".")
        self.mend = mend.rstrip(".") if mend else None

    def __str__(self) -> str:
        return f"{self.message}. {self.mend}." if self.mend else f"{self.message}."


class InputError(FaceAgentError):
    """What the caller gave cannot be used."""


class MediaError(InputError):
    """A file that is not a usable photo: missing, empty, truncated, not an image, or over a limit."""


class MediaTooLarge(MediaError):
    """A file with more bytes or pixels than the limits allow."""


class UnknownFormat(MediaError):
    """A file whose content is neither a photo nor a video that can be read, whatever it is called."""


class UnknownReference(InputError):
    """An image or face id that the session does not have."""


class UsageError(InputError):
    """Arguments that are incomplete or contradict each other."""


class MissingExtra(FaceAgentError):
    """An optional package is not installed. `extra` names the pip extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package", f"Install it with: pip install 'faceagent[{extra}]'")
        self.extra = extra


class WeightsError(FaceAgentError):
    """A model file cannot be used."""


class WeightsMissing(WeightsError):
    """A model file is not on this machine."""


class WeightsCorrupt(WeightsError):
    """A model file does not have the SHA-256 that was published for it."""


class GalleryError(FaceAgentError):
    """The gallery is missing, damaged, locked by another key, or does not have who was asked for."""


class AuditError(FaceAgentError):
    """The audit log cannot be written or read."""


class PolicyError(FaceAgentError):
    """The policy in force does not allow what was asked."""


class Busy(FaceAgentError):
    """There is too much to do at present. `seconds`: after how long it is worth asking again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message, f"Try again in {seconds} seconds")
        self.seconds = seconds


class ToolError(FaceAgentError):
    """A measurement failed for good. It becomes evidence with status `failed`, never silence."""


class ControllerError(FaceAgentError):
    """The chat model in the seat did not produce a usable turn."""


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with data from outside, as part of a sentence: "images.0: Input should be …"."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    told = first["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{place}: {told}" if place else told
