"""What the network answers, in which order, and how each set's labels become targets.

Missing labels are NaN (numbers) or -1 (classes): a sample trains the heads that it has labels for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

AGES = 101  # one class a year, 0-100; older counts as 100
RACES = ("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern")
GROUPS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")  # FairFace
GROUP_YEARS = ((0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 100))
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
_CELEBA = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones "
    "Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline "
    "Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick "
    "Wearing_Necklace Wearing_Necktie Young"
)
ATTRIBUTES = tuple(_CELEBA.split())
POINTS = 78  # 68 in the usual order, then centre and rim of each iris
POSE = ("yaw", "pitch", "roll")  # degrees; signs of faceagent.types.Pose; roll against the crop, which is level
OPENINGS = ("left_eye", "right_eye", "mouth")  # height / width

HEADS: Mapping[str, int] = {
    "age": AGES,
    "gender": 1,  # logit of male
    "race": len(RACES),
    "attributes": len(ATTRIBUTES),
    "emotion": len(EMOTIONS),
    "points": 2 * POINTS,
    "pose": len(POSE),
    "openings": len(OPENINGS),
}

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


def _mirror_68() -> list[int]:
    pairs = [(k, 16 - k) for k in range(8)] + [(17 + k, 26 - k) for k in range(5)] + [(31, 35), (32, 34)]
    pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)]
    order = list(range(68))
    for left, right in pairs:
        order[left], order[right] = right, left
    return order


# After a flip the point k is where MIRROR[k] was. Iris: centre and four rim points an eye; the rim points 1 and 3 lie
# to the sides, 2 and 4 above and below.
MIRROR = np.array([*_mirror_68(), 73, 76, 75, 74, 77, 68, 71, 70, 69, 72])


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
    made["age"][:] = [GROUP_YEARS[GROUPS.index(row["age_group"])] for row in rows]
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
