"""Vectors that a small model begins with, of a teacher made here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from faceagent_finetune.nano.vectors import vectors  # noqa: E402 - after the skip
from faceagent_finetune.planner import teacher  # noqa: E402

WORDS = ("▁old", "▁aged", "▁hat", "▁cap", "ly", "▁?")
TEXTS = [" old", " Aged", " hat", "cap", "ly", " ", "\ufffd", "unheard", "?"]


class Tokenizer:
    def __len__(self) -> int:
        return len(TEXTS)

    def decode(self, pieces: list[int]) -> str:
        return "".join(TEXTS[piece] for piece in pieces)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """Of each word of the teacher's; "old" and "aged" are near each other, "hat" and "cap" too."""
    chance = torch.Generator().manual_seed(1)
    old, hat = torch.randn(2, 384, generator=chance)
    near = 0.1 * torch.randn(6, 384, generator=chance)
    table = torch.stack([old, old, hat, hat, *torch.randn(2, 384, generator=chance)]) + near
    known = {word: teacher.Piece(-1.0, place) for place, word in enumerate(WORDS)}
    monkeypatch.setattr(teacher, "vocabulary", lambda: known)

    def encoder(names: list[str], longest: int, layers: tuple[int, ...]) -> SimpleNamespace:
        rows = [table[known[name].place] if name else torch.zeros(384) for name in names]
        words = SimpleNamespace(weight=torch.stack(rows))
        return SimpleNamespace(embeddings=SimpleNamespace(word_embeddings=words))

    monkeypatch.setattr(teacher, "encoder", encoder)
    return table


def nearness(found: torch.Tensor, one: str, other: str) -> float:
    pair = found[[TEXTS.index(one), TEXTS.index(other)]]
    return float(torch.nn.functional.cosine_similarity(*pair, dim=0))


def test_words_of_like_meaning_begin_near_each_other(table: torch.Tensor) -> None:
    found = vectors(Tokenizer(), 64, seed=7)
    assert found.shape == (len(TEXTS), 64) and torch.isfinite(found).all()
    assert nearness(found, " old", " Aged") > 0.9 and nearness(found, " hat", "cap") > 0.9
    assert nearness(found, " old", " hat") < 0.5
    assert torch.equal(found, vectors(Tokenizer(), 64, seed=7))


def test_what_the_teacher_lacks_begins_by_chance_and_as_strong(table: torch.Tensor) -> None:
    found = vectors(Tokenizer(), 64, seed=7)
    strength = found.std(1)
    unknown = [TEXTS.index(text) for text in (" ", "\ufffd", "unheard")]
    assert ((strength[unknown] > 0.05) & (strength[unknown] < 0.2)).all()
    assert not torch.equal(found[unknown], vectors(Tokenizer(), 64, seed=8)[unknown])
