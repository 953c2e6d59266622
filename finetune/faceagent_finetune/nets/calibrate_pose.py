"""Fit and measure the correction of estimate_pose against a face mesh.

    python -m faceagent_finetune.nets.calibrate_pose --data DIR

DIR holds landmarks/mesh_teacher.parquet (angles from MediaPipe's attention mesh) and the photos that it names. The fit
uses photos of the train split, the errors are those on the val split. Written to pose.json beside the tool.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra
from faceagent.media import Photo
from faceagent_tools import align, pose
from faceagent_tools.detection import FaceDetector

TABLE = Path(pose.__file__).parent / "calibration" / "pose.json"
SETS = {"fairface": "attributes/fairface.parquet", "stylegan_ffhq": "forensics/stylegan_ffhq.parquet"}
# The mesh's generic head reads about this much for faces that look straight ahead; its pitch grows downwards.
MESH_PITCH_OF_FRONTAL = 7.0
FARTHEST = 60.0
Floats = npt.NDArray[np.float64]


def labelled(data: Path, split: str, per_set: int, seed: int) -> Iterator[tuple[bytes, tuple[float, float, float]]]:
    """Photos of a split with the mesh's (yaw, pitch, roll) in our signs; a random draw of each set."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra("Reading the data sets", "eval") from error
    columns = ["file", "path", "face_flag", "euler_x", "euler_y", "euler_z"]
    mesh = parquet.read_table(data / "landmarks/mesh_teacher.parquet", columns=columns).to_pylist()
    angles = {(row["file"], row["path"]): row for row in mesh if row["face_flag"] > 0.9}
    rng = np.random.default_rng(seed)
    for name, file in SETS.items():
        rows = parquet.read_table(data / file, columns=["image", "split"]).to_pylist()
        chosen = [row for row in rows if row["split"] == split and (name, row["image"]["path"]) in angles]
        for place in rng.permutation(len(chosen))[:per_set]:
            image = chosen[place]["image"]
            row = angles[name, image["path"]]
            yield image["bytes"], (row["euler_y"], MESH_PITCH_OF_FRONTAL - row["euler_x"], row["euler_z"])


def measured(data: Path, split: str, per_set: int, seed: int) -> tuple[Floats, Floats]:
    """Raw angles [n, 3] and the mesh's [n, 3] of the photos in which one central face is found."""
    detector = FaceDetector("dlib")
    raw, wanted = [], []
    for data_bytes, angles in labelled(data, split, per_set, seed):
        photo = Photo.open(data_bytes)
        faces = detector.detect(photo, "image 1")
        if len(faces) != 1 or max(abs(angles[0]), abs(angles[1])) > FARTHEST or abs(angles[2]) > 45:
            continue
        raw.append(pose.raw_angles(align.points5(photo, faces[0])))
        wanted.append(angles)
    return np.array(raw), np.array(wanted)


def fit(raw: Floats, wanted: Floats) -> Floats:
    """Least squares with the worst tenth left out once (the mesh is wrong on a few per cent of photos)."""
    inputs = np.column_stack([np.ones(len(raw)), raw[:, :2]])
    keep = np.ones(len(raw), bool)
    for _ in range(2):
        solution = np.linalg.lstsq(inputs[keep], wanted[keep, :2], rcond=None)[0]
        residual = np.abs(inputs @ solution - wanted[:, :2]).max(axis=1)
        keep = residual <= np.quantile(residual, 0.9)
    weights = np.zeros((3, 4))
    weights[:2, :3] = solution.T
    return weights


def table(weights: Floats, raw: Floats, wanted: Floats, n_fit: int, seed: int) -> dict[str, Any]:
    calibration = pose.Calibration(weights, (0, 0, 0), ((0, 0, 0), (0, 0, 0)), 0, n_fit, len(raw))
    poses = [pose.corrected((yaw, pitch, roll), calibration) for yaw, pitch, roll in raw.tolist()]
    error = np.abs(np.array([[p.yaw, p.pitch, p.roll] for p in poses]) - wanted)
    near = np.abs(wanted[:, 0]) < 30
    names = ("yaw", "pitch", "roll")
    return {
        "made_by": "python -m faceagent_finetune.nets.calibrate_pose --data DIR",
        "sets": sorted(SETS),
        "teacher": "MediaPipe attention mesh (Apache-2.0)",
        "seed": seed,
        "n_fit": n_fit,
        "n_val": len(raw),
        "n_val_yaw_above_30": int((~near).sum()),
        "weights": np.round(weights, 5).tolist(),
        "mae_degrees": {name: round(float(error[:, k].mean()), 2) for k, name in enumerate(names)},
        "error80_degrees": {
            "yaw_below_30": np.round(np.quantile(error[near], 0.8, axis=0), 1).tolist(),
            "yaw_above_30": np.round(np.quantile(error[~near], 0.8, axis=0), 1).tolist(),
        },
        # No further than the photos that the errors were measured on reach (199 of 200 of them).
        "reach_degrees": round(float(np.quantile(np.abs(wanted[:, :2]), 0.995)), 0),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--per-set", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    raw, wanted = measured(chosen.data, "train", chosen.per_set, chosen.seed)
    weights = fit(raw, wanted)
    made = table(weights, *measured(chosen.data, "val", chosen.per_set, chosen.seed), len(raw), chosen.seed)
    text = json.dumps(made, indent=1) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
