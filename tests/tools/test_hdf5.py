"""Weights as Keras 2 saves them; the file here is put together by hand, block by block."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.errors import WeightsCorrupt
from faceagent_tools import hdf5

VALUES = np.arange(6, dtype="<f4").reshape(2, 3)
FLOAT32 = bytes.fromhex("11201f000400000000002000170800177f00000000000000")


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("<HHI", kind, len(body), 0) + body


def header(*messages: bytes) -> bytes:
    body = b"".join(messages)
    return struct.pack("<BBHIII", 1, 0, len(messages), 1, len(body), 0) + body


def file_of(*, datatype: bytes = FLOAT32, layout: bytes = b"\x03\x01", stored: bytes = VALUES.tobytes()) -> bytes:
    """One array [2, 3] called "layer/kernel:0": a group in the root group."""
    parts: dict[str, bytes] = {}
    places = {"root": 96, "outer": 136, "inner": 176}
    room = {"root": 40, "outer": 40, "inner": 40}
    for name in ("root", "outer", "inner"):
        for block, size in (("tree", 56), ("heap", 56), ("symbols", 48)):
            places[f"{name} {block}"] = max(place + room[key] for key, place in places.items())
            room[f"{name} {block}"] = size
    places["data header"] = max(place + room[key] for key, place in places.items())
    space = message(1, struct.pack("<BBBBIQQ", 1, 2, 0, 0, 0, 2, 3))
    kind = message(3, datatype)
    room["data header"] = len(header(space, kind, message(8, bytes(24))))
    places["values"] = places["data header"] + room["data header"]
    where = layout + struct.pack("<QQ", places["values"], VALUES.nbytes) + bytes(6)
    parts["data header"], parts["values"] = header(space, kind, message(8, where)), stored
    children = {"root": ("layer", "outer"), "outer": ("kernel:0", "data header")}
    for name, (child, target) in children.items():
        parts[name] = header(message(0x11, struct.pack("<QQ", places[f"{name} tree"], places[f"{name} heap"])))
        leaf = places[f"{name} symbols"]
        parts[f"{name} tree"] = b"TREE" + struct.pack("<BBHQQQQQ", 0, 0, 1, 2**64 - 1, 2**64 - 1, 0, leaf, 0)
        text = places[f"{name} heap"] + 32
        parts[f"{name} heap"] = (
            b"HEAP" + bytes(4) + struct.pack("<QQQ", 24, 0, text) + child.encode().ljust(24, b"\x00")
        )
        parts[f"{name} symbols"] = b"SNOD\x01\x00" + struct.pack("<HQQIIQQ", 1, 0, places[target], 0, 0, 0, 0)
    file = bytearray(places["values"])
    for name, part in parts.items():
        if name != "values":
            file[places[name] : places[name] + len(part)] = part
    head = b"\x89HDF\r\n\x1a\n" + bytes(5) + b"\x08\x08\x00" + struct.pack("<HHI", 4, 16, 0)
    file[:56] = head + struct.pack("<QQQQ", 0, 2**64 - 1, len(file) + len(stored), 2**64 - 1)
    file[56:96] = struct.pack("<QQII16s", 0, places["root"], 0, 0, b"")
    return bytes(file) + stored


def written(folder: Path, data: bytes) -> Path:
    path = folder / "net.h5"
    path.write_bytes(data)
    return path


def test_the_array_comes_back_by_its_path(tmp_path: Path) -> None:
    found = hdf5.read(written(tmp_path, file_of()))
    assert list(found) == ["layer/kernel:0"]
    assert found["layer/kernel:0"].dtype == np.float32
    assert (found["layer/kernel:0"] == VALUES).all()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "beyond its end|head"),
        (b"not a file at all, but longer than a head" * 4, "head"),
        (file_of(datatype=b"\x11" + FLOAT32[1:4] + b"\x08" + FLOAT32[5:]), "float32"),
        (file_of(layout=b"\x03\x02"), "one block"),
        (file_of(stored=VALUES.tobytes()[:-1]), "beyond its end"),
    ],
)
def test_what_is_something_else_is_refused(data: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match=why):
        hdf5.read(written(tmp_path, data))


def test_a_ring_of_groups_ends(tmp_path: Path) -> None:
    data = bytearray(file_of())
    root = data[64:72]
    symbols = data.index(b"SNOD")
    data[symbols + 16 : symbols + 24] = root  # the root's only member is the root
    with pytest.raises(WeightsCorrupt, match="nested"):
        hdf5.read(written(tmp_path, bytes(data)))


@settings(max_examples=150, deadline=None)
@given(
    place=st.integers(0, len(file_of()) - 1),
    byte=st.integers(0, 255),
    length=st.integers(0, len(file_of())),
)
def test_damage_is_said_and_never_escapes(
    place: int, byte: int, length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(file_of())
    data[place] = byte
    try:
        found = hdf5.read(written(tmp_path_factory.mktemp("h"), bytes(data[:length])))
    except WeightsCorrupt:
        return
    assert all(values.dtype == np.float32 for values in found.values())
