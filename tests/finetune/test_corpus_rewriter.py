"""A model that words answers anew: what it may change, and what is found out."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from faceagent.errors import ControllerError, UsageError
from faceagent_finetune.corpus.conversation import DECLINED, Conversation, Picture, Trace, Turn
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.recipe import Recipe
from faceagent_finetune.corpus.rewriter import ACCEPTED, FAILED, Rewriter

FACTS = {"age": "30-39", "gender": "female", "glasses": "no", "smiling": "yes", "hat": "no", "pair": "1", "same": "no"}


class Writer(BaseChatModel):
    """A chat model that makes of the composed answer what a function makes of it."""

    word: Callable[[str], str]
    asked: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "writer"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        assert [message.type for message in messages] == ["system", "human"]
        self.asked.append(messages[1].text)
        written = self.word(messages[1].text.partition("\nAnswer: ")[2])
        return ChatResult(generations=[ChatGeneration(message=AIMessage(written))])


def photo(**facts: str) -> Picture:
    return Picture.of(LabelledPhoto("celeba40", "1.jpg", b"", {**FACTS, **facts}, "train", "1", "none"))


def conversation(answer: str, attribute: str, value: str = "no", *pictures: Picture) -> Conversation:
    return Conversation("yes_no", pictures or (photo(),), (Turn("What is it?", answer, attribute, value),))


NO_GLASSES = conversation("No, glasses cannot be made out in what is shown.", "glasses")
AGE = conversation("The face looks between 30 and 39 years old, give or take.", "age", "30-39")
SMILE = conversation("One can see a smile.", "smiling", "yes")
SMILE_AND_BEARD = conversation("The person is smiling and has a beard.", "smiling", "yes", photo(beard="yes"))


def reworded(word: Callable[[str], str], *given: Conversation) -> tuple[list[str], dict[str, int]]:
    """The answers, and the outcomes."""
    found, outcomes = Rewriter(Writer(word=word), 1.0).reworded(given, random.Random(1))
    return [one.turns[0].answer for one in found], outcomes


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (NO_GLASSES, "The person wears no glasses."),
        (NO_GLASSES, "The face shows no sign of glasses."),
        (AGE, "The person seems 30 to 39 years old."),
        (SMILE, "The person in the photo is smiling."),
        (
            conversation("They look like different people.", "same person", "no", photo(), photo()),
            "The photos seem to show different people.",
        ),
    ],
)
def test_other_words_for_the_same_are_taken(given: Conversation, written: str) -> None:
    assert reworded(lambda _: written, given) == ([written], {ACCEPTED: 1})


@pytest.mark.parametrize(
    ("given", "written", "outcome"),
    [
        (AGE, "The person seems 34 years old.", "number"),
        (NO_GLASSES, "The person wears glasses.", "contradiction"),
        (AGE, "The person is surely 30 to 39 years old.", "contradiction"),
        (SMILE, "The person is smiling and likes dogs.", "wording"),
        (SMILE, "The person is smiling and wears no hat.", "says more"),
        (SMILE, "The photo shows a person.", "wording"),
        (SMILE_AND_BEARD, "The person is smiling.", "says less"),
        (AGE, "The person seems at least 30 years old.", "number"),
        (SMILE, "", "nothing new"),
        (SMILE, "One can see a smile.", "nothing new"),
        (conversation("One can see a hat.", "hat"), "The person wears a beard.", "contradiction"),
    ],
)
def test_what_the_labels_do_not_bear_out_is_dropped(given: Conversation, written: str, outcome: str) -> None:
    assert reworded(lambda _: written, given) == ([given.turns[0].answer], {outcome: 1})


def test_a_thing_that_the_labels_do_not_know_cannot_be_denied() -> None:
    facts = {key: value for key, value in FACTS.items() if key != "hat"}
    unknown = Picture.of(LabelledPhoto("celeba40", "1.jpg", b"", facts, "train", "1", "none"))
    given = conversation("One can see a smile and no hat.", "smiling", "yes", unknown)
    assert reworded(lambda _: "The person is smiling and wears no hat.", given)[1] == {"contradiction": 1}


def test_where_the_model_fails_the_composed_wording_is_kept() -> None:
    def now_and_then(composed: str) -> str:
        if "smile" in composed:
            raise ControllerError("There is no answer", "Start the server")
        return "The person wears no glasses."

    answers, outcomes = reworded(now_and_then, SMILE, NO_GLASSES, SMILE)
    assert answers == ["One can see a smile.", "The person wears no glasses.", "One can see a smile."]
    assert outcomes == {ACCEPTED: 1, FAILED: 2}


def test_a_model_that_only_fails_is_not_waited_for_without_end() -> None:
    def failing(composed: str) -> str:
        raise ControllerError("There is no answer", "Start the server")

    with pytest.raises(ControllerError, match="no answer"):
        reworded(failing, *[SMILE] * 30)


def test_an_error_of_our_own_is_no_failure_of_the_model() -> None:
    def broken(composed: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reworded(broken, SMILE)


def test_what_no_label_bears_out_is_not_given_to_the_model() -> None:
    refused = conversation("That I will not judge.", "crime", DECLINED)
    hidden = conversation("Glasses cannot be told here.", "glasses", "abstained")
    two = conversation("The second.", "glasses", "second", photo(), photo(same="yes", pair="2"))
    writer = Writer(word=lambda _: "No.")
    given = [refused, hidden, two, Trace("trace", (photo(),), NO_GLASSES.turns)]
    assert Rewriter(writer, 1.0).reworded(given, random.Random(1)) == (given, {})
    assert writer.asked == []


def test_a_share_is_reworded_the_same_each_time() -> None:
    def asked(seed: int) -> list[str]:
        writer = Writer(word=lambda composed: composed)
        given = [conversation(f"One can see a smile, {number}.", "smiling", "yes") for number in range(40)]
        Rewriter(writer, 0.5).reworded(given, random.Random(seed))
        return sorted(writer.asked)

    assert 8 < len(asked(1)) < 32
    assert asked(1) == asked(1) != asked(2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('controller = "embedded"\nshare = 0.5', "Name a model: openai:"),
        ('controller = "openai:http://127.0.0.1:8000/v1#m"', "share in .* is None"),
        ('controller = "openai:http://127.0.0.1:8000/v1#m"\nshare = 2', "at most 1"),
        ('contrller = "x"', "Did you mean 'controller'"),
    ],
)
def test_a_wrong_table_is_told_what_is_wrong(tmp_path: Path, line: str, told: str) -> None:
    text = "seed = 1\nshard = 2\n[sets]\nlfw = 1\n[kinds]\nyes_no = 1\n[duplicates]\nbits = 0\n[rewriter]\n"
    (tmp_path / "recipe.toml").write_text(text + line, "utf-8")
    with pytest.raises(UsageError, match=told):
        Recipe.read(tmp_path / "recipe.toml")
