"""Videos in a report: an exhibit of their own, with stills, a timeline, and the worst frames."""

from __future__ import annotations

import pytest
from fakes import HOSTILE, FakeVideo, fake_toolbox, photo, video
from pydantic import JsonValue

from faceagent.report import build_report
from faceagent.report.drawing import Pictures
from faceagent.report.html import to_html
from faceagent.report.table import to_csv
from faceagent.report.timeline import timelines
from faceagent.types import Evidence, Method, Report


def report(value: str = "manipulated", *names: str) -> tuple[Report, dict[str, Pictures]]:
    given = [video(name) for name in names or ("clip.mp4",)]
    return build_report(fake_toolbox(FakeVideo(value)), given, command="faceagent report clip.mp4")


def test_a_video_is_an_exhibit() -> None:
    made, pictures = report()
    (exhibit,) = made.exhibits
    assert exhibit.exhibit.id == "video 1"
    assert [face.id for face in exhibit.faces] == ["face 1.1", "face 2.1"]
    assert exhibit.verdict.kind == "signs_of_alteration"
    assert exhibit.verdict.headline == "The frames of face 1.1 show manipulated."
    assert made.summary[0] == "One video was examined: “clip.mp4”."
    assert set(pictures["video 1"].faces) == {"face 1.1", "face 2.1"}
    assert [shown.of for shown in pictures["video 1"].shown] == ["still", "worst_frame", "worst_frame"]
    assert "video 1,clip.mp4" in to_csv(made)


@pytest.mark.parametrize(("value", "kind"), [("no_sign", "no_sign_found"), ("inconclusive", "inconclusive")])
def test_other_verdicts(value: str, kind: str) -> None:
    made, _ = report(value)
    assert made.exhibits[0].verdict.kind == kind
    assert "file’s own records" in made.exhibits[0].verdict.headline


@pytest.mark.parametrize("pixels", ["no_sign", "manipulated"])
def test_what_the_file_states_outweighs_the_frames_and_they_are_told_beside_it(pixels: str) -> None:
    (exhibit,) = report(pixels, "generated signed.mp4")[0].exhibits
    assert exhibit.verdict.kind == "signs_of_synthesis"
    assert exhibit.verdict.claims[0].attribute == "digital_source_type"
    beside = {claim.sentence: claim.role for claim in exhibit.verdict.claims[1:]}
    assert beside[f"The frames of face 1.1 show {pixels}."] == ("doubt" if pixels == "no_sign" else "reason")


def test_photos_and_videos_side_by_side() -> None:
    given = [photo("a.jpg"), video(), photo("b.jpg", seed=1)]
    made, pictures = build_report(fake_toolbox(FakeVideo()), given, command="faceagent report .")
    assert made.summary[0] == "Two photos and one video were examined."
    assert [item.exhibit.id for item in made.exhibits] == ["image 1", "video 1", "image 4"]
    assert set(pictures) == {"image 1", "video 1", "image 4"}
    assert {row.subject for row in made.across_evidence} == {"face 1.1 + face 4.1"}


def test_nobody_in_a_video_and_no_tool_for_videos() -> None:
    assert report("no_sign", "noface.mp4")[0].exhibits[0].verdict.kind == "inconclusive"
    made, _ = build_report(fake_toolbox(), [video()], command="faceagent report clip.mp4")
    assert made.exhibits[0].verdict.kind == "inconclusive"
    assert {row.tool for row in made.exhibits[0].evidence} == {"inspect_provenance"}


def test_the_page_shows_the_timeline_and_nothing_of_the_file_as_markup() -> None:
    made, pictures = report("manipulated", f"{HOSTILE}.mp4")
    page = to_html(made, pictures)
    assert page.count('<figure class="timeline">') == 2
    assert "Over time, face 1.1: highest from 0:04.0 to 0:08.0; 1 of 2 stretches reach the line." in page
    assert "Face 1.1 at 0:05.2, where it looks most suspicious" in page
    assert "<script" not in page
    assert "EXIF value" not in page


def row(attribute: str, **details: JsonValue) -> Evidence:
    method = Method(name="m", version="1", licence="MIT")
    return Evidence(tool="t", subject="face 1.1", attribute=attribute, value=1, method=method, details=details)


def test_bars_lie_in_the_drawing() -> None:
    (line,) = timelines(
        [
            row("frames", duration_seconds=10.0),
            row("undecodable", places=[{"seconds": 5.0, "why": "x"}, {"seconds": 99.0, "why": "y"}]),
            row("forgery", timeline=[[0.0, 5.0, 0.0], [5.0, 10.4, 1.0]], line_as_probability=0.9),
        ]
    )
    assert [(bar.x, bar.width, bar.above) for bar in line.bars] == [(0.0, 500.0, False), (500.0, 500.0, True)]
    assert [bar.height for bar in line.bars] == [2.0, 150.0]
    assert line.gaps == (500.0, 1000.0)
    assert line.ticks[0] == (0.0, "0:00.0") and line.ticks[-1] == (1000.0, "0:10.0")


def test_photos_have_no_timeline() -> None:
    assert timelines([row("forgery", timeline=[[0, 1, 0.5]])]) == ()
