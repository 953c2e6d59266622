"""Write the model card of faceagent-multitask from the figures of evaluate and export, so that no figure is typed.

    python -m faceagent_finetune.nets.multitask.card --figures FILE --calibration FILE --run FILE --out FILE

--figures: the JSON of evaluate. --calibration: the JSON of export. --run: the checkpoint, for how long it was trained.
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
groups), the 40 attributes of CelebA, expression, 68 points and both irises, head pose, how far eyes and mouth are open.

**No tool of this version uses it yet.** It is a first training, kept so that the next one has something to beat.

- Input: `pixels`, float32 RGB [N, 3, 112, 112] of 0-255: `faceagent_tools.align.face_chip(photo, face, size=112,
  padding=0.5)`.
- Outputs: one a head, raw; `faceagent_tools/multitask.py` says what each means. Class logits are
  divided by the temperatures in `faceagent-multitask.json` before they are read as probabilities.
- Made by `finetune/recipes/multitask.toml`: crops, train, evaluate, export, card, one command each, in
  `faceagent_finetune.nets.multitask`. Weights start at random: nothing pretrained is in it.
"""

_LIMITS = """\
## Limits

- Trained on FairFace (CC BY 4.0), UTKFace (research use), CelebA (non-commercial research), FER+ (images of FER2013,
  votes under MIT), and points of MediaPipe's attention mesh (Apache-2.0) on their photos. **The weights are for
  research use.**
- All figures are of the val splits of those sets, on which temperatures were fitted as well (on one half, measured on
  the other); they are not figures of an independent test. HELEN was not trained on.
- Gender, ethnicity and attributes are how people who labelled photos perceived a face, in a set's own categories.
  Nothing here says who somebody is or what they feel.
- In training most FairFace, UTKFace and FER+ photos end close around the face, so that the crop has black parts; they
  are filled at random in training, but a photo with a real background is rarer in training than in use.
- Photos in which the detector finds no face are measured where the set's median box leads, and counted below.
- No head says when a crop holds no face, and there is no quality head yet.
"""


def targets(figures: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(what, wanted, found, reached)."""
    fair, utk = figures["fairface"], figures["utkface"]
    by_race = [row for name, row in fair["gender_accuracy_by_group"].items() if name in multitask.RACES]
    gaps = [row["accuracy"] for row in by_race if row["photos"]]
    rows: list[tuple[str, float, float, str, bool]] = [
        ("Gender, FairFace", 0.93, fair["gender_accuracy"], "share", True),
        ("Ethnicity of 7, FairFace", 0.62, fair["race_accuracy"], "share", True),
        ("Age group of 9, FairFace", 0.50, fair["age_group_accuracy"], "share", True),
        ("Age, mean error in years, UTKFace", 5.5, utk["age_mae_years"], "number", False),
        ("40 attributes, mean, CelebA", 0.885, figures["celeba40"]["attribute_accuracy"], "share", True),
        ("Expression of 8, majority, FER+", 0.78, figures["ferplus"]["expression_accuracy"], "share", True),
        ("Gender, best minus worst ethnicity", 0.06, max(gaps) - min(gaps), "share", False),
        ("One face on one core, ms", 12, calibration["milliseconds_one_thread"], "number", False),
    ]
    if "helen68" in figures:
        rows.append(("68 points, mean error, HELEN", 0.05, figures["helen68"]["geometry"]["nme"], "share", False))
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


def card(figures: Mapping[str, Any], calibration: Mapping[str, Any], run: str) -> str:
    """The whole card, Markdown."""
    reached = [
        (what, wanted, found, "yes" if ok else "no") for what, wanted, found, ok in targets(figures, calibration)
    ]
    parts = [
        "# faceagent-multitask\n",
        _INTENT,
        f"- {run}\n- {calibration['bytes'] / 1e6:.1f} MB, weights in 16 bits, computed in 32; SHA-256 "
        f"`{calibration['sha256']}`. Largest difference from torch on random crops: "
        + ", ".join(f"{name} {value:.2g}" for name, value in calibration["largest_difference_from_torch"].items())
        + ".\n",
        "## What it reaches (val)\n",
        table(("what", "wanted", "found", "reached"), reached),
        _groups(figures["fairface"]),
        _expressions(figures["ferplus"]),
        _attributes(figures["celeba40"]),
        _geometry(figures),
        _calibration(calibration["calibration"]),
        _LIMITS,
    ]
    return "\n".join(parts)


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
        found = row["geometry"]
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


def _calibration(fitted: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            row["set"],
            row["temperature"],
            row["log_loss_before"],
            row["log_loss_after"],
            row["calibration_error_after"],
        )
        for name, row in fitted.items()
        if name != "age"
    ]
    age = fitted["age"]
    return (
        "## Calibration\n\n"
        + table(("head", "set", "temperature", "log loss before", "after", "calibration error after"), rows)
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
    return (
        f"Backbone {recipe['backbone']}, {samples:,} crops seen in {state['spent'] / 60:.0f} minutes, "
        f"threads {recipe['threads']}."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("figures", "calibration", "run", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    chosen = parser.parse_args()
    figures, calibration = (json.loads(file.read_text("utf-8")) for file in (chosen.figures, chosen.calibration))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(card(figures, calibration, trained_for(chosen.run)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
