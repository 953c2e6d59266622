"""Measure the lines of assess_quality and train its occlusion cue.

    python -m faceagent_finetune.nets.calibrate_quality --data DIR --out tools/faceagent_tools/calibration

DIR holds identity/lfw_images.parquet, identity/lfw_pairs_folds1-2.csv, attributes/fairface.parquet and
landmarks/helen68.parquet. Needs the model files that the tools need, and compare_faces' own calibration.

- identity lines: one photo of each true LFW pair is blurred, scaled down, darkened, overexposed, flattened, compressed
  or made noisy. A pair is missed when compare_faces does not support it at a false match rate of 1 in 1,000. The share
  missed is fitted as a monotone function of the measure; the line is where it passes 10 %. Set on fold 1, checked on
  fold 2.
- ordinary lines: percentiles of LFW and FairFace val photos as they are.
- attribute lines: where a linear reader of perceived gender on the same embeddings (trained on FairFace train) changes
  its answer for more than 5 % of the photos because of the damage. It stands in for all attributes.
- fine detail: HELEN faces with at least 90 px between the eyes, as they are and enlarged from fewer pixels.
- compression: HELEN photos scaled down to 60 % (which wipes out their own traces), saved as JPEG and cropped off the
  grid. The forensic line is where fine detail correlates less than 0.9 with that of the uncompressed photo.
- occlusion cue: see occlusion_cue.py. Trained on FairFace train, measured on FairFace val.

Writes quality.json and occlusion.npz and prints what is in them. --cache keeps the embeddings of damaged photos, so
that a second run takes minutes.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent.media import Photo, Pixels
from faceagent_finetune.nets import occlusion_cue, quality_recognition
from faceagent_finetune.nets.photo_damage import jpeg, scaled
from faceagent_finetune.nets.quality_recognition import (
    Samples,
    changed_answers,
    crossing,
    gender_reader,
    measured,
    monotone,
    read_rows,
    shots_of,
)
from faceagent_tools import align, pose, similarity
from faceagent_tools import quality_measures as measures
from faceagent_tools.quality import WIDEST_YAW
from faceagent_tools.quality_table import Line, OcclusionNet, Scale, Table

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COMMAND = "python -m faceagent_finetune.nets.calibrate_quality --data DIR --out DIR"
FALSE_MATCH_RATE = 1e-3
MISSED = 0.10
CHANGED = 0.05
ORDINARY = 0.05
DETAIL_KEPT = 0.9
ORDINARY_QUALITY = 75
QUALITIES = (95, 90, 85, 80, 75, 70, 60, 50, 40, 30, 20, 10)
READER_FACES = 1200
KNOTS = (0, 5, 10, 20, 35, 50, 65, 80, 100)
DOCUMENTS = Line(
    value=90.0,
    source="ISO/IEC 19794-5:2011 and ICAO Doc 9303: at least 90 pixels between the eyes in a document portrait",
)


@dataclass(frozen=True)
class Kind:
    """field: of Table. column: of Samples. kinds: the damage that moves it. rising: larger is worse.

    forensic: whether a forensic examination asks for what ordinary photos have.
    """

    field: str
    column: str
    kinds: tuple[str, ...]
    rising: bool
    forensic: bool = True


KINDS = (
    Kind("sharpness", "sharpness", ("blur", "size"), False),
    Kind("brightness", "brightness", ("dark",), False),
    Kind("glare", "glare", ("bright",), True),
    Kind("contrast", "contrast", ("contrast",), False),
    Kind("noise", "noise", ("noise",), True),
    Kind("eyes", "eyes", ("size",), False, forensic=False),
    Kind("turn", "turn", (), True, forensic=False),
    Kind("compression", "blockiness", ("jpeg",), True, forensic=False),
)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m faceagent_finetune.nets.calibrate_quality")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for quality.json and occlusion.npz")
    parser.add_argument("--cache", type=Path, help="folder in which intermediate results are kept")
    parser.add_argument("--per-damage", type=int, default=200, help="true pairs for each kind and strength of damage")
    parser.add_argument("--faces", type=int, default=9000, help="FairFace train faces for the occlusion cue")
    chosen = parser.parse_args(arguments)
    for folder in (chosen.out, chosen.cache):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    table, arrays = calibrate(chosen.data, chosen.cache, chosen.per_damage, chosen.faces)
    text = table.model_dump_json(indent=1) + "\n"
    (chosen.out / "quality.json").write_text(text, encoding="utf-8")
    (chosen.out / "occlusion.npz").write_bytes(arrays)
    sys.stdout.write(text)
    return 0


def calibrate(data: Path, cache: Path | None, per_damage: int, faces: int) -> tuple[Table, bytes]:
    """The table and the bytes of occlusion.npz."""
    line = similarity.table().line(FALSE_MATCH_RATE, strict=False)
    if line is None:
        raise UsageError(f"compare_faces is not calibrated at a false match rate of {FALSE_MATCH_RATE:g}")
    samples = _samples(data, cache, per_damage)
    missed = samples.missed(line.similarity)
    fairface = read_rows(data / "attributes" / "fairface.parquet")
    train, val = ([row for row in fairface if row["split"] == name] for name in ("train", "val"))
    changed = changed_answers(samples, gender_reader(train[:READER_FACES]))
    lfw = [shot for _, shot in shots_of(read_rows(data / "identity" / "lfw_images.parquet"), "name")]
    ordinary = np.array([measured(shot) for shot in lfw])
    say(f"{len(lfw)} LFW photos as they are")
    scales = {kind.field: scale(kind, samples, missed, changed, ordinary) for kind in KINDS}
    scales["eyes"] = scales["eyes"].model_copy(update={"forensic": DOCUMENTS})
    helen = [Photo.open(row["image"]["bytes"]) for row in read_rows(data / "landmarks" / "helen68.parquet")]
    scales["detail"] = detail_scale(helen)
    qualities, lines = compression([photo.pixels for photo in helen])
    scales["compression"] = scales["compression"].model_copy(update=dict(lines))
    chips, _ = _chips(train, faces, cache and cache / "chips_train.npz")
    arrays = occlusion_cue.train(occlusion_cue.examples(chips, np.random.default_rng(0)))
    seen, groups = _chips(val, len(val), cache and cache / "chips_val.npz")
    where = f"FairFace val, turned by up to {WIDEST_YAW:.0f} degrees"
    undamaged = missed[samples.kinds == "none"]
    table = Table(
        command=COMMAND,
        pairs=len(undamaged),
        missed_undamaged=float(undamaged.mean()),
        jpeg_quality=qualities,
        occlusion=occlusion_cue.assess(OcclusionNet(arrays), seen, groups, where),
        **scales,
    )
    return table, occlusion_cue.packed(arrays)


def _samples(data: Path, cache: Path | None, per_damage: int) -> Samples:
    file = cache and cache / "samples.npz"
    if file and file.is_file():
        return Samples.load(file)
    samples = quality_recognition.collect(data, per_damage, say)
    if file:
        samples.save(file)
    return samples


def _chips(rows: Sequence[dict[str, object]], count: int, file: Path | None) -> tuple[list[Pixels], list[str]]:
    """Aligned faces and their groups from up to `count` FairFace rows, those turned too far left out."""
    if file and file.is_file():
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            return list(stored["chips"]), stored["groups"].tolist()
    chips, groups = [], []
    for group, shot in shots_of(rows[:count], "race"):
        if abs(pose.pose_of(shot.photo, shot.face).yaw) <= WIDEST_YAW:
            chips.append(align.face_chip(shot.photo, shot.face))
            groups.append(group)
    say(f"{len(chips)} FairFace faces")
    if file:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, chips=np.array(chips), groups=np.array(groups))
        file.write_bytes(buffer.getvalue())
    return chips, groups


def scale(kind: Kind, samples: Samples, missed: Flags, changed: Flags, ordinary: Floats) -> Scale:
    """The lines of one measure."""
    rows, score = samples.where(kind.kinds), samples.column(kind.column)
    plain = ordinary[:, quality_recognition.COLUMNS.index(kind.column)]
    usual = Line(
        value=_rounded(np.quantile(plain, 1 - ORDINARY if kind.rising else ORDINARY)),
        source=f"met by {1 - ORDINARY:.0%} of {len(plain)} LFW photos as they are; `{COMMAND}`",
    )
    attributes = crossing(score[rows], changed[rows], CHANGED, kind.rising)
    read = (
        f"beyond it a reader of perceived gender changes its answer for more than {CHANGED:.0%} of LFW photos "
        f"({rows.sum()} damaged and undamaged photos); `{COMMAND}`"
    )
    return Scale(
        rule="<=" if kind.rising else ">=",
        ordinary=usual,
        identity=_identity(kind, score, missed, rows, samples.folds),
        attributes=None if attributes is None else Line(value=_rounded(attributes), source=read),
        forensic=usual if kind.forensic else None,
        missed=_knots(score[rows], missed[rows], kind.rising),
    )


def _identity(kind: Kind, score: Floats, missed: Flags, rows: Flags, folds: npt.NDArray[np.int64]) -> Line | None:
    fit, check = rows & (folds == 1), rows & (folds == 2)
    found = crossing(score[fit], missed[fit], MISSED, kind.rising)
    if found is None:
        return None
    beyond = score > found if kind.rising else score < found
    say(
        f"{kind.field}: {found:.4g}; fold 2 missed {missed[check & ~beyond].mean():.3f} within, beyond "
        f"{missed[check & beyond].mean():.3f}"
    )
    return Line(
        value=_rounded(found),
        source=(
            f"beyond it compare_faces, at a false match rate of {FALSE_MATCH_RATE:g}, misses more than {MISSED:.0%} of "
            f"true LFW pairs ({fit.sum()} damaged and undamaged photos of fold 1; of {check.sum()} of fold 2 it missed "
            f"{missed[check & ~beyond].mean():.1%} within the line and {missed[check & beyond].mean():.1%} beyond); "
            f"`{COMMAND}`"
        ),
    )


def _knots(score: Floats, missed: Flags, rising: bool) -> tuple[tuple[float, float], ...]:
    at, share = monotone(score, missed, rising)
    places = np.unique(np.percentile(at, KNOTS))
    return tuple((_rounded(place), round(float(np.interp(place, at, share)), 3)) for place in places)


def _rounded(value: float | np.floating[npt.NBitBase]) -> float:
    """To four significant digits."""
    return float(f"{float(value):.4g}")


def detail_scale(photos: Sequence[Photo]) -> Scale:
    """The line of fine detail, and how often faces enlarged from fewer pixels fall below it."""
    rows = ({"image": {"bytes": photo.raw, "path": ""}, "label": ""} for photo in photos)
    plain: list[float] = []
    enlarged: dict[int, list[float]] = {60: [], 45: [], 30: []}
    for _, shot in shots_of(rows, "label"):
        eyes = measures.eye_distance(align.points5(shot.photo, shot.face))
        if eyes < DOCUMENTS.value:
            continue
        plain.append(_detail(shot.photo, shot))
        for distance, scores in enlarged.items():
            small = scaled(shot.photo.pixels, distance / eyes)
            size = (shot.photo.width, shot.photo.height)
            large = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
            scores.append(_detail(Photo.open(large), shot))
    value = float(np.quantile(plain, ORDINARY))
    found = ", ".join(
        f"{np.mean(np.array(scores) < value):.0%} of the same enlarged from {distance} px"
        for distance, scores in enlarged.items()
    )
    line = Line(
        value=_rounded(value),
        source=(
            f"met by {1 - ORDINARY:.0%} of {len(plain)} HELEN faces with at least {DOCUMENTS.value:.0f} px between the "
            f"eyes; not met by {found}; `{COMMAND}`"
        ),
    )
    return Scale(rule=">=", ordinary=line, forensic=line)


def _detail(photo: Photo, shot: quality_recognition.Shot) -> float:
    return measures.fine_detail(measures.luminance(align.face_chip(photo, shot.face, size=2 * measures.CHIP_SIZE)))


def compression(photos: Sequence[Pixels]) -> tuple[tuple[tuple[float, float], ...], Mapping[str, Line]]:
    """(blockiness, JPEG quality) in the median, rising in blockiness, and the lines set by it."""
    rng = np.random.default_rng(0)
    clean = [scaled(pixels, 0.6) for pixels in photos]
    seen: dict[int, float] = {}
    kept: dict[int, float] = {}
    for quality in QUALITIES:
        traces, details = [], []
        for pixels in clean:
            saved = jpeg(pixels, quality)
            y, x = rng.integers(0, 8, 2)
            traces.append(measures.blockiness(measures.luminance(saved[y:, x:])))
            details.append(_detail_correlation(pixels, saved))
        seen[quality], kept[quality] = float(np.median(traces)), float(np.median(details))
        say(f"JPEG quality {quality}: blockiness {seen[quality]:.3f}, fine detail {kept[quality]:.3f}")
    lossy = max(quality for quality in QUALITIES if kept[quality] < DETAIL_KEPT)
    about = f"the median of {len(photos)} HELEN photos saved at JPEG quality"
    lines = {
        "ordinary": Line(value=_rounded(seen[ORDINARY_QUALITY]), source=f"{about} {ORDINARY_QUALITY}; `{COMMAND}`"),
        "forensic": Line(
            value=_rounded(seen[lossy]),
            source=(
                f"{about} {lossy}, the highest tried at which fine detail correlates less than {DETAIL_KEPT} with that "
                f"of the uncompressed photo; `{COMMAND}`"
            ),
        ),
    }
    return tuple(sorted((_rounded(trace), float(quality)) for quality, trace in seen.items())), lines


def _detail_correlation(before: Pixels, after: Pixels) -> float:
    fine = [cv2.Laplacian(measures.luminance(pixels), cv2.CV_32F).ravel() for pixels in (before, after)]
    return float(np.corrcoef(fine[0], fine[1])[0, 1])


if __name__ == "__main__":
    sys.exit(main())
