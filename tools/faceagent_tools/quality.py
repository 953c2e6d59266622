"""assess_quality: is a face in a photo good enough, for what, and if not, why.

Per face: sharpness, exposure, contrast, noise, size, how much of it carries detail, frontality, fine detail (of large
faces), a cue of covered parts,
whether eyes and mouth are as documents ask, and the purposes that it is fit for. Per photo: traces of JPEG compression.
Every line is measured (`quality_table`, `pose_table`) or comes from a standard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, JsonValue

from faceagent.geometry import whole_pixels
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Method
from faceagent_tools import align, multitask, pose_table, quality_table, readable, resolution, weights
from faceagent_tools import quality_measures as measures
from faceagent_tools.align import Aligned
from faceagent_tools.multitask import FaceReader, Reading
from faceagent_tools.quality_table import Level, Scale, Table
from faceagent_tools.quality_words import FIRST, word

IDENTITY, ATTRIBUTES, FORENSIC = "identity comparison", "attribute estimation", "forensic examination"
PURPOSES = (IDENTITY, ATTRIBUTES, FORENSIC)

SMALLEST_FACE_PX = 24
"""Width of the box below which nothing but the size is measured: fewer pixels than the cue's own grid has cells."""
DOCUMENTS = "ISO/IEC 19794-5:2011 and ICAO Doc 9303: eyes open, mouth closed"
WIDEST_YAW = 40.0
"""Degrees; a face turned further no longer lies where the occlusion cue expects its parts."""

METHOD = Method(
    name="faceagent quality measures",
    version="1",
    licence="Apache-2.0",
    source="measures after ISO/IEC 29794-5:2025; lines from calibration/quality.json",
)

# What each level of a measure is called. The first is good; "poor" fails identity comparison.
_VALUES: dict[str, dict[Level, str]] = {
    "sharpness": {"good": "sharp", "reduced": "soft", "poor": "blurred"},
    "detail": {"good": "full", "reduced": "weak", "poor": "weak"},
    "contrast": {"good": "good", "reduced": "low", "poor": "very_low"},
    "noise": {"good": "low", "reduced": "visible", "poor": "strong"},
    "frontality": {"good": "frontal", "reduced": "turned", "poor": "turned_far"},
    "compression": {"good": "none_seen", "reduced": "visible", "poor": "strong"},
}
_DARK: dict[Level, str] = {"good": "good", "reduced": "dim", "poor": "too_dark"}
_BRIGHT: dict[Level, str] = {"good": "good", "reduced": "bright", "poor": "overexposed"}
_JUDGED = (
    "sharpness",
    "exposure",
    "contrast",
    "noise",
    "frontality",
    "occlusion_cue",
    "eyes_and_mouth",
    "effective_resolution",
    "fitness",
)
"""What is abstained from where a face cannot be judged."""
_CUE = "A cue and no measurement: beards, deep shadow, odd light and turned heads can raise it."


@dataclass(frozen=True)
class Measured:
    """One measure: what it is called in evidence, its number, and the scale it is held against."""

    attribute: str
    score: float
    scale: Scale
    value: JsonValue
    meaning: str
    details: Mapping[str, JsonValue]
    unit: str | None = None

    @property
    def level(self) -> Level:
        return self.scale.level(self.score)


class QualityArguments(SubjectArguments):
    about: tuple[Literal["document", "sharpest"], ...] = Field(
        default=(),
        description=(
            "What is asked about, so that it is told first. document: a passport or the like; sharpest: which of "
            "several faces is the sharper or sharpest."
        ),
    )


