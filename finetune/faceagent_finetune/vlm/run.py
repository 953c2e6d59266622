"""The folder of a run.

RUN/run.json             recipe and corpus: a run that goes on must have the same
RUN/checkpoint-N/        all that is needed to go on after step N, or to export
RUN/corpus.md            the corpus' card
RUN/left_out.jsonl       conversations that could not be learnt from
RUN/loss.png             the losses so far
RUN/report.json          figures, once the run is done
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError
from faceagent_finetune.corpus.labelled import LeftOut
from faceagent_finetune.vlm.conversations import fingerprint
from faceagent_finetune.vlm.recipe import Recipe

_STATE, _LEFT_OUT = "trainer_state.json", "left_out.jsonl"


@dataclass(frozen=True)
class Run:
    """What a folder holds."""

    folder: Path
    recipe: Recipe

    @staticmethod
    def claim(folder: Path, recipe: Recipe, corpus: Path) -> Run:
        """Begin a run in a folder, or see that it is the same.

        Raises:
            UsageError: the folder holds another run, or other files.
        """
        file = folder / "run.json"
        wanted: dict[str, Any] = {"recipe": recipe.model_dump(mode="json"), "corpus": fingerprint(corpus)}
        if file.is_file():
            found = json.loads(file.read_text(encoding="utf-8"))
            if found != wanted:
                other = _differing(found["recipe"], wanted["recipe"]) or "the corpus has changed"
                raise UsageError(f"{folder} holds another run ({other})", "Name another folder with --out")
        elif folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} holds other files", "Name a folder that is empty or does not exist with --out")
        folder.mkdir(parents=True, exist_ok=True)
        write(file, json.dumps(wanted, indent=1) + "\n")
        card = corpus / "README.md"
        write(folder / "corpus.md", card.read_text(encoding="utf-8") if card.is_file() else "")
        return Run(folder, recipe)

    @staticmethod
    def open(folder: Path) -> Run:
        """
        Raises:
            UsageError: the folder holds no run.
        """
        file = folder / "run.json"
        if not file.is_file():
            raise UsageError(f"{folder} holds no run", "Give the folder named with --out when the model was trained")
        recipe = json.loads(file.read_text(encoding="utf-8"))["recipe"]
        if recipe["method"] == "tokens":
            raise UsageError(f"{folder} holds the tokens of a person", "Go on with it by the command vip")
        return Run(folder, Recipe.model_validate(recipe))

    def leave_out(self, rows: Iterable[LeftOut]) -> None:
        """Note what is left out. A run that goes on notes things twice."""
        with (self.folder / _LEFT_OUT).open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps({"name": row.name, "reason": row.reason}, ensure_ascii=False) + "\n")

    def was_left_out(self) -> dict[str, str]:
        """Reasons by name."""
        lines = (self.folder / _LEFT_OUT).read_text(encoding="utf-8").splitlines()
        return {row["name"]: row["reason"] for row in map(json.loads, lines)}

    def checkpoints(self) -> list[Path]:
        """Those that are whole, oldest first: the trainer writes its state last."""
        found = [path for path in self.folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
        return sorted(filter(_is_whole, found), key=lambda path: int(path.name.rpartition("-")[2]))

    def clear(self) -> None:
        """Remove checkpoints that were cut off while they were written."""
        whole = self.checkpoints()
        for path in self.folder.glob("checkpoint-*"):
            if path not in whole:
                shutil.rmtree(path)

    def report(self) -> dict[str, Any] | None:
        """The figures, or None before the run is done."""
        file = self.folder / "report.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def finish(self, figures: dict[str, Any]) -> None:
        write(self.folder / "report.json", json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def write(file: Path, text: str) -> None:
    """In one step, so that a break-off leaves the old one."""
    part = file.with_name(file.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def _differing(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} is {found.get(key)!r} there and {value!r} here"
        for key, value in wanted.items()
        if found.get(key) != value
    )
