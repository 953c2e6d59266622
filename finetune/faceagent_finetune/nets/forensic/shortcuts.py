"""Can a cheat do without the picture? Measured on the batches that training sees.

    python -m faceagent_finetune.nets.forensic.shortcuts RECIPE --cache DIR [--batches N]

For the size of the saved file, its quality, width and height, and size, quality and face side of the set's own file:
the AUC of each thing alone, and of all together (least squares on their ranks, fitted on one half, measured on the
other). 0.5 is nothing. Labels are those that training learns from.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.forensic.data import Batch, Mixer
from faceagent_finetune.nets.forensic.evaluate import auc

Floats = npt.NDArray[np.float64]


def measured(batches: Iterable[Batch]) -> dict[str, float | None]:
    """AUC of each fact of the batches, and of all `together`."""
    kept = list(batches)
    forged = np.concatenate([batch.score for batch in kept]) > 0
    facts = {name: np.concatenate([batch.facts[name] for batch in kept]) for name in kept[0].facts}
    told = {name: auc(values, forged) for name, values in facts.items()}
    ranks = np.column_stack([_rank(values) for values in facts.values()])
    inputs = np.column_stack([np.ones(len(forged)), ranks, (ranks - 0.5) ** 2])
    middle = len(forged) // 4 * 2  # pairs stay together
    weights = np.linalg.lstsq(inputs[:middle], forged[:middle].astype(np.float64), rcond=None)[0]
    return told | {"together": auc(inputs[middle:] @ weights, forged[middle:])}


def _rank(values: Floats) -> Floats:
    """0-1, ties alike."""
    ordered = np.sort(values)
    return np.asarray(
        (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2 / len(values)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--batches", type=int, default=60)
    chosen = parser.parse_args()
    mixer = Mixer.of(tomllib.loads(chosen.recipe.read_text(encoding="utf-8")), chosen.cache)
    told = measured(mixer.batch(step) for step in range(chosen.batches))
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
