"""Evidence as a reader sees it: labels, quantities, and what a score was held against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from faceagent.messages import N_
from faceagent.narrate import LABELS
from faceagent.types import Claim, Evidence, Method

# Attributes whose plain name needs a gloss, or reads better otherwise.
ATTRIBUTES: dict[str, tuple[str, str]] = {
    "face_count": (N_("Faces found"), ""),
    "face": (N_("Face"), N_("width and height in pixels")),
    "pose": (N_("Direction of the head"), N_("turned, raised and tilted, in degrees")),
    "content_credentials": (N_("Content credentials"), N_("signed records of origin (C2PA)")),
    "digital_source_type": (N_("Stated origin"), N_("what the file says of how it was made (IPTC)")),
    "editing_software": (N_("Software named"), ""),
    "generator_marks": (N_("Marks of generators"), ""),
    "thumbnail": (N_("Embedded thumbnail"), N_("a small copy of the picture, compared with it")),
    "contradictions": (N_("Contradicting records"), ""),
    "capture_record": (N_("Capture record"), N_("what a camera writes")),
    "jpeg_quality": (N_("JPEG quality"), N_("estimated from the quantisation tables")),
    "metadata": (N_("Records present"), ""),
    "sound": (N_("Sound track"), ""),
    "compression": (N_("Compression"), ""),
    "same_person": (N_("Same person"), ""),
    "same_file": (N_("Same file"), ""),
    "sharpness": (N_("Sharpness"), ""),
    "exposure": (N_("Exposure"), ""),
    "contrast": (N_("Contrast"), ""),
    "noise": (N_("Noise"), ""),
    "occlusion_cue": (N_("Covered parts"), ""),
    "detail": (N_("Fine detail"), ""),
    "reidentification": (N_("Recognisable in the copy"), ""),
    "anonymised_copy": (N_("Copy with hidden faces"), ""),
    "identity": (N_("Among those enrolled"), N_("who it may be")),
    "protected_identity": (N_("Protected person"), N_("authentic, somebody else, or an imitation")),
    "overall_comparison": (N_("The whole face compared"), ""),
    "eyes_comparison": (N_("The eyes compared"), ""),
    "nose_comparison": (N_("The nose compared"), ""),
    "mouth_comparison": (N_("The mouth compared"), ""),
    "skin_comparison": (N_("The skin compared"), ""),
    "outline_comparison": (N_("The outline compared"), ""),
    "enrolment": (N_("Enrolment"), ""),
    "enrolment_photo": (N_("Photo to enrol"), ""),
    "erasure": (N_("Erasure"), ""),
    "face_size": (N_("Size of the face"), ""),
    "effective_resolution": (N_("Pixels that carry detail"), N_("between the eyes")),
    "frontality": (N_("Seen from the front"), ""),
    "fitness": (N_("Fit for"), ""),
    "forgery": (N_("Traces of forgery"), N_("all parts together")),
    "network_traces": (N_("The network alone"), ""),
    "blending_traces": (N_("Noise and edges alone"), N_("as of a face blended in")),
    "generator_traces": (N_("Spectrum alone"), N_("as of a picture drawn by a generator")),
    "clip_traces": (N_("CLIP alone"), N_("a general image network")),
    "jpeg_ghost": (N_("JPEG ghost of the face"), N_("saved at another quality than its surroundings")),
    "jpeg_ghost_around": (N_("JPEG ghost of the surroundings"), N_("saved at another quality than the face")),
    "second_block_grid": (N_("A second block grid"), N_("as of a part pasted in")),
    "noise_contrast": (N_("Grain"), N_("of the face against its surroundings")),
    "eye_highlights": (N_("Highlights in the eyes"), N_("alike or not")),
    "upsampling_grid": (N_("Grid of an enlargement"), ""),
    "error_level": (N_("Error level"), N_("a picture to look at, no measurement")),
    "outside_of_faces": (N_("Outside of faces"), ""),
    "frames": (N_("Frames looked at"), ""),
    "undecodable": (N_("Could not be decoded"), N_("places in the video")),
    "track": (N_("Followed"), N_("from and to, as far as was looked")),
    "worst_frame": (N_("Most suspicious frame"), N_("from the start of the video")),
    "still": (N_("Another frame"), ""),
    "identity_drift": (N_("Frames unlike the others"), N_("whether the face stays one person's")),
    "landmark_jitter": (N_("Trembling of the points"), N_("from frame to frame")),
    "score_flicker": (N_("Flicker of the score"), N_("from frame to frame")),
    "blinks": (N_("Blinks"), ""),
    "liveness": (N_("Live or presented"), N_("a face before the camera, or a print or a screen")),
    "eyes": (N_("Eyes"), N_("open or closed")),
    "mouth": (N_("Mouth"), N_("open or closed")),
    "gaze": (N_("Direction of the eyes"), N_("roughly")),
    "eyes_and_mouth": (N_("Eyes and mouth"), N_("as documents ask for")),
    "points68": (N_("Points of the face"), ""),
    "regions": (N_("Regions of the face"), ""),
    "age": (N_("Age"), N_("as the face looks")),
    "age_order": (N_("Order of age"), N_("from the oldest-looking")),
    "perceived_gender": (N_("Perceived gender"), N_("as people would label the photo")),
    "perceived_ethnicity": (N_("Perceived ethnicity"), N_("as people would label the photo")),
    "visible_attributes": (N_("Visible"), ""),
    "expression": (N_("Expression"), N_("as it looks to others, not what is felt")),
    "forgery_voice": (N_("Another detector of forgeries"), N_("beside the examination, by its own line")),
}
VALUES: dict[object, str] = {
    "valid_untrusted": "valid, signer not recognised",
    "not_stated": "not stated",
    "no_sign": "no sign",
    "not_supported": "not supported",
    "none_seen": "none seen",
    "not_recognisable": "not recognisable",
    "bona_fide": "live",
    "attack": "print or screen",
    "Latino_Hispanic": "Latino or Hispanic",
}
HEADINGS: dict[str, str] = {
    "detect_faces": N_("Faces"),
    "estimate_pose": N_("Direction of the head"),
    "assess_quality": N_("Quality"),
    "inspect_provenance": N_("The file’s own records"),
    "detect_forgery": N_("The pixels"),
    "examine_video": N_("The frames of the video"),
    "check_liveness": N_("Live or presented"),
    "estimate_attributes": N_("Age and appearance"),
    "recognize_emotion": N_("Expression"),
    "parse_face": N_("Regions of the face"),
    "compare_faces": N_("Comparing faces"),
    "compare_files": N_("Comparing files"),
}
ASIDE: dict[str, str] = {
    "error_level": N_(
        "Error level: what one more compression would take away. Edges and colours shine in any photo, so it proves "
        "nothing; it is here for those who know how to read it."
    ),
}
"""Attributes whose pictures no verdict rests on, with their captions: they stand with the evidence."""
CAPTIONS: dict[str, str] = {
    "photo": N_("The same place in the photo"),
    "forgery": N_("Where the network looked, which is no proof of what was changed."),
}
"""What stands under a picture that bears on the verdict, where it is not the attribute's name."""
_STATUS = {"abstained": N_("Abstained"), "not_applicable": N_("Not applicable"), "failed": N_("Failed")}
_NOT_READ = ("picture", "xy", "irises_xy", "polygons_xy")  # shown as a picture, or coordinates, which the JSON holds
_QUOTING = "inspect_provenance"  # its values may be a file's own words, which are shown as they are
_IDENTIFIER = re.compile(r"[a-z]+[a-z0-9]*(?:[._][a-z0-9]+)+")
_EDGE = re.compile(r"nearer_(left|right)_edge")
_COMPARING = ("compare_faces", "the comparison of faces")  # the one tool that sources of others speak of
_LINES = 60
_LINE = 400