class AssessQuality(FaceTool[QualityArguments]):
    """The tool. It needs the alignment's landmark model; its networks come with the package.

    Args:
        reader: the network that reads faces, shared with the other tools.
    """

    name = "assess_quality"
    description = (
        "Judge whether faces are sharp, well lit, large and frontal enough, and for which purpose: comparing identity, "
        "estimating attributes, forensic examination. Also says why the quality is poor, whether something may cover "
        "the face, and whether the photo is strongly compressed."
    )
    arguments = QualityArguments
    needs_faces = True

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def run(self, session: Session, arguments: QualityArguments) -> list[Evidence]:
        """All measures. Those of what is asked about come first, by which `word` knows what to tell first."""
        table = quality_table.table()
        rows: list[Evidence] = []
        for image_id in session.images_in(arguments.subjects):
            photo = session.photo(image_id)
            compression = self._compression(image_id, photo, table)
            rows.append(compression)
            for face in session.faces_in(arguments.subjects):
                if face.image == image_id:
                    rows += self._face(session, face, table, compression)
        first = [FIRST[asked] for asked in arguments.about]
        return sorted(rows, key=lambda row: row.attribute not in first)

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return word(evidence, names)

    def backends(self) -> list[Backend]:
        here = weights.find(multitask.WEIGHTS) is not None
        return [
            Backend(self.name, METHOD, "method", here=True, chosen=True),
            Backend(self.name, self._reader.method, "embedded", here=here, chosen=True),
            Backend(self.name, quality_table.occlusion_method(), "embedded", here=True, chosen=True),
        ]

    def _compression(self, image_id: str, photo: Photo, table: Table) -> Evidence:
        score = measures.blockiness(measures.luminance(measures.centre(photo.pixels)))
        level = table.compression.level(score)
        details: dict[str, JsonValue] = {"ordinary_line": table.compression.ordinary.value}
        if level != "good":
            details["like_jpeg_quality"] = round(table.jpeg_quality_at(score))
        return Evidence(
            tool=self.name,
            subject=image_id,
            attribute="compression",
            value=_VALUES["compression"][level],
            score=score,
            threshold=table.compression.threshold("little enough compression for an identity comparison"),
            method=METHOD,
            details=details,
            limitations=("Traces of JPEG are wiped out by resizing and can then not be seen.",),
        )

    def _face(self, session: Session, face: Face, table: Table, compression: Evidence) -> list[Evidence]:
        photo = session.photo(face.image)
        aligned = align.of(session, face)
        size = _size(face, measures.eye_distance(aligned.points), table)
        if unjudged := self._unjudged(photo, face):
            return [self._row(face, size), *unjudged]
        chip = aligned.chip(measures.CHIP_SIZE, measures.CHIP_PADDING)
        reading = self._reader.read(session, face)
        yaw = abs(reading.pose.yaw)
        found = [
            size,
            *_resolved(photo, face, size.score, table),
            *_measures(photo, face, chip, size.score, yaw, table),
            *_detail(aligned, size.score, table),
        ]
        cue = self._cue(face, chip, yaw, table)
        return [
            *(self._row(face, measured) for measured in found),
            cue,
            self._eyes_and_mouth(face, reading),
            self._fitness(face, found, compression, cue),
        ]

    def _unjudged(self, photo: Photo, face: Face) -> list[Evidence]:
        """Rows that say why nothing but the size is measured; none where everything is."""
        width = whole_pixels(face.box.width)
        details: dict[str, JsonValue] = {"width_px": width}
        if face.box.width < SMALLEST_FACE_PX:
            details["smallest_px"] = SMALLEST_FACE_PX
            reason = f"the face is only {width} pixels wide; below {SMALLEST_FACE_PX} little can be measured"
        elif outside := readable.why_not(photo, face):
            reason = outside
        else:
            return []
        return [
            Evidence(
                tool=self.name,
                subject=face.id,
                attribute=attribute,
                status="abstained",
                reason=reason,
                method=METHOD,
                details=details,
            )
            for attribute in _JUDGED
        ]

    def _eyes_and_mouth(self, face: Face, reading: Reading) -> Evidence:
        turned = abs(reading.pose.yaw) > pose_table.EYES_YAW
        lines = pose_table.table()
        states = [pose_table.eye(opening, lines) for opening in reading.openings[:2]]
        eyes = next((state for state in ("closed", "partly") if state in states), "open")
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="eyes_and_mouth",
            value=None if turned else {"eyes": eyes, "mouth": pose_table.mouth(reading.openings[2], lines)},
            status="abstained" if turned else "ok",
            reason="the head is turned too far to see both eyes well" if turned else None,
            method=self._reader.method,
            details={"asked": {"eyes": "open", "mouth": "closed"}, "asked_by": DOCUMENTS},
        )

    def _row(self, face: Face, measured: Measured) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute=measured.attribute,
            value=measured.value,
            unit=measured.unit,
            score=measured.score,
            threshold=measured.scale.threshold(measured.meaning),
            method=METHOD,
            region=face.box if measured.attribute == "face_size" else None,
            details=dict(measured.details),
        )

    def _cue(self, face: Face, chip: Pixels, yaw: float, table: Table) -> Evidence:
        method, known = quality_table.occlusion_method(), table.occlusion
        if yaw > WIDEST_YAW:
            return Evidence(
                tool=self.name,
                subject=face.id,
                attribute="occlusion_cue",
                status="abstained",
                reason="the head is turned too far for the cue, which expects a face seen roughly from the front",
                method=method,
                details={"yaw_degrees": round(yaw), "widest_yaw_degrees": WIDEST_YAW},
            )
        found = quality_table.occlusion_net().scores(chip)
        zones = [
            name
            for name, score, line in (("eyes", found.eyes, known.eyes), ("mouth", found.mouth, known.mouth))
            if score > line.value
        ]
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="occlusion_cue",
            value=list[JsonValue](zones),
            method=method,
            group_errors=known.false_alarms,
            limitations=(_CUE,),
            details={
                "eyes_score": round(found.eyes, 3),
                "eyes_line": round(known.eyes.value, 3),
                "mouth_score": round(found.mouth, 3),
                "mouth_line": round(known.mouth.value, 3),
                "lines_source": known.eyes.source,
                "found_on_drawn_covers": dict(known.found),
            },
        )

    def _fitness(self, face: Face, found: Sequence[Measured], compression: Evidence, cue: Evidence) -> Evidence:
        limits = {purpose: _limits(purpose, found, compression) for purpose in PURPOSES}
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="fitness",
            value=[purpose for purpose in PURPOSES if not limits[purpose]],
            method=METHOD,
            details={
                "limits": {purpose: list[JsonValue](found) for purpose, found in limits.items()},
                "may_be_covered": cue.value,
            },
            limitations=(
                "The lines for comparing are those of this system's own recognition network; another system, or a "
                "human examiner, may need more or less.",
                "The standards for document photos ask for more than is measured here: background, gaze, a neutral "
                "expression.",
            ),
        )


