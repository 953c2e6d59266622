"""assess_quality on a real portrait and on damage done to it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data
from conftest import EXAMPLES
from held import call, roles
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceagent.ground import ground
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Names, Outcome, Toolbox
from faceagent.types import Claim, Evidence, Face, Pose
from faceagent_tools import align, quality_table, resolution
from faceagent_tools import quality_measures as measures
from faceagent_tools.compare import WIDEST_YAW
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.multitask import FaceReader, Reading
from faceagent_tools.pose import EstimatePose
from faceagent_tools.pose_table import EYES_YAW
from faceagent_tools.quality import ATTRIBUTES, FORENSIC, IDENTITY, SMALLEST_FACE_PX, AssessQuality
from faceagent_tools.quality_table import Line, Scale

PORTRAIT: Pixels = skimage.data.astronaut()
READER = FaceReader()
JUDGED = ("sharpness", "exposure", "contrast", "noise", "frontality", "occlusion_cue", "eyes_and_mouth", "fitness")


@pytest.fixture(scope="module")
def tools() -> Toolbox:
    return Toolbox([DetectFaces(FaceDetector("dlib")), AssessQuality(READER)])


@pytest.fixture(scope="module")
def face() -> Face:
    return FaceDetector("dlib").detect(Photo.open(PORTRAIT), "image 1")[0]


@pytest.fixture(scope="module")
def chip(face: Face) -> Pixels:
    return align.face_chip(Photo.open(PORTRAIT), face)


def levels(values: np.ndarray) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma))


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resized(pixels: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


class Asked:
    """What the tool says of photos whose faces are given, so that detection plays no part."""

    def __init__(self, tools: Toolbox, *photos: tuple[Pixels, Sequence[Face]]) -> None:
        self.session = Session()
        for pixels, faces in photos:
            image = self.session.add(Photo.open(pixels))
            number = image.removeprefix("image ")
            self.session.set_faces(
                image,
                [
                    face.model_copy(update={"id": f"face {number}.{place}", "image": image})
                    for place, face in enumerate(faces, 1)
                ],
            )
        self.outcome: Outcome = tools.call(self.session, "assess_quality", {})[-1]
        names = Names(self.session.images, tuple(found.id for found in self.session.faces()))
        self.claims: Sequence[Claim] = tools["assess_quality"].word(self.outcome.evidence, names)
        self.rejected = ground(self.claims, self.session.ledger.get).rejected

    def row(self, attribute: str, subject: str = "face 1.1") -> Evidence:
        return next(
            row for row in self.outcome.evidence if row.attribute == attribute and subject in (row.subject, "image")
        )

    def fit(self, subject: str = "face 1.1") -> object:
        return self.row("fitness", subject).value

    @property
    def text(self) -> str:
        return " ".join(claim.sentence for claim in self.claims)


# The measures move the right way.


@settings(max_examples=30, deadline=None)
@given(sigma=st.floats(0.5, 8), more=st.floats(1.1, 2))
def test_blur_lowers_sharpness(chip: Pixels, sigma: float, more: float) -> None:
    y = measures.luminance(chip)
    less, further = (np.asarray(cv2.GaussianBlur(y, (0, 0), s)) for s in (sigma, sigma * more))
    assert measures.sharpness(y) > measures.sharpness(less) > measures.sharpness(further)


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(0.2, 1), lift=st.floats(0, 50))
def test_brightness_and_contrast_do_not_pass_for_sharpness(chip: Pixels, gain: float, lift: float) -> None:
    y = measures.luminance(chip)
    assert measures.sharpness(y * np.float32(gain) + np.float32(lift)) == pytest.approx(measures.sharpness(y), rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(0.05, 0.95))
def test_darkening_lowers_luminance_and_contrast(chip: Pixels, gain: float) -> None:
    before, after = (measures.light(measures.luminance(pixels)) for pixels in (chip, levels(chip * gain)))
    assert after.mean < before.mean
    assert after.contrast < before.contrast
    assert after.dark_share >= before.dark_share


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(1.3, 5))
def test_overexposure_shows_as_glare(chip: Pixels, gain: float) -> None:
    before, after = (measures.light(measures.luminance(pixels)) for pixels in (chip, levels(chip * gain)))
    assert after.bright_share > before.bright_share


@settings(max_examples=20, deadline=None)
@given(sigma=st.floats(3, 60), seed=st.integers(0, 99))
def test_noise_is_measured_in_levels(sigma: float, seed: int) -> None:
    noisy = 128 + np.random.default_rng(seed).normal(0, sigma, (120, 120))
    assert measures.noise(noisy.astype(np.float32)) == pytest.approx(sigma, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(dx=st.integers(0, 7), dy=st.integers(0, 7))
def test_blocks_are_seen_wherever_the_grid_lies(dx: int, dy: int) -> None:
    clean = resized(PORTRAIT, 300)
    found = [measures.blockiness(measures.luminance(jpeg(clean, quality)[dy:, dx:])) for quality in (90, 60, 30, 10)]
    assert measures.blockiness(measures.luminance(clean[dy:, dx:])) < found[0]
    assert found == sorted(found)


def test_measures_of_nothing_are_finite() -> None:
    flat = np.zeros((150, 150), np.float32)
    assert measures.sharpness(flat) == 0
    assert measures.noise(flat[:3, :3]) == 0
    assert measures.blockiness(flat[:20, :20]) == 0
    assert np.isfinite(measures.occlusion_features(np.zeros((150, 150, 3), np.uint8))).all()


def test_eye_distance_wants_five_points() -> None:
    points = np.array([[10, 0], [8, 0], [0, 0], [2, 0], [5, 4]], dtype=np.float64)
    assert measures.eye_distance(points) == 8
    with pytest.raises(ValueError, match="five points"):
        measures.eye_distance(points[:3])


# Lines decide.


@pytest.mark.parametrize(
    ("rule", "score", "level"),
    [
        (">=", 5, "good"),
        (">=", 4.9, "reduced"),
        (">=", 1, "reduced"),
        (">=", 0.9, "poor"),
        ("<=", 1, "good"),
        ("<=", 1.1, "reduced"),
        ("<=", 5, "reduced"),
        ("<=", 5.1, "poor"),
    ],
)
def test_levels_flip_at_their_lines(rule: str, score: float, level: str) -> None:
    ordinary, identity = (5, 1) if rule == ">=" else (1, 5)
    scale = Scale.model_validate(
        {
            "rule": rule,
            "ordinary": Line(value=ordinary, source="test"),
            "identity": Line(value=identity, source="test"),
            "missed": [(1, 0.4), (5, 0.2)],
        }
    )
    assert scale.level(score) == level
    assert scale.missed_at(3) == pytest.approx(0.3)


def test_the_table_says_where_its_lines_come_from() -> None:
    table = quality_table.table()
    scales = [quality_table.turn(), *(value for value in table.__dict__.values() if isinstance(value, Scale))]
    assert len(scales) == 9
    for scale in scales:
        lines = [line for line in (scale.ordinary, scale.identity, scale.attributes, scale.forensic) if line]
        assert all(len(line.source) > 20 for line in lines)
        if scale.identity is not None:
            assert scale.level(scale.ordinary.value) == "good", "an ordinary photo is fit for comparing"
    assert table.eyes.forensic is not None
    assert table.eyes.forensic.value == 90


# What the tool says.


def test_a_good_portrait(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (PORTRAIT, [face]))
    assert asked.fit() == [IDENTITY, ATTRIBUTES]
    assert asked.row("sharpness").value == "sharp"
    assert asked.row("exposure").value == "good"
    assert asked.row("occlusion_cue").value == []
    assert asked.row("compression", "image 1").value == "none_seen"
    assert asked.claims[0].sentence == "The face is good enough to compare: it is sharp, well lit and large enough."
    assert "the standard asks for 90" in asked.text
    assert not asked.rejected


def test_a_blurred_portrait(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (blurred(PORTRAIT, 7), [face]))
    assert asked.row("sharpness").value == "blurred"
    assert asked.fit() == []
    assert asked.claims[0].sentence == "The face is not good enough to compare: it is too blurred."
    assert "% of the pairs that show one person were missed" in asked.text
    assert not asked.rejected


def test_a_dark_portrait(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (levels(PORTRAIT * 0.02), [face]))
    fitness = asked.fit()
    assert isinstance(fitness, list)
    assert IDENTITY not in fitness
    assert "not good enough" in asked.claims[0].sentence
    assert not asked.rejected


def moved(face: Face, factor: float) -> Face:
    """The face in a photo scaled by a factor."""
    box = face.box
    sides = {name: getattr(box, name) * factor for name in ("x0", "y0", "x1", "y1")}
    return face.model_copy(update={"box": box.model_copy(update=sides)})


def enlarged(factor: float) -> Pixels:
    return np.asarray(cv2.resize(PORTRAIT, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def as_if_taken_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No photo at hand has 90 px between the eyes: an enlarged one stands in for it."""
    monkeypatch.setattr(resolution, "factor", lambda *seen: 1.0)


