"""Everything from photos to the shipped network, in order; a step that is done is not done again.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.detector finetune/recipes/detector.toml \
        --data DIR --cache DIR --out DIR

The same as the commands of labels, train (--resume), export and card, one after the other. About an hour on two cores.
FACEAGENT_MIRROR, or the cache of `faceagent models get yunet_n_dynamic`, holds the teacher.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def steps(recipe: Path, data: Path, cache: Path, out: Path) -> list[list[str]]:
    """The commands, each as its module and arguments."""
    trained, name = out / "last.pt", "faceagent-detector"
    resume = ["--resume"] if trained.is_file() else []
    ours, shared = "faceagent_finetune.nets.detector.", ["--cache", str(cache)]
    return [
        [f"{ours}labels", "--data", str(data), *shared],
        [f"{ours}train", str(recipe), *shared, "--out", str(out), *resume],
        [f"{ours}export", str(trained), *shared, "--out", str(out)],
        [
            f"{ours}card",
            "--network",
            str(out / f"{name}.json"),
            "--run",
            str(trained),
            "--out",
            str(out / f"{name}.md"),
        ],
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder for photos and labels, made if missing (1 GB)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, network and card")
    chosen = parser.parse_args()
    for module, *arguments in steps(chosen.recipe, chosen.data, chosen.cache, chosen.out):
        # Each in a process of its own, so that the memory of one is free for the next.
        done = subprocess.run([sys.executable, "-m", module, *arguments])
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
