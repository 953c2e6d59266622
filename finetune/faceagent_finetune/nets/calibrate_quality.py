"""Measure the lines of assess_quality and train its occlusion cue.

    python -m faceagent_finetune.nets.calibrate_quality --data DIR --out tools/faceagent_tools/calibration

DIR holds identity/lfw_images.parquet, identity/lfw_pairs_folds1-2.csv, attributes/fairface.parquet and
landmarks/helen68.parquet. Needs the model files that the tools need, and compare_faces' own calibration.

- identity lines: one photo of each true LFW pair is blurred, scaled down, darkened, overexposed, flattened, compressed
  or made noisy. A pair is missed when compare_faces does not support it at a false match rate of 1 in 1,000. The share
  missed is fitted as a monotone function of the measure; the line is where it passes 20 %. Set on fold 1, checked on
  fold 2.
- how far a head may be turned is in calibration/pose.json (calibrate_pose).
- ordinary lines: met by 95 % of LFW photos as they are; for light and contrast, which depend on the skin, by 95 % of
  each of the groups of FairFace val.
- attribute lines: where a linear reader of perceived gender on the same embeddings (trained on FairFace train) changes
  its answer for more than 5 % of the photos because of the damage. It stands in for all attributes.
- fine detail: HELEN faces with at least 90 px between the eyes, as they are and enlarged from fewer pixels.
- compression and noise: HELEN photos scaled down to 60 % (which wipes out their own traces), saved as JPEG and cropped
  off the grid, or made noisy. The line is where half of the variance of fine detail is no longer the photo's own.
- occlusion cue: see occlusion_cue.py. Trained on FairFace train, measured on FairFace val.

Writes quality.json and occlusion.npz and prints what is in them. --cache keeps the embeddings of damaged photos, so
that a second run takes minutes.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent.media import Photo, Pixels
from faceagent_finetune.nets import occlusion_cue, quality_recognition
from faceagent_finetune.nets.photo_damage import jpeg, levels, scaled
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
from faceagent_tools import align, five_points, similarity
from faceagent_tools import quality_measures as measures
from faceagent_tools.quality import WIDEST_YAW
from faceagent_tools.quality_table import Line, OcclusionNet, Scale, Table

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COMMAND = "python -m faceagent_finetune.nets.calibrate_quality --data DIR --out DIR"
FALSE_MATCH_RATE = 1e-3
MISSED = 0.20
CHANGED = 0.05
ORDINARY = 0.05
DETAIL_KEPT = 0.5**0.5
QUALITIES = (95, 90, 85, 80, 75, 70, 60, 50, 40, 30, 20, 10)
NOISES = (1, 2, 3, 4, 5, 6, 8, 10, 13)
READER_FACES = 1200
KNOTS = range(0, 101, 5)
DOCUMENTS = Line(
    value=90.0,
    source="ISO/IEC 19794-5:2011 and ICAO Doc 9303: at least 90 pixels between the eyes in a document portrait",
)


@dataclass(frozen=True)
class Kind:
    """field: of Table. column: of Samples. kinds: the damage that moves it. rising: larger is
    worse.

    skin: whether it depends on skin, so that what is ordinary must hold for every group. forensic: whether a forensic
    examination asks for what ordinary photos have.
    """

    field: str
    column: str
    kinds: tuple[str, ...]
    rising: bool
    skin: bool = False
    forensic: bool = True


KINDS = (
    Kind("sharpness", "sharpness", ("blur", "size"), False),
    Kind("brightness", "brightness", ("dark",), False, skin=True),
    Kind("glare", "glare", ("bright",), True, skin=True),
    Kind("contrast", "contrast", ("contrast",), False, skin=True),
    Kind("noise", "noise", ("noise",), True),
    Kind("eyes", "eyes", ("size",), False, forensic=False),
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
    lfw = np.array(
        [measured(shot) for _, shot in shots_of(read_rows(data / "identity" / "lfw_images.parquet"), "name")]
    )
    say(f"{len(lfw)} LFW photos as they are")
    seen, groups = _chips(val, len(val), cache and cache / "chips_val.npz")
    usual = {kind.field: ordinary(kind, lfw, seen, groups) for kind in KINDS}
    scales = {kind.field: scale(kind, samples, missed, changed, usual[kind.field]) for kind in KINDS}
    helen = [Photo.open(row["image"]["bytes"]) for row in read_rows(data / "landmarks" / "helen68.parquet")]
    qualities, lines = half_lost([photo.pixels for photo in helen])
    smallest = _smallest(scales["eyes"])
    changes: dict[str, dict[str, Line | None]] = {
        "eyes": {"ordinary": smallest, "identity": smallest, "forensic": DOCUMENTS},
        **{field: {"ordinary": line, "forensic": line} for field, line in lines.items()},
    }
    scales |= {field: scales[field].model_copy(update=change) for field, change in changes.items()}
    scales["detail"] = detail_scale(helen)
    chips, _ = _chips(train, faces, cache and cache / "chips_train.npz")
    arrays = occlusion_cue.train(occlusion_cue.examples(chips, np.random.default_rng(0)))
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
    file = cache and cache / "damaged.npz"
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
        if abs(five_points.pose_of(shot.photo, shot.face).yaw) <= WIDEST_YAW:
            chips.append(align.face_chip(shot.photo, shot.face))
            groups.append(group)
    say(f"{len(chips)} FairFace faces")
    if file:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, chips=np.array(chips), groups=np.array(groups))
        file.write_bytes(buffer.getvalue())
    return chips, groups


def ordinary(kind: Kind, lfw: Floats, chips: Sequence[Pixels], groups: Sequence[str]) -> Line:
    """What 95 % of ordinary photos meet, in every group where skin plays a part."""
    share = 1 - ORDINARY if kind.rising else ORDINARY
    column = lfw[:, quality_recognition.COLUMNS.index(kind.column)]
    if not kind.skin:
        source = f"met by {1 - ORDINARY:.0%} of {len(lfw)} LFW photos as they are; `{COMMAND}`"
        return Line(value=_rounded(np.quantile(column, share)), source=source)
    lights = [measures.light(measures.luminance(chip)) for chip in chips]
    field = {"brightness": "mean", "glare": "bright_share", "contrast": "contrast"}[kind.field]
    values, names = np.array([getattr(light, field) for light in lights]), np.array(groups)
    by_group = [np.quantile(values[names == group], share) for group in np.unique(names)]
    return Line(
        value=_rounded(max(by_group) if kind.rising else min(by_group)),
        source=(
            f"met by at least {1 - ORDINARY:.0%} of each of {len(by_group)} groups by perceived race ({len(values)} "
            f"FairFace val photos as they are); `{COMMAND}`"
        ),
    )


def scale(kind: Kind, samples: Samples, missed: Flags, changed: Flags, usual: Line) -> Scale:
    """The lines of one measure."""
    rows, score = samples.where(kind.kinds), samples.column(kind.column)
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


def _smallest(eyes: Scale) -> Line:
    """The line of the eye distance, not below that from which on compare_faces answers at all."""
    smallest = similarity.table().smallest_eye_distance
    if eyes.identity is not None and eyes.identity.value >= smallest:
        return eyes.identity
    return Line(value=smallest, source=f"compare_faces abstains below; `{similarity.table().command}`")


def _knots(score: Floats, missed: Flags, rising: bool) -> tuple[tuple[float, float], ...]:
    at, share = monotone(score, missed, rising)
    places = np.unique(np.percentile(at, list(KNOTS)))
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


def half_lost(photos: Sequence[Pixels]) -> tuple[tuple[tuple[float, float], ...], dict[str, Line]]:
    """(blockiness, JPEG quality) in the median, rising in blockiness, and the lines of compression and noise."""
    rng = np.random.default_rng(0)
    clean = [scaled(pixels, 0.6) for pixels in photos]
    blocks, grain = [], []
    for quality in QUALITIES:
        saved = [jpeg(pixels, quality) for pixels in clean]
        cropped = [copy[y:, x:] for copy, (y, x) in zip(saved, rng.integers(0, 8, (len(saved), 2)), strict=True)]
        blocks.append((_median(measures.blockiness, cropped), _detail_kept(clean, saved), float(quality)))
    for sigma in NOISES:
        noisy = [levels(pixels + rng.normal(0, sigma, pixels.shape)) for pixels in clean]
        grain.append((_median(measures.noise, noisy), _detail_kept(clean, noisy), float(sigma)))
    lines = {
        "compression": _half_lost_line("JPEG quality {:.0f}", blocks, len(photos)),
        "noise": _half_lost_line("noise of {:.1f} levels", grain, len(photos)),
    }
    return tuple((_rounded(trace), quality) for trace, _, quality in sorted(blocks)), lines


def _median(measure: Callable[[measures.Floats], float], photos: Sequence[Pixels]) -> float:
    return float(np.median([measure(measures.luminance(pixels)) for pixels in photos]))


def _half_lost_line(named: str, figures: Sequence[tuple[float, float, float]], count: int) -> Line:
    """Where detail kept passes DETAIL_KEPT. figures: (measure, detail kept, strength), of which detail falls with the
    measure."""
    at, kept, strength = np.array(sorted(figures)).T
    say(
        f"{named}: (strength, measure, detail kept) "
        + ", ".join(f"{row[2]:g} {row[0]:.3f} {row[1]:.3f}" for row in sorted(figures))
    )
    # np.interp wants rising places.
    where, how_much = (float(np.interp(-DETAIL_KEPT, -kept, values)) for values in (at, strength))
    source = f"{named.format(how_much)}: fine detail of {count} HELEN photos correlates 0.71 with the undamaged"
    return Line(value=_rounded(where), source=f"{source}; `{COMMAND}`")


def _detail_kept(before: Sequence[Pixels], after: Sequence[Pixels]) -> float:
    """The median correlation of fine detail."""
    return float(np.median([_detail_correlation(*pair) for pair in zip(before, after, strict=True)]))


def _detail_correlation(before: Pixels, after: Pixels) -> float:
    fine = [cv2.Laplacian(measures.luminance(pixels), cv2.CV_32F).ravel() for pixels in (before, after)]
    return float(np.corrcoef(fine[0], fine[1])[0, 1])


if __name__ == "__main__":
    sys.exit(main())
