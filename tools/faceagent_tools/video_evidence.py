"""What `examine_video` found, as evidence: on the video, and on each face that was followed through it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from faceagent.geometry import whole_pixels
from faceagent.tool import VIDEO
from faceagent.types import Evidence, Face, Method, Threshold
from faceagent.video import Frame, Gap, Video
from faceagent_tools import forgery, similarity
from faceagent_tools.forensics import ensemble, temporal
from faceagent_tools.forensics.ensemble import Stack
from faceagent_tools.forensics.temporal import FEWEST, ORDINARY_BLINKS, WATCHED, Stretch
from faceagent_tools.forensics.tracks import Seen, Track

METHOD = Method(
    name="faceagent video examination",
    version="1",
    licence="Apache-2.0",
    source="detect_forgery frame by frame (calibration/forgery.json); the median frame and measures between frames",
)
MEDIAN = (
    "The answer on a face is that of its median frame, held against the lines for photos. It was not calibrated on "
    "videos, whose compression differs; its error rates are not known.",
    "Only a sample of the frames was looked at. What lies between them was not.",
    "A face seen from another side or after a cut may count as another face.",
)
SELECTED = "The most suspicious of many frames: one of them may look so by chance."
FACES_A_FRAME = 4
"""The largest of a frame are examined."""
DECIDES_NOTHING = "Told as an observation. It does not bear on the answer."


@dataclass(eq=False)
class Looked:
    """What came of looking at a video.

    duration: seconds. wanted: frames of the sample, or all that the container says there are. times: of the first and
    the last frame of each run, by run. keys: how many frames are coded on their own. tracks: the ones that are told;
    others: how many are not.
    """

    duration: float
    wanted: int
    times: dict[int, tuple[float, float]] = field(default_factory=dict)
    frames: int = 0
    keys: int = 0
    gaps: list[Gap] = field(default_factory=list)
    tracks: tuple[Track, ...] = ()
    others: int = 0

    def saw(self, frame: Frame) -> None:
        self.frames += 1
        self.keys += frame.key
        first, _ = self.times.get(frame.run, (frame.time, frame.time))
        self.times[frame.run] = (first, frame.time)


def of_video(video_id: str, video: Video, looked: Looked) -> list[Evidence]:
    """How much was looked at, what could not be decoded, and, where that is so, that nobody is to be seen."""
    details: dict[str, JsonValue] = {
        "duration_seconds": round(video.duration, 3),
        "frames_a_second": round(video.rate, 3),
        "codec": video.codec,
        "runs": len(looked.times),
        "key_frames": looked.keys,
        "faces_a_frame_at_most": FACES_A_FRAME,
        "faces_followed": len(looked.tracks),
        "further_faces": looked.others,
        "sound": video.has_audio,
    }
    rows = [
        _row(video_id, "frames", value=looked.frames, unit="frames", details=details),
        _row(
            video_id,
            "undecodable",
            value=len(looked.gaps),
            unit="places",
            details={
                "places": [{"seconds": round(gap.time, 2), "why": gap.reason} for gap in looked.gaps],
                "missing_frames": max(0, looked.wanted - looked.frames),
            },
        ),
    ]
    if not looked.tracks:
        reason = "no face was found in the frames looked at" if looked.frames else "no frame of it could be decoded"
        rows.append(_row(video_id, "forgery", status="not_applicable", reason=reason))
    return rows


def of_track(video_id: str, face: Face, track: Track, looked: Looked) -> list[Evidence]:
    """All about one face, under the id of the face that stands for it."""
    where: dict[str, JsonValue] = {"from": round(track.seen[0].time, 2), "to": round(track.last.time, 2)}
    details: dict[str, JsonValue] = {
        "video": video_id,
        "frames": len(track.seen),
        "frames_looked_at": looked.frames,
        "runs": len({one.run for one in track.seen}),
        "width_px": whole_pixels(face.box.width),
    }
    return [
        _row(face.id, "track", value=where, unit="seconds", region=face.box, details=details),
        _forgery(face, track, looked, ensemble.stack()),
        _drift(face, track),
        _jitter(face, track),
        _flicker(face, track),
        _blinks(face, track),
    ]


def worst(face: Face, peak: Seen, of: int, picture: str) -> Evidence:
    """The frame with the highest score: a photo like any other, so its probability is calibrated."""
    assert peak.log_odds is not None and peak.probability is not None
    table = ensemble.stack()
    return _row(
        face.id,
        "worst_frame",
        value=round(peak.time, 2),
        unit="seconds",
        score=peak.log_odds,
        probability=forgery.probability(peak.probability, table),
        method=forgery.method(ensemble.stack()),
        limitations=(SELECTED, *forgery.LIMITS[:2]),
        details={"picture": picture, "of_frames": of},
    )


def _forgery(face: Face, track: Track, looked: Looked, table: Stack) -> Evidence:
    conclusion = temporal.conclude(track, table.high, table.low)
    why_not = Counter(one.reason for one in track.seen if one.log_odds is None and one.reason)
    details: dict[str, JsonValue] = {
        "frames": len(track.examined),
        "not_examined": len(track.seen) - len(track.examined),
    }
    if why_not:
        details["because"] = dict[str, JsonValue](why_not)
    if conclusion is None:
        most = why_not.most_common(1)
        reason = f"in most frames {most[0][0]}" if most else "it was seen in too few frames"
        details["fewest_frames"] = FEWEST
        return _row(face.id, "forgery", status="abstained", reason=reason, limitations=MEDIAN, details=details)
    stretches = temporal.timeline(track, looked.times, looked.duration)
    details |= {
        "above_the_line": conclusion.above,
        "below_the_lower_line": conclusion.below,
        "probability_of_the_median_frame": round(conclusion.probability, 3),
        "line_as_probability": round(1 / (1 + math.exp(-table.high)), 3),
        "timeline": [_told(one) for one in stretches],
        "segments": [_told(one) for one in temporal.segments(track, stretches, table.high)],
    }
    return _row(
        face.id,
        "forgery",
        value=conclusion.finding,
        score=conclusion.log_odds,
        threshold=forgery.threshold(conclusion.finding, table),
        method=forgery.method(ensemble.stack()),
        limitations=(*MEDIAN, *forgery.LIMITS[:2]),
        details=details,
    )


def _told(stretch: Stretch) -> JsonValue:
    """[start, end, probability of the median frame]; seconds."""
    return [round(stretch.start, 2), round(stretch.end, 2), round(stretch.probability, 3)]


def _drift(face: Face, track: Track) -> Evidence:
    found = temporal.drift(track)
    if found is None:
        return _abstained(
            face, "identity_drift", f"fewer than {FEWEST} frames show the face well enough to recognise it"
        )
    table = similarity.table()
    return _row(
        face.id,
        "identity_drift",
        value=found.unlike,
        unit="frames",
        score=found.lowest,
        threshold=Threshold(
            value=table.different_below,
            rule="<",
            meaning="less alike than nearly all pairs of photos of one person",
            source=f"compare_faces, {table.calibrated_on}: {table.miss_rate:.0%} of pairs of one person lie below",
        ),
        limitations=(DECIDES_NOTHING, "Between runs only a face that looks the same is taken for the same."),
        details={"frames": found.frames, "least_alike_at_seconds": round(found.at, 2), "miss_rate": table.miss_rate},
    )


def _jitter(face: Face, track: Track) -> Evidence:
    found = temporal.jitter(track)
    if found is None:
        return _abstained(face, "landmark_jitter", "no three frames that follow one another show the face well enough")
    return _row(
        face.id,
        "landmark_jitter",
        value=round(100 * found[0], 2),
        unit="% of the distance between the eyes",
        limitations=(DECIDES_NOTHING, "No ordinary range is known."),
        details={"triples_of_frames": found[1]},
    )


def _flicker(face: Face, track: Track) -> Evidence:
    found = temporal.flicker(track)
    if found is None:
        return _abstained(face, "score_flicker", "no two frames that follow one another were examined")
    return _row(
        face.id,
        "score_flicker",
        value=round(found[0], 2),
        unit="log odds from one frame to the next",
        limitations=(DECIDES_NOTHING, "No ordinary range is known."),
        details={"pairs_of_frames": found[1]},
    )


def _blinks(face: Face, track: Track) -> Evidence:
    found = temporal.blinks(track)
    details: dict[str, JsonValue] = {
        "closed_in_frames": found.closed,
        "of_frames": found.frames,
        "begun": found.begun,
        "watched_seconds": round(found.watched, 1),
        "least_seconds": WATCHED,
        "ordinary_a_minute": [*ORDINARY_BLINKS],
        "ordinary_source": "95 % of adults in conversation, fewer in silence: Doughty 2001, Optom Vis Sci 78 (10)",
    }
    rate = found.a_minute
    if rate is None:
        reason = f"the frames that follow one another cover {found.watched:.1f} seconds, and a rate takes {WATCHED:.0f}"
        return _abstained(face, "blinks", reason, details)
    return _row(
        face.id,
        "blinks",
        value=round(rate, 1),
        unit="a minute",
        limitations=(DECIDES_NOTHING, "A look down reads as closed eyes."),
        details=details,
    )


def _abstained(face: Face, attribute: str, reason: str, details: Mapping[str, JsonValue] | None = None) -> Evidence:
    return _row(face.id, attribute, status="abstained", reason=reason, details=dict(details or {}))


def _row(subject: str, attribute: str, **fields: object) -> Evidence:
    return Evidence.model_validate(
        {"tool": VIDEO, "subject": subject, "attribute": attribute, "method": METHOD, **fields}
    )
