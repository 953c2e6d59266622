"""The planner's tokens: those pieces of its teacher that our questions are made of, and bytes for all else."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceagent.controllers.planner import FIRST, LAST
from faceagent_finetune.planner import teacher
from faceagent_finetune.planner.asked import asked
from faceagent_finetune.planner.compose import Composer

_COMPOSED = 30_000
_SMALLEST = 300  # pieces that sentencepiece must be allowed
PADDING, LOST = 0, 1
"""Pieces that stand for no text: after the end, and for one that training hides. Before and after the question:
`faceagent.controllers.planner.FIRST` and `LAST`."""


def train(target: Path, pieces: int, seed: int) -> None:
    """Write a unigram model with at most `pieces` pieces, the scores being the teacher's."""
    composer = Composer(seed, noise=0.0)
    texts = [question.text for question in asked() if not question.held]
    texts += [composer.question().text for _ in range(_COMPOSED)]
    frame = _frame()
    kept = [piece for piece in frame.pieces if piece.type != piece.NORMAL]
    known = teacher.vocabulary()
    whole = _with(frame, kept, known)
    found = Counter(piece for row in _processor(whole).encode(texts) for piece in row)
    marks = {mark for text in texts for mark in text}
    names = [whole.pieces[place].piece for place, _ in found.most_common()]
    # Single characters first: what falls apart falls into them rather than into bytes.
    chosen = {name: None for name in names if name in marks or len(name.removeprefix("▁")) < 2} | dict.fromkeys(names)
    used = set(list(chosen)[: pieces - len(kept)])
    model = _with(frame, kept, {name: piece for name, piece in known.items() if name in used})
    target.write_bytes(model.SerializeToString())


def _with(frame: Any, kept: list[Any], pieces: Mapping[str, teacher.Piece]) -> Any:
    """A model with other pieces; its way of making text plain stays."""
    model = type(frame)()
    model.CopyFrom(frame)
    del model.pieces[:]
    model.pieces.extend(kept)
    control = {piece.piece for piece in kept}
    for name, piece in pieces.items():
        if name not in control:
            model.pieces.add(piece=name, score=piece.score)
    return model


def _processor(model: Any) -> Any:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def _frame() -> Any:
    """A small model of sentencepiece's own making: control pieces, bytes, and how characters are made plain."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        text.write_text("abc\n" * 100, encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=str(Path(folder) / "frame"),
            model_type="unigram",
            vocab_size=_SMALLEST,
            hard_vocab_limit=False,
            byte_fallback=True,
            normalization_rule_name="nmt_nfkc_cf",
            pad_id=PADDING,
            unk_id=LOST,
            bos_id=FIRST,
            eos_id=LAST,
            num_threads=1,
            minloglevel=2,
        )
        proto: Any = sentencepiece_model_pb2  # its classes are made as it is imported
        model = proto.ModelProto()
        model.ParseFromString((Path(folder) / "frame.model").read_bytes())
    return model


def load(file: Path) -> Any:
    """The tokeniser: a sentencepiece.SentencePieceProcessor."""
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(file))
