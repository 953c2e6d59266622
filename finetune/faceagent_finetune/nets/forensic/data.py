"""Batches of pairs from the photos that `crops` collected.

A pair is an authentic photo and a forged one of the same set, through one draw of the pipeline (`post`). Half of all
samples of every set are forged, so that neither the set nor what it is saved as tells the class. A forgery of the sets
has its partner chosen among authentic photos of nearly the same file size and face size; one that is made here is made
of its partner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent.geometry import Point
from faceagent.media import Pixels
from faceagent_finetune.nets.forensic.areas import Face, Mask, Rng
from faceagent_finetune.nets.forensic.blends import forged
from faceagent_finetune.nets.forensic.codec import decoded, saved
from faceagent_finetune.nets.forensic.crops import SOURCES, square
from faceagent_finetune.nets.forensic.post import Draw, Strength, Window, drawn, through
from faceagent_tools.forensics.windows import CELLS, KINDS, region

_ALIKE, _ALIKE_LEAST = 0.01, 8  # share and number of authentic photos from which the partner of a forgery is drawn
_ROOM = 80  # pixels around a face with its context that a window may yet see
_ASKED = 12  # photos among which a donor is looked for
_FILED = 0.7  # share of forgeries made here that are then saved as the photos of their set are
_LEAST_SHOWN = 0.002  # of a window that must be changed for it to count as forged: 10 x 10 px
See = Callable[[Pixels, Mask, Point, float, Draw], Window]
SYNTHESIS = KINDS.index("synthesis")


@dataclass(frozen=True)
class Photos:
    """One set, as `crops` wrote it.

    files: bytes of all photos, one after the other; ends [N]. points: [N, 68, 2] pixels. kind: [N] index in `KINDS`.
    val [N]; group [N]: video, person or photo. native: [N] px a side of the face before its set resized it, 0 where
    nobody says. quality: [N] of JPEG, -1 for other formats.
    """

    name: str
    files: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    points: npt.NDArray[np.float32]
    kind: npt.NDArray[np.int8]
    val: npt.NDArray[np.bool_]
    group: npt.NDArray[np.str_]
    native: npt.NDArray[np.float32]
    quality: npt.NDArray[np.int16]

    @staticmethod
    def open(cache: Path, name: str) -> Photos:
        """
        Raises:
            UsageError: the set is not in the cache.
        """
        file = cache / f"{name}.npz"
        if not file.is_file():
            raise UsageError(f"{file} does not exist", "Make it with faceagent_finetune.nets.forensic.crops")
        with np.load(file) as stored:
            return Photos(name, **{key: stored[key] for key in stored.files})

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Bytes of each file [N]."""
        return np.diff(np.append(0, self.ends))

    def pixels(self, row: int) -> Pixels:
        return decoded(self.files[self.ends[row] - self.sizes[row] : self.ends[row]])

    def face(self, row: int) -> Face:
        """The photo and its points; of a large photo the part around the face, cut on the codec's grid."""
        pixels, points = self.pixels(row), self.points[row]
        height, width = pixels.shape[:2]
        around = region(width, height, *square(points))
        x0, y0 = (max(int(low) - _ROOM, 0) // 16 * 16 for low in (around.x0, around.y0))
        part = pixels[y0 : round(around.y1) + _ROOM, x0 : round(around.x1) + _ROOM]
        return Face(np.ascontiguousarray(part), points - np.array([x0, y0], np.float32))

    @cached_property
    def shapes(self) -> npt.NDArray[np.float32]:
        """Points about their mean, in units of their spread [N, 136]: equal where pose and proportions are."""
        about = self.points - self.points.mean(axis=1, keepdims=True)
        return np.asarray((about / about.std(axis=(1, 2), keepdims=True)).reshape(len(self), -1))


class Pool:
    """The authentic photos and the forgeries of one set on one side of the split."""

    def __init__(self, photos: Photos, val: bool) -> None:
        self.photos = photos
        here = photos.val == val
        self.authentic = np.flatnonzero(here & (photos.kind == 0))
        self.forged = np.flatnonzero(here & (photos.kind != 0))
        if not self.authentic.size:
            raise UsageError(f"{photos.name} has no authentic photo on this side of the split", "Leave it out of [mix]")
        self._size = np.log(photos.sizes[self.authentic])
        self._native = np.log(np.maximum(photos.native[self.authentic], 1))

    def partner(self, row: int, rng: Rng) -> int:
        """An authentic photo whose file and face are about as large as those of a forgery."""
        photos = self.photos
        apart = np.abs(self._size - np.log(photos.sizes[row]))
        apart = apart + np.abs(self._native - np.log(max(photos.native[row], 1)))
        nearest = np.argsort(apart)[: max(round(_ALIKE * len(apart)), _ALIKE_LEAST)]
        return int(self.authentic[rng.choice(nearest)])

    def donor(self, row: int, rng: Rng) -> Face:
        """Somebody else whose face is turned and shaped alike: the nearest of a dozen."""
        photos = self.photos
        asked = rng.choice(self.authentic, _ASKED)
        apart = np.abs(photos.shapes[asked] - photos.shapes[row]).sum(axis=1)
        apart[photos.group[asked] == photos.group[row]] = np.inf
        return photos.face(int(asked[apart.argmin()]))


@dataclass(frozen=True)
class Batch:
    """B samples, authentic at even places, each followed by the forged one of its pair.

    pixels: uint8 RGB [B, 224, 224, 3]. score: [B] 1 where the window shows a forgery. kind: [B] index in `KINDS`.
    cells: [B, 28, 28] share of each cell that was changed, NaN where nobody knows. facts: [B] of what a cheat
    could read instead: bytes, quality, width and height of the saved picture; bytes, quality and face side in the set.
    """

    pixels: npt.NDArray[np.uint8]
    score: npt.NDArray[np.float32]
    kind: npt.NDArray[np.int64]
    cells: Mask
    facts: Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Plan:
    """What batches are made of; parts of the recipe.

    mix: share of each set. made: share of forgeries made here in sets that have their own. forgeries: shares of the
    kinds of those made here. post: see `Strength`. easy: samples over which it grows from the plain to the hard: at
    first all forgeries are made here, where it is known what was changed, and hardly anything happens to them after.
    """

    batch: int
    seed: int
    mix: Mapping[str, float]
    easy: int
    made: float
    forgeries: Mapping[str, float]
    post: Strength


class Mixer:
    """Batches; batch k is the same whenever it is made: a run that goes on sees what it would have.

    Args:
        see: `post.through` for the windows of faceagent-forensic, `post.whole` for the face as a whole.

    Raises:
        UsageError: a set is not in the cache or has no authentic photo of the train split, or the batch is odd.
    """

    def __init__(self, cache: Path, plan: Plan, see: See = through) -> None:
        if plan.batch % 2:
            raise UsageError(f"A batch of {plan.batch} cannot be made of pairs", "Choose an even number")
        self._plan, self._see = plan, see
        self._pools = [Pool(Photos.open(cache, name), val=False) for name in plan.mix]
        self._shares = np.array(list(plan.mix.values())) / sum(plan.mix.values())

    @staticmethod
    def of(recipe: Mapping[str, Any], cache: Path, see: See = through) -> Mixer:
        """The batches of a recipe."""
        names = ("batch", "seed", "mix", "easy", "made", "forgeries")
        return Mixer(cache, Plan(**{name: recipe[name] for name in names}, post=Strength(**recipe["post"])), see)

    @property
    def photos(self) -> int:
        return sum(pool.authentic.size + pool.forged.size for pool in self._pools)

    def batch(self, step: int) -> Batch:
        rng = np.random.default_rng([self._plan.seed, step])
        hardness = min(step * self._plan.batch / self._plan.easy, 1.0) if self._plan.easy else 1.0
        samples = []
        for which in rng.choice(len(self._pools), self._plan.batch // 2, p=self._shares):
            samples += self.pair(self._pools[which], rng, hardness)
        windows, kinds, facts = zip(*samples, strict=True)
        return Batch(
            pixels=np.stack([window.pixels for window in windows]),
            score=np.array([kind > 0 for kind in kinds], np.float32),
            kind=np.array(kinds, np.int64),
            cells=np.stack([window.cells for window in windows]),
            facts={name: np.array([row[name] for row in facts]) for name in facts[0]},
        )

    def pair(self, pool: Pool, rng: Rng, hardness: float = 1.0) -> list[tuple[Window, int, dict[str, float]]]:
        """An authentic and a forged window, each with the index of its kind and its facts.

        Args:
            hardness: 0-1, see `Plan.easy`.
        """
        photos = pool.photos
        theirs = pool.forged.size > 0 and rng.random() >= 1 - hardness * (1 - self._plan.made)
        row = int(rng.choice(pool.forged if theirs else pool.authentic))
        partner = pool.partner(row, rng) if theirs else row
        draw = drawn(rng, SOURCES[photos.name].codec, self._plan.post.eased(hardness))
        honest = photos.face(partner)
        blank = np.zeros(honest.pixels.shape[:2], np.float32)
        first = self._see(honest.pixels, blank, *square(honest.points), draw)
        if theirs:
            found, kind = photos.face(row), int(photos.kind[row])
            second = self._see(found.pixels, np.ones(found.pixels.shape[:2], np.float32), *square(found.points), draw)
            if kind != SYNTHESIS:  # where the face was changed, the set does not say
                second = Window(second.pixels, np.full((CELLS, CELLS), np.nan, np.float32), second.facts)
        else:
            forgery = forged(honest, lambda: pool.donor(row, rng), rng, self._plan.forgeries)
            pixels = forgery.pixels
            if rng.random() < _FILED:  # or "was never compressed" would do for "forged"
                pixels, _ = saved(pixels, SOURCES[photos.name].codec)
            second = self._see(pixels, forgery.mask, *square(honest.points), draw)
            # A window that shows nothing of the forgery is an authentic one.
            kind = forgery.kind if second.cells.mean() > _LEAST_SHOWN else 0
        return [(first, 0, self._facts(photos, partner, first)), (second, kind, self._facts(photos, row, second))]

    def _facts(self, photos: Photos, row: int, window: Window) -> dict[str, float]:
        stored = {"set_bytes": photos.sizes[row], "set_quality": photos.quality[row], "set_native": photos.native[row]}
        return window.facts | {name: float(value) for name, value in stored.items()}
