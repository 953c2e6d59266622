"""Conversations with tools that are read without them, and conversations that are read without their pictures."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from faceagent.controllers.pretrained import ChatFormat, read_processor
from faceagent.errors import UsageError
from faceagent_finetune.vlm.batches import Batches
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.recipe import ALL, Choice, Recipe


def test_a_bare_conversation_lacks_rules_and_tools_and_nothing_else(told_of_tools: Path) -> None:
    whole, bare = (Conversations(told_of_tools, "train", Choice(prompt_dropout=share)) for share in (0.0, 1.0))
    assert len(whole) == len(bare)
    for number in range(len(whole)):
        told, stripped = whole.spoken(number), bare.spoken(number)
        assert told.messages[0].type == "system" and told.tools
        assert stripped.messages == told.messages[1:]
        assert (stripped.tools, stripped.learnt) == ([], told.learnt)
        assert bare.sizes[number] < whole.sizes[number] / 4


def test_what_is_learnt_is_the_same_text(tiny: Path, told_of_tools: Path) -> None:
    chat = ChatFormat.of(read_processor(str(tiny)))
    learnt = []
    for share in (0.0, 1.0):
        batches = Batches(
            Conversations(told_of_tools, "train", Choice(prompt_dropout=share)), chat, ["<|im_end|>"], 1, 1
        )
        (lesson,) = batches.lessons_of(0)
        learnt.append([lesson.text[begin:end] for begin, end in lesson.learnt])
    assert learnt[0] == learnt[1]
    assert "<tool_call>" in learnt[0][0] or "status" in learnt[0][0]


def test_the_share_is_kept_and_the_seed_decides_which(told_of_tools: Path) -> None:
    def bare(seed: int) -> list[bool]:
        found = Conversations(told_of_tools, "train", Choice(seed=seed, prompt_dropout=0.7))
        return [not found.spoken(number).tools for number in range(len(found))]

    drawn = [bare(seed) for seed in range(20)]
    assert drawn[1] == bare(1) != drawn[2]
    assert 0.6 < sum(map(sum, drawn)) / sum(map(len, drawn)) < 0.8


def test_conversations_without_tools_stay_as_they_are(conversations: Path) -> None:
    whole, bare = (Conversations(conversations, "train", Choice(prompt_dropout=share)) for share in (0.0, 1.0))
    assert [whole.spoken(number) for number in range(len(whole))] == [bare.spoken(n) for n in range(len(bare))]
    assert list(whole.sizes) == list(bare.sizes)


def test_without_pictures_the_text_alone_is_read(told_of_tools: Path, tiny: Path) -> None:
    shown, blind = (Conversations(told_of_tools, "train", Choice(pictures=pictures)) for pictures in (True, False))
    chat = ChatFormat.of(read_processor(str(tiny)))
    assert len(shown) == len(blind)
    for number in range(len(shown)):
        text = [[part for part in one.content if part["type"] == "text"] for one in shown.spoken(number).messages[1:2]]
        assert [one.content for one in blind.spoken(number).messages[1:2]] == text
    assert "pixel_values" not in Batches(blind, chat, ["<|im_end|>"], 10_000, 64)([0, 1])
    assert sum(blind.sizes) < sum(shown.sizes)


def test_photos_that_are_not_read_need_not_be_there(told_of_tools: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(told_of_tools, tmp_path / "corpus")
    for photo in copy.rglob("*.jpg"):
        photo.unlink()
    blind = Conversations(copy, "train", Choice(pictures=False))
    assert not blind.left_out and blind.spoken(0).messages
    with pytest.raises(UsageError, match="there is no picture"):
        Conversations(copy, "train", Choice())


def test_val_is_judged_as_the_product_asks() -> None:
    recipe = Recipe(model="x", method="full", batch=1, learning_rate=1.0, without=("a",), prompt_dropout=0.5)
    assert recipe.val_choice == Choice(without=("a",), seed=7)
    assert recipe.choice == replace(recipe.val_choice, prompt_dropout=0.5)
    assert Choice() == ALL
    assert not recipe.model_copy(update={"pictures": False}).val_choice.pictures, "it cannot see"
