"""FER+ (Barsoum et al., ICMI 2016): ten people's votes on the expression in a grey photo of 48 px."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceagent_finetune.corpus.labelled import Label, LabelMissing
from faceagent_tools.emotion_words import WORDS

FILE = "emotion/ferplus.parquet"
LICENCE = "images of FER2013: research use; votes of FER+: MIT"
COLUMNS = (*WORDS, "unknown", "NF", "split")
_CLEAR, _SPLIT = 0.7, 0.3  # shares of the votes: of the first for a fact; of the second for a doubt


def label(name: str, row: Mapping[str, Any]) -> Label:
    """The expression on which people agree, or the two between which they do not; else neither.

    Raises:
        LabelMissing: there are no votes, or half of them say that this is no face or nothing they know.
    """
    votes = {look: int(row[column] or 0) for column, look in WORDS.items()}
    cast = sum(votes.values()) + int(row["unknown"] or 0) + int(row["NF"] or 0)
    if sum(votes.values()) * 2 <= cast or not cast:
        raise LabelMissing("half of the votes are for no expression", fault=False)
    first, second = sorted(votes, key=lambda look: -votes[look])[:2]
    facts = {"colour": "no"}
    if votes[first] >= _CLEAR * cast:
        facts["expression"] = first
    elif votes[second] >= _SPLIT * cast:
        facts["expression doubt"] = f"{first} or {second}"
    return Label(facts, str(row["split"]), name)
