"""Measure the network's pose, openings and irises against a face mesh, and draw the lines of estimate_pose.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.calibrate_pose --data DIR

DIR holds landmarks/mesh_teacher.parquet (MediaPipe's attention mesh) and the photos that it names. Nothing here was
trained on: val splits, and LFW. Turned heads are rare, so each set is drawn by how far the mesh sees the head turned,
and every photo counts for as many as it stands for.

- pose: errors by |yaw| as read, which is all that a user has; those of the fit to five landmarks (`five_points`) on
  the same faces beside them.
- eyes: closed below the highest line that keeps its promise, open from the lowest one.
- mouth: where it agrees best with what people said of CelebA's photos.
- gaze: aside from the lowest line that keeps its promise on both sides, if there is one.
- ordinary_yaw: what 95 % of LFW photos stay within.

Writes pose.json beside the tool and prints it. Needs no other file of the calibration; run it again for new weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent_finetune.nets.multitask.crops import mesh_rows, read
from faceagent_finetune.nets.multitask.labels import MESH_PITCH_OF_FRONTAL
from faceagent_tools import five_points, multitask, pose_table, readable, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import FaceReader
from faceagent_tools.pose_table import EYES_YAW, GAZE_YAW, Angles, Band, Direction, Line, Ordinary, Table

TABLE = Path(pose_table.__file__).parent / "calibration" / "pose.json"
COMMAND = "python -m faceagent_finetune.nets.calibrate_pose --data DIR"
SETS = {
    "fairface": "attributes/fairface.parquet",
    "utkface": "attributes/utkface.parquet",
    "celeba40": "attributes/celeba40.parquet",
    "stylegan_ffhq": "forensics/stylegan_ffhq.parquet",
}
LFW = "identity/lfw_images.parquet"
# Readings of the mesh beyond these are flips of its own angles, not heads: (yaw, pitch, roll).
FARTHEST = (90.0, 60.0, 45.0)
STRATA = (0.0, 15.0, 30.0, 45.0)  # degrees of |yaw| by the mesh
BANDS = (0.0, 15.0, 30.0, 45.0)  # and as read
PITCH_BAND, TOLERABLE = 10.0, 15.0  # degrees; pitch is not read from the first band with an 80 % error above
FEWEST = 20  # faces or eyes beyond a line, or in a band, that say something
ORDINARY = 0.95
SHUT, OPEN = 0.15, 0.20
"""Mesh openings: below the first, lids are shut or down; from the second up an eye is open (Soukupová & Čech 2016).

What is read as closed has to be below the second, and is said to be closed "or nearly so".
"""
SLIGHTLY, ASIDE = 0.05, 0.10  # of an eye width from the middle, about 7 and 15 degrees of an eyeball of 24 mm
PROMISED_GAZE = 0.8  # of eyes read as turned aside that they are, on that side, at least slightly; and of straight ones
PROMISED_SHUT = (
    0.9  # of eyes read as closed that they are not open: eyes that are narrow by nature must not be called so
)
PROMISED_OPEN = 0.98  # of eyes read as open that they are not shut
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Faces:
    """One row a face: weight [N], angles [N, 3] by the network, by five points and by the mesh, openings [N, 3] and
    gaze [N] by network and mesh, whether people said that the mouth is open (NaN: nobody was asked) [N]."""

    weight: Floats
    network: Floats
    five: Floats
    mesh: Floats
    openings: Floats
    mesh_openings: Floats
    gaze: Floats
    mesh_gaze: Floats
    mouth: Floats


@dataclass(frozen=True)
class Drawn:
    """A photo, its mesh, how many photos it stands for, and what people said of the mouth (NaN: nothing)."""

    photo: bytes
    mesh: Mapping[str, Any]
    weight: float
    mouth: float


def angles(mesh: Mapping[str, Any]) -> tuple[float, float, float]:
    """Yaw, pitch, roll in our signs."""
    return mesh["euler_y"], MESH_PITCH_OF_FRONTAL - mesh["euler_x"], mesh["euler_z"]


def drawn(data: Path, name: str, per_stratum: int, rng: np.random.Generator) -> Iterator[Drawn]:
    """Photos of a set's val split, up to so many from each stratum of |yaw|."""
    labels = ["Mouth_Slightly_Open"] if name == "celeba40" else []
    rows = read(data / SETS[name], ["image", "split", *labels])
    known = {path: row for path, row in mesh_rows(data, name).items() if trusted(row)}
    val = [row for row in rows if row["split"] == "val" and row["image"]["path"] in known]
    stratum = np.digitize([abs(known[row["image"]["path"]]["euler_y"]) for row in val], STRATA)
    for one in np.unique(stratum):
        places = np.flatnonzero(stratum == one)
        chosen = rng.permutation(places)[:per_stratum]
        for place in chosen:
            row = val[place]
            mouth = float(row[labels[0]] > 0) if labels else float("nan")
            yield Drawn(row["image"]["bytes"], known[row["image"]["path"]], len(places) / len(chosen), mouth)


