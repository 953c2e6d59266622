"""What a model with a person's tokens makes of photos that were kept back: which of the four answers is likeliest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from faceagent.controllers.pretrained import ChatFormat
from faceagent_finetune.vip.conversations import answer
from faceagent_finetune.vlm.batches import NOT_LEARNT, Batches
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.lessons import Lesson
from faceagent_finetune.vlm.recipe import Recipe
from faceagent_tools.identity.likelihood import KINDS


def judged(network: Any, chat: ChatFormat, val: Conversations, name: str, recipe: Recipe) -> dict[str, Any]:
    """{"told_rightly": {kind: [right, of]}, "balanced": mean of the kinds' shares}.

    Args:
        network: with the person's tokens in it. val: as `conversations.write` writes them.
    """
    batches = Batches(val, chat, chat.ends(network.generation_config), recipe.max_length, recipe.image_side)
    told = {kind: [0, 0] for kind in KINDS}
    for number in range(len(val)):
        kind = str(val.record(number)["kind"])
        for lesson in batches.lessons_of(number):
            told[kind][0] += likeliest(network, batches, lesson, kind, name) == kind
            told[kind][1] += 1
    shares = [right / of for right, of in told.values() if of]
    return {"told_rightly": told, "balanced": round(sum(shares) / len(shares), 4)}


def likeliest(network: Any, batches: Batches, lesson: Lesson, kind: str, name: str) -> str:
    """The kind whose answer, as a whole, the model finds likeliest after the lesson's question.

    Args:
        kind: whose answer the lesson has.
    """
    ((begin, end),) = lesson.learnt
    asked, turn = lesson.text[:begin], lesson.text[begin:end]
    turns = [turn.replace(answer(kind, name), answer(other, name)) for other in KINDS]
    batch = batches.encode([replace(lesson, text=asked + one, learnt=((begin, begin + len(one)),)) for one in turns])
    device = network.get_input_embeddings().weight.device
    batch = {key: value.to(device) for key, value in batch.items()}
    labels = batch.pop("labels")[:, 1:]
    with torch.no_grad():
        scores = network(**batch).logits[:, :-1].float().log_softmax(-1)
    learnt = labels != NOT_LEARNT
    picked = scores.gather(-1, labels.where(learnt, 0)[..., None])[..., 0]
    return KINDS[int((picked * learnt).sum(-1).argmax())]
