"""Steps of a training as a person sees them: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from faceagent.cli.console import console, say
from faceagent_finetune.vlm.watch import Seen

_REPORT_SECONDS = 20.0


class Steps:
    """Call it after each step."""

    def __init__(self) -> None:
        columns = (TextColumn("Steps"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        screen = console(error=True)
        hidden = not screen.is_terminal
        self._bar = Progress(*columns, TimeRemainingColumn(), console=screen, transient=True, disable=hidden)
        self._task: TaskID | None = None
        self._first, self._begun, self._said = 0, time.monotonic(), 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, seen: Seen) -> None:
        if self._task is None:
            # A run that goes on begins with the step that it had reached; its speed is that of the steps since.
            self._task = self._bar.add_task("", total=seen.steps, completed=seen.step)
            self._first, self._begun = seen.step, time.monotonic()
        told = f"loss {seen.loss:.4f}  {seen.speed:.0f} tokens/s"
        self._bar.update(self._task, completed=seen.step, description=told)
        if self._bar.disable:
            self._line(seen, told)

    def _line(self, seen: Seen, told: str) -> None:
        now = time.monotonic()
        if now - self._said < _REPORT_SECONDS and seen.step < seen.steps:
            return
        self._said = now
        done = seen.step - self._first
        left = f"{(now - self._begun) / done * (seen.steps - seen.step) / 60:.0f} min left" if done else "begun"
        say(f"step {seen.step} of {seen.steps}  {told}  {left}")
