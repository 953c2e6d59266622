"""The model that the planner begins as, and the tokeniser that is made of its pieces, on a file made here."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("google.protobuf")

from faceagent_finetune.planner import teacher, tokens
from faceagent_finetune.planner.asked import Asked

CONTROL = ("<s>", "<pad>", "</s>", "<unk>")


def stored(pieces: Sequence[tuple[str, float]], tensors: Mapping[str, np.ndarray]) -> memoryview:
    """A file in the layout of e5.c: of two axes in 4 bits, of one as they are."""
    names = [name.encode() for name, _ in pieces]
    ends = np.cumsum([0, *map(len, names)]).astype("<u4")
    head = b"E5S1" + struct.pack(
        "<8i f i 5i", 1, 384, 12, 12, 1536, len(pieces), 512, 2, 1e-12, 32, len(pieces), 0, 2, 1, 3
    )
    head += struct.pack("<Q", ends[-1]) + ends.tobytes() + np.array([score for _, score in pieces], "<f4").tobytes()
    head += b"".join(names) + struct.pack("<iI", 1, 9) + struct.pack("<IBI", 65, 1, 97)
    head += struct.pack("<i", len(tensors))
    packed = [
        (name, value, pack(value) if value.ndim > 1 else value.astype("<f4").tobytes())
        for name, value in tensors.items()
    ]
    at = len(head) + sum(2 + len(name) + 21 for name in tensors)
    for name, value, data in packed:
        head += (
            struct.pack("<H", len(name))
            + name.encode()
            + struct.pack("<BIQQ", value.ndim > 1, value.size, at, len(data))
        )
        at += len(data)
    return memoryview(head + b"".join(data for *_, data in packed))


def pack(value: np.ndarray) -> bytes:
    blocks = value.reshape(-1, 32)
    scales = (np.abs(blocks).max(1) / 7).astype("<f2")
    levels = np.rint(blocks / scales[:, None].astype(np.float32)).astype(int) + 8
    rows = (levels[:, :16] | levels[:, 16:] << 4).astype(np.uint8)
    return b"".join(scale.tobytes() + row.tobytes() for scale, row in zip(scales, rows, strict=True))


@pytest.fixture
def table() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(8, 384)).astype(np.float32)


def test_tensors_come_back_as_near_as_four_bits_allow(table: np.ndarray) -> None:
    bias = np.arange(5, dtype=np.float32)
    file = teacher.read(stored([(name, 0.0) for name in CONTROL], {"emb.word": table, "l0.q.b": bias}))
    assert np.array_equal(file.tensor("l0.q.b", -1), bias)
    found = file.tensor("emb.word", -1, 384)
    step = np.abs(table.reshape(-1, 32)).max(1).repeat(32).reshape(table.shape) / 7
    assert (np.abs(found - table) <= 0.51 * step).all()
    assert np.array_equal(file.rows("emb.word", [6, 2]), found[[6, 2]])


def test_of_pieces_that_differ_in_case_the_likeliest_stays(table: np.ndarray) -> None:
    pieces = [*((name, 0.0) for name in CONTROL), ("▁Frau", -9.0), ("▁frau", -12.0), ("IS", -11.0), ("is", -8.0)]
    known = teacher.read(stored(pieces, {"emb.word": table})).pieces
    assert known["▁frau"] == teacher.Piece(-9.0, 4)
    assert known["is"] == teacher.Piece(-8.0, 7)
    assert "IS" not in known


def test_the_tokeniser_keeps_what_questions_are_made_of(
    table: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    letters = sorted(set("isthereal"))
    pieces = [*((name, 0.0) for name in CONTROL), ("▁", -3.0), *((mark, -9.0) for mark in letters)]
    pieces += [("▁is", -4.0), ("▁this", -5.0), ("▁Real", -6.0), ("▁unheard", -2.0)]
    file = teacher.read(stored(pieces, {"emb.word": table}))
    monkeypatch.setattr(teacher, "_file", lambda: file)
    monkeypatch.setattr(tokens, "asked", lambda: [Asked("is this real", frozenset(), "en", "clerk", False)])
    monkeypatch.setattr(tokens, "_COMPOSED", 0)
    tokens.train(tmp_path / "planner.model", 400, seed=1)
    tokenizer = tokens.load(tmp_path / "planner.model")
    assert tokenizer.encode("Is this REAL", out_type=str) == ["▁is", "▁this", "▁real"]
    assert "▁unheard" not in {tokenizer.id_to_piece(place) for place in range(tokenizer.vocab_size())}
    assert tokens.LOST not in tokenizer.encode("謎"), "what it lacks is spelt in bytes"
    assert (tokenizer.pad_id(), tokenizer.unk_id()) == (tokens.PADDING, tokens.LOST)
