"""The vLLM command that serves a model so that the served controller can use it: tools, adapter, pictures, length.

vLLM wants an environment of its own, so nothing here imports it. Which family needs which tool parser is data, in
families.toml.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError

LENGTH, IMAGES, PORT = 16_384, 8, 8000
"""Defaults: tokens of context (the tools take about a quarter), pictures in one question, port."""

# vLLM takes these and no others.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


@dataclass(frozen=True)
class Serving:
    """What to run, and how to use it once it runs.

    command: arguments, the first being `vllm`. name: what the model is called there. notes: sentences to read first.
    """

    command: tuple[str, ...]
    name: str
    host: str
    port: int
    notes: tuple[str, ...] = ()

    @property
    def controller(self) -> str:
        """For --controller."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"openai:http://{host}:{self.port}/v1#{self.name}"


def serving(
    model: str,
    adapter: Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    images: int = IMAGES,
    length: int = LENGTH,
    parser: str | None = None,
    more: tuple[str, ...] = (),
) -> Serving:
    """The command for a model.

    Args:
        model: a folder, or an id of the Hugging Face hub (which vLLM downloads).
        adapter: folder of a LoRA adapter (peft) for it.
        images: how many pictures one question may hold.
        length: tokens of context; a folder's model is not asked for more than it has.
        parser: vLLM's tool parser; by default that of the model's family.
        more: further arguments for vLLM, as they are.

    Raises:
        UsageError: the family is not known and no parser is given, or a folder is not what it should be.
    """
    folder = _folder(model)
    family = _of_folder(folder) if folder else _of_name(model)
    lora = _lora(adapter) if adapter else ()
    template = _template(adapter, family)
    parser = parser or family.parser
    if not parser:
        raise UsageError(
            f"It is not known how {model} writes tool calls",
            "Name vLLM's parser for it with --tool-parser, for example --tool-parser hermes",
        )
    name = adapter.resolve().name if adapter else folder.name if folder else model
    command = (
        *("vllm", "serve", str(folder or model), "--host", host, "--port", str(port)),
        *(("--served-model-name", folder.name) if folder else ()),
        *("--enable-auto-tool-choice", "--tool-call-parser", parser),
        *(("--chat-template", template) if template else ()),
        *("--max-model-len", str(min(length, family.length or length))),
        *("--limit-mm-per-prompt", json.dumps({"image": images})),
        *lora,
        *family.options,
        *more,
    )
    return Serving(command, name, host, port, (family.note,) if family.note else ())


@dataclass(frozen=True)
class _Family:
    """See families.toml. length: tokens of context that the model has, where it is known."""

    parser: str | None = None
    template: str | None = None
    options: tuple[str, ...] = ()
    note: str | None = None
    length: int | None = None


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("faceagent.controllers").joinpath("families.toml").read_text(encoding="utf-8"))


def _of_name(model: str) -> _Family:
    for row in _table()["family"]:
        if any(re.search(name, model.lower()) for name in row["names"]):
            return _Family(row["parser"], row.get("template"), tuple(row.get("options", ())), row.get("note"))
    return _Family()


def _of_folder(folder: Path) -> _Family:
    """By what the folder's own chat template tells the model to write; where that knows no tools, by the name."""
    config = _read(folder / "config.json")
    length = {**config, **config.get("text_config", {})}.get("max_position_embeddings")
    template = _own_template(folder)
    if "tools" in template:
        for mark, parser in _table()["marks"].items():
            if mark in template:
                return _Family(parser, length=length)
    known = _of_name(str(config.get("_name_or_path") or folder.name))
    return _Family(known.parser, known.template, known.options, known.note, length)


def _own_template(folder: Path) -> str:
    written = folder / "chat_template.jinja"
    if written.is_file():
        return written.read_text(encoding="utf-8")
    # Where older models keep it.
    places = (folder / "chat_template.json", folder / "tokenizer_config.json")
    found = (_read(place).get("chat_template") for place in places if place.is_file())
    return next((str(template) for template in found if template), "")


def _template(adapter: Path | None, family: _Family) -> str | None:
    """An adapter that brings the template it was trained with is served with that."""
    if adapter and (adapter / "chat_template.jinja").is_file():
        return str((adapter / "chat_template.jinja").resolve())
    return str(files("faceagent.controllers").joinpath("hermes.jinja")) if family.template == "ours" else None


def _folder(model: str) -> Path | None:
    """The folder that a model is in, or None for an id of the hub.

    Raises:
        UsageError: it looks like a folder and holds no model.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise UsageError(
                f"The folder {model} holds no model", "It should contain config.json; an adapter goes to --adapter"
            )
        return path.resolve()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", model) or model.startswith("."):
        raise UsageError(
            f"There is no model folder {model}", "Name a folder, or a hub id such as Qwen/Qwen3-VL-8B-Instruct"
        )
    return None


def _lora(adapter: Path) -> tuple[str, ...]:
    config = adapter / "adapter_config.json"
    if not config.is_file():
        raise UsageError(f"The folder {adapter} holds no LoRA adapter", "It should contain adapter_config.json")
    rank = _read(config).get("r", 0)
    top = next((allowed for allowed in _RANKS if allowed >= rank), None)
    if top is None:
        raise UsageError(f"The adapter {adapter} has rank {rank}", f"vLLM serves ranks up to {_RANKS[-1]}")
    place = adapter.resolve()
    return ("--enable-lora", "--max-lora-rank", str(top), "--lora-modules", f"{place.name}={place}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(f"{path} cannot be read ({error})", "Copy the model's folder anew") from None
    if not isinstance(read, dict):
        raise UsageError(f"{path} is not a JSON object", "Copy the model's folder anew")
    return read
