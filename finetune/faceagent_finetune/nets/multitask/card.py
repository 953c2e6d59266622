"""Write the model card of faceagent-multitask from what export measured, so that no figure is typed.

    python -m faceagent_finetune.nets.multitask.card --network JSON --run CHECKPOINT --out FILE

--network: faceagent-multitask.json. --run: the checkpoint, for how long it was trained.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_tools import multitask

_INTENT = """\
One small network that reads a face's aligned crop: age, perceived gender, perceived ethnicity (FairFace's seven
groups), the 40 attributes of CelebA, expression, 68 points and both irises, head pose, how far eyes and mouth are open,
and whether there is a face to read at all. `estimate_attributes`, `recognize_emotion`, `estimate_pose`, `parse_face`
and `assess_quality` run on it, through `faceagent_tools.multitask.FaceReader`.

- It is built on dlib's face recogniser (CC0, about 3 million faces), which stays as it is and is not part of the file
  (docs/decisions/0007). Inputs: what the recogniser hands on of the aligned crop (`faceagent_tools.trunk`), uint8 RGB
  [150, 150, 3] of `faceagent_tools.align.face_chip`. The product averages the answers to the crop and to its mirror
  image; so do all figures here.
- Outputs: one a head, raw; `faceagent_tools/multitask.py` says what each means. Class logits are divided by the
  temperatures in `faceagent-multitask.json` before they are read as probabilities.
- Made by `finetune/recipes/multitask.toml`: crops, train, finish, export, card, one command each, in
  `faceagent_finetune.nets.multitask`; the script `python -m faceagent_finetune.nets.multitask` runs them in this order.
- What the product reaches with it, each figure with its interval and its command:
  [docs/results.md](../../../docs/results.md).
"""

_LIMITS = """\
## Limits

- Trained on FairFace (CC BY 4.0), UTKFace (research use), CelebA (non-commercial research), FER+ (images of FER2013,
  votes under MIT), and points of MediaPipe's attention mesh (Apache-2.0) on their photos; places without a face come
  from HELEN and LFW (research use). **The weights are for research use.**
- All figures are of the val splits of those sets, on which temperatures were fitted as well ("after" is measured on
  each half with the temperature of the other); they are not figures of an independent test. Of HELEN's 200 photos every
  second one fits the constant difference between the mesh's points and people's; the others measure it.
- Gender, ethnicity and attributes are how people who labelled photos perceived a face, in a set's own categories.
  Nothing here says who somebody is or what they feel.
- Perceived gender of small children is little better than a guess, and the age group of a minor is coarse: the network
  must not decide whether somebody is of age.
- Photos in which the detector finds no face are measured where the set's median box leads, and counted below. They are
  the worst read: turned, dark, covered.
- The expressions of which FER+ has few photos (disgust, contempt) are hardly ever given.
"""


def targets(network: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(what, wanted, found, reached)."""
    figures = network["figures"]
    fair, utk = figures["fairface"], figures["utkface"]
    by_race = [row for name, row in fair["gender_accuracy_by_group"].items() if name in multitask.RACES]
    gaps = [row["accuracy"] for row in by_race if row["photos"]]
    times = network["milliseconds_one_thread"]
    rows: list[tuple[str, float, float, str, bool]] = [
        ("Gender, FairFace", 0.93, fair["gender_accuracy"], "share", True),
        ("Ethnicity of 7, FairFace", 0.62, fair["race_accuracy"], "share", True),
        ("Age group of 9, FairFace", 0.50, fair["age_group_accuracy"], "share", True),
        ("Age, mean error in years, UTKFace", 5.5, utk["age_mae_years"], "number", False),
        ("40 attributes, mean, CelebA", 0.885, figures["celeba40"]["attribute_accuracy"], "share", True),
        ("Expression of 8, majority, FER+", 0.78, figures["ferplus"]["expression_accuracy"], "share", True),
        ("Gender, best minus worst ethnicity", 0.06, max(gaps) - min(gaps), "share", False),
        ("One crop on one core, recogniser included, ms", 12, times["crop"], "number", False),
        ("the same with its mirror image", 12, times["crop_and_mirror_image"], "number", False),
    ]
    if "helen68" in figures:
        helen = figures["helen68"]
        rows.append(("68 points, mean error, HELEN, all photos", 0.05, helen["geometry"]["nme"], "share", False))
        found = helen["geometry_where_found"]["nme"]
        rows.append(("the same, where the detector finds the face", 0.05, found, "share", False))
    told = []
    for what, wanted, found, kind, more in rows:
        sign, reached = (">=", found >= wanted) if more else ("<=", found <= wanted)
        told.append((what, f"{sign} {_shown(wanted, kind)}", _shown(found, kind), reached))
    return told


def _shown(value: float | None, kind: str = "share") -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if kind == "share" else f"{value:g}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def card(network: Mapping[str, Any], run: str) -> str:
    """The whole card, Markdown."""
    figures = network["figures"]
    reached = [(what, wanted, found, "yes" if ok else "no") for what, wanted, found, ok in targets(network)]
    parts = [
        "# faceagent-multitask\n",
        _INTENT,
        f"- {run}\n- {network['bytes'] / 1e6:.1f} MB, weights in 16 bits, computed in 32; SHA-256 "
        f"`{network['sha256']}`. Largest difference from torch on random crops: "
        + ", ".join(f"{name} {value:.2g}" for name, value in network["largest_difference_from_torch"].items())
        + ".\n",
        "## What it reaches (val)\n",
        table(("what", "wanted", "found", "reached"), reached),
        _groups(figures["fairface"]),
        _expressions(figures["ferplus"]),
        _attributes(figures["celeba40"]),
        _geometry(figures),
        _usable(figures.get("usable")),
        _calibration(network["calibration"]),
        _LIMITS,
    ]
    return "\n".join(part for part in parts if part)


