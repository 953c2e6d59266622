"""The model card of a tuned model, from what the run knows, so that no figure is typed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_finetune.vlm.recipe import Recipe
from faceagent_finetune.vlm.run import Run
from faceagent_finetune.vlm.watch import CURVE

_LIMITS = """\
- What it says of a face is what people who labelled photos would have said: impressions, with their errors, in a set's
  own categories. It does not know who somebody is or what they feel.
- The loss says how well it words what its corpus says, and nothing of how often it is right. Before it is used, its
  answers must be measured on photos that it was not trained on, by group of people: `python -m faceagent_eval`.
- Whether a photo is forged is not to be taken from its words alone. In faceagent every sentence is held against what
  tools measured; outside of it nothing holds it back.
- It may be used only as the licences of its data and of the model that was tuned both allow.
"""
_FORGETS = """\
- It was tuned on one task alone. What else the model could do before was not among its conversations, and is likely
  to be forgotten.
"""


def card(run: Run, checkpoint: Path) -> str:
    """
    Args:
        checkpoint: the one that is exported.
    """
    recipe, figures = run.recipe, run.report()
    model = Path(recipe.model).name if Path(recipe.model).is_dir() else recipe.model
    how = {"lora": "LoRA adapters", "qlora": "LoRA adapters on weights in 4 bits (nf4)", "full": "All weights"}
    curve = f"\n![Loss by step]({CURVE})\n" if (run.folder / CURVE).is_file() else ""
    data = (run.folder / "corpus.md").read_text(encoding="utf-8").strip() or "The corpus had no card."
    return f"""\
---
pipeline_tag: image-text-to-text
library_name: transformers
license: other
license_name: see-data-and-base-model
base_model: {model}
---

# {model}, tuned on conversations about faces

{how[recipe.method]} ({", ".join(recipe.parts)}), trained for {checkpoint.name.rpartition("-")[2]} steps.
Made by `python -m faceagent_finetune train`, then `export`.

    faceagent ask "Describe the face." PHOTO --controller transformers:model
    faceagent serve model

## Limits

{_LIMITS}{_FORGETS if forgets(recipe) else ""}
## Figures

{_figures(recipe, figures)}
{curve}
## Recipe

```json
{json.dumps(recipe.model_dump(mode="json", exclude={"model"}), indent=1)}
```

## Data

{_demoted(data)}
"""


def forgets(recipe: Recipe) -> bool:
    """Whether nothing of what is not the new task is among the conversations."""
    return bool(recipe.only) and not recipe.replay


def kinds_told(recipe: Recipe, by_kind: Mapping[str, int]) -> str:
    """Conversations by kind, those of the task apart from those that are replayed."""
    named, others = (
        {k: n for k, n in by_kind.items() if recipe.choice.is_named(k) is is_one} for is_one in (True, False)
    )
    told = [", ".join(f"{kind} {number}" for kind, number in row.items()) for row in (named, others)]
    if forgets(recipe):
        return f"{told[0]}; none of others, so that what the model knew is likely to be forgotten (see replay)"
    share = sum(others.values()) / max(sum(by_kind.values()), 1)
    return told[0] + (f"; replayed, {share:.0%} of all: {told[1]}".replace("%", " %") if others else "")


def _figures(recipe: Recipe, figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "None: the run was exported before its end."
    val = figures["val"]
    told = (
        f"{figures['steps']} steps, {figures['tokens_read']} tokens read, on {figures['device']}.\n\n"
        f"Conversations of train: {kinds_told(recipe, figures['conversations'])}.\n"
    )
    left_out = val.get("left_out", 0)
    if left_out:
        told += f"\n{left_out} of the conversations of val are broken or too long and are left out.\n"
    if val["all"] is None:
        return told + ("" if left_out else "No loss on val was asked for.")
    rows = [("all", val["all"]), *val["by_kind"].items(), *val["by_group"].items()]
    table = "\n".join(f"| {name} | {row['loss']} | {row['tokens']} | {row['conversations']} |" for name, row in rows)
    return (
        f"{told}\nLoss on the corpus' val split, mean over the assistant's tokens, in nats; groups as labelled:\n\n"
        f"| | loss | tokens | conversations |\n|---|---|---|---|\n{table}"
    )


def _demoted(text: str) -> str:
    """Headings two levels lower; code in fences is left as it is."""
    parts: Sequence[str] = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else re.sub(r"^#", "###", part, flags=re.MULTILINE) for part in parts)
