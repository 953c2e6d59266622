"""A face reader that reads into faces what a test wants: the one seam at which the network is faked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from faceagent.session import Session
from faceagent.types import Face, Pose
from faceagent_tools.multitask import EMOTIONS, HEADS, OUTPUTS, USABLE, FaceReader, Reading, reading


class Reads(FaceReader):
    """Gives the first face of a photo the first of these expressions, the second the second, all the same yaw."""

    def __init__(self, *shares: Mapping[str, float], yaw: float = 0.0) -> None:
        super().__init__()
        self.readings = [read_as(row, yaw) for row in shares]

    def read(self, session: Session, face: Face) -> Reading:
        return self.readings[int(face.id.partition(".")[2]) - 1]


def read_as(shares: Mapping[str, float], yaw: float = 0.0) -> Reading:
    """A reading of a clear face with these probabilities of expressions; the other expressions share the rest."""
    plain = reading({name: np.zeros(HEADS.get(name, len(USABLE))) for name in OUTPUTS}, np.eye(2, 3))
    spread = (1 - sum(shares.values())) / max(len(EMOTIONS) - len(shares), 1)
    likely = np.array([shares.get(name, spread) for name in EMOTIONS])
    return dataclasses.replace(
        plain, emotions=likely, pose=Pose(yaw=yaw, pitch=0, roll=0), **dict.fromkeys(USABLE, 1.0)
    )
