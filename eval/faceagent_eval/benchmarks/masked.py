"""Verification on LFW where every portrait wears a face mask that is drawn over it.

The masks are those of `occlusion` (`photo_covers`), which covers one portrait of each pair; here both are, which is the
harder of the two cases of NIST's evaluation of masked faces (Ngan et al. 2020, NISTIR 8311). Where the face lies is
told by the portrait without the mask: what the detector misses of masked faces is `occlusion`'s to tell. The mask is
drawn alike in every run.
"""

from __future__ import annotations

import zlib

import numpy as np

from faceagent.media import Pixels
from faceagent_eval.benchmarks.lfw import Lfw
from faceagent_finetune.nets.photo_covers import covered


class MaskedFaces(Lfw):
    """See the module."""

    name = "masked-faces"
    about = "Labeled Faces in the Wild with a mask drawn over every face"

    def seen(self, chip: Pixels, name: str) -> Pixels:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        return covered(chip, "face mask", rng, chip)[0]
