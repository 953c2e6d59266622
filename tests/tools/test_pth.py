"""State dicts of old torch files, read without torch; the files here are put together by hand, opcode by opcode."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.errors import WeightsCorrupt
from faceagent_tools import pth

VALUES = np.arange(6, dtype="<f4").reshape(2, 3)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def named(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


def file_of(
    *,
    rebuild: bytes = named("torch._utils", "_rebuild_tensor_v2"),
    kind: bytes = named("torch", "FloatStorage"),
    strides: tuple[int, int] = (3, 1),
    length: int = 6,
    stored: bytes = VALUES.tobytes(),
) -> bytes:
    """One tensor [2, 3] called "a.weight"."""
    storage = b"(" + text("storage") + kind + text("7") + text("cpu") + number(length) + b"Nt" + b"Q"
    shape = b"(" + number(2) + number(3) + b"t"
    steps = b"(" + number(strides[0]) + number(strides[1]) + b"t"
    tensor = rebuild + b"(" + storage + number(0) + shape + steps + b"\x89" + b"}" + b"t" + b"R"
    state = b"\x80\x02" + b"}" + text("a.weight") + tensor + b"s" + b"."
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join(head) + state + pickle.dumps(["7"], 2) + struct.pack("<q", length) + stored


def written(folder: Path, data: bytes) -> Path:
    path = folder / "net.pth"
    path.write_bytes(data)
    return path


def test_the_arrays_come_back(tmp_path: Path) -> None:
    found = pth.read(written(tmp_path, file_of()))
    assert list(found) == ["a.weight"]
    assert (found["a.weight"] == VALUES).all()


@pytest.mark.parametrize(
    "data",
    [
        file_of(rebuild=named("os", "system")),
        file_of(rebuild=named("builtins", "eval")),
        file_of(kind=named("torch", "_C")),
        file_of(kind=named("torch", "HalfStorage")),
    ],
)
def test_a_file_that_asks_for_more_than_arrays_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WeightsCorrupt, match=r"net\.pth cannot be read"):
        pth.read(written(tmp_path, data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip file",
        pickle.dumps(5),
        file_of(strides=(1, 2)),
        file_of(length=4, stored=VALUES.tobytes()[:16]),
        file_of()[:-1],
        file_of()[:-28],
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WeightsCorrupt):
        pth.read(written(tmp_path, data))


@settings(max_examples=200)
@given(st.data())
def test_damage_never_ends_in_another_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = bytearray(file_of())
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.getbasetemp(), bytes(good))
    try:
        found = pth.read(path)
    except WeightsCorrupt:
        return
    assert all(isinstance(values, np.ndarray) for values in found.values())


def test_it_reads_what_torch_writes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = {"b": torch.randn(3, 4), "n": torch.tensor(7)}
    torch.save(state, tmp_path / "t.pth", _use_new_zipfile_serialization=False)
    found = pth.read(tmp_path / "t.pth")
    assert np.array_equal(found["b"], state["b"].numpy())
    assert found["n"] == 7
