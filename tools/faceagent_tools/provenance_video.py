"""What the records of one video file establish, as evidence (`provenance` is the tool)."""

from __future__ import annotations

import functools

from pydantic import JsonValue

from faceagent.errors import MediaError
from faceagent.session import Session
from faceagent.types import Evidence, Method
from faceagent_tools import provenance_rows as rows
from faceagent_tools.provenance_records import contradictions, video_container
from faceagent_tools.provenance_records.content_credentials import CredentialsReader
from faceagent_tools.provenance_records.text import clean
from faceagent_tools.provenance_records.video_container import Track, VideoRecords

ATTRIBUTES = (
    "content_credentials",
    "digital_source_type",
    "generator_marks",
    "editing_software",
    "contradictions",
    "capture_record",
    "metadata",
    "sound",
)
NOT_EXAMINED = "What is to be heard is not examined."


@functools.cache
def container_method() -> Method:
    return Method(
        name="PyAV (FFmpeg)",
        version=rows.installed("av"),
        licence="BSD-3-Clause",
        source="ISO/IEC 14496-12, QuickTime File Format, Matroska (RFC 9559); XMP (ISO 16684-1)",
    )


def examine(session: Session, video_id: str, reader: CredentialsReader) -> list[Evidence]:
    """All evidence that the file of one video gives. Pictures are not decoded, but for the first.

    Raises:
        MissingExtra: the `video` extra is not installed.
    """
    path, method = session.video(video_id).path, container_method()
    try:
        records = video_container.read(path)
        with path.open("rb") as source:
            signed, credentials = rows.credentials(video_id, source, records.format, reader)
    except (MediaError, OSError) as error:
        return [rows.unmeasured(video_id, attribute, "failed", str(error), method) for attribute in ATTRIBUTES]
    return [
        credentials,
        rows.source_type(video_id, records, signed, method),
        rows.generators(video_id, records, signed, method),
        rows.software(video_id, records, signed, method),
        rows.contradicting(
            video_id, contradictions.of_times(records.capture.get("time taken", ""), records.written), method
        ),
        _capture(video_id, records),
        _metadata(video_id, records),
        _sound(video_id, records),
    ]


def _capture(video_id: str, records: VideoRecords) -> Evidence:
    held = records.capture
    named = {"maker": "maker", "model": "model", "time taken": "taken"}
    details: dict[str, JsonValue] = {word: held[key] for key, word in named.items() if key in held}
    value: list[JsonValue] = [*held, *(["place"] if records.place else [])]
    return rows.row(video_id, "capture_record", value, details, method=container_method())


def _metadata(video_id: str, records: VideoRecords) -> Evidence:
    details: dict[str, JsonValue] = {"container": records.format, "tracks": [_told(track) for track in records.tracks]}
    named = ("title", "artist", "comment", "description", "copyright")
    details |= {key: clean(records.fields[key]) for key in named if key in records.fields}
    if records.written:
        details["written"] = records.written
    if records.notes:
        details["encoder_note"] = records.notes[0]
    if records.faults:
        details["faults"] = list(records.faults)
    return rows.row(video_id, "metadata", list(records.present), details, method=container_method())


def _told(track: Track) -> JsonValue:
    told: dict[str, JsonValue] = {"kind": track.kind, "codec": track.codec}
    told |= {key: clean(track.fields[key]) for key in ("handler_name", "encoder") if key in track.fields}
    return told if track.seconds is None else told | {"seconds": round(track.seconds, 2)}


def _sound(video_id: str, records: VideoRecords) -> Evidence:
    """Whether there is a sound track, and how long it is against the pictures."""
    tracks = [track for track in records.tracks if track.kind == "sound"]
    if not tracks:
        return rows.row(video_id, "sound", "absent", {}, method=container_method())
    details: dict[str, JsonValue] = {"tracks": len(tracks), "codec": tracks[0].codec}
    sound, picture = records.lasting("sound"), records.lasting("picture")
    if sound is not None and picture is not None:
        details |= {"seconds": round(sound, 1), "picture_seconds": round(picture, 1)}
        details["apart_seconds"] = round(abs(sound - picture), 1)
    return rows.row(video_id, "sound", "present", details, method=container_method(), limitations=(NOT_EXAMINED,))
