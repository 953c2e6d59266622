"""Videos made here: each frame says in its brightness which one it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

from videos import RATE, damaged, made  # noqa: E402

from faceagent.errors import MediaError  # noqa: E402 - after the skip
from faceagent.media import Limits  # noqa: E402
from faceagent.video import Frame, Gap, Video, clock, is_video, take  # noqa: E402


def shown(items: list[Frame | Gap]) -> list[float]:
    """Times of the frames, which must be those that their pictures tell."""
    frames = [item for item in items if isinstance(item, Frame)]
    for frame in frames:
        assert frame.photo.pixels[-8:].mean() == pytest.approx(2 * RATE * frame.time, abs=6)
    return [frame.time for frame in frames]


def test_what_the_container_states(tmp_path: Path) -> None:
    video = Video.open(made(tmp_path / "clip.mp4"))
    assert (video.width, video.height, video.codec, video.has_audio) == (64, 48, "mpeg4", False)
    assert video.rate == RATE
    assert video.duration == pytest.approx(4.0, abs=0.05)
    assert len(video.sha256) == 64


def test_runs_are_spread_and_their_frames_follow_one_another(tmp_path: Path) -> None:
    video = Video.open(made(tmp_path / "clip.mp4"))
    items = list(video.sample(runs=4, length=3))
    assert all(isinstance(item, Frame) for item in items)
    times = shown(items)
    for start in range(0, 12, 3):
        assert np.diff(times[start : start + 3]) == pytest.approx([1 / RATE] * 2)
    assert [item.run for item in items] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [item.key for item in items if isinstance(item, Frame)][::3] == [True] * 4
    assert times == sorted(set(times))
    assert times[3] == pytest.approx(1.0)


def test_with_few_key_frames_runs_begin_where_they_are_wanted(tmp_path: Path) -> None:
    video = Video.open(made(tmp_path / "clip.mp4", gop=1000))
    items = list(video.sample(runs=4, length=2))
    assert [item.time for item in items][::2] == pytest.approx([0.0, 1.52, 2.52, 3.52], abs=0.05)
    assert [item.key for item in items if isinstance(item, Frame)] == [True, *[False] * 7]


def test_a_short_video_is_shown_once(tmp_path: Path) -> None:
    items = list(Video.open(made(tmp_path / "clip.mp4", frames=5)).sample())
    assert shown(items) == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.16])


def test_a_frame_says_where_it_comes_from(tmp_path: Path) -> None:
    (first, *_) = Video.open(made(tmp_path / "clip.mp4")).sample(1, 1)
    assert isinstance(first, Frame)
    assert first.photo.name.startswith("clip.mp4 at 0:0")
    assert first.photo.preparation[0].startswith("a frame of a video")
    assert first.photo.raw == b""


def test_a_duration_that_is_not_stated_is_measured(tmp_path: Path) -> None:
    path = made(tmp_path / "clip.mkv")
    raw = path.read_bytes()
    at = raw.index(b"\x44\x89")  # Matroska's Duration
    path.write_bytes(raw[:at] + b"\x42\x86" + raw[at + 2 :])  # … becomes an element without meaning there
    assert Video.open(path).duration == pytest.approx(4.0, abs=0.1)


def test_phones_that_lie_are_turned_upright(tmp_path: Path) -> None:
    path = made(tmp_path / "clip.mp4")
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 4 + 40  # the matrix of a version 0 header
    one = 1 << 16
    quarter = (0, one, 0, -one & 0xFFFFFFFF, 0, 0, 48 * one, 0, 1 << 30)  # a quarter turn clockwise
    raw[at : at + 36] = b"".join(value.to_bytes(4, "big") for value in quarter)
    path.write_bytes(raw)
    video = Video.open(path)
    assert (video.width, video.height) == (48, 64)
    (frame,) = video.sample(1, 1)
    assert isinstance(frame, Frame)
    # What was above is now at the right.
    assert frame.photo.pixels[:, 40:].mean() > frame.photo.pixels[:, :8].mean() + 20


def test_what_cannot_be_decoded_is_told_and_the_rest_shown(tmp_path: Path) -> None:
    path = damaged(made(tmp_path / "clip.avi"), 0.4, 0.6)
    items = list(Video.open(path).sample(runs=8, length=3))
    times = [item.time for item in items if isinstance(item, Frame)]
    assert min(times) < 1.0
    assert len(times) >= 6
    assert any(isinstance(item, Gap) for item in items) or len(times) < 24


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 5000, b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", b"ffconcat version 1.0\nfile a\n"]
)
def test_what_is_no_video_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"clip\.mp4 is not a video"):
        Video.open(path)


def test_limits_hold_before_decoding(tmp_path: Path) -> None:
    path = made(tmp_path / "clip.mp4")
    with pytest.raises(MediaError, match="megapixels"):
        Video.open(path, limits=Limits(max_pixels=1000))
    with pytest.raises(MediaError, match="GB"):
        Video.open(path, limits=Limits(max_video_bytes=10))
    with pytest.raises(MediaError, match="does not exist"):
        Video.open(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00.0"), (3.25, "0:03.2"), (75.0, "1:15.0"), (3725.06, "1:02:05.0")]
)
def test_the_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "avi", "ts"])
def test_a_video_is_known_by_its_content(tmp_path: Path, container: str) -> None:
    path = made(tmp_path / f"clip.{container}")
    assert isinstance(take(path.rename(tmp_path / "clip.jpg")), Video)


@pytest.mark.parametrize("head", [b"OggS", b"\x00\x00\x01\xba", b"FLV\x01", b"0000moov"])
def test_other_heads_of_videos(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "clip").write_bytes(head + bytes(500))
    assert is_video(tmp_path / "clip")


def test_photos_are_no_videos(tmp_path: Path) -> None:
    for head in (b"\xff\xd8\xff", b"\x89PNG", b"RIFF0000WEBP", b"0000ftypheic", b"0000ftypavif", b"GIF89a", b""):
        (tmp_path / "photo").write_bytes(head + bytes(300))
        assert not is_video(tmp_path / "photo")
    assert not is_video(tmp_path / "missing")


def test_an_exhibit_says_what_the_video_is(tmp_path: Path) -> None:
    exhibit = Video.open(made(tmp_path / "clip.mp4")).exhibit("video 1")
    assert exhibit.format == "video, mpeg4"
    assert exhibit.mode == "0:04.0 long, 25 frames a second, without sound"
