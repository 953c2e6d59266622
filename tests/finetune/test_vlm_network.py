"""Which layers of which architecture are trained, told by their names."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
transformers = pytest.importorskip("transformers", reason="needs the extra local")

from vlm_configs import MODELS  # noqa: E402 - after the skip

from faceagent.errors import UsageError  # noqa: E402
from faceagent_finetune.vlm.network import empty, part_of  # noqa: E402
from faceagent_finetune.vlm.recipe import Recipe  # noqa: E402

LANGUAGE = 2 * 7
"""q, k, v, o, gate, up and down of two layers."""


def adapted(kind: str, *parts: str) -> set[str]:
    """Names of the layers that get an adapter."""
    given, _, _ = MODELS[kind]
    config = transformers.AutoConfig.for_model(kind, **given)
    network = empty(config, Recipe(model="x", method="lora", parts=parts, batch=1, learning_rate=1.0))
    found = {name.rpartition(".lora_A")[0] for name, _ in network.named_parameters() if ".lora_A" in name}
    return {name.removeprefix("base_model.model.") for name in found}


@pytest.mark.parametrize("kind", MODELS)
def test_each_part_is_told_from_the_others(kind: str) -> None:
    _, tower, connector = MODELS[kind]
    language, vision, between = (adapted(kind, part) for part in ("language", "vision", "connector"))
    assert len(language) == LANGUAGE
    assert len(vision) == tower
    assert len(between) == connector
    assert adapted(kind, "language", "vision", "connector") == language | vision | between
    assert not any("lm_head" in name for name in language)


@pytest.mark.parametrize("kind", MODELS)
def test_of_all_weights_those_of_the_named_parts_are_trained(kind: str) -> None:
    given, _, _ = MODELS[kind]
    recipe = Recipe(model="x", method="full", parts=("connector",), batch=1, learning_rate=1.0)
    network = empty(transformers.AutoConfig.for_model(kind, **given), recipe)
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert trained
    assert all(any(word in name for word in ("projector", "connector", "merger")) for name in trained)


def test_an_unknown_architecture_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="type blip are not known"):
        part_of("model.layer", "blip")