@pytest.mark.usefixtures("as_if_taken_large")
def test_a_large_detailed_portrait_serves_a_forensic_examination(tools: Toolbox, face: Face) -> None:
    # Grain stands in for fine detail.
    grain = np.random.default_rng(0).normal(0, 5, enlarged(2.5).shape)
    asked = Asked(tools, (levels(enlarged(2.5) + grain), [moved(face, 2.5)]))
    assert asked.fit() == [IDENTITY, ATTRIBUTES, FORENSIC]
    assert "also meets the needs of a forensic examination" in asked.text
    assert not asked.rejected


def test_an_enlarged_portrait_lacks_detail(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (enlarged(2.5), [moved(face, 2.5)]))
    assert asked.row("detail").value == "weak"
    assert asked.fit() == [IDENTITY, ATTRIBUTES]
    assert "For a forensic examination or an identity document it has too little detail" in asked.text
    assert not asked.rejected


def test_compression_is_seen_in_a_lossless_copy_and_told(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (jpeg(PORTRAIT, 8), [face]))
    assert asked.row("compression", "image 1").value in ("visible", "strong")
    assert "traces of JPEG compression, about as at quality" in asked.text
    assert not asked.rejected


def test_a_tiny_face_is_not_judged(tools: Toolbox, face: Face) -> None:
    factor = 18 / face.box.width
    asked = Asked(tools, (resized(PORTRAIT, round(512 * factor)), [moved(face, factor)]))
    for attribute in JUDGED:
        assert asked.row(attribute).status == "abstained"
    assert asked.row("face_size").status == "ok"
    assert asked.claims[0].sentence == (
        f"The face is too small to judge: it is 18 pixels wide, and below {SMALLEST_FACE_PX} little can be measured."
    )
    assert not asked.rejected


