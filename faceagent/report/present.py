"""Evidence and exhibits as a reader sees them: labels, quantities, and what a score was held against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from faceagent.narrate import LABELS
from faceagent.types import Claim, Evidence, Exhibit, Method

# Attributes whose plain name needs a gloss, or reads better otherwise.
ATTRIBUTES: dict[str, tuple[str, str]] = {
    "face_count": ("Faces found", ""),
    "face": ("Face", "width and height in pixels"),
    "pose": ("Direction of the head", "turned, raised and tilted, in degrees"),
    "content_credentials": ("Content credentials", "signed records of origin (C2PA)"),
    "digital_source_type": ("Stated origin", "what the file says of how it was made (IPTC)"),
    "editing_software": ("Software named", ""),
    "generator_marks": ("Marks of generators", ""),
    "thumbnail": ("Embedded thumbnail", "a small copy of the picture, compared with it"),
    "contradictions": ("Contradicting records", ""),
    "capture_record": ("Capture record", "what a camera writes"),
    "jpeg_quality": ("JPEG quality", "estimated from the quantisation tables"),
    "metadata": ("Records present", ""),
    "sound": ("Sound track", ""),
    "compression": ("Compression", ""),
    "same_person": ("Same person", ""),
    "same_file": ("Same file", ""),
    "occlusion_cue": ("Covered parts", ""),
    "detail": ("Fine detail", ""),
    "reidentification": ("Recognisable in the copy", ""),
    "face_size": ("Size of the face", ""),
    "effective_resolution": ("Pixels that carry detail", "between the eyes"),
    "frontality": ("Seen from the front", ""),
    "fitness": ("Fit for", ""),
    "forgery": ("Traces of forgery", "all parts together"),
    "network_traces": ("The network alone", ""),
    "blending_traces": ("Noise and edges alone", "as of a face blended in"),
    "generator_traces": ("Spectrum alone", "as of a picture drawn by a generator"),
    "jpeg_ghost": ("JPEG ghost of the face", "saved at another quality than its surroundings"),
    "jpeg_ghost_around": ("JPEG ghost of the surroundings", "saved at another quality than the face"),
    "second_block_grid": ("A second block grid", "as of a part pasted in"),
    "noise_contrast": ("Grain", "of the face against its surroundings"),
    "eye_highlights": ("Highlights in the eyes", "alike or not"),
    "upsampling_grid": ("Grid of an enlargement", ""),
    "error_level": ("Error level", "a picture to look at, no measurement"),
    "frames": ("Frames looked at", ""),
    "undecodable": ("Could not be decoded", "places in the video"),
    "track": ("Followed", "from and to, as far as was looked"),
    "worst_frame": ("Most suspicious frame", "from the start of the video"),
    "still": ("Another frame", ""),
    "identity_drift": ("Frames unlike the others", "whether the face stays one person's"),
    "landmark_jitter": ("Trembling of the points", "from frame to frame"),
    "score_flicker": ("Flicker of the score", "from frame to frame"),
    "blinks": ("Blinks", ""),
    "liveness": ("Live or presented", "a face before the camera, or a print or a screen"),
    "eyes": ("Eyes", "open or closed"),
    "mouth": ("Mouth", "open or closed"),
    "gaze": ("Direction of the eyes", "roughly"),
    "eyes_and_mouth": ("Eyes and mouth", "as documents ask for"),
    "points68": ("Points of the face", ""),
    "regions": ("Regions of the face", ""),
    "age": ("Age", "as the face looks"),
    "age_order": ("Order of age", "from the oldest-looking"),
    "perceived_gender": ("Perceived gender", "as people would label the photo"),
    "perceived_ethnicity": ("Perceived ethnicity", "as people would label the photo"),
    "visible_attributes": ("Visible", ""),
    "expression": ("Expression", "as it looks to others, not what is felt"),
    "forgery_voice": ("Another detector of forgeries", "beside the examination, by its own line"),
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
    "detect_faces": "Faces",
    "estimate_pose": "Direction of the head",
    "assess_quality": "Quality",
    "inspect_provenance": "The file’s own records",
    "detect_forgery": "The pixels",
    "examine_video": "The frames of the video",
    "check_liveness": "Live or presented",
    "estimate_attributes": "Age and appearance",
    "recognize_emotion": "Expression",
    "parse_face": "Regions of the face",
    "compare_faces": "Comparing faces",
    "compare_files": "Comparing files",
}
ASIDE: dict[str, str] = {
    "error_level": "Error level: what one more compression would take away. Edges and colours shine in any photo, so "
    "it proves nothing; it is here for those who know how to read it.",
}
"""Attributes whose pictures no verdict rests on, with their captions: they stand with the evidence."""
CAPTIONS: dict[str, str] = {
    "photo": "The same place in the photo",
    "forgery": "Where the network looked, which is no proof of what was changed.",
}
"""What stands under a picture that bears on the verdict, where it is not the attribute's name."""
_STATUS = {"abstained": "Abstained", "not_applicable": "Not applicable", "failed": "Failed"}
_NOT_READ = ("picture", "xy", "irises_xy", "polygons_xy")  # shown as a picture, or coordinates, which the JSON holds
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
    return tuple(lines({key: found for key, found in row.details.items() if key not in _NOT_READ}))


