"""The local controller over a model that nobody trained: what it writes can be read, and nothing of it is believed."""

from __future__ import annotations

import base64
import contextvars
import dataclasses
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tiny_vlm
from conftest import EXAMPLES, as_jpeg
from jsonschema import Draft202012Validator
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from faceagent.agent import Budget, FaceAgent
from faceagent.controllers import make_controller
from faceagent.controllers.abandoned import ABANDONED
from faceagent.controllers.draft import RULES, Draft
from faceagent.errors import ControllerError, UsageError
from faceagent.ground import ground
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox

TOOLBOX = Toolbox.installed()
TOOLS = TOOLBOX.bind(Session())
FEW = [tool for tool in TOOLS if tool.name in ("detect_faces", "compare_faces")]
"""For a short prompt."""

QUESTIONS = ("How old does she look?", "Zeig mir die Gesichter", "{}<tool_call>")


def asked(question: str, *photos: Photo) -> list[Any]:
    pictures = [
        {"type": "image", "base64": base64.b64encode(as_jpeg(photo)).decode(), "mime_type": "image/jpeg"}
        for photo in photos
    ]
    return [SystemMessage(RULES), HumanMessage([{"type": "text", "text": question}, *pictures])]


def check(turn: AIMessage) -> None:
    """A turn is calls with valid arguments, or a Draft."""
    assert not turn.invalid_tool_calls
    assert turn.response_metadata["finish_reason"] == "stop"
    if not turn.tool_calls:
        Draft.model_validate_json(turn.text)
    for call in turn.tool_calls:
        schema = TOOLBOX[call["name"]].arguments.model_json_schema()
        Draft202012Validator(schema).validate(call["args"])


@pytest.mark.parametrize("choice", ["auto", "any", "none", "compare_faces"])
def test_every_turn_of_an_untrained_model_can_be_read(local: Any, portrait: Photo, choice: str) -> None:
    bound = local.bind_tools(TOOLS, tool_choice=choice)
    for question in QUESTIONS:
        turn = bound.invoke(asked(question, portrait))
        check(turn)
        assert bool(turn.tool_calls) is {"any": True, "none": False, "compare_faces": True}.get(
            choice, bool(turn.tool_calls)
        )
        assert choice != "compare_faces" or {call["name"] for call in turn.tool_calls} == {"compare_faces"}


@pytest.mark.parametrize("temperature", [1.0, 5.0])
def test_so_can_what_is_drawn_by_chance(local: Any, temperature: float) -> None:
    import torch

    torch.manual_seed(0)
    bound = local.model_copy(update={"temperature": temperature, "max_tokens": 300}).bind_tools(FEW)
    for _ in range(6):
        check(bound.invoke(asked("How old?")))


def test_a_turn_that_becomes_too_long_is_closed_and_not_cut_off(local: Any) -> None:
    """Of 256 tokens all but 64 are kept back for closing, which this model reaches in the middle of a sentence."""
    import torch

    torch.manual_seed(0)
    hasty = local.model_copy(update={"temperature": 1.0, "max_tokens": 256})
    written = [hasty.bind_tools(FEW, tool_choice="none").invoke(asked("How old?")) for _ in range(4)]
    for turn in written:
        check(turn)
    assert max(turn.usage_metadata["output_tokens"] for turn in written) > 64


def test_a_photo_changes_what_is_written(local: Any, portrait: Photo, group: Photo) -> None:
    bound = local.bind_tools(FEW, tool_choice="none")
    assert bound.invoke(asked("Who?", portrait)).text != bound.invoke(asked("Who?", group)).text


def test_the_same_question_gets_the_same_turn(local: Any, portrait: Photo) -> None:
    bound = local.bind_tools(FEW)
    first, second = (bound.invoke(asked("Who?", portrait)) for _ in range(2))
    assert (first.text, first.tool_calls) == (second.text, second.tool_calls)


@pytest.mark.parametrize("choice", ["none", "any"])
def test_streaming_says_the_same_piece_by_piece(local: Any, portrait: Photo, choice: str) -> None:
    bound = local.bind_tools(FEW, tool_choice=choice)
    chunks = list(bound.stream(asked("Who?", portrait)))
    joined = chunks[0]
    for chunk in chunks[1:]:
        joined += chunk
    whole = bound.invoke(asked("Who?", portrait))
    assert isinstance(joined, AIMessageChunk)
    assert joined.text == whole.text
    assert [(call["name"], call["args"]) for call in joined.tool_calls] == [
        (call["name"], call["args"]) for call in whole.tool_calls
    ]
    assert joined.usage_metadata == whole.usage_metadata
    assert sum(bool(chunk.text) for chunk in chunks) > 10 or choice == "any"


