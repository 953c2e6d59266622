"""Photos and videos into a Report: each is examined on its own, then the faces of several photos are compared.

They are taken one at a time, so a batch may hand in a generator. What the report shows of a photo is drawn at once
and its pixels are let go, except for the few photos whose faces wait to be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from faceagent import policy
from faceagent.ground import ground, words_of
from faceagent.media import Photo
from faceagent.messages import N_
from faceagent.narrate import in_order
from faceagent.report.drawing import Pictures, Shown, draw, shown_for, together
from faceagent.report.reproduction import reproduction
from faceagent.report.summary import MEANING, limitations, read_for, summarise
from faceagent.report.verdict import verdict
from faceagent.session import Session
from faceagent.tool import DETECTOR, VIDEO, AnyTool, Names, Outcome, Toolbox
from faceagent.types import Claim, Evidence, Exhibit, ExhibitReport, Face, Failure, Method, Report, Step, Verdict
from faceagent.video import Video, clock

# Called in this order where the toolbox has them. What people look like (age, emotion …) is no part of the question
# whether a photo is authentic, so those tools join only where a purpose has been stated; nor is whether somebody stood
# before a log-in camera.
EXAMINATION = (
    DETECTOR,
    "inspect_provenance",
    "detect_forgery",
    "assess_quality",
    "estimate_pose",
)
VIDEO_EXAMINATION = ("inspect_provenance", VIDEO)
ATTRIBUTES = "estimate_attributes"
PEOPLE = (ATTRIBUTES, "recognize_emotion")
_ABOUT_PEOPLE = ("age", "gender", "attributes", "ethnicity")
COMPARISON = "compare_faces"
TITLE = N_("Authenticity report")
# Ten faces make 45 comparisons: about what a reader can still follow.
COMPARED_AT_MOST = 10
COMPARED_PER_PHOTO = 4
SAME_FILE = Method(
    name="SHA-256", version="FIPS 180-4", licence="public domain", source="doi.org/10.6028/NIST.FIPS.180-4"
)

Look = Callable[[Session, Sequence[Face]], None]


class Examination:
    """One report in the making.

    Args:
        purpose: what faces are read for (see `faceagent.policy`); with one, the report describes people as well.
        draws: the pictures of each exhibit, for a report that shows them.
        look: is shown each photo's faces once they are examined, in the session that holds them.

    Raises:
        UsageError: there is no such purpose, or the words of two tools contradict.

    >>> examination = Examination(Toolbox.installed())  # doctest: +SKIP
    >>> examination.examine(Photo.open("portrait.jpg")).verdict.headline  # doctest: +SKIP
    >>> report = examination.report(command="faceagent report portrait.jpg")  # doctest: +SKIP
    """

    def __init__(
        self, toolbox: Toolbox, purpose: str | None = None, *, draws: bool = True, look: Look | None = None
    ) -> None:
        self._toolbox, self._draws, self._look = toolbox, draws, look
        self._words = words_of(toolbox.values())
        self._purpose = None if purpose is None else policy.purpose(purpose)
        self._session = Session(purpose)
        self._plan = [name for name in (*EXAMINATION, *(PEOPLE if purpose else ())) if name in toolbox]
        self._exhibits: list[ExhibitReport] = []
        self._failures: list[Failure] = []
        self._withheld: list[str] = []
        self._waiting: list[Face] = []
        self._faces_seen = 0
        self.pictures: dict[str, Pictures] = {}
        """What the HTML shows of each exhibit, by image id."""

    def fail(self, failure: Failure) -> None:
        """Note an input that could not be examined."""
        self._failures.append(failure)

    def examine(self, given: Photo | Video) -> ExhibitReport:
        """Run every tool of the examination on one exhibit, word what they found, and reach a verdict."""
        return self._video(given) if isinstance(given, Video) else self._photo(given)

    def _photo(self, photo: Photo) -> ExhibitReport:
        image_id = self._session.add(photo)
        outcomes = [outcome for name in self._plan for outcome in self._call(name, image_id)]
        faces = self._session.faces(image_id)
        exhibit = self._exhibit(photo.exhibit(image_id), outcomes, (image_id,), faces)
        if self._draws:
            self.pictures[image_id] = self._draw(photo, exhibit)
        if self._look:
            self._look(self._session, faces)
        self._keep_or_release(image_id, faces)
        return exhibit

    def _video(self, video: Video) -> ExhibitReport:
        """The faces of a video are not compared with those of other exhibits: its stills are let go at once."""
        video_id = self._session.add_video(video)
        outcomes = [one for name in VIDEO_EXAMINATION if name in self._toolbox for one in self._call(name, video_id)]
        stills = self._session.stills(video_id) or ()
        faces = tuple(face for image in stills for face in self._session.faces(image))
        exhibit = self._exhibit(video.exhibit(video_id), outcomes, stills, faces)
        if stills and self._draws:
            self.pictures[video_id] = self._draw_stills(exhibit)
        for image in stills:
            self._session.release(image)
        return exhibit

    def _exhibit(
        self, exhibit: Exhibit, outcomes: Sequence[Outcome], images: tuple[str, ...], faces: tuple[Face, ...]
    ) -> ExhibitReport:
        names = Names(images=images, faces=tuple(face.id for face in faces))
        evidence = tuple(row for outcome in outcomes for row in outcome.evidence)
        findings = self._grounded(self._worded(outcomes, names), exhibit.id, names)
        report = ExhibitReport(
            exhibit=exhibit,
            verdict=self._held(verdict(evidence, findings), findings, exhibit.id, names),
            findings=findings,
            faces=faces,
            evidence=evidence,
            steps=tuple(outcome.step for outcome in outcomes),
        )
        self._exhibits.append(report)
        return report

    def report(self, *, command: str, title: str = TITLE) -> Report:
        """Compare the faces of several photos and close the report.

        Args:
            command: what a reader types to make the report again.
        """
        across, evidence, steps = self._compare()
        exhibits = tuple(self._exhibits)
        return Report(
            title=title,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            purpose=self._session.purpose,
            summary=summarise(exhibits, evidence, self._failures),
            exhibits=exhibits,
            across=across,
            across_evidence=evidence,
            across_steps=steps,
            failures=tuple(self._failures),
            withheld=tuple(dict.fromkeys(self._withheld)),
            methods=methods_of([*evidence, *(row for exhibit in exhibits for row in exhibit.evidence)]),
            limitations=(
                *limitations(exhibits, self._toolbox, compared=len(self._waiting), faces=self._faces_seen),
                *([read_for(self._purpose)] if self._purpose else []),
            ),
            reproduction=reproduction(command),
        )

    def _call(self, name: str, *references: str) -> list[Outcome]:
        fields = self._toolbox[name].arguments.model_fields
        of_video = references[0].startswith("video")
        kind = "videos" if of_video else next(kind for kind in ("images", "subjects") if kind in fields)
        arguments: dict[str, tuple[str, ...]] = {kind: references}
        if name == ATTRIBUTES and policy.opens(self._session.purpose, "ethnicity"):
            arguments["about"] = _ABOUT_PEOPLE
        return self._toolbox.call(self._session, name, arguments)

    def _worded(self, outcomes: Sequence[Outcome], names: Names) -> list[Claim]:
        rows: dict[str, list[Evidence]] = {}
        for outcome in outcomes:
            rows.setdefault(outcome.step.tool, []).extend(outcome.evidence)
        worded = ((self._toolbox[name], found) for name, found in rows.items() if found)
        return [claim for tool, found in worded for claim in _words(tool, found, names)]

    def _grounded(self, claims: Sequence[Claim], subject: str, names: Names) -> tuple[Claim, ...]:
        # What is said of one exhibit ("both faces", "the sharpest") is said of its faces only.
        checked = ground(claims, self._session.ledger.get, names.faces, self._words)
        self._withheld += [
            f"{subject}: a sentence about {rejection.claim.attribute.replace('_', ' ')} was left out, because "
            f"{rejection.reason}."
            for rejection in checked.rejected
        ]
        return checked.accepted

    def _held(self, found: Verdict, findings: Sequence[Claim], subject: str, names: Names) -> Verdict:
        """The verdict with only those sentences that the evidence carries. The findings among them, in whatever role,
        were checked before."""
        checked = [_without_role(claim) for claim in findings]
        own = [claim for claim in found.claims if _without_role(claim) not in checked]
        carried = self._grounded(own, subject, names)
        claims = tuple(claim for claim in found.claims if claim not in own or claim in carried)
        headline = claims[0].sentence if claims else found.headline if not found.claims else MEANING[found.kind]
        return found.model_copy(update={"claims": claims, "headline": headline})

    def _draw(self, photo: Photo, exhibit: ExhibitReport) -> Pictures:
        made = ((row, self._session.picture(str(row.details.get("picture")))) for row in exhibit.evidence)
        shown = [picture for row, data in made if data for picture in shown_for(row, data, photo)]
        return draw(photo, exhibit, shown, number=len(self._exhibits))

    def _draw_stills(self, exhibit: ExhibitReport) -> Pictures:
        """Each still with its own faces and regions, that of the face seen longest first."""
        followed = [row.subject for row in exhibit.evidence if row.attribute == "track"]
        drawn = []
        for image in dict.fromkeys(self._session.image_of(face) for face in followed):
            photo, faces = self._session.photo(image), self._session.faces(image)
            evidence = tuple(row for row in exhibit.evidence if row.subject in {face.id for face in faces})
            update = {"exhibit": photo.exhibit(image), "faces": faces, "evidence": evidence}
            drawn.append(draw(photo, exhibit.model_copy(update=update), number=len(self._exhibits)))
        return together(drawn, list(self._worst(exhibit)))

    def _worst(self, exhibit: ExhibitReport) -> Iterator[Shown]:
        for row in exhibit.evidence:
            data = self._session.picture(str(row.details.get("picture")))
            if data and isinstance(row.value, int | float):
                caption = f"{row.subject.capitalize()} at {clock(row.value)}, where it looks most suspicious"
                photo = self._session.photo(self._session.image_of(row.subject))
                yield from (replace(one, caption=caption) for one in shown_for(row, data, photo))

    def _keep_or_release(self, image_id: str, faces: Sequence[Face]) -> None:
        self._faces_seen += len(faces)
        room = min(COMPARED_PER_PHOTO, COMPARED_AT_MOST - len(self._waiting)) if COMPARISON in self._toolbox else 0
        chosen = sorted(faces, key=lambda face: face.box.area, reverse=True)[:room]
        self._waiting += sorted(chosen, key=faces.index)
        if not chosen:
            self._session.release(image_id)

    def _compare(self) -> tuple[tuple[Claim, ...], tuple[Evidence, ...], tuple[Step, ...]]:
        files = self._same_files()
        outcomes: list[Outcome] = []
        if len({face.image for face in self._waiting}) > 1:
            outcomes = self._call(COMPARISON, *(face.id for face in self._waiting))
        names = Names(
            images=tuple(exhibit.exhibit.id for exhibit in self._exhibits),
            faces=tuple(face.id for face in self._waiting),
        )
        claims = [*(_same_file(row) for row in files), *self._worded(outcomes, names)]
        evidence = (*files, *(row for outcome in outcomes for row in outcome.evidence))
        return self._grounded(claims, "across", names), evidence, tuple(outcome.step for outcome in outcomes)

    def _same_files(self) -> list[Evidence]:
        """Photos handed in twice, so that "the same person" is not read into one file under two names."""
        first: dict[str, str] = {}
        rows: list[Evidence] = []
        for exhibit in (report.exhibit for report in self._exhibits):
            other = first.setdefault(exhibit.sha256, exhibit.id)
            if other != exhibit.id:
                row = Evidence(
                    tool="compare_files",
                    subject=f"{other} + {exhibit.id}",
                    attribute="same_file",
                    value=True,
                    method=SAME_FILE,
                    details={"sha256": exhibit.sha256},
                )
                rows.append(self._session.ledger.record(row))
        return rows


def build_report(
    toolbox: Toolbox,
    given: Iterable[Photo | Video | Failure],
    failures: Sequence[Failure] = (),
    *,
    command: str,
    title: str = TITLE,
    purpose: str | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> tuple[Report, dict[str, Pictures]]:
    """Examine photos and videos and report on them.

    Args:
        given: may be a generator that opens one file at a time and yields a Failure for one that cannot be used.
        failures: inputs already known to be unusable.
        command: what a reader types to make the report again.
        purpose: what faces are read for, as `faceagent.policy.purposes()` has it; None reads no emotion or ethnicity.
        on_progress: called with the name of each input when it is done.

    Returns:
        The report, and what its HTML shows of each exhibit, by image id.

    Raises:
        UsageError: there is no such purpose.
    """
    examination = Examination(toolbox, purpose)
    for failure in failures:
        examination.fail(failure)
    for item in given:
        if isinstance(item, Failure):
            examination.fail(item)
        else:
            examination.examine(item)
        if on_progress is not None:
            on_progress(item.name)
    return examination.report(command=command, title=title), examination.pictures


def _without_role(claim: Claim) -> Claim:
    return claim.model_copy(update={"role": "answer"})


def _words(tool: AnyTool, rows: Sequence[Evidence], names: Names) -> list[Claim]:
    return in_order(tool.word(rows, names))


def _same_file(row: Evidence) -> Claim:
    first, second = row.subject.split(" + ")
    return Claim(
        sentence=f"{first[0].upper()}{first[1:]} and {second} are the same file, byte for byte.",
        subject=row.subject,
        attribute=row.attribute,
        value=row.value,
        evidence=(row.id,),
    )


def methods_of(evidence: Iterable[Evidence]) -> tuple[Method, ...]:
    """What made these measurements, each once."""
    return tuple(dict.fromkeys(row.method for row in evidence))
