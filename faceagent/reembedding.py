"""A gallery's templates made anew by the recogniser in use, from the crops that were kept: after a change of model.

>>> from faceagent.reembedding import reembed
>>> for one in reembed(Toolbox.installed(), gallery):  # doctest: +SKIP
...     print(one.name, one.renewed, one.lost)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from faceagent.errors import UsageError
from faceagent.gallery import Gallery, Model, Reembedded
from faceagent.gallery.records import Vector
from faceagent.tool import Toolbox

ENROLS = "enroll_person"


@runtime_checkable
class Reembedder(Protocol):
    """What a tool that enrols people offers for it."""

    @property
    def model(self) -> Model:
        """What makes its templates."""

    def reembed(self, crop: bytes) -> Vector:
        """The vector of a crop, as the gallery keeps it (PNG): float32 [D].

        Raises:
            MediaError: it is no aligned face that the model can read.
            WeightsError: a model file is missing or damaged.
        """


def reembedder(tools: Toolbox) -> Reembedder:
    """The tool that enrols.

    Raises:
        UsageError: none can make templates from crops.
    """
    found: object = tools.get(ENROLS)
    if not isinstance(found, Reembedder):
        raise UsageError("No installed tool makes templates", "Install faceagent itself rather than its core alone")
    return found


def reembed(tools: Toolbox, gallery: Gallery) -> Iterator[Reembedded]:
    """Make the templates of everybody anew that another model made; see `Gallery.reembed_all`.

    Raises:
        UsageError: as `reembedder`. GalleryError, WeightsError: it cannot go on. What was done stays done.
    """
    by: Reembedder = reembedder(tools)
    return gallery.reembed_all(by.model, by.reembed)
