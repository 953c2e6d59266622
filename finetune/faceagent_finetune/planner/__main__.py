"""From phrases to the planner: python -m faceagent_finetune.planner RECIPE --out DIR

The same as train (--resume) and export, one after the other; some three hours on one core. Needs the extra
`planner`. DIR gets the checkpoint, the tokeniser and what ships: planner.onnx and planner.model.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    cache, trained = chosen.out / "cache", chosen.out / "last.pt"
    shared = ["--cache", str(cache), "--out", str(chosen.out)]
    for name, *arguments in (
        ["train", str(chosen.recipe), *shared, *(["--resume"] if trained.is_file() else [])],
        ["export", str(trained), *shared],
    ):
        done = subprocess.run([sys.executable, "-m", f"faceagent_finetune.planner.{name}", *arguments])
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
