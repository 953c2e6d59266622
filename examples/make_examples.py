"""Make the example photos from the public-domain NASA portrait that scikit-image ships (see README.md here).

    python examples/make_examples.py --out examples

portrait.jpg            the portrait, with an embedded thumbnail and a credit in its EXIF
portrait-altered.jpg    both eyes replaced the way face editors do it (a resampled patch, matched colours, a feathered
                        mask), saved the way a careless editor does: the old EXIF, with the thumbnail of the unaltered
                        picture, is carried over
group.jpg               both side by side in one photo, at different sizes and brightness, with no thumbnail
"""

from __future__ import annotations

import argparse
import io
import struct
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# EXIF 2.32 tags. No camera data: the scan that NASA published has none.
DESCRIPTION, SOFTWARE, ARTIST, COPYRIGHT = 0x010E, 0x0131, 0x013B, 0x8298
CREDIT = {DESCRIPTION: "Eileen Collins, astronaut", ARTIST: "NASA", COPYRIGHT: "Public domain"}
THUMBNAIL_SIDE = 160

# The centres of the two eyes in the portrait's pixels, and half the axes of the ellipse that is replaced around each.
EYES = ((203.5, 102.5), (247.0, 103.8))
REACH = (20, 14)
FEATHER = 3.0
ENLARGED = 1.3


def eyes_changed(photo: Pixels) -> Pixels:
    """The portrait with each eye replaced by the mirrored and enlarged other one, uint8 RGB [512, 512, 3]."""
    result = photo.astype(np.float64)
    for source, target in (EYES, EYES[::-1]):
        patch = mirrored(photo, source, target)
        mask = feathered_ellipse(photo.shape[:2], target)
        patch = matched_colours(patch, photo.astype(np.float64), mask)
        result = mask * patch + (1 - mask) * result
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def mirrored(photo: Pixels, source: tuple[float, float], target: tuple[float, float]) -> Floats:
    """The photo mirrored about `source`, enlarged, and moved so that `source` comes to lie on `target`."""
    move = np.array(
        [
            [-ENLARGED, 0.0, target[0] + ENLARGED * source[0]],
            [0.0, ENLARGED, target[1] - ENLARGED * source[1]],
        ]
    )
    height, width = photo.shape[:2]
    return cv2.warpAffine(photo, move, (width, height), flags=cv2.INTER_CUBIC).astype(np.float64)


def feathered_ellipse(shape: tuple[int, ...], centre: tuple[float, float]) -> Floats:
    """A soft mask, 0-1, [height, width, 1], that reaches a little further up than down: the brow goes along."""
    mask = np.zeros(shape[:2], dtype=np.float64)
    cv2.ellipse(mask, (round(centre[0]), round(centre[1]) - 2), REACH, 0, 0, 360, 1.0, thickness=-1)
    return cv2.GaussianBlur(mask, (0, 0), sigmaX=FEATHER)[:, :, None]


def matched_colours(patch: Floats, photo: Floats, mask: Floats) -> Floats:
    """The patch with the mean and spread of each channel under the mask made those of the photo."""
    inside = mask[:, :, 0] > 0.5
    ours, theirs = patch[inside], photo[inside]
    gain = theirs.std(axis=0) / ours.std(axis=0)
    return (patch - ours.mean(axis=0)) * gain + theirs.mean(axis=0)


def side_by_side(left: Pixels, right: Pixels) -> Pixels:
    """Two cut-outs in one photo, uint8 RGB [400, 576, 3]: the left as it is, the right smaller and darker."""
    shrunk = cv2.resize(right[:, 56:376], (256, 410), interpolation=cv2.INTER_AREA)[:400]
    darker = np.clip(np.rint(shrunk * 0.85), 0, 255).astype(np.uint8)
    return np.concatenate([left[:400, 56:376], darker], axis=1)


def thumbnail(photo: Pixels) -> bytes:
    """A JPEG of at most 160 x 160 pixels, as cameras put into EXIF."""
    small = Image.fromarray(photo)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return jpeg(small, quality=90, exif=b"")


def exif_block(fields: dict[int, str], thumbnail_jpeg: bytes = b"") -> bytes:
    """EXIF with text fields and a thumbnail, which Pillow does not write: TIFF header, IFD 0, IFD 1 (EXIF 2.32, 4.6).

    Args:
        fields: text by tag of IFD 0.
        thumbnail_jpeg: goes into IFD 1, which is left out when this is empty.
    """
    texts = sorted((tag, text.encode("ascii") + b"\0") for tag, text in fields.items())
    data_at = 8 + 2 + 12 * len(texts) + 4
    entries, data = b"", b""
    for tag, text in texts:
        # A value of up to four bytes stands in the entry itself, a longer one is pointed to.
        value = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack(">L", data_at + len(data))
        data += b"" if len(text) <= 4 else text + b"\0" * (len(text) % 2)
        entries += struct.pack(">HHL", tag, 2, len(text)) + value
    ifd1_at = data_at + len(data)
    ifd0 = struct.pack(">H", len(texts)) + entries + struct.pack(">L", ifd1_at if thumbnail_jpeg else 0)
    ifd1 = b""
    if thumbnail_jpeg:
        ifd1 = struct.pack(">H", 3)
        ifd1 += struct.pack(">HHLHxx", 0x0103, 3, 1, 6)  # Compression: JPEG
        ifd1 += struct.pack(">HHLL", 0x0201, 4, 1, ifd1_at + 2 + 3 * 12 + 4)  # where the thumbnail starts
        ifd1 += struct.pack(">HHLL", 0x0202, 4, 1, len(thumbnail_jpeg)) + struct.pack(">L", 0)
    return b"Exif\0\0MM\0\x2a" + struct.pack(">L", 8) + ifd0 + data + ifd1 + thumbnail_jpeg


def jpeg(image: Image.Image, quality: int, exif: bytes) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0, exif=exif)
    return buffer.getvalue()


def make() -> dict[str, bytes]:
    """The example files by name."""
    original = skimage.data.astronaut()
    small = thumbnail(original)
    portrait = jpeg(Image.fromarray(original), 92, exif_block(CREDIT, small))
    # From here on as an editor works: with the decoded JPEG, not with the original.
    opened = np.asarray(Image.open(io.BytesIO(portrait)))
    altered = eyes_changed(opened)
    carried_over = exif_block({**CREDIT, SOFTWARE: "make_examples.py"}, small)
    both = {DESCRIPTION: "Two versions of one portrait side by side", ARTIST: "NASA", COPYRIGHT: "Public domain"}
    group = side_by_side(opened, altered)
    return {
        "portrait.jpg": portrait,
        "portrait-altered.jpg": jpeg(Image.fromarray(altered), 90, carried_over),
        "group.jpg": jpeg(Image.fromarray(group), 90, exif_block({**both, SOFTWARE: "make_examples.py"})),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the example photos.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write them to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, data in make().items():
        (out / name).write_bytes(data)


if __name__ == "__main__":
    main()
