"""The tab “Live”: the camera's picture with what is measured drawn over it, as long as somebody looks.

The browser sends one small picture at a time and draws what comes back; nothing is written to a disk, and nothing goes
into the audit log, because nothing is said of anybody and nothing stays.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from faceagent import policy
from faceagent.app import text
from faceagent.app.desk import Desk
from faceagent.app.parts import html
from faceagent.errors import FaceAgentError, MediaError
from faceagent.media import Limits, Photo
from faceagent.report.present import VALUES
from faceagent.session import Session
from faceagent.tool import DETECTOR, Toolbox
from faceagent.types import Evidence, Face

LIMITS = Limits(max_pixels=1_000_000, max_bytes=600_000)
"""Of one picture of the camera. The page sends 640 pixels across."""
_PREFIX = "data:image/jpeg;base64,"
_FACES = 4
"""Faces that are read at a time, the largest first."""


def tab(desk: Desk) -> None:
    script = files("faceagent.app").joinpath("live.js").read_text(encoding="utf-8")
    page = text.render(desk, "live.html.j2", expressions=policy.opens(desk.settings.purpose, "emotion"))

    def look(picture: str) -> dict[str, Any]:
        return seen(desk, picture)

    html("live", page, script=script, server_functions=[look])


def seen(desk: Desk, picture: object) -> dict[str, Any]:
    """What is measured on one picture of the camera.

    Args:
        picture: a data URI of a JPEG.

    Returns:
        `faces`, each with its box and direction in hundredths of the picture's width and height and with what is said
        of it, or `error`, a sentence.
    """
    _ = desk.gettext
    try:
        photo = Photo.open(_bytes(picture), name="camera", limits=LIMITS)
        session = Session(desk.settings.purpose)
        image, tools = session.add(photo), desk.seat.tools()
        tools.call(session, DETECTOR, {"images": (image,)})
        found = sorted(session.faces(), key=lambda face: face.box.area, reverse=True)
        rows = _measured(desk, tools, session, found[:_FACES])
    except FaceAgentError as error:
        return {"error": str(error)}
    return {"faces": [_face(desk, face, photo, [row for row in rows if row.subject == face.id]) for face in found]}


def _bytes(picture: object) -> bytes:
    if not isinstance(picture, str) or not picture.startswith(_PREFIX) or len(picture) > 2 * LIMITS.max_bytes:
        raise MediaError("The camera's picture cannot be used", "Switch the camera off and on again")
    try:
        return base64.b64decode(picture.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise MediaError("The camera's picture is damaged", "Switch the camera off and on again") from error


def _measured(desk: Desk, tools: Toolbox, session: Session, faces: list[Face]) -> list[Evidence]:
    names = ["estimate_pose", "assess_quality"]
    if policy.opens(desk.settings.purpose, "emotion"):
        names.append("recognize_emotion")
    if not faces:
        return []
    subjects = tuple(face.id for face in faces)
    outcomes = [one for name in names if name in tools for one in tools.call(session, name, {"subjects": subjects})]
    return [row for outcome in outcomes for row in outcome.evidence]


def _face(desk: Desk, face: Face, photo: Photo, rows: list[Evidence]) -> dict[str, Any]:
    box = face.box.clipped(photo.width, photo.height)
    found = {row.attribute: row for row in rows if row.status == "ok"}
    pose = found.get("pose")
    across, down = 100 / photo.width, 100 / photo.height
    return {
        "box": [across * box.x0, down * box.y0, across * box.width, down * box.height],
        "pose": pose.value if pose else None,
        "said": _said(desk, found) or [desk.gettext("Too small, too dark or too far turned to be read")],
    }


def _said(desk: Desk, found: dict[str, Evidence]) -> list[str]:
    """Short lines beside a face: direction, quality, and expression where a purpose opens it."""
    _ = desk.gettext
    lines = []
    if (pose := found.get("pose")) and isinstance(pose.value, dict):
        degrees = {key: round(float(str(value))) for key, value in pose.value.items()}
        lines.append(_("turned %(yaw)s°, raised %(pitch)s°, tilted %(roll)s°") % degrees)
    quality = [f"{label}: {VALUES.get(row.value, row.value)}" for label, row in _judged(desk, found)]
    if (size := found.get("face_size")) and isinstance(size.value, float | int):
        quality.append(_("%(pixels)s px between the eyes") % {"pixels": round(size.value)})
    if quality:
        lines.append(", ".join(quality))
    if (expression := found.get("expression")) and expression.probability:
        told = {"expression": expression.value, "share": round(100 * expression.probability.value)}
        lines.append(_("expression: %(expression)s, as %(share)s of 100 people would say") % told)
    return lines


def _judged(desk: Desk, found: dict[str, Evidence]) -> Iterator[tuple[str, Evidence]]:
    _ = desk.gettext
    for attribute, label in (("sharpness", _("sharpness")), ("exposure", _("light"))):
        if attribute in found:
            yield label, found[attribute]
