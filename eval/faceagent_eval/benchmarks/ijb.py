"""IJB-B (Whitelam et al. 2017) and IJB-C (Maze et al. 2018): verification and identification of templates.

As packed by insightface (recognition/_evaluation_/ijb of deepinsight/insightface): a line of ijbc_face_tid_mid.txt has
a photo, its template and its medium (a still, or a video of which it is a frame), one of ijbc_template_pair_label.txt
two templates and 1 or 0, one of ijbc_name_5pts_score.txt a photo, five points (eyes, nose, corners of the mouth) and a
detector's score; photos are IJBC/loose_crop/1.jpg. For identification ijbc_1N_gallery_G1.csv, _G2.csv and
ijbc_1N_probe_mixed.csv (IJB-B: S1, S2), which begin TEMPLATE_ID,SUBJECT_ID.

A template is the mean over its media of the mean over the photos of each, scaled to length 1; nothing is weighed by a
detector's score. The face is the one that the product's own detector finds around the labelled points; where it finds
none, a square about them stands in, and such photos are counted. Identification: rank 1 among each of the two
galleries, of probes who are in it, averaged over both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_eval import metrics
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import proportion
from faceagent_eval.metrics import Bools, Floats
from faceagent_eval.photo_sets import Item, PhotoBenchmark, Seen, numbers
from faceagent_eval.sampling import evenly
from faceagent_tools import weights
from faceagent_tools.align import POINTS
from faceagent_tools.embedding import Embedding, FaceEmbedder

Ints = npt.NDArray[np.int64]
GALLERIES = {"IJBB": ("S1", "S2"), "IJBC": ("G1", "G2")}
FARS = (1e-2, 1e-3, 1e-4, 1e-5)
_FEWEST = 10
"""False accepts that a FAR has to stand for, below which TAR at it is not told."""
_WIDTH = 2.1
"""Side of a stand-in box in distances of the eyes: dlib's boxes are about so wide (see `packed`)."""


@dataclass(frozen=True)
class Templated(Item):
    """template, medium: numbers of the set. points: [5, 2] in pixels."""

    template: int
    medium: int
    points: npt.NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class Embedded:
    """detected: whether the product's own detector found the face."""

    embedding: Embedding
    detected: bool


@dataclass(frozen=True)
class Set:
    """What one of the two sets asks.

    pairs: [N, 3], two templates and 1 where they are of one person. galleries, probes: [N, 2], templates and persons;
    empty where the files are not there or with a limit.
    """

    pairs: Ints
    galleries: tuple[Ints, ...] = ()
    probes: Ints | None = None