def _measures(photo: Photo, face: Face, chip: Pixels, eye_distance: float, yaw: float, table: Table) -> list[Measured]:
    luminance = measures.luminance(chip)
    light = measures.light(luminance)
    crop = measures.face_crop(photo.pixels, face.box, eye_distance)
    grain = measures.noise(measures.luminance(crop))
    for_comparing = "enough for an identity comparison"
    return [
        _measured("sharpness", measures.sharpness(luminance), table.sharpness, f"sharp {for_comparing}"),
        _exposure(light, table),
        _measured("contrast", light.contrast, table.contrast, f"contrast {for_comparing}"),
        _measured("noise", grain, table.noise, f"free of noise {for_comparing}"),
        _measured("frontality", yaw, quality_table.turn(), f"frontal {for_comparing}"),
    ]


def _measured(attribute: str, score: float, scale: Scale, meaning: str) -> Measured:
    details: dict[str, JsonValue] = {
        "ordinary_line": scale.ordinary.value,
        "ordinary_line_source": scale.ordinary.source,
        **_missed(scale, score, quality_table.table()),
    }
    value = _VALUES[attribute][scale.level(score)]
    return Measured(attribute, score, scale, value, meaning, details)


def _detail(aligned: Aligned, eye_distance: float, table: Table) -> list[Measured]:
    """Whether a large face has the fine detail of its size; not asked of smaller ones."""
    documents = table.eyes.forensic
    if documents is None or eye_distance < documents.value:
        return []
    large = aligned.chip(2 * measures.CHIP_SIZE, measures.CHIP_PADDING)
    score = measures.fine_detail(measures.luminance(large))
    return [_measured("detail", score, table.detail, "as rich in fine detail as ordinary photos of this size")]