def test_a_face_half_outside_is_not_judged(tools: Toolbox, face: Face) -> None:
    cut = int(face.box.x0 + 0.6 * face.box.width)
    left = face.model_copy(
        update={"box": face.box.model_copy(update={"x0": face.box.x0 - cut, "x1": face.box.x1 - cut})}
    )
    asked = Asked(tools, (np.ascontiguousarray(PORTRAIT[:, cut:]), [left]))
    for attribute in JUDGED:
        assert asked.row(attribute).status == "abstained"
    assert asked.claims[0].sentence == (
        "The face is not judged, because less than half of the face lies inside the photo."
    )
    assert not asked.rejected


def test_frontality_is_the_yaw_of_estimate_pose(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (PORTRAIT, [face]))
    (pose,) = (row for row in EstimatePose(READER).run(asked.session, EstimatePose.arguments()) if row.unit)
    assert isinstance(pose.value, dict)
    assert asked.row("frontality").score == pytest.approx(abs(pose.value["yaw"]), abs=0.06)
    threshold = asked.row("frontality").threshold
    assert threshold is not None
    assert threshold.value == WIDEST_YAW


class Altered(FaceReader):
    """The network's reading with some of it replaced."""

    def __init__(self, **changes: object) -> None:
        super().__init__()
        self._changes = changes

    def read(self, session: Session, face: Face) -> Reading:
        return replace(READER.read(session, face), **self._changes)  # type: ignore[arg-type]