@dataclass(frozen=True)
class Row:
    """One evidence as a table row. against: what the result rests on, in short lines."""

    id: str
    subject: str
    label: str
    gloss: str
    status: str
    result: str
    reason: str
    against: tuple[str, ...]
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Group:
    """The evidence of one tool.

    common: what all rows of an attribute share. notes: where lines, probabilities and error rates come from.
    limitations: each with the attribute that it is about, "" if it is about all of several.
    """

    tool: str
    heading: str
    methods: tuple[Method, ...]
    rows: tuple[Row, ...]
    common: tuple[str, ...]
    notes: tuple[str, ...]
    limitations: tuple[tuple[str, str], ...]


def groups(evidence: Sequence[Evidence]) -> tuple[Group, ...]:
    """Evidence by tool, in the order in which the tools ran."""
    by_tool: dict[str, list[Evidence]] = {}
    for row in evidence:
        by_tool.setdefault(row.tool, []).append(row)
    return tuple(
        Group(
            tool=tool,
            heading=heading(tool),
            methods=tuple(dict.fromkeys(row.method for row in rows)),
            rows=tuple(row_of(row, without=common.get(row.attribute, ())) for row in rows),
            common=tuple(_told_once(common)),
            notes=tuple(dict.fromkeys(note for row in rows for note in _notes(row))),
            limitations=tuple(_limits(rows)),
        )
        for tool, rows in by_tool.items()
        for common in [_common(rows)]
    )


