"""Write the model card of faceagent-detector from what export and the benchmark measured, so that no figure is typed.

    python -m faceagent_finetune.nets.detector.card --network JSON --run CHECKPOINT --out FILE [--measured JSON]

--network: faceagent-detector.json. --measured: what `python -m faceagent_eval run detection --data DIR --out FOLDER`
wrote; without it the card says that nothing was measured yet.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceagent_finetune.nets.multitask.card import table

_INTENT = """\
A small anchor-free face detector with five points (eyes, nose tip, mouth corners), taught by YuNet. `detect_faces` runs
on it, through `faceagent_tools.detection.FaceDetector`.

- Input: `input`, float32 BGR [1, 3, H, W] of 0-255, H and W multiples of 32. Outputs, thresholds of IoU and boxes as
  YuNet's: `faceagent_tools.yunet` decodes both.
- Labels are what YuNet (Apache-2.0) finds in the photos of the train splits of LFW, FairFace, FER+, CelebA, UTKFace,
  StyleGAN/FFHQ and DFDC, at a score of at least 0.6. Weaker ones are neither face nor background. Training shows the
  photos as they are, and cut-outs of 11 to 290 px pasted, turned, crowded, covered and spoilt on places without a face;
  as many places without a face are pasted with the same edges.
- Made by `finetune/recipes/detector.toml`: labels, train, export, card, one command each, in
  `faceagent_finetune.nets.detector`; the script `python -m faceagent_finetune.nets.detector` runs them in this order.
- What the product reaches with it, each figure with its interval and its command:
  [docs/results.md](../../../docs/results.md).
"""

_LIMITS = """\
## Limits

- It can hardly be better than its teacher: faces that YuNet does not see, it was not shown.
- Trained on FairFace (CC BY 4.0), UTKFace, LFW (research use), CelebA (non-commercial research), FER+ (FER2013's
  images), FFHQ (CC BY-NC-SA) and DFDC (its own terms). **The weights are for research use.**
- The photos with several faces on which it is measured (HELEN, VIPBench) were never trained on, and no threshold was
  chosen on them. That each find is looked at a second time was added after a first measurement on them had shown too
  many inventions. The line of the reader's check of unsure finds (`detection.py`) was chosen on them, so the figures
  are a little optimistic. Public figures may occur both in LFW or CelebA, which were trained on, and in VIPBench.
- The shipped run was resumed twice and its data were changed on the way: the recipe does not make the same file again.
- Scores are not probabilities.
"""


def card(network: Mapping[str, Any], run: str, measured: Mapping[str, Any] | None) -> str:
    """The whole card, Markdown."""
    lines = network["thresholds"]
    speed = network["milliseconds_640x640_one_thread"]
    parts = [
        "# faceagent-detector\n",
        _INTENT,
        f"- {run}\n- {network['bytes'] / 1e6:.2f} MB, weights in 16 bits, computed in 32; SHA-256 "
        f"`{network['sha256']}`. Largest difference of an output from torch on a random picture: "
        f"{network['largest_difference_from_torch']:.2g}.\n- 640 x 640 px in {speed} ms (ONNX Runtime, one thread, "
        "decoding included).\n",
        "## Thresholds\n",
        f"Chosen on {lines['faces']} faces in {lines['pictures']} pictures of train splits that were put aside:\n",
        table(
            ("", "score", "YuNet's faces found", "invented per 100 pictures"),
            [
                (what, lines[key], lines[f"recall_at_{key}"], lines[f"invented_per_100_at_{key}"])
                for what, key in (("a face", "score"), ("weak, counts where there is no better", "weak_score"))
            ],
        ),
        f"\nBelow {lines['sure_score']}, where a fifth of these faces lie, turned copies of a photo are searched.\n",
        _measured(measured),
        _LIMITS,
    ]
    return "\n".join(parts)


def _measured(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return "## What it reaches\n\nNot measured yet: `python -m faceagent_eval run detection --data DIR`.\n"
    rows = [
        (figure["name"], f"{figure['value']:.3f} {figure['unit']}".strip(), figure["n"] or "")
        for figure in result["figures"]
    ]
    return (
        "## What it reaches (val)\n\n"
        f"`python -m faceagent_eval run detection --data DIR`: {result['protocol']}. {result['machine']}.\n\n"
        + table(("what", "found", "n"), rows)
    )


def trained_for(checkpoint: Path) -> str:
    """A sentence on the run behind a checkpoint."""
    import torch

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    recipe = state["recipe"]
    weights = sum(value.numel() for name, value in state["average"].items() if "running" not in name)
    return (
        f"{weights / 1e6:.2f} M weights; {state['step'] * recipe['batch']:,} pictures of {recipe['side']} px seen in "
        f"{state['spent'] / 60:.0f} minutes on the CPU, {recipe['threads']} threads."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--network", type=Path, required=True, help="faceagent-detector.json")
    parser.add_argument("--run", type=Path, required=True, help="the checkpoint behind it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--measured", type=Path, help="detection-embedded.json of the benchmark")
    chosen = parser.parse_args()
    network = json.loads(chosen.network.read_text("utf-8"))
    measured = json.loads(chosen.measured.read_text("utf-8")) if chosen.measured else None
    chosen.out.write_text(card(network, trained_for(chosen.run), measured), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
