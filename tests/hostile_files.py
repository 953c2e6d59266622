"""Files of somebody who means ill, for tests of whatever takes files of others."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from photo_files import HOSTILE, exif, jpeg


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of some 300 KB that would take 2.5 gigapixels of memory to decode."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width // 8)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A PNG whose compressed text unpacks to 100 MB."""
    small = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9))
    return small + text + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def polyglot() -> bytes:
    """A JPEG of a face that is a ZIP with a script as well."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("index.html", "<script>alert(1)</script>")
    return jpeg() + archive.getvalue()


def page() -> bytes:
    """An HTML page that begins like a GIF."""
    return b"GIF89a/*<html><script>alert(document.domain)</script></html>*/=1;"


def talkative() -> bytes:
    """A JPEG whose EXIF wants to be obeyed."""
    return jpeg(exif=exif({0x010E: HOSTILE[1], 0x0131: HOSTILE[0], 0x013B: HOSTILE[2]}))


NAMES = (
    "../../../../etc/passwd",
    "C:\\Windows\\win.ini",
    "/dev/stdin",
    "<img src=x onerror=alert(1)>.jpg",
    "photo\u202egpj.exe",
    'a"; filename="b.jpg\r\nX-Evil: 1',
    "x" * 4000 + ".jpg",
    ".",
    "",
)
"""What a sender may call a file."""
