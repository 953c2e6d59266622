"""Results as text and as Markdown: what `run` prints, and what docs/results.md is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.errors import UsageError
from faceagent_eval import benchmarks
from faceagent_eval.benchmark import Figure, Result

_TIMES = ("ms", "s", "photos/s", "1/s")
_CALM = 0.1
"""Times are quoted where other programs took no more than this share of the machine."""
_HEAD = """\
# Results

Each table is one run of the command below it (DIR: the folder of data that `python -m faceagent_eval list` shows),
with 95 % intervals; n counts what a figure rests on. Hashes of data and weights say what was measured with what. Curves
are beside the runs' JSON, of which `python -m faceagent_eval table FOLDER --markdown` made this page; nothing is typed.
"""
_LONG = 40
"""Rows from which on a table is folded."""


def text(result: Result) -> Iterator[str]:
    """What was run, a line for each figure with its note below, the notes, and the machine."""
    yield f"{_title(result)}: {result.protocol}"
    width = max((len(figure.name) for figure in result.figures), default=0)
    for figure in result.figures:
        count = f"n {figure.n:,}" if figure.n else ""
        yield f"  {figure.name:<{width}}  {_value(figure):>10}  {_interval(figure):<20}  {count}".rstrip()
        if figure.note:
            yield f"      {figure.note}"
    yield from result.notes
    yield f"Machine: {result.machine}"


def markdown(results: Sequence[Result]) -> str:
    """A page: of each result, in the order given, the table of its figures, how to read them, and its command."""
    return "\n".join([_HEAD, *(line for result in results for line in _section(result))])


def beside(results: Sequence[Result]) -> str:
    """Runs of one benchmark beside each other, in Markdown that is readable as it is: a row for each figure with its
    95 % interval, a column for each run. A dash: a run has no such figure, or a time of a busy machine.

    Raises:
        UsageError: no two results are of one benchmark.
    """
    groups = {name: [one for one in results if one.benchmark == name] for name in {one.benchmark: 0 for one in results}}
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        raise UsageError("No two of these results are of one benchmark", "Name two runs of it, or folders with them")
    return "\n".join(line for group in several for line in _columns(group))


def _columns(group: Sequence[Result]) -> Iterator[str]:
    yield from (f"## {group[0].benchmark}", "")
    if len({(one.data, one.limit) for one in group}) > 1:
        yield from ("Not measured on the same items: `data` or the limit differs.", "")
    # In the order in which they stand, those of later runs after what they follow there.
    names: list[str] = []
    for one in group:
        for before, figure in zip([None, *one.figures], one.figures, strict=False):
            if figure.name not in names:
                names.insert(names.index(before.name) + 1 if before else 0, figure.name)
    rows = [["figure", *(_title(one).partition(", backend ")[2] for one in group)]]
    rows += [[name, *(_cell(one, name) for one in group)] for name in names]
    widths = [max(len(_escaped(row[place])) for row in rows) for place in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        yield f"| {' | '.join(_escaped(cell).ljust(width) for cell, width in zip(row, widths, strict=True))} |"
    yield ""


def _cell(result: Result, name: str) -> str:
    figure = next((figure for figure in result.figures if figure.name == name), None)
    if figure is None or figure.n == 0 or (figure.unit in _TIMES and not is_calm(result)):
        return "–"
    return f"{_value(figure)} ({_ends(figure)})" if figure.interval else _value(figure)


def _section(result: Result) -> Iterator[str]:
    yield from (f"## {_title(result)}", "", _sentence(result.protocol[:1].upper() + result.protocol[1:]), "")
    if not result.complete:
        yield from (f"**Incomplete:** {result.unmeasured} items could not be measured.", "")
    told = [figure for figure in result.figures if figure.unit not in _TIMES or is_calm(result)]
    if len(told) > _LONG:
        if first := [figure for figure in told if figure.name.endswith(_headline(result))]:
            yield from (*_rows(first), "")
        yield from ("<details>", f"<summary>All {len(told)} figures</summary>", "", *_rows(told), "", "</details>")
    else:
        yield from _rows(told)
    yield ""
    yield from (f"- {_sentence(note)}" for note in _notes(result, len(result.figures) - len(told)))
    yield from ("", "```sh", result.command, "```", "")
    yield from (_made_with(result), "")


def _headline(result: Result) -> tuple[str, ...]:
    """Of its benchmark, if that is still there."""
    return benchmarks.load(result.benchmark).headline if result.benchmark in benchmarks.HOME else ()


def _rows(figures: Sequence[Figure]) -> Iterator[str]:
    noted = any(figure.note for figure in figures)
    head = ["figure", "value", "95 % interval", "n", *(["note"] if noted else [])]
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(['---', '--:', '---', '--:', *(['---'] if noted else [])])}|"
    for figure in figures:
        count = f"{figure.n:,}" if figure.n else ""
        cells = [figure.name, _value(figure), _ends(figure), count, *([figure.note or ""] if noted else [])]
        yield f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def is_calm(result: Result) -> bool:
    """Whether its times are worth quoting."""
    return result.others is not None and result.others <= _CALM


def _notes(result: Result, left_out: int) -> Iterator[str]:
    yield from result.notes
    if left_out:
        busy = "it is not known how busy the machine was"
        if result.others is not None:
            busy = f"other programs took {result.others:.0%} of the machine meanwhile"
        yield f"Times are left out ({left_out}): {busy}"


def _made_with(result: Result) -> str:
    weights = ", ".join(f"{name} `{sha256[:12]}`" for name, sha256 in sorted(result.weights.items()))
    versions = ", ".join(f"{name} {number}" for name, number in sorted(result.versions.items()))
    facts = (
        f"Data `{result.data[:12]}`" if result.data else "",
        f"seed {result.seed}" if result.seed is not None else "",
        f"weights {weights}" if weights else "",
        versions,
        result.machine,
    )
    return f"<sub>{'; '.join(fact for fact in facts if fact)}.</sub>"


def _title(result: Result) -> str:
    part = "" if result.limit is None else f", limit {result.limit}"
    return f"{result.benchmark}, backend {result.backend}{part}"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", ":")) else f"{words}."


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _value(figure: Figure) -> str:
    return f"{figure.value:.4g} {figure.unit}".strip()


def _interval(figure: Figure) -> str:
    """With its level."""
    return f"{figure.interval.level:.0%}: {_ends(figure)}" if figure.interval else ""


def _ends(figure: Figure) -> str:
    if figure.interval is None:
        return ""
    other = "" if round(figure.interval.level, 6) == 0.95 else f" ({figure.interval.level:.0%})"
    return f"{figure.interval.low:.4g} – {figure.interval.high:.4g}{other}"
