"""Everything from photos to the shipped network, in order; a step that is done is not done again.

    python -m faceagent_finetune.nets.multitask finetune/recipes/multitask.toml --data DIR --cache DIR --out DIR

The same as the commands of crops, train (--resume), finish, export and card, one after the other. About two hours on
two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

from faceagent_finetune.nets.steps import main


def steps(recipe: Path, data: Path, cache: Path, out: Path) -> list[list[str]]:
    """The commands, each as its module's name and arguments."""
    trained, finished = out / "last.pt", out / "finished.pt"
    resume = ["--resume"] if trained.is_file() else []
    shared = ["--cache", str(cache)]
    return [
        ["crops", "--data", str(data), *shared],
        ["train", str(recipe), *shared, "--out", str(out), *resume],
        ["finish", str(trained), "--data", str(data), *shared, "--out", str(finished)],
        ["export", str(finished), *shared, "--out", str(out)],
        [
            "card",
            *("--network", str(out / "faceagent-multitask.json")),
            *("--run", str(finished)),
            *("--out", str(out / "faceagent-multitask.md")),
        ],
    ]


if __name__ == "__main__":
    sys.exit(main(__doc__, "faceagent_finetune.nets.multitask", steps, "the crops (4 GB)"))