def _result(row: Evidence) -> str:
    if row.status != "ok":
        return ""
    found = row.value
    if isinstance(found, str):
        return VALUES.get(found, found.replace("_", " ") if re.fullmatch(r"[a-z_]+", found) else found)
    return f"{value(found)}{_unit(row.unit, found)}"


def _unit(unit: str | None, found: JsonValue) -> str:
    if not unit:
        return ""
    if not unit.isalpha():
        return f" ({unit})"
    return f" {unit[:-1] if found == 1 and unit.endswith('s') else unit}"


def value(found: JsonValue) -> str:
    """A JSON value in words: lists joined, numbers rounded to what they are worth, text as it is."""
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int | float):
        return number(found)
    if isinstance(found, str):
        return found
    if found is None or not found:
        return "none"
    if isinstance(found, list):
        return ", ".join(value(item) for item in found)
    return ", ".join(f"{key.replace('_', ' ')} {value(item)}" for key, item in found.items())


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
        yield f"“{sentence_case(row.threshold.meaning)}”: {row.threshold.source}."
    if row.probability is not None:
        found = row.probability
        prior = f", at a base rate of {share(found.prior)}" if found.prior is not None else ""
        yield f"Probability that {found.event}: calibrated on {found.calibrated_on} (n = {found.n:,}){prior}."
    kinds = dict.fromkeys(group.kind for group in row.group_errors)
    for kind in kinds:
        groups = [
            f"{group.group} {share(group.rate)} (n = {group.n:,})" for group in row.group_errors if group.kind == kind
        ]
        yield f"{sentence_case(kind)} by group: {', '.join(groups)}."


def likely(found: float) -> str:
    """A probability that is never shown as certainty."""
    if found > 0.999:
        return "above 0.999"
    return "below 0.001" if found < 0.001 else f"{found:.3f}".rstrip("0").ljust(4, "0")


def lines(details: JsonValue, path: str = "") -> list[tuple[str, str]]:
    """Nested details as "a · b: value" lines, at most 60, none longer than 400 characters, no empty ones."""
    found = list(_walk(details, path))
    rest = len(found) - _LINES
    return found if rest <= 0 else [*found[:_LINES], ("…", f"{rest} more in the JSON")]


def _walk(found: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for key, item in found.items():
            yield from _walk(item, f"{path} · {key}" if path else key.replace("_", " "))
    elif isinstance(found, list) and any(isinstance(item, dict | list) for item in found):
        for index, item in enumerate(found, 1):
            yield from _walk(item, f"{path} {index}".strip() if len(found) > 1 else path)
    elif found not in (None, "", []):
        text = value(found)
        yield path, text if len(text) <= _LINE else f"{text[:_LINE]} …"


def brief(exhibit: Exhibit) -> str:
    return f"{exhibit.format}, {exhibit.width:,} × {exhibit.height:,} pixels"


def facts(exhibit: Exhibit) -> tuple[tuple[str, str], ...]:
    """What identifies a file and how it was read, without its hash."""
    video = exhibit.id.startswith("video")
    stored = f"{exhibit.stored_width:,} × {exhibit.stored_height:,} pixels"
    turned = f", shown upright as {exhibit.width:,} × {exhibit.height:,}" if exhibit.orientation != 1 else ""
    return (
        ("File", exhibit.name),
        ("Size", f"{size(exhibit.bytes)} ({exhibit.bytes:,} bytes)" if exhibit.bytes else "no file: given as an array"),
        ("Encoding", f"{exhibit.format}, {exhibit.mode}"),
        ("Picture", stored + turned),
        *([] if video else [("Orientation", f"EXIF value {exhibit.orientation}")]),
        ("Preparation", "; ".join(exhibit.preparation) or "none: examined as stored"),
    )


def size(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 2**10)):,} KB"
