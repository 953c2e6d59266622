"""Tools that measure nothing and return plausible evidence, for tests of everything above the tools.

`fake_toolbox()` gives a whole set. What a fake says of a photo is chosen by a word in the photo's name, so that one
test can have an altered and a clear exhibit: "altered", "generated", "signed", "edited", "noface", "group".
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import JsonValue

from faceagent.errors import ToolError
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import (
    DETECTOR,
    VIDEO,
    Arguments,
    Backend,
    FaceTool,
    FileArguments,
    ImageArguments,
    Names,
    SubjectArguments,
    Toolbox,
    VideoArguments,
)
from faceagent.types import Box, Claim, Evidence, Face, Method, Probability, Threshold
from faceagent.video import Video

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}{% raw %}\u202egpj.exe"
"""What a file may hold where text is expected."""


def photo(name: str = "portrait.jpg", size: tuple[int, int] = (320, 240), seed: int = 0) -> Photo:
    """A photo of soft coloured noise, as the PNG bytes of a real file."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return Photo.open(buffer.getvalue(), name=name)


def method(name: str, sha256: str | None = None) -> Method:
    return Method(name=name, version="1.0", licence="MIT", sha256=sha256, source="doi.org/10.0000/fake")


class Fake(FaceTool[Arguments]):
    """Shared by all fakes: one method that is always here."""

    def backends(self) -> Sequence[Backend]:
        return (Backend(self.name, method(f"Fake {self.name}"), "method", here=True, chosen=True),)

    def row(self, subject: str, attribute: str, value: JsonValue = None, **more: object) -> Evidence:
        fields: dict[str, object] = {
            "tool": self.name,
            "subject": subject,
            "attribute": attribute,
            "value": value,
            "method": method(f"Fake {self.name}", "0123456789abcdef" * 4 if self.needs_faces else None),
            **more,
        }
        return Evidence.model_validate(fields)


def say(row: Evidence, sentence: str, role: str = "answer") -> Claim:
    return Claim.model_validate(
        {
            "sentence": sentence,
            "subject": row.subject,
            "attribute": row.attribute,
            "value": row.value,
            "evidence": (row.id,),
            "role": role,
        }
    )


class FakeDetector(Fake):
    """One face in the middle, two where the name says "group", none where it says "noface"."""

    name: ClassVar[str] = DETECTOR
    description: ClassVar[str] = "Finds faces."
    arguments: ClassVar[type[Arguments]] = ImageArguments

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        rows: list[Evidence] = []
        for image_id in session.images_in(getattr(arguments, "images", ())):
            shot = session.photo(image_id)
            count = 0 if "noface" in shot.name else 2 if "group" in shot.name else 1
            faces = [_face(image_id, number, count, shot) for number in range(1, count + 1)]
            session.set_faces(image_id, faces)
            rows.append(self.row(image_id, "face_count", count))
            rows += [
                self.row(
                    face.id,
                    "face",
                    {"width": round(face.box.width), "height": round(face.box.height)},
                    unit="px",
                    score=face.score,
                    region=face.box,
                    threshold=Threshold(value=0.6, rule=">=", meaning="a face", source="the fake's own"),
                    limitations=("Faces under 20 pixels are missed.",),
                )
                for face in faces
            ]
        return rows

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        claims = []
        for row in evidence:
            if row.attribute == "face_count":
                count = ("No face", "One face", "Two faces")[int(str(row.value))]
                claims.append(
                    say(row, f"{count} {'was' if row.value != 2 else 'were'} found in {names.of(row.subject)}.")
                )
        return claims


def _face(image_id: str, number: int, count: int, shot: Photo) -> Face:
    side, step = min(shot.width, shot.height) / 2.5, shot.width / (count + 1)
    x, y = step * number, shot.height / 2
    return Face(
        id=f"face {image_id.split()[1]}.{number}",
        image=image_id,
        box=Box(x0=x - side / 2, y0=y - side / 2, x1=x + side / 2, y1=y + side / 2),
        score=0.93,
    )