def _limits(rows: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    about: dict[str, dict[str, None]] = {}
    for row in rows:
        for limit in row.limitations:
            about.setdefault(limit, {})[row.attribute] = None
    several = len({row.attribute for row in rows}) > 1
    for limit, attributes in about.items():
        yield label(*attributes) if several and len(attributes) == 1 else "", limit


def _common(rows: Sequence[Evidence]) -> dict[str, tuple[tuple[str, str], ...]]:
    """By attribute, the details that all of several rows share."""
    details: dict[str, list[tuple[tuple[str, str], ...]]] = {}
    for row in rows:
        details.setdefault(row.attribute, []).append(_details(row))
    return {
        attribute: tuple(one for one in found[0] if all(one in other for other in found))
        for attribute, found in details.items()
        if len(found) > 1
    }


def _told_once(common: dict[str, tuple[tuple[str, str], ...]]) -> Iterator[str]:
    for attribute, shared in common.items():
        if shared:
            yield f"{label(attribute)}, in all rows: {'; '.join(f'{key} {text}' for key, text in shared)}."


def findings(
    claims: Sequence[Claim], evidence: Sequence[Evidence], without: Sequence[str] = ()
) -> tuple[tuple[str, tuple[Claim, ...]], ...]:
    """Claims under the heading of the tool that they rest on, leaving out some tools."""
    tools = {row.id: row.tool for row in evidence}
    by_tool: dict[str, list[Claim]] = {}
    for claim in claims:
        by_tool.setdefault(tools.get(claim.evidence[0], ""), []).append(claim)
    return tuple((heading(tool), tuple(said)) for tool, said in by_tool.items() if tool not in without)


def citations(evidence: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Evidence ids as (shown, target of its link), in order, with runs of three and more as one: "e14–e19"."""
    runs: list[list[int]] = []
    for number in sorted({int(name.removeprefix("e")) for name in evidence}):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [part for run in runs for part in ([run] if len(run) > 2 else [[one] for one in run])]
    return tuple((f"e{part[0]}–e{part[-1]}" if len(part) > 1 else f"e{part[0]}", f"e{part[0]}") for part in parts)


def heading(tool: str) -> str:
    return HEADINGS.get(tool) or LABELS.get(tool) or sentence_case(tool)


def sentence_case(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def plain(name: str) -> str:
    """An identifier, such as a region's name, in words; any other text as it is."""
    if name in VALUES:
        return VALUES[name]
    if not _IDENTIFIER.fullmatch(name):
        return name
    if name in ATTRIBUTES:
        return ATTRIBUTES[name][0].lower()
    return _EDGE.sub(r"nearer the \1 edge", name).replace("_", " ").replace(".", ": ")


def label(attribute: str) -> str:
    return ATTRIBUTES[attribute][0] if attribute in ATTRIBUTES else sentence_case(attribute)


def row_of(row: Evidence, without: Sequence[tuple[str, str]] = ()) -> Row:
    return Row(
        id=row.id,
        subject=row.subject,
        label=label(row.attribute),
        gloss=ATTRIBUTES.get(row.attribute, ("", ""))[1],
        status=_STATUS.get(row.status, ""),
        result=_result(row),
        reason=(row.reason or "")[:1].upper() + (row.reason or "")[1:],
        against=tuple(_against(row)),
        details=tuple(one for one in _details(row) if one not in without),
    )


def _details(row: Evidence) -> tuple[tuple[str, str], ...]:
    read = {key: found for key, found in row.details.items() if key not in _NOT_READ}
    return tuple(lines(read, quoted=row.tool == _QUOTING))


def _result(row: Evidence) -> str:
    if row.status != "ok":
        return ""
    found = row.value
    if isinstance(found, str):
        return VALUES.get(found, found) if row.tool == _QUOTING else plain(found)
    return f"{value(found, quoted=row.tool == _QUOTING)}{_unit(row.unit, found)}"


def _unit(unit: str | None, found: JsonValue) -> str:
    if not unit:
        return ""
    if not unit.isalpha():
        return f" ({unit})"
    return f" {unit[:-1] if found == 1 and unit.endswith('s') else unit}"


def value(found: JsonValue, *, quoted: bool = False) -> str:
    """A JSON value in words: lists joined, numbers rounded to what they are worth, identifiers in words.

    Args:
        quoted: text is a file's own, and shown as it is.
    """
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int | float):
        return number(found)
    if isinstance(found, str):
        return found if quoted else plain(found)
    if found is None or not found:
        return "none"
    if isinstance(found, list):
        return ", ".join(value(item, quoted=quoted) for item in found)
    return ", ".join(f"{_key(key)} {value(item, quoted=quoted)}" for key, item in found.items())


def _key(name: str) -> str:
    return plain(name.replace("subject_s_own", "of_the_person"))


def number(found: float) -> str:
    """Whole numbers whole, others to what a reader can use, with a true minus sign."""
    size = abs(found)
    if float(found).is_integer() and size < 1e15:
        digits = f"{int(size):,}"
    elif size >= 100:
        digits = f"{size:,.0f}"
    else:
        digits = f"{size:.1f}" if size >= 10 else f"{size:.2f}" if size >= 0.01 else f"{size:.2g}"
    return f"−{digits}" if found < 0 else digits


def share(found: float) -> str:
    return f"{number(found * 100)} %"


def _against(row: Evidence) -> Iterator[str]:
    if row.score is not None:
        yield f"Score {number(row.score)}"
    if row.threshold is not None:
        yield f"{_SIGNS[row.threshold.rule]} {number(row.threshold.value)} means “{row.threshold.meaning}”"
    if row.probability is not None:
        yield f"Probability {likely(row.probability.value)} that {row.probability.event}"
    if row.interval is not None:
        low, high = number(row.interval.low), number(row.interval.high)
        yield f"{share(row.interval.level)} interval: {low} to {high}"


_SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}


