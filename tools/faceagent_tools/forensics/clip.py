"""A linear look at what CLIP sees of a face: a part of the forgery ensemble where CLIP's weights are on this machine.

OpenAI's ViT-B/16 was trained on pictures and their captions and knows nothing of forgeries; a linear classifier of its
frozen features tells forgeries apart, and better those of generators that it was not fitted on than a network that was
trained on forgeries alone (Ojha et al. 2023, arXiv:2302.10174). The classifier comes with the package
(calibration/clip_probe.npz, fitted by `python -m faceagent_finetune.nets.clip_probe`), CLIP is downloaded.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.geometry import Point
from faceagent.media import Pixels
from faceagent_tools import runtime, weights
from faceagent_tools.forensics import windows
from faceagent_tools.forensics.view import Floats

WEIGHTS = "clip-vit-b16"
FEATURES = 2816
"""Numbers of a face: the embedding [512]; of the last layer the class token [768], and over the 196 patches the mean
[768] and the standard deviation [768]."""
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32) * 255  # OpenAI's, of its training photos
_STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32) * 255


@dataclass(frozen=True, eq=False)
class Probe:
    """The classifier. weights: [4, FEATURES], bias: [4], logits of `windows.KINDS`."""

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def log_odds(self, features: npt.NDArray[np.float32]) -> Floats:
        """Of forged, by whichever kind. features: [N, FEATURES]."""
        logits = (features @ self.weights.T + self.bias).astype(np.float64)
        return np.asarray(np.logaddexp.reduce(logits[:, 1:], axis=1) - logits[:, 0])


@cache
def probe() -> Probe:
    """The one that ships."""
    with as_file(files("faceagent_tools").joinpath("calibration", "clip_probe.npz")) as path, np.load(path) as stored:
        return Probe(stored["weights"], stored["bias"])


class Clip:
    """CLIP's image encoder in 8 bits. Its weights are loaded by the first call.

    Args:
        threads: of the runtime; see `network.ForensicNetwork`.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._session: Any = None
        self._lock = threading.Lock()

    def log_odds(self, pixels: Pixels, centre: Point, side: float) -> float:
        """Of forged, of one face, as the classifier that ships has them: not calibrated.

        Args:
            pixels: uint8 RGB of the upright photo. centre, side: of dlib's square (`align.square_of`).

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        return float(probe().log_odds(self.features(windows.whole(pixels, centre, side).pixels))[0])

    def features(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """[N, FEATURES] of windows uint8 RGB [N, 224, 224, 3].

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        with self._lock:
            if self._session is None:
                self._session = runtime.session(weights.path(WEIGHTS), self._threads)
        batch = ((pixels - _MEAN) / _STD).transpose(0, 3, 1, 2)
        embedding, tokens = self._session.run(None, {"pixel_values": np.ascontiguousarray(batch, np.float32)})
        patches = tokens[:, 1:]
        return np.concatenate([embedding, tokens[:, 0], patches.mean(axis=1), patches.std(axis=1)], axis=1)
