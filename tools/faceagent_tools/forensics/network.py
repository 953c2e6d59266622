"""faceagent-forensic: the network that looks for forgeries in the pixels of a face, and the one place that runs it.

Trained by `faceagent_finetune.nets.forensic` and shipped with the package (networks/, with its model card). What it
sees and what its outputs mean: `windows`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.geometry import Point
from faceagent.media import Pixels
from faceagent.types import Method
from faceagent_tools import runtime, weights
from faceagent_tools.forensics import windows
from faceagent_tools.forensics.windows import OUTPUTS, Floats

WEIGHTS = "faceagent-forensic"


@dataclass(frozen=True, eq=False)
class Look:
    """What the network says of one face.

    score: logit of forged. kinds: [4] probabilities of `windows.KINDS`. cells: probability of forged by cell of 8 px
    of the photo scaled by `scale`, NaN where no window looked. far: from the photos that it was trained on, about 1
    among them.
    """

    score: float
    kinds: Floats
    cells: Floats
    far: float
    scale: float


class ForensicNetwork:
    """Its weights are loaded by the first call.

    Args:
        model: another ONNX file with the same contract, by default the one that ships. threads: of the
            runtime. One, since other parts look at the same time and threads that wait do so by spinning.
    """

    def __init__(self, model: Path | None = None, threads: int = 1) -> None:
        self._model, self._threads = model, threads
        self._session: Any = None
        self._lock = threading.Lock()

    @property
    def method(self) -> Method:
        return weights.method(WEIGHTS)

    def look(self, pixels: Pixels, centre: Point, side: float) -> Look:
        """One face.

        Args:
            pixels: uint8 RGB of the upright photo. centre, side: of dlib's square (`align.square_of`).

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        height, width = pixels.shape[:2]
        seen = windows.windows(pixels, centre, side)
        return Look(*windows.joined(windows.outputs(self.outputs, seen), seen, width, height), seen.scale)

    def outputs(self, pixels: npt.NDArray[np.uint8]) -> Mapping[str, npt.NDArray[np.float32]]:
        """Raw outputs by name for windows uint8 RGB [N, 224, 224, 3].

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        with self._lock:
            if self._session is None:
                self._session = runtime.session(self._model or weights.path(WEIGHTS), self._threads)
        batch = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)
        return dict(zip(OUTPUTS, self._session.run(list(OUTPUTS), {"pixels": batch}), strict=True))
