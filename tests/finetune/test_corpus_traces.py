"""Agent traces: what the teacher is recorded doing is what the product tells a model, expects of it and believes."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

parquet = pytest.importorskip("pyarrow.parquet")

import pyarrow  # noqa: E402 - after the skip
from langchain_core.messages import AIMessage, BaseMessage  # noqa: E402
from photo_files import EXAMPLES, jpeg, portrait  # noqa: E402
from PIL import Image, ImageEnhance  # noqa: E402
from scripted import ScriptedController  # noqa: E402

from faceagent.agent import FaceAgent  # noqa: E402
from faceagent.controllers.constraint import draft_schema  # noqa: E402
from faceagent.controllers.draft import Draft  # noqa: E402
from faceagent.controllers.planner import labels, table  # noqa: E402
from faceagent.controllers.refer import points_only  # noqa: E402
from faceagent.controllers.transcript import Abilities, transcribe  # noqa: E402
from faceagent.ground import fault  # noqa: E402
from faceagent.policy import topics  # noqa: E402
from faceagent.types import Answer, Evidence  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.corpus.conversation import Picture  # noqa: E402
from faceagent_finetune.corpus.labelled import LabelledPhoto  # noqa: E402
from faceagent_finetune.corpus.report import records  # noqa: E402
from faceagent_finetune.corpus.sources import SOURCES  # noqa: E402
from faceagent_finetune.corpus.trace.asking import Asking, side_by_side  # noqa: E402
from faceagent_finetune.corpus.trace.questions import question, right_reading  # noqa: E402
from faceagent_finetune.corpus.trace.record import spoken  # noqa: E402
from faceagent_finetune.corpus.trace.teacher import is_told, within_what_is_told  # noqa: E402
from faceagent_finetune.corpus.wording import Voice  # noqa: E402
from faceagent_finetune.planner.asked import Asked, asked  # noqa: E402
from faceagent_tools import default_tools  # noqa: E402

RECIPE = """
seed = 5
shard = 3
purpose = "research"
[sets]
fairface = 8
[balance]
by = []
[duplicates]
bits = 0
[kinds]
trace = 4.0
"""


def face(number: int) -> bytes:
    """The portrait's head, a little different for each number."""
    cut = portrait().crop((100 + 6 * number, 0, 340 + 4 * number, 240)).resize((160, 160))
    turned = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number % 2 else cut
    return jpeg(ImageEnhance.Brightness(turned).enhance(0.8 + 0.06 * number))


def photo(data: bytes) -> LabelledPhoto:
    return LabelledPhoto("fairface", "0.jpg", data, {}, "train", "0", "none")


PORTRAIT = Picture.of(photo(face(0)))


def question_with(*wanted: str) -> Asked:
    """An English one of just these labels."""
    return next(one for one in asked() if one.labels == set(wanted) and one.language == "en")


def traced(*shown: Picture, about: Asked, purpose: str | None = None, seed: int = 1) -> dict[str, Any]:
    """A trace as a record, its pictures by number."""
    (trace,) = Asking(shown, purpose, random.Random(seed)).about(about)
    names = [str(number) for number in range(len(trace.pictures))]
    return {"messages": trace.messages(names), "pictures": trace.pictures, "tools": trace.tools, "turns": trace.turns}


def draft_of(record: dict[str, Any]) -> Draft:
    return Draft.model_validate_json(record["messages"][-1]["content"][0]["text"])


