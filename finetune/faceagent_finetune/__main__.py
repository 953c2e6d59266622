"""`python -m faceagent_finetune corpus | preview | convert`.

Exit status: 0 done; 1 done, but some photos were broken, or something is missing; 2 the command, the recipe or the data
folder is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.cli.console import complain, console, say
from faceagent.errors import FaceAgentError, InputError

if TYPE_CHECKING:
    from faceagent_finetune.corpus.recipe import Recipe
    from faceagent_finetune.corpus.rewriter import Rewriter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except InputError as error:
        complain(str(error))
        return 2
    except FaceAgentError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("Stopped. The same command goes on with the next shard.")
        return 130


def corpus(chosen: argparse.Namespace) -> int:
    """Make a corpus, or go on with one."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from faceagent_finetune.corpus.build import build
    from faceagent_finetune.corpus.card import write_card
    from faceagent_finetune.corpus.recipe import Recipe
    from faceagent_finetune.corpus.report import report

    recipe = Recipe.read(chosen.recipe)
    rewriter = _rewriter(recipe)
    columns = (TextColumn("Shards"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(error=True), transient=True) as progress:
        task = progress.add_task("")
        built = build(
            recipe,
            chosen.data,
            chosen.out,
            chosen.sample,
            lambda done, total: progress.update(task, completed=done, total=total),
            rewriter,
        )
    told = report(chosen.out, built)
    write_card(chosen.out, recipe, told)
    return _summary(told, chosen.out)


def _rewriter(recipe: Recipe) -> Rewriter | None:
    """The model that the recipe names, loaded."""
    from faceagent.controllers import make_controller
    from faceagent.tool import Toolbox
    from faceagent_finetune.corpus.rewriter import Rewriter

    if recipe.rewriter is None:
        return None
    return Rewriter(make_controller(recipe.rewriter.controller, Toolbox(())), recipe.rewriter.share)


def _summary(told: dict[str, Any], out: Path) -> int:
    """Say what was made; the exit status."""
    top, speed = told["most_frequent_answers"][0], told["speed"]
    say(f"{told['conversations']} conversations about {told['images']} images in {out}")
    say(f"Kinds: {', '.join(f'{kind} {number}' for kind, number in told['by_kind'].items())}")
    say(f"distinct-1 {told['distinct_1']}, distinct-2 {told['distinct_2']}; the commonest answer: {top['share']:.2%}")
    if speed["conversations_per_second"]:
        say(f"{speed['conversations_per_second']} conversations a second, traces aside")
    if speed["traces_per_second"]:
        say(f"{speed['traces_per_second']} traces a second")
    if told["reworded"]:
        say(_reworded(dict(told["reworded"])))
    broken = {name: left for name, left in told["left_out"].items() if left["broken"]}
    for name, left in broken.items():
        complain(f"{name}: {left['broken']} photos are broken and left out, such as {left['broken_named'][0]}.")
    return 1 if broken else 0


def _reworded(outcomes: dict[str, int]) -> str:
    """How many answers a model has reworded, and why it was not more."""
    tried, taken = sum(outcomes.values()), outcomes.pop("accepted", 0)
    kept = ", ".join(f"{reason} {number}" for reason, number in outcomes.items())
    return f"{taken} of {tried} answers reworded" + (f"; the composed wording kept: {kept}" if kept else "")


def preview(chosen: argparse.Namespace) -> int:
    """Write a page of samples."""
    from faceagent_finetune.corpus.preview import write_preview

    say(f"Read it: {write_preview(chosen.folder, chosen.each)}")
    return 0


def convert(chosen: argparse.Namespace) -> int:
    """Write a corpus in another format."""
    from faceagent_finetune.corpus.convert import convert as converted

    told = converted(chosen.folder, chosen.to, chosen.out)
    say(f"{told.written} conversations in {chosen.out}")
    if told.left_out:
        say(f"{told.left_out} are left out: parts of them must not be learnt, which {chosen.to} cannot say")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faceagent_finetune", description="Tune vision-language models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    making = commands.add_parser("corpus", help="make conversations of labelled photos")
    making.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    making.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with the Parquet files")
    making.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the corpus")
    making.add_argument("--sample", type=_positive, metavar="N", help="of so many photos in all, to look at")
    making.set_defaults(run=corpus)
    showing = commands.add_parser("preview", help="write an HTML page of samples")
    showing.add_argument("folder", type=Path, metavar="DIR", help="of a corpus")
    showing.add_argument("--each", type=_positive, default=8, metavar="N", help="conversations of a kind (default 8)")
    showing.set_defaults(run=preview)
    converting = commands.add_parser("convert", help="write a corpus in a format of other trainers")
    converting.add_argument("folder", type=Path, metavar="DIR", help="of a corpus")
    converting.add_argument(
        "--to", choices=("sharegpt", "parquet"), required=True, help="sharegpt: as LLaMA-Factory reads it"
    )
    converting.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the result")
    converting.set_defaults(run=convert)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
