"""What so many photos a day need: the table of docs/scale.md, made of what `collection-stages` measured.

    python -m faceagent_eval run collection-stages --limit 20000 --out docs/results
    python -m faceagent_eval.sizing docs/results/collection-stages-embedded.json docs/scale.md

Whatever is no measurement is a constant here and stands below the table.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceagent.collection.manifest import SHARD
from faceagent.errors import InputError, UsageError
from faceagent_eval import stored
from faceagent_eval.benchmark import Result
from faceagent_eval.benchmarks.collection_stages import ON_PURPOSE

DAYS = (1_000_000, 100_000_000)
"""Photos a day."""
USE, CORES, MEMORY, HOUR = 0.7, 32, 8e9, 3600.0
"""Share of a core's time that is planned with; cores of a machine; bytes and seconds that one collection may take of
the program that plans it and sums it up."""
BEGIN, END = "<!-- sizing -->\n", "<!-- end -->\n"
_DAY = 86_400.0
_APPENDS = 2  # a photo: its number before it is opened, its line afterwards (`collection.shard.work`)


def sized(result: Result) -> str:
    """The tables in Markdown, with what they rest on.

    Raises:
        InputError: the result is not that of `collection-stages`.
    """
    try:
        return "\n".join([*_stages(result), "", *_needs(result), "", *_moves(result), "", *_rests(result)]) + "\n"
    except KeyError as error:
        raise InputError(f"The result has no figure {error}", "Name that of collection-stages") from None


def replaced(page: str, table: str) -> str:
    """The page with this table between its marks.

    Raises:
        UsageError: the marks are missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError("The page has no place for the table", f"Write {BEGIN.strip()} and {END.strip()} into it")
    return before + begin + table + end + after


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status: 2 where a file cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m faceagent_eval.sizing", description=sized.__doc__)
    parser.add_argument("result", type=Path, help="JSON of the benchmark collection-stages")
    parser.add_argument("page", type=Path, help="Markdown with the marks between which the table is put")
    chosen = parser.parse_args(argv)
    try:
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(replaced(page, sized(stored.read(chosen.result))), encoding="utf-8")
    except (InputError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _by_stage(result: Result) -> dict[str, float]:
    """Seconds of a core a photo, the most expensive stage first."""
    mark = "stage "
    stages = {figure.name.removeprefix(mark): figure.value for figure in result.figures if figure.name.startswith(mark)}
    return dict(sorted(stages.items(), key=lambda row: -row[1]))


def _stages(result: Result) -> Iterator[str]:
    whole = result.figure("all stages").value
    yield "| stage | milliseconds of a core | share |"
    yield "|---|---|---|"
    for name, seconds in _by_stage(result).items():
        where = " (only with a stated purpose)" if name in ON_PURPOSE else ""
        yield f"| {name}{where} | {1000 * seconds:.1f} | {seconds / whole:.0%} |"
    yield f"| **all** | **{1000 * whole:.0f}** | |"


def _needs(result: Result) -> Iterator[str]:
    seconds, megabytes = result.figure("all stages").value, result.figure("peak memory").value
    read, written = result.figure("read").value, result.figure("written").value
    paces = [day / _DAY for day in DAYS]
    cores = [_cores(pace, seconds) for pace in paces]
    rows = {
        "photos a second, on average": [f"{pace:,.1f}" for pace in paces],
        f"cores, at {USE:.0%} use": [f"{count:,}" for count in cores],
        f"machines of {CORES} cores": [f"{math.ceil(count / CORES):,}" for count in cores],
        "memory of each": [f"{min(count, CORES) * megabytes / 1000:,.0f} GB" for count in cores],
        "read from storage, through the network": [f"{8 * pace * read / 1e6:,.1f} Mbit/s" for pace in paces],
        "findings written a day": [f"{day * written / 1e9:,.0f} GB" for day in DAYS],
        "appends to the shared disk": [f"{_APPENDS * pace:,.0f}/s" for pace in paces],
        "shards made": [f"{pace / SHARD:,.1f}/s" for pace in paces],
        "overview, were a day one collection": [
            f"{_overview(result, day) / HOUR:,.1f} hours of one core" for day in DAYS
        ],
        "memory of the program that plans it": [f"{_planning(result, day) / 1e9:,.1f} GB" for day in DAYS],
        "collections that a day is split into": [f"{_collections(result, day):,}" for day in DAYS],
    }
    yield f"| | {' | '.join(f'{day:,} photos a day' for day in DAYS)} |"
    yield f"|---|{'---|' * len(DAYS)}"
    for name, values in rows.items():
        yield f"| {name} | {' | '.join(values)} |"


def _moves(result: Result) -> Iterator[str]:
    """Where the bottleneck is, and what it moves to."""
    (first, seconds), (second, next_seconds), *_ = _by_stage(result).items()
    share = (seconds + next_seconds) / result.figure("all stages").value
    yield f"The cores are the bottleneck first, and in them {first} and {second}: {share:.0%} of a photo's time."
    splits = {day: _collections(result, day) for day in DAYS}
    if max(splits.values()) > 1:
        yield (
            "It moves to what is done once for a collection, by one program on one core: reading the manifest and "
            "writing the overview. So a day is split into collections side by side, each with its own folder:"
        )
    for day, split in splits.items():
        yield f"at {day:,} photos a day {split:,} of {math.ceil(day / split):,} photos."


def _rests(result: Result) -> Iterator[str]:
    growth = result.figure("last stretch against first")
    photos = result.figure("all stages").n
    yield (
        f"Measured on {photos:,} {result.protocol}: `{result.command}` ({result.machine}). The last photos cost "
        f"{growth.value:.2f} times what the first did."
        + (f" Other programs took {result.others:.0%} of the machine meanwhile." if result.others else "")
    )
    yield (
        f"Chosen, not measured: {USE:.0%} use, {CORES} cores a machine, a worker a core, none slowed by another; "
        f"a collection is planned in {MEMORY / 1e9:.0f} GB and summed up in {HOUR / 60:.0f} minutes. Larger photos, "
        "several faces and videos take more."
    )


def _cores(pace: float, seconds: float) -> int:
    return math.ceil(pace * seconds / USE)


def _overview(result: Result, files: int) -> float:
    return files * result.figure("overview").value


def _planning(result: Result, files: int) -> float:
    return files * result.figure("planning").value


def _collections(result: Result, files: int) -> int:
    return math.ceil(max(_overview(result, files) / HOUR, _planning(result, files) / MEMORY))


if __name__ == "__main__":
    sys.exit(main())
