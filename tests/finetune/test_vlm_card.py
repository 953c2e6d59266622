"""What a model card tells of the loss on val."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra local")

from faceagent_finetune.vlm.card import card
from faceagent_finetune.vlm.recipe import Recipe
from faceagent_finetune.vlm.run import Run

ROW = {"loss": 1.5, "tokens": 30, "conversations": 2}
ASKED = "No loss on val was asked for."
LEFT_OUT = "3 of the conversations of val are broken or too long and are left out."


@pytest.mark.parametrize(
    ("val", "said", "unsaid"),
    [
        ({"all": None}, [ASKED], [LEFT_OUT]),
        ({"all": ROW, "left_out": 0}, ["| all | 1.5 | 30 | 2 |"], [ASKED, "left out"]),
        ({"all": ROW, "left_out": 3}, ["| all | 1.5 | 30 | 2 |", LEFT_OUT], [ASKED]),
        ({"all": None, "left_out": 3}, [LEFT_OUT], [ASKED]),
    ],
)
def test_what_could_not_be_judged_is_counted(
    val: dict[str, Any], said: list[str], unsaid: list[str], tmp_path: Path
) -> None:
    run = Run(tmp_path, Recipe(model="x", method="full", batch=1, learning_rate=1.0))
    (tmp_path / "corpus.md").write_text("", "utf-8")
    figures = {"steps": 1, "tokens_read": 9, "device": "cpu", "conversations": {"description": 1}}
    run.finish({**figures, "val": {"by_kind": {}, "by_group": {}, **val}})
    told = card(run, tmp_path / "checkpoint-1")
    assert all(sentence in told for sentence in said)
    assert not any(sentence in told for sentence in unsaid)
