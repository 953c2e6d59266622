"""The small model: tokenizer, template, eyes, and a folder that transformers loads and the product seats."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")
pytest.importorskip("llguidance", reason="needs the extra local")
pytest.importorskip("pyarrow", reason="needs the extra train")

from hypothesis import given, settings  # noqa: E402 - after the skip
from hypothesis import strategies as st  # noqa: E402
from labelled_rows import fairface, write  # noqa: E402
from PIL import Image  # noqa: E402
from tuning import command, recipe_in  # noqa: E402

from faceagent.agent import Budget, FaceAgent  # noqa: E402
from faceagent.controllers.pretrained import ChatFormat, read_processor  # noqa: E402
from faceagent.controllers.transcript import Abilities  # noqa: E402
from faceagent.errors import UsageError  # noqa: E402
from faceagent.media import Photo  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.corpus.sources import SOURCES  # noqa: E402
from faceagent_finetune.nano import eyes, tokens  # noqa: E402
from faceagent_finetune.nano.make import look  # noqa: E402
from faceagent_finetune.nano.photos import cached  # noqa: E402
from faceagent_finetune.nano.recipe import Recipe  # noqa: E402
from faceagent_finetune.nets.multitask.data import CropSet  # noqa: E402
from faceagent_finetune.planner import teacher  # noqa: E402
from faceagent_finetune.vlm.recipe import Recipe as Tuning  # noqa: E402
from faceagent_finetune.vlm.run import Run  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "finetune" / "recipes" / "nano_model.toml"
SIZES = {
    "hidden_size = 192": "hidden_size = 32",
    "intermediate_size = 576": "intermediate_size = 64",
    "num_hidden_layers = 4": "num_hidden_layers = 1",
    "num_attention_heads = 6": "num_attention_heads = 2",
    "image_size = 96": "image_size = 32",
    "patch_size = 16": "patch_size = 8",
    "hidden_size = 256": "hidden_size = 64",
    "intermediate_size = 704": "intermediate_size = 128",
    "num_attention_heads = 4": "num_attention_heads = 2",
    "num_key_value_heads = 4": "num_key_value_heads = 2",
    "pieces = 8192": "pieces = 400",
    "teacher = true": "teacher = false",
    "samples = 400_000": "samples = 640",
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped one at sizes that a test can afford."""
    text = SHIPPED.read_text("utf-8")
    for was, becomes in SIZES.items():
        assert was in text, was
        text = text.replace(was, becomes)
    before, _, rest = text.partition("[eyes.mix]")
    file = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    file.write_text(
        f"{before}[eyes.mix]\nfairface = 1.0\n\n[eyes.weights]{rest.partition('[eyes.weights]')[2]}", "utf-8"
    )
    return file


