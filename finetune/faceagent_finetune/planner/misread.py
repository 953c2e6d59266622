"""Which questions of the corpus a network misreads: python -m faceagent_finetune.planner.misread DIR [--held]

DIR holds planner.onnx and planner.model; without one it is the network that ships. Of the questions that are trained
on, or of those that are held out, one a line: the author's labels, those read, the question; the share last.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceagent.controllers.planner import Planner, planner
from faceagent_finetune.planner.asked import Asked, asked
from faceagent_finetune.planner.grammar import NOTHING

_HOLDS = 0.5


def misread(network: Planner, questions: Iterable[Asked]) -> Iterator[tuple[Asked, frozenset[str]]]:
    """Those to which a network gives other labels than their author did, each with the network's."""
    for one in questions:
        scores, _ = network.scores(one.text)
        found = frozenset(label for label, probability in scores.items() if probability >= _HOLDS)
        if found != one.labels:
            yield one, found


def main() -> int:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog=more)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--held", action="store_true", help="of those that are never trained on")
    chosen = parser.parse_args()
    questions = [one for one in asked() if one.held is chosen.held]
    wrong = 0
    for one, found in misread(_network(chosen.folder), questions):
        sys.stdout.write(f"{_listed(one.labels)} | {_listed(found)} | {one.text}\n")
        wrong += 1
    sys.stdout.write(f"{wrong} of {len(questions)} ({wrong / len(questions):.1%})\n")
    return 0


def _network(folder: Path | None) -> Planner:
    if folder is None:
        return planner()
    return Planner((folder / "planner.onnx").read_bytes(), (folder / "planner.model").read_bytes())


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels)) or NOTHING


if __name__ == "__main__":
    sys.exit(main())
