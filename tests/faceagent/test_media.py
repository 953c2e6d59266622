"""Files are hostile: every one either becomes an upright RGB photo or one sentence that names it and the mend."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence, PngImagePlugin

from faceagent.errors import FaceAgentError, MediaError, MissingExtra
from faceagent.geometry import Affine
from faceagent.media import Limits, Photo, turned

ORIENTATION = 0x0112


def gradient(width: int = 40, height: int = 30) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Every pixel differs from its neighbours, in all three channels."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 5 % 256, y * 7 % 256, (x + y) * 3 % 256], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def with_orientation(image: Image.Image, orientation: int, file_format: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(image, file_format, exif=exif)


# Modes


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "GIF", "PPM", "WEBP"])
def test_lossless_formats_keep_the_pixels(file_format: str) -> None:
    pixels = np.repeat(gradient()[:, :, :1], 3, axis=2)
    options = {"lossless": True} if file_format == "WEBP" else {}
    photo = Photo.open(encoded(Image.fromarray(pixels), file_format, **options))
    assert photo.format == file_format
    assert np.array_equal(photo.pixels, pixels)


def test_grey_becomes_three_equal_channels_without_a_note() -> None:
    grey = gradient()[:, :, 0]
    photo = Photo.open(encoded(Image.fromarray(grey), "PNG"))
    assert photo.mode == "L"
    assert np.array_equal(photo.pixels, np.repeat(grey[:, :, None], 3, axis=2))
    assert photo.preparation == ()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_parts_lie_on_white(mode: str) -> None:
    image = Image.new("RGBA", (20, 10), (200, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 10))
    file_format = "TIFF" if mode == "PA" else "PNG"
    photo = Photo.open(encoded(image.convert(mode), file_format))
    assert (photo.pixels[5, 2] == 255).all()
    assert not (photo.pixels[5, 15] == 255).all()
    assert "transparent parts were laid on white" in photo.preparation


def test_a_palette_with_a_transparent_colour_lies_on_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (4, 0, 8, 8))
    photo = Photo.open(encoded(image, "PNG", transparency=0))
    assert photo.pixels[0, 0].tolist() == [255, 255, 255]
    assert photo.pixels[0, 7].tolist() == [200, 100, 50]


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_is_converted_with_a_note(file_format: str) -> None:
    photo = Photo.open(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), file_format))
    red, green, blue = (int(value) for value in photo.pixels[8, 8])
    assert red > 200 and green < 60 and blue < 60
    assert any("CMYK" in note for note in photo.preparation)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_cut(file_format: str) -> None:
    deep = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    photo = Photo.open(encoded(Image.fromarray(deep), file_format))
    assert photo.pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert any("8 bits" in note for note in photo.preparation)


def test_floats_are_spread_over_their_own_range_and_survive_nan() -> None:
    values = np.array([[-1.0, 0.0, 1.0, np.nan]], dtype=np.float32)
    photo = Photo.open(encoded(Image.fromarray(values), "TIFF"))
    assert photo.pixels[0, :, 0].tolist() == [0, 128, 255, 128]
    flat = Photo.open(encoded(Image.fromarray(np.full((2, 2), 7.0, np.float32)), "TIFF"))
    assert (flat.pixels == 0).all()


def test_one_bit_is_black_and_white() -> None:
    photo = Photo.open(encoded(Image.fromarray(np.array([[True, False]])), "PNG"))
    assert photo.pixels[0, :, 0].tolist() == [255, 0]


def test_ycbcr_and_lab_tiffs_are_converted_with_a_note() -> None:
    # Pillow before 13 does not read the uncompressed ones that it writes.
    buffer = io.BytesIO()
    Image.fromarray(gradient()).convert("YCbCr").save(buffer, "TIFF", compression="tiff_adobe_deflate")
    photo = Photo.open(buffer.getvalue())
    assert photo.pixels.shape == (30, 40, 3)


# Orientation


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 9), st.sampled_from(["PNG", "TIFF", "WEBP"]))
@settings(deadline=None)
def test_pixels_and_points_turn_together(orientation: int, width: int, height: int, file_format: str) -> None:
    stored = gradient(width, height)
    options = {"lossless": True} if file_format == "WEBP" else {}
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = Photo.open(encoded(Image.fromarray(stored), file_format, exif=exif, **options))
    assert (photo.stored_width, photo.stored_height, photo.orientation) == (width, height, orientation)
    assert photo.to_upright == Affine.from_exif_orientation(orientation, width, height)
    for y in range(height):
        for x in range(width):
            up_x, up_y = photo.to_upright.point((x + 0.5, y + 0.5))
            assert (photo.pixels[int(up_y), int(up_x)] == stored[y, x]).all()


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 9))
def test_turning_works_on_one_channel_too(orientation: int, width: int, height: int) -> None:
    stored = gradient(width, height)
    assert np.array_equal(turned(stored[:, :, 0], orientation), turned(stored, orientation)[:, :, 0])


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_leaves_the_photo_as_it_is(orientation: int) -> None:
    photo = Photo.open(with_orientation(Image.fromarray(gradient()), orientation))
    assert photo.orientation == 1
    assert photo.preparation == ()


def test_a_turned_photo_says_so() -> None:
    photo = Photo.open(with_orientation(Image.fromarray(gradient()), 6, "JPEG"))
    assert (photo.width, photo.height) == (30, 40)
    assert photo.preparation == ("turned upright by the EXIF orientation 6",)


# Frames, arrays, images


def test_of_an_animation_the_first_frame_is_taken_and_the_rest_named() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    photo = Photo.open(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert photo.pixels[4, 4].tolist() == [255, 0, 0]
    assert "only the first of 3 frames was examined" in photo.preparation


def test_the_preview_in_an_mpo_is_no_second_frame() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    photo = Photo.open(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert photo.format == "MPO"
    assert photo.preparation == ()


def test_an_array_is_copied_and_locked() -> None:
    pixels = gradient()
    photo = Photo.open(pixels)
    pixels[:] = 0
    assert photo.pixels.any()
    assert not photo.pixels.flags.writeable
    assert photo.raw == b""
    assert photo.preparation == ("given as an array: there is no file to examine",)


def test_a_pillow_image_is_turned_like_its_file_and_has_no_file() -> None:
    raw = with_orientation(Image.fromarray(gradient()), 6)
    with Image.open(io.BytesIO(raw)) as image:
        photo = Photo.open(image)
    assert np.array_equal(photo.pixels, Photo.open(raw).pixels)
    assert photo.raw == b""
    assert "given as a decoded image: there is no file to examine" in photo.preparation


def test_the_same_file_has_the_same_fingerprint_and_its_bytes_are_untouched(tmp_path: Path) -> None:
    raw = encoded(Image.fromarray(gradient()), "JPEG")
    path = tmp_path / "photo.png"
    path.write_bytes(raw)
    by_path, by_bytes = Photo.open(path), Photo.open(raw)
    assert by_path.raw == raw
    assert by_path.sha256 == by_bytes.sha256
    assert by_path.name == "photo.png"
    assert by_path.format == "JPEG", "the content decides, not the name"


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_with_what_they_are(array: Any) -> None:
    with pytest.raises(MediaError, match=r"array of shape .* not uint8 RGB"):
        Photo.open(array)


# Refusals


def refused(source: Any, **options: Any) -> str:
    with pytest.raises(MediaError) as caught:
        Photo.open(source, **options)
    assert caught.value.mend, "says what to do about it"
    return str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    assert "holiday.jpg does not exist" in refused(tmp_path / "holiday.jpg")


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    assert "empty.jpg is empty" in refused(path)


@pytest.mark.parametrize(
    "data", [b"hello, world", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * 99]
)
def test_not_an_image(data: bytes) -> None:
    assert refused(data, name="notes.jpg").startswith("notes.jpg is not an image that can be read.")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_truncated(file_format: str) -> None:
    raw = encoded(Image.fromarray(gradient(200, 150)), file_format)
    assert refused(raw[: len(raw) * 2 // 3], name="cut.jpg").startswith("cut.jpg is damaged or cut short")


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2",
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        b"\x1aE\xdf\xa3" + bytes(60),
        b"RIFF\0\0\0\0AVI LIST",
    ],
)
def test_video(data: bytes) -> None:
    assert "clip.mp4 is a video" in refused(data, name="clip.mp4")


def test_a_file_over_the_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.jpg"
    path.write_bytes(bytes(2 * 2**20))
    message = refused(path, limits=Limits(max_bytes=2**20))
    assert "big.jpg has 2.0 MB, over the limit of 1 MB" in message
    assert "--max-megabytes" in message


def test_bytes_over_the_limit() -> None:
    assert "over the limit" in refused(bytes(1000), limits=Limits(max_bytes=999))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size and whose pixels are a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    header = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def test_more_pixels_than_the_limit_are_refused_before_decoding() -> None:
    message = refused(png_claiming(10_000, 10_000), name="huge.png")
    assert "huge.png has 10000 x 10000 pixels, over the limit of 64 megapixels" in message
    assert "--max-megapixels" in message


def test_decompression_bomb() -> None:
    assert "far more pixels than any photo" in refused(png_claiming(60_000, 60_000), name="bomb.png")


def test_a_png_whose_text_expands_without_end_is_refused() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "A" * 3_000_000, zip=True)
    assert "bomb.png is damaged" in refused(encoded(Image.fromarray(gradient()), "PNG", pnginfo=info), name="bomb.png")


def test_limits_can_be_raised() -> None:
    raw = encoded(Image.fromarray(gradient(300, 300)), "PNG")
    with pytest.raises(MediaError):
        Photo.open(raw, limits=Limits(max_pixels=1000))
    assert Photo.open(raw, limits=Limits(max_pixels=90_000)).width == 300


def test_heic_names_the_extra_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"photo\.heic .*pip install 'faceagent\[heif\]'"):
        Photo.open(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), name="photo.heic")


def test_postscript_is_never_run() -> None:
    assert "is not an image" in refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")


# Fuzz

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "MPO")


def _seed(file_format: str) -> bytes:
    image = Image.fromarray(gradient(24, 18))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "a description that is longer than four bytes"
    if file_format in ("GIF", "MPO"):
        return encoded(image, file_format, save_all=True, append_images=list(ImageSequence.Iterator(image)))
    return encoded(image, file_format, **({} if file_format in ("BMP", "PPM") else {"exif": exif}))


SEEDS = {file_format: _seed(file_format) for file_format in FORMATS if file_format in Image.SAVE or Image.init()}
edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from(["set", "cut", "insert"]), st.binary(max_size=8)),
    min_size=1,
    max_size=12,
)


def damaged(raw: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    data = bytearray(raw)
    for where, how, new in changes:
        at = int(where * len(data))
        if how == "set":
            data[at : at + len(new)] = new
        elif how == "cut":
            del data[at : at + 4 * len(new)]
        else:
            data[at:at] = new
    return bytes(data)


@pytest.mark.parametrize("file_format", list(SEEDS))
@given(changes=edits)
@settings(max_examples=150, deadline=None)
def test_damage_is_refused_or_survived(file_format: str, changes: list[tuple[float, str, bytes]]) -> None:
    try:
        photo = Photo.open(damaged(SEEDS[file_format], changes), name="fuzz")
    except FaceAgentError as error:
        assert str(error).startswith("fuzz ")
    else:
        assert photo.pixels.ndim == 3 and photo.pixels.dtype == np.uint8 and photo.pixels.size > 0


@given(st.sampled_from([raw[:16] for raw in SEEDS.values()]), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise_behind_a_true_beginning_is_refused_or_survived(start: bytes, noise: bytes) -> None:
    try:
        assert Photo.open(start + noise).pixels.size
    except FaceAgentError as error:
        assert error.mend
