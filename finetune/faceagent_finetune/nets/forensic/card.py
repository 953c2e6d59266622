"""Write the model card of faceagent-forensic from what export measured, so that no figure is typed.

    python -m faceagent_finetune.nets.forensic.card --network JSON --run CHECKPOINT --out FILE

--network: faceagent-forensic.json. --run: the checkpoint, for how long it was trained.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_finetune.nets.forensic.evaluate import AUTHENTIC
from faceagent_finetune.nets.multitask.card import table, trained_for

_INTENT = """\
Says of a face in a photo whether it shows traces of forgery, where, and of which kind: a face swapped or blended in, a
picture synthesised as a whole, a part of the face edited.

- Input: `pixels`, float32 RGB [N, 3, 224, 224] of 0-255: windows of the photo in its own pixels, cut by
  `faceagent_tools.forensics.windows.windows`; `joined` makes one answer of their outputs.
- Outputs: `score`, logit of forged; `kind`, logits of none, swap, synthesis, edit; `map`, logit of forged by cell of
  8 px; `domain`, where the window lies among those of the training. They are raw: a probability needs a calibration on
  photos that no part was trained on.
- Its semantic branch is EfficientNet-Lite0 (Apache-2.0), which begins with what it learnt on ImageNet; its stem and
  first blocks stay so, all else is trained (docs/decisions/0010).
- Made by `finetune/recipes/forensic.toml`: crops, train, export, card, one command each, in
  `faceagent_finetune.nets.forensic`; the script `python -m faceagent_finetune.nets.forensic` runs them in this order.
- What the product reaches with it, each figure with its interval and its command:
  [docs/results.md](../../../docs/results.md).
- Half of what it saw of every set is forged: DFDC's swaps and StyleGAN's pictures, and forgeries made on the fly from
  authentic photos. Both classes are resized, saved and cut by one pipeline, whose draws know nothing of the class, and
  a set's forgery is shown beside an authentic photo of about the same file size and face size.
"""

_LIMITS = """\
## Limits

- Trained on DFDC (its own terms), FFHQ and StyleGAN pictures (CC BY-NC-SA), LFW and HELEN (research use), FairFace
  (CC BY 4.0), and points of MediaPipe's attention mesh (Apache-2.0). **The weights are for research use.**
- All figures are of val splits: no source video (DFDC), no person (LFW) and no photo is in both splits, but DFDC's
  actors may be. VIPBench was measured only; it has few photos, all around one person.
- The threshold was fitted on every second authentic val photo and measured on the others.
- Generators that it has not seen leave other traces. A low score is no proof of authenticity; beauty filters,
  strong sharpening and denoising may be taken for edits.
- What was resized to less than half, or saved at a low quality, has lost most of what the network looks for: see the
  robustness table.
- The map shows where the network looked, on a grid of 8 px; it is no proof.
"""


def targets(figures: Mapping[str, Any], milliseconds: float) -> list[tuple[str, str, str, str]]:
    """(what, wanted, found, reached) of the val bars."""
    sets, blends = figures["sets"], figures["blends"]
    quiet = [figures["threshold"]["false_alarms"][name] for name in AUTHENTIC]
    alarms = [row["share"] for row in quiet if row["photos"]]
    rows = [
        ("AUC, DFDC", 0.86, sets["dfdc_faces"]["swap"]["auc"], True),
        ("AUC, StyleGAN against FFHQ", 0.98, sets["stylegan_ffhq"]["synthesis"]["auc"], True),
        ("AUC, VIPBench, swap against authentic", 0.88, sets["vip_one_person"]["swap"]["auc"], True),
        ("AUC, blends of unseen photos", 0.93, blends["swap"]["auc"], True),
        ("Region IoU of them", 0.4, blends["swap"]["iou"], True),
        ("False alarms on authentic photos, worst set", 0.05, max(alarms), False),
        ("One window, one thread, ms", 50, milliseconds, False),
    ]
    return [
        (
            what,
            f"{'>=' if more else '<='} {wanted:g}",
            f"{found:.3g}",
            _yes(found >= wanted if more else found <= wanted),
        )
        for what, wanted, found, more in rows
    ]


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


def card(network: Mapping[str, Any], run: str) -> str:
    """The whole card, Markdown."""
    figures = network["figures"]
    apart = ", ".join(f"{name} {value:.2g}" for name, value in network["largest_difference_from_torch"].items())
    times = network["milliseconds_one_thread"]
    parts = [
        "# faceagent-forensic\n",
        _INTENT,
        f"- {run}\n- {network['bytes'] / 1e6:.1f} MB, weights in 16 bits, computed in 32; SHA-256 "
        f"`{network['sha256']}`. Largest difference from torch: {apart}.\n"
        f"- One thread: {times['1']:g} ms a window, {times['4']:g} ms for a large face in four. A face in one window "
        "is looked at twice, as it is and mirrored.\n",
        "## What it reaches (val)\n",
        table(("what", "wanted", "found", "reached"), targets(figures, times["1"])),
        _kinds(figures),
        _threshold(figures["threshold"]),
        _robustness(figures["robustness"]),
        _confounds(figures["confounds"]),
        _LIMITS,
    ]
    return "\n".join(parts)


def _kinds(figures: Mapping[str, Any]) -> str:
    rows: list[Sequence[object]] = [
        (name, kind, told[kind]["photos"], told["authentic"], told[kind]["auc"], told[kind]["kind_found"], "-")
        for name, told in figures["sets"].items()
        for kind in ("swap", "synthesis")
        if kind in told
    ]
    rows += [
        ("made from val photos", kind, row["photos"], row["photos"], row["auc"], row["kind_found"], row["iou"])
        for kind, row in figures["blends"].items()
    ]
    return "## By kind\n\n" + table(("set", "kind", "forged", "authentic", "AUC", "kind found", "IoU"), rows)


def _threshold(told: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            row["photos"],
            row["share"],
            told["found"].get(name, {}).get("photos", "-"),
            told["found"].get(name, {}).get("share", "-"),
        )
        for name, row in told["false_alarms"].items()
    ]
    head = ("set", "authentic", "false alarms", "forged", "found")
    return f"## At the threshold (logit {told['threshold_logit']:g})\n\n" + table(head, rows)


def _robustness(told: Mapping[str, Any]) -> str:
    rows = [(label, row["dfdc_faces"], row["stylegan_ffhq"], row["blends"]) for label, row in told.items()]
    return "## When the photo was changed afterwards (AUC)\n\n" + table(("change", "DFDC", "StyleGAN", "blends"), rows)


def _confounds(told: Mapping[str, Any]) -> str:
    names = list(told)
    facts = list(told[names[0]]["auc_alone"])
    rows = [(fact, *(told[name]["auc_alone"][fact] for name in names)) for fact in facts]
    rows.append(("the score, among files of like size", *(told[name]["auc_of_score_at_like_size"] for name in names)))
    return "## What else would tell them apart (AUC of each thing alone; 0.5 is nothing)\n\n" + table(
        ("thing", *names), rows
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--network", type=Path, required=True, help="faceagent-forensic.json")
    parser.add_argument("--run", type=Path, required=True, help="the checkpoint behind it")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    network = json.loads(chosen.network.read_text("utf-8"))
    chosen.out.write_text(card(network, trained_for(chosen.run)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