def _notes(row: Evidence) -> Iterator[str]:
    """Where a row's line, probability and error rates come from: the same for many rows, so told once a table."""
    if row.threshold is not None:
        yield f"“{row.threshold.meaning}”: {row.threshold.source.replace(*_COMPARING)}."
    if row.probability is not None:
        found = row.probability
        prior = f", at a base rate of {share(found.prior)}" if found.prior is not None else ""
        yield f"Probability that {found.event}: calibrated on {found.calibrated_on} (n = {found.n:,}){prior}."
    kinds = dict.fromkeys(group.kind for group in row.group_errors)
    for kind in kinds:
        groups = [
            f"{plain(group.group)} {share(group.rate)} (n = {group.n:,})"
            for group in row.group_errors
            if group.kind == kind
        ]
        yield f"{sentence_case(kind)} by group: {', '.join(groups)}."


def likely(found: float) -> str:
    """A probability that is never shown as certainty."""
    if found > 0.999:
        return "above 0.999"
    return "below 0.001" if found < 0.001 else f"{found:.3f}".rstrip("0").ljust(4, "0")


def lines(details: JsonValue, *, quoted: bool = False) -> list[tuple[str, str]]:
    """Nested details as "a · b: value" lines, at most 60, none longer than 400 characters, no empty ones."""
    found = list(_walk(details, "", quoted=quoted))
    rest = len(found) - _LINES
    return found if rest <= 0 else [*found[:_LINES], ("…", f"{rest} more in the JSON")]


def _walk(found: JsonValue, path: str, *, quoted: bool) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for key, item in found.items():
            yield from _walk(item, f"{path} · {_key(key)}" if path else _key(key), quoted=quoted)
    elif isinstance(found, list) and any(isinstance(item, dict | list) for item in found):
        for index, item in enumerate(found, 1):
            yield from _walk(item, f"{path} {index}".strip() if len(found) > 1 else path, quoted=quoted)
    elif found not in (None, "", []):
        text = value(found, quoted=quoted)
        yield path, text if len(text) <= _LINE else f"{text[:_LINE]} …"