def altered(**changes: object) -> Toolbox:
    return Toolbox([DetectFaces(FaceDetector("dlib")), AssessQuality(Altered(**changes))])


@pytest.mark.parametrize(
    ("yaw", "value", "fit"),
    [(0.0, "frontal", True), (-50.0, "turned", True), (70.0, "turned_far", False)],
)
def test_turned_heads(face: Face, yaw: float, value: str, fit: bool) -> None:
    asked = Asked(altered(pose=Pose(yaw=yaw, pitch=0, roll=0)), (PORTRAIT, [face]))
    assert asked.row("frontality").value == value
    assert asked.row("frontality").score == abs(yaw)
    fitness = asked.fit()
    assert isinstance(fitness, list)
    assert (IDENTITY in fitness) is fit
    assert asked.row("eyes_and_mouth").status == ("ok" if abs(yaw) <= EYES_YAW else "abstained")
    assert not asked.rejected


@pytest.mark.usefixtures("as_if_taken_large")
@pytest.mark.parametrize(
    ("openings", "wanted"),
    [
        ((0.5, 0.5, 0.0), "The eyes of the face are open and the mouth is closed, as an identity document asks."),
        ((0.5, 0.01, 0.0), "are nearly or quite closed and the mouth is closed, where an identity document asks for"),
        ((0.5, 0.5, 0.9), "The eyes of the face are open and the mouth is open, where an identity document asks for"),
    ],
)
def test_eyes_and_mouth_as_documents_ask(face: Face, openings: tuple[float, float, float], wanted: str) -> None:
    large = Asked(altered(openings=openings), (enlarged(2.5), [moved(face, 2.5)]))
    assert wanted in large.text
    assert not large.rejected
    small = Asked(altered(openings=openings), (PORTRAIT, [face]))
    assert small.row("eyes_and_mouth").value == large.row("eyes_and_mouth").value
    assert "identity document asks" not in small.text, "it is too small for one anyway"


@pytest.mark.usefixtures("as_if_taken_large")
def test_eyes_and_mouths_of_several_faces_as_documents_ask(face: Face) -> None:
    photo = (enlarged(2.5), [moved(face, 2.5)])
    asked = Asked(altered(openings=(0.5, 0.5, 0.0)), photo, photo)
    assert "The eyes of both faces are open and their mouths are closed, as an identity document asks." in asked.text
    assert not asked.rejected


def test_faces_with_the_same_findings_share_a_sentence(tools: Toolbox, face: Face) -> None:
    same = Asked(tools, (PORTRAIT, [face]), (PORTRAIT.copy(), [face]))
    assert same.claims[0].sentence.startswith("Both faces are good enough to compare")
    assert same.claims[0].subject == "face 1.1 + face 2.1"
    assert not same.rejected
    mixed = Asked(tools, (PORTRAIT, [face]), (blurred(PORTRAIT, 7), [face]), (blurred(PORTRAIT, 7.5), [face]))
    sentences = [claim.sentence for claim in mixed.claims]
    assert sentences[0].startswith("Face 1.1 is good enough to compare")
    assert sentences[1] == "Face 2.1 and face 3.1 are not good enough to compare: they are too blurred."
    assert "Face 1.1 is the sharpest." in sentences
    assert sum("missed" in sentence for sentence in sentences) == 1
    assert not mixed.rejected
    two = Asked(tools, (PORTRAIT, [face]), (blurred(PORTRAIT, 7), [face]))
    assert "Face 1.1 is the sharper of the two." in [claim.sentence for claim in two.claims]
    assert not two.rejected
    bad = Asked(tools, *[(blurred(PORTRAIT, sigma), [face]) for sigma in (7.0, 7.1, 7.2)])
    assert bad.claims[0].sentence == "None of the faces is good enough to compare: they are too blurred."