class Ijb(PhotoBenchmark[Templated, Embedded]):
    """See the module. `limit`: pairs of one person, and of two, evenly spread, with the photos of their templates;
    identification is left out then."""

    name = "ijb"
    about = "IJB-B, IJB-C: TAR at small FARs of templates, rank-1 identification"
    layout = """\
DIR/                             either or both
  IJBB/meta/, IJBB/loose_crop/   the same in small letters: ijbb_…
  IJBC/
    meta/
      ijbc_face_tid_mid.txt      1.jpg 1 69544            photo, template, medium
      ijbc_template_pair_label.txt   1 11065 1            two templates; 1: one person
      ijbc_name_5pts_score.txt   1.jpg 46.0 62.0 … 0.999  photo, five points, score
      ijbc_1N_gallery_G1.csv, ijbc_1N_gallery_G2.csv, ijbc_1N_probe_mixed.csv   (if there; IJB-B: S1, S2)
    loose_crop/1.jpg"""

    def items(self) -> Sequence[Templated]:
        self._embedder, self._sets = FaceEmbedder(), dict[str, Set]()
        # The limit is of pairs: of the photos of their templates none is left out.
        return self.present([item for name in GALLERIES if (self.data / name).is_dir() for item in self._of(name)])

    def measured_data(self, items: Sequence[Templated]) -> Iterator[object]:
        yield self._sets
        yield from items

    def _of(self, name: str) -> list[Templated]:
        meta, stem = self.data / name / "meta", name.lower()
        table = self._integers(meta / f"{stem}_template_pair_label.txt", 3)
        if not np.isin(table[:, 2], (0, 1)).all() or len(np.unique(table[:, 2])) < 2:
            raise self.mismatch(f"{stem}_template_pair_label.txt has not both pairs of one person (1) and of two (0)")
        photos = self._photos(name, meta, stem)
        if self.limit is not None:
            kinds = [evenly(np.flatnonzero(table[:, 2] == same).tolist(), self.limit) for same in (1, 0)]
            pairs = table[sorted(place for kind in kinds for place in kind)]
            self._sets[name] = Set(pairs)
            wanted = {*np.unique(pairs[:, :2]).tolist()}
            return [item for item in photos if item.template in wanted]
        lists = [self._people(meta / f"{stem}_1N_gallery_{part}.csv") for part in GALLERIES[name]]
        galleries = tuple(one for one in lists if one is not None)
        probes = self._people(meta / f"{stem}_1N_probe_mixed.csv") if len(galleries) == len(lists) else None
        self._sets[name] = Set(table, galleries, probes)
        return list(photos)

    def _photos(self, name: str, meta: Path, stem: str) -> Iterator[Templated]:
        """
        Raises:
            LayoutError: a line of either list is not as published, or they are not of the same photos.
        """
        media, points = (self.lines(meta / f"{stem}_{part}.txt") for part in ("face_tid_mid", "name_5pts_score"))
        if len(media) != len(points):
            raise self.mismatch(
                f"{stem}_face_tid_mid.txt has {len(media)} lines and {stem}_name_5pts_score.txt {len(points)}"
            )
        for number, (one, other) in enumerate(zip(media, points, strict=True), start=1):
            photo, *ids = one.split()
            named, *words = other.split()
            told = numbers(words)
            if photo != named or len(ids) != 2 or not all(word.isdecimal() for word in ids) or len(told or ()) != 11:
                raise self.mismatch(
                    f"line {number} of {stem}_face_tid_mid.txt and of {stem}_name_5pts_score.txt differ"
                )
            yield Templated(
                self.data / name / "loose_crop" / photo,
                name,
                int(ids[0]),
                int(ids[1]),
                np.array((told or [])[:10]).reshape(5, 2),
            )

    def _integers(self, path: Path, columns: int) -> Ints:
        """A table of whole numbers, of which there may be many millions.

        Raises:
            LayoutError: it is missing, or is none.
        """
        try:
            table = np.loadtxt(path, dtype=np.int64, ndmin=2)
        except (OSError, ValueError) as error:
            raise self.mismatch(f"{path.name} cannot be read as {columns} whole numbers to a line ({error})") from None
        if table.shape[1] != columns:
            raise self.mismatch(f"{path.name} has {table.shape[1]} columns in place of {columns}")
        return table

    def _people(self, path: Path) -> Ints | None:
        """Each template of a list once, with its person; None where there is no such file."""
        if not path.is_file():
            return None
        rows = [(line["TEMPLATE_ID"], line["SUBJECT_ID"]) for line in self.rows(path, "TEMPLATE_ID", "SUBJECT_ID")]
        if not rows or not all(one.isdecimal() for row in rows for one in row):
            raise self.mismatch(f"{path.name} has a line without a template and a person")
        return np.array([[int(one) for one in row] for row in dict.fromkeys(rows)], np.int64)

    def look(self, item: Templated, photo: Photo) -> Embedded:
        x, y = item.points.mean(axis=0).tolist()
        around = [
            face
            for face in self.detector.detect(photo, "image 1")
            if face.box.x0 <= x <= face.box.x1 and face.box.y0 <= y <= face.box.y1
        ]
        face = min(around, key=lambda one: np.hypot(one.box.centre[0] - x, one.box.centre[1] - y), default=None)
        return Embedded(self._embedder.embed(photo, face or _about(item.points)), face is not None)

    def score(self, measured: Sequence[Seen[Templated, Embedded]]) -> Result:
        figures: list[Figure] = []
        items: list[ItemScore] = []
        notes: list[str] = []
        for name, of in self._sets.items():
            mine = [seen for seen in measured if seen.item.set == name and seen.readable]
            found = [seen.found.detected for seen in mine if seen.found is not None]
            figures.append(proportion(f"{name}: face found", found, "where not, a square about the points stands in"))
            templates = pooled(mine)
            figures += _verified(name, of.pairs, templates)
            if self.limit is not None:
                items += _pair_scores(name, of.pairs, templates)
            if of.probes is not None:
                figures += _identified(name, of, templates)
            else:
                notes.append(
                    f"{name}: identification is not measured, for its lists are not there or there is a limit."
                )
            absent = len({*np.unique(of.pairs[:, :2]).tolist()} - templates.keys())
            if absent:
                notes.append(f"{name}: {absent} templates have no photo that can be read, and their pairs no part.")
        return self.scored(
            measured,
            "templates: mean over media of the mean over photos; pairs and galleries as published",
            figures,
            items,
            methods=(self.detector.method, weights.method(POINTS), self._embedder.method),
            notes=tuple(notes),
        )


