"""Live or presented: crops as upstream makes them, both networks on real pixels, lines, abstentions and words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from held import call, sentences, word
from hypothesis import given, settings
from hypothesis import strategies as st
from placed import CHOSEN, PLACES, Place, ask, never_met, placed, some_of

from faceagent.errors import WeightsCorrupt, WeightsMissing
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Box, Face, Pose
from faceagent_tools import five_points, liveness, minifasnet, weights
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.liveness import CheckLiveness
from faceagent_tools.minifasnet import Found, MiniFASNet


class Says:
    """A network that gives each face the next of some scores."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)

    def look(self, pixels: Pixels, box: Box) -> Found:
        score = self.scores.pop(0)
        return Found(live=score, each=dict.fromkeys(minifasnet.SCALES, score), scale=dict(minifasnet.SCALES))


published = pytest.mark.skipif(
    any(weights.find(name) is None for name in minifasnet.SCALES), reason="needs MiniFASNet's published weights"
)


def tools(network: Any = None) -> list[Any]:
    return [DetectFaces(FaceDetector("dlib")), CheckLiveness(network)]


def upstream_crop(pixels: Pixels, x: int, y: int, w: int, h: int, scale: float) -> tuple[int, int, int, int]:
    """src/generate_patches.py of Silent-Face-Anti-Spoofing in its own order of steps: x0, y0, x1, y1, all inclusive."""
    src_h, src_w = pixels.shape[:2]
    scale = min((src_h - 1) / h, min((src_w - 1) / w, scale))
    x0, y0 = w / 2 + x - w * scale / 2, h / 2 + y - h * scale / 2
    x1, y1 = x0 + w * scale, y0 + h * scale
    if x0 < 0:
        x0, x1 = 0, x1 - x0
    if y0 < 0:
        y0, y1 = 0, y1 - y0
    if x1 > src_w - 1:
        x0, x1 = x0 - (x1 - src_w + 1), src_w - 1
    if y1 > src_h - 1:
        y0, y1 = y0 - (y1 - src_h + 1), src_h - 1
    return int(x0), int(y0), int(x1), int(y1)


@given(st.integers(0, 170), st.integers(0, 100), st.integers(8, 130), st.integers(8, 100), st.sampled_from([2.7, 4.0]))
@settings(deadline=None, max_examples=200)
def test_the_crop_is_upstream_s(x: int, y: int, w: int, h: int, scale: float) -> None:
    columns, rows = np.meshgrid(np.arange(200, dtype=np.uint8), np.arange(160, dtype=np.uint8))
    pixels = np.stack([columns, rows, columns], axis=2)
    x0, y0, x1, y1 = upstream_crop(pixels, x, y, w, h, scale)
    crop, reached = minifasnet.cut(pixels, Box(x0=x, y0=y, x1=x + w, y1=y + h), scale)
    assert crop.shape == (80, 80, 3)
    assert reached <= scale
    # Each pixel holds its own place: the crop's corners tell which part of the photo it shows. An interpolated edge is
    # off by up to half a source pixel, and rounding of sums by one.
    wide, high = (x1 - x0) / 160 + 1.5, (y1 - y0) / 160 + 1.5
    assert float(crop[40, 0, 0]) == pytest.approx(x0, abs=wide)
    assert float(crop[40, -1, 0]) == pytest.approx(x1, abs=wide)
    assert float(crop[0, 40, 1]) == pytest.approx(y0, abs=high)
    assert float(crop[-1, 40, 1]) == pytest.approx(y1, abs=high)


@published
def test_a_studio_portrait_is_not_called_an_attack(portrait: Photo) -> None:
    (row,), claims, _ = call(tools(), [portrait])
    assert row.status == "ok"
    assert row.value in ("bona_fide", "undecided")
    assert row.score is not None
    assert row.score == pytest.approx(np.mean(list(row.details["by_network"].values())), abs=1e-3)
    assert "misses is not known" in sentences(claims)


@published
def test_channels_matter_and_the_networks_differ(portrait: Photo) -> None:
    (face,) = FaceDetector("dlib").detect(portrait, "image 1")
    network, box = MiniFASNet(), liveness.box_of(face)
    found = network.look(portrait.pixels, box)
    swapped = network.look(np.ascontiguousarray(portrait.pixels[:, :, ::-1]), box)
    assert found.each["minifasnet-v2"] != found.each["minifasnet-v1se"]
    assert abs(found.live - swapped.live) > 1e-4
    assert found.scale["minifasnet-v2"] == 2.7
    assert found.scale["minifasnet-v1se"] == 4.0


def test_nothing_is_called_live_and_an_attack_at_once() -> None:
    table = liveness.lines()
    assert 0 < table.attack < table.live < 1
    assert table.finding(table.attack) == "attack"
    assert table.finding(table.live) == "bona_fide"
    assert table.finding((table.attack + table.live) / 2) == "undecided"


def test_the_shipped_lines_keep_their_promise() -> None:
    table = liveness.lines()
    assert table.photos >= 200
    assert all(rate <= 0.05 for rate in table.called_attack.values())
    assert table.called_live_in_all == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("score", "value", "wanted"),
    [
        (0.0, "attack", "support a print or a screen over a live capture"),
        (1.0, "bona_fide", "support a live capture over a print or a screen"),
        (0.4, "undecided", "It stays undecided whether the face was live"),
    ],
)
def test_findings_in_words(portrait: Photo, score: float, value: str, wanted: str) -> None:
    (row,), claims, _ = call(tools(Says(score)), [portrait])
    assert row.value == value
    assert row.threshold is not None
    assert row.threshold.holds(score) == (value != "undecided")
    assert row.probability is None
    said = sentences(claims)
    assert wanted in said
    assert "is live" not in said
    assert ("deepfakes" in said) == (value == "bona_fide")


