"""A conversation as a Report: what was asked and said, and on each exhibit whatever was measured on the way.

Nothing is examined anew. What nobody asked was not measured, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from faceagent import policy
from faceagent.messages import N_
from faceagent.report.build import methods_of
from faceagent.report.drawing import Pictures, draw, shown_for, together
from faceagent.report.reproduction import reproduction
from faceagent.report.summary import limitations, read_for
from faceagent.report.verdict import verdict
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Answer, Claim, Evidence, Exhibit, ExhibitReport, Report, Step

TITLE = N_("Report on a conversation")


def of_conversation(
    session: Session, answers: Sequence[Answer], toolbox: Toolbox, *, command: str, title: str = TITLE
) -> tuple[Report, dict[str, Pictures]]:
    """The report on a conversation so far.

    Args:
        answers: those given in it, oldest first.
        command: what a reader types to make it again.

    Returns:
        The report, and what its HTML shows of each exhibit, by id.
    """
    claims = [claim for answer in answers for claim in answer.claims]
    evidence = tuple({row.id: row for answer in answers for row in answer.evidence}.values())
    steps = [step for answer in answers for step in answer.steps]
    exhibits = tuple(exhibit_of(session, one, claims, evidence, steps) for one in _handed_in(session))
    told = {row.id for exhibit in exhibits for row in exhibit.evidence}
    across = tuple(row for row in evidence if row.id not in told)
    report = Report(
        title=title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        purpose=session.purpose,
        summary=tuple(_asked(answer) for answer in answers),
        exhibits=exhibits,
        across=_about(claims, across),
        across_evidence=across,
        across_steps=_steps(steps, across),
        methods=methods_of(evidence),
        limitations=(
            *limitations(exhibits, toolbox, compared=0, faces=len(session.faces())),
            *([read_for(policy.purpose(session.purpose))] if session.purpose else []),
        ),
        reproduction=reproduction(command),
    )
    return report, {item.exhibit.id: pictures_of(session, item, number) for number, item in enumerate(exhibits, 1)}


def exhibit_of(
    session: Session,
    exhibit: Exhibit,
    claims: Iterable[Claim],
    evidence: Sequence[Evidence],
    steps: Sequence[Step] = (),
) -> ExhibitReport:
    """One photo or video of a conversation with what was said and measured of it and of nothing else."""
    images = session.stills(exhibit.id) or () if exhibit.id in session.videos else (exhibit.id,)
    faces = tuple(face for image in images for face in session.faces(image))
    own = {exhibit.id, *images, *(face.id for face in faces)}
    rows = tuple(row for row in evidence if own.issuperset(row.subject.split(" + ")))
    findings = _about(claims, rows)
    return ExhibitReport(
        exhibit=exhibit,
        verdict=verdict(rows, findings),
        findings=findings,
        faces=faces,
        evidence=rows,
        steps=_steps(steps, rows),
    )


def pictures_of(session: Session, exhibit: ExhibitReport, number: int = 1) -> Pictures:
    """What is shown of an exhibit: the photo with its findings marked, or the stills of a video.

    Args:
        number: how many exhibits are drawn so far, this one included.
    """
    if exhibit.exhibit.id not in session.videos:
        photo = session.photo(exhibit.exhibit.id)
        made = ((row, session.picture(str(row.details.get("picture")))) for row in exhibit.evidence)
        shown = [picture for row, data in made if data for picture in shown_for(row, data, photo)]
        return draw(photo, exhibit, shown, number=number)
    drawn = []
    for image in session.stills(exhibit.exhibit.id) or ():
        faces = session.faces(image)
        still = exhibit.model_copy(update={"exhibit": session.photo(image).exhibit(image), "faces": faces})
        drawn.append(draw(session.photo(image), still, number=number))
    return together(drawn, ()) if drawn else Pictures(b"", b"", 0, 0)


def _handed_in(session: Session) -> list[Exhibit]:
    """Photos and videos, without the frames that were taken out of videos."""
    own = set(session.files_in((), ()))
    return [exhibit for exhibit in session.exhibits() if exhibit.id in own]


def _about(claims: Iterable[Claim], rows: Sequence[Evidence]) -> tuple[Claim, ...]:
    """The claims that rest first of all on these rows, each sentence once."""
    ids = {row.id for row in rows}
    return tuple({claim.sentence: claim for claim in claims if claim.evidence[0] in ids}.values())


def _steps(steps: Sequence[Step], rows: Sequence[Evidence]) -> tuple[Step, ...]:
    ids = {row.id for row in rows}
    return tuple(step for step in steps if step.evidence and step.evidence[0] in ids)


def _asked(answer: Answer) -> str:
    """A question, and what was answered first."""
    lead = [claim.sentence for claim in answer.claims if claim.role == "answer"]
    said = " ".join(lead) or " ".join(answer.not_established) or answer.text
    return f"Asked: “{answer.question}” {said}"
