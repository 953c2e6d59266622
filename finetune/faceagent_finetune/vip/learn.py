"""Train the tokens of a person, or go on with that.

    OUT/person.tokens              what is kept: the tokens, sealed (see `faceagent.controllers.person`)
    OUT/report.json, loss.png      figures, and which run they are of; nothing of the person but the name
    OUT/corpus/, OUT/run/          the conversations and the trainer's folder, which go once the tokens are kept

The folder is its owner's alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from faceagent.controllers.local_model import adapted
from faceagent.controllers.person import PersonTokens, fingerprint, make_room, token_names
from faceagent.controllers.pretrained import ChatFormat, check_place, explained, read_processor
from faceagent.errors import UsageError
from faceagent.gallery import Gallery
from faceagent_finetune.vip import conversations, photos
from faceagent_finetune.vip.judge import judged
from faceagent_finetune.vip.recipe import Recipe
from faceagent_finetune.vlm import network as networks
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.network import without_future_warnings
from faceagent_finetune.vlm.run import Run, write
from faceagent_finetune.vlm.train import Start, train
from faceagent_finetune.vlm.watch import CURVE, Progress

TOKENS, REPORT = "person.tokens", "report.json"


def learn(
    recipe: Recipe, folder: Path, gallery: Gallery, name: str, out: Path, on_progress: Progress
) -> dict[str, Any] | None:
    """The figures; None in a process that only helps another.

    Args:
        folder: photos, see `photos`. gallery: where the person is enrolled as protected.

    Raises:
        UsageError: recipe, photos, person and folder do not go together. GalleryError: the gallery cannot be used.
        FaceAgentError: as `vlm.train.train`.
    """
    check_place(recipe.model)
    name = photos.protected(gallery, name).name
    of = {"person": name, "photos": photos.fingerprint(folder), "recipe": _sha256(recipe)}
    report = out / REPORT
    for file in (report, out / "corpus" / conversations.MADE):
        _check(file, of, out)
    if not (out / TOKENS).is_file() or not report.is_file():
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        left_out = _corpus(recipe, folder, gallery, of, out / "corpus")
        run = train(recipe, out / "corpus", out / "run", on_progress, start(name))
        if run is None:
            return None
        figures = _kept(run, recipe, gallery, name, out)
        told = {**figures, "left_out": left_out, "of": of}
        write(report, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    # Photos of the person, and the tokens in the clear.
    for rest in ("corpus", "run"):
        shutil.rmtree(out / rest, ignore_errors=True)
    return _read(report)


def _check(file: Path, of: Mapping[str, str], out: Path) -> None:
    """Raises: UsageError: there is such a file, of another run."""
    known = _read(file).get("of", {}) if file.is_file() else of
    other = ", ".join(key for key, value in of.items() if known.get(key) != value)
    if other:
        raise UsageError(f"{out} holds another run (differing: {other})", "Name another folder with --out")


def _corpus(recipe: Recipe, folder: Path, gallery: Gallery, of: Mapping[str, str], corpus: Path) -> dict[str, str]:
    """Made where it is not there; what was left out."""
    if not corpus.is_dir():
        reader = photos.Photos(gallery, of["person"])
        shown = reader.read(folder, recipe)
        left_out = {row.name: row.reason for row in reader.left_out}
        conversations.write(shown, of["person"], recipe, corpus, {"of": of, "left_out": left_out})
    return dict(_read(corpus / conversations.MADE)["left_out"])


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _sha256(recipe: Recipe) -> str:
    return hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()


def start(name: str) -> Start:
    """The network with nothing to be trained but the tokens of a person."""

    def started(recipe: Any) -> tuple[Any, ChatFormat]:
        from peft import TrainableTokensConfig, get_peft_model

        network, processor = _network(recipe)
        tokens = token_names(name, recipe.tokens)
        ids = make_room(network, processor.tokenizer, tokens)
        weight = network.get_input_embeddings().weight
        with torch.no_grad():
            known = weight[: min(ids)].float()
            weight[ids] = torch.normal(known.mean(0).expand(len(ids), -1), known.std(0)).to(weight.dtype)
        with without_future_warnings():
            network = get_peft_model(network, TrainableTokensConfig(token_indices=ids))
        # Or peft looks the model up, finds that it has grown, and keeps all its embeddings beside the tokens.
        network.active_peft_config.base_model_name_or_path = None
        return network, ChatFormat.of(processor, {f"<{name}>": "".join(tokens)})

    return started


def _network(recipe: Recipe) -> tuple[Any, Any]:
    """As it will be used, with an adapter in its weights, and its processor."""
    with explained(recipe.model):
        processor = read_processor(recipe.model)
    network = networks.as_stored(recipe)
    return adapted(network, recipe.adapter).merge_and_unload() if recipe.adapter else network, processor


def _kept(run: Run, recipe: Recipe, gallery: Gallery, name: str, out: Path) -> dict[str, Any]:
    """Seal the tokens, and ask about the photos that were kept back with what was sealed."""
    # Where the output layer has the same weights, peft may name the rows twice.
    rows = next(iter(load_file(run.checkpoints()[-1] / "adapter_model.safetensors").values()))
    person = gallery.person(name)
    assert person is not None
    model = Path(recipe.model).name if Path(recipe.model).is_dir() else recipe.model
    consent = person.consent
    about = {
        "model": model,
        "licence": "personal data; to be used as the consent says, and as the model's licence allows",
        "consent": {"purpose": consent.purpose, "given": str(consent.given), "until": str(consent.until or "")},
        "recipe_sha256": _sha256(recipe),
    }
    adapter = fingerprint(recipe.adapter) if recipe.adapter else None
    PersonTokens(name, rows, fingerprint(recipe.model), adapter, about).save(out / TOKENS, gallery)
    network, processor = _network(recipe)
    tokens = PersonTokens.read(out / TOKENS, gallery)
    tokens.install(network, processor)
    val = Conversations(out / "corpus", "val")
    found = judged(network.eval(), ChatFormat.of(processor, tokens.written), val, name, recipe)
    shutil.copy2(run.folder / CURVE, out / CURVE)
    report = run.report() or {}
    return {"name": name, "tokens": len(rows), "bytes": (out / TOKENS).stat().st_size, **found, **report}
