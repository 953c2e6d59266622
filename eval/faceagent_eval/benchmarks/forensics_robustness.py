"""What of the forgeries is still found, and how many authentic photos are accused, once photos were passed on.

The photos of `forensics`, each saved anew, made smaller, blurred, made noisy, as a screenshot of it would be, or as
a frame of a video; the face is found, read and examined again after each change.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import cv2
import numpy as np
from PIL import Image

from faceagent.errors import MissingExtra
from faceagent.media import Photo
from faceagent_eval import forensic_figures, forensic_published, forensic_sets
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.forensic_figures import ALARMS, ALL, UNFITTED
from faceagent_eval.forensic_item import Item
from faceagent_eval.forensic_look import Looker, Seen
from faceagent_eval.forensic_sets import LAYOUT
from faceagent_finetune.plot import Chart

MOST = 25
"""Authentic photos of each set, and forgeries of each generator, unless --limit says otherwise."""
_PAN = 8  # frames of a video, and pixels by which it moves


def saved(photo: Photo, quality: float) -> Photo:
    """As a JPEG file of that quality."""
    buffer = io.BytesIO()
    Image.fromarray(photo.pixels).save(buffer, "JPEG", quality=int(quality))
    return Photo.open(buffer.getvalue(), name=photo.name)


def resized(photo: Photo, share: float) -> Photo:
    """Made smaller (by the mean of the pixels) or larger (linearly), not saved."""
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    size = (max(round(photo.width * share), 1), max(round(photo.height * share), 1))
    return _of(photo, cv2.resize(photo.pixels, size, interpolation=way))


def blurred(photo: Photo, sigma: float) -> Photo:
    """Gaussian, sigma in pixels."""
    return _of(photo, cv2.GaussianBlur(photo.pixels, (0, 0), sigma))


def noisy(photo: Photo, sigma: float) -> Photo:
    """Gaussian, sigma in grey levels of 255, each channel by itself; the same for the same photo."""
    rng = np.random.default_rng(zlib.crc32(photo.name.encode()))
    return _of(photo, np.clip(np.rint(photo.pixels + rng.normal(0, sigma, photo.pixels.shape)), 0, 255))


def screenshot(photo: Photo, scale: float) -> Photo:
    """Shown at another size and saved from there, at quality 85."""
    return saved(resized(photo, scale), 85)


def filmed(photo: Photo, crf: float) -> Photo:
    """The last of some frames of a video that moves slowly over it, coded as H.264 (4:2:0) at that constant rate
    factor: one that is coded by its difference from others.

    Raises:
        MissingExtra: PyAV is not installed.
    """
    if find_spec("av") is None:
        raise MissingExtra("A photo as a frame of a video", "video")
    import av

    buffer = io.BytesIO()
    width, height = ((side - _PAN) // 2 * 2 for side in (photo.width, photo.height))
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for shift in range(_PAN):
            part = np.ascontiguousarray(photo.pixels[shift : shift + height, shift : shift + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer, "r") as film:
        *_, last = film.decode(video=0)
    return _of(photo, last.to_ndarray(format="rgb24"))


def _of(photo: Photo, pixels: object) -> Photo:
    return Photo.open(np.asarray(pixels, np.uint8), name=photo.name)


@dataclass(frozen=True)
class Family:
    """One kind of change. levels: from mild to strong. neutral: the level that would leave a photo as it is."""

    title: str
    axis: str
    change: Callable[[Photo, float], Photo]
    levels: tuple[float, ...]
    neutral: float | None


FAMILIES: Mapping[str, Family] = {
    "jpeg": Family("saving as JPEG", "quality (100: as it is)", saved, (95, 90, 80, 70, 60, 50, 40, 30), 100),
    "resize": Family("resizing", "size (1: as it is)", resized, (0.75, 0.5, 0.35, 0.25), 1),
    "blur": Family("blurring", "sigma in pixels", blurred, (0.5, 1, 2, 3), 0),
    "noise": Family("adding noise", "sigma in grey levels of 255", noisy, (2, 5, 10, 15), 0),
    "screenshot": Family("a screenshot", "size on the screen; saved as JPEG 85", screenshot, (0.8, 1, 1.33, 2), None),
    "video": Family("a video", "constant rate factor of H.264", filmed, (18, 23, 28, 35), None),
}
AS_IT_IS = "as it is"
Change = tuple[str, float]
"""A name of `FAMILIES` and a level, or `AS_IT_IS` and 0."""


@dataclass(frozen=True)
class Changed:
    """A photo and what happens to it."""

    item: Item
    family: str
    level: float


@dataclass(frozen=True)
class Look:
    changed: Changed
    seen: Seen


class ForensicsRobustness(Benchmark[Changed, Look]):
    name = "forensics-robustness"
    about = "the forensics benchmark on photos that were saved anew, made smaller, blurred, noisy, shown or filmed"
    layout = LAYOUT
    headline = (": mean AUC", ": found", ": false alarms")
    backends = ("faceagent", "faceagent+clip")
    takes_limit = True

    def items(self) -> Sequence[Changed]:
        photos = forensic_sets.items(self.data, self.limit or MOST)
        self._looker = Looker(published=False, clip=self.backend == self.backends[1])
        changes = [(AS_IT_IS, 0.0), *((name, level) for name, one in FAMILIES.items() for level in one.levels)]
        return [Changed(item, *change) for item in photos for change in changes]

    def measure(self, item: Changed) -> Look:
        if item.family == AS_IT_IS:
            return Look(item, self._looker.look(item.item))
        change = FAMILIES[item.family].change
        return Look(item, self._looker.look(item.item, lambda photo: change(photo, item.level)))

    def score(self, measured: Sequence[Look]) -> Result:
        tables: dict[Change, list[Seen]] = {}
        for look in measured:
            if look.seen.outcome != "unreadable":
                tables.setdefault((look.changed.family, look.changed.level), []).append(look.seen)
        missing = dict.fromkeys(look.changed.item.name for look in measured if look.seen.outcome == "unreadable")
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{len(measured)} looks at photos, after {max(len(tables) - 1, 0)} changes and before them",
            figures=tuple(figure for change, seen in tables.items() for figure in figures(change, seen)),
            complete=not missing,
            missing=tuple(missing),
            notes=(
                "The AUC is the mean over the generators, each against the authentic photos of its set.",
                *forensic_published.notes(self.data),
            ),
            methods=self._looker.methods,
            curves=dict(charts(tables)),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "opencv-python-headless", "numpy"),
        )


def figures(change: Change, seen: Sequence[Seen]) -> Iterator[Figure]:
    """How well forgeries are told apart after a change, and what the tool would say; no face is no answer."""
    name = AS_IT_IS if change[0] == AS_IT_IS else f"{change[0]} {change[1]:g}"
    areas = list(ranked(seen).values())
    if areas:
        yield Figure(name=f"{name}: mean AUC", value=float(np.mean(areas)), n=len(seen))
    for key, hits in answers(seen).items():
        yield Figure(name=f"{name}: {key}", value=float(np.mean(hits)), n=len(hits))


def ranked(seen: Sequence[Seen]) -> dict[str, float]:
    """AUC by generator."""
    rows = (row for row in forensic_figures.rows(seen) if row.both and row.name not in (ALL, UNFITTED))
    return {row.name: forensic_figures.auc(row.scores(), row.forged) for row in rows}


def answers(seen: Sequence[Seen]) -> dict[str, list[bool]]:
    """Whether each forgery is found, each authentic photo accused, and each photo left without an answer."""
    forged = [one.outcome in ALARMS for one in seen if one.item.forged]
    authentic = [one.outcome in ALARMS for one in seen if not one.item.forged]
    none = [one.outcome not in (*ALARMS, "no_sign") for one in seen]
    found = {"found": forged, "false alarms": authentic, "no answer": none}
    return {name: hits for name, hits in found.items() if hits}


def shares(seen: Sequence[Seen]) -> dict[str, float]:
    """Of `answers`."""
    return {name: float(np.mean(hits)) for name, hits in answers(seen).items()}


def charts(tables: Mapping[Change, Sequence[Seen]]) -> Iterator[tuple[str, Chart]]:
    """Two of each family: AUC by generator, and what the tool would say."""
    for name, family in FAMILIES.items():
        levels = {level: seen for (found, level), seen in tables.items() if found == name}
        first = family.levels[0]
        if family.neutral is not None:
            first = family.neutral
            levels = {first: tables.get((AS_IT_IS, 0.0), ()), **levels}
        for kind, measure, y in (("auc", ranked, "AUC"), ("answers", shares, "share of photos")):
            lines: dict[str, list[tuple[float, float]]] = {}
            for level, seen in levels.items():
                for line, value in measure(seen).items():
                    lines.setdefault(line, []).append((level, value))
            yield (
                f"{name}-{kind}",
                Chart(
                    title=f"After {family.title}",
                    x=family.axis,
                    y=y,
                    lines={line: tuple(points) for line, points in lines.items()},
                    xs=(first, family.levels[-1]),
                ),
            )
