"""A training that was killed goes on as if it had not been."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from tuning import command, recipe_in

from faceagent_finetune.__main__ import main
from faceagent_finetune.vlm.run import Run

STEPS = 16
DROPOUT = "epochs = 5\n[lora]\ndropout = 0.1\n"


def history(run: Path) -> list[dict[str, float]]:
    """Losses of train and val by step, and the rates; not what the clock says."""
    state = json.loads((Run.open(run).checkpoints()[-1] / "trainer_state.json").read_text("utf-8"))
    kept = ("step", "loss", "grad_norm", "learning_rate", "eval_loss")
    return [{key: row[key] for key in kept if key in row} for row in state["log_history"]]


@pytest.fixture(scope="module")
def whole(tiny: Path, conversations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed, over more than one epoch, with adapters that drop out by chance."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(command(recipe_in(folder, steps=STEPS, more=DROPOUT), tiny, conversations, folder / "run")) == 0
    return folder / "run"


def killed(arguments: list[str], when: Path, signal_number: int) -> None:
    """Run a training until a file is there, and kill it then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "faceagent_finetune", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        deadline = time.monotonic() + 600  # a busy machine takes its time
        while not when.exists():
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.send_signal(signal_number)
        process.wait()
    assert process.returncode != 0


def test_a_killed_run_goes_on_with_the_same_losses(
    tiny: Path, conversations: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed as soon as the folder of a checkpoint is there, which is while it is written or shortly after."""
    train = command(recipe_in(tmp_path, steps=STEPS, more=DROPOUT), tiny, conversations, tmp_path / "run")
    killed(train, tmp_path / "run" / "checkpoint-6", signal.SIGKILL)
    reached = [path.name for path in Run.open(tmp_path / "run").checkpoints()]
    assert set(reached) <= {"checkpoint-2", "checkpoint-4", "checkpoint-6", "checkpoint-8"}
    assert reached
    assert main(train) == 0
    assert "step 1 of" not in capsys.readouterr().out
    assert history(tmp_path / "run") == history(whole)


def test_a_checkpoint_that_was_cut_off_is_not_gone_on_with(
    tiny: Path, conversations: Path, whole: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(whole, tmp_path / "run")
    (again / "report.json").unlink()
    (again / f"checkpoint-{STEPS}" / "trainer_state.json").write_text('{"epoch": 1', "utf-8")
    train = command(recipe_in(tmp_path, steps=STEPS, more=DROPOUT), tiny, conversations, again)
    assert main(train) == 0
    assert history(again) == history(whole)


def test_a_finished_run_is_left_as_it_is(
    tiny: Path, conversations: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.safetensors")}
    assert main(command(recipe_in(tmp_path, steps=STEPS, more=DROPOUT), tiny, conversations, whole)) == 0
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*.safetensors")} == before
    assert f"{STEPS} steps" in capsys.readouterr().out


def test_another_recipe_does_not_go_on_in_the_same_folder(
    tiny: Path, conversations: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = recipe_in(tmp_path, steps=STEPS, rate=2e-3, more=DROPOUT)
    assert main(command(recipe, tiny, conversations, whole)) == 2
    assert "learning_rate is 0.001 there and 0.002 here" in capsys.readouterr().err
