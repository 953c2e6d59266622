"""The one training loop of the embedded networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from faceagent_finetune.finite import LossNotANumber  # noqa: E402 - after the skip
from faceagent_finetune.nets import loop  # noqa: E402

RECIPE = {
    "batch": 1,
    "samples": 8,
    "budget_minutes": 10,
    "warmup": 0.1,
    "weight_decay": 0.0,
    "average": 0.9,
    "checkpoint_minutes": 0,
    "learning_rate": {"all": 0.1},
    "weights": {"one": 1.0},
}


@pytest.mark.parametrize(
    ("what", "spoilt"),
    [("loss", lambda weight: weight.sum() / 0), ("gradient", lambda weight: (weight * 0).sqrt().sum())],
)
def test_a_step_whose_loss_is_no_number_is_not_kept(what: str, spoilt: Callable[[Any], Any], tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 1, bias=False)

    def losses(batch: int, step: int) -> dict[str, Any]:
        return {"one": spoilt(network.weight) if step == 3 else network.weight.square().sum()}

    with pytest.raises(LossNotANumber, match=rf"The {what} of step 4 is .*Lower learning_rate"):
        loop.run(
            RECIPE,
            tmp_path,
            resume=False,
            trained=network,
            parts={"all": list(network.parameters())},
            make=lambda step: step,
            losses=losses,
        )
    kept = torch.load(tmp_path / "last.pt", weights_only=True)
    assert kept["step"] == 3
    assert all(kept[name]["weight"].isfinite().all() for name in ("network", "average"))
    assert network.weight.isfinite().all()
