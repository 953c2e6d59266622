"""The dataset card of a corpus."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceagent.policy import purpose
from faceagent_finetune.corpus.recipe import Recipe
from faceagent_finetune.corpus.sources import SOURCES

_LIMITS = """\
- Ages, genders and ethnic groups are how people labelled photos of others: impressions, with the labellers' errors.
- Whether a face is forged is known from the sets; what gives a forgery away is not, so answers name no trace of it.
  Only of forgeries made here (sets called "..._blended") it is known what was altered, and answers say where.
- What captions, annotations and web pages say of a photo was checked by nobody. It is quoted as theirs, without what
  the policy declines; texts that stood beside photos on the web are quoted to the model and never said by it.
- Questions and answers are composed of a grammar, in English. They are no sample of how people ask.
- Traces hold what this package's tools measured, with the tools' errors; their questions were written for the planner.
- People are shown who were not asked. Ask their sets' authors about removal, and remove what they remove.
- CelebA and LFW show some of the same celebrities: do not train on the one and quote recognition on the other. A model
  trained on LFW's pairs cannot be measured on them.
"""


def write_card(out: Path, recipe: Recipe, told: Mapping[str, Any]) -> None:
    """OUT/README.md: what is in it, under which licences, for what."""
    (out / "README.md").write_text(card(recipe, told), encoding="utf-8")


def _reworded(recipe: Recipe, told: Mapping[str, Any]) -> str:
    if recipe.rewriter is None:
        return "none"
    outcomes = told["reworded"]
    model = recipe.rewriter.controller.partition("#")[2] or recipe.rewriter.controller.partition(":")[2]
    return f"{outcomes.get('accepted', 0)} of {sum(outcomes.values())} tried, by {model}, each held against the labels"


def card(recipe: Recipe, told: Mapping[str, Any]) -> str:
    """
    Args:
        told: see `report`.
    """
    splits = ", ".join(f"{number} {split}" for split, number in told["by_split"].items())
    sets = "\n".join(
        f"| {name} | {told['by_set'].get(name, 0)} | {SOURCES[name].licence} | {SOURCES[name].consent} | "
        f"{recipe.places.get(name, SOURCES[name].file)} |"
        for name in recipe.sets
    )
    licences = "\n".join(f"| {licence} | {number} |" for licence, number in told["images_by_licence"].items())
    kinds = "\n".join(f"| {kind} | {number} |" for kind, number in told["by_kind"].items())
    stated = f"{recipe.purpose}: {purpose(recipe.purpose).means}" if recipe.purpose else "none"
    kept_out = ", ".join(recipe.evaluation) or "none"
    return f"""\
# Conversations about faces

{told["conversations"]} conversations ({splits}) about {told["images"]} images,
made by `python -m faceagent_finetune corpus`.
Splits are those of the sets. Photos like those of these evaluation sets are kept out: {kept_out}.

Purpose stated: {stated}

Answers reworded by a model: {_reworded(recipe, told)}

**Use is bound by the strictest of the licences below: research, not commercial.** The grammar's text is Apache-2.0.

| set | conversations | licence of its photos | consent of the people shown | place |
|---|---|---|---|---|
{sets}

| licence | images |
|---|---|
{licences}

| kind | conversations |
|---|---|
{kinds}

## Format

A conversation has `messages` (role and content: texts and pictures in order), `images`, `kind`, the labels that it is
about (`turns`), `split`, `set` and `licence`. Those of the kind trace have `tools` in OpenAI's format, calls in
`tool_calls` and what tools reported in messages of the role tool. An assistant's message with `"weight": 0` is context:
do not train on it.

## Limits

{_LIMITS}
## Recipe

```toml
{recipe.text.rstrip()}
```
"""
