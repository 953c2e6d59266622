"""Who sits in the model's seat while a trace is recorded: the embedded controller, which is told what a question asks
for, and writes its answer as a model has to.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from faceagent.controllers.draft import NOTICE, Draft
from faceagent.controllers.embedded import EmbeddedController
from faceagent.ground import fault, ground
from faceagent.session import Session
from faceagent.tool import TOLD
from faceagent.types import Claim, Evidence, Method, Turn

Spoil = Callable[[Draft], Draft | None]
"""A draft with a fault that the check finds; None where it holds nothing to get wrong."""

_ANSWERS = ("answered", "partly_answered")
_MOST = 12  # of claims, of their evidence, of gaps and of remarks, as `constraint.draft_schema` lets a model write


class Teacher(EmbeddedController):
    """
    Args:
        spoil: makes the first draft a wrong one, so that it comes back with the reason.
    """

    sees_images: bool = True
    own_words: bool = False
    spoil: Spoil | None = Field(default=None, exclude=True)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        result = super()._generate(messages, stop, run_manager, **kwargs)
        turn = result.generations[0].message
        if isinstance(turn, AIMessage) and turn.tool_calls:
            return result
        draft = as_a_model_may(Draft.model_validate_json(turn.text))
        draft = within_what_is_told(draft, {row.id: row for row in _evidence(messages)})
        if self.spoil is not None and not _sent_back(messages):
            draft = self.spoil(draft) or draft
        return ChatResult(generations=[ChatGeneration(message=AIMessage(written(draft)))])


def _sent_back(messages: Sequence[BaseMessage]) -> bool:
    last = messages[-1]
    return last.name == NOTICE and "your_claims_were_rejected" in last.text


def as_a_model_may(draft: Draft) -> Draft:
    """The draft within the grammar of a model's turn: an answer makes no remarks, and what is no answer only those."""
    said = (*draft.remarks, *draft.not_established)
    if draft.status not in _ANSWERS:
        return Draft(status=draft.status, remarks=said[:_MOST])
    if draft.claims or draft.not_established:
        status = "partly_answered" if said else draft.status
        claims = tuple(claim for claim in draft.claims if len(claim.evidence) <= _MOST)
        return Draft(status=status, claims=claims[:_MOST], not_established=said[:_MOST])
    # A greeting, or what the assistant can do: nothing was asked that could be answered.
    return Draft(status="needs_clarification", remarks=said[:_MOST])


def within_what_is_told(draft: Draft, rows: Mapping[str, Evidence]) -> Draft:
    """The draft without figures that a model is not told, such as how often a network errs: a sentence ends before
    them, or a reason or doubt is not given. An answer that is nothing without them stays as it is.

    Args:
        rows: evidence by its id.
    """
    kept = ((claim, _within(claim, rows)) for claim in draft.claims)
    claims = tuple(cut or claim for claim, cut in kept if cut or claim.role == "answer")
    return draft.model_copy(update={"claims": claims})


def is_told(claims: Sequence[Claim], rows: Mapping[str, Evidence]) -> bool:
    """Whether a model can know every figure of these sentences."""
    told = {key: as_told(row) for key, row in rows.items()}
    return not any(item.kind == "number" for item in ground(claims, told.get).rejected)


def as_told(row: Evidence) -> Evidence:
    """A row with no more in it than a model is told (`faceagent.tool.Outcome.for_model`)."""
    untold = {name: field for name, field in Evidence.model_fields.items() if name not in TOLD}
    blank = {name: field.get_default(call_default_factory=True) for name, field in untold.items()}
    return row.model_copy(update={**blank, "tool": row.tool, "method": Method(name=row.tool, version="", licence="")})


_BREAKS = re.compile(r"; |: | \(|, (?=on \d)")
"""Where a sentence may end early."""


def _within(claim: Claim, rows: Mapping[str, Evidence]) -> Claim | None:
    """The claim, or as much of its sentence as says nothing that a model is not told; None where nothing is left."""
    ends = [match.start() for match in _BREAKS.finditer(claim.sentence)]
    shorter = (claim.model_copy(update={"sentence": f"{claim.sentence[:end]}."}) for end in reversed(ends))
    for one in (claim, *shorter):
        if is_told([one], rows) and fault(one, rows.get) is None:
            return one
    return None


def _evidence(messages: Sequence[BaseMessage]) -> Iterator[Evidence]:
    for message in messages:
        if isinstance(message, ToolMessage):
            for outcome in message.artifact or ():
                yield from outcome.evidence


def written(draft: Draft) -> str:
    """As the grammar spaces it, every field in its order."""
    return json.dumps(draft.model_dump(mode="json"), ensure_ascii=False)


def said_whole(drafted: BaseMessage, turn: Turn) -> bool:
    """Whether the last message is a draft all of which the product said: no sentence was left out."""
    if not isinstance(drafted, AIMessage) or drafted.tool_calls:
        return False  # it was stopped before
    draft = Draft.model_validate_json(drafted.text)
    return (draft.claims, draft.remarks, draft.not_established) == (turn.claims, turn.remarks, turn.not_established)


def spoiler(session: Session, rng: random.Random) -> Spoil:
    """Draws a claim and a fault."""

    def spoil(draft: Draft) -> Draft | None:
        wrong = [
            (place, claim)
            for place, right in enumerate(draft.claims)
            for claim in _wrong(right, session, rng)
            if fault(claim, session.ledger.get) is not None
        ]
        if not wrong:
            return None
        place, claim = rng.choice(wrong)
        return draft.model_copy(update={"claims": (*draft.claims[:place], claim, *draft.claims[place + 1 :])})

    return spoil


_TURNED = ((" no sign of ", " signs of "), (" not ", " "), (" no ", " "), (" looks ", " does not look "))


def _wrong(claim: Claim, session: Session, rng: random.Random) -> Iterator[Claim]:
    """A figure that is off, a negation lost or added, evidence on something else."""
    off = re.sub(r"\d+", lambda figure: str(int(figure[0]) + rng.randint(2, 9)), claim.sentence, count=1)
    yield claim.model_copy(update={"sentence": off})
    for old, new in _TURNED:
        if old in claim.sentence:
            yield claim.model_copy(update={"sentence": claim.sentence.replace(old, new, 1)})
            break
    others = [row.id for row in session.ledger.all() if row.attribute != claim.attribute]
    if others:
        yield claim.model_copy(update={"evidence": (rng.choice(others),)})
