"""Videos of which stretches are forged: does examine_video find when?

LAV-DF (Cai et al. 2022, ControlNet/LAV-DF, dataset/lavdf.py): metadata.json, or metadata.min.json, a list of {"file",
"split", "fake_periods": [[start, end]], "modify_video", …}. AV-Deepfake1M (Cai et al. 2024, ControlNet/AV-Deepfake1M,
README): val_metadata.json, a list of {"file", "fake_segments", "visual_fake_segments", …}, of files in val/. Times are
in seconds. AP@IoU and AR@N are the sets' own (`segments`).

What is proposed for a video are the stretches that examine_video tells of its faces, each with the probability of its
median frame: every part of the sample, and the parts above the line joined. It looks at pictures and hears nothing, so
stretches whose sound alone is forged are out of its reach: those of the picture are scored on their own beside all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceagent.errors import MediaError
from faceagent.session import Session
from faceagent.tool import VIDEO, Toolbox
from faceagent.types import Evidence
from faceagent.video import Video
from faceagent_eval import segments
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, Result, machine, versions
from faceagent_eval.figures import resampled
from faceagent_eval.metrics import Floats
from faceagent_eval.sampling import thinned
from faceagent_eval.segments import Located
from faceagent_tools import default_tools
from faceagent_tools.detectors import CHOICES

LAYOUT = """\
DIR/                             LAV-DF
  metadata.json                  [{"file": "test/000001.mp4", "split": "test", "fake_periods": [[1.2, 1.9]], …}]
  test/000001.mp4