def pooled(seen: Sequence[Seen[Templated, Embedded]]) -> dict[int, Floats]:
    """Of each template its mean over media of the mean over photos, of length 1."""
    media: dict[int, dict[int, list[Embedding]]] = {}
    for one in seen:
        if one.found is not None:
            media.setdefault(one.item.template, {}).setdefault(one.item.medium, []).append(one.found.embedding)
    means = {
        template: np.mean([np.mean(photos, axis=0) for photos in by.values()], axis=0) for template, by in media.items()
    }
    return {template: np.asarray(mean / np.linalg.norm(mean), np.float64) for template, mean in means.items()}


def _about(points: Floats) -> Face:
    """A square that stands in for the box of a face that was not found."""
    (x, y), half = points.mean(axis=0).tolist(), _WIDTH * float(np.linalg.norm(points[0] - points[1])) / 2
    box = Box(x0=x - half, y0=y - half, x1=x + half, y1=y + half)
    return Face(id="face 1.1", image="image 1", box=box, score=0.0)


def _likeness(pairs: Ints, templates: Mapping[int, Floats]) -> tuple[Floats, Bools]:
    """Cosine of each pair, NaN where a template has no photo; and which pairs have one."""
    names = np.array(sorted(templates), np.int64)
    found = np.full(len(pairs), np.nan)
    if not names.size:
        return found, np.zeros(len(pairs), np.bool_)
    rows = np.minimum(np.searchsorted(names, pairs[:, :2]), len(names) - 1)
    known = (names[rows] == pairs[:, :2]).all(axis=1)
    stacked = np.stack([templates[name] for name in names.tolist()])
    # There are many millions of pairs: not all of their vectors at once.
    for part in np.array_split(np.flatnonzero(known), max(1, int(known.sum()) // 100_000)):
        found[part] = np.einsum("nd,nd->n", stacked[rows[part, 0]], stacked[rows[part, 1]])
    return found, np.asarray(known)


def _verified(name: str, pairs: Ints, templates: Mapping[int, Floats]) -> Iterator[Figure]:
    alike, known = _likeness(pairs, templates)
    same = pairs[:, 2] == 1
    genuine, impostor = alike[known & same], alike[known & ~same]
    if not genuine.size or not impostor.size:
        return
    yield Figure(name=f"{name}: AUC", value=metrics.auc(metrics.roc(alike[known], same[known])), n=int(known.sum()))
    for far in FARS:
        if far * impostor.size >= _FEWEST:
            _, cut = metrics.tar_at_far(genuine, impostor, far)
            note = f"{impostor.size} pairs of two people; cosine {cut:.4f}"
            yield proportion(f"{name}: TAR at FAR {far:.0e}", genuine >= cut, note)


def _identified(name: str, of: Set, templates: Mapping[int, Floats]) -> Iterator[Figure]:
    """Rank 1 in each gallery, and over both."""
    both: list[bool] = []
    probes = [] if of.probes is None else [row for row in of.probes.tolist() if row[0] in templates]
    for number, gallery in enumerate(of.galleries, start=1):
        kept = [row for row in gallery.tolist() if row[0] in templates]
        people = {person for _, person in kept}
        asked = [(template, person) for template, person in probes if person in people]
        if not asked:
            continue
        known = np.stack([templates[template] for template, _ in kept])
        best = [int(np.argmax(known @ templates[template])) for template, _ in asked]
        hits = [kept[place][1] == person for place, (_, person) in zip(best, asked, strict=True)]
        both += hits
        yield proportion(f"{name}: rank 1 in gallery {number}", hits, f"{len(kept)} templates")
    if both:
        yield proportion(f"{name}: rank 1", both, "of the probes of both galleries")


def _pair_scores(name: str, pairs: Ints, templates: Mapping[int, Floats]) -> Iterator[ItemScore]:
    alike, known = _likeness(pairs, templates)
    for number, (score, there, same) in enumerate(zip(alike.tolist(), known, pairs[:, 2], strict=True)):
        yield ItemScore(
            id=f"pair {number}", of=f"{name}: same person", label=bool(same == 1), score=score if there else None
        )
