"""`faceagent ask FILE… "question"`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.cli.console import add_controller, add_limits, add_purpose, complain, limits_of, say
from faceagent.cli.keys import add_gallery, gallery_if_any
from faceagent.errors import MediaError, MissingExtra, UsageError
from faceagent.media import Photo
from faceagent.messages import LANGUAGES, language_of
from faceagent.translate import text_in, translated
from faceagent.video import Video, take

if TYPE_CHECKING:
    from faceagent.agent import FaceAgent
    from faceagent.session import Session
    from faceagent.types import Answer


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("ask", parents=[common], help="ask a question about photos and videos")
    parser.add_argument("given", nargs="+", metavar="FILE… QUESTION", help="photos and videos, then the question")
    parser.add_argument("--json", action="store_true", help="print the whole Answer as JSON")
    parser.add_argument("--steps", action="store_true", help="show each tool call")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        help="what the answer is told in, by default the language of the question where it is one of these; it is "
        "worded and checked in English, which --json keeps",
    )
    add_controller(parser)
    parser.add_argument(
        "--person",
        type=Path,
        metavar="FILE",
        help="soft tokens of a protected person for a transformers model, which opens with the gallery; the question "
        "names the person as <NAME>",
    )
    parser.add_argument(
        "--session",
        type=Path,
        metavar="FILE",
        help="go on with the conversation in this file, or begin one; it holds questions, answers, evidence and paths, "
        "no photos",
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where copies that a tool makes go")
    parser.add_argument(
        "--audit",
        type=Path,
        metavar="FILE",
        help="log the question here; with a gallery it is in the gallery's log anyway",
    )
    add_purpose(parser)
    add_gallery(parser)
    add_limits(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.agent import FaceAgent
    from faceagent.audit import AuditLog

    *paths, question = chosen.given
    if Path(question).is_file():
        raise UsageError(f"The question is missing: {question} is a file", "Put the question last, in quotes")
    gallery = gallery_if_any(chosen)
    with gallery or nullcontext():
        agent = FaceAgent(
            chosen.controller,
            limits=limits_of(chosen),
            purpose=chosen.purpose,
            load_in=chosen.load_in,
            person=chosen.person,
            gallery=gallery,
            audit=AuditLog(chosen.audit) if chosen.audit else None,
        )
        return _ask(agent, paths, question, chosen)


def _ask(agent: FaceAgent, paths: Iterable[str], question: str, chosen: argparse.Namespace) -> int:
    language = chosen.language or language_of(question) or "en"
    given, failed = _open(paths, chosen, language)
    if paths and not given:
        return 1
    session = _session(agent, chosen)
    answer = agent.ask(question, given, session=session)
    if chosen.session:
        session.save(chosen.session)
    written = list(_write(session, chosen.out))
    if chosen.json:
        say(answer.model_dump_json(indent=2))
    else:
        _show(translated(answer, language), written, steps=chosen.steps)
    if any(step.status == "refused" for step in answer.steps):
        return 2
    return 1 if failed or any(step.status == "failed" for step in answer.steps) else 0


def _session(agent: FaceAgent, chosen: argparse.Namespace) -> Session:
    if chosen.session is None or not chosen.session.exists():
        return agent.open(())
    session = agent.resume(chosen.session)
    if chosen.purpose not in (None, session.purpose):
        raise UsageError(
            f"This conversation has the purpose {session.purpose or 'none'}, which holds for all of it",
            "Begin another one for another purpose",
        )
    return session


def _open(paths: Iterable[str], chosen: argparse.Namespace, language: str) -> tuple[list[Photo | Video], bool]:
    opened: list[Photo | Video] = []
    failed = False
    for path in paths:
        try:
            opened.append(take(path, limits_of(chosen)))
        except (MediaError, MissingExtra) as error:
            complain(text_in(str(error), language))
            failed = True
    return opened, failed


def _write(session: Session, folder: Path) -> Iterable[Path]:
    """Store what tools made, never over an existing file."""
    for output in session.outputs.values():
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / output.name
        number = 2
        while True:
            try:
                with target.open("xb") as stream:
                    stream.write(output.data)
                break
            except FileExistsError:
                target = folder / f"{Path(output.name).stem}-{number}{Path(output.name).suffix}"
                number += 1
        yield target


def _show(answer: Answer, written: list[Path], *, steps: bool) -> None:
    if steps:
        for step in answer.steps:
            arguments = ", ".join(f"{key}={value}" for key, value in step.arguments.items())
            say(f"· {step.tool}({arguments}): {step.status}, {len(step.evidence)} findings, {step.milliseconds:.0f} ms")
        say()
    say(answer.text)
    for path in written:
        say(f"\nWritten: {path}")
