"""What goes wrong in a training is said in a sentence, and what was done is kept."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from safetensors.torch import load_file  # noqa: E402 - after the skip
from tuning import command, recipe_in  # noqa: E402

from faceagent_finetune import __main__  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.vlm.recipe import Recipe  # noqa: E402
from faceagent_finetune.vlm.run import Run  # noqa: E402
from faceagent_finetune.vlm.shortage import Shortage, shortage_told  # noqa: E402
from faceagent_finetune.vlm.train import train  # noqa: E402
from faceagent_finetune.vlm.watch import Seen  # noqa: E402

Capture = pytest.CaptureFixture[str]


def shards(corpus: Path) -> list[Path]:
    return sorted(corpus.glob("train/*/conversations.jsonl"))


def spoil(file: Path, number: int, line: str) -> None:
    lines = file.read_text("utf-8").splitlines()
    lines[number - 1] = line
    file.write_text("\n".join(lines) + "\n", "utf-8")


def test_broken_conversations_are_named_and_the_rest_is_learnt(
    tiny: Path, own_conversations: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A line cut off, a picture that is gone, one that does not open, and an empty answer."""
    first, second = shards(own_conversations)[:2]
    records = [json.loads(line) for line in first.read_text("utf-8").splitlines()]
    spoil(first, 2, json.dumps(records[1])[:40])
    (own_conversations / records[0]["images"][0]).unlink()
    records[4]["messages"][-1]["content"] = []
    spoil(first, 5, json.dumps(records[4]))
    for picture in second.parent.glob("*.png"):
        picture.write_bytes(picture.read_bytes()[:60])
    assert main(command(recipe_in(tmp_path, steps=6), tiny, own_conversations, tmp_path / "run")) == 1
    told = Run.open(tmp_path / "run").was_left_out()
    name = str(first.relative_to(own_conversations))
    assert told[f"{name}, line 2"].startswith("no JSON")
    assert told[f"{name}, line 1"] == f"there is no picture {records[0]['images'][0]}"
    assert "of the assistant, is empty" in told[f"{name}, line 5"]
    assert any("cannot be decoded" in reason or "truncated" in reason for reason in told.values()), told
    assert f"{len(told)} conversations are left out, such as {name}, line 1" in capsys.readouterr().err
    assert [path.name for path in Run.open(tmp_path / "run").checkpoints()] == ["checkpoint-4", "checkpoint-6"]


def test_a_loss_that_is_no_number_ends_the_run_and_spoils_nothing(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: Capture
) -> None:
    recipe = recipe_in(tmp_path, steps=40, rate=1e36, more="warmup = 0.9\n")  # it rises from nothing
    assert main(command(recipe, tiny, conversations, tmp_path / "run")) == 1
    error = capsys.readouterr().err
    assert "of step 3 is" in error
    assert "Lower learning_rate" in error
    assert [path.name for path in Run.open(tmp_path / "run").checkpoints()] == ["checkpoint-2"]
    kept = load_file(tmp_path / "run" / "checkpoint-2" / "adapter_model.safetensors")
    assert all(weight.isfinite().all() for weight in kept.values())


@pytest.fixture
def files_of(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does to the size that files may have is undone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("files_of")
def test_a_full_disk_keeps_what_was_done_and_the_run_goes_on_later(
    tiny: Path, conversations: Path, tmp_path: Path
) -> None:
    """Files may suddenly not become larger than 64 KB, which to a program is the same as a full disk."""
    recipe = Recipe.read(recipe_in(tmp_path, steps=6), str(tiny))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(seen: Seen) -> None:
        if seen.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))

    with pytest.raises(Shortage, match=r"There is no room for .*Make room"):
        train(recipe, conversations, tmp_path / "run", fill)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run = Run.open(tmp_path / "run")
    assert [path.name for path in run.checkpoints()] == ["checkpoint-2"]
    steps: list[int] = []
    done = train(recipe, conversations, tmp_path / "run", lambda seen: steps.append(seen.step))
    assert steps == [3, 4, 5, 6]
    assert done is not None
    assert [path.name for path in done.checkpoints()] == ["checkpoint-4", "checkpoint-6"]


def test_too_little_memory_is_told_with_what_to_lower(tmp_path: Path) -> None:
    with pytest.raises(Shortage, match=r"not enough memory .*Lower batch"), shortage_told(tmp_path):
        torch.empty(2**52)


def test_an_error_of_another_kind_is_not_taken_for_a_shortage(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="size"), shortage_told(tmp_path):
        torch.ones(2) + torch.ones(3)


def test_a_model_without_a_chat_template_is_refused(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: Capture
) -> None:
    model = shutil.copytree(tiny, tmp_path / "model")
    (model / "chat_template.jinja").unlink()
    assert main(command(recipe_in(tmp_path), model, conversations, tmp_path / "run")) == 2
    assert "has no chat template. Use the instruction-tuned version" in capsys.readouterr().err


def test_conversations_that_are_all_too_long_are_told_with_what_to_raise(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: Capture
) -> None:
    recipe = recipe_in(tmp_path, more="max_length = 20\n")
    assert main(command(recipe, tiny, conversations, tmp_path / "run")) == 2
    assert "Raise max_length, or lower image_side" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("learning_rate", "learnign_rate", "unknown key 'learnign_rate'. Did you mean 'learning_rate'"),
        ("batch = 4", "batch = 0", "batch is 0 (Input should be greater than or equal to 1)"),
        ("batch = 4", "", "does not say batch. Add a line"),
        (
            'method = "lora"',
            'method = "lore"',
            "method is 'lore' (Input should be 'lora', 'qlora', 'full' or 'tokens')",
        ),
        ("threads = 1", "threads = 1\n[lora]\nrnak = 4", "Did you mean 'rank'"),
        ("batch = 4", "batch = ", "is not TOML"),
    ],
)
def test_a_wrong_recipe_is_told_what_is_wrong(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: Capture, old: str, new: str, told: str
) -> None:
    recipe = recipe_in(tmp_path)
    recipe.write_text(recipe.read_text("utf-8").replace(old, new), "utf-8")
    assert main(command(recipe, tiny, conversations, tmp_path / "run")) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_what_is_not_there_is_told(tiny: Path, conversations: Path, tmp_path: Path, capsys: Capture) -> None:
    recipe = recipe_in(tmp_path)
    assert main(command(tmp_path / "none.toml", tiny, conversations, tmp_path / "run")) == 2
    assert main(command(recipe, tmp_path / "nowhere", conversations, tmp_path / "run")) == 2
    assert main(command(recipe, tiny, tmp_path / "nowhere", tmp_path / "run")) == 2
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    for sentence in ("none.toml does not exist", "There is no folder", "holds no corpus", "holds no run"):
        assert sentence in told


def test_a_missing_extra_is_named(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "find_spec", lambda name: None)
    assert main(command(recipe_in(tmp_path), tiny, conversations, tmp_path / "run")) == 1
    assert "pip install 'faceagent[local]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["facellm-1b", "facellm-8b-qlora", "smolvlm-500m-laptop", "nano"])
def test_the_recipes_that_are_published_can_be_read(name: str) -> None:
    recipe = Recipe.read(Path(__file__).parents[2] / "finetune" / "recipes" / f"{name}.toml")
    assert recipe.val
    assert recipe.batch * recipe.accumulate >= 16