@pytest.fixture(scope="module")
def made(recipe: Path, conversations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the whole command leaves behind."""
    folder = tmp_path_factory.mktemp("nano")
    write(folder / "data" / SOURCES["fairface"].file, fairface())
    places = ["--corpus", str(conversations), "--data", str(folder / "data"), "--out", str(folder / "out")]
    assert main(["nano", str(recipe), *places]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def chat(made: Path) -> ChatFormat:
    return ChatFormat.of(read_processor(str(made / "model")))


def test_plain_transformers_loads_it(made: Path, recipe: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    network = AutoModelForImageTextToText.from_pretrained(made / "model")
    processor = AutoProcessor.from_pretrained(made / "model")
    photo = Image.new("RGB", (50, 80), "gray")
    read = processor(text=["<image>One.<image>Two."], images=[[photo, photo]], return_tensors="pt")
    image = processor.tokenizer.convert_tokens_to_ids(tokens.IMAGE)
    assert (read["input_ids"] == image).sum() == 2 * Recipe.read(recipe).image_tokens == 8
    logits = network(**read).logits
    assert logits.shape == (1, read["input_ids"].shape[1], len(processor.tokenizer))
    assert torch.isfinite(logits).all()


@settings(max_examples=60, deadline=None)
@given(text=st.text())
def test_any_text_comes_back_as_it_was(chat: ChatFormat, text: str) -> None:
    tokenizer = chat.processor.tokenizer
    if not any(token in text for token in chat.control_tokens):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_numbers_are_read_digit_by_digit(chat: ChatFormat) -> None:
    pieces = chat.processor.tokenizer.tokenize("face 1.2 0.917")
    assert all(sum(letter.isdigit() for letter in piece) <= 1 for piece in pieces)


def test_the_template_writes_tools_calls_and_results(chat: ChatFormat) -> None:
    call: dict[str, Any] = {"name": "detect_faces", "arguments": {"images": ["image 1"]}}
    tool = {
        "name": "detect_faces",
        "description": "Faces and where they are. Other tools find them by themselves.",
        "parameters": {"type": "object", "properties": {"images": {"type": "array"}, "least": {"type": "number"}}},
    }
    turns = [
        {"role": "system", "content": [{"type": "text", "text": "Measure."}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "How many?"}]},
        {"role": "assistant", "content": [], "tool_calls": [{"type": "function", "function": call}] * 2},
        {"role": "tool", "content": [{"type": "text", "text": '{"faces": 1}'}]},
    ]
    written = f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
    assert chat.knows == Abilities(system=True, tools=True)
    assert chat.render(turns, [{"type": "function", "function": tool}]) == (
        "<|im_start|>system\nTools:\ndetect_faces(images, least): Faces and where they are.\n<|im_end|>\n"
        "<|im_start|>system\nMeasure.<|im_end|>\n"
        "<|im_start|>user\n<image>How many?<|im_end|>\n"
        f"<|im_start|>assistant\n{written}\n{written}<|im_end|>\n"
        '<|im_start|>user\n<tool_response>\n{"faces": 1}\n</tool_response><|im_end|>\n'
        "<|im_start|>assistant\n"
    )


def test_transformers_serve_reads_a_turn_back(chat: ChatFormat) -> None:
    turn = '<tool_call>\n{"name": "a", "arguments": {"x": 1}}\n</tool_call><|im_end|>'
    asked = chat.render([{"role": "user", "content": [{"type": "text", "text": "Do it."}]}], [])
    read = chat.processor.tokenizer.parse_response(turn, prefix=asked)
    assert read["tool_calls"] == [{"type": "function", "function": {"name": "a", "arguments": {"x": 1}}}]


def test_the_eyes_learn_and_go_into_the_model(made: Path, recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import load_file

    figures = json.loads((made / "eyes" / "figures.json").read_text("utf-8"))
    assert figures["fairface"]["photos"] == 6
    taught = eyes.averaged(made / "eyes" / "last.pt").tower.state_dict()
    stored = load_file(made / "model" / "model.safetensors")
    assert all(torch.equal(stored[f"model.vision_model.{name}"], value) for name, value in taught.items())

    plan = Recipe.read(recipe)
    again = plan.eyes.model_dump() | {"vision": plan.vision.model_dump()}
    assert eyes.train(again, made / "photos", made / "eyes").is_file()
    assert "done: 640 of 640 samples" in capsys.readouterr().out  # it was over: nothing is learnt again
    with pytest.raises(UsageError, match="another size"):
        eyes.train(again | {"vision": again["vision"] | {"num_hidden_layers": 2}}, made / "photos", made / "eyes")


def test_more_minutes_go_on_after_all_samples_of_the_recipe(made: Path, recipe: Path, tmp_path: Path) -> None:
    for part in ("photos", "eyes"):
        shutil.copytree(made / part, tmp_path / part)

    def reached() -> tuple[int, float]:
        state = torch.load(tmp_path / "eyes" / "last.pt", weights_only=True)
        return state["step"], state["spent"]

    steps, spent = reached()
    minutes = spent / 60 + 0.02
    look(Recipe.read(recipe), tmp_path, tmp_path, lambda line: None, minutes)
    assert reached()[0] > steps
    assert reached()[1] > 60 * minutes


def test_photos_are_squeezed_and_their_points_with_them(tmp_path: Path) -> None:
    """A photo twice as wide as high, whose nose the mesh put at a quarter of both."""
    import pyarrow
    from pyarrow import parquet

    rows = fairface(4)
    photo = io.BytesIO()
    Image.new("RGB", (80, 40), "gray").save(photo, "PNG")
    rows[1]["image"]["bytes"] = photo.getvalue()
    write(tmp_path / SOURCES["fairface"].file, rows)
    mesh = {"file": "fairface", "path": "1.png", "face_flag": 1.0, "points78": [20.0, 10.0] * 78}
    mesh |= dict.fromkeys(("euler_x", "euler_y", "euler_z", "left_eye_open", "right_eye_open", "mouth_open"), 0.25)
    (tmp_path / "landmarks").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist([mesh]), tmp_path / "landmarks" / "mesh_teacher.parquet")
    told: list[str] = []
    for _ in range(2):  # the second time it is all there
        cached(tmp_path, tmp_path / "out", ["fairface"], 32, told.append)
    assert told == ["fairface: 4 photos, 32 pixels a side"]
    found = CropSet.open(tmp_path / "out", "fairface")
    assert found.crops.shape == (4, 32, 32, 3)
    assert found.crops[1].min() == found.crops[1].max() == 128
    assert found.targets["points"][1] == pytest.approx(0.25)
    assert np.isnan(found.targets["points"][0]).all()
    with pytest.raises(UsageError, match="another size"):
        cached(tmp_path, tmp_path / "out", ["fairface"], 48, told.append)


def test_photos_that_do_not_open_are_named_and_left_out(tmp_path: Path) -> None:
    rows = fairface(6)
    for place in (1, 4):
        rows[place]["image"]["bytes"] = rows[place]["image"]["bytes"][:60]
    write(tmp_path / SOURCES["fairface"].file, rows)
    told: list[str] = []
    cached(tmp_path, tmp_path / "out", ["fairface"], 32, told.append)
    named = tmp_path / "out" / "fairface" / "left_out.jsonl"
    assert told[1].startswith("fairface: 2 photos are broken and left out, such as 1.png: ")
    assert told[1].endswith(f"See {named}.")
    assert [json.loads(line)["name"] for line in named.read_text("utf-8").splitlines()] == ["1.png", "4.png"]
    found = CropSet.open(tmp_path / "out", "fairface")
    assert [*found.paths] == ["0.png", "2.png", "3.png", "5.png"]
    assert len(found.crops) == len(found.val) == len(found.targets["points"]) == 4
    assert found.crops.reshape(4, -1).any(axis=1).all()  # none is an empty place


def test_a_step_lowers_the_loss(made: Path, conversations: Path, tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path, "full", steps=16, rate=3e-3)
    assert main(command(recipe, made / "model", conversations, tmp_path / "run")) == 0
    state = json.loads((Run.open(tmp_path / "run").checkpoints()[-1] / "trainer_state.json").read_text("utf-8"))
    found = [row["loss"] for row in state["log_history"] if "loss" in row]
    assert sum(found[-5:]) < 0.8 * sum(found[:5])


def test_it_answers_from_the_seat(made: Path, portrait: Photo) -> None:
    """Untrained as it is, what it writes is a turn, and what the evidence does not carry is not said."""
    agent = FaceAgent(f"transformers:{made / 'model'}", budget=Budget(turns=2, tool_calls=2))
    answer = agent.ask("How many faces are there?", [portrait])
    assert answer.controller == "faceagent-transformers"
    assert answer.text or answer.status == "needs_clarification"
    assert all(claim.evidence for claim in answer.claims)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("patch_size = 8", "patch_size = 12", "no whole number of patches"),
        ("merged = 2", "merge = 2", "merged"),
        ("fairface = 1.0", "fairfaces = 1.0", "Did you mean 'fairface'"),
        ("flip = 0.5", "flipp = 0.5", "Did you mean 'flip'"),
        ("gender = 1.5", "", "must name"),
    ],
)
def test_a_wrong_recipe_is_named(recipe: Path, tmp_path: Path, was: str, becomes: str, said: str) -> None:
    text = recipe.read_text("utf-8")
    assert was in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(was, becomes), "utf-8")
    with pytest.raises(UsageError, match=said):
        Recipe.read(file)


def test_a_missing_teacher_is_told_before_anything_is_taught(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "taught.toml"
    file.write_text(recipe.read_text("utf-8").replace("teacher = false", "teacher = true"), "utf-8")
    monkeypatch.setattr(teacher, "find_spec", lambda name: None)
    places = ["--corpus", str(tmp_path), "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["nano", str(file), *places]) == 1
    assert "faceagent[planner]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["nano", "nano-expression"])
def test_the_shipped_recipes_read_agent_traces_as_long_as_the_model_does(name: str) -> None:
    recipe = Tuning.read(SHIPPED.with_name(f"{name}.toml"))
    assert recipe.max_length == Recipe.read(SHIPPED).text.max_position_embeddings
    assert recipe.choice.takes("trace")
