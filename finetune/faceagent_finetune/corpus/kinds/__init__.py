"""The kinds of conversation that a recipe may name."""

from __future__ import annotations

from collections.abc import Mapping

from faceagent_finetune.corpus.conversation import Kind
from faceagent_finetune.corpus.kinds.abstain import abstention
from faceagent_finetune.corpus.kinds.compare import comparison
from faceagent_finetune.corpus.kinds.decline import refusal
from faceagent_finetune.corpus.kinds.describe import attributes, descriptions
from faceagent_finetune.corpus.kinds.first_turn import first_turns
from faceagent_finetune.corpus.kinds.forgery import forgery
from faceagent_finetune.corpus.kinds.purpose import purpose
from faceagent_finetune.corpus.kinds.quoted import quoted
from faceagent_finetune.corpus.kinds.several import multi_turn
from faceagent_finetune.corpus.kinds.trace import traces
from faceagent_finetune.corpus.kinds.yes_no import yes_no

KINDS: Mapping[str, Kind] = {
    "description": descriptions,
    "attribute": attributes,
    "yes_no": yes_no,
    "comparison": comparison,
    "forgery": forgery,
    "abstention": abstention,
    "refusal": refusal,
    "purpose": purpose,
    "multi_turn": multi_turn,
    "trace": traces,
    "first_turn": first_turns,
    "quoted": quoted,
}