def test_a_photo_without_faces(tools: Toolbox) -> None:
    asked = Asked(tools, (np.asarray(skimage.data.coffee()), []))
    assert [row.attribute for row in asked.outcome.evidence] == ["compression"]
    assert [claim.role for claim in asked.claims] == ["answer"]


def test_dark_glasses_raise_the_cue(tools: Toolbox, face: Face) -> None:
    covered = PORTRAIT.copy()
    points = align.points5(Photo.open(PORTRAIT), face)
    for eye in ((points[0] + points[1]) / 2, (points[2] + points[3]) / 2):
        cv2.ellipse(covered, (int(eye[0]), int(eye[1]) + 2), (19, 13), 0, 0, 360, (25, 22, 20), -1)
    asked = Asked(tools, (covered, [face]))
    value = asked.row("occlusion_cue").value
    assert isinstance(value, list)
    assert "eyes" in value
    doubts = [claim.sentence for claim in asked.claims if claim.role == "doubt"]
    assert any("only a cue" in doubt for doubt in doubts)
    assert not asked.rejected


def test_only_the_subjects_asked_for(tools: Toolbox, face: Face) -> None:
    session = Session()
    session.add(Photo.open(np.concatenate([PORTRAIT, PORTRAIT], axis=1)))
    box = face.box
    second = face.model_copy(
        update={"id": "face 1.2", "box": box.model_copy(update={"x0": box.x0 + 512, "x1": box.x1 + 512})}
    )
    session.set_faces("image 1", [face, second])
    outcome = tools.call(session, "assess_quality", {"subjects": ["face 1.2"]})[-1]
    assert {row.subject for row in outcome.evidence} == {"image 1", "face 1.2"}
    refused = tools.call(session, "assess_quality", {"subjects": ["face 1.7"]})[-1]
    assert refused.step.status == "refused"
    assert "face 1.7" in (refused.step.message or "")


def test_grain_does_not_pass_for_detail(tools: Toolbox, face: Face) -> None:
    grain = np.random.default_rng(0).normal(0, 5, enlarged(2.5).shape)
    asked = Asked(tools, (levels(enlarged(2.5) + grain), [moved(face, 2.5)]))
    size, resolved = asked.row("face_size"), asked.row("effective_resolution")
    assert size.value >= quality_table.table().eyes.forensic.value > resolved.value
    assert resolved.details["enlarged_about"] == pytest.approx(2.5, abs=0.8)
    assert asked.fit() == [IDENTITY, ATTRIBUTES]
    assert "hold the detail of about" in asked.text
    assert not asked.rejected


def test_a_photo_as_it_was_taken_has_the_detail_of_its_size(tools: Toolbox, face: Face) -> None:
    asked = Asked(tools, (PORTRAIT, [face]))
    assert asked.row("effective_resolution").value == asked.row("face_size").value
    assert not any("was enlarged" in claim.sentence for claim in asked.claims)


def test_asked_about_a_document_that_is_answered_first() -> None:
    chosen = [DetectFaces(FaceDetector("faceagent")), AssessQuality(READER)]
    _, claims, _ = call(chosen, [Photo.open(EXAMPLES / "portrait.jpg")], about=("document",))
    answers = roles(claims, "answer")
    assert answers.startswith("For a forensic examination or an identity document the face is too small: ")
    assert "good enough to compare" in roles(claims, "reason")


def test_asked_which_is_sharper_that_is_answered_first() -> None:
    chosen = [DetectFaces(FaceDetector("faceagent")), AssessQuality(READER)]
    sharp = Photo.open(EXAMPLES / "portrait.jpg")
    soft = replace(sharp, pixels=cv2.GaussianBlur(sharp.pixels, (0, 0), 3))
    _, claims, _ = call(chosen, [soft, sharp], about=("sharpest",))
    assert roles(claims, "answer").startswith("Face 2.1 is the sharper of the two. ")
    _, claims, _ = call(chosen, [sharp, sharp], about=("sharpest",))
    assert roles(claims, "answer").startswith("Face 1.1 and face 2.1 are about equally sharp. ")
