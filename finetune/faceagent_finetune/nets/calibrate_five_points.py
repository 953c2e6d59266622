"""Fit and measure the correction of the pose from five landmarks against a face mesh.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.calibrate_five_points --data DIR

DIR holds landmarks/mesh_teacher.parquet (angles from MediaPipe's attention mesh) and the photos that it names. The fit
uses photos of the train split, the errors are those on the val split; once with the faces that dlib finds, once with
those that YuNet finds. Written to calibration/five_points.json of the tools.
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
from faceagent_tools import five_points
from faceagent_tools.detection import FaceDetector

TABLE = Path(five_points.__file__).parent / "calibration" / "five_points.json"
SETS = {"fairface": "attributes/fairface.parquet", "stylegan_ffhq": "forensics/stylegan_ffhq.parquet"}
# The mesh's generic head reads about this much for faces that look straight ahead; its pitch grows downwards.
MESH_PITCH_OF_FRONTAL = 7.0
# Readings of the mesh beyond these are flips of its own angles, not heads: (yaw, pitch, roll).
FARTHEST = (90.0, 60.0, 45.0)
BAND = 10.0  # degrees of the angle as read
BAND_MIN = 20  # faces in a band whose error is trusted
TOLERABLE = 15.0  # it is of no use from the first band whose 80 % error is larger, or which has too few faces
SOURCES: tuple[five_points.Source, ...] = ("dlib", "dlib+yunet")
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


def measured(data: Path, split: str, source: five_points.Source, per_set: int, seed: int) -> tuple[Floats, Floats]:
    """Raw angles [n, 3 or 5] and the mesh's [n, 3] of the photos in which exactly one face is found."""
    detector = FaceDetector("dlib" if source == "dlib" else "yunet")
    raw, wanted = [], []
    for data_bytes, angles in labelled(data, split, per_set, seed):
        if any(abs(angle) > most for angle, most in zip(angles, FARTHEST, strict=True)):
            continue
        photo = Photo.open(data_bytes)
        faces = detector.detect(photo, "image 1")
        if len(faces) == 1:
            raw.append(five_points.raw_of(photo, faces[0]))
            wanted.append(angles)
    return np.array(raw), np.array(wanted)


def fit(raw: Floats, wanted: Floats) -> Floats:
    """Least squares with the worst tenth left out once (the mesh is wrong on a few per cent of photos)."""
    inputs = np.column_stack([np.ones(len(raw)), raw[:, :2], raw[:, 3:]])
    keep = np.ones(len(raw), bool)
    for _ in range(2):
        solution = np.linalg.lstsq(inputs[keep], wanted[keep, :2], rcond=None)[0]
        residual = np.abs(inputs @ solution - wanted[:, :2]).max(axis=1)
        keep = residual <= np.quantile(residual, 0.9)
    return np.asarray(solution.T, dtype=np.float64)


def table(weights: Floats, raw: Floats, wanted: Floats, n_fit: int) -> dict[str, Any]:
    """Errors by what is read, not by the truth, which a user does not have."""
    poses = [five_points.corrected(tuple(row), weights) for row in raw.tolist()]
    read = np.array([[p.yaw, p.pitch, p.roll] for p in poses])
    error, near = np.abs(read - wanted), np.abs(read[:, 0]) < 30
    reach = {name: reached(read[:, k], error[:, k]) for k, name in enumerate(("yaw", "pitch"))}
    far = ~near & (np.abs(read[:, 0]) <= reach["yaw"])
    return {
        "n_fit": n_fit,
        "n_val": len(raw),
        "n_val_yaw_above_30": int(far.sum()),
        "weights": np.round(weights, 5).tolist(),
        "mae_degrees": {name: round(float(error[:, k].mean()), 2) for k, name in enumerate(("yaw", "pitch", "roll"))},
        "error80_degrees": {
            "yaw_below_30": np.round(np.quantile(error[near], 0.8, axis=0), 1).tolist(),
            "yaw_above_30": np.round(np.quantile(error[far if far.any() else near], 0.8, axis=0), 1).tolist(),
        },
        "reach_degrees": reach,
        "yaw_by_band": bands(read[:, 0], error[:, 0]),
        "pitch_by_band": bands(read[:, 1], error[:, 1]),
    }


def bands(read: Floats, error: Floats) -> list[dict[str, float]]:
    """From 0 outwards: where the band of |angle| as read begins, how many faces, mean and 80 % error in degrees."""
    rows = []
    for start in np.arange(0.0, 90.0, BAND):
        within = error[(np.abs(read) >= start) & (np.abs(read) < start + BAND)]
        if len(within):
            mean, error80 = round(float(within.mean()), 1), round(float(np.quantile(within, 0.8)), 1)
            rows.append({"from": start, "n": len(within), "mae": mean, "error80": error80})
    return rows


def reached(read: Floats, error: Floats) -> float:
    """Where the first band begins that has too few faces or too large an error."""
    end = 0.0
    for row in bands(read, error):
        if row["from"] != end or row["n"] < BAND_MIN or row["error80"] > TOLERABLE:
            break
        end += BAND
    return end


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--per-set", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    made: dict[str, Any] = {
        "made_by": "python -m faceagent_finetune.nets.calibrate_five_points --data DIR",
        "sets": sorted(SETS),
        "teacher": "MediaPipe attention mesh (Apache-2.0)",
        "seed": chosen.seed,
    }
    for source in SOURCES:
        raw, wanted = measured(chosen.data, "train", source, chosen.per_set, chosen.seed)
        weights = fit(raw, wanted)
        made[source] = table(
            weights, *measured(chosen.data, "val", source, chosen.per_set, chosen.seed), n_fit=len(raw)
        )
    text = json.dumps(made, indent=1) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
