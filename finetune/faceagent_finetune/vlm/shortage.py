"""What a machine runs out of while a model is trained or exported, in our words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError

from faceagent.controllers.pretrained import first_line
from faceagent.errors import FaceAgentError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Not all who write files raise OSError.
_NO_ROOM_TOLD = re.compile(r"no space left|file too large|quota exceeded|PytorchStreamWriter failed", re.IGNORECASE)
_NO_MEMORY_TOLD = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)


class Shortage(FaceAgentError):
    """Memory or disk gave way."""


@contextmanager
def shortage_told(place: Path | str) -> Iterator[None]:
    """
    Args:
        place: where files are written, or the model that is read.

    Raises:
        Shortage: there was too little memory, or no room on the disk.
    """
    try:
        yield
    except (OSError, RuntimeError, MemoryError, SafetensorError) as error:
        if getattr(error, "errno", None) in _NO_ROOM or _NO_ROOM_TOLD.search(str(error)):
            raise Shortage(
                f"There is no room for {place} ({first_line(error)})",
                "Make room, and give the same command again: it goes on after the last checkpoint that is whole",
            ) from error
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or _NO_MEMORY_TOLD.search(str(error)):
            raise Shortage(
                f"There is not enough memory ({first_line(error)})",
                "Lower batch and raise accumulate by as much, set checkpointing = true, lower max_length or "
                'image_side, or take method = "qlora"; train into another folder',
            ) from error
        raise
