"""One pass over a video file: what its container and tracks say of themselves, and the encoder's note in the pictures.

FFmpeg's names for the fields are used, in lower case: Matroska has them in capitals.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.video import opened
from faceagent_tools.provenance_records import xmp
from faceagent_tools.provenance_records.container import xmp_sayings
from faceagent_tools.provenance_records.marks import Saying
from faceagent_tools.provenance_records.text import MANY, clean

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

_LONGEST_TEXT = 4000
"""Of a field that is searched for a generator's mark: ComfyUI writes a whole graph as JSON."""
_NAMES = {"matroska,webm": "Matroska", "avi": "AVI", "mpegts": "MPEG-TS", "flv": "FLV", "ogg": "Ogg", "asf": "ASF"}
_KINDS = {"video": "picture", "audio": "sound"}
# QuickTime metadata keys (developer.apple.com/documentation/quicktime-file-format/quicktime_metadata_keys), those
# of Android, and the user data of QuickTime. The first that is there counts.
_CAPTURE: Mapping[str, tuple[str, ...]] = {
    "maker": ("com.apple.quicktime.make", "com.android.manufacturer", "make"),
    "model": ("com.apple.quicktime.model", "com.android.model", "model"),
    "time taken": ("com.apple.quicktime.creationdate",),
}
_PLACES = ("com.apple.quicktime.location.iso6709", "location")
_ISO6709 = re.compile(r"[+-]\d{2,6}(?:\.\d+)?[+-]\d{3,7}(?:\.\d+)?")
_NO_RECORDS = ("xmp", "major_brand", "minor_version", "compatible_brands")
# Clocks of computers and cameras that were never set stand at the beginning of 1904 or 1970.
_UNSET = ("1904-01-01", "1970-01-01")
_SOFTWARE = ("encoder", "software", "com.apple.quicktime.software")
_OF_TRACKS = ("handler_name", "encoder", "vendor_id")
_UUID = 16  # bytes before the text of unregistered user data (ITU-T H.264, D.1.7)
_DAMAGED = "the first picture is damaged"
_PACKETS = 64  # in which a first picture is looked for
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Track:
    """kind: "picture", "sound" or FFmpeg's word for it. codec: as FFmpeg names it. seconds: None where not stated."""

    kind: str
    codec: str
    seconds: float | None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoRecords:
    """What a video file holds besides pictures and sound.

    fields: clean text by name. notes: what the encoder left in the first picture. place: whether a position as of ISO
    6709 is there; the position itself is not kept. faults: what could not be read, in words.
    """

    format: str
    fields: Mapping[str, str]
    tracks: tuple[Track, ...]
    notes: tuple[str, ...]
    xmp: xmp.XmpRecord | None
    place: bool
    faults: tuple[str, ...]

    @property
    def capture(self) -> dict[str, str]:
        """What a camera writes of how a video was taken, by what a reader calls it."""
        found = {word: next((key for key in keys if key in self.fields), None) for word, keys in _CAPTURE.items()}
        return {word: clean(self.fields[key]) for word, key in found.items() if key}

    @property
    def written(self) -> str:
        """When the container says that it was written; "" where it does not."""
        time = clean(self.fields.get("creation_time", ""))
        return "" if time.startswith(_UNSET) else time

    @property
    def by_camera(self) -> bool:
        """Whether the file names the camera that took it."""
        return bool({"maker", "model"} & self.capture.keys())

    @property
    def present(self) -> list[str]:
        """The kinds of record that are there, as a reader calls them."""
        held = {
            "container fields": bool(self.fields),
            "track fields": any(track.fields for track in self.tracks),
            "XMP": self.xmp is not None,
            "encoder's note": bool(self.notes),
        }
        return [name for name, there in held.items() if there]

    @property
    def sayings(self) -> Iterator[Saying]:
        """Texts that name the program that saved the file."""
        yield from (Saying(f"container {key}", clean(self.fields[key])) for key in _SOFTWARE if key in self.fields)
        for track in self.tracks:
            named = (track.fields[key] for key in _OF_TRACKS if key in track.fields)
            yield from (Saying(f"{track.kind} track", clean(text)) for text in named)
        yield from xmp_sayings(self.xmp)
        yield from (Saying("encoder's note", clean(note)) for note in self.notes)

    @property
    def texts(self) -> dict[str, list[str]]:
        """Every text of the container by the field that it stands in."""
        found = {f"container {key}": [text] for key, text in self.fields.items()}
        if self.xmp:
            found |= {f"XMP {name}": texts for name, texts in self.xmp.properties.items()}
        return found

    def lasting(self, kind: str) -> float | None:
        """Seconds of the longest track of a kind; None where none states it."""
        return max((track.seconds for track in self.tracks if track.kind == kind and track.seconds), default=None)


def read(path: Path) -> VideoRecords:
    """The records of a video file.

    Raises:
        MediaError: it cannot be opened as a video at all.
        MissingExtra: the `video` extra is not installed.
    """
    with opened(path, xmp=True) as container:
        stated = {key.lower(): text for key, text in container.metadata.items()}
        its_xmp = xmp.read(stated["xmp"]) if stated.get("xmp") else None
        places = {key: text for key, text in stated.items() if key.partition("-")[0] in _PLACES}
        kept = {key: text for key, text in stated.items() if key not in {*places, *_NO_RECORDS}}
        notes, fault = _notes(container)
        faults = [fault, its_xmp.fault if its_xmp else None]
        return VideoRecords(
            format=_format(container),
            fields=_cleaned(kept),
            tracks=tuple(_track(stream) for stream in list(container.streams)[:MANY]),
            notes=notes,
            xmp=its_xmp,
            place=any(_ISO6709.match(text) for text in places.values()),
            faults=tuple(fault for fault in faults if fault),
        )


def _format(container: InputContainer) -> str:
    name = container.format.name
    if "mp4" in name.split(","):
        return "QuickTime" if container.metadata.get("major_brand", "").startswith("qt") else "MP4"
    return _NAMES.get(name, name)


def _cleaned(fields: Mapping[str, str]) -> dict[str, str]:
    pairs = ((clean(key, 60), clean(text, _LONGEST_TEXT)) for key, text in list(fields.items())[:MANY])
    return {key: text for key, text in pairs if text}


def _track(stream: Stream) -> Track:
    fields = {key.lower(): text for key, text in stream.metadata.items()}
    # A codec that FFmpeg does not know has no context.
    codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
    return Track(_KINDS.get(stream.type, stream.type), codec, _seconds(stream, fields), _cleaned(fields))


def _seconds(stream: Stream, fields: Mapping[str, str]) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska has it as a tag.
    match = _CLOCK.match(fields.get("duration", ""))
    return None if match is None else int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])


def _notes(container: InputContainer) -> tuple[tuple[str, ...], str | None]:
    """User data of the first picture, as x264 and x265 leave it, and what was in the way of reading it."""
    import av

    if not container.streams.video or container.streams.video[0].codec_context is None:
        return (), "the picture track is of a kind that is not known"
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    try:
        for packet in itertools.islice(container.demux(stream), _PACKETS):
            for frame in packet.decode():
                return tuple(_texts(frame)), None
    except av.FFmpegError:
        return (), _DAMAGED
    return (), _DAMAGED


def _texts(frame: Any) -> Iterator[str]:
    for data in list(frame.side_data)[:MANY]:
        if data.type.name == "SEI_UNREGISTERED" and (text := clean(bytes(data)[_UUID:].rstrip(b"\0"))):
            yield text
