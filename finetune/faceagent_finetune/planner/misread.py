"""Which questions of the corpus a network misreads: python -m faceagent_finetune.planner.misread [DIR] [--held]

DIR holds planner.onnx and planner.model; without one it is the network that ships. Of the questions that are trained
on, or of those that are held out, one a line: the author's labels, those read, the question; the share last. With
--second instead whose labels a second reader held right, of what an earlier network misread.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceagent.controllers.planner import Planner, planner
from faceagent_finetune.planner.asked import Asked, asked, second_reading
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
    parser.add_argument("--second", action="store_true", help="what a second reader says of them")
    chosen = parser.parse_args()
    if chosen.second:
        sys.stdout.writelines(f"{line}\n" for line in _second())
        return 0
    questions = [one for one in asked() if one.held is chosen.held]
    wrong = 0
    for one, found in misread(_network(chosen.folder), questions):
        sys.stdout.write(f"{_listed(one.labels)} | {_listed(found)} | {one.text}\n")
        wrong += 1
    sys.stdout.write(f"{wrong} of {len(questions)} ({wrong / len(questions):.1%})\n")
    return 0


def _second() -> Iterator[str]:
    """How much an earlier network misread; how often the author, the network, neither or several are held right."""
    held = {one.text for one in asked() if one.held}
    wrong_held = sum(one.misread and one.text in held for one in second_reading())
    wrong = sum(one.misread for one in second_reading()) - wrong_held
    trained = len(asked()) - len(held)
    yield (
        f"an earlier network misread {wrong} ({wrong / trained:.1%}) of what it was trained on, "
        f"and {wrong_held} ({wrong_held / len(held):.1%}) of what was held out"
    )
    for first, wrong in (("misread", True), ("read rightly", False)):
        rows = [one for one in second_reading() if one.misread is wrong]
        found = Counter(one.right for one in rows).most_common()
        shares = ", ".join(f"{who} {count} ({count / len(rows):.1%})" for who, count in found)
        yield f"{first}, {len(rows)}: {shares}"


def _network(folder: Path | None) -> Planner:
    if folder is None:
        return planner()
    return Planner((folder / "planner.onnx").read_bytes(), (folder / "planner.model").read_bytes())


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels)) or NOTHING


if __name__ == "__main__":
    sys.exit(main())
