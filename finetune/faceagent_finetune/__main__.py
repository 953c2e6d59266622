"""`python -m faceagent_finetune corpus | preview | convert | nano | train | export | vip`.

Exit status: 0 done; 1 done, but some photos or conversations were broken, or something is missing; 2 the command, the
recipe or the data folder is wrong.
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.cli.console import complain, console, say
from faceagent.errors import FaceAgentError, InputError, MissingExtra

if TYPE_CHECKING:
    from faceagent_finetune.corpus.recipe import Recipe
    from faceagent_finetune.corpus.rewriter import Rewriter
    from faceagent_finetune.vlm.recipe import Recipe as Tuning

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        place = f" for {error.filename}" if error.filename else ""
        complain(str(FaceAgentError(f"There is no room{place} ({error.strerror})", "Make room, and go on as before")))
        return 1
    except KeyboardInterrupt:
        complain("Stopped. The same command goes on where it was.")
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
    speed = told["speed"]
    commonest = "".join(f"; the commonest answer: {top['share']:.2%}" for top in told["most_frequent_answers"][:1])
    say(f"{told['conversations']} conversations about {told['images']} images in {out}")
    say(f"Kinds: {', '.join(f'{kind} {number}' for kind, number in told['by_kind'].items())}")
    say(f"distinct-1 {told['distinct_1']}, distinct-2 {told['distinct_2']}{commonest}")
    if speed["conversations_per_second"]:
        asked = " and ".join(speed["asked_per_second"])
        say(f"{speed['conversations_per_second']} conversations a second{asked and f', {asked} aside'}")
    for kind, pace in speed["asked_per_second"].items():
        say(f"{kind}: {pace} a second")
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


def train(chosen: argparse.Namespace) -> int:
    """Tune a model, or go on with it; with --dry-run say what that will cost."""
    from faceagent_finetune.vlm.recipe import Recipe

    recipe = Recipe.read(chosen.recipe, chosen.model)
    _need_local("Tuning a vision-language model")
    if chosen.dry_run:
        return _dry_run(recipe, chosen.corpus)
    from faceagent_finetune.vlm.show import Steps
    from faceagent_finetune.vlm.train import train

    with Steps() as steps:
        run = train(recipe, chosen.corpus, chosen.out, steps)
    if run is None:  # in a process that only helps another
        return 0
    figures = run.report() or {}
    val = figures["val"]["all"]
    say(f"{figures['steps']} steps in {run.folder}, {figures['tokens_per_second']} tokens a second")
    say(f"Loss on val: {val['loss']}, the mean over {val['tokens']} tokens" if val else "No loss on val was asked for")
    say(f"Next: python -m faceagent_finetune export {run.folder} --out DIR")
    return _named_left_out(figures["left_out"])


def _dry_run(recipe: Tuning, corpus: Path) -> int:
    from faceagent_finetune.vlm.card import kinds_told
    from faceagent_finetune.vlm.estimate import estimate

    told = estimate(recipe, corpus)
    say(f"{told.parameters / 1e6:.1f} M parameters, {told.trained / 1e6:.2f} M of them trained ({recipe.method})")
    number = sum(told.by_kind.values())
    say(f"{number} conversations of {told.load.tokens:.0f} tokens in the mean; {told.steps} steps")
    say(f"Kinds: {kinds_told(recipe, told.by_kind)}")
    say(
        f"About {told.memory / 2**30:.2g} GiB of memory on each device, and {timedelta(seconds=round(told.seconds))} "
        f"hours on one such as this ({told.device}), within a factor of two or so. Nothing was trained."
    )
    return 0


def nano(chosen: argparse.Namespace) -> int:
    """Make a small model; with --data teach its vision tower first, or go on with that."""
    _need_local("Making a vision-language model")
    from faceagent_finetune.nano.make import look, make
    from faceagent_finetune.nano.recipe import Recipe
    from faceagent_finetune.planner import teacher
    from faceagent_finetune.vlm.shortage import shortage_told

    recipe = Recipe.read(chosen.recipe)
    if recipe.text.teacher:
        teacher.place()  # else it would be missed when the eyes are taught
    with shortage_told(chosen.out):
        if chosen.data:
            for name, figures in look(recipe, chosen.data, chosen.out, say, chosen.minutes).items():
                say(f"{name}, val: {', '.join(f'{key} {value}' for key, value in figures.items())}")
        folder = make(recipe, chosen.corpus, chosen.out)
    weights = (folder / "model.safetensors").stat().st_size / 4e6
    say(f"{weights:.1f} M parameters in {folder}, untrained but for its eyes, if those were taught")
    run = f"train finetune/recipes/nano-reading.toml --model {folder} --corpus {chosen.corpus}"
    say(f"Next: python -m faceagent_finetune {run} --out DIR")
    return 0


def export(chosen: argparse.Namespace) -> int:
    """Make of a run what is served."""
    _need_local("Exporting a vision-language model")
    from faceagent_finetune.vlm.export import export
    from faceagent_finetune.vlm.run import Run

    out = export(Run.open(chosen.run_folder), chosen.out, chosen.dtype)
    say(f"Merged, with its card: {out / 'model'}")
    if (out / "adapter").is_dir():
        say(f"The adapter alone: {out / 'adapter'}")
    say(f"Ask it: faceagent ask QUESTION PHOTO --controller transformers:{out / 'model'}")
    say(f"Serve it: faceagent serve {out / 'model'}")
    return 0


def vip(chosen: argparse.Namespace) -> int:
    """Train the soft tokens of a protected person, or go on with that."""
    from faceagent.cli.keys import gallery_of

    _need_local("Training the tokens of a person")
    from faceagent_finetune.vip.learn import TOKENS, learn
    from faceagent_finetune.vip.recipe import read
    from faceagent_finetune.vlm.shortage import shortage_told
    from faceagent_finetune.vlm.show import Steps

    recipe = read(chosen.recipe, chosen.model, chosen.adapter)
    with shortage_told(chosen.out), gallery_of(chosen) as gallery, Steps() as steps:
        told = learn(recipe, chosen.photos, gallery, chosen.person, chosen.out, steps)
    if told is None:  # in a process that only helps another
        return 0
    kept = chosen.out / TOKENS
    say(f"{told['tokens']} tokens in {kept}, {told['bytes'] / 1e3:.0f} kB, sealed: they open with the gallery alone")
    rightly = ", ".join(f"{kind} {right} of {of}" for kind, (right, of) in told["told_rightly"].items())
    say(f"Told rightly of photos kept back: {rightly}; {told['balanced']:.0%} in the mean".replace("%", " %"))
    spec = f"transformers:{recipe.model}" + (f"+{recipe.adapter}" if recipe.adapter else "")
    say(f'Ask: faceagent ask PHOTO "Is this <{told["name"]}>?" --controller {spec} --person {kept} --gallery DIR')
    if told["left_out"]:
        name, reason = next(iter(told["left_out"].items()))
        complain(f"{len(told['left_out'])} photos are left out, such as {name}: {reason}. See report.json.")
    return 1 if told["left_out"] else 0


def _named_left_out(left_out: dict[str, str]) -> int:
    """Say what was left out; the exit status."""
    if left_out:
        name, reason = next(iter(left_out.items()))
        complain(f"{len(left_out)} conversations are left out, such as {name}: {reason}. See left_out.jsonl.")
    return 1 if left_out else 0


def _need_local(what: str) -> None:
    if any(find_spec(package) is None for package in ("torch", "transformers", "accelerate", "peft")):
        raise MissingExtra(what, "local")


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
    small = commands.add_parser("nano", help="make a small vision-language model to be trained from nothing")
    small.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    small.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder of a corpus")
    small.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the model and its making")
    small.add_argument("--data", type=Path, metavar="DIR", help="folder with the Parquet files, to teach its eyes")
    small.add_argument("--minutes", type=float, metavar="N", help="of that in all, instead of the recipe's")
    small.set_defaults(run=nano)
    training = commands.add_parser("train", help="tune a vision-language model on a corpus, or go on with it")
    training.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    training.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder of a corpus")
    training.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the run")
    training.add_argument("--model", metavar="MODEL", help="folder or hub id, instead of the recipe's")
    training.add_argument("--dry-run", action="store_true", help="only say what it takes; no weights are read")
    training.set_defaults(run=train)
    exporting = commands.add_parser("export", help="make of a run what is served: a merged model, its adapter, a card")
    exporting.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run")
    exporting.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder that does not exist yet")
    kinds = ("auto", "bfloat16", "float16", "float32")
    exporting.add_argument("--dtype", choices=kinds, default="auto", help="of the weights (auto: as they were)")
    exporting.set_defaults(run=export)
    _add_vip(commands)
    return parser


def _add_vip(commands: Any) -> None:
    from faceagent.cli.keys import add_gallery

    person = commands.add_parser("vip", help="train soft tokens that stand for one protected person, or go on with it")
    person.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    person.add_argument("--model", required=True, metavar="MODEL", help="folder or hub id")
    person.add_argument("--adapter", metavar="DIR", help="a LoRA adapter that the model is used with")
    person.add_argument("--photos", type=Path, required=True, metavar="DIR", help="with authentic/ and others/")
    person.add_argument("--person", required=True, metavar="NAME", help="enrolled as protected in the gallery")
    person.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the tokens and their making")
    add_gallery(person)
    person.set_defaults(run=vip)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
