"""A Report onto the disk: report.html, report.pdf, report.json and report.csv, each complete or not there at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from faceagent.errors import InputError
from faceagent.files import write_whole
from faceagent.report.drawing import Pictures
from faceagent.report.html import to_html
from faceagent.report.pdf import to_pdf, wanted
from faceagent.report.table import to_csv
from faceagent.types import Report


def write_report(
    report: Report, pictures: Mapping[str, Pictures], out_dir: str | Path, language: str = "en"
) -> dict[str, Path]:
    """Write all files into a folder, which is made if need be. An older report there is replaced.

    Args:
        language: what HTML and PDF are told in, a key of `messages.LANGUAGES`; JSON and CSV keep to English.

    Returns:
        Their paths by kind: "html", "json", "csv", and "pdf" where the extra of that name is installed and a report of
        so many exhibits is one to print.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    folder = Path(out_dir)
    contents = {
        "html": to_html(report, pictures, language).encode("utf-8"),
        "json": (report.model_dump_json(indent=2) + "\n").encode("utf-8"),
        "csv": to_csv(report).encode("utf-8-sig"),
        **({"pdf": to_pdf(report, pictures, language)} if wanted(report) else {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if "pdf" not in contents:
            (folder / "report.pdf").unlink(missing_ok=True)  # of an older report
        return {kind: write_whole(folder / f"report.{kind}", data, private=False) for kind, data in contents.items()}
    except OSError as error:
        raise InputError(
            f"The report cannot be written to {folder} ({error.strerror or error})", "Choose another folder with --out"
        ) from error
