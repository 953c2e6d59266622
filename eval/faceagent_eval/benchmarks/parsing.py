"""CelebAMask-HQ (Lee et al., CVPR 2020) and iBugMask (Lin et al. 2021): overlap of the regions of a face.

As published. CelebAMask-HQ (switchablenorms/CelebAMask-HQ): CelebA-HQ-img/0.jpg and a mask of 512 pixels for each class
that is there, CelebAMask-HQ-mask-anno/0/00000_skin.png, 2,000 photos to a folder; where CelebA-HQ-to-CelebA-mapping.txt
and CelebA's list_eval_partition.txt are there, the photos of CelebA's test part, else all. iBugMask
(hhj1897/face_parsing, README): test/NAME.jpg beside test/NAME.png, whose values are the classes of its label map.

Held against the labels are the regions of `parse_face` that the sets have too, by `REGIONS`: both eyes together, both
brows, the nose, the lips, the opening of the mouth, the skin. Figures are of pixels over all photos together: IoU
and F1 of each region, and their means. The face is the one that overlaps most with the labelled skin; where none is
found, nothing is answered and every labelled pixel is missed. What the sets have besides (hair, ears, glasses, …) the
embedded outlines do not have, and what lies before a face they do not see: iBugMask's skin includes the scalp, and
CelebAMask-HQ's stops at hair and hands. uniface's BiSeNet was trained on CelebAMask-HQ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.geometry import Affine
from faceagent.media import Photo
from faceagent.types import Face
from faceagent_eval import agreement
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Bools, Floats
from faceagent_eval.photo_sets import Item, PhotoBenchmark, Seen, box_of, over
from faceagent_tools.parsing import Cut, filled, polygons
from faceagent_tools.uniface_backends import UnifaceParser

Counts = npt.NDArray[np.int64]
_OURS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "skin": ("skin",),
        "brows": ("brow_nearer_left_edge", "brow_nearer_right_edge"),
        "eyes": ("eye_nearer_left_edge", "eye_nearer_right_edge"),
        "nose": ("nose",),
        "lips": ("lips",),
        "mouth opening": ("mouth_opening",),
    }
)
REGIONS: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = MappingProxyType(
    {
        "skin": (("skin",), (1,)),
        "brows": (("l_brow", "r_brow"), (2, 3)),
        "eyes": (("l_eye", "r_eye"), (4, 5)),
        "nose": (("nose",), (6,)),
        "lips": (("u_lip", "l_lip"), (7, 9)),
        "mouth opening": (("mouth",), (8,)),
    }
)
"""By our name: classes of CelebAMask-HQ, and numbers of iBugMask."""
CLASSES = (
    *("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"),
    *("mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
"""Of CelebAMask-HQ, in the order in which its g_mask.py draws one over the other."""
_FOLDER = 2000  # photos of CelebAMask-HQ to a folder of masks
_ROUNDS = 500


@dataclass(frozen=True)
class Labelled(Item):
    """masks: files of the labels: of iBugMask one, of CelebAMask-HQ one a class, where it is in the photo."""

    masks: tuple[Path, ...]


@dataclass(frozen=True)
class Overlap:
    """Pixels by region, in the order of `REGIONS`: of the answer, of the label, of both. found: whether a face was."""

    answer: Counts
    label: Counts
    both: Counts
    found: bool


class Parsing(PhotoBenchmark[Labelled, Overlap]):
    """See the module. The backend is what tells regions apart; the product's default detector finds."""

    name = "parsing"
    about = "CelebAMask-HQ, iBugMask: IoU and F1 of the regions of parse_face"
    layout = """\
DIR/                             either or both
  CelebAMask-HQ/
    CelebA-HQ-img/0.jpg
    CelebAMask-HQ-mask-anno/0/00000_skin.png, 00000_l_brow.png, …
    CelebA-HQ-to-CelebA-mapping.txt, list_eval_partition.txt   (CelebA's; without them all photos are taken)
  ibugmask_release/test/NAME.jpg, NAME.png"""
    backends = ("points", "uniface-bisenet")
    headline = ("mean IoU", "mean F1", "face found")

    @property
    def finder(self) -> str:
        return "auto"

    def items(self) -> Sequence[Labelled]:
        self._parser = UnifaceParser() if self.backend == "uniface-bisenet" else None
        return self.chosen([*self._of_celeba(), *self._of_ibug()])

    def _of_celeba(self) -> Iterator[Labelled]:
        root = self.data / "CelebAMask-HQ"
        tested = self._tested(root) if root.is_dir() else None
        for photo in sorted((root / "CelebA-HQ-img").glob("*.jpg")):
            if photo.stem.isdecimal() and (tested is None or int(photo.stem) in tested):
                number = int(photo.stem)
                folder = root / "CelebAMask-HQ-mask-anno" / str(number // _FOLDER)
                yield Labelled(photo, "CelebAMask-HQ", tuple(folder / f"{number:05d}_{name}.png" for name in CLASSES))

    def _tested(self, root: Path) -> set[int] | None:
        """
        Raises:
            LayoutError: a line is not as published.
        """
        mapping, parts = root / "CelebA-HQ-to-CelebA-mapping.txt", root / "list_eval_partition.txt"
        if not mapping.is_file() or not parts.is_file():
            return None
        rows = [line.split() for line in self.lines(mapping)[1:]]
        split = [line.split() for line in self.lines(parts)]
        if any(len(row) != 3 or not row[0].isdecimal() for row in rows) or any(len(row) != 2 for row in split):
            raise self.mismatch(
                "a line of CelebA-HQ-to-CelebA-mapping.txt or list_eval_partition.txt is not as published"
            )
        test = {name for name, part in split if part == "2"}
        return {int(number) for number, _, name in rows if name in test}

    def _of_ibug(self) -> Iterator[Labelled]:
        for photo in sorted((self.data / "ibugmask_release" / "test").glob("*.jpg")):
            yield Labelled(photo, "iBugMask", (photo.with_suffix(".png"),))

    def look(self, item: Labelled, photo: Photo) -> Overlap | None:
        label = _label(item)
        if label is None:
            return None
        rows, columns = np.nonzero(label["skin"])
        height, width = label["skin"].shape
        scale = np.array([photo.width / width, photo.height / height])
        face = None
        if rows.size:
            box = box_of(np.stack([columns, rows], axis=1) * scale)
            face = over(self.detector.detect(photo, "image 1"), box)
        answer = self._answer(photo, face, (height, width)) if face is not None else {}
        blank = np.zeros((height, width), np.bool_)
        pairs = [(answer.get(name, blank), label[name]) for name in REGIONS]
        counts = np.array([[ours.sum(), theirs.sum(), (ours & theirs).sum()] for ours, theirs in pairs], np.int64)
        return Overlap(counts[:, 0], counts[:, 1], counts[:, 2], face is not None)

    def _answer(self, photo: Photo, face: Face, size: tuple[int, int]) -> dict[str, Bools]:
        """Masks of the labels' size, by our name."""
        height, width = size
        if self._parser is not None:
            whole = self._parser.parse(photo, face)
            small = {
                name: cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
                for name, mask in whole.items()
            }
        else:
            to_photo = Affine.scaling(photo.width / width, photo.height / height)
            points = self.reader.read_photo(photo, face).points
            small = filled(polygons(points), Cut(np.zeros((height, width, 3), np.uint8), to_photo))
        return {name: np.logical_or.reduce([small[part] for part in parts]) for name, parts in _OURS.items()}

    def measure(self, item: Labelled) -> Seen[Labelled, Overlap]:
        """A photo without its masks is one that is missing."""
        seen = super().measure(item)
        return Seen(item, None, readable=False) if seen.readable and seen.found is None else seen

    def score(self, measured: Sequence[Seen[Labelled, Overlap]]) -> Result:
        figures: list[Figure] = []
        for name in dict.fromkeys(seen.item.set for seen in measured):
            found = [seen.found for seen in measured if seen.item.set == name and seen.found is not None]
            figures.append(proportion(f"{name}: face found", [one.found for one in found]))
            figures += _figures(name, found)
        methods = None if self._parser is None else (self.detector.method, self._parser.method)
        return self.scored(
            measured,
            f"regions {', '.join(REGIONS)}; pixels over all photos together; a face that is not found answers nothing",
            figures,
            (row for place, seen in enumerate(measured) for row in _item_scores(place, seen)),
            methods=methods,
        )


def _label(item: Labelled) -> dict[str, Bools] | None:
    """The labelled masks by our name; None where they are not there. A class without a file is nowhere in the photo."""
    if item.set == "iBugMask":
        drawn = _mask(item.masks[0])
        return None if drawn is None else {name: np.isin(drawn, numbers) for name, (_, numbers) in REGIONS.items()}
    masks = {path.stem.partition("_")[2]: _mask(path) for path in item.masks}
    skin = masks["skin"]
    if skin is None:
        return None
    whole = np.zeros(skin.shape, np.uint8)
    for number, name in enumerate(CLASSES, start=1):
        mask = masks[name]
        if mask is not None:
            whole[mask > 0] = number
    return {name: np.isin(whole, [CLASSES.index(one) + 1 for one in classes]) for name, (classes, _) in REGIONS.items()}


def _mask(path: Path) -> npt.NDArray[Any] | None:
    # OpenCV warns of a file that is not there, on the terminal.
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None


def _figures(name: str, found: Sequence[Overlap]) -> Iterator[Figure]:
    if not found:
        return
    columns = [np.stack([getattr(one, part) for one in found]) for part in ("answer", "label", "both")]
    for statistic, of in (("IoU", agreement.overlap), ("F1", _f1)):
        for place, region in enumerate(REGIONS):
            yield resampled(
                f"{name}: {statistic} of {region}",
                lambda answer, label, both, of=of, place=place: float(of(answer, label, both)[place]),
                columns,
                rounds=_ROUNDS,
            )
        yield resampled(
            f"{name}: mean {statistic}",
            lambda answer, label, both, of=of: float(of(answer, label, both).mean()),
            columns,
            rounds=_ROUNDS,
            note=f"of {len(REGIONS)} regions, without the background",
        )


def _f1(answer: Counts, label: Counts, both: Counts) -> Floats:
    """F1 from IoU: 2 IoU / (1 + IoU)."""
    iou = agreement.overlap(answer, label, both)
    return np.asarray(2 * iou / (1 + iou))


def _item_scores(place: int, seen: Seen[Labelled, Overlap]) -> Iterator[ItemScore]:
    found = seen.found
    for number, region in enumerate(REGIONS):
        score = None
        if found is not None and found.label[number]:
            row = [part[number : number + 1][None] for part in (found.answer, found.label, found.both)]
            score = float(agreement.overlap(*row)[0])
        yield ItemScore(id=f"photo {place}", of=f"{seen.item.set}: IoU of {region}", score=score)
