"""The command line: run benchmarks, print their figures and write them; tables of results; what differs between two.

Exit status: 0 done, 1 done but incomplete (items were missing) or broken off, 2 wrong usage or data folder; of several
runs the highest. `compare` gives 0 whether or not anything differs, and 2 where something cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faceagent.errors import FaceAgentError, InputError, MissingExtra
from faceagent_eval import benchmarks, compare, digest, machine_load, stored, table
from faceagent_eval.benchmark import Benchmark, Result
from faceagent_eval.suite import Job, suite, suites

_SHOWN_MISSING = 10


def run(benchmark: Benchmark[Any, Any], console: Console | None = None) -> Result:
    """Measure every item and score them; what a result says of the run itself is filled in, but for the command.

    Args:
        console: where the progress bar is drawn; None draws none.

    Raises:
        FaceAgentError: the data or the weights cannot be used.
    """
    load = machine_load.reading()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with benchmark.held:
        items = benchmark.items()
        data = digest.of_items(benchmark.measured_data(items), benchmark.root)
        with Progress(*columns, console=console, disable=console is None or not console.is_terminal) as progress:
            task = progress.add_task(benchmark.name, total=len(items))
            measured = []
            for item in items:
                measured.append(benchmark.measure(item))
                progress.advance(task)
        result = benchmark.score(measured)
    others = machine_load.others_since(load)
    return result.model_copy(
        update={
            "unmeasured": len(result.missing),
            "limit": benchmark.limit,
            "seed": benchmark.seed,
            "weights": {**{one.name: one.sha256 for one in result.methods if one.sha256}, **result.weights},
            "data": data,
            "others": others,
        }
    )


def lines(result: Result) -> Iterator[str]:
    """The result as text: its figures, and the names of what was missing."""
    yield from table.text(result)
    if not result.complete:
        listed = ", ".join(result.missing[:_SHOWN_MISSING])
        more = len(result.missing) - _SHOWN_MISSING
        yield (
            f"INCOMPLETE: {len(result.missing)} items could not be measured ({listed}"
            f"{f' and {more} more' if more > 0 else ''}). These figures are not those of the benchmark."
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        match options.action:
            case "list":
                return _list()
            case "table":
                return _table(options.results, options.markdown, options.beside)
            case "compare":
                return _compare(options.a, options.b, options.all)
            case "suite":
                jobs = suite(options.suite, options.data)
            case _:
                jobs = [
                    Job(name, options.data, options.backend, options.limit, options.controller)
                    for name in options.benchmark
                ]
    except (InputError, MissingExtra) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return max([_done(job, options.out) for job in jobs], default=0)


def _done(job: Job, out: Path | None) -> int:
    """One run, printed and written; its exit status. What goes wrong is told, and ends no other run."""
    try:
        benchmark = benchmarks.make(job.benchmark, job.data, job.backend, job.limit, job.controller)
        result = run(benchmark, Console(stderr=True)).model_copy(update={"command": job.command})
    except (InputError, MissingExtra) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(lines(result)) + "\n")
    if out is not None:
        try:
            sys.stdout.write(f"Written: {stored.write(result, out)}\n")
        except OSError as error:
            sys.stderr.write(f"The result could not be written to {out} ({error.strerror}).\n")
            return 2
    return 0 if result.complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faceagent_eval", description="Benchmarks of faceagent.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what can be run, on which backends, and the data it expects")
    one = actions.add_parser("run", help="run benchmarks, one after the other")
    one.add_argument("benchmark", nargs="+", help=f"of {', '.join(benchmarks.HOME)}")
    one.add_argument("--data", type=Path, help="folder with the benchmark's data (`list` shows its layout)")
    one.add_argument("--backend", help="what to run on; default: the first that `list` shows")
    one.add_argument(
        "--controller", help="who sits in the seat, as for `faceagent ask`; for benchmarks that ask questions"
    )
    one.add_argument("--limit", type=int, help="at most so many photos of each kind, for a quick look")
    many = actions.add_parser("suite", help="run a list of benchmarks, one after the other")
    many.add_argument("suite", help=f"one of {', '.join(suites())}")
    many.add_argument("--data", type=Path, help="folder with all data; without it what needs none is run")
    for parts in (one, many):
        parts.add_argument("--out", type=Path, help="folder for results as JSON, items as JSON lines, curves as SVG")
    shown = actions.add_parser("table", help="results as tables")
    shown.add_argument("results", type=Path, nargs="+", help="folders of results, or JSON files")
    how = shown.add_mutually_exclusive_group()
    how.add_argument("--markdown", action="store_true", help="as Markdown, with the command under each table")
    how.add_argument(
        "--beside", action="store_true", help="runs of one benchmark beside each other, such as controllers"
    )
    two = actions.add_parser("compare", help="what differs between two runs on the same data, and is no chance")
    two.add_argument("a", type=Path, help="a result's JSON, or a folder of results")
    two.add_argument("b", type=Path, help="likewise; a folder's results are held against those of the same name")
    two.add_argument("--all", action="store_true", help="show what does not differ significantly as well")
    return parser


def _list() -> int:
    for name in benchmarks.HOME:
        benchmark = benchmarks.load(name)
        sys.stdout.write(f"{name}: {benchmark.about}\n  backends: {', '.join(benchmark.backends)}\n")
        if benchmark.layout:
            indented = "\n".join(f"  {line}" for line in benchmark.layout.splitlines())
            sys.stdout.write(f"  data:\n{indented}\n")
    return 0


def _table(results: Sequence[Path], markdown: bool, beside: bool) -> int:
    found = stored.read_all(results)
    if beside:
        sys.stdout.write(table.beside(found))
        return 0
    sys.stdout.write(table.markdown(found) if markdown else "\n".join("\n".join(lines(one)) for one in found) + "\n")
    return 0


def _compare(a: Path, b: Path, everything: bool) -> int:
    found = compare.match(a, b)
    for sentence in (*found.refused, *found.alone):
        sys.stderr.write(f"{sentence}\n")
    sys.stdout.write("\n".join(compare.report(found.pairs, everything)) + "\n")
    return 2 if found.refused else 0
