"""A new task with some of the old ones among it: which conversations those are, and that they are not forgotten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from tuning import command, recipe_in

from faceagent.errors import UsageError
from faceagent_finetune.__main__ import main
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.recipe import Choice, Recipe
from faceagent_finetune.vlm.run import Run

NEW = "yes_no"
RECIPES = Path(__file__).parents[2] / "finetune" / "recipes"


def ids(corpus: Path, choice: Choice) -> list[str]:
    found = Conversations(corpus, "train", choice)
    return [found.record(number)["id"] for number in range(len(found))]


def test_as_many_as_the_share_says_evenly_of_each_other_kind(conversations: Path) -> None:
    everything = Conversations(conversations, "train").by_kind
    found = Conversations(conversations, "train", Choice((NEW,), ("multi_turn",), 1 / 3)).by_kind
    assert found.pop(NEW) == everything[NEW]
    assert sum(found.values()) == round(everything[NEW] / 2)
    assert set(found) == set(everything) - {NEW, "multi_turn"}
    short = {kind for kind, number in found.items() if number == everything[kind]}
    shares = [number for kind, number in found.items() if kind not in short]
    assert max(shares) - min(shares) <= 1
    assert all(found[kind] <= max(shares) for kind in short)


def test_seed_alone_decides_which_they_are(conversations: Path) -> None:
    chosen = ids(conversations, Choice((NEW,), (), 0.3, 7))
    assert chosen == ids(conversations, Choice((NEW,), (), 0.3, 7))
    other = ids(conversations, Choice((NEW,), (), 0.3, 8))
    assert chosen != other and len(chosen) == len(other)
    assert len(set(chosen)) == len(chosen)


def test_all_there_are_where_these_are_too_few(conversations: Path) -> None:
    assert ids(conversations, Choice((NEW,), (), 0.99)) == ids(conversations, Choice())


def test_what_cannot_be_is_said(conversations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = tuple(Conversations(conversations, "train").by_kind)
    with pytest.raises(UsageError, match=r"no conversation of another kind than .* to replay"):
        Conversations(conversations, "train", Choice(kinds, (), 0.5))
    with pytest.raises(UsageError, match="none is of the kinds asked"):
        Conversations(conversations, "train", Choice(("forgery",), (), 0.5))
    recipe = recipe_in(tmp_path, more="replay = 0.5\n")
    assert main(command(recipe, tmp_path, conversations, tmp_path / "run")) == 2
    assert "replay is 0.5 (only says which kinds are the new task, and is missing)" in capsys.readouterr().err


@pytest.mark.parametrize("replay", [0.0, 0.5])
def test_a_dry_run_tells_what_is_replayed(
    tiny: Path, conversations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], replay: float
) -> None:
    recipe = recipe_in(tmp_path, more=f'only = ["{NEW}"]\nreplay = {replay}\n')
    assert main([*command(recipe, tiny, conversations, tmp_path / "run"), "--dry-run"]) == 0
    told = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Kinds: "))
    by_kind = Conversations(conversations, "train", Choice((NEW,), (), replay, 7)).by_kind
    assert told.startswith(f"Kinds: {NEW} {by_kind[NEW]}; ")
    assert ("likely to be forgotten" in told) == (replay == 0)
    assert all(f"{kind} {number}" in told for kind, number in by_kind.items())


def test_the_shipped_recipe_of_a_new_task_replays_old_ones() -> None:
    recipe = Recipe.read(RECIPES / "nano-expression.toml")
    assert recipe.only == ("purpose",) and recipe.replay == 0.35


@pytest.fixture(scope="module")
def knowing(tiny: Path, conversations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was taught everything but the new task."""
    folder = tmp_path_factory.mktemp("knowing")
    recipe = recipe_in(folder, "full", steps=60, rate=2e-3, more=f'without = ["{NEW}"]\n')
    assert main(command(recipe, tiny, conversations, folder / "run")) == 0
    assert main(["export", str(folder / "run"), "--out", str(folder / "out")]) == 0
    return folder / "out" / "model"


def tuned(model: Path, corpus: Path, folder: Path, replay: float) -> Path:
    """OUT of a model tuned on the new task."""
    folder.mkdir()
    recipe = recipe_in(folder, steps=40, rate=4e-3, more=f'only = ["{NEW}"]\nreplay = {replay}\n')
    assert main(command(recipe, model, corpus, folder / "run")) == 0
    assert main(["export", str(folder / "run"), "--out", str(folder / "out")]) == 0
    return folder / "out"


def losses(model: Path, corpus: Path, folder: Path) -> tuple[float, float]:
    """On val, a token: of the new task, and of all others. A step so small that nothing is learnt has them measured."""
    folder.mkdir()
    recipe = recipe_in(folder, steps=1, rate=1e-12)
    recipe.write_text(recipe.read_text("utf-8").replace("val = 4\n", "val = 200\n"), "utf-8")
    assert main(command(recipe, model, corpus, folder / "run")) == 0
    rows = (Run.open(folder / "run").report() or {})["val"]["by_kind"]
    new = rows.pop(NEW)["loss"]
    tokens = sum(row["tokens"] for row in rows.values())
    return new, sum(row["loss"] * row["tokens"] for row in rows.values()) / tokens


def test_what_is_replayed_is_not_forgotten(knowing: Path, conversations: Path, tmp_path: Path) -> None:
    alone = tuned(knowing, conversations, tmp_path / "alone", 0.0)
    among = tuned(knowing, conversations, tmp_path / "among", 0.5)
    new, old = losses(knowing, conversations, tmp_path / "before")
    new_alone, old_alone = losses(alone / "model", conversations, tmp_path / "of-alone")
    new_among, old_among = losses(among / "model", conversations, tmp_path / "of-among")
    assert new_alone < new and new_among < new
    assert old_alone > old + 0.2
    assert old_among < old + 0.5 * (old_alone - old)
    told = {folder: (folder / "model" / "README.md").read_text("utf-8") for folder in (alone, among)}
    assert "It was tuned on one task alone" in told[alone] and "It was tuned on one task alone" not in told[among]
    assert "replayed, 50 % of all: " in told[among]


def test_a_run_that_goes_on_replays_the_same(knowing: Path, conversations: Path, tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path, steps=6, more=f'only = ["{NEW}"]\nreplay = 0.5\n')
    assert main(command(recipe, knowing, conversations, tmp_path / "whole")) == 0
    again = shutil.copytree(tmp_path / "whole", tmp_path / "again")
    (again / "report.json").unlink()
    shutil.rmtree(again / "checkpoint-6")
    assert main(command(recipe, knowing, conversations, again)) == 0
    seen = [
        [(row["step"], row["loss"]) for row in json.loads(file.read_text("utf-8"))["log_history"] if "loss" in row]
        for file in (run / "checkpoint-6" / "trainer_state.json" for run in (tmp_path / "whole", again))
    ]
    assert seen[0] == seen[1] and len(seen[0]) == 6
