"""A Report onto the disk: report.html, report.json and report.csv, each complete or not there at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from faceagent.errors import InputError
from faceagent.files import write_whole
from faceagent.report.drawing import Pictures
from faceagent.report.html import to_html
from faceagent.report.table import to_csv
from faceagent.types import Report


def write_report(report: Report, pictures: Mapping[str, Pictures], out_dir: str | Path) -> dict[str, Path]:
    """Write all three files into a folder, which is made if need be. An older report there is replaced.

    Returns:
        Their paths by kind: "html", "json", "csv".

    Raises:
        InputError: the folder cannot be made or written to.
    """
    folder = Path(out_dir)
    contents = {
        "html": to_html(report, pictures).encode("utf-8"),
        "json": (report.model_dump_json(indent=2) + "\n").encode("utf-8"),
        "csv": to_csv(report).encode("utf-8-sig"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {kind: write_whole(folder / f"report.{kind}", data, private=False) for kind, data in contents.items()}
    except OSError as error:
        raise InputError(
            f"The report cannot be written to {folder} ({error.strerror or error})", "Choose another folder with --out"
        ) from error
