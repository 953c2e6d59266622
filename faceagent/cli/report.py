"""`faceagent report INPUT… --out DIR`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.cli import collection
from faceagent.cli.console import add_limits, add_purpose, console, limits_of, say
from faceagent.messages import LANGUAGES

if TYPE_CHECKING:
    from faceagent.types import Report


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("report", parents=[common], help="write an explainable authenticity report")
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="photos, videos, folders, or patterns in quotes; of a collection also tables (.csv) and s3://bucket/folder",
    )
    parser.add_argument(
        "--out",
        default="report",
        metavar="PLACE",
        help="folder (default ./report), or s3://bucket/folder of a collection",
    )
    parser.add_argument("--title", default="Authenticity report", help="heading of the report")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default="en",
        help="what report.html and report.pdf are told in; JSON and CSV keep to the English that was checked",
    )
    add_purpose(parser)
    add_limits(parser)
    collection.add_options(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    return collection.run(chosen) if collection.wanted(chosen) else _whole(chosen)


def _whole(chosen: argparse.Namespace) -> int:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from faceagent.batch import expand, media
    from faceagent.report import build_report, write_report
    from faceagent.report.pdf import AT_MOST, available, readable
    from faceagent.tool import Toolbox
    from faceagent.translate import translated_report

    paths = expand(chosen.inputs)
    columns = (TextColumn("Examining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(error=True), transient=True) as progress:
        task = progress.add_task("", total=len(paths))
        report, pictures = build_report(
            Toolbox.installed(),
            media(paths, limits_of(chosen)),
            command=shlex.join(["faceagent", *sys.argv[1:]]),
            title=chosen.title,
            purpose=chosen.purpose,
            on_progress=lambda _: progress.advance(task),
        )
    written = write_report(report, pictures, Path(chosen.out), chosen.language)
    _summary(translated_report(report, chosen.language))
    say("\nRead it: " + str(written["html"]))
    if "pdf" in written:
        say("Print it or hand it on: " + str(written["pdf"]))
        if not readable(chosen.language):
            say(f"No font here shows {LANGUAGES[chosen.language]}, so the PDF is in English: install Noto Sans CJK.")
    elif not available():
        say("For a PDF as well: pip install 'faceagent[pdf]'")
    else:
        say(f"No PDF is made of more than {AT_MOST} exhibits.")
    say("For programs: " + ", ".join(str(written[kind]) for kind in ("json", "csv")))
    return 1 if report.failures or any(_broken(report)) else 0


def _broken(report: Report) -> list[bool]:
    return [step.status == "failed" for exhibit in report.exhibits for step in exhibit.steps]


def _summary(report: Report) -> None:
    from faceagent.report.text import visible

    for line in report.summary:
        say(visible(line))
    for exhibit in report.exhibits:
        say("\n" + visible(f"{exhibit.exhibit.name}: {exhibit.verdict.headline}"))
    for failure in report.failures:
        say("\n" + visible(f"{failure.name}: not examined. {failure.message} {failure.mend or ''}".rstrip()))
