"""estimate_pose: which way a head is turned, whether eyes and mouth are open, roughly where the eyes look, 68 points.

All are read by faceagent-multitask, which learned them from a face mesh. How far off it is was measured on photos that
it had not seen (calibration/pose.json, `pose_table`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, JsonValue

from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, ClaimRole, Evidence, Face, Interval, Threshold
from faceagent_tools import align, multitask, pose_table, readable, weights
from faceagent_tools.multitask import FaceReader, Floats, Reading
from faceagent_tools.pose_table import Table

STRAIGHT = 10.0  # degrees: about the error of the method, so less is not spoken of
GAZE_WIDTH = 64.0  # pixels: the irises of a smaller face are two pixels wide
LIMIT = (
    "The angles are those of a face mesh, on which the network was taught and measured, not of an instrument; "
    "between photos of one head they may differ by as much as the error stated."
)
EYES_LIMIT = (
    "A lid over a downward look counts as closed; laughing narrows eyes, and eyes that are narrow by nature may be "
    "read as partly closed."
)
GAZE_LIMIT = "Rough: it tells only on which side of the eye the iris stands, and nothing of up and down."


About = Literal["head", "eyes", "mouth", "gaze", "points"]


class PoseArguments(SubjectArguments):
    about: tuple[About, ...] = Field(
        default=(),
        description=(
            "What to measure. Empty: everything. head: where it points; eyes, mouth: open or closed; gaze: where the "
            "eyes look; points: 68 points of the face."
        ),
    )


class EstimatePose(FaceTool[PoseArguments]):
    """The tool.

    Args:
        reader: the network that reads faces, shared with the other tools.
    """

    name = "estimate_pose"
    description = (
        "Measure which way heads are turned: yaw (left, right), pitch (up, down) and roll (leaning), in degrees. "
        "Also whether the eyes and the mouth are open, roughly where the eyes look, and 68 points of the face."
    )
    arguments = PoseArguments
    needs_faces = True

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def run(self, session: Session, arguments: PoseArguments) -> list[Evidence]:
        faces = session.faces_in(arguments.subjects)
        return [row for face in faces for row in self._face(session, face, arguments.about)]

    def _face(self, session: Session, face: Face, about: Sequence[About]) -> list[Evidence]:
        reading = readable.read(self._reader, session, face)
        if isinstance(reading, str):
            return [self._row(face, _ATTRIBUTE[about[0] if about else "head"], abstained=reading, limitations=(LIMIT,))]
        table = pose_table.table()
        measures: Mapping[About, Callable[[], Evidence]] = {
            "head": lambda: self._pose(face, reading, table),
            "eyes": lambda: self._eyes(face, reading, table),
            "mouth": lambda: self._mouth(face, reading, table),
            "gaze": lambda: self._gaze(face, reading, table),
            "points": lambda: self._points(face, reading),
        }
        return [measure() for what, measure in measures.items() if what in about or not about]

    def _row(
        self, face: Face, attribute: str, value: JsonValue = None, abstained: str | None = None, **more: Any
    ) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute=attribute,
            value=value,
            status="abstained" if abstained else "ok",
            reason=abstained,
            region=face.box,
            method=self._reader.method,
            **more,
        )

    def _pose(self, face: Face, reading: Reading, table: Table) -> Evidence:
        pose = reading.pose
        roll = (pose.roll + 180.0) % 360.0 - 180.0
        if abs(pose.yaw) > table.yaw_reach or abs(pose.pitch) > table.pitch_reach:
            how = "turned" if abs(pose.yaw) > table.yaw_reach else "raised or lowered"
            reason = f"the head is {how} further than was tested"
            return self._row(face, "pose", abstained=reason, limitations=(LIMIT,))
        band = table.pose.band(pose.yaw)
        error = band.error80
        return self._row(
            face,
            "pose",
            {"yaw": round(pose.yaw, 1), "pitch": round(pose.pitch, 1), "roll": round(roll, 1)},
            unit="degrees",
            interval=Interval(low=round(pose.yaw - error.yaw, 1), high=round(pose.yaw + error.yaw, 1), level=0.8),
            details={
                "interval_of": "yaw",
                "error80_degrees": error.model_dump(),
                "error80_of_faces": band.faces,
                "yaw_about": _rounded(pose.yaw),
                "pitch_about": _rounded(pose.pitch),
                "roll_about": _rounded(roll),
                "straight_within": STRAIGHT,
            },
            limitations=(LIMIT,),
        )

    def _eyes(self, face: Face, reading: Reading, table: Table) -> Evidence:
        if abs(reading.pose.yaw) > pose_table.EYES_YAW:
            return self._row(face, "eyes", abstained="the head is turned too far to see both eyes well")
        sides = pose_table.sides(reading.points)
        states = (pose_table.eye(opening, table) for opening in reading.openings[:2])
        return self._row(
            face,
            "eyes",
            dict(zip(sides, states, strict=True)),
            details={
                "height_by_width": {
                    side: round(opening, 2) for side, opening in zip(sides, reading.openings[:2], strict=True)
                },
                "subject_s_own": dict(zip(sides, ("right eye", "left eye"), strict=True)),
                "closed_below": table.eye_closed.value,
                "closed_source": table.eye_closed.source,
                "share_of_those_read_as_closed_that_are": table.eye_closed.kept,
                "share_of_closed_eyes_found": table.eye_closed.found,
                "open_from": table.eye_open.value,
            },
            limitations=(EYES_LIMIT,),
        )

    def _mouth(self, face: Face, reading: Reading, table: Table) -> Evidence:
        opening, line = round(reading.openings[2], 2), table.mouth_open
        threshold = None
        if line.value is not None:
            threshold = Threshold(value=line.value, rule=">=", meaning="an open mouth", source=line.source)
        return self._row(
            face,
            "mouth",
            pose_table.mouth(reading.openings[2], table),
            score=reading.openings[2],
            threshold=threshold,
            details={
                "height_by_width": opening,
                "share_of_those_read_as_open_that_are": line.kept,
                "share_of_open_mouths_found": line.found,
            },
        )

    def _gaze(self, face: Face, reading: Reading, table: Table) -> Evidence:
        line = table.gaze_aside.value
        reason = _no_gaze(face, reading, table)
        if line is None or reason:
            reason = reason or "the network does not follow irises well enough"
            return self._row(face, "gaze", abstained=reason, limitations=(GAZE_LIMIT,))
        gaze = pose_table.gaze(reading.points)
        value = "straight" if abs(gaze) < line else "left_edge" if gaze < 0 else "right_edge"
        return self._row(
            face,
            "gaze",
            value,
            score=abs(gaze),
            threshold=Threshold(
                value=line, rule=">=", meaning="eyes turned to the side", source=table.gaze_aside.source
            ),
            details={
                "iris_from_the_middle_in_eye_widths": round(gaze, 2),
                "share_of_those_read_as_aside_that_are": table.gaze_aside.kept,
                "share_of_eyes_turned_aside_found": table.gaze_aside.found,
                # Yaw is positive, and this negative, towards the left edge.
                "against_the_turn_of_the_head": value != "straight"
                and abs(reading.pose.yaw) >= STRAIGHT
                and gaze * reading.pose.yaw > 0,
            },
            limitations=(GAZE_LIMIT,),
        )

    def _points(self, face: Face, reading: Reading) -> Evidence:
        return self._row(
            face,
            "points68",
            68,
            details={
                "order": "300-W: jaw, brows, nose, eyes, outer and inner lips",
                "xy": _flat(reading.points[:68]),
                "irises_xy": _flat(reading.points[68:]),
            },
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        measured = [row for row in evidence if row.attribute == "pose" and row.status == "ok"]
        claims = [Claim.on([row], f"{names.start(row.subject)} {_direction(row)}.", "answer") for row in measured]
        # Where all was measured nothing in particular was asked about: eyes are told if they strike, mouths are not.
        asked = _without(evidence, "points68")
        claims += _unjudged(evidence, names, asked)
        claims += _eyes(evidence, names, asked)
        claims += _mouths(evidence, names, asked)
        # Beside the direction of the head, that of the eyes adds to the answer.
        claims += _looking(evidence, names, _without(evidence, "pose"))
        return claims

    def backends(self) -> list[Backend]:
        files = (multitask.WEIGHTS, align.POINTS)
        here = all(weights.find(name) is not None for name in files)
        how = None if here else weights.command(next(name for name in files if weights.find(name) is None))
        size = weights.row(multitask.WEIGHTS).size
        return [Backend(self.name, self._reader.method, "embedded", here=here, chosen=True, size=size, how=how)]


_ATTRIBUTE: Mapping[About, str] = {
    "head": "pose",
    "eyes": "eyes",
    "mouth": "mouth",
    "gaze": "gaze",
    "points": "points68",
}
_UNJUDGED = {
    "pose": "The direction",
    "eyes": "The state of the eyes",
    "mouth": "The mouth",
    "points68": "The place of the features",
}
_STATES = {"open": "open", "partly": "neither clearly open nor closed", "closed": "closed, or nearly so"}


def _no_gaze(face: Face, reading: Reading, table: Table) -> str | None:
    """Why nothing can be said of where the eyes look, or None."""
    if face.box.width < GAZE_WIDTH:
        return "the face is too small for that"
    if abs(reading.pose.yaw) > pose_table.GAZE_YAW:
        return "the head is turned too far for that"
    if not pose_table.upright(reading.pose):
        return "the head leans too far for that"
    if any(pose_table.eye(opening, table) != "open" for opening in reading.openings[:2]):
        return "the eyes are not both wide open"
    return None


def _flat(points: Floats) -> list[JsonValue]:
    """x1, y1, x2, y2 … in tenths of upright pixels."""
    return [round(float(number), 1) for number in points.ravel()]


def _rounded(degrees: float) -> int:
    """To the nearest five degrees: more would pretend an accuracy that the method lacks."""
    return round(abs(degrees) / 5) * 5


def _direction(row: Evidence) -> str:
    value: Any = row.value
    parts = []
    if abs(value["yaw"]) >= STRAIGHT:
        side = "left" if value["yaw"] > 0 else "right"
        parts.append(f"is turned about {row.details['yaw_about']}° towards the {side} edge of the photo")
    if abs(value["pitch"]) >= STRAIGHT:
        parts.append(f"is {'raised' if value['pitch'] > 0 else 'lowered'} by about {row.details['pitch_about']}°")
    if abs(value["roll"]) >= STRAIGHT:
        side = "right" if value["roll"] > 0 else "left"
        parts.append(f"leans about {row.details['roll_about']}° to the {side}")
    if not parts:
        return "looks almost straight at the camera"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _without(evidence: Sequence[Evidence], attribute: str) -> set[str]:
    """Faces of which the evidence has no such row."""
    return {row.subject for row in evidence} - {row.subject for row in evidence if row.attribute == attribute}


def _unjudged(evidence: Sequence[Evidence], names: Names, asked: Collection[str]) -> Iterator[Claim]:
    """What was left out, one sentence for all faces with the same reason."""
    rows = [row for row in evidence if row.status == "abstained" and row.attribute in _UNJUDGED]
    told = [row for row in rows if row.attribute == "pose" or row.subject in asked]
    for found in _grouped(told, lambda row: f"{row.attribute} {row.reason}"):
        what = _UNJUDGED[found[0].attribute]
        yield Claim.on(found, f"{what} of {_of(found, names)} was not judged, because {found[0].reason}.", "answer")


def _eyes(evidence: Sequence[Evidence], names: Names, asked: Collection[str]) -> Iterator[Claim]:
    """Eyes that are closed, and all of those that were asked about."""
    rows = [row for row in evidence if row.attribute == "eyes" and isinstance(row.value, dict)]
    told = [row for row in rows if row.subject in asked or "closed" in _states(row)]
    for found in _grouped(told, lambda row: f"{row.subject in asked} {row.value}"):
        whose = "" if len(names.faces) == 1 else f" of {_of(found, names)}"
        (one, first), (_, second) = _items(found[0].value)
        if first == second:
            sentence = f"The eyes{whose} are {_STATES[str(first)]}."
        else:
            edge = one.removeprefix("nearer_").replace("_", " ")
            sentence = (
                f"The eye{whose} nearer the {edge} of the photo is {_STATES[str(first)]}; the other is "
                f"{_STATES[str(second)]}."
            )
        yield Claim.on(found, sentence, "answer" if found[0].subject in asked else "reason")


def _mouths(evidence: Sequence[Evidence], names: Names, asked: Collection[str]) -> Iterator[Claim]:
    """Mouths that were asked about."""
    rows = [row for row in evidence if row.attribute == "mouth" and row.status == "ok" and row.subject in asked]
    for found in _grouped(rows, lambda row: row.value):
        whose = "" if len(names.faces) == 1 else f" of {_of(found, names)}"
        mouths = "mouth" if len(found) == 1 else "mouths"
        yield Claim.on(found, f"The {mouths}{whose} {'is' if len(found) == 1 else 'are'} {found[0].value}.", "answer")


def _looking(evidence: Sequence[Evidence], names: Names, asked: Collection[str]) -> Iterator[Claim]:
    """Where the eyes look, one sentence for all faces of which the same is said."""
    rows = [row for row in evidence if row.attribute == "gaze"]
    for found in _grouped(
        rows, lambda row: f"{row.status} {row.value} {row.reason} {row.details.get('against_the_turn_of_the_head')}"
    ):
        whose = "" if len(names.faces) == 1 else f" of {_of(found, names)}"
        first = found[0]
        said: ClaimRole = "answer" if first.subject in asked else "reason"
        unsaid: ClaimRole = "answer" if first.subject in asked else "doubt"
        if first.status != "ok":
            yield Claim.on(found, f"Where the eyes{whose} look was not judged, because {first.reason}.", unsaid)
            continue
        if first.value == "straight":
            heads = "the head points" if len(found) == 1 else "their heads point"
            where = f"look the way {heads}"
        else:
            where = f"are turned towards the {str(first.value).replace('_', ' ')} of the photo"
            if first.details.get("against_the_turn_of_the_head"):
                where += ", against the turn of the head and so nearer to the camera"
        yield Claim.on(found, f"As far as the irises show, the eyes{whose} {where}.", said)


def _states(row: Evidence) -> list[str]:
    return [str(state) for _, state in _items(row.value)]


def _items(value: JsonValue) -> list[tuple[str, JsonValue]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _grouped(rows: Sequence[Evidence], key: Any) -> list[list[Evidence]]:
    groups: dict[object, list[Evidence]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.values())


def _of(rows: Sequence[Evidence], names: Names) -> str:
    return names.of(" + ".join(row.subject for row in rows))
