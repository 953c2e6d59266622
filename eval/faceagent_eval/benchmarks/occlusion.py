"""Recognition of covered faces: sunglasses, face masks, hands and other things drawn over one portrait of each pair.

Accessories are one of the dimensions of FACESEC (Tong et al. 2021): here without an optimiser behind them, so that this
is what happens to everybody, and no bound on what an attacker can do. The covers are those that the occlusion cue of
assess_quality was trained with (`photo_covers`); the network that recognises saw none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_eval.changed_pairs import ChangedPairs
from faceagent_finetune.nets.photo_covers import COVERS, covered


class Occlusion(ChangedPairs):
    name = "occlusion"
    about = "verification with one face covered by sunglasses, a mask, a hand or a thing, on LFW pairs"

    def changes(self) -> Sequence[str]:
        return tuple(COVERS)

    def changed(
        self, name: str, photo: Photo, face: Face, other: Pixels, same: bool, rng: np.random.Generator
    ) -> Photo | Pixels:
        return covered(self.embedder.chip(photo, face), name, rng, other)[0]
