"""compare_faces: do two faces show the same person?

Three answers. "supported": the similarity passes the line of the stated false match rate. "not_supported": it is lower
than nearly all pairs of one person. "undecided": between the two. The probability says how far to trust it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from pydantic import Field, JsonValue

from faceagent.errors import UsageError
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, GroupError, Probability, Threshold
from faceagent_tools import similarity, weights
from faceagent_tools.compare_wording import word
from faceagent_tools.embedding import FaceEmbedder, embedding_of, eye_distance
from faceagent_tools.five_points import pose_of
from faceagent_tools.identity.explain import Explainer
from faceagent_tools.similarity import Line, Table

MOST_PAIRS = 45
"""Ten faces, each with each."""
WIDEST_YAW = 60.0
LIMITATIONS = (
    "Twins, close relatives and look-alikes can be as alike as two photos of one person.",
    "Many years between two photos, disguise, strong make-up or an altered photo can make one person look like two, "
    "or two like one.",
    "How often two people pass for one was measured for adults, teenagers and children of 14 perceived groups; how "
    "often one person is missed only on press photos of adults (LFW). Other photos have other rates.",
)


@dataclass(frozen=True)
class View:
    """eye_distance: pixels in the upright photo. yaw: degrees."""

    eye_distance: float
    yaw: float


class CompareArguments(SubjectArguments):
    subjects: tuple[str, ...] = Field(
        default=(),
        description=(
            'Two or more face ids such as "face 1.2", or image ids for all faces in them. Faces of different subjects '
            "are compared with each other; of a single photo, all its faces. Empty: the faces of all photos."
        ),
    )
    false_match_rate: float = Field(
        default=similarity.DEFAULT_RATE,
        description="Share of pairs of different people that may pass as one person: 0.01, 0.001 or 0.0001.",
    )
    strict: bool = Field(
        default=False, description="Hold the false match rate in the worst group of people tested, not on average."
    )
    explain: bool = Field(
        default=False, description="Show which parts of the face support the likeness, with a picture; a second a pair."
    )


class CompareFaces(FaceTool[CompareArguments]):
    """The tool.

    Args:
        embedder: the recognition network. explainer: what tells which parts support a likeness, if anything.
    """

    name = "compare_faces"
    description = (
        "Tell whether faces show the same person: the answer at a stated false match rate, with a calibrated "
        "probability. Takes two or more faces, or photos with faces."
    )
    arguments = CompareArguments
    needs_faces = True

    def __init__(self, embedder: FaceEmbedder, explainer: Explainer | None = None) -> None:
        self._embedder, self._explainer = embedder, explainer

    def run(self, session: Session, arguments: CompareArguments) -> list[Evidence]:
        table = similarity.table()
        line = table.line(arguments.false_match_rate, arguments.strict)
        chosen = pairs(session, arguments.subjects)
        rows = [self._row(session, left, right, table, line) for left, right in chosen]
        if arguments.explain and self._explainer is not None:
            rows = [
                self._explainer.explained(session, left, right, row)
                for (left, right), row in zip(chosen, rows, strict=True)
            ]
        tally = Counter(row.value if row.status == "ok" else row.reason for row in rows)
        return [
            row.model_copy(
                update={
                    "details": {
                        **row.details,
                        "compared": len(rows),
                        "alike_found": tally[row.value if row.status == "ok" else row.reason],
                    }
                }
            )
            for row in rows
        ]

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return word(evidence, names)

    def backends(self) -> list[Backend]:
        row = weights.row(self._embedder.weights)
        here = weights.find(row.name) is not None
        how = None if here else weights.command(row.name)
        return [
            Backend(self.name, self._embedder.method, "embedded", here=here, chosen=True, size=row.size, how=how),
        ]

    def _row(self, session: Session, left: Face, right: Face, table: Table, line: Line) -> Evidence:
        views = {face.id: view(session, face) for face in (left, right)}
        reason = unfit(views, table)
        base = Evidence(
            tool=self.name,
            subject=f"{left.id} + {right.id}",
            attribute="same_person",
            method=self._embedder.method,
            status="abstained" if reason else "ok",
            reason=reason,
            limitations=LIMITATIONS,
            details=_details(table, line, views),
        )
        return base if reason else self._judged(base, self._alike(session, left, right), table, line)

    def _judged(self, base: Evidence, score: float, table: Table, line: Line) -> Evidence:
        return base.model_copy(
            update={
                "value": table.finding(score, line.false_match_rate, line.strict),
                "score": score,
                "threshold": _threshold(table, line),
                "probability": Probability(
                    value=table.probability(score),
                    event="the two faces show one person",
                    calibrated_on=table.calibrated_on,
                    n=table.genuine_pairs + table.impostor_pairs,
                    prior=0.5,
                ),
                "group_errors": tuple(
                    GroupError(group=group, rate=rate, kind="false match rate", n=table.group_pairs[group])
                    for group, rate in line.groups.items()
                ),
            }
        )

    def _alike(self, session: Session, left: Face, right: Face) -> float:
        return similarity.similarity(*(embedding_of(session, self._embedder, face) for face in (left, right)))


def pairs(session: Session, subjects: Sequence[str]) -> list[tuple[Face, Face]]:
    """The pairs of faces that subjects name.

    Each face of one subject with each face of every other; within a subject only where it is the only one, so that
    two group photos are compared with each other and not each with itself.

    Raises:
        UnknownReference: an id does not exist.
        UsageError: there are fewer than two faces, or more pairs than `MOST_PAIRS`.
    """
    references = tuple(dict.fromkeys(subjects or session.images))
    groups = [group for reference in references if (group := session.faces_in((reference,)))]
    if len(groups) == 1:
        groups = [(face,) for face in groups[0]]
    found = {
        frozenset((one.id, other.id)): (one, other)
        for left, right in combinations(groups, 2)
        for one in left
        for other in right
        if one.id != other.id
    }
    if not found:
        raise _lacking(session, groups[0][0] if groups else None, named=bool(subjects))
    if len(found) > MOST_PAIRS:
        raise UsageError(
            f"These faces make {len(found)} pairs, more than the {MOST_PAIRS} that are compared at once",
            "Name those to compare, such as face 1.2 and face 2.1",
        )
    return list(found.values())


def _lacking(session: Session, only: Face | None, *, named: bool) -> UsageError:
    """That there is no face to compare, or none beside one. named: it is the only one that was asked about."""
    if only is None:
        return UsageError("There is no face to compare", "Add a photo that shows a face clearly")
    if named and not len(session.faces()) == len(session.images) == 1:
        return UsageError(
            f"Comparing needs a second face, and only {only.id} was named",
            "Name the face to compare it with, or add a photo",
        )
    return UsageError(
        "Comparing needs a second face, and the photo shows only one"
        if len(session.images) == 1
        else f"Comparing needs a second face, and only {only.id} was found",
        "Add another photo that shows a face clearly",
    )


def _threshold(table: Table, line: Line) -> Threshold:
    whom = "in the worst of the groups tested" if line.strict else "on average over the groups tested"
    return Threshold(
        value=line.similarity,
        rule=">=",
        meaning="alike enough to support one person",
        source=(
            f"false match rate {line.false_match_rate:g} {whom}: {table.impostor_pairs:,} pairs of different people of "
            f"the same perceived race and gender (FairFace); `{table.command}`"
        ),
    )


def view(session: Session, face: Face) -> View:
    """How well a face can be seen."""
    photo = session.photo(face.image)
    return session.memo(
        ("view", face.id), lambda: View(round(eye_distance(photo, face), 1), round(pose_of(photo, face).yaw, 1))
    )


def unfit(views: dict[str, View], table: Table) -> str | None:
    """Why two faces cannot be compared, or None."""
    small = [face_id for face_id, seen in views.items() if seen.eye_distance < table.smallest_eye_distance]
    if small:
        return f"{' and '.join(small)} {'is' if len(small) == 1 else 'are'} too small"
    turned = [face_id for face_id, seen in views.items() if abs(seen.yaw) > WIDEST_YAW]
    if turned:
        return f"{' and '.join(turned)} {'is' if len(turned) == 1 else 'are'} turned too far from the camera"
    return None


def _details(table: Table, line: Line, views: dict[str, View]) -> dict[str, JsonValue]:
    return {
        "false_match_rate": line.false_match_rate,
        "strict": line.strict,
        "false_match_odds": [1, round(1 / line.false_match_rate)],
        "missed_below": table.different_below,
        "missed_odds": [1, round(1 / table.miss_rate)],
        "mixed_false_match_rate": line.mixed_rate,
        "eye_distance_px": {face_id: seen.eye_distance for face_id, seen in views.items()},
        "yaw_degrees": {face_id: seen.yaw for face_id, seen in views.items()},
        "smallest_eye_distance_px": table.smallest_eye_distance,
        "widest_yaw_degrees": WIDEST_YAW,
    }
