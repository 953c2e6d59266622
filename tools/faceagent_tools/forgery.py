"""detect_forgery: do the pixels of a face bear traces of manipulation or synthesis, how strongly, and where.

Several parts look (`forensics.ensemble`), and one calibrated answer is made of them. It is held against two lines:
above the upper one few authentic photos lie, below the lower one few of the known forgeries do, and between them the
answer stays open. Where a face is too small or unlike what the lines were measured on, nothing is said of it. Every
part is evidence of its own, so that a reader sees which of them agree (`forensics.witnesses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from faceagent.geometry import whole_pixels
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, GroupError, Method, Probability, Threshold
from faceagent_tools import forgery_words, readable, runtime, weights
from faceagent_tools.backends import backend
from faceagent_tools.data_sets import data_set
from faceagent_tools.forensics import jpeg, localise, view, voices, witnesses
from faceagent_tools.forensics.clip import WEIGHTS as CLIP_WEIGHTS
from faceagent_tools.forensics.ensemble import Examined, Examiner, Finding, Stack
from faceagent_tools.forensics.network import WEIGHTS
from faceagent_tools.forensics.windows import KINDS
from faceagent_tools.multitask import FaceReader, Reading

LIMITS = (
    "Made by other methods than those that it was trained and measured on, a forgery may pass unseen.",
    "Retouching, beauty filters, a screenshot or a copy that was enlarged and saved again can leave traces like those "
    "of a forgery.",
    "The marked places are where the network looked. They are not proof of what was changed there.",
)

NO_FACE = "no face was found in it, and only faces are examined"
ONLY_FACES = "only faces are examined"
"""Why the pixels of a photo are not judged at all, and why not those outside of its faces."""


ENLARGED = 1.4
"""Factor of enlargement from which it is said beside an accusation: the medians of LFW, HELEN, FFHQ and FairFace as
they are lie below it (`as_they_are` in calibration/resolution.json)."""


class ForgeryArguments(SubjectArguments):
    about: tuple[Literal["which", "outside"], ...] = Field(
        default=(),
        description=(
            "What is asked about, so that it is told first. which: which of several faces is the forged one; outside: "
            "whether something outside of faces was changed, such as the background."
        ),
    )


class DetectForgery(FaceTool[ForgeryArguments]):
    """The tool.

    Args:
        reader: the network that reads faces, shared with the other tools.
        examiner: the parts that look for forgeries.
        detectors: TOML file of detectors that speak beside it (`voices`); by default FACEAGENT_FORENSIC_DETECTORS's.

    Raises:
        UsageError: that file cannot be read, or declares something that cannot be.
    """

    name = "detect_forgery"
    description = (
        "Examine the pixels of faces for manipulation (face swap, blending, local edits) and for synthesis by a "
        "generator. Gives a calibrated probability, where in the face it looked, and which signals agree, or says that "
        "it cannot tell."
    )
    arguments = ForgeryArguments
    needs_faces = True

    def __init__(self, reader: FaceReader, examiner: Examiner | None = None, detectors: Path | None = None) -> None:
        self._reader, self._examiner = reader, examiner or Examiner(clip=True)
        self._voices = voices.present(detectors)

    def run(self, session: Session, arguments: ForgeryArguments) -> list[Evidence]:
        rows = [row for face in session.faces_in(arguments.subjects) for row in self._face(session, face)]
        if "which" in arguments.about:
            rows = [_to_compare(row, self._examiner.stack) for row in rows]
        for image in session.images_in(arguments.subjects):
            if not session.faces(image):
                rows.append(_not_judged(image, "forgery", NO_FACE, self._examiner.stack))
            elif "outside" in arguments.about:
                rows.append(_not_judged(image, forgery_words.OUTSIDE, ONLY_FACES, self._examiner.stack))
        return rows

    def _face(self, session: Session, face: Face) -> list[Evidence]:
        reading = readable.read(self._reader, session, face)
        table = self._examiner.stack
        if isinstance(reading, str):
            return [_abstained(face, reading, table)]
        if reason := too_small(face, table):
            return [_abstained(face, reason, table)]
        photo = session.photo(face.image)
        examined, others = runtime.together(
            lambda: self._examiner.examine(photo, face, reading.points),
            lambda: voices.listen(self._voices, photo, face, reading.points),
        )
        drawn = witnesses.error_level(face, _error_level(session, face, reading))
        reason = unlike(examined, table)
        answer = _abstained(face, reason, table) if reason else self._found(session, face, reading, examined, table)
        return [answer, *witnesses.rows(examined, face), drawn, *others]

    def _found(self, session: Session, face: Face, reading: Reading, examined: Examined, table: Stack) -> Evidence:
        finding = table.finding(examined)
        region = None
        details: dict[str, JsonValue] = {
            "log_odds_by_part": {name: round(value, 2) for name, value in examined.parts.items()},
            "kinds": {name: round(float(value), 3) for name, value in zip(KINDS, examined.look.kinds, strict=True)},
            **table.rates(finding),
        }
        if examined.enlarged >= ENLARGED:
            details["enlarged_about"] = round(examined.enlarged, 1)
        if finding in ("manipulated", "synthetic"):
            region = face.box
            photo = session.photo(face.image)
            draw = partial(localise.heatmap, photo, examined.look, face.box)
            details["picture"] = session.illustrate(face.image, draw, localise.part(photo, face.box))
        if finding == "manipulated":
            places = localise.places(examined.look, reading.points)
            region = places.box or face.box
            details["strongest"] = [localise.PLACES[name] for name in places.strongest]
            details["by_place"] = dict[str, JsonValue](places.strength)
            details["share_of_the_face_marked"] = places.marked
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="forgery",
            value=finding,
            score=examined.log_odds,
            threshold=threshold(finding, table),
            probability=probability(examined.probability, table),
            region=region,
            method=method(table),
            group_errors=_group_errors(table),
            limitations=LIMITS,
            details=details,
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return [*forgery_words.word(evidence, names), *voices.word(evidence, names)]

    def backends(self) -> Sequence[Backend]:
        clip = backend(CLIP_WEIGHTS, self.name, chosen=weights.find(CLIP_WEIGHTS) is not None)
        return [backend(WEIGHTS, self.name, chosen=True), clip, *voices.backends(self._voices)]


def _to_compare(row: Evidence, table: Stack) -> Evidence:
    """An answer with how often forged and authentic faces were told apart: by it `word` knows what to tell first."""
    if row.attribute != "forgery" or row.status != "ok":
        return row
    told_apart = table.table["measured"]["probabilities"]["auc"]
    return row.model_copy(update={"details": row.details | {forgery_words.TOLD_APART: told_apart}})


def _error_level(session: Session, face: Face, reading: Reading) -> str | None:
    """The name of the picture, or None for a photo that has none."""
    photo = session.photo(face.image)
    if photo.format not in jpeg.FORMATS:
        return None
    return session.illustrate(face.image, lambda: jpeg.error_level_picture(view.cut(photo.pixels, reading.points)))


def method(table: Stack) -> Method:
    """Of the answer that is made of all parts."""
    network = weights.method(WEIGHTS)
    return Method(
        name=f"{network.name} + signals{' + CLIP' if table.with_clip else ''}",
        version=network.version,
        licence=network.licence,
        sha256=network.sha256,
        source=f"stacked by logistic regression: {table.source}",
    )


def too_small(face: Face, table: Stack) -> str | None:
    """Why a face is too small to be examined, or None."""
    if face.box.width >= table.smallest:
        return None
    return (
        f"the face is only {whole_pixels(face.box.width)} pixels wide, and the examination was measured on faces of "
        f"{table.smallest:.0f} pixels and more"
    )


def unlike(examined: Examined, table: Stack) -> str | None:
    """Why a photo is outside of what the examination was calibrated on, or None."""
    if examined.blockiness > table.blockiest:
        return "it is compressed so strongly that the examination would raise too many false alarms"
    if table.seems_drawn(examined.log_odds, examined.synthetic, examined.enlarged) or (
        examined.enlarged > table.most_enlarged
    ):
        return (
            f"it was enlarged about {examined.enlarged:.1f} times or is out of focus, and the examination calls too "
            "many authentic photos of this kind forged; a copy nearer to the original file may be judged"
        )
    if examined.weighed.strange > table.strangest:
        return "its noise and frequencies are unlike those of the photos on which the examination was calibrated"
    if examined.look.far > table.farthest:
        return "to the network it looks unlike the photos on which the examination was calibrated"
    return None


def _abstained(face: Face, reason: str, table: Stack) -> Evidence:
    return Evidence(
        tool=DetectForgery.name,
        subject=face.id,
        attribute="forgery",
        status="abstained",
        reason=reason,
        method=method(table),
        limitations=LIMITS[:2],
        details={"width_px": whole_pixels(face.box.width), "smallest_px": round(table.smallest)},
    )


def _not_judged(image: str, attribute: str, reason: str, table: Stack) -> Evidence:
    return Evidence(
        tool=DetectForgery.name,
        subject=image,
        attribute=attribute,
        status="not_applicable",
        reason=reason,
        method=method(table),
    )


def threshold(finding: Finding, table: Stack) -> Threshold:
    """The line that a finding was held against."""
    source = f"{table.table['n']:,} photos that no part was trained on: {table.source}"
    if finding == "no_sign":
        return Threshold(value=table.low, rule="<=", meaning="as clean as authentic photos", source=source)
    return Threshold(value=table.high, rule=">=", meaning="more traces than nearly all authentic photos", source=source)


def probability(value: float, table: Stack) -> Probability:
    """`Examined.probability` with what it rests on."""
    return Probability(
        value=value,
        event="the face was altered or generated",
        calibrated_on=table.table["calibrated_on"],
        n=table.table["n"],
        prior=0.5,
    )


def _group_errors(table: Stack) -> tuple[GroupError, ...]:
    return tuple(
        GroupError(group=data_set(name), rate=row["rate"], kind="authentic photos called forged", n=row["n"])
        for name, row in table.table["false_alarms"].items()
    )
