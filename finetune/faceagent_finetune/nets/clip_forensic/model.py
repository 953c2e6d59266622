"""The network: CLIP's vision tower as it is, but for its norms, and one linear unit on what it makes of a face.

LN-tuned CLIP (Yermakov, Cech & Matas 2025, arXiv 2503.19683; Yermakov et al. 2025, arXiv 2508.06248): only scale and
shift of the layer norms are trained, 0.03 % of the weights, and the class token counts by its direction alone. So few
cannot forget what CLIP knows of pictures, and by the authors' account that is why it holds on forgeries of new kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent.errors import MissingExtra, UsageError, WeightsError, WeightsMissing
from faceagent_finetune.nets.clip_forensic.quantised import tower_weights
from faceagent_tools.forensics.windows import SIZE


class ClipForensic(nn.Module):
    """float32 RGB [N, 3, 224, 224] of 0-255 -> logit of forged [N, 1].

    Args:
        tower: open_clip's `VisionTransformer`, W wide.
    """

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower.eval().requires_grad_(False)
        self.tower.proj = None  # the class token itself, not what it has in common with words
        for name in ("mean", "std"):  # those of its weights
            value = 255 * torch.tensor(tower.preprocess_cfg[name]).view(1, 3, 1, 1)
            self.register_buffer(name, value, persistent=False)
        self.norms = [module.requires_grad_() for module in tower.modules() if isinstance(module, nn.LayerNorm)]
        self.head = nn.Linear(tower.ln_post.normalized_shape[0], 1)

    def tuned(self) -> nn.ModuleList:
        """All that is trained, and so all that a checkpoint keeps: 0.1 of 300 million weights."""
        return nn.ModuleList([*self.norms, self.head])

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """What is trained: `norms` begin as CLIP's, `head` from nothing."""
        return {"norms": [p for norm in self.norms for p in norm.parameters()], "head": list(self.head.parameters())}

    def feature(self, pixels: Tensor) -> Tensor:
        """The class token after its norm, made 1 long [N, W]."""
        return functional.normalize(self.tower((pixels - self.mean) / self.std), dim=1)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.feature(pixels))


def started(recipe: Mapping[str, Any]) -> ClipForensic:
    """A network that begins with CLIP's weights, which open_clip downloads once and keeps in its cache.

    Args:
        recipe: `model`, open_clip's name for the architecture; `pretrained`, its name for the weights, or their file,
            which may be ONNX (`quantised`).

    Raises:
        MissingExtra: open_clip is not installed.
        WeightsMissing: the weights are not here and cannot be downloaded, or open_clip knows none of that name.
        WeightsError: an ONNX file is damaged or holds another tower.
        UsageError: the model is no vision transformer, or sees pictures of another size.
    """
    try:
        import open_clip
    except ModuleNotFoundError:
        raise MissingExtra("Tuning CLIP", "clip") from None
    name, pretrained = recipe["model"], recipe["pretrained"]
    packed = Path(pretrained) if pretrained.endswith(".onnx") else None
    try:
        weights = {} if packed else {"pretrained": pretrained, "require_pretrained": True}
        tower = open_clip.create_model(name, **weights).visual
    except RuntimeError as error:
        raise WeightsMissing(
            f"The weights {pretrained!r} of {name} cannot be loaded ({str(error).partition(chr(10))[0]})",
            "Run it once where there is a network, or get the file from its origin and name it in the recipe: "
            "pretrained = 'FILE'",
        ) from error
    if not isinstance(tower, open_clip.transformer.VisionTransformer) or tower.image_size != (SIZE, SIZE):
        raise UsageError(f"{name} is no vision transformer of {SIZE} x {SIZE} pixels", "Choose one, such as ViT-L-14")
    if packed:
        _fill(tower, packed)
    return ClipForensic(tower)


def _fill(tower: nn.Module, file: Path) -> None:
    """Put an ONNX file's weights into a tower."""
    weights = tower_weights(file)
    shapes = {name: value.shape for name, value in tower.state_dict().items() if name != "proj"}
    if {name: value.shape for name, value in weights.items()} != shapes:
        raise WeightsError(f"{file.name} is another tower than the recipe's model", "Name the model that it holds")
    tower.load_state_dict(weights, strict=False)
