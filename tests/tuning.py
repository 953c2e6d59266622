"""A short tuning of a tiny model, for tests."""

from __future__ import annotations

from pathlib import Path

_RECIPE = """
model = "tiny"
method = "{method}"
steps = {steps}
batch = 4
learning_rate = {rate}
schedule = "constant_with_warmup"
val = 4
val_every = 4
save_every = 2
threads = 1
"""


def recipe_in(folder: Path, method: str = "lora", steps: int = 2, rate: float = 1e-3, more: str = "") -> Path:
    """A recipe in a file."""
    file = folder / f"{method}.toml"
    file.write_text(_RECIPE.format(method=method, steps=steps, rate=rate) + more, "utf-8")
    return file


def command(recipe: Path, model: Path, corpus: Path, out: Path) -> list[str]:
    """Of `python -m faceagent_finetune`, to train."""
    return ["train", str(recipe), "--model", str(model), "--corpus", str(corpus), "--out", str(out)]
