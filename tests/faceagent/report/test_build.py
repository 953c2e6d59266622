"""Photos into a report, with fake tools: order, ids, what is left out, what is kept in memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest
from fakes import HOSTILE, Fake, FakeForgery, FakeProvenance, Overclaiming, fake_toolbox, photo

from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent.report import Examination, build_report
from faceagent.session import Session
from faceagent.tool import Arguments, Names, SubjectArguments, Toolbox
from faceagent.types import Claim, Evidence, Failure, Report

COMMAND = "faceagent report examples --out report"


def report_of(*names: str, tools: Toolbox | None = None) -> Report:
    photos = [photo(name, seed=seed) for seed, name in enumerate(names)]
    return build_report(tools or fake_toolbox(), photos, command=COMMAND)[0]


def test_each_exhibit_gets_its_own_verdict() -> None:
    report = report_of("altered.jpg", "generated.png", "plain.jpg")
    assert [item.verdict.kind for item in report.exhibits] == [
        "signs_of_alteration",
        "signs_of_synthesis",
        "inconclusive",
    ]
    assert report.summary[0] == "Three photos were examined."
    assert "One shows signs of alteration: image 1 (“altered.jpg”)." in report.summary


def test_evidence_ids_are_unique_and_every_claim_cites_evidence_of_the_report() -> None:
    report = report_of("group.jpg", "altered.jpg", "noface.jpg")
    rows = [row for item in report.exhibits for row in item.evidence] + list(report.across_evidence)
    assert len({row.id for row in rows}) == len(rows)
    claims = [claim for item in report.exhibits for claim in (*item.findings, *item.verdict.claims)]
    assert {name for claim in (*claims, *report.across) for name in claim.evidence} <= {row.id for row in rows}
    assert {step.tool for item in report.exhibits for step in item.steps} >= {"detect_faces", "inspect_provenance"}


def test_a_sentence_that_says_too_much_is_left_out_and_noted() -> None:
    report = report_of("plain.jpg", tools=fake_toolbox(Overclaiming()))
    said = [claim.sentence for claim in report.exhibits[0].findings]
    assert not any("definitely" in sentence for sentence in said)
    assert any("sharpness" in note and "left out" in note for note in report.withheld)


def test_a_tool_that_fails_is_in_the_report_and_stops_nothing() -> None:
    report = report_of("plain.jpg", tools=fake_toolbox(FakeProvenance(broken=True)))
    failed = [row for row in report.exhibits[0].evidence if row.status == "failed"]
    assert failed and "cannot be read" in str(failed[0].reason)
    assert report.exhibits[0].verdict.kind == "inconclusive"
    assert any(row.tool == "assess_quality" for row in report.exhibits[0].evidence)


def test_a_forgery_detector_slots_in() -> None:
    tools = fake_toolbox(FakeForgery("no_sign"))
    report = report_of("plain.jpg", tools=tools)
    assert report.exhibits[0].verdict.kind == "no_sign_found"
    assert not any("Examining the pixels" in line for line in report.limitations)
    assert any("Examining the pixels" in line for line in report_of("plain.jpg").limitations)


def test_faces_are_compared_across_photos_up_to_a_bound() -> None:
    report = report_of(*[f"group-{index}.jpg" for index in range(8)])
    compared = {part for row in report.across_evidence for part in row.subject.split(" + ")}
    assert len(compared) == 10
    assert report.across_steps[0].tool == "compare_faces"
    assert "10 of 16 faces were compared" in report.limitations[-1]
    assert not report_of("group.jpg").across_evidence


def test_people_in_several_photos_are_summed_up_once() -> None:
    assert "Image 1 and image 2 seem to show the same person." in report_of("a.jpg", "b.jpg").summary
    several = report_of("a.jpg", "b.jpg", "c.jpg", "noface.jpg").summary
    assert "The same person seems to appear in more than one photo: image 1, image 2 and image 3." in several


def test_a_long_name_is_shortened_in_the_summary_and_whole_in_the_exhibit() -> None:
    name = "noface-" + "x" * 200 + ".jpg"
    report = report_of(name, "noface.jpg")
    told = " ".join(report_of(name).summary)
    assert "noface-xxx" in told and "xxx.jpg”" in told and name not in told
    assert report.exhibits[0].exhibit.name == name


def test_one_file_under_two_names_is_recognised() -> None:
    report = build_report(fake_toolbox(), [photo("noface.jpg"), photo("noface-too.jpg")], command=COMMAND)[0]
    assert report.across[0].sentence == "Image 1 and image 2 are the same file, byte for byte."
    assert report.across[0].sentence in report.summary


def test_failures_keep_the_rest_going_and_are_counted() -> None:
    seen: list[str] = []

    def inputs() -> Iterator[Photo | Failure]:
        yield Failure(name="broken.jpg", message="broken.jpg is cut short")
        yield photo("plain.jpg")

    report, pictures = build_report(fake_toolbox(), inputs(), command=COMMAND, on_progress=seen.append)
    assert seen == ["broken.jpg", "plain.jpg"]
    assert [item.name for item in report.failures] == ["broken.jpg"]
    assert report.summary[-1] == "One file could not be examined: broken.jpg."
    assert list(pictures) == ["image 1"]


def test_only_failures_still_make_a_report() -> None:
    report = build_report(fake_toolbox(), [Failure(name="a.jpg", message="a.jpg is empty")], command=COMMAND)[0]
    assert report.summary[0] == "No photos were examined."
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_pixels_are_let_go_once_a_photo_is_no_longer_needed() -> None:
    examination = Examination(fake_toolbox())
    alive: list[weakref.ref[Photo]] = []
    for index in range(24):
        shot = photo(f"group-{index}.jpg", seed=index)
        alive.append(weakref.ref(shot))
        examination.examine(shot)
        del shot
    gc.collect()
    kept = [index for index, reference in enumerate(alive) if reference() is not None]
    assert kept == [0, 1, 2, 3, 4]  # two faces each: the ten that wait to be compared
    assert len(examination.report(command=COMMAND).exhibits) == 24


def test_hostile_text_changes_no_verdict_and_survives_the_json_round_trip() -> None:
    report = report_of(f"altered-{HOSTILE}.jpg", tools=fake_toolbox(hostile=True))
    assert report.exhibits[0].verdict.kind == "signs_of_alteration"
    assert Report.model_validate_json(report.model_dump_json(indent=2)) == report


def test_reproduction_names_command_and_versions() -> None:
    record = report_of("plain.jpg").reproduction
    assert record.command == COMMAND
    assert {"faceagent", "python", "numpy", "pillow"} <= set(record.versions)
    assert record.platform


class AboutPeople(SubjectArguments):
    about: tuple[str, ...] = ()


class FakeAttributes(Fake):
    """Puts on record what it was asked about and for which purpose."""

    name: ClassVar[str] = "estimate_attributes"
    description: ClassVar[str] = "Estimates."
    arguments: ClassVar[type[Arguments]] = AboutPeople
    needs_faces: ClassVar[bool] = True

    def run(self, session: Session, arguments: Any) -> Sequence[Evidence]:
        return [
            self.row(face.id, "asked", {"about": list(arguments.about), "purpose": session.purpose})
            for face in session.faces_in(arguments.subjects)
        ]

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return []


class FakePose(FakeAttributes):
    """Another tool that can be asked about something, which is something else."""

    name: ClassVar[str] = "estimate_pose"


def described(purpose: str | None, tool: Fake | None = None) -> Report:
    return build_report(fake_toolbox(tool or FakeAttributes()), [photo()], command=COMMAND, purpose=purpose)[0]


def asked(report: Report) -> list[Any]:
    return [row.value for row in report.exhibits[0].evidence if row.attribute == "asked"]


def test_people_are_described_only_for_a_stated_purpose() -> None:
    assert not asked(described(None))
    assert asked(described("personal")) == [{"about": [], "purpose": "personal"}]
    (found,) = asked(described("bias_audit"))
    assert "ethnicity" in found["about"]
    assert asked(described("bias_audit", FakePose())) == [{"about": [], "purpose": "bias_audit"}]


def test_the_purpose_stands_in_the_report() -> None:
    report = described("bias_audit")
    assert report.purpose == "bias_audit"
    assert "“bias_audit”" in report.limitations[-1] and "emotion, ethnicity" in report.limitations[-1]
    assert described(None).purpose is None
    assert not any("purpose" in line for line in described(None).limitations)
    with pytest.raises(UsageError, match="Known purposes"):
        described("marketing")
