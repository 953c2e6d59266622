"""Conversations as the tensors that a network learns from."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from faceagent.controllers.pretrained import ChatFormat
from faceagent.controllers.transcript import transcribe
from faceagent.errors import MediaError, UsageError
from faceagent_finetune.corpus.labelled import LeftOut
from faceagent_finetune.vlm.conversations import BrokenRecord, Conversations
from faceagent_finetune.vlm.lessons import Lesson, lessons

NOT_LEARNT = -100
"""Label of what is read and not learnt, as torch's cross entropy ignores it."""
_GROUPED = 50  # batches whose conversations are sorted by length at a time

_log = logging.getLogger(__name__)


class Batches:
    """Tensors of conversations, given their numbers.

    Args:
        ends: see `lessons`.
        max_length: tokens; longer conversations are left out.
        image_side: longest side of a picture, in pixels.
        on_left_out: called with the conversations that turn out broken or too long.
    """

    def __init__(
        self,
        conversations: Conversations,
        chat: ChatFormat,
        ends: Sequence[str],
        max_length: int,
        image_side: int,
        on_left_out: Callable[[Iterable[LeftOut]], None] | None = None,
    ) -> None:
        self.conversations, self.chat, self.ends = conversations, chat, ends
        self.max_length, self.image_side, self.on_left_out = max_length, image_side, on_left_out

    def __call__(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        """ "input_ids", "labels" and what else the network takes. What cannot be learnt from is left out; where nothing
        remains, the next conversation that can be takes its place, so that a run stays the same run.

        Raises:
            UsageError: there is none.
        """
        for chosen in self._chances(numbers):
            batch = self.of(chosen)
            if batch is not None:
                return batch
        raise UsageError(
            f"No conversation of the corpus is shorter than {self.max_length} tokens",
            "Raise max_length, or lower image_side",
        )

    def of(self, numbers: Sequence[int]) -> dict[str, Tensor] | None:
        """The same of these conversations and no others; None where none can be learnt from."""
        made = [(number, lesson) for number in numbers for lesson in self.lessons_of(number)]
        made.sort(key=lambda one: not one[1].pictures)
        while made:
            batch = self.encode([lesson for _, lesson in made])
            lengths: list[int] = batch["attention_mask"].sum(1).tolist()
            if max(lengths) <= self.max_length:
                return batch
            for (number, _), length in zip(made, lengths, strict=True):
                if length > self.max_length:
                    self._leave(number, f"{length} tokens long, max_length is {self.max_length}")
            made = [one for one, length in zip(made, lengths, strict=True) if length <= self.max_length]
        return None

    def _chances(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        yield numbers
        for further in range(1, len(self.conversations)):
            yield [(numbers[-1] + further) % len(self.conversations)]

    def lessons_of(self, number: int) -> list[Lesson]:
        """Of one conversation; none where it is broken."""
        try:
            spoken = self.conversations.spoken(number)
            transcript = transcribe(spoken.messages, spoken.tools, self.chat.knows, self.chat.control_tokens)
        except (BrokenRecord, MediaError) as error:
            self._leave(number, str(error))
            return []
        return lessons(self.chat, transcript.shrunk(self.image_side), spoken.tools, spoken.learnt, self.ends)

    def _leave(self, number: int, reason: str) -> None:
        name = str(self.conversations.record(number).get("id", number))
        _log.info("left out: %s: %s", name, reason)
        if self.on_left_out is not None:
            self.on_left_out([LeftOut(name, reason)])

    def encode(self, made: Sequence[Lesson]) -> dict[str, Tensor]:
        """Tensors of lessons, padded to the longest.

        Args:
            made: those with pictures first, or some processors cannot make their tensors.
        """
        encoded = self.chat.tensors(
            [lesson.text for lesson in made],
            [lesson.pictures for lesson in made],
            padding=True,
            padding_side="right",
            return_offsets_mapping=True,
            return_text_replacement_offsets=True,
        )
        offsets = encoded.pop("offset_mapping")
        widened = encoded.pop("text_replacement_offsets", None) or [[] for _ in made]
        masks = [
            _within(row, [_moved(span, changes) for span in lesson.learnt])
            for lesson, row, changes in zip(made, offsets, widened, strict=True)
        ]
        learnt = torch.stack(masks) & encoded["attention_mask"].bool()
        return {**encoded, "labels": encoded["input_ids"].where(learnt, NOT_LEARNT)}


def _moved(span: tuple[int, int], changes: Sequence[Any]) -> tuple[int, int]:
    """Where a stretch of a text is once the places of pictures before it are written out; it holds none itself."""
    ahead = sum(
        (change["new_span"][1] - change["new_span"][0]) - (change["span"][1] - change["span"][0])
        for change in changes
        if change["span"][1] <= span[0]
    )
    return span[0] + ahead, span[1] + ahead


def _within(offsets: Tensor, spans: Sequence[tuple[int, int]]) -> Tensor:
    """Which tokens lie in one of the stretches. offsets: [tokens, 2], in characters; [tokens] of bool."""
    first, last = offsets.unbind(-1)
    inside = torch.zeros_like(first, dtype=torch.bool)
    for begin, end in spans:
        inside |= (first >= begin) & (last <= end) & (last > first)
    return inside


class InTurn(torch.utils.data.Sampler[int]):
    """Numbers of conversations in an order that seed and epoch alone decide, those of like length together.

    Args:
        sizes: of each conversation, in any unit.
        batch: how many are read at once.
    """

    def __init__(self, sizes: Sequence[int], batch: int, seed: int) -> None:
        self.sizes, self.batch, self.seed, self.epoch = sizes, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[int]:
        rng = random.Random(f"{self.seed}/{self.epoch}")
        order = rng.sample(range(len(self.sizes)), len(self.sizes))
        width = self.batch * _GROUPED
        for begin in range(0, len(order), width):
            group = sorted(order[begin : begin + width], key=lambda number: self.sizes[number])
            cuts = [group[at : at + self.batch] for at in range(0, len(group), self.batch)]
            short = [cuts.pop()] if len(cuts[-1]) < self.batch else []
            for cut in [*rng.sample(cuts, len(cuts)), *short]:
                yield from cut
