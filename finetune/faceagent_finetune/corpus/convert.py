"""A corpus in the formats that other trainers read.

"sharegpt" is the ShareGPT format as LLaMA-Factory reads it (data/README.md there), with its dataset_info.json;
"parquet" is Hugging Face's Image convention, to be opened with `datasets.load_dataset(DIR)`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceagent.errors import UsageError
from faceagent_finetune.corpus import parquet, sharegpt


@dataclass(frozen=True)
class Converted:
    """left_out: conversations that the format cannot hold, because parts of them must not be learnt."""

    written: int
    left_out: int


FORMATS: Mapping[str, Callable[[Path, Path], tuple[int, int]]] = {
    "sharegpt": sharegpt.write,
    "parquet": parquet.write,
}


def convert(corpus: Path, name: str, out: Path) -> Converted:
    """Write OUT, which takes its place in one step when it is whole.

    Args:
        name: one of `FORMATS`.

    Raises:
        UsageError: the folder holds no corpus, or OUT holds something or cannot be written.
        InputError: a file of the corpus is damaged or missing.
        MissingExtra: pyarrow is not installed.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} holds other files", "Name a folder that is empty or does not exist with --out")
    partial = out.parent / f".{out.name}.partial"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        converted = Converted(*FORMATS[name](corpus, partial))
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error})", "Make room, or name another folder with --out") from None
    return converted
