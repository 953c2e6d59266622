"""check_liveness: was a face in front of the camera, or was the camera shown a print or a screen.

MiniFASNet (`minifasnet`) scores the face with its surroundings. The score is held against two lines, both measured on
ordinary photos (`python -m faceagent_finetune.nets.check_liveness`): one that few of them fall below, one that half of
them reach. Between the lines nothing is said. How many attacks are missed is not known, so there is no probability.
This is presentation attack detection (ISO/IEC 30107), not a search for deepfakes: a swapped face can be filmed live,
and a genuine photo can be held before a camera.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from pydantic import JsonValue

from faceagent.geometry import whole_pixels
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Box, Claim, Evidence, Face, GroupError, Method, Threshold
from faceagent_tools import align, five_points, weights
from faceagent_tools.backends import backend
from faceagent_tools.data_sets import data_set
from faceagent_tools.minifasnet import SCALES, MiniFASNet

Finding = Literal["bona_fide", "attack", "undecided"]

FURTHEST_TURN = 30.0
"""Degrees of yaw, pitch or roll: upstream asks for less ("Before test you must know" in its README)."""
GRAIN = 0.05
WHOLE = 0.9
"""Share of the face's box that has to lie in the photo: upstream asks for a complete face, boxes err a little."""


@dataclass(frozen=True)
class Lines:
    """What check_liveness.py measured (calibration/liveness.json).

    attack: score up to which a face is called an attack. live: score from which it is called live.
    smallest: side of the face in pixels below which clearly more ordinary photos are called an attack.
    photos: ordinary photos in all; counts: by set. called_attack: share of them up to `attack`, by set and in all.
    called_live_in_all: share from `live`. scores: those that `shares` of the ordinary photos fall below, ascending.
    """

    attack: float
    live: float
    smallest: float
    photos: int
    called_attack: Mapping[str, float]
    called_attack_in_all: float
    called_live_in_all: float
    counts: Mapping[str, int]
    shares: tuple[float, ...]
    scores: tuple[float, ...]

    def as_low(self, score: float) -> float:
        """Share of ordinary photos that score as low, to the nearest twentieth: more would pretend an accuracy."""
        return round(float(np.interp(score, self.scores, self.shares)) / GRAIN) * GRAIN

    def finding(self, score: float) -> Finding:
        if score <= self.attack:
            return "attack"
        return "bona_fide" if score >= self.live else "undecided"


@cache
def lines() -> Lines:
    """The table that ships with the tool."""
    text = files("faceagent_tools").joinpath("calibration", "liveness.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return Lines(
        attack=table["lines"]["attack"],
        live=table["lines"]["live"],
        smallest=table["smallest_face_px"],
        photos=table["in_all"]["photos"],
        called_attack={name: row["called_attack"] for name, row in table["sets"].items()},
        called_attack_in_all=table["in_all"]["called_attack"],
        called_live_in_all=table["in_all"]["called_live"],
        counts={name: row["photos"] for name, row in table["sets"].items()},
        shares=tuple(table["ordinary_scores"]["shares"]),
        scores=tuple(table["ordinary_scores"]["scores"]),
    )


def box_of(face: Face) -> Box:
    """The square that stands in for the box of upstream's detector, from the brows to the chin.

    That detector's boxes are as good as square and lie on dlib's square within some six per cent of its side
    (calibration/liveness.json, "upstream_box"), whichever detector found the face here.
    """
    (x, y), side = align.square_of(face)
    return Box(x0=x - side / 2, y0=y - side / 2, x1=x + side / 2, y1=y + side / 2)


class CheckLiveness(FaceTool[SubjectArguments]):
    """The tool. Its networks download on request (`faceagent models get minifasnet-v2`, and `minifasnet-v1se`)."""

    name = "check_liveness"
    description = (
        "Check whether a face was in front of the camera or the camera was shown a printed photo or a screen "
        "(presentation attack: print, replay). Made for pictures taken by a log-in or selfie camera. It does not look "
        "for deepfakes or edits: that is detect_forgery."
    )
    arguments = SubjectArguments
    needs_faces = True

    def __init__(self, network: MiniFASNet | None = None) -> None:
        self._network = network or MiniFASNet()

    def run(self, session: Session, arguments: SubjectArguments) -> list[Evidence]:
        return [self._measure(session.photo(face.image), face) for face in session.faces_in(arguments.subjects)]

    def _measure(self, photo: Photo, face: Face) -> Evidence:
        table = lines()
        reason = unfit(photo, face, table.smallest)
        if reason is not None:
            return Evidence(
                tool=self.name,
                subject=face.id,
                attribute="liveness",
                status="abstained",
                reason=reason,
                region=face.box,
                method=METHOD,
                limitations=LIMITS,
                details={"width_px": whole_pixels(box_of(face).width), "smallest_px": table.smallest},
            )
        found = self._network.look(photo.pixels, box_of(face))
        finding = table.finding(found.live)
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="liveness",
            value=finding,
            score=found.live,
            threshold=_threshold(finding, table),
            region=face.box,
            method=METHOD,
            group_errors=tuple(
                GroupError(
                    group=f"ordinary photos ({data_set(name)})",
                    rate=rate,
                    kind="called an attack",
                    n=table.counts[name],
                )
                for name, rate in table.called_attack.items()
            ),
            limitations=LIMITS,
            details={
                "by_network": {name: round(live, 3) for name, live in found.each.items()},
                "crop_in_faces": {name: round(scale, 1) for name, scale in found.scale.items()},
                "attack_line": table.attack,
                "live_line": table.live,
                "ordinary_photos": table.photos,
                "ordinary_photos_as_low": round(table.as_low(found.live), 2),
                "ordinary_photos_to_the_nearest": GRAIN,
                "ordinary_photos_called_attack": table.called_attack_in_all,
                "ordinary_photos_called_live": table.called_live_in_all,
                "sha256_of_minifasnet-v1se": weights.row("minifasnet-v1se").sha256,
            },
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        measured = [row for row in evidence if row.attribute == "liveness" and row.status == "ok"]
        claims: list[Claim] = []
        for finding in ("attack", "bona_fide", "undecided"):
            rows = [row for row in measured if row.value == finding]
            if rows:
                claims += _said(finding, rows, names)
        abstained = [row for row in evidence if row.status == "abstained"]
        for reason in dict.fromkeys(row.reason for row in abstained):
            rows = [row for row in abstained if row.reason == reason]
            who = names.of(" + ".join(row.subject for row in rows))
            sentence = f"Whether {who} {_was(rows)} in front of the camera was not judged, because {reason}."
            claims.append(Claim.on(rows, sentence, "answer"))
        if measured:
            claims += _doubts(measured[0])
        return claims

    def backends(self) -> list[Backend]:
        """Both networks: each is a file of its own to get, and the tool needs both."""
        return [backend(name, self.name, chosen=True) for name in SCALES]


