"""Detectors of others: any ONNX classifier of face crops, declared in a TOML file.

::

    [[detector]]
    name = "xception-c23"
    version = "2019-08"
    file = "xception-c23.onnx"           # beside the TOML file, unless absolute
    sha256 = "64 hex digits"
    licence = "MIT"
    source = "Rössler et al. 2019, arXiv:1901.08971"
    calibrated_on = "FaceForensics++ c23, validation split"     # leave out where it was not

    [detector.input]
    size = [299, 299]                    # width, height
    layout = "NCHW"                      # or "NHWC"
    colours = "RGB"                      # or "BGR"
    scale = 0.00392156862745098          # what 0-255 is multiplied by first; then (x - mean) / std by channel
    mean = [0.5, 0.5, 0.5]
    std = [0.5, 0.5, 0.5]
    margin = 0.3                         # around the face's box, on each side, in units of its longer side

    [detector.output]
    meaning = "logits"                   # "probability", "logit" or "logits" (of classes, for a softmax)
    forged = 1                           # which number of the output stands for a forgery
    inverted = false                     # true where that number stands for an authentic face instead
    line = 0.5                           # from which on its authors speak of a forgery; leave out where they state none

The file is trusted to be what its SHA-256 says, and run by ONNX Runtime.
"""

from __future__ import annotations

import hashlib
import threading
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import cv2
import numpy as np
from pydantic import Field, ValidationError, model_validator

from faceagent.errors import UsageError, WeightsCorrupt, WeightsMissing, first_fault
from faceagent.media import Pixels
from faceagent.types import Box, Finite, Frozen, Method, Unit
from faceagent_tools import runtime

