"""What the records of one photo file establish, as evidence (`provenance` is the tool)."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from PIL import Image
from pydantic import JsonValue

from faceagent.errors import MediaError, ToolError
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face, Method
from faceagent_tools.provenance_records import container, contradictions, embedded_thumbnail, jpeg_quality, marks
from faceagent_tools.provenance_records.content_credentials import ABSENT, MIME, Credentials, CredentialsReader
from faceagent_tools.provenance_records.text import MANY

TOOL = "inspect_provenance"
ATTRIBUTES = (
    "content_credentials",
    "digital_source_type",
    "generator_marks",
    "editing_software",
    "thumbnail",
    "contradictions",
    "capture_record",
    "metadata",
    "jpeg_quality",
)
# IPTC's vocabulary: cv.iptc.org/newscodes/digitalsourcetype. Those that a generative model had a part in come first.
GENERATIVE = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "algorithmicMedia",
    "compositeSynthetic",
    "trainedAlgorithmicData",
)
NOT_STATED = "not_stated"


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@functools.cache
def record_method() -> Method:
    return Method(
        name="Pillow",
        version=installed("pillow"),
        licence="MIT-CMU",
        source="EXIF 2.32 (CIPA DC-008), XMP (ISO 16684-1), IPTC-IIM 4.2",
    )


@functools.cache
def credentials_method() -> Method:
    return Method(
        name="c2pa-python",
        version=installed("c2pa-python"),
        licence="MIT OR Apache-2.0",
        source="C2PA specification (spec.c2pa.org)",
    )


THUMBNAIL_METHOD = Method(
    name="thumbnail comparison",
    version="1",
    licence="Apache-2.0",
    source="after Kee and Farid, Digital image authentication from thumbnails, SPIE 2010",
)
QUALITY_METHOD = Method(
    name="quantisation tables", version="1", licence="Apache-2.0", source="ITU-T T.81, Annex K; IJG library, jcparam.c"
)


def examine(session: Session, image: str, reader: CredentialsReader) -> list[Evidence]:
    """All evidence that the file of one photo gives.

    Args:
        image: the photo's id. Faces found in it so far are named where a difference of the thumbnail touches them.
    """
    photo = session.photo(image)
    if not photo.raw:
        reason = "the photo was given as pixels: there is no file whose records could be read"
        return [_unmeasured(image, attribute, "not_applicable", reason) for attribute in ATTRIBUTES]
    try:
        records = container.read(photo.raw, photo.name)
    except MediaError as error:
        return [_unmeasured(image, attribute, "failed", str(error)) for attribute in ATTRIBUTES]
    credentials, signed = _credentials(image, photo, records, reader)
    return [
        signed,
        _source_type(image, records, credentials),
        _generators(image, records, credentials),
        _software(image, records, credentials),
        *_thumbnail(session, image, records),
        _contradictions(image, records),
        _capture(image, records),
        _metadata(image, records),
        _quality(image, records),
    ]


def _unmeasured(image: str, attribute: str, status: Any, reason: str, method: Method | None = None) -> Evidence:
    return Evidence(
        tool=TOOL,
        subject=image,
        attribute=attribute,
        status=status,
        reason=reason,
        method=method or _method_of(attribute),
    )


def _method_of(attribute: str) -> Method:
    own = {
        "content_credentials": credentials_method(),
        "thumbnail": THUMBNAIL_METHOD,
        "jpeg_quality": QUALITY_METHOD,
    }
    return own.get(attribute, record_method())


def _row(image: str, attribute: str, value: JsonValue, details: Mapping[str, JsonValue], **more: Any) -> Evidence:
    return Evidence(
        tool=TOOL,
        subject=image,
        attribute=attribute,
        value=value,
        method=more.pop("method", _method_of(attribute)),
        details=dict(details),
        **more,
    )


# Signed records


def _credentials(
    image: str, photo: Photo, records: container.FileRecords, reader: CredentialsReader
) -> tuple[Credentials, Evidence]:
    attribute = "content_credentials"
    if records.format not in MIME:
        return ABSENT, _unmeasured(image, attribute, "not_applicable", f"{records.format} files cannot carry them")
    try:
        found = reader.read(photo.raw, MIME[records.format])
    except ToolError as error:
        return ABSENT, _unmeasured(image, attribute, "failed", str(error))
    if found.remote:
        reason = f"the file says that they are kept at “{found.remote}”, which was not contacted"
        return found, _unmeasured(image, attribute, "abstained", reason)
    details: dict[str, JsonValue] = {
        "signer": found.signer,
        "generator": found.generator,
        "signed": found.signed,
        "actions": list(found.actions),
        "agents": list(found.agents),
        "failures": list(found.failures),
        "changed_after_signing": found.changed,
        "trust_list": reader.has_trust_list,
    }
    kept = {key: value for key, value in details.items() if value not in ("", [])} if found.state != "absent" else {}
    limits = () if found.state == "absent" else ("A signature shows who made a statement, not that it is true.",)
    return found, _row(image, attribute, found.state, kept, limitations=limits)


def _source_type(image: str, records: container.FileRecords, credentials: Credentials) -> Evidence:
    stated = [("Content Credentials", kind) for kind in credentials.source_types]
    if records.xmp:
        stated += [("XMP", kind) for kind in records.xmp.texts("Iptc4xmpExt:DigitalSourceType")]
    terms = [(field, kind.rstrip("/").rpartition("/")[2]) for field, kind in stated]
    # What a generative model had a part in outweighs what was done to it afterwards.
    order = {term: place for place, term in enumerate(GENERATIVE)}
    terms.sort(key=lambda pair: order.get(pair[1], len(order)))
    if not terms:
        return _row(image, "digital_source_type", NOT_STATED, {})
    details: dict[str, JsonValue] = {
        "field": terms[0][0],
        "stated": [{"field": field, "term": term} for field, term in terms],
    }
    method = credentials_method() if terms[0][0] == "Content Credentials" else record_method()
    return _row(image, "digital_source_type", terms[0][1], details, method=method)


# Names of programs


def _generators(image: str, records: container.FileRecords, credentials: Credentials) -> Evidence:
    texts = records.texts
    named = [name for name in (credentials.generator, *credentials.agents) if name]
    if named:
        texts["Content Credentials"] = named
    found = marks.generators(texts)
    details: dict[str, JsonValue] = {
        "marks": [{"name": mark.generator, "field": mark.field, "text": mark.text} for mark in found]
    }
    limits = ("Marks are plain text: anyone can add them or take them out.",) if found else ()
    return _row(image, "generator_marks", [mark.generator for mark in found], details, limitations=limits)


def _software(image: str, records: container.FileRecords, credentials: Credentials) -> Evidence:
    fields = records.exif.fields if records.exif else {}
    by_camera = "Make" in fields or "Model" in fields
    sayings = list(records.sayings)[:MANY]
    sayings += [
        marks.Saying("Content Credentials", name) for name in (credentials.generator, *credentials.agents) if name
    ]
    found = marks.programs(sayings, by_camera)
    details: dict[str, JsonValue] = {
        "programs": [
            {"name": program.name, "kind": program.kind, "field": program.field, "text": program.text}
            for program in found
        ]
    }
    named = {program.text for program in found}
    if firmware := [saying.text for saying in sayings if by_camera and saying.text not in named]:
        details["firmware"] = list(dict.fromkeys(firmware))
    return _row(image, "editing_software", [program.name for program in found], details)


# The thumbnail


def _thumbnail(session: Session, image: str, records: container.FileRecords) -> Iterator[Evidence]:
    jpeg = records.exif.thumbnail if records.exif else b""
    if not jpeg:
        yield _row(image, "thumbnail", "absent", {})
        return
    photo = session.photo(image)
    found = embedded_thumbnail.examine(photo, jpeg)
    if found.finding in ("undecided", "unusable"):
        status = "abstained" if found.finding == "undecided" else "failed"
        yield _unmeasured(image, "thumbnail", status, found.reason)
        return
    details: dict[str, JsonValue] = {"width": found.size[0], "height": found.size[1], "turned": found.turned}
    if found.lie:
        details |= {"shows": found.lie.kind, "correlation": round(found.lie.correlation, 4)}
    if found.extent:
        details["extent"] = found.extent
    if found.region:
        details["place"] = _place(found.region, photo)
    if found.finding == "differs" and found.picture is not None:
        details["picture"] = session.illustrate(image, _png(found.picture))
    limits = ("Changes of colour alone, and changes too small to show in the thumbnail, are not seen.",)
    more: dict[str, Any] = {"score": found.score, "threshold": found.threshold, "limitations": limits}
    yield _row(image, "thumbnail", found.finding, details, region=found.region, **more)
    if found.region:
        for face in session.faces(image):
            if part := _part(face, found.region):
                yield _row(face.id, "thumbnail", "differs", {"part": part}, region=found.region, **more)


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _place(region: Box, photo: Photo) -> str:
    """Where a region lies, in words: the photo is cut into three by three."""
    x, y = region.centre
    across = ("left", "middle", "right")[min(2, int(3 * x / photo.width))]
    down = ("upper", "middle", "lower")[min(2, int(3 * y / photo.height))]
    return " ".join(dict.fromkeys((down, across)))


def _part(face: Face, region: Box) -> str | None:
    """Which part of a face a region touches: "eyes", "mouth" or "face"; None when it does not."""
    shared = region.intersection(face.box)
    if shared < 0.2 * min(region.area, face.box.area):
        return None
    inside = [region.x0 <= x <= region.x1 and region.y0 <= y <= region.y1 for x, y in face.landmarks]
    eyes, lower = any(inside[:2]), any(inside[3:])
    if eyes and not lower:
        return "eyes"
    return "mouth" if lower and not eyes else "face"


# What is there


def _contradictions(image: str, records: container.FileRecords) -> Evidence:
    found = contradictions.find(records)
    if found is None:
        return _unmeasured(
            image, "contradictions", "not_applicable", "the file holds no two records that could contradict"
        )
    details: dict[str, JsonValue] = {
        "contradictions": [
            {"kind": item.kind, "first": item.first, "second": item.second, "one": item.one, "other": item.other}
            for item in found
        ]
    }
    return _row(image, "contradictions", [item.kind for item in found], details if found else {})


def _capture(image: str, records: container.FileRecords) -> Evidence:
    held = records.exif.capture if records.exif else []
    fields = records.exif.fields if records.exif else {}
    named = {"maker": "Make", "model": "Model", "lens": "LensModel", "taken": "DateTimeOriginal"}
    details: dict[str, JsonValue] = {word: fields[name] for word, name in named.items() if name in fields}
    return _row(image, "capture_record", list(held), details)


def _metadata(image: str, records: container.FileRecords) -> Evidence:
    details: dict[str, JsonValue] = {"faults": list(dict.fromkeys(records.faults))} if records.faults else {}
    fields = records.exif.fields if records.exif else {}
    named = {"artist": "Artist", "copyright": "Copyright", "description": "ImageDescription"}
    details |= {word: fields[name] for word, name in named.items() if name in fields}
    return _row(image, "metadata", list(records.present), details)


def _quality(image: str, records: container.FileRecords) -> Evidence:
    if records.format not in ("JPEG", "MPO"):
        return _unmeasured(image, "jpeg_quality", "not_applicable", f"the file is not a JPEG but {records.format}")
    found = jpeg_quality.estimate(records.tables)
    if found is None:
        return _unmeasured(image, "jpeg_quality", "abstained", "the quantisation tables are not of the usual form")
    limits = () if found.standard else ("The tables are the program's own: the nearest standard setting is given.",)
    details: dict[str, JsonValue] = {"standard_tables": found.standard}
    return _row(image, "jpeg_quality", found.quality, details, unit="IJG quality, 1-100", limitations=limits)
