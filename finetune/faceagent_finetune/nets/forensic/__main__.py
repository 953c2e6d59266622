"""Everything from photos to the network, in order; a step that is done is not done again.

    python -m faceagent_finetune.nets.forensic finetune/recipes/forensic.toml --data DIR --cache DIR --out DIR

The same as the commands of crops, train (--resume), export and card, one after the other. About two hours on two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

from faceagent_finetune.nets.steps import main


def steps(recipe: Path, data: Path, cache: Path, out: Path) -> list[list[str]]:
    """The commands, each as its module's name and arguments."""
    trained, network = out / "last.pt", out / "faceagent-forensic.json"
    resume = ["--resume"] if trained.is_file() else []
    shared = ["--cache", str(cache)]
    return [
        ["crops", "--data", str(data), *shared],
        ["train", str(recipe), *shared, "--out", str(out), *resume],
        ["export", str(trained), *shared, "--out", str(out)],
        ["card", "--network", str(network), "--run", str(trained), "--out", str(network.with_suffix(".md"))],
    ]


if __name__ == "__main__":
    sys.exit(main(__doc__, "faceagent_finetune.nets.forensic", steps, "the photos (150 MB)"))
