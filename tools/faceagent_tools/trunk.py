"""dlib's face recogniser in ONNX Runtime, and what it sees on its way: what the embedding and our own networks share.

The network (trained on about 3 million faces) gives the same numbers as dlib's to 1e-5, and faster than a dlib without
BLAS. Its maps halfway are what faceagent-multitask is built on (docs/decisions/0007).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent_tools import dlib_net, runtime, weights

WEIGHTS = "dlib_face_recognition_resnet_model_v1"
GRAPH = "dlib-recogniser.onnx"  # made by faceagent_finetune.nets.recogniser_graph; the filters come from `WEIGHTS`
CHIP_SIZE, CHIP_PADDING = 150, 0.25  # of `align.face_chip`: what dlib trained it on

FINE, SHARED = 7, 10  # numbers of blocks after which maps are handed on
MAPS: Mapping[str, tuple[int, ...]] = {"fine": (64, 17, 17), "shared": (128, 8, 8), "late": (256,)}
"""Shapes of what is handed on for one crop; `late` is the mean of the last maps."""
OUTPUTS = (*MAPS, "embedding")
_REMEMBERED = 16  # crops, at 0.3 MB each

Views = Mapping[str, npt.NDArray[np.float32]]


class Trunk:
    """Runs the recogniser. Its weights are loaded by the first call."""

    def __init__(self, threads: int = 1) -> None:
        self._session: Any = None
        self._threads = threads
        self._last: OrderedDict[bytes, Views] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, chips: npt.NDArray[np.uint8]) -> Views:
        """`MAPS` and the embedding [N, 128] for uint8 RGB [N, 150, 150, 3].

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        pixels = np.ascontiguousarray(chips.transpose(0, 3, 1, 2), np.float32)
        with self._lock:
            session = self._loaded()
        return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"pixels": pixels}), strict=True))

    def both_ways(self, chip: Pixels) -> Views:
        """The same for one crop, uint8 RGB [150, 150, 3], and its mirror image.

        The last crops are remembered: whoever is compared is often described as well.
        """
        key = chip.tobytes()
        with self._lock:
            known = self._last.get(key)
        if known is None:
            known = self.run(np.stack([chip, chip[:, ::-1]]))
            with self._lock:
                self._last[key] = known
                while len(self._last) > _REMEMBERED:
                    self._last.popitem(last=False)
        return known

    def _loaded(self) -> Any:
        if self._session is None:
            graph = files("faceagent_tools").joinpath("networks", GRAPH).read_bytes()
            self._session = runtime.session(graph, self._threads, dlib_net.read(weights.path(WEIGHTS)))
        return self._session
