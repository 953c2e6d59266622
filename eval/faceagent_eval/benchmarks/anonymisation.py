"""What anonymize_faces leaves of a person: re-identification by another photo, after each of its methods.

The attacker has another photo of the person and knows where the face was, so that hiding it from a detector does not
count as hiding the person; whether a detector still finds a face is told beside. `check_hiding` in the finetune package
measures more strengths than the tool offers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_eval.changed_pairs import ChangedPairs
from faceagent_finetune.nets.check_hiding import METHODS
from faceagent_tools.anonymize import CELLS
from faceagent_tools.hiding import hide, region_of


class Anonymisation(ChangedPairs):
    name = "anonymisation"
    about = "re-identification of faces by another photo after each method of anonymize_faces, on LFW pairs"

    def changes(self) -> Sequence[str]:
        return METHODS

    def changed(
        self, name: str, photo: Photo, face: Face, other: Pixels, same: bool, rng: np.random.Generator
    ) -> Photo | Pixels:
        method = next(one for one in METHODS if one == name)
        return Photo.open(hide(photo.pixels, region_of(face), method, CELLS[0]))
