"""Photos: bytes read once, fingerprinted, decoded under limits, and turned upright with the way back recorded.

Files are hostile: the type is decided by content and not by name, sizes are checked before decoding, and every
way in which decoding can fail is a `MediaError` that names the file and the mend.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MediaError, MediaTooLarge, MissingExtra, UnknownFormat
from faceagent.geometry import Affine
from faceagent.types import Exhibit

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]

# What Pillow may try. Formats that run a program (EPS), are rare in practice or have a weak decoder stay shut.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"M4V ", b"avc1")
_ORIENTATION_TAG = 0x0112
# Pillow's docs promise OSError for malformed files; fuzzing its plugins brings up every one of these.
DECODER_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    struct.error,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
)


@dataclass(frozen=True)
class Limits:
    """What is refused before it is decoded.

    max_pixels: width x height of the largest photo (default 64 million).
    max_bytes: size of the largest photo's file (default 50 MiB).
    max_video_bytes: size of the largest video's file (default 8 GiB).
    """

    max_pixels: int = 64_000_000
    max_bytes: int = 50 * 2**20
    max_video_bytes: int = 8 * 2**30


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo and the untouched file it came from.

    pixels: uint8 RGB [H, W, 3], upright (EXIF orientation applied), read-only.
    raw: the bytes of the file as handed in; empty for an array.
    to_upright: the map from stored pixels to upright pixels; its inverse leads back.
    path: where the file lies; None for a photo that was given as bytes or pixels.
    """

    name: str
    pixels: Pixels
    raw: bytes = field(repr=False)
    sha256: str
    format: str
    mode: str
    stored_width: int
    stored_height: int
    orientation: int = 1
    preparation: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def to_upright(self) -> Affine:
        return Affine.from_exif_orientation(self.orientation, self.stored_width, self.stored_height)

    def exhibit(self, image_id: str) -> Exhibit:
        return Exhibit(
            id=image_id,
            name=self.name,
            sha256=self.sha256,
            bytes=len(self.raw),
            format=self.format,
            mode=self.mode,
            stored_width=self.stored_width,
            stored_height=self.stored_height,
            width=self.width,
            height=self.height,
            orientation=self.orientation,
            preparation=self.preparation,
        )

    @staticmethod
    def open(
        source: str | Path | bytes | Pixels | Image.Image,
        *,
        name: str | None = None,
        limits: Limits | None = None,
    ) -> Photo:
        """Make a Photo of a path, the bytes of a file, a Pillow image, or a uint8 RGB array [H, W, 3].

        Raises:
            MediaError: it is missing, empty, truncated, not an image, or over a limit.
            MissingExtra: it is HEIC and the `heif` extra is not installed.
        """
        limits = limits or Limits()
        if isinstance(source, str | Path):
            photo = _from_bytes(_read(Path(source), limits), name or Path(source).name, limits)
            return replace(photo, path=Path(source))
        if isinstance(source, bytes):
            return _from_bytes(source, name or "photo", limits)
        if isinstance(source, np.ndarray):
            return _from_array(source, name or "array", limits)
        return _from_image(source, name or "image", limits)


def _read(path: Path, limits: Limits) -> bytes:
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder", "Give a photo, or use `faceagent report` for folders")
        size = path.stat().st_size
        check_bytes(size, path.name, limits)
        return path.read_bytes()
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist", "Check the path") from None
    except PermissionError:
        raise MediaError(f"{path} may not be read by this user", "Change its permissions or copy it") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read ({error})", "Check the path and the disk") from error


def check_bytes(size: int, name: str, limits: Limits) -> None:
    """Raises:
    MediaTooLarge: a photo's file has more than the limits allow.
    """
    if size > limits.max_bytes:
        raise MediaTooLarge(
            f"{name} has {size / 2**20:.1f} MB, over the limit of {limits.max_bytes / 2**20:.0f} MB",
            "Raise the limit with --max-megabytes (Python: Limits(max_bytes=…)) if you trust the file",
        )


def check_pixels(width: int, height: int, name: str, limits: Limits) -> None:
    """Raises:
    MediaTooLarge: there are more than the limits allow.
    """
    if width * height > limits.max_pixels:
        raise MediaTooLarge(
            f"{name} has {width} x {height} pixels, over the limit of {limits.max_pixels / 1e6:.0f} megapixels",
            "Raise the limit with --max-megapixels (Python: Limits(max_pixels=…)) if you trust the file",
        )


@contextmanager
def opened(raw: bytes, name: str) -> Iterator[Image.Image]:
    """The bytes of a file as a Pillow image that is not decoded yet, to read what else the file holds.

    Raises:
        MediaError: it is not an image of a format that is allowed, or, for what the caller does with it, damaged.
        MissingExtra: it is HEIC and the `heif` extra is not installed.
    """
    # Imported where used, so that `import faceagent` does not pay for it.
    from PIL import Image

    _sniff(raw, name)
    with _decoding(name), warnings.catch_warnings():
        # Our own limit, checked right after opening, is lower than the size at which Pillow warns.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        with Image.open(io.BytesIO(raw), formats=_formats(Image)) as image:
            yield image


def _from_array(array: Pixels, name: str, limits: Limits) -> Photo:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        raise MediaError(
            f"{name} is an array of shape {array.shape} and type {array.dtype}, not uint8 RGB [height, width, 3]",
            "Convert it first",
        )
    check_pixels(array.shape[1], array.shape[0], name, limits)
    pixels = np.array(array, copy=True)
    pixels.setflags(write=False)
    return Photo(
        name=name,
        pixels=pixels,
        raw=b"",
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        format="array",
        mode="RGB",
        stored_width=array.shape[1],
        stored_height=array.shape[0],
        preparation=("given as an array: there is no file to examine",),
    )


