"""The linear classifier of CLIP's features that detect_forgery weighs where CLIP is on the machine.

    faceagent models get clip-vit-b16
    python -m faceagent_finetune.nets.clip_probe --crops DIR --cache DIR

--crops is the folder that `forensic.crops` filled. Looks at the photos of the train split as they are, and at batches
like those that faceagent-forensic is trained on, with the face as a whole; what was seen is kept in --cache, so that
another fit takes a minute; the looking takes 40 minutes on one core. Writes
tools/faceagent_tools/calibration/clip_probe.npz (--out). Needs scikit-learn (extra `eval`).
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.forensic.crops import square
from faceagent_finetune.nets.forensic.data import Mixer, Photos
from faceagent_finetune.nets.forensic.post import whole
from faceagent_tools.forensics import windows
from faceagent_tools.forensics.clip import FEATURES, Clip, Probe
from faceagent_tools.forensics.windows import KINDS

DEFAULT = Path(__file__).parents[3] / "tools" / "faceagent_tools" / "calibration" / "clip_probe.npz"
RECIPE = Path(__file__).parents[2] / "recipes" / "forensic.toml"
SAMPLES = 8_960
OF_FORGERIES = ("dfdc_faces", "stylegan_ffhq")
AS_THEY_ARE = {"dfdc_faces": 9_999, "stylegan_ffhq": 9_999, "helen68": 9_999, "lfw_images": 200}
"""Photos of each set that are looked at as they are, at most; those of StyleGAN mirrored as well, being few."""
STRENGTH = 3e-4
"""Inverse of the L2 penalty on standardised features: of 1e-4, 3e-4, 1e-3 and 3e-3 the one with which the ensemble did
best on half of the val photos (a choice with val in sight)."""
_BATCH, _FIRST = 16, 1_000
_SEED = 1


def looked_at(crops: Path, samples: int) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
    """Windows [N, 224, 224, 3] and the index of their kind [N], a batch at a time."""
    recipe = {**tomllib.loads(RECIPE.read_text(encoding="utf-8")), "easy": 0, "batch": _BATCH}
    mixer = Mixer.of(recipe, crops, whole)
    for step in range(samples // _BATCH):
        batch = mixer.batch(_FIRST + step)
        yield batch.pixels, batch.kind
    for name, most in AS_THEY_ARE.items():
        photos = Photos.open(crops, name)
        rows = np.random.default_rng(_SEED).permutation(np.flatnonzero(~photos.val))[:most].tolist()
        for start in range(0, len(rows), _BATCH):
            some = rows[start : start + _BATCH]
            faces = [photos.face(row) for row in some]
            seen = np.concatenate([windows.whole(face.pixels, *square(face.points)).pixels for face in faces])
            kinds = photos.kind[some].astype(np.int64)
            yield seen, kinds
            if name == "stylegan_ffhq":
                yield seen[:, :, ::-1], kinds


def collected(crops: Path, cache: Path, samples: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features [N, FEATURES] and kinds [N]: from the cache where they are there."""
    file = cache / f"clip_probe-{samples}.npz"
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        clip, features, kinds, done = Clip(), [], [], 0
        for pixels, kind in looked_at(crops, samples):
            features.append(clip.features(pixels).astype(np.float16))
            kinds.append(kind)
            done += len(kind)
            if done % 800 < _BATCH:
                sys.stderr.write(f"{done} looked at\n")
        np.savez(file, features=np.concatenate(features), kinds=np.concatenate(kinds))
    with np.load(file) as stored:
        return stored["features"].astype(np.float32), stored["kinds"]


def fit(features: npt.NDArray[np.float32], kinds: npt.NDArray[np.int64], strength: float = STRENGTH) -> Probe:
    """Multinomial logistic regression."""
    from sklearn.linear_model import LogisticRegression  # imported where used: it is an optional package

    mean, std = features.mean(axis=0), features.std(axis=0) + 1e-6
    found = LogisticRegression(C=strength, max_iter=300).fit((features - mean) / std, kinds)
    if list(found.classes_) != list(range(len(KINDS))):
        raise ValueError(f"the photos show the kinds {list(found.classes_)} only, not all of {KINDS}")
    weights = found.coef_ / std
    return Probe(weights.astype(np.float32), (found.intercept_ - weights @ mean).astype(np.float32))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--crops", type=Path, required=True, help="folder that forensic.crops filled")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what was seen, made if missing")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="beside the photos as they are")
    parser.add_argument("--out", type=Path, default=DEFAULT)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    features, kinds = collected(chosen.crops, chosen.cache, chosen.samples)
    made = fit(features, kinds)
    np.savez(chosen.out, weights=made.weights, bias=made.bias)
    sys.stdout.write(f"{len(kinds)} samples of {FEATURES} numbers; of each kind: {np.bincount(kinds).tolist()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