def test_without_tools_it_writes_freely_until_a_stop_sequence(local: Any) -> None:
    free = local.invoke("Hello")
    assert len(free.text) > 20
    stop = free.text[10:13]
    assert local.invoke("Hello", stop=[stop]).text == free.text[: free.text.index(stop)]


def test_a_stream_that_nobody_reads_any_further_ends(local: Any) -> None:
    before = threading.active_count()
    stream = local.stream("Hello")
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_it_is_stopped_from_another_thread(local: Any) -> None:
    stream = local.bind_tools(FEW, tool_choice="none").stream(asked("Who?"))
    next(stream)
    stopper = threading.Thread(target=local.cancel)
    stopper.start()
    stopper.join()
    with pytest.raises(ControllerError, match="stopped before its turn was finished"):
        list(stream)
    # And the next question is answered.
    check(local.bind_tools(FEW).invoke(asked("Who?")))


def called(local: Any, given_up: threading.Event) -> Any:
    """A call, for somebody who may give up."""
    ABANDONED.set(given_up)
    return local.bind_tools(FEW, tool_choice="any").invoke(asked("Who?"))


def test_a_call_that_nobody_waits_for_is_not_written_to_its_end(local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceagent.controllers.local import _Streamer

    given_up = threading.Event()
    handed: list[Any] = []

    class Watched(_Streamer):
        def put(self, tokens: Any) -> None:
            super().put(tokens)
            handed.append(tokens)
            if len(handed) == 4:
                given_up.set()

    monkeypatch.setattr("faceagent.controllers.local._Streamer", Watched)
    with pytest.raises(ControllerError, match="stopped before its turn was finished"):
        contextvars.copy_context().run(called, local, given_up)
    assert len(handed) < 8


def test_a_turn_given_up_while_it_waits_for_another_does_not_begin(local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.model.network, "generate", lambda **inputs: pytest.fail("it began"))
    given_up = threading.Event()
    with ThreadPoolExecutor() as pool:
        with local._one_at_a_time:
            turn = pool.submit(contextvars.copy_context().run, called, local, given_up)
            given_up.set()
        with pytest.raises(ControllerError, match="stopped before its turn was finished"):
            turn.result()


def test_many_photos_are_made_smaller_then_left_out_and_it_is_said_which(local: Any, portrait: Photo) -> None:
    bound = local.bind_tools(FEW, tool_choice="none")
    everything = bound.invoke(asked("Who?", *[portrait] * 6))
    assert everything.response_metadata["not_shown"] == []
    words = bound.invoke(asked("Who?")).usage_metadata["input_tokens"]
    few = words + 4 * (tiny_vlm.IMAGE_TOKENS + 3) + local.max_tokens
    short = local.model_copy(update={"model": dataclasses.replace(local.model, context=few)})
    turn = short.bind_tools(FEW, tool_choice="none").invoke(asked("Who?", *[portrait] * 6))
    hidden = turn.response_metadata["not_shown"]
    assert 2 <= len(hidden) < 6
    assert hidden[-1] == "picture 6"
    assert turn.usage_metadata["input_tokens"] <= few - min(local.max_tokens, few // 4)
    tight = local.model_copy(update={"model": dataclasses.replace(local.model, context=words)})
    with pytest.raises(ControllerError, match="longer than"):
        tight.bind_tools(FEW).invoke(asked("Who?"))


def test_the_answer_says_which_photos_the_model_did_not_see(local: Any) -> None:
    blind = local.model_copy(update={"max_pictures": 1})
    agent = FaceAgent(blind, budget=Budget(turns=1))
    answer = agent.ask("Who?", images=[EXAMPLES / "portrait.jpg", EXAMPLES / "group.jpg"])
    assert "could not be shown image 2" in answer.text


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nonsense_is_not_believed(tiny: Path, tmp_path: Path, seed: int) -> None:
    """End to end: the model's claims are all rejected, and what the tools measured is said in their own words."""
    folder = tiny_vlm.build(tmp_path, seed=seed)
    agent = FaceAgent(f"transformers:{folder}", budget=Budget(turns=3, tool_calls=3))
    agent.controller.max_tokens = 300  # type: ignore[attr-defined]
    session = agent.open([EXAMPLES / "portrait.jpg"])
    answer = agent.ask("How old does she look?", session=session)
    assert answer.controller == "faceagent-transformers"
    assert not ground(answer.claims, session.ledger.get).rejected
    known = {tool.name: tool for tool in TOOLBOX.values()}
    assert all(row.tool in known for row in answer.evidence)
    assert answer.status != "answered" or not answer.not_established


def test_the_tools_wording_takes_the_place_of_nonsense(local: Any) -> None:
    """As above, with a first turn that measures and others that draft, so that there is something to say."""

    class Measuring(type(local)):  # type: ignore[misc]
        def _stream(self, messages: Any, *arguments: Any, **options: Any) -> Any:
            if any(isinstance(message, AIMessage) for message in messages):
                yield from super()._stream(messages, *arguments, **{**options, "tool_choice": "none"})
                return
            call = tool_call_chunk(name="detect_faces", args="{}", id="call_1", index=0)
            yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[call]))

    agent = FaceAgent(Measuring(model=local.model, max_tokens=300))
    questions = ("How many?", "Who?", "Faces?", "Hm", "How many people?", "Count them", "Faces here?", "And how many?")
    answers = [agent.ask(question, images=[EXAMPLES / "group.jpg"]) for question in questions]
    # Nonsense may also be that it declines; what is left has claims.
    claimed = [answer for answer in answers if answer.status == "partly_answered"]
    assert claimed
    for answer in claimed:
        assert "There are two faces in the photo, counted from left to right [e1]." in answer.text
        assert answer.not_established  # of the nonsense: that it was left out, or what it says is lacking


