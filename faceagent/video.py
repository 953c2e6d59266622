"""Videos: fingerprinted, opened under limits, and sampled in short runs of frames; never loaded whole.

Runs, because some of what gives a forgery away lies between frames that follow one another; spread over the video,
because it may be forged in part. A run begins at a frame that is coded on its own (a key frame) where there is one: it
holds the most of what the camera saw. A frame that cannot be decoded is told as a `Gap`, which is a finding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceagent.errors import MediaError, MediaTooLarge, MissingExtra
from faceagent.media import Limits, Photo, check_pixels
from faceagent.types import Exhibit

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Containers that cameras, phones and platforms make. Playlists and the like, which name other files, stay shut.
CONTAINERS = ("mov", "mp4", "matroska", "webm", "avi", "mpegts", "flv", "ogg", "mpeg", "asf")
_PICTURE_BRANDS = (b"hei", b"hev", b"mif", b"msf", b"avi")  # HEIF and AVIF
_ATOMS = (b"moov", b"mdat", b"wide", b"free")  # QuickTime of before there was "ftyp"
# Matroska and WebM, FLV, Ogg, MPEG program stream, MPEG video, ASF.
_HEADS = (b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u")
_PACKET = 188  # bytes, of a transport stream
HEAD = _PACKET + 1
"""Bytes at the start of a file that tell whether it is a video."""
RUNS, LENGTH = 12, 4
"""Runs of a sample, and frames of a run."""


@dataclass(frozen=True, eq=False)
class Frame:
    """time: seconds from the start. key: coded on its own. run: number of the run, from 0."""

    photo: Photo
    time: float
    key: bool
    run: int


@dataclass(frozen=True)
class Gap:
    """What was to be seen and could not be. time: seconds from the start."""

    time: float
    run: int
    reason: str


@dataclass(frozen=True)
class Video:
    """A video file and what its container states of it.

    bytes: size of the file. duration: seconds. rate: frames a second, 0 where the container does not state it. width,
    height: of upright frames. codec: as FFmpeg names it.
    """

    name: str
    path: Path
    sha256: str
    bytes: int
    duration: float
    rate: float
    width: int
    height: int
    codec: str
    container: str
    has_audio: bool
    limits: Limits = field(default_factory=Limits)

    @staticmethod
    def open(path: str | Path, *, name: str | None = None, limits: Limits | None = None) -> Video:
        """Read what the container states; no frame but the first is decoded.

        Args:
            name: what it is called; by default as its file is.

        Raises:
            MediaError: it is missing, not a video, damaged from the start, or over a limit.
            MissingExtra: the `video` extra is not installed.
        """
        path, limits = Path(path), limits or Limits()
        name = name or path.name
        sha256, size = _fingerprint(path, name, limits)
        with opened(path, name) as container:
            stream = _stream(container, name)
            check_pixels(stream.width, stream.height, name, limits)
            found = Video(
                name=name,
                path=path,
                sha256=sha256,
                bytes=size,
                duration=_stated_duration(container, stream),
                rate=float(stream.average_rate or 0),
                width=stream.width,
                height=stream.height,
                codec=stream.codec_context.name,
                container=container.format.name,
                has_audio=bool(container.streams.audio),
                limits=limits,
            )
        if found.duration <= 0:
            found = replace(found, duration=_measured_duration(path, name))
        first = next((item for item in found.sample(1, 1) if isinstance(item, Frame)), None)
        return found if first is None else replace(found, width=first.photo.width, height=first.photo.height)

    def exhibit(self, video_id: str) -> Exhibit:
        sound = "with sound, which is not examined" if self.has_audio else "without sound"
        return Exhibit(
            id=video_id,
            name=self.name,
            sha256=self.sha256,
            bytes=self.bytes,
            format=f"video, {self.codec}",
            mode=f"{clock(self.duration)} long, {self.rate:.4g} frames a second, {sound}",
            stored_width=self.width,
            stored_height=self.height,
            width=self.width,
            height=self.height,
            preparation=("frames decoded and turned upright as they were looked at",),
        )

    def sample(self, runs: int = RUNS, length: int = LENGTH) -> Iterator[Frame | Gap]:
        """Runs of frames that follow one another, spread evenly, in order of time; no frame twice.

        Raises:
            MediaError: the file is gone or cannot be opened any more.
        """
        with opened(self.path, self.name) as container:
            stream = _stream(container, self.name)
            last = -1.0
            for run in range(runs):
                # The middle run of an odd number lies in the middle, and none at the very end, where frames may lack.
                target = self.duration * (run + 0.5) / runs
                for item in self._run(container, stream, run, target, last, length):
                    last = max(last, item.time)
                    yield item

    def _run(
        self, container: InputContainer, stream: VideoStream, run: int, target: float, last: float, length: int
    ) -> Iterator[Frame | Gap]:
        import av

        begin = float((stream.start_time or 0) * (stream.time_base or 0))
        try:
            container.seek(int((target + begin) / float(stream.time_base or 1)), stream=stream, backward=True)
        except av.FFmpegError as error:
            yield Gap(target, run, f"the place could not be reached ({_said(error)})")
            return
        taken, damaged, started = 0, 0, False
        for packet in container.demux(stream):
            try:
                frames: list[Any] = packet.decode()
            except av.FFmpegError as error:
                damaged += 1
                if damaged == 1:  # one word for a damaged stretch, not one a packet
                    yield Gap(target, run, f"frames could not be decoded ({_said(error)})")
                if damaged > length:
                    return
                continue
            for frame in frames:
                time = max(float(frame.time or 0.0) - begin, 0.0)
                # From the key frame on, unless an earlier run has shown it: then from the place that was asked for.
                started = started or (time > last and (bool(frame.key_frame) or time >= target))
                if not started or time <= last:
                    continue
                yield self._shown(frame, time, run)
                taken += 1
                if taken == length:
                    return

    def _shown(self, frame: Any, time: float, run: int) -> Frame | Gap:
        if frame.is_corrupt:
            return Gap(time, run, "the decoder says that the frame is damaged")
        # The container's size is what it says; the frame's is what there is.
        check_pixels(frame.width, frame.height, self.name, self.limits)
        turns = round(frame.rotation / 90) % 4
        pixels = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
        photo = Photo.open(pixels, name=f"{self.name} at {clock(time)}", limits=self.limits)
        notes = (f"a frame of a video, {time:.3f} s from its start", *(["turned upright"] if turns else []))
        return Frame(replace(photo, preparation=notes), time, bool(frame.key_frame), run)


def is_video(path: str | Path) -> bool:
    """Whether a file begins as those of `CONTAINERS` do. False where it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return begins_a_video(stream.read(HEAD))
    except OSError:
        return False


