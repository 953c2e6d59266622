"""The types that flow: frozen, validated, with a JSON round trip (`model_dump_json`, `model_validate_json`).

Pixels never appear here. They live in `faceagent.media.Photo`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from faceagent.geometry import Affine, Point

SCHEMA_VERSION = "1"

Status = Literal["ok", "abstained", "not_applicable", "failed"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Unit = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# Text that may hold a file's name or a command line: bytes of it that are no UTF-8, which Python keeps as lone
# surrogates and JSON cannot hold, are written out as \udcff.
Named = Annotated[str, AfterValidator(_encodable)]


class Frozen(BaseModel):
    """Immutable, and strict about unknown fields, so that a misspelt one is an error and not a silent loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(Frozen):
    """Axis-aligned rectangle in continuous pixels of the upright photo; may reach beyond the frame."""

    x0: Finite
    y0: Finite
    x1: Finite
    y1: Finite

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.x1 < self.x0 or self.y1 < self.y0:
            raise ValueError(f"a box needs x0 <= x1 and y0 <= y1, got {self.x0, self.y0, self.x1, self.y1}")
        return self

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> Point:
        return ((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)

    def intersection(self, other: Box) -> float:
        """Shared area in square pixels."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0-1 (0 when both are empty)."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def clipped(self, width: float, height: float) -> Box:
        """The part inside a width x height frame (possibly of zero area)."""

        def clip(value: float, top: float) -> float:
            return min(max(value, 0.0), top)

        return Box(
            x0=clip(self.x0, width),
            y0=clip(self.y0, height),
            x1=clip(self.x1, width),
            y1=clip(self.y1, height),
        )

    def scaled_about_centre(self, factor: float) -> Box:
        (cx, cy), w, h = self.centre, self.width * factor / 2, self.height * factor / 2
        return Box(x0=cx - w, y0=cy - h, x1=cx + w, y1=cy + h)

    def mapped(self, transform: Affine) -> Box:
        """The smallest box around the mapped corners."""
        corners = transform.points(((self.x0, self.y0), (self.x1, self.y0), (self.x0, self.y1), (self.x1, self.y1)))
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return Box(x0=min(xs), y0=min(ys), x1=max(xs), y1=max(ys))


class Pose(Frozen):
    """Head rotation in degrees; all zero when the head faces the camera upright.

    yaw > 0: the nose points towards the left edge of the image. pitch > 0: the head is raised.
    roll > 0: the head leans clockwise as seen in the image.
    """

    yaw: Finite
    pitch: Finite
    roll: Finite


class Face(Frozen):
    """One face in one photo.

    landmarks: five points in upright pixels, in this order: centre of the eye nearer the left edge of an upright
    face (the subject's right eye), the other eye, nose (tip, or base: see `landmark_scheme`), the two mouth
    corners in the same left-right order. A detector without mouth points gives three.
    """

    id: str = Field(pattern=r"^face \d+\.\d+$")
    image: str = Field(pattern=r"^image \d+$")
    box: Box
    score: Finite
    landmarks: tuple[Point, ...] = ()
    landmark_scheme: Literal["none", "eyes-nosebase", "eyes-nosetip-mouth"] = "none"
    roll: Finite = 0.0


class Method(Frozen):
    """What made a measurement: enough to find, check and cite it."""

    name: str
    version: str
    licence: str
    sha256: str | None = None
    """Of the weights file; None for a method that has no weights."""
    source: str | None = None
    """Paper, standard or address."""


class Threshold(Frozen):
    """A decision line, where it lies and where it comes from."""

    value: Finite
    rule: Literal[">=", "<=", ">", "<"]
    meaning: str
    """What holds when the score obeys the rule, e.g. "sharp enough for comparison"."""
    source: str

    def holds(self, score: float) -> bool:
        match self.rule:
            case ">=":
                return score >= self.value
            case "<=":
                return score <= self.value
            case ">":
                return score > self.value
            case "<":
                return score < self.value


class Probability(Frozen):
    """A calibrated probability. Where no calibration exists there is no Probability, only a score."""

    value: Unit
    event: str
    """What it is the probability of, e.g. "the two faces are one person"."""
    calibrated_on: str
    n: int = Field(gt=0)
    prior: Unit | None = None
    """The share of positives that the value presumes."""


class Interval(Frozen):
    low: Finite
    high: Finite
    level: Unit
    """Coverage, e.g. 0.8."""


class GroupError(Frozen):
    """How often a decision is wrong for one group of people, so that a reader can weigh it."""

    group: str
    rate: Unit
    kind: str
    """e.g. "false match rate"."""
    n: int = Field(gt=0)


class Evidence(Frozen):
    """One measurement of one attribute of one subject by one tool.

    subject: an image id ("image 1"), a face id ("face 1.2"), or two face ids joined by " + ".
    value: what was found, in JSON types; None when `status` is not "ok".
    score: the raw number before any decision; threshold: the line it was held against.
    region: where in the upright photo.
    """

    id: str = ""
    """Given by the session's ledger ("e1", "e2" …) when the evidence is recorded."""
    tool: str
    subject: str
    attribute: str
    value: JsonValue = None
    unit: str | None = None
    score: Finite | None = None
    threshold: Threshold | None = None
    probability: Probability | None = None
    interval: Interval | None = None
    group_errors: tuple[GroupError, ...] = ()
    region: Box | None = None
    method: Method
    status: Status = "ok"
    reason: Named | None = None
    milliseconds: Finite = 0.0
    limitations: tuple[str, ...] = ()
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """Further values that the report shows and a sentence may cite."""

    @model_validator(mode="after")
    def _reason_given(self) -> Self:
        if self.status != "ok" and not self.reason:
            raise ValueError(f"evidence with status {self.status!r} needs a reason")
        if self.status != "ok" and self.value is not None:
            raise ValueError(f"evidence with status {self.status!r} cannot have a value")
        return self


ClaimRole = Literal["answer", "reason", "doubt"]


class Claim(Frozen):
    """One sentence with what it rests on. `value` is the part that `ground` compares with the evidence.

    role: "answer" leads, "reason" supports, "doubt" limits.
    """

    sentence: str
    subject: str
    attribute: str
    value: JsonValue = None
    evidence: tuple[str, ...] = Field(min_length=1)
    role: ClaimRole = "answer"

    @staticmethod
    def on(rows: Sequence[Evidence], sentence: str, role: ClaimRole, *more: Evidence) -> Claim:
        """A sentence on recorded evidence that shares attribute and value; `more` is cited besides."""
        return Claim(
            sentence=sentence,
            subject=" + ".join(dict.fromkeys(row.subject for row in rows)),
            attribute=rows[0].attribute,
            value=rows[0].value,
            evidence=tuple(dict.fromkeys(row.id for row in (*rows, *more))),
            role=role,
        )


class Step(Frozen):
    """One tool call as it was made."""

    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    status: Literal["ok", "failed", "refused"] = "ok"
    evidence: tuple[str, ...] = ()
    milliseconds: Finite = 0.0
    message: Named | None = None


class Exhibit(Frozen):
    """A photo as it was handed in, and what was done to it before measuring."""

    id: str
    name: Named
    sha256: str
    bytes: int
    format: str
    mode: str
    stored_width: int
    stored_height: int
    width: int
    """Upright, after EXIF orientation: the frame of all coordinates."""
    height: int
    orientation: int = 1
    preparation: tuple[str, ...] = ()


AnswerStatus = Literal["answered", "partly_answered", "declined", "needs_photo", "needs_clarification", "not_offered"]


class Answer(Frozen):
    """What the assistant says, and everything it rests on."""

    schema_version: str = SCHEMA_VERSION
    question: Named
    status: AnswerStatus
    text: str
    claims: tuple[Claim, ...] = ()
    not_established: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    faces: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    steps: tuple[Step, ...] = ()
    controller: str
    purpose: str | None = None
    """What the faces are read for, as stated by whoever asked (see purposes.toml)."""
    outputs: tuple[str, ...] = ()
    """Names of files that a tool made, e.g. an anonymised copy; the session holds their bytes."""


class Turn(Frozen):
    """A question that was answered, and what was said, as later questions of the conversation look back on it."""

    question: Named
    status: AnswerStatus
    claims: tuple[Claim, ...] = ()
    remarks: tuple[str, ...] = ()
    not_established: tuple[Named, ...] = ()


class StepStarted(Frozen):
    """A tool is about to be called as the controller asked for. What it takes first (faces are looked for) belongs
    to it and is told as a `StepFinished` of its own."""

    tool: str
    arguments: dict[str, JsonValue]


class StepFinished(Frozen):
    """A tool has been called."""

    step: Step


class Answered(Frozen):
    """The end of a question."""

    answer: Answer


Event = StepStarted | StepFinished | Answered


VerdictKind = Literal["signs_of_alteration", "signs_of_synthesis", "no_sign_found", "inconclusive"]


class Verdict(Frozen):
    """The finding on one exhibit, in the order a reader wants it.

    headline: one sentence; that of the first claim where there is one. claims: the answer, then what else supports
    it, then what speaks against it or stays open. would_settle: what would settle the question, most useful first.
    """

    kind: VerdictKind
    headline: str
    claims: tuple[Claim, ...] = ()
    would_settle: tuple[str, ...] = ()


class ExhibitReport(Frozen):
    """One exhibit. findings: what each tool has to say, tool by tool, each with its answers before its doubts."""

    exhibit: Exhibit
    verdict: Verdict
    findings: tuple[Claim, ...]
    faces: tuple[Face, ...]
    evidence: tuple[Evidence, ...]
    steps: tuple[Step, ...]


class Failure(Frozen):
    """An input that could not be examined."""

    name: Named
    message: Named
    mend: Named | None = None


class Reproduction(Frozen):
    """How to make the report again."""

    command: Named
    versions: dict[str, str]
    commit: str | None = None
    platform: str


class Report(Frozen):
    """Exhibits, findings, evidence, methods, limitations and log of one examination."""

    schema_version: str = SCHEMA_VERSION
    title: Named
    created: str
    """ISO 8601, UTC."""
    purpose: str | None = None
    """What the faces are read for, as stated by whoever made the report (see purposes.toml)."""
    summary: tuple[str, ...]
    exhibits: tuple[ExhibitReport, ...]
    across: tuple[Claim, ...] = ()
    """Findings that concern several exhibits, e.g. that two show the same person."""
    across_evidence: tuple[Evidence, ...] = ()
    across_steps: tuple[Step, ...] = ()
    failures: tuple[Failure, ...] = ()
    withheld: tuple[str, ...] = ()
    """Why sentences were left out: the evidence did not carry them."""
    methods: tuple[Method, ...] = ()
    limitations: tuple[str, ...] = ()
    reproduction: Reproduction
