"""The words for what `provenance_evidence` establishes: a pure function of evidence.

Whatever is a sign leads; absences are said once, together. Absent is not fake, valid is not trusted, trusted is not
true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.tool import Names
from faceagent.types import Claim, ClaimRole, Evidence
from faceagent_tools.provenance_files import FileRows, claim, claims_of, dicts, files_of, in_files, listed, upper
from faceagent_tools.provenance_rows import CAPTURE, NOT_STATED

# IPTC's terms in plain words, to go after "the picture" or "the video". The first group leads as an answer.
GENERATED = {
    "trainedAlgorithmicMedia": "was made by a generative model",
    "trainedAlgorithmicData": "was made by a generative model",
    "compositeWithTrainedAlgorithmicMedia": "contains parts made by a generative model",
    "algorithmicMedia": "was made by a computer program",
    "compositeSynthetic": "contains parts that no camera took",
    "virtualRecording": "was recorded in a virtual scene",
    "digitalCreation": "was made with software and not by a camera",
    "digitalArt": "was made with software and not by a camera",
    "dataDrivenMedia": "was drawn from data by a program",
    "composite": "was put together from several pictures",
    "compositeCapture": "was put together from several pictures",
}
TAKEN = {
    "digitalCapture": "was taken by a digital camera",
    "computationalCapture": "was taken by a camera that combines several exposures",
    "negativeFilm": "was digitised from film",
    "positiveFilm": "was digitised from film",
    "print": "was digitised from a print",
    "humanEdits": "was edited by a person",
    "minorHumanEdits": "was edited a little by a person",
    "algorithmicallyEnhanced": "was enhanced by a program",
    "screenCapture": "was captured from a screen",
}
_UNSIGNED = "That record is not signed: anyone can add it or take it out."
_SIGNED = "A signature shows who made the statement, not that it is true."
_PARTS = {"eyes": "around the eyes of {}", "mouth": "around the mouth of {}", "face": "in {}"}


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """All sentences on the files of one or several photos and videos, signs first."""
    files = files_of(evidence, names)
    without = [one for one in files if (row := one.row("metadata")) is not None and row.status == "not_applicable"]
    read = [one for one in files if one not in without]
    signs = {one.exhibit: list(_signs(one)) for one in read}
    claims = [claim for found in signs.values() for claim in found]
    known = [one for one in read if not _unknown_term(one)]
    quiet = [one for one in known if not signs[one.exhibit] and one.ok("generator_marks")]
    claims += [claim for one in read if one.origin_first for claim in _origin(one)]
    claims += [*_no_sign(quiet), *_thumbnails_agree(read), *_software(read)]
    for one in read:
        claims += [*_context(one), *_unread(one)]
    return [*claims, *_absences(read), *_no_file(without)]


# Signs


def _signs(one: FileRows) -> Iterator[Claim]:
    yield from _stated(one, GENERATED, "answer")
    yield from _marks(one)
    yield from _thumbnail_differs(one)
    yield from _broken_credentials(one)
    yield from _contradicting_times(one)


def _stated(one: FileRows, terms: dict[str, str], role: ClaimRole) -> Iterator[Claim]:
    row = one.ok("digital_source_type")
    what = terms.get(str(row.value)) if row else None
    if row is None or what is None:
        return
    credentials = one.ok("content_credentials")
    if row.details.get("field") != "Content Credentials" or credentials is None:
        yield claim(row, role, f"The records in {one.file} state that the {one.shown} {what}.")
        yield claim(row, "doubt", _UNSIGNED)
        return
    yield claim(
        row,
        role,
        f"{upper(one.file)} carries {_credentials(credentials)}: they state that the {one.shown} {what}.",
        credentials,
    )
    if credentials.value != "invalid":
        yield claim(row, "doubt", _SIGNED, credentials)


def _unknown_term(one: FileRows) -> Evidence | None:
    """What the file states of how it was made, where that is no term that is known here: it may be a sign or not."""
    row = one.ok("digital_source_type")
    return row if row is not None and str(row.value) not in {*GENERATED, *TAKEN, NOT_STATED} else None


def _term(one: FileRows) -> Iterator[Claim]:
    if row := _unknown_term(one):
        said = f"The records in {one.file} state “{row.value}” as the kind of its source, an unfamiliar term."
        yield claim(row, "answer", said)


def _credentials(row: Evidence) -> str:
    """Content Credentials, whose they are and what they are worth, to go after "carries"."""
    signer = row.details.get("signer")
    on_no_list = "a signer not on the trust list"
    stranger = on_no_list if row.details.get("trust_list") else "a signer that was held against no trust list"
    what = "Content Credentials (signed records of its origin)" + (f" by “{signer}”" if signer else "")
    return {
        "trusted": f"valid {what}, a recognised signer",
        "valid_untrusted": f"valid {what}, {stranger}",
    }.get(str(row.value), f"{what} that do not fit it any more")


def _marks(one: FileRows) -> Iterator[Claim]:
    row = one.ok("generator_marks")
    marks = dicts(row, "marks")
    if row is None or not marks:
        return
    named = listed(f"“{mark['name']}” in its field “{mark['field']}”" for mark in marks)
    kind = "" if one.is_video else "image "
    noun = f"{'a' if one.is_video else 'an'} {kind}generator" if len(marks) == 1 else f"{kind}generators"
    yield claim(row, "answer", f"{upper(one.file)} carries the mark of {noun}: {named}.")
    yield claim(row, "doubt", "Such a mark is plain text: anyone can add it or take it out.")


def _thumbnail_differs(one: FileRows) -> Iterator[Claim]:
    row = one.ok("thumbnail")
    if row is None or row.value != "differs":
        return
    intro = f"The thumbnail embedded in {one.file}, a small copy of the picture,"
    if row.details.get("extent") == "another picture":
        sentence = f"{intro} shows another picture: the thumbnail comes from somewhere else, or the photo was replaced."
        yield claim(row, "answer", sentence)
    else:
        where = listed(_PARTS[str(face.details["part"])].format(one.names.of(face.subject)) for face in one.touched)
        where = where or f"in the {row.details['place']} part"
        sentence = f"{intro} differs from the photo {where}: the photo was changed after the thumbnail was made."
        yield claim(row, "answer", sentence, *one.touched)
    yield claim(row, "doubt", "That says that the photo was changed, not by whom or why.")


def _broken_credentials(one: FileRows) -> Iterator[Claim]:
    row = one.ok("content_credentials")
    if row is None or row.value != "invalid":
        return
    signer = row.details.get("signer")
    by = f" by “{signer}”" if signer else ""
    if row.details.get("changed_after_signing"):
        what = f"that do not fit it: it was changed after it was signed{by}"
    else:
        what = f"{by.lstrip() + ' ' if by else ''}that fail validation: they may be damaged or tampered with"
    yield claim(row, "answer", f"{upper(one.file)} carries Content Credentials (signed records of its origin) {what}.")
    yield claim(row, "doubt", "Any change of a file breaks such records, also one that leaves the picture as it was.")


def _contradicting_times(one: FileRows) -> Iterator[Claim]:
    row = one.ok("contradictions")
    for item in dicts(row, "contradictions"):
        if row is None or item["kind"] == "another size":
            continue
        said = f"{item['one']} “{item['first']}”, {item['other']} “{item['second']}”"
        yield claim(row, "answer", f"Dates in {one.file} contradict each other ({item['kind']}): {said}.")
        yield claim(row, "doubt", "A clock that was set wrong has the same effect.")


# Where it comes from, where that was asked

_STATES = {"time taken": "when", "place": "where", "model": "with which camera"}


def _origin(one: FileRows) -> Iterator[Claim]:
    row = one.ok(CAPTURE)
    if row is None:
        return
    held = row.value if isinstance(row.value, list) else []
    yield from _camera(one, "answer")
    if "place" in held:
        yield claim(
            row, "answer", "It names a place too, which is left in the file: a viewer of EXIF records shows it."
        )
    lacking = [word for field, word in _STATES.items() if field not in held]
    if lacking:
        yield claim(row, "answer", f"{upper(one.file)} does not say {listed(lacking, 'or')} the {one.shown} was taken.")


# No sign


def _no_sign(files: Sequence[FileRows]) -> Iterator[Claim]:
    lead = [row for one in files if (row := one.ok("generator_marks"))]
    if not lead:
        return
    kept = ("metadata", "content_credentials", "digital_source_type", "thumbnail", "contradictions", "editing_software")
    others = [row for one in files for attribute in kept if (row := one.ok(attribute))]
    generator = "a generator" if any(one.is_video for one in files) else "an image generator"
    sentence = f"The records in {in_files(files)} show no sign of alteration or of {generator}."
    origin = all(one.origin_first for one in files)
    yield claims_of(lead, "reason" if origin else "answer", sentence, others)


def _context(one: FileRows) -> Iterator[Claim]:
    """What bears on the question without being a sign."""
    yield from _valid_credentials(one)
    yield from _stated(one, TAKEN, "reason")
    yield from _term(one)
    yield from _cropped(one)
    yield from _face_editors(one)
    if not one.origin_first:
        yield from _camera(one)
    yield from _another_size(one)
    yield from _written(one)
    yield from _sound(one)


def _valid_credentials(one: FileRows) -> Iterator[Claim]:
    row = one.ok("content_credentials")
    stated = one.value("digital_source_type")
    if row is None or row.value not in ("trusted", "valid_untrusted") or stated in GENERATED or stated in TAKEN:
        return
    yield claim(
        row, "reason", f"{upper(one.file)} carries {_credentials(row)}: it has not changed since it was signed."
    )
    yield claim(row, "doubt", _SIGNED)


def _cropped(one: FileRows) -> Iterator[Claim]:
    row = one.ok("thumbnail")
    if row is not None and row.value == "agrees" and row.details.get("shows") == "wider than the photo":
        what = "shows the same scene and more of it: the photo was cropped after the thumbnail was made"
        yield claim(row, "reason", f"The thumbnail embedded in {one.file} {what}.")


def _thumbnails_agree(files: Sequence[FileRows]) -> Iterator[Claim]:
    shown = [(one, row) for one in files if (row := one.ok("thumbnail")) is not None and row.value == "agrees"]
    shown = [(one, row) for one, row in shown if row.details.get("shows") != "wider than the photo"]
    if shown:
        thumbnail = "thumbnail embedded in" if len(shown) == 1 else "thumbnails embedded in"
        what = "shows the same picture as the photo" if len(shown) == 1 else "show the same pictures as the photos"
        sentence = (
            f"The {thumbnail} {in_files([one for one, _ in shown])} {what}, which a careful editor would see to as "
        )
        yield claims_of([row for _, row in shown], "reason", f"{sentence}well.", ())


def _software(files: Sequence[FileRows]) -> Iterator[Claim]:
    """Programs that files name; files that name the same ones are spoken of together."""
    groups: dict[tuple[str, ...], list[FileRows]] = {}
    for one in files:
        names = tuple(program["name"] for program in dicts(one.ok("editing_software"), "programs"))
        groups.setdefault(names, []).append(one)
    for names, group in groups.items():
        rows = [row for one in group if (row := one.ok("editing_software"))]
        if not names or not rows:
            continue
        named = listed(f"“{name}”" for name in names)
        it, programs = (
            "It was" if len(group) == 1 else "They were",
            "that program" if len(names) == 1 else "those programs",
        )
        sentence = (
            f"The records in {in_files(group)} mention {named}. {it} saved with {programs}, which by itself is no sign "
        )
        yield claims_of(rows, "reason", f"{sentence}of deception.", ())
        if "FFmpeg" in names and any(one.is_video for one in group):
            yield claims_of(
                rows, "doubt", "Many programs and some cameras write their files with FFmpeg’s library.", ()
            )


def _face_editors(one: FileRows) -> Iterator[Claim]:
    row = one.ok("editing_software")
    names = [program["name"] for program in dicts(row, "programs") if program["kind"] == "face editor"]
    if row is not None and names:
        are = "is a program" if len(names) == 1 else "are programs"
        subject = listed(f"“{name}”" for name in names)
        yield claim(row, "reason", f"{subject} {are} for changing faces; the records do not say what was done there.")


def _camera(one: FileRows, role: ClaimRole = "reason") -> Iterator[Claim]:
    row = one.ok("capture_record")
    if row is None or not row.value:
        return
    model = " ".join(f"“{row.details[key]}”" for key in ("maker", "model") if row.details.get(key))
    of = f" of a camera ({model})" if model else " of a camera"
    taken = f", with “{row.details['taken']}” as the time of capture" if row.details.get("taken") else ""
    yield claim(row, role, f"{upper(one.file)} carries the record{of}{taken}; such a record can be copied.")


def _another_size(one: FileRows) -> Iterator[Claim]:
    row = one.ok("contradictions")
    for item in dicts(row, "contradictions"):
        if row is not None and item["kind"] == "another size":
            sizes = f"“{item['first']}” pixels, this one has “{item['second']}”"
            made = "it was resized or cropped since"
            yield claim(row, "reason", f"The EXIF record in {one.file} was written for a picture of {sizes}: {made}.")


def _written(one: FileRows) -> Iterator[Claim]:
    row = one.ok("metadata")
    if row is not None and row.details.get("written"):
        stated = f"{upper(one.file)} states “{row.details['written']}” as the time at which it was written"
        yield claim(row, "reason", f"{stated}; a program that saves it anew may keep that or change it.")


_APART = 1.0
"""Seconds by which sound and pictures differ in length where it is told: less is ordinary, as sound comes in blocks."""


def _sound(one: FileRows) -> Iterator[Claim]:
    row = one.ok("sound")
    apart = row.details.get("apart_seconds") if row else None
    if row is not None and isinstance(apart, int | float) and apart > _APART:
        sound, picture = row.details["seconds"], row.details["picture_seconds"]
        lasts = f"The sound track in {one.file} lasts {sound:g} seconds and its pictures last"
        yield claim(row, "doubt", f"{lasts} {picture:g}; what is to be heard was not examined.")


# What could not be read, and what is not there


def _unread(one: FileRows) -> Iterator[Claim]:
    by_reason: dict[str, list[Evidence]] = {}
    for row in one.unread():
        by_reason.setdefault(str(row.reason), []).append(row)
    for reason, rows in by_reason.items():
        what = "records" if len(rows) > 1 else rows[0].attribute.replace("_", " ")
        sentence = f"The {what} of {one.file} could not be examined: {reason.rstrip('.')}."
        yield claim(rows[0], "doubt", sentence, *rows[1:])
    metadata = one.ok("metadata")
    faults = metadata.details.get("faults") if metadata else None
    if metadata is not None and isinstance(faults, list):
        yield claim(
            metadata, "doubt", f"Part of {one.file} could not be read: {listed(str(fault) for fault in faults)}."
        )


_ABSENT = {
    "content_credentials": ("absent", "no Content Credentials (signed records of origin)"),
    "capture_record": ([], "no record of a camera"),
    "thumbnail": ("absent", "no embedded thumbnail"),
}


def _absences(files: Sequence[FileRows]) -> Iterator[Claim]:
    """What all files lack in one sentence; what only some lack in a short one after it."""
    lacking = {
        attribute: [
            one for one in files if one.value(attribute) == absent and not (attribute == CAPTURE and one.origin_first)
        ]
        for attribute, (absent, _) in _ABSENT.items()
    }
    everywhere = [attribute for attribute, group in lacking.items() if group and len(group) == len(files)]
    if everywhere:
        rows = [row for attribute in everywhere for one in files if (row := one.ok(attribute))]
        verb = "carries" if len(files) == 1 else "carry"
        what = listed(_ABSENT[attribute][1] for attribute in everywhere)
        sentence = f"{upper(in_files(files))} {verb} {what}; that is usual and says nothing either way, because such "
        yield claims_of(rows[: len(files)], "doubt", f"{sentence}records are easily lost, removed or rewritten.", rows)
    for attribute, group in lacking.items():
        rows = [row for one in group if (row := one.ok(attribute))]
        if rows and attribute not in everywhere:
            are = "are" if attribute == "content_credentials" else "is"
            sentence = f"There {are} {_ABSENT[attribute][1]} in {in_files(group)}, which says nothing either way."
            yield claims_of(rows, "doubt", sentence, ())


def _no_file(files: Sequence[FileRows]) -> Iterator[Claim]:
    rows = [row for one in files if (row := one.row("metadata"))]
    if rows:
        photos = listed(one.called for one in files)
        were = "was" if len(files) == 1 else "were"
        sentence = f"{upper(photos)} {were} given as pixels and not as a file, so there are no records to read."
        yield claims_of(rows, "answer", sentence, ())
