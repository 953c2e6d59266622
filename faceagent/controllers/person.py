"""Soft tokens of a protected person: rows of a model's input embeddings that stand for one person, in a sealed file.

They are what VIPGuard's third stage learns (Lin et al. 2025, arXiv 2505.19582): all weights stay as they are, and K new
tokens are trained on photos of the person, of others and of imitations. A question names the person as <Ada>; the model
reads the K tokens there. `python -m faceagent_finetune vip` makes them.

The file is as telling of a face as a template: it is encrypted under the person's data key in the gallery, so that
`forget` leaves nothing that opens it, wherever copies are. Its first line is JSON and names nobody.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError
from faceagent.gallery import Gallery

_FORMAT = "faceagent person tokens 1"
_PLACE = "soft tokens"
_ROWS = "rows"
_SLICES, _SLICE = 64, 65_536  # of each file of weights: enough to tell any two trainings apart
_HEADER = 1024  # bytes that the first line has at most


@dataclass(frozen=True, eq=False)
class PersonTokens:
    """rows: float32 [K, width of the model], of torch. model, adapter: fingerprints of what they were trained with.

    about: what else is kept of them: name of the model, licence, consent, SHA-256 of the recipe, figures.
    """

    name: str
    rows: Any
    model: str
    adapter: str | None
    about: Mapping[str, Any]

    @property
    def mark(self) -> str:
        """What a question names the person by."""
        return f"<{self.name}>"

    @property
    def tokens(self) -> list[str]:
        return token_names(self.name, len(self.rows))

    @property
    def written(self) -> dict[str, str]:
        """What the model reads in place of the mark, for `ChatFormat`."""
        return {self.mark: "".join(self.tokens)}

    def check(self, model: str, adapter: str | None) -> None:
        """
        Raises:
            UsageError: they were trained with another model, or another adapter.
        """
        if fingerprint(model) != self.model:
            trained = self.about.get("model", "another one")
            raise UsageError(
                f"The tokens of {self.name} were trained with another model than {model} ({trained})",
                "Use that model, or train them anew with: python -m faceagent_finetune vip",
            )
        if (fingerprint(adapter) if adapter else None) != self.adapter:
            trained = "with another adapter, or none" if adapter else "with an adapter"
            raise UsageError(
                f"The tokens of {self.name} were trained {trained}", "Name the same MODEL+ADAPTER as they were trained"
            )

    def install(self, network: Any, processor: Any) -> None:
        """Put them into a network and its tokenizer. Nothing that was there changes.

        Raises:
            UsageError: the network's embeddings are of another width.
        """
        import torch

        width = network.get_input_embeddings().weight.shape[1]
        if self.rows.shape[1] != width:
            raise UsageError(
                f"The tokens of {self.name} are {self.rows.shape[1]} numbers wide, the model's {width}",
                "Use the model that they were trained with",
            )
        ids = make_room(network, processor.tokenizer, self.tokens)
        with torch.no_grad():
            weight = network.get_input_embeddings().weight
            weight[ids] = self.rows.to(weight.device, weight.dtype)
        # They are there to be read and never to be written.
        network.generation_config.suppress_tokens = ids

    def save(self, file: Path, gallery: Gallery) -> None:
        """Write them, for their owner alone, in one step.

        Raises:
            GalleryError: nobody has the name.
        """
        from safetensors.torch import save

        known = {"name": self.name, "model": self.model, "adapter": self.adapter, "about": dict(self.about)}
        plain = save({_ROWS: self.rows.float().contiguous()}, {"person": json.dumps(known, ensure_ascii=False)})
        person, sealed = gallery.seal(self.name, plain, _PLACE)
        part = file.with_name(file.name + ".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(json.dumps({"format": _FORMAT, "person": person}).encode() + b"\n" + sealed)
        part.replace(file)

    @staticmethod
    def read(file: Path, gallery: Gallery) -> PersonTokens:
        """
        Raises:
            UsageError: it is no such file.
            GalleryError: the person was forgotten, or the file is another gallery's.
        """
        from safetensors.torch import load

        person, sealed = _opened(file)
        plain = gallery.unseal(person, sealed, _PLACE)
        rows = load(plain)[_ROWS]
        length = int.from_bytes(plain[:8], "little")
        known = json.loads(json.loads(plain[8 : 8 + length])["__metadata__"]["person"])
        return PersonTokens(known["name"], rows, known["model"], known["adapter"], known["about"])


def _opened(file: Path) -> tuple[int, bytes]:
    """The number of the person in the gallery, and what is sealed."""
    try:
        first, _, sealed = file.read_bytes().partition(b"\n")
        header = json.loads(first[:_HEADER])
        if header["format"] == _FORMAT:
            return int(header["person"]), sealed
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror})", "Check the path") from None
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError(f"{file} holds no tokens of a person", "Make them with: python -m faceagent_finetune vip")


def token_names(name: str, count: int) -> list[str]:
    return [f"<{name}:{number}>" for number in range(1, count + 1)]


def make_room(network: Any, tokenizer: Any, tokens: Sequence[str]) -> list[int]:
    """Ids of new tokens, each with a row: the mean of those known, in the output layer too, where it is another one.

    Raises:
        UsageError: the tokenizer has one of them already.
    """
    import torch
    from transformers import AddedToken

    if tokenizer.add_tokens([AddedToken(token, normalized=False) for token in tokens]) != len(tokens):
        raise UsageError(f"The model has a token {tokens[0]} already", "Use the model as it was before")
    ids = [int(number) for number in tokenizer.convert_tokens_to_ids(list(tokens))]
    if max(ids) >= network.get_input_embeddings().weight.shape[0]:
        network.resize_token_embeddings(max(ids) + 1, mean_resizing=False)
    with torch.no_grad():
        for layer in (network.get_input_embeddings(), network.get_output_embeddings()):
            layer.weight[ids] = layer.weight[: min(ids)].float().mean(0).to(layer.weight.dtype)
    return ids


def fingerprint(model: str) -> str:
    """Changes when a model's or adapter's weights do: SHA-256 over sizes and samples of its files.

    Args:
        model: a folder, or a hub id whose files are here.
    """
    digest = hashlib.sha256()
    for file in sorted(_folder(model).glob("*.safetensors")):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as stream:
            for place in range(_SLICES):
                stream.seek(place * max(size - _SLICE, 0) // (_SLICES - 1))
                digest.update(stream.read(_SLICE))
    return digest.hexdigest()


def _folder(model: str) -> Path:
    if Path(model).is_dir():
        return Path(model)
    from transformers.utils.hub import cached_file

    return Path(str(cached_file(model, "config.json"))).parent