def calls_of(record: dict[str, Any]) -> list[str]:
    return [call["function"]["name"] for told in record["messages"] for call in told.get("tool_calls", ())]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    rows = [
        {
            "image": {"bytes": face(number), "path": f"{number}.jpg"},
            "split": "val" if number % 4 == 0 else "train",
            "age_group": "20-29",
            "gender": "female",
            "race": "White",
        }
        for number in range(8)
    ]
    file = folder / SOURCES["fairface"].file
    file.parent.mkdir(parents=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    assert build(folder, folder / "out") == 0
    return folder / "out"


def build(folder: Path, out: Path) -> int:
    return main(["corpus", str(folder / "recipe.toml"), "--data", str(folder), "--out", str(out)])


def test_a_model_that_does_as_a_trace_shows_is_believed() -> None:
    """Its turns played by another model in the seat, on the same photo: the same observations, and all of it said."""
    about = question_with("age", "glasses")
    record = traced(PORTRAIT, about=about)
    turns = [message for message in spoken_of(record) if isinstance(message, AIMessage)]
    player = ScriptedController(turns=turns, sees_images=True)
    answer = FaceAgent(player, tools=default_tools()).ask(about.text, images=[PORTRAIT.data])
    assert text_of([*player.seen[-1], turns[-1]]) == text_of(spoken_of(record))
    assert answer.claims == draft_of(record).claims
    assert {row.tool for row in answer.evidence} == {"detect_faces", "estimate_attributes"}


def spoken_of(record: dict[str, Any]) -> list[BaseMessage]:
    """Its messages, without pictures."""
    shown = [
        told | {"content": [part for part in told["content"] if part["type"] == "text"]} for told in record["messages"]
    ]
    return spoken({"messages": shown}, Path())


def text_of(messages: Sequence[BaseMessage]) -> list[Any]:
    """What a chat template gets, pictures aside."""
    turns = transcribe(messages, [], Abilities(system=True, tools=True), ()).turns
    return [turn | {"content": [part for part in turn["content"] if part["type"] == "text"]} for turn in turns]


def test_a_record_gives_back_the_transcript_with_its_pictures(made: Path) -> None:
    for record in records(made):
        transcript = transcribe(spoken(record, made), record["tools"], Abilities(system=True, tools=False), ())
        assert len(transcript.pictures) == len(record["images"])
        assert [(made / image).read_bytes()[:2] for image in record["images"]] == [b"\xff\xd8"] * len(record["images"])
        text = "".join(part.get("text", "") for turn in transcript.turns for part in turn["content"])
        assert '"name": "estimate_attributes"' in text
        assert "You measure nothing yourself" in text


def test_every_answer_keeps_the_grammar_of_a_turn(made: Path) -> None:
    validator = Draft202012Validator(draft_schema())
    found = list(records(made))
    assert len(found) >= 32
    for record in found:
        text = record["messages"][-1]["content"][0]["text"]
        validator.validate(json.loads(text))
        assert text == json.dumps(json.loads(text), ensure_ascii=False)
        assert record["kind"] == "trace"


def test_no_figure_is_taught_that_a_model_is_not_told(made: Path) -> None:
    """Of the answers to be learnt: their figures stand in what the tools said, but for counts of faces and photos."""
    figures = 0
    for record in records(made):
        told = " ".join(text_in(message) for message in record["messages"] if message["role"] == "tool")
        known = {float(figure) for figure in re.findall(r"\d+(?:\.\d+)?", told)}
        for claim in draft_of(record).claims:
            for figure in re.findall(r"(?<![\d.])\d[\d,]*(?:\.\d+)?(?! ?[.]?\d)", ids_aside(claim.sentence)):
                wanted, digits = float(figure.replace(",", "")), len(figure.partition(".")[2])
                near = 10**-digits
                found = any(abs(number * scale - wanted) <= near for number in known for scale in (1, -1, 100, 1000))
                assert found or wanted < 5 or wanted % 5 == 0, (claim.sentence, told)
                figures += 1
    assert figures > 10


def text_in(message: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in message["content"])


def ids_aside(sentence: str) -> str:
    return re.sub(r"(?i)\b(?:face|image) \d+(?:\.\d+)?", "", sentence)


def told_of(answer: Answer) -> tuple[Draft, dict[str, Evidence]]:
    return Draft(claims=answer.claims), {row.id: row for row in answer.evidence}


def test_a_sentence_ends_before_what_a_model_is_not_told() -> None:
    draft, rows = told_of(FaceAgent(tools=default_tools(), purpose="research").ask("What expression?", [portrait()]))
    (answer, *_) = draft.claims
    assert "in 100 people" in answer.sentence
    (cut, *rest) = within_what_is_told(draft, rows).claims
    assert cut.sentence == answer.sentence.partition(":")[0] + "."
    assert fault(cut, rows.get) is None
    assert all(claim in draft.claims for claim in rest)


def test_what_a_model_is_told_it_may_say() -> None:
    draft, rows = told_of(FaceAgent(tools=default_tools()).ask("How old do they look?", [portrait()]))
    age, *doubts = draft.claims
    assert "for about 80 % of such faces" in age.sentence
    within = within_what_is_told(draft, rows).claims
    assert within[0] == age
    assert any("779" in claim.sentence for claim in doubts)
    assert not any("779" in claim.sentence for claim in within)
    assert not is_told(draft.claims, rows) and is_told(within, rows)


def test_an_answer_that_is_nothing_without_its_figures_is_no_trace() -> None:
    draft, rows = told_of(FaceAgent(tools=default_tools()).ask("How old do they look?", [portrait()]))
    age = draft.claims[0].model_copy(update={"sentence": "On 779 photos it was 5.1 years off on average."})
    left = within_what_is_told(Draft(claims=(age,)), rows)
    assert left.claims == (age,)
    assert not is_told(left.claims, rows)


def test_what_is_not_to_be_learnt_has_no_weight(made: Path) -> None:
    context = 0
    for record in records(made):
        said = [told for told in record["messages"] if told["role"] == "assistant"]
        for told in said:
            answers = not told.get("tool_calls") and told is not said[-1]
            assert (told.get("weight") == 0) == answers
            context += answers
    assert context


def test_a_run_that_was_cut_off_ends_with_the_same_traces(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(made, again)
    shutil.rmtree(sorted(again.glob("train/*"))[-1])
    assert build(made.parent, again) == 0
    files = {str(file.relative_to(made)): file.read_bytes() for file in made.glob("*/*/*")}
    assert {str(file.relative_to(again)): file.read_bytes() for file in again.glob("*/*/*")} == files
    told = json.loads((again / "report.json").read_text("utf-8"))["speed"]
    assert told["asked_per_second"]["trace"] > 0
    assert told["conversations_per_second"] is None


def test_a_preview_shows_what_was_called_and_observed(made: Path) -> None:
    assert main(["preview", str(made)]) == 0
    page = (made / "preview.html").read_text("utf-8")
    assert "estimate_attributes {&quot;" in page
    assert '<p class="tool">{&quot;evidence&quot;' in page


def test_several_tools_are_called_at_once() -> None:
    record = traced(PORTRAIT, about=question_with("eyes", "glasses"))
    assert [len(told["tool_calls"]) for told in record["messages"] if "tool_calls" in told] == [2]
    assert [told["tool_call_id"] for told in record["messages"] if told["role"] == "tool"] == ["call_1", "call_2"]


def test_two_photos_are_compared_and_both_are_shown() -> None:
    other = Picture.of(photo(face(3)))
    record = traced(PORTRAIT, other, about=question_with("comparison"))
    assert "compare_faces" in calls_of(record)
    assert {claim.subject for claim in draft_of(record).claims} == {"face 1.1 + face 2.1"}
    asked_with = [part["type"] for part in record["messages"][1]["content"]]
    assert asked_with == ["text", "text", "image", "text", "image"]


@pytest.mark.parametrize(
    ("labels", "status"),
    [
        (("crime",), "declined"),
        ((), "needs_clarification"),
        (("greeting",), "needs_clarification"),
    ],
)
def test_where_there_is_nothing_to_measure_nothing_is_called(labels: tuple[str, ...], status: str) -> None:
    record = traced(PORTRAIT, about=question_with(*labels))
    assert calls_of(record) == []
    draft = draft_of(record)
    assert (draft.status, draft.claims) == (status, ())
    assert draft.remarks


def test_without_a_photo_one_is_asked_for() -> None:
    record = traced(about=question_with("age"))
    assert draft_of(record).status == "needs_photo"
    assert record["pictures"] == ()


def test_what_a_tool_does_not_tell_is_said_with_its_reason() -> None:
    small = Image.open(EXAMPLES / "portrait.jpg").resize((60, 60))
    draft = draft_of(traced(Picture.of(photo(jpeg(small))), about=question_with("authenticity")))
    assert any("not judged" in claim.sentence or "No face" in claim.sentence for claim in draft.claims)


def test_a_purpose_opens_what_is_off_without_one() -> None:
    about = question_with("emotion")
    off, on = (draft_of(traced(PORTRAIT, about=about, purpose=purpose)) for purpose in (None, "research"))
    assert "until a purpose is stated" in off.claims[0].sentence
    assert "until a purpose is stated" not in " ".join(claim.sentence for claim in on.claims)


def test_a_wrong_draft_comes_back_with_the_reason_and_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceagent_finetune.corpus.trace.asking._SPOILT", 1.0)
    for seed in range(4):
        *_, wrong, notice, right = traced(PORTRAIT, about=question_with("age"), seed=seed)["messages"]
        reasons = json.loads(notice["content"][0]["text"])["your_claims_were_rejected"]
        assert len(reasons) == 1
        assert wrong["weight"] == 0
        assert "weight" not in right
        assert wrong["content"] != right["content"]


def test_a_second_question_knows_the_first() -> None:
    group = side_by_side([photo(face(0)), photo(face(1))])
    asking = Asking((group,), None, random.Random(1))
    (first,) = asking.about(question_with("glasses"))
    assert asking.several
    about = Asked("And the person on the right?", question_with("glasses").labels, "en", "", False)
    (second,) = asking.about(about, points=True)
    messages = second.messages([str(number) for number in range(len(second.pictures))])
    assert messages[1]["content"][0]["text"] == first.turns[0].question
    assert messages[2]["weight"] == 0
    call = next(told["tool_calls"][0]["function"] for told in messages if "tool_calls" in told)
    assert call == {"name": "estimate_attributes", "arguments": {"about": ["glasses"], "subjects": ["face 1.2"]}}


def test_words_that_point_ask_for_nothing_else() -> None:
    voice = Voice(random.Random(3))
    assert all(points_only(voice.say("trace.other")) for _ in range(200))


def test_a_reading_is_what_the_labels_say() -> None:
    alone = {intent.name for intent in table() if intent.alone}
    declined = {topic.name for topic in topics()}
    for one in [one for one in asked() if one.language == "en"][::40]:
        reading = right_reading(one)
        read = {intent.name for intent in reading.intents} | {topic.name for topic in reading.declined}
        assert read - alone == (one.labels & ({*labels()} - {"greeting", "help"})) - alone, one.text
        assert {topic.name for topic in reading.declined} == one.labels & declined


def test_val_asks_what_the_planner_never_saw_and_train_never_does() -> None:
    for split, held in (("val", True), ("train", False)):
        drawn = [question(split, random.Random(seed)) for seed in range(300)]
        assert {one.held for one in drawn} == {held}
        assert len({label for one in drawn for label in one.labels}) > 30
