"""The vLLM command for a model: tool parser by family or by the folder's own template, adapter, limits."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Template

from faceagent.controllers.serving import serving
from faceagent.errors import UsageError


def option(command: tuple[str, ...], name: str) -> str | None:
    return command[command.index(name) + 1] if name in command else None


def folder(place: Path, template: str | None = None, **config: Any) -> Path:
    place.mkdir()
    (place / "config.json").write_text(json.dumps(config))
    if template is not None:
        (place / "chat_template.jinja").write_text(template)
    return place


def lora(place: Path, rank: int) -> Path:
    place.mkdir()
    (place / "adapter_config.json").write_text(json.dumps({"r": rank}))
    return place


@pytest.mark.parametrize(
    ("model", "parser", "ours"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", "hermes", False),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "hermes", True),
        ("Qwen/Qwen2.5-7B-Instruct", "hermes", False),
        ("Qwen/Qwen3.5-9B", "qwen3_xml", False),
        ("OpenGVLab/InternVL3-8B-hf", "hermes", True),
        ("somebody/FaceLLM-8B", "hermes", True),
        ("mistralai/Pixtral-12B-2409", "mistral", False),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "llama3_json", False),
        ("zai-org/GLM-4.5V", "glm45", False),
    ],
)
def test_the_parser_of_a_family(model: str, parser: str, ours: bool) -> None:
    command = serving(model).command
    assert command[:3] == ("vllm", "serve", model)
    assert "--enable-auto-tool-choice" in command
    assert option(command, "--tool-call-parser") == parser
    template = option(command, "--chat-template")
    assert (template is not None and "<tool_call>" in Path(template).read_text()) is ours


@pytest.mark.parametrize(
    ("template", "parser"),
    [
        ("{{ tools }}<tool_call>\n<function=name>", "qwen3_xml"),
        ("{{ tools }}<tool_call>\n{json}", "hermes"),
        ("{{ tools }}[TOOL_CALLS]", "mistral"),
    ],
)
def test_the_parser_that_fits_a_folders_own_template(template: str, parser: str, tmp_path: Path) -> None:
    command = serving(str(folder(tmp_path / "mine", template))).command
    assert option(command, "--tool-call-parser") == parser
    assert option(command, "--served-model-name") == "mine"
    assert option(command, "--chat-template") is None


def test_a_folder_whose_template_knows_no_tools_gets_ours(tmp_path: Path) -> None:
    place = folder(tmp_path / "copy", "{{ messages }}", _name_or_path="OpenGVLab/InternVL3-8B-hf")
    command = serving(str(place)).command
    assert option(command, "--tool-call-parser") == "hermes"
    assert str(option(command, "--chat-template")).endswith("hermes.jinja")


def test_where_older_folders_keep_the_template(tmp_path: Path) -> None:
    place = folder(tmp_path / "old")
    (place / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ tools }}<tool_call>"}))
    assert option(serving(str(place)).command, "--tool-call-parser") == "hermes"


def test_no_more_context_than_the_model_has(tmp_path: Path) -> None:
    place = str(folder(tmp_path / "short", "tools <tool_call>", text_config={"max_position_embeddings": 4096}))
    assert option(serving(place).command, "--max-model-len") == "4096"
    assert option(serving(place, length=2048).command, "--max-model-len") == "2048"


def test_limits_and_whatever_else_vllm_takes() -> None:
    command = serving("Qwen/Qwen3-VL-8B-Instruct", images=3, port=81, more=("--dtype", "float32")).command
    assert json.loads(str(option(command, "--limit-mm-per-prompt"))) == {"image": 3}
    assert option(command, "--port") == "81"
    assert command[-2:] == ("--dtype", "float32")


@pytest.mark.parametrize(("rank", "allowed"), [(4, "8"), (16, "16"), (48, "64"), (500, "512")])
def test_an_adapter(rank: int, allowed: str, tmp_path: Path) -> None:
    adapter = lora(tmp_path / "faces", rank)
    wanted = serving("Qwen/Qwen3-VL-8B-Instruct", adapter)
    assert option(wanted.command, "--max-lora-rank") == allowed
    assert option(wanted.command, "--lora-modules") == f"faces={adapter.resolve()}"
    assert wanted.controller == "openai:http://127.0.0.1:8000/v1#faces"


def test_our_template_hands_over_tools_calls_and_observations() -> None:
    call = {"function": {"name": "detect_faces", "arguments": {"images": ["image 1"]}}}
    text = Template(files("faceagent.controllers").joinpath("hermes.jinja").read_text()).render(
        messages=[
            {"role": "system", "content": "The rules."},
            {"role": "user", "content": "How many?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "two faces"},
        ],
        tools=[{"function": {"name": "detect_faces"}}],
        add_generation_prompt=True,
    )
    turns = text.split("<|im_start|>")[1:]
    assert [turn.partition("\n")[0] for turn in turns] == ["system", "user", "assistant", "user", "assistant"]
    assert all(turn.endswith("<|im_end|>\n") for turn in turns[:-1])
    assert turns[0].startswith("system\nThe rules.")
    assert '<tools>\n{"function": {"name": "detect_faces"}}\n</tools>' in turns[0]
    assert '<tool_call>\n{"name": "detect_faces", "arguments": {"images": ["image 1"]}}\n</tool_call>' in turns[2]
    assert "<tool_response>\ntwo faces\n</tool_response>" in turns[3]
    assert turns[4] == "assistant\n"


def test_our_template_without_tools() -> None:
    template = Template(files("faceagent.controllers").joinpath("hermes.jinja").read_text())
    assert template.render(messages=[{"role": "user", "content": "Hello"}]) == "<|im_start|>user\nHello<|im_end|>\n"


def test_an_adapter_is_served_with_the_template_it_was_trained_with(tmp_path: Path) -> None:
    adapter = lora(tmp_path / "faces", 8)
    (adapter / "chat_template.jinja").write_text("{{ messages }}")
    command = serving("Qwen/Qwen3-VL-8B-Instruct", adapter).command
    assert option(command, "--chat-template") == str((adapter / "chat_template.jinja").resolve())


def test_how_it_is_reached() -> None:
    assert serving("Qwen/Qwen3-8B").controller == "openai:http://127.0.0.1:8000/v1#Qwen/Qwen3-8B"
    assert serving("Qwen/Qwen3-8B", host="0.0.0.0").controller == "openai:http://127.0.0.1:8000/v1#Qwen/Qwen3-8B"


def test_code_of_others_is_not_run_unasked() -> None:
    wanted = serving("OpenGVLab/InternVL3-8B")
    assert "--trust-remote-code" not in wanted.command
    assert "--trust-remote-code" in wanted.notes[0]


def test_a_family_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match=r"how nobody/knows writes tool calls.*--tool-parser"):
        serving("nobody/knows")
    assert option(serving("nobody/knows", parser="pythonic").command, "--tool-call-parser") == "pythonic"


def test_folders_that_hold_something_else(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no model"):
        serving(str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="holds no LoRA adapter"):
        serving("Qwen/Qwen3-8B", tmp_path / "empty")
    with pytest.raises(UsageError, match="There is no model folder"):
        serving(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="rank 1024"):
        serving("Qwen/Qwen3-8B", lora(tmp_path / "huge", 1024))
    broken = folder(tmp_path / "broken")
    (broken / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config.json cannot be read"):
        serving(str(broken))