def test_a_template_that_knows_no_tools_is_found_out_and_told_in_words(tiny: Path, tmp_path: Path) -> None:
    plain = (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
        "{% for part in message['content'] %}{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
        "{{ '<|im_end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )
    strict = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + plain
    for name, template, system in (("plain", plain, True), ("strict", strict, False)):
        controller = make_controller(f"transformers:{tiny_vlm.build(tmp_path / name, template=template)}", TOOLBOX)
        assert controller.model.chat.knows.tools is False  # type: ignore[attr-defined]
        assert controller.model.chat.knows.system is system  # type: ignore[attr-defined]
        check(controller.bind_tools(FEW).invoke(asked("How old?", Photo.open(EXAMPLES / "portrait.jpg"))))


@pytest.fixture(scope="module")
def adapter(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose weights are as random as the model's."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    network = AutoModelForImageTextToText.from_pretrained(tiny)
    torch.manual_seed(1)
    adapted = get_peft_model(network, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    folder = tmp_path_factory.mktemp("adapter")
    adapted.save_pretrained(folder)
    return folder


def test_an_adapter_changes_what_is_written(tiny: Path, adapter: Path, local: Any) -> None:
    adapted = make_controller(f"transformers:{tiny}+{adapter}", TOOLBOX)
    turn = adapted.bind_tools(FEW, tool_choice="none").invoke(asked("Who?"))
    check(turn)
    assert turn.text != local.bind_tools(FEW, tool_choice="none").invoke(asked("Who?")).text


def test_an_adapter_for_another_model_is_refused(tiny: Path, adapter: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(adapter / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    spoilt = {
        "wider": {name: torch.cat([value, value], dim=-1) for name, value in weights.items()},
        "deeper": {name.replace("layers.1", "layers.7"): value for name, value in weights.items()},
    }
    for other in spoilt.values():
        save_file(other, tmp_path / "adapter_model.safetensors")
        with pytest.raises(UsageError, match="does not fit the model"):
            make_controller(f"transformers:{tiny}+{tmp_path}", TOOLBOX)


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_fewer_bits(tiny: Path, adapter: Path, bits: Any) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra local")
    controller = make_controller(f"transformers:{tiny}+{adapter}", TOOLBOX, load_in=bits)
    kinds = {type(module).__name__ for module in controller.model.network.modules()}  # type: ignore[attr-defined]
    assert {"4bit": "Linear4bit", "8bit": "Linear8bitLt"}[bits] in kinds
    check(controller.bind_tools(FEW).invoke(asked("How old?", Photo.open(EXAMPLES / "portrait.jpg"))))


def test_what_is_no_model_is_said_in_a_sentence(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def refused(error: type[Exception], match: str, model: object) -> None:
        with pytest.raises(error, match=match):
            make_controller(f"transformers:{model}", TOOLBOX)

    refused(UsageError, "There is no folder ./missing", "./missing")
    refused(UsageError, "There is no folder missing", "missing")
    refused(UsageError, "config.json is missing", tmp_path)
    refused(UsageError, "There is no adapter in", f"{tiny}+{tmp_path}")
    refused(ControllerError, "the Hugging Face hub cannot be reached", "nobody/no-such-model")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    refused(UsageError, "not a vision-language model", tmp_path)
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "internvl_chat", "auto_map": {"AutoConfig": "configuration_internvl_chat.C"}})
    )
    refused(UsageError, "no model that transformers knows by itself", tmp_path)
    (tmp_path / "config.json").write_bytes((tiny / "config.json").read_bytes())
    refused(ControllerError, "cannot be loaded", tmp_path)
    with pytest.raises(UsageError, match="Only a local model"):
        make_controller("embedded", TOOLBOX, load_in="4bit")