Side = Annotated[int, Field(ge=16, le=2048)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_CHANNELS = 3


class Input(Frozen):
    """How a crop is made ready: see the example above."""

    size: tuple[Side, Side]
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    colours: Literal["RGB", "BGR"] = "RGB"
    scale: Positive = 1 / 255
    mean: tuple[Finite, Finite, Finite] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    margin: Annotated[float, Field(ge=0, le=2)] = 0.3


class Output(Frozen):
    """What the first output of the network means."""

    meaning: Literal["probability", "logit", "logits"]
    forged: Annotated[int, Field(ge=0)] = 0
    inverted: bool = False
    line: Unit | None = None
    """Of what `DeclaredDetector.forged` gives."""


class Row(Frozen):
    """One declared detector."""

    name: Annotated[str, Field(min_length=1)]
    version: str
    file: Path
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    licence: Annotated[str, Field(min_length=1)]
    source: str | None = None
    calibrated_on: str | None = None
    """Without it the answer is a score and no probability."""
    input: Input
    output: Output

    @property
    def method(self) -> Method:
        """What evidence cites."""
        return Method(
            name=self.name, version=self.version, licence=self.licence, sha256=self.sha256, source=self.source
        )


class _Table(Frozen):
    detector: Annotated[tuple[Row, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [row.name for row in self.detector]
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two detectors are called {repeated!r}")
        return self


def read(path: Path) -> tuple[Row, ...]:
    """The detectors that a TOML file declares; `file` of each made absolute.

    Raises:
        UsageError: the file is missing, is no TOML, or declares something that cannot be; the error names the field.
    """
    try:
        table = _Table.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML file ({error})", "See faceagent_tools.forensics.declared") from error
    except ValidationError as error:
        raise UsageError(
            f"{path} declares a detector wrongly: {first_fault(error)}",
            "See faceagent_tools.forensics.declared for an example",
        ) from error
    return tuple(row.model_copy(update={"file": path.parent / row.file}) for row in table.detector)


class DeclaredDetector:
    """Runs one declared detector. Its file is read, and held against its SHA-256, by the first call."""

    def __init__(self, row: Row, threads: int = 1) -> None:
        self.row, self._threads = row, threads
        self._session: Any = None
        self._lock = threading.Lock()

    def forged(self, pixels: Pixels, box: Box) -> float:
        """What the network says for a forgery, 0-1: a probability only where `Row.calibrated_on` says of what.

        Args:
            pixels: uint8 RGB [H, W, 3], the photo. box: of the face in it.

        Raises:
            WeightsMissing, WeightsCorrupt: the file is not there, or is not the one that was declared.
            UsageError: the network takes or gives something else than what was declared.
        """
        with self._lock:
            if self._session is None:
                self._session = _opened(self.row, self._threads)
        name = self._session.get_inputs()[0].name
        given = np.asarray(self._session.run(None, {name: prepared(self.row.input, pixels, box)})[0])
        return _forged(self.row, given.reshape(-1))


def prepared(declared: Input, pixels: Pixels, box: Box) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The crop as the network wants it, [1, 3, height, width] or [1, height, width, 3]; black beyond the frame."""
    (x, y), side = box.centre, max(box.width, box.height) * (1 + 2 * declared.margin)
    half = max(round(side / 2), 1)
    left, top = round(x) - half, round(y) - half
    square = np.zeros((2 * half, 2 * half, _CHANNELS), np.uint8)
    inside = Box(x0=left, y0=top, x1=left + 2 * half, y1=top + 2 * half).clipped(pixels.shape[1], pixels.shape[0])
    x0, y0, x1, y1 = (int(edge) for edge in (inside.x0, inside.y0, inside.x1, inside.y1))
    square[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0:y1, x0:x1]
    shrinks = 2 * half > max(declared.size)
    crop = cv2.resize(square, declared.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if declared.colours == "BGR":
        crop = crop[:, :, ::-1]
    values = (crop.astype(np.float32) * declared.scale - declared.mean) / declared.std
    ordered = values.transpose(2, 0, 1) if declared.layout == "NCHW" else values
    return np.ascontiguousarray(ordered[None], dtype=np.float32)


def _opened(row: Row, threads: int) -> Any:
    if not row.file.is_file():
        raise WeightsMissing(f"{row.file}, declared as {row.name}, does not exist", "Put it there or change the path")
    with row.file.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != row.sha256:
            raise WeightsCorrupt(
                f"{row.file} does not have the SHA-256 declared for {row.name}", "Get the file from its origin again"
            )
    try:
        session = runtime.session(row.file, threads)
    except RuntimeError as error:
        raise WeightsCorrupt(f"{row.file} cannot be run by ONNX Runtime ({error})", "Export it again") from error
    _check(row, session)
    return session


def _check(row: Row, session: Any) -> None:
    """Hold the network's input against the declared one; dimensions that are left open fit everything."""
    inputs = session.get_inputs()
    width, height = row.input.size
    wanted = (1, _CHANNELS, height, width) if row.input.layout == "NCHW" else (1, height, width, _CHANNELS)
    shape = inputs[0].shape
    fits = len(shape) == 4 and all(
        not isinstance(has, int) or has == wants for has, wants in zip(shape, wanted, strict=True)
    )
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not fits:
        raise UsageError(
            f"{row.name} takes {inputs[0].type} {shape} ({len(inputs)} inputs), not one float32 {list(wanted)}",
            "Correct size and layout in the TOML file",
        )


def _forged(row: Row, given: Any) -> float:
    if row.output.forged >= given.size:
        raise UsageError(
            f"{row.name} gives {given.size} numbers, so that number {row.output.forged} does not exist",
            "Correct output.forged in the TOML file (the first is 0)",
        )
    values = given.astype(np.float64)
    match row.output.meaning:
        case "logits":
            raised = np.exp(values - values.max())
            found = float(raised[row.output.forged] / raised.sum())
        case "logit":
            found = float(1 / (1 + np.exp(-values[row.output.forged])))
        case "probability":
            found = float(values[row.output.forged])
    if not 0 <= found <= 1:
        raise UsageError(f"{row.name} gives {found}, which is no probability", "Is its output a logit?")
    return 1 - found if row.output.inverted else found
