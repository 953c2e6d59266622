"""The command line: run a benchmark, print its figures, write them as JSON and its curves as pictures.

Exit status: 0 done, 1 done but incomplete (items were missing) or broken off, 2 wrong usage or data folder.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faceagent.errors import FaceAgentError, InputError, MissingExtra
from faceagent_eval import benchmarks
from faceagent_eval.benchmark import Benchmark, Figure, Result
from faceagent_finetune.plot import Chart, svg

_SHOWN_MISSING = 10


def run(benchmark: Benchmark[Any, Any], console: Console | None = None) -> Result:
    """Measure every item and score them.

    Args:
        console: where the progress bar is drawn; None draws none.

    Raises:
        FaceAgentError: the data or the weights cannot be used.
    """
    items = benchmark.items()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=console is None or not console.is_terminal) as progress:
        task = progress.add_task(benchmark.name, total=len(items))
        measured = []
        for item in items:
            measured.append(benchmark.measure(item))
            progress.advance(task)
    return benchmark.score(measured)


def lines(result: Result) -> Iterator[str]:
    """The result as text: what was run, a line for each figure with its note below, what was missing."""
    yield f"{result.benchmark}, backend {result.backend}: {result.protocol}"
    width = max((len(figure.name) for figure in result.figures), default=0)
    for figure in result.figures:
        count = f"n {figure.n:,}" if figure.n else ""
        yield f"  {figure.name:<{width}}  {_value(figure):>10}  {_interval(figure):<20}  {count}".rstrip()
        if figure.note:
            yield f"      {figure.note}"
    yield from result.notes
    yield f"Machine: {result.machine}"
    if not result.complete:
        listed = ", ".join(result.missing[:_SHOWN_MISSING])
        more = len(result.missing) - _SHOWN_MISSING
        yield (
            f"INCOMPLETE: {len(result.missing)} items could not be measured ({listed}"
            f"{f' and {more} more' if more > 0 else ''}). These figures are not those of the benchmark."
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(given)
    try:
        if options.action == "list":
            return _list()
        benchmark = benchmarks.make(options.benchmark, options.data, options.backend, options.limit, options.controller)
        result = run(benchmark, Console(stderr=True))
    except (InputError, MissingExtra) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    result = result.model_copy(update={"command": shlex.join(["python", "-m", "faceagent_eval", *given])})
    sys.stdout.write("\n".join(lines(result)) + "\n")
    if options.out is not None:
        try:
            sys.stdout.write(f"Written: {write(result, options.out)}\n")
        except OSError as error:
            sys.stderr.write(f"The result could not be written to {options.out} ({error.strerror}).\n")
            return 2
    return 0 if result.complete else 1


def write(result: Result, folder: Path) -> Path:
    """The result in `folder` (made if need be): BENCHMARK-BACKEND.json and, drawn, BENCHMARK-BACKEND-CURVE.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.benchmark}-{result.backend}.json"
    path.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for name, curve in result.curves.items():
        if isinstance(curve, Chart):
            path.with_name(f"{path.stem}-{name}.svg").write_text(svg(curve), encoding="utf-8")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faceagent_eval", description="Benchmarks of faceagent.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what can be run, on which backends, and the data it expects")
    one = actions.add_parser("run", help="run one benchmark")
    one.add_argument("benchmark", help=f"one of {', '.join(benchmarks.HOME)}")
    one.add_argument("--data", type=Path, help="folder with the benchmark's data (`list` shows its layout)")
    one.add_argument("--backend", help="what to run on; default: the first that `list` shows")
    one.add_argument(
        "--controller", help="who sits in the seat, as for `faceagent ask`; for benchmarks that ask questions"
    )
    one.add_argument("--limit", type=int, help="at most so many photos of each kind, for a quick look")
    one.add_argument("--out", type=Path, help="folder for the result as JSON and its curves as SVG")
    return parser


def _list() -> int:
    for name in benchmarks.HOME:
        benchmark = benchmarks.load(name)
        sys.stdout.write(f"{name}: {benchmark.about}\n  backends: {', '.join(benchmark.backends)}\n")
        if benchmark.layout:
            indented = "\n".join(f"  {line}" for line in benchmark.layout.splitlines())
            sys.stdout.write(f"  data:\n{indented}\n")
    return 0


def _value(figure: Figure) -> str:
    return f"{figure.value:.4g} {figure.unit}".strip()


def _interval(figure: Figure) -> str:
    """The 95 % interval, or whatever level it says."""
    if figure.interval is None:
        return ""
    low, high = figure.interval.low, figure.interval.high
    return f"{figure.interval.level:.0%}: {low:.4f} – {high:.4f}"
