"""Sentences of `examine_video`: the answer on each face, where in time it looks worst, what else was seen, doubts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.tool import Names
from faceagent.types import Claim, Evidence
from faceagent.video import LENGTH

_ANSWERS = {
    "manipulated": "More traces of manipulation were found in {face} than in nearly all authentic photos, in the "
    "median of {frames} frames of {video}; {above} of them are above the line.",
    "synthetic": "{face} bears more traces of synthesis by a generator than nearly all authentic photos, in the "
    "median of {frames} frames of {video}; {above} of them are above the line.",
    "no_sign": "No sign of manipulation or synthesis was found in {face}, in the median of {frames} frames of {video}.",
    "inconclusive": "Whether {face} was altered stays open after {frames} frames of {video}, which decide neither way "
    "when taken together.",
}


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """The tool's `word`: a pure function of its evidence."""
    videos = {row.subject: row for row in evidence if row.attribute == "frames"}
    of = {row.subject: str(row.details["video"]) for row in evidence if row.attribute == "track"}
    clear = {row.subject for row in evidence if row.attribute == "forgery" and row.value == "no_sign"}
    claims: list[Claim] = []
    for row in evidence:
        if row.attribute == "worst_frame" and row.subject in clear:
            continue  # some frame is always the worst: not worth a sentence where none is bad
        video = of.get(row.subject, row.subject)
        # Beside the id of a video "the face" would be that of any.
        alone = len(videos) == 1
        said = _said(row, names.of(row.subject) if alone else row.subject, "the video" if alone else video)
        claims += [_citing(claim, video, videos.get(video)) for claim in said]
    return claims


def _citing(claim: Claim, video: str, frames: Evidence | None) -> Claim:
    """A sentence that calls a video by its id cites something of that video."""
    if frames is None or video not in claim.sentence or frames.id in claim.evidence:
        return claim
    return claim.model_copy(update={"evidence": (*claim.evidence, frames.id)})


def _said(row: Evidence, face: str, video: str) -> Iterator[Claim]:
    match row.attribute:
        case "forgery":
            yield from _forgery(row, face, video)
        case "frames":
            yield from _frames(row, video)
        case "undecodable":
            yield from _undecodable(row, video)
        case "worst_frame" if row.probability is not None:
            share = f"{100 * row.probability.value:.0f} %" if 0.005 <= row.probability.value < 0.995 else ""
            taken = f" (probability of alteration {share}, taken by itself)" if share else ""
            yield Claim.on(
                [row], f"Of {face} the frame at {row.value:g} seconds looks most suspicious{taken}.", "reason"
            )
        case "identity_drift" if row.value:
            frames = "one frame" if row.value == 1 else f"{row.value} frames"
            compared = row.details["frames"]
            sentence = f"In {frames} of {compared} {face} is less like itself than is usual from photo to photo."
            yield Claim.on([row], sentence, "reason")
        case "blinks" if row.value is not None:
            yield from _blinks(row, face)


def _forgery(row: Evidence, face: str, video: str) -> Iterator[Claim]:
    if row.status != "ok":
        what = video if row.subject.startswith("video") else f"{face} in {video}"
        yield Claim.on([row], f"Whether {what} was altered cannot be told, because {row.reason}.", "answer")
        return
    facts = {"face": face, "video": video, "frames": row.details["frames"], "above": row.details["above_the_line"]}
    sentence = _ANSWERS[str(row.value)].format_map(facts)
    yield Claim.on([row], sentence[0].upper() + sentence[1:], "answer")
    segments = row.details["segments"]
    if isinstance(segments, list) and segments and isinstance(segments[0], list):
        start, end, _ = segments[0]
        sentence = (
            f"The stretch of {face} that stands out most is from {start:g} to {end:g} seconds, as far as the frames "
            "looked at can place it."
        )
        yield Claim.on([row], sentence, "reason")
    sentence = (
        "The lines are those for single photos: how often a median of frames of a video errs has not been measured."
    )
    yield Claim.on([row], sentence, "doubt")


def _frames(row: Evidence, video: str) -> Iterator[Claim]:
    runs, seconds = row.details["runs"], row.details["duration_seconds"]
    if row.value:
        people = row.details["faces_followed"]
        followed = "one face was" if people == 1 else f"{people or 'no'} faces were"
        sentence = (
            f"{row.value} frames were looked at, in {runs} short runs spread over the {seconds} seconds of {video}; "
            f"{followed} followed through them."
        )
        yield Claim.on([row], sentence, "reason")
    if row.details["sound"]:
        yield Claim.on([row], f"The sound of {video} was not examined.", "doubt")
    if row.details["further_faces"]:
        yield Claim.on([row], f"Further faces, which are seen in fewer frames of {video}, were left out.", "doubt")


def _undecodable(row: Evidence, video: str) -> Iterator[Claim]:
    if row.value:
        places = "One place" if row.value == 1 else f"{row.value} places"
        yield Claim.on([row], f"{places} of {video} could not be decoded.", "doubt")
    missing = row.details["missing_frames"]
    # A frame or two less than a container states is ordinary.
    if isinstance(missing, int) and missing > LENGTH:
        sentence = f"{missing} of the frames that {video} should have at the places looked at are not there."
        yield Claim.on([row], sentence, "doubt")


def _blinks(row: Evidence, face: str) -> Iterator[Claim]:
    low, high = _pair(row.details["ordinary_a_minute"])
    sentence = (
        f"{face[0].upper()}{face[1:]} blinks {row.value:g} times a minute; in conversation nearly all adults do "
        f"{low:g} to {high:g} times, otherwise less often."
    )
    yield Claim.on([row], sentence, "reason")


def _pair(found: object) -> tuple[float, float]:
    assert isinstance(found, list)
    return float(found[0]), float(found[1])
