"""What the records of one photo file establish, as evidence (`provenance` is the tool)."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from typing import Any

from PIL import Image
from pydantic import JsonValue

from faceagent.errors import MediaError
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face, Method
from faceagent_tools import provenance_rows as rows
from faceagent_tools.provenance_records import container, contradictions, embedded_thumbnail, jpeg_quality
from faceagent_tools.provenance_records.content_credentials import CredentialsReader

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


@functools.cache
def record_method() -> Method:
    return Method(
        name="Pillow",
        version=rows.installed("pillow"),
        licence="MIT-CMU",
        source="EXIF 2.32 (CIPA DC-008), XMP (ISO 16684-1), IPTC-IIM 4.2",
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
    signed, credentials = rows.credentials(image, io.BytesIO(photo.raw), records.format, reader)
    method = record_method()
    return [
        credentials,
        rows.source_type(image, records, signed, method),
        rows.generators(image, records, signed, method),
        rows.software(image, records, signed, method),
        *_thumbnail(session, image, records),
        rows.contradicting(image, contradictions.find(records), method),
        _capture(image, records),
        _metadata(image, records),
        _quality(image, records),
    ]


def _unmeasured(image: str, attribute: str, status: Any, reason: str) -> Evidence:
    return rows.unmeasured(image, attribute, status, reason, _method_of(attribute))


def _method_of(attribute: str) -> Method:
    own = {
        "content_credentials": rows.credentials_method(),
        "thumbnail": THUMBNAIL_METHOD,
        "jpeg_quality": QUALITY_METHOD,
    }
    return own.get(attribute, record_method())


def _row(image: str, attribute: str, value: JsonValue, details: dict[str, JsonValue], **more: Any) -> Evidence:
    return rows.row(image, attribute, value, details, method=_method_of(attribute), **more)


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
