"""Readings of the faces network that a test makes, and what the tool words from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from held import sentences, word
from placed import Given

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face, Pose
from faceagent_tools import multitask
from faceagent_tools.attributes import EstimateAttributes
from faceagent_tools.multitask import AGES, ATTRIBUTES, RACES, Reading

TABLE: dict[str, Any] = {
    "calibration": {
        "gender": {"set": "fairface val", "n_fit": 600},
        "race": {"set": "fairface val", "n_fit": 600},
        "age": {"set": "utkface val", "covered_when_measured": 0.81, "n_measured": 390},
    },
    "figures": {
        "utkface": {"photos": 779, "age_mae_years": 5.2},
        "fairface": {
            "photos": 1324,
            "gender_accuracy": 0.93,
            "gender_accuracy_by_group": {
                "White": {"photos": 218, "accuracy": 0.95},
                "Latino_Hispanic": {"photos": 193, "accuracy": 0.94},
                "female": {"photos": 646, "accuracy": 0.92},
                "age 3-9": {"photos": 191, "accuracy": 0.75},
                "age 40-49": {"photos": 198, "accuracy": 0.97},
                "age 70+": {"photos": 12, "accuracy": 0.5},
                "nobody": {"photos": 0, "accuracy": None},
            },
            "age_group_accuracy_by_group": {"White": {"photos": 218, "accuracy": 0.6}},
            "race_accuracy": 0.64,
            "race_accuracy_by_race": {"White": 0.7, "Latino_Hispanic": 0.4},
        },
        "celeba40": {
            "photos": 779,
            "by_attribute": {
                name: {
                    "accuracy": 0.95,
                    "balanced": 0.9,
                    "share": 0.2,
                    "within_gender": {"male": {"photos": 315, "balanced": 0.85}},
                }
                for name in ATTRIBUTES
            },
        },
    },
}


def made(
    age: float = 46,
    spread: float = 6,
    male: float = 0.02,
    race: float = 0.9,
    of: str = "Latino_Hispanic",
    **seen: float,
) -> Reading:
    """A reading; `seen` are scores of attributes by CelebA's names, the others are low. of: whose share `race` is."""
    years = np.exp(-(((np.arange(AGES) - age) / spread) ** 2) / 2)
    races = np.full(len(RACES), (1 - race) / (len(RACES) - 1))
    races[RACES.index(of)] = race
    scores = {"No_Beard": 0.99} | seen
    return Reading(
        years=years / years.sum(),
        age=age,
        age_low=max(age - spread, 0),
        age_high=age + spread,
        male=male,
        races=races,
        attributes=np.array([scores.get(name, 0.01) for name in ATTRIBUTES]),
        emotions=np.full(8, 1 / 8),
        points=np.zeros((78, 2)),
        pose=Pose(yaw=0, pitch=0, roll=0),
        openings=(0.3, 0.3, 0.1),
        face=1.0,
        detail=1.0,
    )


def use(monkeypatch: pytest.MonkeyPatch, table: Mapping[str, Any]) -> None:
    changed = multitask.Calibration(1.0, 1.0, 1.0, 1.0, covered=0.8, detail=0.0, table=table)
    monkeypatch.setattr(multitask, "calibration", lambda: changed)


def ask(*readings: Reading, purpose: str | None = None, **arguments: Any) -> tuple[list[Evidence], str]:
    """Evidence and sentences for one photo with a face for each reading; every sentence is grounded."""
    session = Session(purpose)
    session.add(Photo.open(np.zeros((200, 100 * len(readings), 3), np.uint8)))
    boxes = [Box(x0=100 * k + 10, y0=50, x1=100 * k + 90, y1=130) for k in range(len(readings))]
    session.set_faces(
        "image 1",
        [Face(id=f"face 1.{k}", image="image 1", box=box, score=1.0) for k, box in enumerate(boxes, start=1)],
    )
    tool = EstimateAttributes(Given(readings))
    rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments(**arguments))]
    return rows, sentences(word(tool, rows, session))