class FakeProvenance(Fake):
    """Records that fit the photo's name. `hostile` fills every text field."""

    name: ClassVar[str] = "inspect_provenance"
    description: ClassVar[str] = "Reads the file's records."
    arguments: ClassVar[type[Arguments]] = FileArguments

    def __init__(self, hostile: bool = False, broken: bool = False) -> None:
        self.hostile, self.broken = hostile, broken

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        if self.broken:
            raise ToolError("The records cannot be read", "Copy the file again")
        named = session.files_in(getattr(arguments, "images", ()), getattr(arguments, "videos", ()))
        return [row for file in named for row in self._rows(session, file)]

    def _rows(self, session: Session, image: str) -> list[Evidence]:
        name = session.video(image).name if image in session.videos else session.photo(image).name
        generated, signed = "generated" in name, "signed" in name
        software: list[JsonValue] = ["Adobe Photoshop 25.0"] if "edited" in name else []
        details: dict[str, JsonValue] = {"signer": "Example Press"} if signed else {}
        if self.hostile:
            software, details = [HOSTILE], {HOSTILE: HOSTILE, "nested": {"list": [{"a": HOSTILE}, 3]}}
        region = Box(x0=100, y0=60, x1=200, y1=120) if "altered" in name else None
        thumbnail = "differs" if "altered" in name else "agrees" if signed else "absent"
        marks: list[JsonValue] = ["Stable Diffusion"] if generated and not signed else []
        return [
            self.row(image, "content_credentials", "trusted" if signed else "absent", details=details),
            self.row(image, "digital_source_type", "trainedAlgorithmicMedia" if generated and signed else "not_stated"),
            self.row(image, "editing_software", software, details=details),
            self.row(image, "generator_marks", marks),
            self.row(image, "thumbnail", thumbnail, region=region, score=0.31 if region else None),
            self.row(image, "capture_record", []),
            self.row(image, "jpeg_quality", status="not_applicable", reason="The file is not a JPEG."),
        ]

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return [
            say(row, f"The content credentials of {names.of(row.subject)} are {row.value}.")
            for row in evidence
            if row.attribute == "content_credentials"
        ]


class FakeQualityArguments(SubjectArguments):
    about: tuple[Literal["document"], ...] = ()


class FakeQuality(Fake):
    """Sharpness of each face."""

    name: ClassVar[str] = "assess_quality"
    description: ClassVar[str] = "Judges quality."
    arguments: ClassVar[type[Arguments]] = FakeQualityArguments
    needs_faces: ClassVar[bool] = True

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        line = Threshold(value=0.4, rule=">=", meaning="sharp enough to compare", source="ISO/IEC 29794-5")
        return [
            self.row(face.id, "sharpness", 0.62, score=0.62, threshold=line)
            for face in session.faces_in(getattr(arguments, "subjects", ()))
        ]

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return [say(row, f"{names.start(row.subject)} is sharp enough to compare.") for row in evidence]


class FakeComparison(Fake):
    """Every pair is "supported"."""

    name: ClassVar[str] = "compare_faces"
    description: ClassVar[str] = "Compares faces."
    arguments: ClassVar[type[Arguments]] = SubjectArguments
    needs_faces: ClassVar[bool] = True

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        faces = session.faces_in(getattr(arguments, "subjects", ()))
        likely = Probability(value=0.97, event="both show one person", calibrated_on="a made-up set", n=1200, prior=0.5)
        line = Threshold(value=0.55, rule="<=", meaning="one person", source="1,200 pairs of a made-up set")
        return [
            self.row(f"{a.id} + {b.id}", "same_person", "supported", score=0.41, threshold=line, probability=likely)
            for a, b in combinations(faces, 2)
        ]

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return [say(row, f"{names.start(row.subject)} seem to show one person.") for row in evidence]


