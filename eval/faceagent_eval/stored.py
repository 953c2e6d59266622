"""Results as files: figures as JSON, the items beside it as JSON lines, curves as SVG, names of what is missing.

BENCHMARK-BACKEND.json, with -limitN after the backend for a look at a part, which so never replaces a whole run. Names
of files may be people's: they are in BENCHMARK-BACKEND.missing.txt alone, for who ran it, and not in the JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from faceagent.errors import InputError, UsageError, first_fault
from faceagent_eval.benchmark import ItemScore, Result
from faceagent_finetune.plot import Chart, svg

_ITEMS, _MISSING = ".items.jsonl", ".missing.txt"


def stem(result: Result) -> str:
    """The name of a result's files."""
    part = "" if result.limit is None else f"-limit{result.limit}"
    return f"{result.benchmark}-{result.backend}{part}"


def write(result: Result, folder: Path) -> Path:
    """All files of a result in `folder`, which is made if need be. Returns the JSON's path.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem(result)}.json"
    path.write_text(result.model_dump_json(indent=1, exclude={"items", "missing"}) + "\n", encoding="utf-8")
    rows = [row.model_dump_json(exclude_none=True) for row in result.items]
    for suffix, lines in ((_ITEMS, rows), (_MISSING, result.missing)):
        beside = path.with_name(f"{path.stem}{suffix}")
        if lines:
            beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        else:
            beside.unlink(missing_ok=True)
    for name, curve in result.curves.items():
        if isinstance(curve, Chart):
            path.with_name(f"{path.stem}-{name}.svg").write_text(svg(curve), encoding="utf-8")
    return path


def read(path: Path) -> Result:
    """A result with its items, as far as these are there.

    Raises:
        InputError: a file cannot be read or is no result.
    """
    items = path.with_name(f"{path.stem}{_ITEMS}")
    with _reading(path):
        result = Result.model_validate_json(path.read_bytes())
    if not items.is_file():
        return result
    with _reading(items), items.open(encoding="utf-8") as lines:
        return result.model_copy(update={"items": tuple(ItemScore.model_validate_json(line) for line in lines)})


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raises:
    InputError: the file cannot be read, or holds something else.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise InputError(f"{path} is no result of a benchmark ({first_fault(error)})") from error


def read_all(paths: Sequence[Path]) -> list[Result]:
    """The results in files and folders, by benchmark, backend and limit.

    Raises:
        UsageError: there is none.
        InputError: see `read`.
    """
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise UsageError(
            f"There is no result in {', '.join(map(str, paths))}", "Make one with `run … --out FOLDER` and name FOLDER"
        )
    return sorted(map(read, files), key=lambda one: (one.benchmark, one.backend, one.limit is not None, one.limit or 0))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(path.glob("*.json"))
    elif path.is_file():
        yield path
    else:
        raise UsageError(f"{path} is not there", "Name a result's JSON or a folder of results")
