"""Labelled photos -> corpus -> training -> export -> the controller that answers, on a tiny model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from langchain_core.messages import HumanMessage  # noqa: E402 - after the skip
from PIL import Image  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tuning import command, recipe_in  # noqa: E402

from faceagent.agent import Budget, FaceAgent  # noqa: E402
from faceagent.controllers.local import LocalController  # noqa: E402
from faceagent.controllers.local_model import load  # noqa: E402
from faceagent.controllers.pictures import photo_blocks  # noqa: E402
from faceagent.media import Photo  # noqa: E402
from faceagent.session import Session  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.vlm.run import Run  # noqa: E402


@pytest.fixture(scope="module")
def tuned(tiny: Path, conversations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 30 steps with adapters, and OUT of its export beside it."""
    folder = tmp_path_factory.mktemp("tuned")
    recipe = recipe_in(folder, steps=30, more="[lora]\nrank = 32\nalpha = 64\n")
    assert main(command(recipe, tiny, conversations, folder / "run")) == 0
    assert main(["export", str(folder / "run"), "--out", str(folder / "out")]) == 0
    return folder


def losses(run: Path) -> list[float]:
    """Of each step."""
    state = json.loads((Run.open(run).checkpoints()[-1] / "trainer_state.json").read_text("utf-8"))
    return [row["loss"] for row in state["log_history"] if "loss" in row]


def test_the_loss_falls_and_is_drawn_and_told_by_group(tuned: Path) -> None:
    found = losses(tuned / "run")
    assert len(found) == 30
    assert sum(found[-5:]) < 0.8 * sum(found[:5])
    with Image.open(tuned / "run" / "loss.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(picture.width * picture.height) or []}
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)} <= colours  # train and val
    val = json.loads((tuned / "run" / "report.json").read_text("utf-8"))["val"]
    assert val["all"]["conversations"] == 4
    assert sum(row["tokens"] for row in val["by_kind"].values()) == val["all"]["tokens"]
    assert any(name.startswith("gender: ") for name in val["by_group"])


def test_the_export_answers_as_the_controller(tuned: Path, tiny: Path, portrait: Photo) -> None:
    """Merged, and as an adapter on the model that was tuned, it writes the same; the model untuned writes otherwise."""
    session = Session()
    session.add(portrait)
    question = HumanMessage([{"type": "text", "text": "Describe the face."}, *photo_blocks(session, session.images)])

    def said(model: Path, adapter: Path | None = None) -> str:
        loaded = load(str(model), str(adapter) if adapter else None)
        return LocalController(model=loaded, max_tokens=24).invoke([question]).text

    merged = said(tuned / "out" / "model")
    assert merged == said(tiny, tuned / "out" / "adapter")
    assert merged != said(tiny)
    agent = FaceAgent(f"transformers:{tuned / 'out' / 'model'}", budget=Budget(turns=1, tool_calls=1))
    agent.controller.max_tokens = 200  # type: ignore[attr-defined]
    answer = agent.ask("How many faces?", images=[portrait])
    assert answer.controller == "faceagent-transformers"
    assert answer.question == "How many faces?"


def test_the_card_carries_data_licences_figures_and_limits(tuned: Path, conversations: Path) -> None:
    card = (tuned / "out" / "model" / "README.md").read_text("utf-8")
    assert card == (tuned / "out" / "adapter" / "README.md").read_text("utf-8")
    val = json.loads((tuned / "run" / "report.json").read_text("utf-8"))["val"]["all"]
    assert f"| all | {val['loss']} | {val['tokens']} | 4 |" in card
    for line in (conversations / "README.md").read_text("utf-8").splitlines():
        assert line in card  # the dataset card, licences and purpose in it, word for word
    assert str(tuned) not in card
    assert "](loss.png)" in card
    drawn = (tuned / "run" / "loss.png").read_bytes()
    assert all((tuned / "out" / made / "loss.png").read_bytes() == drawn for made in ("model", "adapter"))
    config = json.loads((tuned / "out" / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] is None  # a path on this machine says nothing elsewhere


@pytest.mark.parametrize("method", ["full", "qlora"])
def test_all_weights_and_adapters_on_four_bits_are_trained_too(
    tiny: Path, conversations: Path, tmp_path: Path, method: str
) -> None:
    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    recipe = recipe_in(tmp_path, method, steps=12, rate=4e-3, more='parts = ["language", "connector", "vision"]\n')
    assert main(command(recipe, tiny, conversations, tmp_path / "run")) == 0
    found = losses(tmp_path / "run")
    assert sum(found[6:]) < sum(found[:6])
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "out"), "--dtype", "float16"]) == 0
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny, tmp_path / "out" / "model"))
    assert before.keys() == after.keys()
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name].half())}
    for part in ("text_model", "connector", "vision_model"):
        assert any(part in name for name in changed)
    assert (tmp_path / "out" / "adapter").is_dir() == (method == "qlora")


def test_only_the_parts_that_are_named_are_trained(tiny: Path, conversations: Path, tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path, "full", steps=2, more='parts = ["connector"]\n')
    assert main(command(recipe, tiny, conversations, tmp_path / "run")) == 0
    before = load_file(tiny / "model.safetensors")
    after = load_file(tmp_path / "run" / "checkpoint-2" / "model.safetensors")
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        name for name in before if "connector" in name
    }


def test_a_dry_run_tells_the_cost_and_trains_nothing(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights are not needed: the folder has none."""
    bare = shutil.copytree(tiny, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    recipe = recipe_in(tmp_path, more="checkpointing = true\n[lora]\nrank = 4\n")
    assert main([*command(recipe, bare, conversations, tmp_path / "run"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    weights = sum(weight.numel() for weight in load_file(tiny / "model.safetensors").values())
    # Per layer: q, k, v, o of 128 x 128 and gate, up, down of 128 x 256, each with a rank of 4 on either side.
    adapters = 2 * 4 * (4 * (128 + 128) + 3 * (128 + 256))
    assert f"{(weights + adapters) / 1e6:.1f} M parameters, {adapters / 1e6:.2f} M of them trained (lora)" in told
    assert "GiB of memory" in told
    assert not (tmp_path / "run").exists()


def test_it_learns_in_bfloat16_without_an_accelerator_too(tiny: Path, conversations: Path, tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path, "full", steps=12, rate=4e-3, more='precision = "bf16"\n')
    assert main(command(recipe, tiny, conversations, tmp_path / "run")) == 0
    found = losses(tmp_path / "run")
    assert sum(found[6:]) < sum(found[:6])