def trusted(mesh: Mapping[str, Any]) -> bool:
    """Whether the mesh found a face, and angles that a head can have."""
    held = all(abs(angle) <= most for angle, most in zip(angles(mesh), FARTHEST, strict=True))
    return bool(mesh["face_flag"] > 0.9 and held)


def measured(photos: Iterator[Drawn], detector: FaceDetector, reader: FaceReader) -> Faces:
    """All of them in which exactly one face is found."""
    rows = []
    for one in photos:
        photo = Photo.open(one.photo)
        faces = detector.detect(photo, "image 1")
        if len(faces) != 1:
            continue
        reading, five = reader.read_photo(photo, faces[0]), five_points.pose_of(photo, faces[0])
        opened = [one.mesh[f"{name}_open"] for name in multitask.OPENINGS]
        rows.append(
            (
                [one.weight],
                list(reading.pose.model_dump().values()),
                list(five.model_dump().values()),
                angles(one.mesh),
                reading.openings,
                opened,
                [pose_table.gaze(reading.points), float(np.mean(pose_table.irises(one.mesh["points"])))],
                [one.mouth],
            )
        )
    weight, network, five_, mesh, openings, mesh_openings, gazes, mouth = (
        np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)
    )
    return Faces(weight[:, 0], network, five_, mesh, openings, mesh_openings, gazes[:, 0], gazes[:, 1], mouth[:, 0])


def quantile(values: Floats, weight: Floats, share: float) -> float:
    """The smallest value that at least this share of the weight does not exceed."""
    order = np.argsort(values)
    mass = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(mass, share - 1e-9)])