or DIR/                          AV-Deepfake1M
  val_metadata.json              [{"file": "id/…/fake.mp4", "fake_segments": [[1.2, 1.9]], "visual_fake_segments": …}]
  val/id/…/fake.mp4"""
_FILES = ("metadata.json", "metadata.min.json", "test_metadata.json", "val_metadata.json")
IOUS = (0.5, 0.75, 0.95)
PROPOSALS = (50, 20, 10, 5)
_ROUNDS = 300
Stretches = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Item:
    """forged: all stretches; seen: those whose picture is forged. Seconds."""

    name: str
    video: Path
    forged: Stretches
    seen: Stretches


@dataclass(frozen=True)
class Found:
    """proposals: [P, 3], start, end and probability, the most probable first. readable: the file is a video."""

    item: Item
    proposals: Floats
    readable: bool = True


class ForgeryInTime(Benchmark[Item, Found]):
    """See the module. `limit`: videos with forged stretches, and as many without."""

    name = "forgery-in-time"
    about = (
        "videos forged in parts: average precision and recall of the stretches that are told (LAV-DF, AV-Deepfake1M)"
    )
    layout = LAYOUT
    backends = CHOICES
    takes_limit = True

    def items(self) -> Sequence[Item]:
        path = next((self.data / name for name in _FILES if (self.data / name).is_file()), None)
        if path is None:
            raise self.mismatch(f"{self.data} has none of {', '.join(_FILES)}")
        found = list(self._listed(path))
        if not any(item.video.is_file() for item in found):
            what = f"no video is there, the first missing one is {found[0].name}" if found else f"{path.name} is empty"
            raise self.mismatch(what)
        self._tools = Toolbox([tool for tool in default_tools(self.backend) if tool.name == VIDEO])
        return thinned(found, self.limit, by=lambda item: bool(item.forged))

    def _listed(self, path: Path) -> Iterator[Item]:
        rows = self.document(path)
        rows = rows if isinstance(rows, list) else [rows]
        split = "test" if any(isinstance(row, Mapping) and row.get("split") == "test" for row in rows) else None
        for number, row in enumerate(rows):
            item = self._item(row, path)
            if item is None:
                raise self.mismatch(f"{path.name}: entry {number} has no file with its forged stretches")
            if split is None or row.get("split") == split:
                yield item

    def _item(self, row: Any, path: Path) -> Item | None:
        if not isinstance(row, Mapping) or not isinstance(row.get("file"), str):
            return None
        forged = _stretches(row.get("fake_segments", row.get("fake_periods")))
        pictures = forged if row.get("modify_video", True) else ()
        seen = _stretches(row["visual_fake_segments"]) if "visual_fake_segments" in row else pictures
        if forged is None or seen is None:
            return None
        below = self.data / path.name.removesuffix("_metadata.json")
        places = (self.data / row["file"], below / row["file"])
        return Item(row["file"], next((one for one in places if one.is_file()), places[0]), forged, seen)

    def measure(self, item: Item) -> Found:
        session = Session("research")
        try:
            video = Video.open(item.video, name=item.name)
        except MediaError:
            return Found(item, np.zeros((0, 3)), readable=False)
        session.add_video(video)
        outcomes = self._tools.call(session, VIDEO, {})
        return Found(item, proposals([row for outcome in outcomes for row in outcome.evidence]))

    def score(self, measured: Sequence[Found]) -> Result:
        missing = tuple(found.item.name for found in measured if not found.readable)
        readable = [found for found in measured if found.readable]
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{len(measured)} videos, {sum(bool(found.item.forged) for found in readable)} of them forged in "
            "parts; the stretches of the sample as proposals",
            figures=(
                *_figures("all stretches", readable, [found.item.forged for found in readable]),
                *_figures("stretches of the picture", readable, [found.item.seen for found in readable]),
            ),
            complete=not missing,
            missing=missing,
            notes=("Sound is not examined: stretches whose sound alone is forged count as missed among all.",),
            items=tuple(
                ItemScore(
                    id=f"video {number}", of="highest probability", label=bool(found.item.forged), score=_top(found)
                )
                for number, found in enumerate(measured)
            ),
            machine=machine(),
            versions=versions("faceagent", "av", "dlib-bin", "onnxruntime", "numpy"),
        )


def proposals(evidence: Sequence[Evidence]) -> Floats:
    """What examine_video says of the time of a video, [P, 3]: of all faces, the most probable first."""
    told: dict[tuple[float, ...], None] = {}
    for row in evidence:
        for name in ("segments", "timeline"):
            listed = row.details.get(name) if row.attribute == "forgery" else None
            for one in listed if isinstance(listed, list) else ():
                told[tuple(float(value) for value in one)] = None  # type: ignore[arg-type,union-attr]
    found = np.array(sorted(told, key=lambda one: -one[2]), np.float64)
    return found.reshape(-1, 3)


def _stretches(value: Any) -> Stretches | None:
    """Pairs of seconds; None where it is something else."""
    try:
        return tuple((float(start), float(end)) for start, end in value)
    except (TypeError, ValueError):
        return None


def _figures(name: str, found: Sequence[Found], labels: Sequence[Stretches]) -> Iterator[Figure]:
    videos = [
        Located(one.proposals, np.array(label, np.float64).reshape(-1, 2))
        for one, label in zip(found, labels, strict=True)
    ]
    count = sum(map(len, labels))
    if not count:
        return
    rows = np.arange(len(videos))
    for iou in IOUS:
        statistic = _of(videos, lambda drawn, iou=iou: segments.average_precision(drawn, iou))
        yield resampled(f"{name}: AP@{iou}", statistic, [rows], rounds=_ROUNDS, n=count)
    for most in PROPOSALS:
        statistic = _of(videos, lambda drawn, most=most: segments.average_recall(drawn, most))
        yield resampled(f"{name}: AR@{most}", statistic, [rows], rounds=_ROUNDS, n=count)


def _of(videos: Sequence[Located], metric: Any) -> Any:
    """The metric of videos by their numbers."""
    return lambda drawn: metric([videos[place] for place in drawn])


def _top(found: Found) -> float | None:
    return float(found.proposals[0, 2]) if len(found.proposals) else None