def _groups(fair: Mapping[str, Any]) -> str:
    rows = [(name, row["photos"], _shown(row["accuracy"])) for name, row in fair["gender_accuracy_by_group"].items()]
    races = [(name, _shown(value)) for name, value in fair["race_accuracy_by_race"].items()]
    return (
        f"## By group (FairFace val, {fair['photos']} photos, {fair['not_found_by_detector']} of them not found by the "
        "detector)\n\nGender:\n\n"
        + table(("group", "photos", "right"), rows)
        + "\nEthnicity:\n\n"
        + table(("group", "recall"), races)
        + f"\nAge group within one group: {_shown(fair['age_group_within_one'])}.\n"
    )


def _expressions(ferplus: Mapping[str, Any]) -> str:
    rows = [(name, row["photos"], _shown(row["recall"])) for name, row in ferplus["recall_by_expression"].items()]
    return "## Expressions (FER+ val)\n\n" + table(("majority", "photos", "recall"), rows)


def _attributes(celeba: Mapping[str, Any]) -> str:
    rows = [
        (name, _shown(row["share"]), _shown(row["accuracy"]), _shown(row["balanced"]))
        for name, row in sorted(celeba["by_attribute"].items(), key=lambda item: -(item[1]["balanced"] or 0))
    ]
    return (
        f"## Attributes (CelebA val, {celeba['photos']} photos)\n\n"
        f"Mean accuracy {_shown(celeba['attribute_accuracy'])}; "
        f"always giving the commoner answer has {_shown(celeba['always_the_commoner_answer'])}. Mean balanced accuracy "
        f"{_shown(celeba['attribute_balanced_accuracy'])} (50 % is chance).\n\n"
        + table(("attribute", "share that has it", "accuracy", "balanced"), rows)
    )


def _geometry(figures: Mapping[str, Any]) -> str:
    rows = []
    for name, row in figures.items():
        found = row.get("geometry")
        if found:
            pose = found.get("pose_mae_degrees", {})
            angles = [f"{pose[axis]:g}" if axis in pose else "-" for axis in multitask.POSE]
            rows.append((name, found["photos"], _shown(found["nme"]), _shown(found["nme_median"]), *angles))
    return (
        "## Points and pose\n\n"
        "Mean distance of the 68 points in units of the distance of the outer corners of the eyes; "
        "pose in degrees. HELEN's points were set by people, all others by the mesh that also taught.\n\n"
        + table(("set", "photos", "points, mean", "points, median", *multitask.POSE), rows)
    )


def _usable(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return ""
    rows = [
        (f"{band['from']:g}-{band['to']:g}", band["crops"], _shown(band["gender_accuracy"]))
        for band in figures["gender_accuracy_by_detail"]
    ]
    return (
        "## When it does not answer\n\n"
        f"On {figures['crops']} crops kept apart (`finish`): {_shown(figures['faces_called_none'])} of the crops of "
        "faces, spoilt ones among them, are taken for places without a face, and "
        f"{_shown(figures['none_called_faces'])} of the places without a face for faces. `detail` has a rank "
        f"correlation of {figures['detail_rank_correlation']} with how alike dlib's recogniser finds the spoilt and "
        f"the untouched crop (mean error {figures['detail_mean_error']}). Perceived gender by the detail that the "
        f"network reports (untouched crops: {_shown(figures['gender_accuracy_untouched'])}); below "
        f"{figures['detail_line']:g} the product does not answer:\n\n"
        + table(("detail", "crops", "gender right"), rows)
    )


def _calibration(fitted: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            row["set"],
            row["temperature"],
            row["n_fit"],
            row["log_loss_before"],
            row["log_loss_after"],
            row["calibration_error_before"],
            row["calibration_error_after"],
        )
        for name, row in fitted.items()
        if name != "age"
    ]
    age = fitted["age"]
    return (
        "## Calibration\n\n"
        + table(
            ("head", "set", "temperature", "photos", "log loss before", "after", "calibration error before", "after"),
            rows,
        )
        + f"\nAge: the {age['interval']:.0%} interval (temperature {age['temperature']}) held "
        f"{age['covered_when_measured']:.1%} of {age['n_measured']} ages that it was not "
        f"fitted on; half of the intervals are narrower than "
        f"{age['median_width_years']:g} years.\n"
    )


def trained_for(checkpoint: Path) -> str:
    """A sentence on the run behind a checkpoint."""
    import torch

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    recipe = state["recipe"]
    samples = state["step"] * recipe["batch"]
    run = f"{samples:,} crops seen in {state['spent'] / 60:.0f} minutes on the CPU, threads: {recipe['threads']}."
    return run + (" It went on from the network that shipped before." if "start" in recipe else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--network", type=Path, required=True, help="faceagent-multitask.json")
    parser.add_argument("--run", type=Path, required=True, help="the checkpoint behind it")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    network = json.loads(chosen.network.read_text("utf-8"))
    chosen.out.write_text(card(network, trained_for(chosen.run)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
