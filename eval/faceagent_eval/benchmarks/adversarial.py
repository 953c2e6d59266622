"""Verification under attack: aligned faces changed by so little that nobody sees it, on LFW pairs.

The Square attack (Andriushchenko et al., ECCV 2020) of the Adversarial Robustness Toolbox (extra `adversarial`): it
searches by asking the recogniser again and again, knows its likeness and not its weights, and changes no value of a
pixel by more than a bound (L∞). It turns what compare_faces says: of one person so that the two are not called one
(dodging), of two people so that they are (impersonation). It works on the aligned face, which is more than an attacker
with a photo can do, and stops at `QUERIES` questions, which is less: no bound on what a stronger one achieves. Random
noise of the same size, asked once, is the control.

Attacks that need gradients (PGD, DeepFool) are not here: what ships runs in ONNX Runtime, which gives none. With no
question at all (no-box) an attack needs another recogniser to work on, and none ships. What is worn or held before a
face (FACESEC's accessories) is in `occlusion`. A pair takes some 20 s on one core: use --limit.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra
from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_eval.changed_pairs import ChangedPairs, Item
from faceagent_tools import similarity
from faceagent_tools.similarity import DEFAULT_RATE

BOUNDS = (4, 8)
"""Of 255."""
QUERIES = 200


class Adversarial(ChangedPairs):
    """See the module."""

    name = "adversarial"
    about = "verification of LFW pairs under the Square attack (Adversarial Robustness Toolbox), and under noise"

    def changes(self) -> Sequence[str]:
        return [f"{kind}, L∞ {bound}" for bound in BOUNDS for kind in ("noise", "Square attack")]

    def items(self) -> Sequence[Item]:
        self._toolbox = toolbox()
        return super().items()

    def changed(
        self, name: str, photo: Photo, face: Face, other: Pixels, same: bool, rng: np.random.Generator
    ) -> Photo | Pixels:
        kind, _, bound = name.partition(", L∞ ")
        chip, most = self.embedder.chip(photo, face), float(bound)
        if kind == "noise":
            return whole(chip + most * rng.choice((-1.0, 1.0), chip.shape))
        reference = self.embedder.embed_chip(other)
        line = similarity.table().line(DEFAULT_RATE).similarity

        def margin(chips: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
            """[N, 2]: by how much each is not one person, and is."""
            alike = [similarity.similarity(self.embedder.embed_chip(whole(one)), reference) for one in chips]
            over = np.array(alike) - line
            return np.stack([-over, over], axis=1)

        return self._attacked(chip, margin, same, most, int(rng.integers(2**31)))

    def _attacked(self, chip: Pixels, margin: Any, same: bool, most: float, seed: int) -> Pixels:
        """A copy for which the answer is wrong, if one was found; where it is wrong already, there is need of none."""
        classifier, attack = self._toolbox
        asked = classifier(margin, chip.shape, nb_classes=2, clip_values=(0, 255), channels_first=False)
        # The toolbox draws from NumPy's global generator.
        before = np.random.get_state()
        np.random.seed(seed)
        try:
            made = attack(asked, norm=np.inf, eps=most, max_iter=QUERIES, batch_size=1, verbose=False).generate(
                chip[None].astype(np.float32), np.eye(2)[[int(same)]]
            )
        finally:
            np.random.set_state(before)
        return whole(np.clip(made[0], chip - most, chip + most))


def whole(chip: npt.NDArray[Any]) -> Pixels:
    """Values as a photo has them."""
    return np.asarray(np.clip(np.rint(chip), 0, 255), np.uint8)


def toolbox() -> tuple[Any, Any]:
    """The toolbox's classifier that is asked from outside, and its attack.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of every framework that it does not find
            # Imported where used: it is an optional package, and slow to load.
            from art.attacks.evasion import SquareAttack
            from art.estimators.classification import BlackBoxClassifierNeuralNetwork
    except ModuleNotFoundError:
        raise MissingExtra("The benchmark adversarial", "adversarial") from None
    return BlackBoxClassifierNeuralNetwork, SquareAttack