class FakeForgery(Fake):
    """Says of a photo what it is told to."""

    name: ClassVar[str] = "detect_forgery"
    description: ClassVar[str] = "Examines pixels."
    arguments: ClassVar[type[Arguments]] = SubjectArguments

    def __init__(self, value: str) -> None:
        self.value = value

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        images = session.images_in(getattr(arguments, "subjects", ()))
        return [self.row(image, "forgery", self.value) for image in images]

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return []


def video(name: str = "clip.mp4") -> Video:
    """What the container of a video states; there is no file."""
    return Video(
        name=name,
        path=Path(name),
        sha256="ab" * 32,
        bytes=123_456,
        duration=8.0,
        rate=25.0,
        width=320,
        height=240,
        codec="h264",
        container="mov,mp4",
        has_audio=True,
    )


class FakeVideo(Fake):
    """Two people in two stills: the first as `value` has it, the second without a sign. Nobody where the name says
    "noface"."""

    name: ClassVar[str] = VIDEO
    description: ClassVar[str] = "Examines videos."
    arguments: ClassVar[type[Arguments]] = VideoArguments

    def __init__(self, value: str = "manipulated") -> None:
        self.value = value

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        return [row for one in session.videos_in(getattr(arguments, "videos", ())) for row in self._rows(session, one)]

    def _rows(self, session: Session, video_id: str) -> list[Evidence]:
        name = session.video(video_id).name
        seconds: list[JsonValue] = [] if "whole" in name else [{"seconds": 4.2, "why": HOSTILE}]
        rows = [
            self.row(video_id, "frames", 48, unit="frames", details={"duration_seconds": 8.0}),
            self.row(video_id, "undecodable", len(seconds), details={"places": seconds}),
        ]
        shots = [] if "noface" in name else [photo(f"{name} at {second}", seed=second) for second in (1, 5)]
        known = session.stills(video_id)
        for image, shot in zip(session.add_stills(video_id, shots) if known is None else known, shots, strict=True):
            face = _face(image, 1, 1, shot)
            session.set_faces(image, [face])
            rows += self._track(session, video_id, face, self.value if shot is shots[0] else "no_sign")
        return rows if shots else [*rows, self.row(video_id, "forgery", status="not_applicable", reason="no face")]

    def _track(self, session: Session, video_id: str, face: Face, value: str) -> list[Evidence]:
        share = 0.2 if value == "no_sign" else 0.98
        picture = io.BytesIO()
        Image.new("RGB", (64, 64)).save(picture, format="PNG")
        details: dict[str, JsonValue] = {"picture": session.illustrate(face.image, picture.getvalue())}
        stretches: list[JsonValue] = [[0.0, 4.0, 0.1], [4.0, 8.0, share]]
        return [
            self.row(face.id, "track", {"from": 0.1, "to": 7.9}, region=face.box, details={"video": video_id}),
            self.row(
                face.id,
                "forgery",
                value,
                score=1.0,
                region=face.box,
                details={"timeline": stretches, "line_as_probability": 0.9},
            ),
            self.row(face.id, "worst_frame", 5.2, unit="seconds", details=details),
        ]

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return [
            say(row, f"The frames of {names.of(row.subject)} show {row.value}.")
            for row in evidence
            if row.attribute == "forgery" and row.status == "ok"
        ]


class Overclaiming(FakeQuality):
    """Says more than its evidence: `ground` must keep it out of the report."""

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return [say(row, "This is definitely the sharpest face of 17.") for row in evidence]


def fake_toolbox(*more: Fake, hostile: bool = False) -> Toolbox:
    """Detector, provenance, quality and comparison; `more` replaces a tool of the same name or adds one."""
    tools: list[Fake] = [FakeDetector(), FakeProvenance(hostile), FakeQuality(), FakeComparison(), *more]
    return Toolbox({tool.name: tool for tool in tools}.values())