def begins_a_video(head: bytes) -> bool:
    """The same of the first `HEAD` bytes of a file."""
    if head[4:8] == b"ftyp":
        return head[8:11] not in _PICTURE_BRANDS
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    # A transport stream has nothing but the first byte of each of its packets.
    return head.startswith(_HEADS) or head[4:8] in _ATOMS or (head[:1] == b"G" and head[_PACKET:] == b"G")


def take(path: str | Path, limits: Limits | None = None, *, name: str | None = None) -> Photo | Video:
    """Open a file as what it is.

    Args:
        name: what it is called; by default as its file is.

    Raises:
        MediaError: it is missing, damaged, neither photo nor video, or over a limit.
        MissingExtra: reading it takes an extra that is not installed.
    """
    return (Video if is_video(path) else Photo).open(path, name=name, limits=limits)


def clock(seconds: float) -> str:
    """3.25 -> "0:03.2", 3725 -> "1:02:05.0"."""
    tenths = int(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02}.{rest % 10}"


def _fingerprint(path: Path, name: str, limits: Limits) -> tuple[str, int]:
    """SHA-256 and size, read in pieces."""
    try:
        size = path.stat().st_size
        check_video_bytes(size, name, limits)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest(), size
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist", "Check the path") from None
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error})", "Check the path and its permissions") from error


def check_video_bytes(size: int, name: str, limits: Limits) -> None:
    """Raises:
    MediaTooLarge: a video's file has more than the limits allow.
    """
    if size > limits.max_video_bytes:
        raise MediaTooLarge(
            f"{name} has {size / 2**30:.1f} GB, over the limit of {limits.max_video_bytes / 2**30:.0f} GB",
            "Raise the limit (Python: Limits(max_video_bytes=…)) if you trust the file",
        )


@contextmanager
def opened(path: Path, name: str | None = None, *, xmp: bool = False) -> Iterator[InputContainer]:
    """A video file as a container that is read as it is needed.

    Args:
        name: what errors call it; by default as its file is called.
        xmp: also read an XMP packet, as "xmp" of the metadata (MP4 and QuickTime only).

    Raises:
        MediaError: it is missing, of a container that is not allowed, or, for what the caller does with it, damaged.
        MissingExtra: the `video` extra is not installed.
    """
    name = name or path.name
    try:
        # Imported where used: it is an optional package.
        import av
    except ImportError:
        raise MissingExtra(f"{name} is a video, and reading it", "video") from None
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file", "export_xmp": str(int(xmp))}
    try:
        # As a stream: a name could be taken for an address or a pattern. Metadata need not be UTF-8, whatever it says.
        with (
            path.open("rb") as stream,
            av.open(stream, mode="r", options=options, metadata_errors="replace") as container,
        ):
            yield container
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            f"{name} is not a video that can be read ({_said(error)})", "Copy or download it again"
        ) from error


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _stream(container: InputContainer, name: str) -> VideoStream:
    if not container.streams.video:
        raise MediaError(f"{name} has no pictures in it, only sound", "Give a video with pictures")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1  # of many workers each has one core
    return stream


def _stated_duration(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def _measured_duration(path: Path, name: str) -> float:
    """Time of the last packet, for containers that do not state it (streams that were recorded live)."""
    with opened(path, name) as container:
        stream = _stream(container, name)
        unit = float(stream.time_base or 1)
        return max((packet.pts * unit for packet in container.demux(stream) if packet.pts is not None), default=0.0)