def share(flags: Flags, weight: Floats) -> float:
    return float((flags * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.0


def direction(read_: Floats, mesh: Floats, weight: Floats) -> Direction:
    """Errors by |yaw| as read, up to the first band with too few faces."""
    error, place = np.abs(read_ - mesh), np.digitize(np.abs(read_[:, 0]), BANDS) - 1
    bands = []
    for k, start in enumerate(BANDS):
        within = place == k
        if within.sum() < FEWEST:
            break
        bands.append(
            Band(
                start=start,
                faces=int(within.sum()),
                mean=_angles([np.average(error[within, axis], weights=weight[within]) for axis in range(3)]),
                error80=_angles([quantile(error[within, axis], weight[within], 0.8) for axis in range(3)]),
            )
        )
    overall = _angles([np.average(error[:, axis], weights=weight) for axis in range(3)])
    return Direction(faces=len(read_), mean=overall, bands=tuple(bands))


def _angles(values: Sequence[float]) -> Angles:
    yaw, pitch, roll = (round(float(value), 1) for value in values)
    return Angles(yaw=yaw, pitch=pitch, roll=roll)


def yaw_reach(found: Direction) -> float:
    """Where the first band without an error begins; else as far as the network is read at all."""
    return BANDS[len(found.bands)] if len(found.bands) < len(BANDS) else readable.MAX_YAW


def pitch_reach(read_: Floats, mesh: Floats, weight: Floats) -> float:
    """Where the first band of |pitch| begins that has too few faces or too large an error."""
    size, error = np.abs(read_[:, 1]), np.abs(read_[:, 1] - mesh[:, 1])
    end = 0.0
    while True:
        within = (size >= end) & (size < end + PITCH_BAND)
        if within.sum() < FEWEST or quantile(error[within], weight[within], 0.8) > TOLERABLE:
            return end
        end += PITCH_BAND


def line(
    score: Floats,
    deserved: Flags,
    named: Flags,
    weight: Floats,
    promised: float,
    *,
    above: bool,
    source: str,
    most: float = np.inf,
) -> Line:
    """The line with the most beyond it that keeps its promise.

    Args:
        deserved: rows that may lie beyond the line. named: rows that should.
        promised: share of what lies beyond that has to deserve it.
        above: beyond means at the line and up; else below it.
        most: the line lies no higher.
    """
    values = np.unique(np.round(score, 3))
    for value in values if above else values[values <= most][::-1]:
        beyond = score >= value if above else score < value
        kept = share(deserved[beyond], weight[beyond])
        if beyond.sum() >= FEWEST and kept >= promised:
            found = share(beyond[named], weight[named])
            return Line(value=float(value), kept=_two(kept), found=_two(found), measured=len(score), source=source)
    return Line(value=None, kept=0.0, found=0.0, measured=len(score), source=source)


def _two(value: float) -> float:
    return round(value, 2)


def eye_lines(faces: Faces) -> tuple[Line, Line]:
    """Below which an eye is closed, from which it is open."""
    near = np.abs(faces.network[:, 0]) <= EYES_YAW
    score, mesh = faces.openings[near, :2].ravel(), faces.mesh_openings[near, :2].ravel()
    weight = np.repeat(faces.weight[near], 2)
    source = f"face mesh: shut below {SHUT:g}, open from {OPEN:g} (Soukupová & Čech 2016); `{COMMAND}`"
    shut, opened = mesh < SHUT, mesh >= OPEN
    upper = line(score, ~shut, opened, weight, PROMISED_OPEN, above=True, source=source)
    most = np.inf if upper.value is None else upper.value
    return line(score, ~opened, shut, weight, PROMISED_SHUT, above=False, source=source, most=most), upper


def mouth_line(faces: Faces) -> Line:
    """From which a mouth is open: where the mean of both hit rates is highest."""
    asked = np.isfinite(faces.mouth)
    score, opened, weight = faces.openings[asked, 2], faces.mouth[asked] > 0.5, faces.weight[asked]
    values = np.unique(np.round(score, 3))
    balanced = [
        share(score[opened] >= value, weight[opened]) + share(score[~opened] < value, weight[~opened])
        for value in values
    ]
    value = float(values[int(np.argmax(balanced))])
    beyond = score >= value
    return Line(
        value=value,
        kept=_two(share(opened[beyond], weight[beyond])),
        found=_two(share(beyond[opened], weight[opened])),
        measured=int(asked.sum()),
        source=f"what people said of CelebA val (Mouth_Slightly_Open); `{COMMAND}`",
    )


def gaze_line(faces: Faces) -> Line:
    """From which |gaze| the eyes look aside; None where irises are not followed well enough for both answers."""
    seen = (np.abs(faces.network[:, 0]) <= GAZE_YAW) & (faces.mesh_openings[:, :2].min(axis=1) >= OPEN)
    read_, mesh, weight = faces.gaze[seen], faces.mesh_gaze[seen], faces.weight[seen]
    agrees = (np.abs(mesh) >= SLIGHTLY) & (np.sign(read_) == np.sign(mesh))
    source = (
        f"face mesh: irises {SLIGHTLY:g} eye widths or more from the middle, on that side, and of those read as "
        f"straight {PROMISED_GAZE:.0%} less than {ASIDE:g}; `{COMMAND}`"
    )
    aside = np.abs(mesh) >= ASIDE
    found = line(np.abs(read_), agrees, aside, weight, PROMISED_GAZE, above=True, source=source)
    if found.value is None:
        return found
    straight = np.abs(read_) < found.value
    if share(~aside[straight], weight[straight]) < PROMISED_GAZE:
        return found.model_copy(update={"value": None})
    return found


def ordinary_yaw(
    data: Path, count: int, detector: FaceDetector, reader: FaceReader, rng: np.random.Generator
) -> Ordinary:
    """|yaw| as read of LFW photos as they are."""
    rows = read(data / LFW, ["image"])
    found = []
    for place in rng.permutation(len(rows))[:count]:
        photo = Photo.open(rows[place]["image"]["bytes"])
        faces = detector.detect(photo, "image 1")
        if len(faces) == 1:
            found.append(abs(reader.read_photo(photo, faces[0]).pose.yaw))
    return Ordinary(
        value=round(float(np.quantile(found, ORDINARY)), 1),
        source=f"met by {ORDINARY:.0%} of {len(found)} LFW photos as they are; `{COMMAND}`",
    )


def calibrate(data: Path, per_stratum: int, lfw: int, seed: int) -> Table:
    detector, reader, rng = FaceDetector(), FaceReader(), np.random.default_rng(seed)
    faces = measured((one for name in SETS for one in drawn(data, name, per_stratum, rng)), detector, reader)
    closed, opened = eye_lines(faces)
    network = direction(faces.network, faces.mesh, faces.weight)
    return Table(
        made_by=COMMAND,
        network=weights.row(multitask.WEIGHTS).sha256,
        teacher="MediaPipe attention mesh (Apache-2.0)",
        sets=(*sorted(SETS), "lfw_images"),
        seed=seed,
        detector=detector.method.name,
        pose=network,
        five_points=direction(faces.five, faces.mesh, faces.weight),
        yaw_reach=yaw_reach(network),
        pitch_reach=pitch_reach(faces.network, faces.mesh, faces.weight),
        ordinary_yaw=ordinary_yaw(data, lfw, detector, reader, rng),
        eye_closed=closed,
        eye_open=opened,
        mouth_open=mouth_line(faces),
        gaze_aside=gaze_line(faces),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m faceagent_finetune.nets.calibrate_pose")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--per-stratum", type=int, default=45, help="photos of each set and range of |yaw|")
    parser.add_argument("--lfw", type=int, default=200, help="LFW photos")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args(arguments)
    text = calibrate(chosen.data, chosen.per_stratum, chosen.lfw, chosen.seed).model_dump_json(indent=1) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
