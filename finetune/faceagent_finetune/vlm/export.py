"""Make of a run what is served.

    OUT/model/      the tuned model with its processor, in shards, as transformers and vLLM load it
    OUT/adapter/    of a LoRA run: the adapter alone, for the model that it was trained on

Each with the model card as README.md and the curve of the loss. OUT takes its place in one step when it is whole.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import torch
import transformers

from faceagent.controllers.pretrained import explained, read_processor
from faceagent.errors import UsageError
from faceagent_finetune.vlm.card import card
from faceagent_finetune.vlm.network import without_future_warnings
from faceagent_finetune.vlm.run import Run
from faceagent_finetune.vlm.shortage import shortage_told
from faceagent_finetune.vlm.watch import CURVE

DType = Literal["auto", "bfloat16", "float16", "float32"]
_SHARD = "4GB"
_ADAPTER = ("adapter_config.json", "adapter_model.safetensors")


def export(run: Run, out: Path, dtype: DType = "auto") -> Path:
    """Merge, write, describe; `out`.

    Args:
        dtype: of the model's weights; "auto" is as the model had them that was tuned.

    Raises:
        UsageError: the run has no whole checkpoint yet, or OUT is there already.
        ControllerError: the model that was tuned cannot be loaded. Shortage: no memory, or no room.
    """
    checkpoints = run.checkpoints()
    if not checkpoints:
        raise UsageError(f"{run.folder} has no whole checkpoint yet", "Train further, with the same command")
    if out.exists():
        raise UsageError(f"{out} exists", "Name a folder that does not exist with --out")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with shortage_told(out):
            partial.mkdir(parents=True)
            _write(run, checkpoints[-1], partial, dtype)
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _write(run: Run, checkpoint: Path, folder: Path, dtype: DType) -> None:
    text = card(run, checkpoint)
    transformers.utils.logging.disable_progress_bar()
    network = _network(run, checkpoint, dtype)
    with explained(str(checkpoint)):
        processor = read_processor(str(checkpoint))
    network.save_pretrained(folder / "model", max_shard_size=_SHARD)
    processor.save_pretrained(folder / "model")
    if run.recipe.method != "full":
        _copy_adapter(checkpoint, folder / "adapter", run.recipe.model)
    for made in folder.iterdir():
        (made / "README.md").write_text(text, encoding="utf-8")
        if (run.folder / CURVE).is_file():
            shutil.copy2(run.folder / CURVE, made / CURVE)


def _network(run: Run, checkpoint: Path, dtype: DType) -> Any:
    """On the processor. An adapter is merged into the weights as they were before they were quantised."""
    recipe = run.recipe
    with explained(recipe.model):
        kept = transformers.AutoConfig.from_pretrained(recipe.model).dtype or torch.float32
        chosen = kept if dtype == "auto" else getattr(torch, dtype)
        source = str(checkpoint) if recipe.method == "full" else recipe.model
        network = transformers.AutoModelForImageTextToText.from_pretrained(source, dtype=chosen)
    if recipe.method == "full":
        return network
    from peft import PeftModel

    with without_future_warnings():
        return PeftModel.from_pretrained(network, str(checkpoint)).merge_and_unload()


def _copy_adapter(checkpoint: Path, folder: Path, model: str) -> None:
    folder.mkdir()
    for name in _ADAPTER:
        shutil.copy2(checkpoint / name, folder / name)
    file = folder / _ADAPTER[0]
    config = json.loads(file.read_text(encoding="utf-8"))
    # A path on the machine that trained says nothing elsewhere.
    config["base_model_name_or_path"] = None if Path(model).is_dir() else model
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
