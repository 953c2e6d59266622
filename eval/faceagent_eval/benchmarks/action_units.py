"""DISFA, BP4D and Aff-Wild2 as published: F1 of the facial action units that the product says something of.

As published. DISFA (Mavadati et al. 2013): ActionUnit_Labels/SN001/SN001_au12.txt, "frame,intensity" with frames from 1
and intensities 0-5, beside Videos_LeftCamera/LeftVideoSN001_comp.avi; a unit is there from intensity 2 on, as is usual.
BP4D and BP4D+ (Zhang et al. 2014, 2016): AUCoding/AU_OCC/F001_T1.csv, whose first line numbers the units and whose
first column the frames; 0 absent, 1 there, 9 not coded; frames are F001/T1/0001.jpg, padded with zeros or not.
Aff-Wild2 (see `expression_sets`): AU_Detection_Challenge/Validation_Set/*.txt, the units' names, then a line a frame,
-1 for not annotated.

No tool estimates action units as such. Held against them is what comes nearest: a smile (`estimate_attributes`) against
AU12, an open mouth (`estimate_pose`) against AU25, closed eyes against AU43 and AU45. The other units are read by
nothing, and named in a note: their F1 would be that of never saying so, 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from faceagent.media import Photo
from faceagent_eval import agreement
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.expression_sets import frame_lists, frames
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.photo_sets import Item, PhotoBenchmark, Seen, enlarged, nearest_middle, numbers
from faceagent_eval.video_frames import Frames
from faceagent_tools import pose_table
from faceagent_tools.multitask import ATTRIBUTES, Reading

PRESENT = 2
"""Intensity of DISFA from which a unit counts as there."""
_SMILING = ATTRIBUTES.index("Smiling")
_ROUNDS = 500


def _closed(reading: Reading) -> bool:
    lines = pose_table.table()
    return all(pose_table.eye(opening, lines) == "closed" for opening in reading.openings[:2])


UNITS: Mapping[int, Callable[[Reading], bool]] = MappingProxyType(
    {
        12: lambda reading: bool(reading.attributes[_SMILING] > 0.5),
        25: lambda reading: pose_table.mouth(reading.openings[2], pose_table.table()) == "open",
        43: _closed,
        45: _closed,
    }
)
"""What stands for a unit, by its number."""


@dataclass(frozen=True)
class Labelled(Item):
    """units: whether each coded unit is there. frame: of a video, from 1; None where the photo is a file."""

    units: Mapping[int, bool] = field(default_factory=dict)
    frame: int | None = None


class ActionUnits(PhotoBenchmark[Labelled, Mapping[int, bool]]):
    """See the module. What is found is whether each unit of `UNITS` is there. `limit`: frames of each set."""

    name = "action-units"
    about = "DISFA, BP4D, Aff-Wild2: F1 of the action units that smile, open mouth and closed eyes stand for"
    layout = """\
