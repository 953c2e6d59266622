"""`faceagent serve MODEL`: the vLLM command for a model, written out and started."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceagent.addresses import is_loopback
from faceagent.cli.console import complain, say
from faceagent.controllers.serving import IMAGES, LENGTH, PORT, Serving, serving

KEY = "FACEAGENT_API_KEY"


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("serve", parents=[common], help="serve a vision-language model as the controller")
    parser.add_argument("model", metavar="MODEL", help="its folder, or its id on the Hugging Face hub")
    parser.add_argument("--adapter", type=Path, metavar="DIR", help="folder of a LoRA adapter for it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine)")
    parser.add_argument("--port", type=int, default=PORT, help=f"(default {PORT})")
    parser.add_argument("--images", type=int, default=IMAGES, help=f"most pictures in one question (default {IMAGES})")
    parser.add_argument("--max-length", type=int, default=LENGTH, help=f"tokens of context (default {LENGTH})")
    parser.add_argument("--tool-parser", metavar="NAME", help="vLLM's tool parser (default: by the model's family)")
    parser.add_argument("--vllm", metavar="ARGS", default="", help='more for vLLM, as in --vllm="--dtype float32"')
    parser.add_argument("--print", action="store_true", help="write the command out and start nothing")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    wanted = serving(
        chosen.model,
        chosen.adapter,
        host=chosen.host,
        port=chosen.port,
        images=chosen.images,
        length=chosen.max_length,
        parser=chosen.tool_parser,
        more=tuple(shlex.split(chosen.vllm)),
    )
    for note in (*wanted.notes, *_open_to_others(wanted)):
        complain(note)
    say(_written(wanted.command))
    if chosen.print:
        return 0
    vllm = shutil.which("vllm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if vllm is None:
        complain(
            "vLLM is not installed in this environment. Make one for it (python3 -m venv vllm && vllm/bin/pip install "
            "vllm), because it does not share one with everything else, and run the command above there. "
            f"Then: faceagent ask … --controller {wanted.controller}"
        )
        return 1
    say(f"\nOnce it says that it is ready: faceagent ask … --controller {wanted.controller}\n")
    return _become(vllm, wanted.command[1:])


def _become(program: str, arguments: Sequence[str]) -> int:
    """Hand this process over, so that signals and the exit status are the server's own."""
    sys.stdout.flush()
    # vLLM reads its key from here. On the command line every user of the machine could read it.
    environment = {**os.environ, **({"VLLM_API_KEY": os.environ[KEY]} if os.environ.get(KEY) else {})}
    os.execve(program, [program, *arguments], environment)


def _open_to_others(wanted: Serving) -> tuple[str, ...]:
    if os.environ.get(KEY) or is_loopback(wanted.host):
        return ()
    return (f"Whoever reaches {wanted.host}:{wanted.port} can use this server: put a key into {KEY}, here and there.",)


def _written(command: Sequence[str]) -> str:
    """For a shell, one option a line."""
    lines = [shlex.join(command[:3])]
    for argument in command[3:]:
        if argument.startswith("--"):
            lines.append(shlex.quote(argument))
        else:
            lines[-1] += f" {shlex.quote(argument)}"
    return " \\\n    ".join(lines)
