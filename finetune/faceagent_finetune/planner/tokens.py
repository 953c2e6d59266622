"""The planner's tokens: a sentencepiece model of the corpus and of common English words."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from faceagent.controllers.planner import FIRST, LAST
from faceagent_finetune.planner import teacher
from faceagent_finetune.planner.compose import Composer

_QUESTIONS = 60_000
_COMMONEST = 3000  # occurrences of the commonest word; the others by their rank
PADDING, LOST = 0, 1
"""Pieces that stand for no text: after the end, and for one that training hides. Before and after the question:
`faceagent.controllers.planner.FIRST` and `LAST`."""


def train(target: Path, pieces: int, seed: int) -> None:
    """Write a unigram model with `pieces` pieces; characters that it lacks become bytes."""
    import sentencepiece

    composer = Composer(seed, noise=0.0)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.tsv"
        rows = [f"{' '.join(composer.question().text.split())}\t1" for _ in range(_QUESTIONS)]
        rows += [f"{word}\t{1 + 20 * _COMMONEST // (20 + rank)}" for rank, word in enumerate(teacher.words())]
        text.write_text("\n".join(rows) + "\n", encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            input_format="tsv",
            model_prefix=str(target.with_suffix("")),
            model_type="unigram",
            vocab_size=pieces,
            character_coverage=1.0,
            byte_fallback=True,
            normalization_rule_name="nmt_nfkc_cf",
            pad_id=PADDING,
            unk_id=LOST,
            bos_id=FIRST,
            eos_id=LAST,
            num_threads=1,
            minloglevel=2,
        )


def load(file: Path) -> Any:
    """The tokeniser: a sentencepiece.SentencePieceProcessor."""
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(file))
