"""Everything from photos to the shipped network, in order; a step that is done is not done again.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.detector finetune/recipes/detector.toml \
        --data DIR --cache DIR --out DIR

The same as the commands of labels, train (--resume), export and card, one after the other. About an hour on two cores.
FACEAGENT_MIRROR, or the cache of `faceagent models get yunet_n_dynamic`, holds the teacher.
"""

from __future__ import annotations

import sys
from pathlib import Path

from faceagent_finetune.nets.steps import main


def steps(recipe: Path, data: Path, cache: Path, out: Path) -> list[list[str]]:
    """The commands, each as its module's name and arguments."""
    trained, name = out / "last.pt", "faceagent-detector"
    resume = ["--resume"] if trained.is_file() else []
    shared = ["--cache", str(cache)]
    return [
        ["labels", "--data", str(data), *shared],
        ["train", str(recipe), *shared, "--out", str(out), *resume],
        ["export", str(trained), *shared, "--out", str(out)],
        [
            "card",
            "--network",
            str(out / f"{name}.json"),
            "--run",
            str(trained),
            "--out",
            str(out / f"{name}.md"),
        ],
    ]


if __name__ == "__main__":
    sys.exit(main(__doc__, "faceagent_finetune.nets.detector", steps, "photos and labels (1 GB)"))