METHOD = Method(
    name="minifasnet-v2 + minifasnet-v1se",
    version=weights.row("minifasnet-v2").version,
    licence=weights.row("minifasnet-v2").licence,
    sha256=weights.row("minifasnet-v2").sha256,
    source=weights.row("minifasnet-v2").source,
)
LIMITS = (
    "How many prints and screens are missed is not known: there were no labelled ones to measure it on.",
    "Made for a camera held in front of a face. Press photos, scans, studio portraits and retouched pictures lie "
    "outside of that, and their scores say less.",
    "A face swapped or generated by software and a mask are other attacks; this check is not made to find them.",
)


def unfit(photo: Photo, face: Face, smallest: float) -> str | None:
    """Why a face cannot be judged, or None where it can.

    Args:
        smallest: side of the face's square in pixels.

    Raises:
        WeightsError: the landmark model is missing or damaged.
    """
    box = box_of(face)
    if box.width < smallest:
        return f"at less than {smallest:.0f} pixels across too little of a surface can be seen"
    if box.clipped(photo.width, photo.height).area < WHOLE * box.area:
        return "part of the face lies outside of the photo"
    pose = five_points.pose_of(photo, face)
    if max(abs(pose.yaw), abs(pose.pitch), abs(pose.roll)) > FURTHEST_TURN:
        return "the head is turned or leans too far for this check"
    return None


def _threshold(finding: Finding, table: Lines) -> Threshold:
    if finding == "bona_fide":
        return Threshold(
            value=table.live,
            rule=">=",
            meaning="scores as live as ordinary photos",
            source=f"reached by half of {table.photos} ordinary photos: calibration/liveness.json",
        )
    return Threshold(
        value=table.attack,
        rule="<=",
        meaning="scores lower than nearly all ordinary photos",
        source=f"no more than one in twenty of any set of {table.photos} ordinary photos: calibration/liveness.json",
    )


def _said(finding: Finding, rows: Sequence[Evidence], names: Names) -> list[Claim]:
    who = names.of(" + ".join(row.subject for row in rows))
    score = "The score is" if len(rows) == 1 else "The scores are"
    known = rows[0].details
    if finding == "undecided":
        answer = f"It stays undecided whether {who} {_was(rows)} live in front of the camera or on a print or a screen."
        reason = f"{_as_low(rows)} of {known['ordinary_photos']} ordinary photos score as low."
    elif finding == "attack":
        answer = f"The surface and surroundings of {who} support a print or a screen over a live capture."
        reason = (
            f"{score} lower than nearly all of {known['ordinary_photos']} ordinary photos get: "
            f"{_percent(known['ordinary_photos_called_attack'], 1)} of those, which showed no attack, score as low."
        )
    else:
        answer = f"The surface and surroundings of {who} support a live capture over a print or a screen."
        reason = f"{score} as high as in the upper half of {known['ordinary_photos']} ordinary photos."
    return [Claim.on(rows, answer, "answer"), Claim.on(rows, reason, "reason")]


def _as_low(rows: Sequence[Evidence]) -> str:
    found = sorted({share for row in rows if isinstance(share := row.details["ordinary_photos_as_low"], float)})
    low, high = _percent(found[0]), _percent(found[-1])
    if not found[-1]:
        return f"Fewer than {_percent(GRAIN)}"
    if low == high:
        return f"About {low}"
    return f"Up to {high}" if not found[0] else f"Between {low} and {high}"


def _doubts(row: Evidence) -> list[Claim]:
    sentences = [
        "How many prints and screens this check misses is not known.",
        "It was made for a camera held in front of a face, as at a log-in; for press photos, scans and retouched "
        "portraits its answer counts for less.",
        "It does not look for deepfakes: a face altered by software can still pass as live.",
    ]
    if row.value != "bona_fide":
        sentences = sentences[:2]
    return [Claim.on([row], sentence, "doubt") for sentence in sentences]


def _was(rows: Sequence[Evidence]) -> str:
    return "was" if len(rows) == 1 else "were"


def _percent(share: JsonValue, decimals: int = 0) -> str:
    return f"{float(share) * 100:.{decimals}f} %" if isinstance(share, int | float) else "some"