def _missed(scale: Scale, score: float, table: Table) -> dict[str, JsonValue]:
    """How often compare_faces missed that two photos show one person, at this level and with undamaged photos."""
    missed = scale.missed_at(score)
    if missed is None:
        return {}
    return {
        "missed_at_this_level": round(missed, 3),
        "missed_undamaged": round(table.missed_undamaged, 3),
        "pairs_tried": table.pairs,
    }


def _exposure(light: measures.Light, table: Table) -> Measured:
    """Darkness and glare are two measures: whichever is worse speaks."""
    order: tuple[Level, ...] = ("good", "reduced", "poor")
    dark, bright = table.brightness.level(light.mean), table.glare.level(light.bright_share)
    details: dict[str, JsonValue] = {
        "mean_luminance": round(light.mean, 1),
        "underexposed_share": round(light.dark_share, 3),
        "overexposed_share": round(light.bright_share, 3),
        "ordinary_mean_luminance_from": table.brightness.ordinary.value,
        "ordinary_overexposed_share_up_to": table.glare.ordinary.value,
    }
    if order.index(bright) > order.index(dark):
        details |= _missed(table.glare, light.bright_share, table)
        meaning = "free of glare enough for an identity comparison"
        return Measured("exposure", light.bright_share, table.glare, _BRIGHT[bright], meaning, details)
    details |= _missed(table.brightness, light.mean, table)
    meaning = "bright enough for an identity comparison"
    return Measured("exposure", light.mean, table.brightness, _DARK[dark], meaning, details)


def _size(face: Face, eye_distance: float, table: Table) -> Measured:
    eyes = round(eye_distance, 1)
    details: dict[str, JsonValue] = {
        "width_px": whole_pixels(face.box.width),
        "height_px": whole_pixels(face.box.height),
        "eyes_px": whole_pixels(eyes),
        **_missed(table.eyes, eye_distance, table),
    }
    if table.eyes.forensic is not None:
        details |= {"documents_px": table.eyes.forensic.value, "documents_source": table.eyes.forensic.source}
    return Measured("face_size", eyes, table.eyes, eyes, "large enough for an identity comparison", details, "px")


def _resolved(photo: Photo, face: Face, eye_distance: float, table: Table) -> list[Measured]:
    """How many of the pixels between the eyes carry detail; nothing of a face that is too small for it."""
    factor = resolution.factor(photo.pixels, *align.square_of(face))
    if factor is None:
        return []
    estimator = resolution.estimator()
    enlarged = factor >= estimator.line
    resolved = round(eye_distance / factor if enlarged else eye_distance, 1)
    details: dict[str, JsonValue] = {
        "eyes_px": whole_pixels(eye_distance),
        "resolved_px": whole_pixels(resolved),
        "line": estimator.line,
        "line_source": "calibration/resolution.json",
        **({"enlarged_about": round(factor, 1)} if enlarged else {}),
    }
    meaning = "enough detail for an identity comparison"
    return [Measured("effective_resolution", resolved, table.eyes, resolved, meaning, details, "px")]


def _limits(purpose: str, found: Sequence[Measured], compression: Evidence) -> list[str]:
    """The attributes that stand against a purpose."""
    field = {IDENTITY: "identity", ATTRIBUTES: "attributes", FORENSIC: "forensic"}[purpose]
    table = quality_table.table()
    against = [
        measured.attribute
        for measured in found
        if not measured.scale.meets(getattr(measured.scale, field), measured.score)
    ]
    if compression.score is not None and not table.compression.meets(
        getattr(table.compression, field), compression.score
    ):
        against.append("compression")
    return against
