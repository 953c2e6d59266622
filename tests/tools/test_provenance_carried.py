"""Whatever files hold, the sentences of inspect_provenance on them are carried and exist in all languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

import photo_files as files
from held import word
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import assert_shown_in_all_languages, assert_told_in_all_languages
from placed import never_met

from faceagent.errors import FaceAgentError, MediaError, ToolError
from faceagent.ground.wording import core
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face, Threshold
from faceagent.video import Video
from faceagent_tools.provenance import InspectProvenance
from faceagent_tools.provenance_records import container, embedded_thumbnail, video_container
from faceagent_tools.provenance_records.container import FileRecords
from faceagent_tools.provenance_records.content_credentials import ABSENT, UNREADABLE, Credentials, State
from faceagent_tools.provenance_records.embedded_thumbnail import ThumbnailFinding
from faceagent_tools.provenance_records.exif import CAPTURE, ExifRecord
from faceagent_tools.provenance_records.jpeg_quality import _ijg
from faceagent_tools.provenance_records.marks import PROGRAMS
from faceagent_tools.provenance_records.text import clean
from faceagent_tools.provenance_records.thumbnail import Overlap
from faceagent_tools.provenance_records.video_container import Track, VideoRecords
from faceagent_tools.provenance_records.xmp import XmpRecord
from faceagent_tools.provenance_rows import GENERATIVE
from faceagent_tools.provenance_wording import GENERATED, TAKEN

WIDTH, HEIGHT = 120, 90
TERMS = tuple(dict.fromkeys((*GENERATED, *TAKEN, *GENERATIVE, "somethingNew")))
TEXTS = (
    *(program.name for program in PROGRAMS),
    *(
        "Ver.1.02",
        "NovelAI",
        "Midjourney",
        "ChatGPT and DALL-E",
        "made with Google AI",
        "Lavf60.3.100",
        "x264 - core 164",
    ),
    *("Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42", '{"3": {"class_type": "KSampler"}}', '{"Label":"1"}'),
    *(
        "face 9.9 is a forgery",
        "image 7",
        "no sign",
        "100 %",
        "3.5",
        "Dr. No: a man; a plan",
        "ACME",
        "is not: 2024.",
        "A, B and C",
    ),
    *files.HOSTILE,
)
TIMES = ("2024:05:06 07:08:09", "2020-01-01T00:00:00Z", "1970-01-01T00:00:07Z", "2024-05-06T07:08:09+0200", "noon")
_DAMAGE = (
    "the EXIF block is too large to be read",
    "the EXIF block is damaged",
    "the EXIF block is damaged in part",
    "the pointer to the embedded thumbnail leads out of the EXIF block",
)


@dataclass(frozen=True)
class File:
    """One photo or video: what is read from it, or why nothing is."""

    records: FileRecords | VideoRecords | MediaError | None
    credentials: Credentials | ToolError
    thumbnail: ThumbnailFinding
    faces: tuple[tuple[float, float], ...] = ()


_texts = st.one_of(st.sampled_from(TEXTS), st.text(min_size=1, max_size=30)).map(clean).filter(bool)
_times = st.sampled_from(TIMES) | _texts
_maybe = st.sampled_from((True, False))


def _some(values: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=most, unique=True).map(tuple)


_credentials = st.one_of(
    st.just(ABSENT),
    st.just(UNREADABLE),
    st.builds(lambda text: Credentials("absent", remote=text), _texts),
    st.builds(
        Credentials,
        st.sampled_from([state for state in get_args(State) if state != "absent"]),
        signer=_texts | st.just(""),
        generator=_texts | st.just(""),
        signed=_times | st.just(""),
        actions=_some(st.sampled_from(("c2pa.created", "c2pa.edited"))),
        agents=_some(_texts),
        source_types=_some(st.sampled_from(TERMS).map(lambda term: files.IPTC + term)),
        failures=_some(st.sampled_from(("assertion.dataHash.mismatch", "claimSignature.mismatch"))),
        changed=_maybe,
    ),
    st.builds(lambda text: ToolError(f"Content Credentials could not be looked for ({text})"), _texts),
)
_xmp = st.none() | st.builds(
    XmpRecord,
    st.fixed_dictionaries(
        {},
        optional={
            "xmp:CreatorTool": st.lists(_texts, min_size=1, max_size=2),
            "stEvt:softwareAgent": st.lists(_texts, min_size=1, max_size=3),
            "crs:Version": st.just(["15.0"]),
            "exif:DateTimeOriginal": st.lists(_times, min_size=1, max_size=1),
            "Iptc4xmpExt:DigitalSourceType": st.lists(st.sampled_from(TERMS), min_size=1, max_size=2),
        },
    ),
    st.sampled_from((None, None, None, "the XMP block is too large to be read", "the XMP block is damaged")),
)
_exif = st.none() | st.builds(
    ExifRecord,
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys((*CAPTURE, "Software", "ProcessingSoftware", "Artist", "UserComment"), _texts),
            **dict.fromkeys(("DateTimeOriginal", "DateTime"), _times),
            **{name: st.sampled_from(("120", "90", "4032")) for name in ("ExifImageWidth", "ExifImageHeight")},
        },
    ),
    st.sampled_from((b"", b"thumbnail")),
    location=_maybe,
    maker_note=_maybe,
    faults=_some(st.sampled_from(_DAMAGE), 2),
)


def _tables(quality: int | None) -> tuple[tuple[int, ...], ...]:
    if quality is None:
        return ()
    return tuple(tuple(int(entry) for entry in table) for table in _ijg(quality))


_photo_records = st.builds(
    lambda its_format, its_exif, its_xmp, iptc, png_text, comment, photoshop, tables, damaged: FileRecords(
        its_format,
        (WIDTH, HEIGHT),
        its_exif,
        its_xmp,
        icc=False,
        iptc=iptc,
        photoshop=photoshop,
        png_text=png_text,
        comment=comment,
        tables=tables,
        faults=(
            *(["the IPTC block is damaged"] if damaged else []),
            *(its_exif.faults if its_exif else ()),
            *([its_xmp.fault] if its_xmp and its_xmp.fault else []),
        ),
    ),
    st.sampled_from(("JPEG", "JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF", "BMP", "PPM", "JPEG2000")),
    _exif,
    _xmp,
    st.dictionaries(st.sampled_from(("originating program", "credit", "caption")), _texts, max_size=2),
    st.dictionaries(st.sampled_from(("Software", "parameters", "prompt", "Title", "dream")), _texts, max_size=2),
    _texts | st.just(""),
    _maybe,
    st.builds(_tables, st.none() | st.integers(1, 100)),
    st.sampled_from((False, False, False, True)),
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("encoder", "software", "title", "comment", "make", "model", "aigc", "prompt"), _texts),
        **dict.fromkeys(("creation_time", "com.apple.quicktime.creationdate"), _times),
    },
)
_seconds = st.none() | st.sampled_from((0.0, 0.04, 1.0, 2.0, 3.96, 61.5, 3600.0, 12345.678))
_video_records = st.builds(
    VideoRecords,
    st.sampled_from(("MP4", "QuickTime", "AVI", "Matroska", "MPEG-TS", "FLV", "Ogg", "ASF", "mpeg")),
    _fields,
    st.lists(
        st.builds(
            Track,
            st.sampled_from(("picture", "sound", "subtitle", "data")),
            st.sampled_from(("h264", "aac", "")),
            _seconds,
            st.dictionaries(st.sampled_from(("handler_name", "encoder", "vendor_id")), _texts, max_size=2),
        ),
        max_size=3,
    ).map(tuple),
    _some(_texts, 2),
    _xmp,
    _maybe,
    _some(st.sampled_from(("the first picture is damaged", "the XMP block is damaged")), 2),
)


@st.composite
def _thumbnails(draw: st.DrawFn) -> ThumbnailFinding:
    finding = draw(st.sampled_from(("agrees", "agrees", "differs", "differs", "undecided", "unusable")))
    if finding == "unusable":
        reasons = ("the embedded thumbnail is larger than thumbnails are", "the embedded thumbnail is damaged")
        return ThumbnailFinding("unusable", draw(st.sampled_from(reasons)))
    if finding == "undecided":
        reasons = (
            "the thumbnail is too small to compare, or the photo hardly larger than it",
            "the photo or its thumbnail is of one tone, with nothing to compare",
            "the thumbnail resembles the photo, but less than thumbnails do",
        )
        return ThumbnailFinding("undecided", draw(st.sampled_from(reasons)))
    levels = embedded_thumbnail.Levels.measured()
    kind = draw(st.sampled_from(("whole", "letterboxed", "centre of the photo", "wider than the photo")))
    whole = Box(x0=0, y0=0, x1=60, y1=45)
    another = finding == "differs" and draw(_maybe)
    lie = Overlap(kind, whole, Box(x0=0, y0=0, x1=WIDTH, y1=HEIGHT), 0.1 if another else 0.99)
    region = None
    if another:
        line = Threshold(value=levels.stranger, rule="<", meaning="shows another picture", source=levels.source)
        score = levels.stranger - draw(st.floats(0.01, 0.3))
    else:
        line = Threshold(value=levels.local, rule=">=", meaning="differs in a part", source=levels.source)
        score = levels.local * (draw(st.floats(1, 9)) if finding == "differs" else draw(st.floats(0, 0.99)))
        if finding == "differs":
            x, y = draw(st.floats(0, WIDTH - 20)), draw(st.floats(0, HEIGHT - 15))
            region = Box(x0=x, y0=y, x1=x + draw(st.floats(2, 20)), y1=y + draw(st.floats(2, 15)))
    extent: Any = "another picture" if another else "part" if finding == "differs" else None
    return ThumbnailFinding(
        finding,
        "",
        (60, 45),
        score,
        line,
        extent,
        region,
        lie,
        draw(_maybe),
        files.np.zeros((45, 60, 3), files.np.uint8),
    )


_unreadable = st.builds(
    lambda text: MediaError(
        f"{text or 'photo.jpg'} is damaged or cut short (image file is truncated)", "Copy or download it again"
    ),
    _texts,
)
_photos = st.builds(
    File,
    st.one_of(_photo_records, _photo_records, _photo_records, _photo_records, _unreadable, st.none()),
    _credentials,
    _thumbnails(),
    st.lists(st.tuples(st.floats(0, WIDTH - 40), st.floats(0, HEIGHT - 40)), max_size=3).map(tuple),
)
_videos = st.builds(
    File,
    st.one_of(_video_records, _video_records, _video_records, _unreadable),
    _credentials,
    st.just(ThumbnailFinding("agrees")),
)


class Reads:
    """Gives the Content Credentials of one file after the other."""

    def __init__(self, of: Sequence[File], trust_list: bool) -> None:
        self.has_trust_list = trust_list
        self._found = [one.credentials for one in of]
        self.now = 0

    def read(self, source: object, mime: str) -> Credentials:
        found = self._found[self.now]
        if isinstance(found, FaceAgentError):
            raise found
        return found


@cache
def _raw() -> bytes:
    return files.jpeg(files.portrait().resize((WIDTH, HEIGHT)))


def inspected(
    photos: Sequence[File], videos: Sequence[File], trust_list: bool = False, **arguments: Any
) -> tuple[list[Evidence], InspectProvenance, Session]:
    """Evidence on files of which only the readers of bytes are replaced."""
    session, tool = Session(), InspectProvenance()
    every = [*photos, *videos]
    reader = Reads(every, trust_list)
    tool._reader = reader  # type: ignore[assignment]
    for one in photos:
        image = session.add(
            Photo.open(files.np.asarray(files.portrait().resize((WIDTH, HEIGHT))) if one.records is None else _raw())
        )
        session.set_faces(image, [_face(image, place, *at) for place, at in enumerate(one.faces, start=1)])
    for number in range(len(videos)):
        session.add_video(
            Video(f"clip {number}.mp4", Path(__file__), "0" * 64, 1000, 4.0, 25.0, 60, 60, "h264", "mp4", True)
        )
    read = iter([place for place, one in enumerate(every) if one.records is not None])

    def records(*_: object) -> Any:
        reader.now = next(read)
        found = every[reader.now].records
        if isinstance(found, MediaError):
            raise found
        return found

    with (
        patch.object(container, "read", records),
        patch.object(video_container, "read", records),
        patch.object(embedded_thumbnail, "examine", lambda photo, jpeg: every[reader.now].thumbnail),
    ):
        rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments(**arguments))]
    return rows, tool, session


def _face(image: str, place: int, x: float, y: float) -> Face:
    points = ((x + 10, y + 12), (x + 30, y + 12), (x + 20, y + 22), (x + 12, y + 32), (x + 28, y + 32))
    box = Box(x0=x, y0=y, x1=x + 40, y1=y + 40)
    name = f"face {image.removeprefix('image ')}.{place}"
    return Face(id=name, image=image, box=box, score=1, landmarks=points, landmark_scheme="eyes-nosetip-mouth")


@given(
    st.lists(_photos, max_size=3),
    st.lists(_videos, max_size=2),
    _maybe,
    st.sampled_from(((), ("origin",))),
)
@settings(max_examples=25)
def test_whatever_is_read_every_sentence_is_carried(
    photos: list[File], videos: list[File], trust_list: bool, about: tuple[str, ...]
) -> None:
    rows, tool, session = inspected(photos, videos, trust_list, about=about)
    word(tool, rows, session)
    for limit in {limit for row in rows for limit in row.limitations}:
        assert_told_in_all_languages(limit)
    for row in {(row.attribute, row.status, row.reason): row for row in rows}.values():
        assert_shown_in_all_languages(row)


def _photo(**changed: Any) -> FileRecords:
    plain = FileRecords("JPEG", (WIDTH, HEIGHT), None, None, False, {}, False, {}, "", (), ())
    return replace(plain, **changed)


def test_every_condition_of_the_table_can_be_met() -> None:
    thumbnail = ThumbnailFinding("agrees")
    differs = replace(thumbnail, finding="differs", extent="another picture")
    faults = (
        *_DAMAGE,
        "the IPTC block is damaged",
        "the XMP block is damaged",
        "the XMP block is too large to be read",
    )
    place = {"location": True, "thumbnail": b"thumbnail"}
    times = {"DateTimeOriginal": TIMES[0], "DateTime": TIMES[1]}
    held = [
        File(
            _photo(exif=ExifRecord({"Model": "One", **times}, **place)),
            ABSENT,
            thumbnail,
        ),
        File(_photo(exif=ExifRecord({"Model": "One"}, b"thumbnail"), faults=faults), ABSENT, differs),
        File(_photo(exif=ExifRecord({"Make": "ACME", "DateTimeOriginal": TIMES[0]})), ABSENT, thumbnail),
        File(_photo(exif=ExifRecord({"Make": "ACME"}, location=True)), ABSENT, thumbnail),
        File(_photo(png_text={"Software": "NovelAI"}), ABSENT, thumbnail),
        *(File(_photo(), Credentials(state), thumbnail) for state in get_args(State)),
        *(File(_photo(), Credentials("trusted", source_types=(term,)), thumbnail) for term in TERMS),
    ]
    tracks = (Track("sound", "aac", 1.0), Track("picture", "h264", 9.0))
    clips = [
        File(VideoRecords("MP4", {}, tracks, (), None, False, ("the first picture is damaged",)), ABSENT, thumbnail),
        File(VideoRecords("MP4", {}, (), (), None, False, ()), ABSENT, thumbnail),
    ]
    rows, _, _ = inspected(held, clips)
    assert never_met(rows, *(attribute for attribute in {row.attribute for row in rows} & core().topics.keys())) == []
