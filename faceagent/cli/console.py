"""How the command line talks: sentences on standard output, complaints on standard error, no markup from files."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from faceagent.media import Limits
from faceagent.policy import purposes

if TYPE_CHECKING:
    from rich.console import Console


def console(*, error: bool = False) -> Console:
    """A rich console that takes text as text: brackets, emoji codes and control characters in names stay harmless."""
    from rich.console import Console

    return Console(stderr=error, markup=False, emoji=False, highlight=False)


def say(text: str = "") -> None:
    console().print(text, soft_wrap=not sys.stdout.isatty())


def complain(text: str) -> None:
    console(error=True).print(f"faceagent: {text}", soft_wrap=True)


def add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-megapixels", type=positive, default=64.0, metavar="N", help="largest photo (default 64)")
    parser.add_argument("--max-megabytes", type=positive, default=50.0, metavar="N", help="largest file (default 50)")


def add_controller(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--controller",
        default="embedded",
        help="who plans and words: embedded (the default), or transformers:MODEL[+ADAPTER] with a folder or a hub id",
    )
    parser.add_argument("--load-in", choices=("4bit", "8bit"), help="weights of a transformers model in fewer bits")


def add_purpose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--purpose",
        metavar="NAME",
        help="what faces are read for, one of "
        + ", ".join(purposes())
        + "; without one, expressions and perceived ethnicity stay off",
    )


def limits_of(chosen: argparse.Namespace) -> Limits:
    return Limits(max_pixels=int(chosen.max_megapixels * 1e6), max_bytes=int(chosen.max_megabytes * 2**20))


def positive(text: str) -> float:
    """A number from the command line that must be more than nothing."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def at_least_one(text: str) -> int:
    """A whole number from the command line, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1")
    return int(text)