def test_an_attack_is_said_with_its_false_alarms(portrait: Photo) -> None:
    _, claims, _ = call(tools(Says(0.0)), [portrait])
    (reason,) = (claim.sentence for claim in claims if claim.role == "reason")
    assert f"{liveness.lines().called_attack_in_all * 100:.1f} %" in reason


def test_undecided_is_said_with_how_usual_the_score_is(portrait: Photo) -> None:
    table = liveness.lines()
    assert list(table.scores) == sorted(table.scores)
    assert table.as_low(table.scores[8]) == pytest.approx(table.shares[8])
    _, claims, _ = call(tools(Says(table.scores[8])), [portrait])
    assert f"About {table.shares[8] * 100:.0f} % of {table.photos} ordinary photos score as low" in sentences(claims)


def test_several_undecided_faces_are_given_a_span(group: Photo) -> None:
    table = liveness.lines()
    large = Photo.open(group.pixels.repeat(2, axis=0).repeat(2, axis=1))
    _, claims, _ = call(tools(Says(table.scores[4], table.scores[8])), [large])
    assert "Between 20 % and 40 % of" in sentences(claims)


def test_faces_with_one_finding_share_their_sentences(group: Photo) -> None:
    group = Photo.open(group.pixels.repeat(2, axis=0).repeat(2, axis=1))  # one of them is rather small
    rows, claims, _ = call(tools(Says(0.4, 0.4)), [group])
    assert [row.value for row in rows] == ["undecided", "undecided"]
    assert len([claim for claim in claims if claim.role == "answer"]) == 1
    rows, claims, _ = call(tools(Says(0.0, 1.0)), [group])
    assert [row.value for row in rows] == ["attack", "bona_fide"]
    assert len([claim for claim in claims if claim.role == "answer"]) == 2
    assert len({claim.sentence for claim in claims}) == len(claims)


# Whatever is scored.


class Scores:
    """A network that gives each face of a session the score made up for it; faces are known by where they are."""

    def __init__(self, session: Session, scores: Sequence[float]) -> None:
        self.scores = {liveness.box_of(face): score for face, score in zip(session.faces(), scores, strict=False)}

    def look(self, pixels: Pixels, box: Box) -> Found:
        return Says(self.scores[box]).look(pixels, box)


_SCORES = st.one_of(st.floats(0, 1), st.sampled_from((*liveness.lines().scores, 0.0, 1.0)))
_TURNS = st.one_of(st.just(0.0), st.just(0.0), st.floats(-60, 60))


@settings(max_examples=150)
@given(
    PLACES,
    st.lists(_SCORES, min_size=4, max_size=4),
    st.builds(Pose, yaw=_TURNS, pitch=_TURNS, roll=_TURNS),
    CHOSEN,
)
def test_whatever_is_scored_every_sentence_is_carried(
    places: list[Place], scores: list[float], pose: Pose, chosen: list[bool]
) -> None:
    session = placed(places)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(five_points, "pose_of", lambda photo, face: pose)
        tool = CheckLiveness(Scores(session, scores))  # type: ignore[arg-type]
        ask(tool, session, subjects=some_of(session, chosen))


def test_there_are_no_words_for_what_is_never_found(portrait: Photo) -> None:
    rows = [row for score in (0.0, 0.4, 1.0) for row in call(tools(Says(score)), [portrait])[0]]
    assert never_met(rows, "liveness") == []


def with_face(photo: Photo, box: Box, roll: float = 0.0) -> Session:
    session = Session()
    session.add(photo)
    session.set_faces("image 1", [Face(id="face 1.1", image="image 1", box=box, score=1.0, roll=roll)])
    return session


@pytest.mark.parametrize(
    ("box", "why"),
    [
        (Box(x0=200, y0=100, x1=240, y1=140), "too little of a surface"),
        (Box(x0=-60, y0=60, x1=100, y1=220), "outside of the photo"),
    ],
)
def test_what_cannot_be_judged(portrait: Photo, box: Box, why: str) -> None:
    session = with_face(portrait, box)
    (row,) = CheckLiveness(Says()).run(session, CheckLiveness.arguments())  # type: ignore[arg-type]
    assert row.status == "abstained"
    assert why in (row.reason or "")
    claims = word(CheckLiveness(), [session.ledger.record(row)], session)
    assert "was not judged, because" in sentences(claims)
    assert "misses" not in sentences(claims)


def test_a_lying_head_is_not_judged(portrait: Photo) -> None:
    lying = Photo.open(np.ascontiguousarray(np.rot90(portrait.pixels)))
    (row,), _, _ = call(tools(Says()), [lying])
    assert row.status == "abstained"
    assert "turned or leans" in (row.reason or "")


def test_without_the_weights_it_says_how_to_get_them(
    portrait: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACEAGENT_MIRROR", raising=False)
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissing, match="faceagent models get minifasnet-v2"):
        MiniFASNet().look(portrait.pixels, Box(x0=180, y0=60, x1=280, y1=160))
    listed = CheckLiveness().backends()
    assert {backend.method.name for backend in listed} == set(minifasnet.SCALES)
    for backend in listed:
        assert not backend.here
        assert backend.how == f"faceagent models get {backend.method.name}"
        assert backend.fetch is not None
        assert backend.method.licence == "Apache-2.0"


def test_a_tampered_network_is_refused(portrait: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEAGENT_MIRROR", raising=False)
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    row = weights.row("minifasnet-v2")
    (tmp_path / row.file).write_bytes(bytes(row.size))
    with pytest.raises(WeightsCorrupt, match="faceagent models get minifasnet-v2"):
        MiniFASNet().look(portrait.pixels, Box(x0=180, y0=60, x1=280, y1=160))