def _from_image(image: Image.Image, name: str, limits: Limits) -> Photo:
    notes = ["given as a decoded image: there is no file to examine"]
    with _decoding(name):
        photo = _decoded(image, b"", name, limits, notes)
    return replace(photo, format="array", sha256=hashlib.sha256(photo.pixels.tobytes()).hexdigest())


def _from_bytes(raw: bytes, name: str, limits: Limits) -> Photo:
    check_bytes(len(raw), name, limits)
    with opened(raw, name) as image:
        return _decoded(image, raw, name, limits, [])


def _decoded(image: Image.Image, raw: bytes, name: str, limits: Limits, notes: list[str]) -> Photo:
    check_pixels(*image.size, name=name, limits=limits)
    orientation = _orientation(image)
    notes += _frame_notes(image)
    image.load()
    pixels = _rgb(image, notes)
    # Pillow turns TIFF upright by itself when it decodes, and then takes the orientation out of the EXIF.
    upright = pixels if _orientation(image) != orientation else turned(pixels, orientation)
    if orientation != 1:
        notes.append(f"turned upright by the EXIF orientation {orientation}")
    upright.setflags(write=False)
    height, width = upright.shape[:2]
    lying = orientation >= 5
    return Photo(
        name=name,
        pixels=upright,
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        format=image.format or "unknown",
        mode=image.mode,
        stored_width=height if lying else width,
        stored_height=width if lying else height,
        orientation=orientation,
        preparation=tuple(notes),
    )


def _sniff(raw: bytes, name: str) -> None:
    """Refuse by content what no image decoder should be handed."""
    if not raw:
        raise MediaError(f"{name} is empty (0 bytes)", "Copy or download it again")
    if raw[4:8] == b"ftyp":
        brand = raw[8:12]
        if brand in _HEIF_BRANDS:
            _enable_heif(name)
        elif brand in _VIDEO_BRANDS:
            raise _a_video(name)
    if raw[:4] == b"\x1aE\xdf\xa3" or (raw[:4] == b"RIFF" and raw[8:12] == b"AVI "):
        raise _a_video(name)


def _a_video(name: str) -> MediaError:
    return MediaError(f"{name} is a video", "Give its path rather than its bytes")


def _enable_heif(name: str) -> None:
    if importlib.util.find_spec("pillow_heif") is None:
        raise MissingExtra(f"{name} is a HEIC photo, and reading it", "heif")
    # Imported where used: it is an optional package.
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _formats(image_module: Any) -> list[str]:
    image_module.init()
    return [name for name in FORMATS if name in image_module.OPEN]


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn everything a decoder throws at hostile bytes into one sentence."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except MediaError:
        raise
    except UnidentifiedImageError:
        raise UnknownFormat(
            f"{name} is not an image that can be read", f"Give one of these formats: {', '.join(FORMATS[:7])}"
        ) from None
    except Image.DecompressionBombError:
        raise MediaTooLarge(
            f"{name} claims far more pixels than any photo has", "Do not open it elsewhere either"
        ) from None
    except DECODER_ERRORS as error:
        raise MediaError(
            f"{name} is damaged or cut short ({error or type(error).__name__})", "Copy or download it again"
        ) from error


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except DECODER_ERRORS:
        # Broken EXIF does not make the picture unusable; inspect_provenance reports it.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _frame_notes(image: Image.Image) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        return [f"only the first of {frames} frames was examined"]
    return []


def _rgb(image: Image.Image, notes: list[str]) -> Pixels:
    """uint8 RGB [H, W, 3] of any Pillow mode, with a note for each change that is not plain unpacking."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        notes.append(f"reduced from mode {image.mode} to 8 bits a channel")
        return _from_deep(np.asarray(image), image.mode)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        notes.append("transparent parts were laid on white")
        return _on_white(image)
    if image.mode == "CMYK":
        notes.append("converted from CMYK without its colour profile")
    elif image.mode not in ("RGB", "L"):
        notes.append(f"converted from mode {image.mode}")
    return np.asarray(image.convert("RGB"))


def _from_deep(values: npt.NDArray[Any], mode: str) -> Pixels:
    deep = np.nan_to_num(values.astype(np.float64))
    if mode == "F":
        low, high = float(deep.min()), float(deep.max())
        deep = (deep - low) * (255.0 / (high - low)) if high > low else np.zeros_like(deep)
    else:
        deep = deep / 257.0
    grey = np.clip(np.rint(deep), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _on_white(image: Image.Image) -> Pixels:
    from PIL import Image as image_module

    rgba = image.convert("RGBA")
    white = image_module.new("RGBA", rgba.size, (255, 255, 255, 255))
    return np.array(image_module.alpha_composite(white, rgba).convert("RGB"))


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels [H, W, ...] as an EXIF orientation (1-8) wants them shown: `Affine.from_exif_orientation` for arrays."""
    transposed = pixels.transpose(1, 0, *range(2, pixels.ndim))
    return np.ascontiguousarray(
        {
            1: pixels,
            2: pixels[:, ::-1],
            3: pixels[::-1, ::-1],
            4: pixels[::-1],
            5: transposed,
            6: transposed[:, ::-1],
            7: transposed[::-1, ::-1],
            8: transposed[::-1],
        }[orientation]
    )
