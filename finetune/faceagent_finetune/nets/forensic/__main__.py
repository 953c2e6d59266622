"""Everything from photos to the network, in order; a step that is done is not done again.

    python -m faceagent_finetune.nets.forensic finetune/recipes/forensic.toml --data DIR --cache DIR --out DIR

The same as the commands of crops, train (--resume), export and card, one after the other. About two hours on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the photos, made if missing (150 MB)")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, network and card")
    chosen = parser.parse_args()
    for name, *arguments in steps(chosen.recipe, chosen.data, chosen.cache, chosen.out):
        # Each in a process of its own, so that the memory of one is free for the next.
        done = subprocess.run([sys.executable, "-m", f"faceagent_finetune.nets.forensic.{name}", *arguments])
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
