"""What the network answers, in which order, and how each set's labels become targets.

Missing labels are NaN (numbers) or -1 (classes): a sample trains the heads that it has labels for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent_tools.multitask import AGE_GROUPS, AGES, ATTRIBUTES, EMOTIONS, OPENINGS, POINTS, POSE, RACES

Floats = npt.NDArray[np.float32]

GROUPS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")  # names of `AGE_GROUPS`

# UTKFace knows five groups; each names the FairFace groups that it may stand for ("Others" is, by the set's own page,
# Hispanic, Latino and Middle Eastern).
UTK_RACES = {
    "White": ("White", "Middle Eastern", "Latino_Hispanic"),
    "Black": ("Black",),
    "Indian": ("Indian",),
    "Asian": ("East Asian", "Southeast Asian"),
    "Others": ("Latino_Hispanic", "Middle Eastern"),
}

# The mesh's generic head reads about this much for faces that look straight ahead; its pitch grows downwards.
MESH_PITCH_OF_FRONTAL = 7.0


def blank(rows: int) -> dict[str, npt.NDArray[Any]]:
    """Targets of `rows` samples without any label."""
    return {
        "age": np.full((rows, 2), -1, np.int16),  # first and last year that the label allows
        "gender": np.full(rows, -1, np.int8),  # 1 male, 0 female
        "race": np.zeros((rows, len(RACES)), np.bool_),  # the groups that the label allows; none: no label
        "attributes": np.full((rows, len(ATTRIBUTES)), -1, np.int8),
        "emotion": np.zeros((rows, len(EMOTIONS)), np.float32),  # votes
        "points": np.full((rows, POINTS, 2), np.nan, np.float32),  # shares of the crop's side
        "pose": np.full((rows, len(POSE)), np.nan, np.float32),
        "openings": np.full((rows, len(OPENINGS)), np.nan, np.float32),
    }


def fairface(rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Columns age_group, gender, race."""
    made = blank(len(rows))
    made["age"][:] = [AGE_GROUPS[GROUPS.index(row["age_group"])] for row in rows]
    made["gender"][:] = [row["gender"] == "male" for row in rows]
    made["race"][:] = [[row["race"] == race for race in RACES] for row in rows]
    return made


def utkface(rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Columns age, gender, race (5)."""
    made = blank(len(rows))
    made["age"][:] = [[min(row["age"], AGES - 1)] * 2 for row in rows]
    made["gender"][:] = [row["gender"] == "male" for row in rows]
    made["race"][:] = [[race in UTK_RACES[row["race"]] for race in RACES] for row in rows]
    return made


def celeba(rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """The 40 columns of 1 and -1; Male also trains the gender head."""
    made = blank(len(rows))
    made["attributes"][:] = [[row[name] > 0 for name in ATTRIBUTES] for row in rows]
    made["gender"][:] = made["attributes"][:, ATTRIBUTES.index("Male")]
    return made


def ferplus(rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Columns of votes. A single vote is noise and left out, as the authors of FER+ do."""
    made = blank(len(rows))
    votes = np.array([[row[name] for name in EMOTIONS] for row in rows], np.float32)
    made["emotion"][:] = np.where(votes > 1, votes, 0)
    return made


def unlabelled(rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Only what the mesh gives."""
    return blank(len(rows))