DIR/                             those that are there
  DISFA/
    ActionUnit_Labels/SN001/SN001_au12.txt      frame,intensity
    Videos_LeftCamera/LeftVideoSN001_comp.avi
  BP4D/
    AUCoding/AU_OCC/F001_T1.csv  first line and column: numbers of units and of frames
    F001/T1/0001.jpg             (at any depth)
  Aff-Wild2/
    AU_Detection_Challenge/Validation_Set/*.txt (at any depth)
    cropped_aligned/VIDEO/00001.jpg"""

    def items(self) -> Sequence[Labelled]:
        found = self.chosen([*self._of_disfa(), *self._of_bp4d(), *self._of_affwild2()])
        self._video: Frames | None = None
        return found

    def measured_data(self, items: Sequence[Labelled]) -> Iterator[object]:
        """A video counts once, and not again with each of its frames."""
        for item in items:
            yield item if item.frame is None else replace(item, photo=Path(item.photo.name))
        yield from dict.fromkeys(item.photo for item in items if item.frame is not None)

    def opened(self, item: Labelled) -> Photo:
        if item.frame is None:
            return super().opened(item)
        if self._video is None or self._video.path != item.photo or self._video.next > item.frame:
            self._video = Frames(item.photo)
        return self._video.take(item.frame)

    def named(self, item: Labelled) -> str:
        return super().named(item) + ("" if item.frame is None else f", frame {item.frame}")

    def look(self, item: Labelled, photo: Photo) -> Mapping[int, bool] | None:
        shown = enlarged(photo)
        face = nearest_middle(self.detector.detect(shown, "image 1"), shown)
        if face is None:
            return None
        reading = self.reader.read_photo(shown, face)
        return {unit: stands(reading) for unit, stands in UNITS.items()}

    def score(self, measured: Sequence[Seen[Labelled, Mapping[int, bool]]]) -> Result:
        figures: list[Figure] = []
        notes: list[str] = []
        for name in dict.fromkeys(seen.item.set for seen in measured):
            mine = [seen for seen in measured if seen.item.set == name and seen.readable]
            figures.append(proportion(f"{name}: face found", [seen.found is not None for seen in mine]))
            coded = sorted({unit for seen in mine for unit in seen.item.units})
            for unit in coded:
                figures += _figures(name, unit, mine) if unit in UNITS else ()
            unread = ", ".join(f"AU{unit}" for unit in coded if unit not in UNITS)
            if unread:
                notes.append(f"{name}: coded, and read by no tool: {unread}.")
        return self.scored(
            measured,
            f"frames with a face; DISFA from intensity {PRESENT}; a smile for AU12, an open mouth for AU25, closed "
            "eyes for AU43 and AU45",
            figures,
            (row for place, seen in enumerate(measured) for row in _item_scores(place, seen)),
            notes=tuple(notes),
        )

    def _of_disfa(self) -> Iterator[Labelled]:
        """
        Raises:
            LayoutError: a line is not "frame,intensity".
        """
        root = self.data / "DISFA"
        for folder in sorted((root / "ActionUnit_Labels").glob("SN*")):
            there = sorted(root.glob(f"Video*_LeftCamera/LeftVideo{folder.name}_comp.*"))
            video = there[0] if there else root / "Videos_LeftCamera" / f"LeftVideo{folder.name}_comp.avi"
            units: dict[int, dict[int, bool]] = {}
            for path in folder.glob("*_au*.txt"):
                unit = path.stem.rpartition("_au")[2]
                for line in self.lines(path):
                    told = numbers(line.split(","))
                    if not unit.isdecimal() or told is None or len(told) != 2:
                        raise self.mismatch(f"{path.name} has a line that is not frame,intensity: {line[:40]!r}")
                    units.setdefault(int(told[0]), {})[int(unit)] = told[1] >= PRESENT
            for frame in sorted(units):
                yield Labelled(video, "DISFA", units=dict(sorted(units[frame].items())), frame=frame)

    def _of_bp4d(self) -> Iterator[Labelled]:
        """
        Raises:
            LayoutError: a table is not numbers below numbers.
        """
        root = self.data / "BP4D"
        for path in sorted(root.rglob("AU_OCC/*_T*.csv")):
            rows = [numbers(line.split(",")) for line in self.lines(path)]
            if not rows or any(row is None or len(row) != len(rows[0] or ()) for row in rows):
                raise self.mismatch(f"{path.name} is not a line of units and a line of numbers for each frame")
            (_, *units), *told = [[int(value) for value in row or ()] for row in rows]
            subject, _, task = path.stem.partition("_")
            photos = {int(one.stem): one for one in root.rglob(f"{subject}/{task}/*.jpg") if one.stem.isdecimal()}
            for frame, *values in told:
                photo = photos.get(frame, root / subject / task / f"{frame:04d}.jpg")
                coded = {unit: value == 1 for unit, value in zip(units, values, strict=True) if value in (0, 1)}
                if coded:
                    yield Labelled(photo, "BP4D", units=coded)

    def _of_affwild2(self) -> Iterator[Labelled]:
        """
        Raises:
            LayoutError: a line is not a number for each unit.
        """
        root = self.data / "Aff-Wild2"
        for path in frame_lists(root, "AU_Detection_Challenge"):
            units = [name.strip().removeprefix("AU") for name in self.lines(path)[0].split(",")]
            for photo, words in frames(self, root, path):
                told = numbers(words)
                if told is None or len(told) != len(units) or not all(unit.isdecimal() for unit in units):
                    raise self.mismatch(
                        f"{path.name} has a line that is not a number for each of AU{', AU'.join(units)}"
                    )
                coded = {int(unit): value == 1 for unit, value in zip(units, told, strict=True) if value >= 0}
                if coded:
                    yield Labelled(photo, "Aff-Wild2", units=coded)


def _figures(name: str, unit: int, seen: Sequence[Seen[Labelled, Mapping[int, bool]]]) -> Iterator[Figure]:
    pairs = [(one.found[unit], one.item.units[unit]) for one in seen if one.found and unit in one.item.units]
    if not pairs:
        return
    found, there = (np.array(column, np.bool_) for column in zip(*pairs, strict=True))
    share = float(there.mean())
    note = f"there in {share:.1%} of the frames; always saying so: {2 * share / (1 + share):.3f}"
    yield resampled(f"{name}: F1 of AU{unit}", agreement.f1, [found, there], rounds=_ROUNDS, note=note)


def _item_scores(place: int, seen: Seen[Labelled, Mapping[int, bool]]) -> Iterator[ItemScore]:
    for unit, there in seen.item.units.items():
        if unit in UNITS:
            right = None if seen.found is None else seen.found[unit] == there
            yield ItemScore(id=f"frame {place}", of=f"{seen.item.set}: AU{unit}", label=there, right=right)
