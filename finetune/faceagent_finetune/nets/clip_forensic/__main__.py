"""Everything from photos to a declared detector, in order; a step that is done is not done again.

    python -m faceagent_finetune.nets.clip_forensic finetune/recipes/clip_forensic.toml --data DIR --cache DIR --out DIR

The same as the commands of forensic.crops, train (--resume) and export, one after the other. CLIP's weights are
downloaded by the first run. Meant for a GPU: ViT-L/14 has 300 million weights, and gradients pass through all of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from faceagent_finetune.nets.steps import main


def steps(recipe: Path, data: Path, cache: Path, out: Path) -> list[list[str]]:
    """The commands, each as its module's name and arguments."""
    trained = out / "last.pt"
    resume = ["--resume"] if trained.is_file() else []
    shared = ["--cache", str(cache)]
    return [
        ["forensic.crops", "--data", str(data), *shared],
        ["clip_forensic.train", str(recipe), *shared, "--out", str(out), *resume],
        ["clip_forensic.export", str(trained), "--out", str(out)],
    ]


if __name__ == "__main__":
    sys.exit(main(__doc__, "faceagent_finetune.nets", steps, "the photos (150 MB)"))
