"""300-W (Sagonas et al. 2013, 2016) and WFLW (Wu et al., CVPR 2018): how far the points of a face are off.

As published. 300-W (ibug.doc.ic.ac.uk/resources/300-W): a .pts file beside each photo ("n_points: 68", then "x y" in
braces, counted from 1); common is the test sets of HELEN and LFPW, challenging is ibug, full is both. WFLW
(wywu.github.io/projects/LAB/WFLW.html): list_98pt_rect_attr_test.txt has for each face 98 points, a rectangle, the
flags pose, expression, illumination, make-up, occlusion, blur, and the photo's path in WFLW_images.

What is measured are the 68 points of `estimate_pose`, in the box of the product's own detector; of WFLW's 98 those 68
that mean the same (`WFLW_68`). Error: mean distance in shares of that between the outer corners of the eyes. A face
that is not found counts as a failure, and 0 in the area; it has no part in the mean error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent_eval import localisation
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Floats
from faceagent_eval.photo_sets import Item, PhotoBenchmark, Seen, box_of, numbers, over
from faceagent_finetune.corpus.sources.published import IMAGES
from faceagent_finetune.plot import Chart, line

COMMON, CHALLENGING = ("helen/testset", "lfpw/testset"), ("ibug",)
ATTRIBUTES = ("pose", "expression", "illumination", "make-up", "occlusion", "blur")
"""WFLW's flags, in the order of its lists."""
WFLW_68 = (
    *range(0, 34, 2),  # jaw
    *range(33, 38),  # upper edges of the brows
    *range(42, 47),
    *range(51, 60),  # nose
    *(60, 61, 63, 64, 65, 67),  # eyes: of eight points six
    *(68, 69, 71, 72, 73, 75),
    *range(76, 96),  # mouth
)
"""Which of WFLW's points are the 68 of 300-W, in their order; of two that stand for one (lids) the nearer."""
EYES = (36, 45)
"""Outer corners."""
LIMITS = (0.08, 0.1)
_WFLW = Path("WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt")


@dataclass(frozen=True)
class Labelled(Item):
    """points: [68, 2] in pixels, of which the first begins at 0. subsets: that the photo is of."""

    points: npt.NDArray[np.float64] = field(repr=False)
    subsets: tuple[str, ...]


class Landmarks(PhotoBenchmark[Labelled, float]):
    """See the module. What is found is the error of a face."""

    name = "landmarks"
    about = "300-W and WFLW: error of the 68 points, failures, area under the error's distribution"
    layout = """\
DIR/                             either or both
  300W/
    helen/testset/*.jpg, *.pts
    lfpw/testset/*.png, *.pts
    ibug/*.jpg, *.pts
  WFLW/
    WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt
    WFLW_images/0--Parade/0_Parade_Parade_0_100.jpg"""

    def items(self) -> Sequence[Labelled]:
        return self.chosen([*self._of_300w(), *self._of_wflw()])

    def look(self, item: Labelled, photo: Photo) -> float | None:
        face = over(self.detector.detect(photo, "image 1"), box_of(item.points))
        if face is None:
            return None
        points = self.reader.read_photo(photo, face).points[:68]
        unit = float(np.linalg.norm(item.points[EYES[0]] - item.points[EYES[1]]))
        return localisation.normalised_error(points, item.points, max(unit, 1e-6))

    def score(self, measured: Sequence[Seen[Labelled, float]]) -> Result:
        read = [seen for seen in measured if seen.readable]
        names = dict.fromkeys(name for seen in read for name in seen.item.subsets)
        errors = {
            name: np.array([_error(seen) for seen in read if name in seen.item.subsets], np.float64) for name in names
        }
        lines = {name: line(*_distribution(values)) for name, values in errors.items()}
        return self.scored(
            measured,
            "68 points in the product's own box; inter-ocular (outer corners); a face that is not found is a failure",
            (figure for name, values in errors.items() for figure in _figures(name, values)),
            (
                ItemScore(id=f"face {place}", of=f"{seen.item.set}: NME", score=seen.found)
                for place, seen in enumerate(measured)
            ),
            curves={
                "errors": Chart(
                    title="Cumulative error", x="NME", y="share of faces", lines=lines, xs=(0.0, max(LIMITS))
                )
            },
        )

    def _of_300w(self) -> Iterator[Labelled]:
        root = self.data / "300W"
        for part, subset in ((COMMON, "common"), (CHALLENGING, "challenging")):
            for folder in part:
                for path in sorted((root / folder).glob("*.pts")):
                    photos = (path.with_suffix(suffix) for suffix in IMAGES)
                    photo = next((one for one in photos if one.is_file()), path.with_suffix(".jpg"))
                    yield Labelled(photo, "300-W", self._pts(path), (f"300-W {subset}", "300-W full"))

    def _pts(self, path: Path) -> Floats:
        """
        Raises:
            LayoutError: it is no .pts file of 68 points.
        """
        lines = [text.strip() for text in self.lines(path)]
        body = lines[lines.index("{") + 1 : lines.index("}")] if {"{", "}"} <= set(lines) else []
        rows = [numbers(text.split()) for text in body]
        if len(rows) != 68 or any(row is None or len(row) != 2 for row in rows):
            raise self.mismatch(f"{path.relative_to(self.data).as_posix()} does not hold 68 points between braces")
        # A point at the centre of the first pixel is (1, 1) there and (0.5, 0.5) here.
        return np.array(rows, np.float64) - 0.5

    def _of_wflw(self) -> Iterator[Labelled]:
        root = self.data / "WFLW"
        if not root.is_dir():
            return
        for number, text in enumerate(self.lines(root / _WFLW), start=1):
            words = text.split()
            values = numbers(words[:-1])
            if values is None or len(values) != 2 * 98 + 4 + len(ATTRIBUTES):
                raise self.mismatch(
                    f"line {number} of {_WFLW.name} is not 98 points, a rectangle, six flags and a path"
                )
            flags = [name for name, flag in zip(ATTRIBUTES, values[200:], strict=True) if flag]
            points = np.array(values[:196]).reshape(98, 2)[list(WFLW_68)]
            subsets = ("WFLW", *(f"WFLW {name}" for name in flags))
            yield Labelled(root / "WFLW_images" / words[-1], "WFLW", points, subsets)


def _error(seen: Seen[Labelled, float]) -> float:
    return np.inf if seen.found is None else seen.found


def _figures(name: str, errors: Floats) -> Iterator[Figure]:
    found = np.isfinite(errors)
    yield proportion(f"{name}: face found", found)
    if found.any():
        yield resampled(f"{name}: NME", lambda values: float(values.mean()), [errors[found]])
    for limit in LIMITS:
        yield proportion(f"{name}: failures at {limit:.0%}", errors > limit)
        area = partial(localisation.error_area, limit=limit)
        yield resampled(f"{name}: AUC at {limit:.0%}", area, [errors])


def _distribution(errors: Floats) -> tuple[Floats, Floats]:
    """Errors up to the largest limit, and the share of faces at or below each."""
    at = np.linspace(0, max(LIMITS), 201)
    return at, np.searchsorted(np.sort(errors), at, side="right") / len(errors)
