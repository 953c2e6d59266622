"""Conversations with tools that are read without them, and kinds that are read more often than others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from faceagent.controllers.pretrained import ChatFormat, read_processor
from faceagent_finetune.vlm.batches import Batches
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.recipe import ALL, Choice, Recipe

KIND = "first_turn"


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
        found = Conversations(told_of_tools, "train", Choice(seed=seed, times={KIND: 20}, prompt_dropout=0.7))
        return [not found.spoken(number).tools for number in range(len(found))]

    first = bare(1)
    assert first == bare(1) != bare(2)
    assert 0.6 < sum(first) / len(first) < 0.8


def test_a_kind_is_read_as_often_as_is_said(told_of_tools: Path) -> None:
    once, thrice = (Conversations(told_of_tools, "train", Choice(times=times)) for times in ({}, {KIND: 3}))
    ids = [Counter(found.record(number)["id"] for number in range(len(found))) for found in (once, thrice)]
    assert ids[1] == Counter(dict.fromkeys(ids[0], 3))
    assert thrice.by_kind == {KIND: 3 * len(once)}


def test_conversations_without_tools_stay_as_they_are(conversations: Path) -> None:
    whole, bare = (Conversations(conversations, "train", Choice(prompt_dropout=share)) for share in (0.0, 1.0))
    assert [whole.spoken(number) for number in range(len(whole))] == [bare.spoken(n) for n in range(len(bare))]
    assert list(whole.sizes) == list(bare.sizes)


def test_val_is_judged_as_the_product_asks() -> None:
    recipe = Recipe(
        model="x", method="full", batch=1, learning_rate=1.0, without=("a",), times={KIND: 4}, prompt_dropout=0.5
    )
    assert recipe.val_choice == Choice(without=("a",), seed=7)
    assert recipe.choice == replace(recipe.val_choice, times={KIND: 4}, prompt_dropout=0.5)
    assert Choice() == ALL
