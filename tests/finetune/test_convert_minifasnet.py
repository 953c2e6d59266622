"""The conversion: the layout is held, batch norms vanish, and torch and ONNX Runtime agree. Skipped without torch."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from faceagent.errors import WeightsCorrupt, WeightsMissing

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from faceagent_finetune.nets import convert_minifasnet as convert  # noqa: E402
from faceagent_tools import minifasnet  # noqa: E402

V2, V1SE = convert.PLANS


def untrained(plan: Any, seed: int = 1) -> Any:
    """A network with random weights whose batch norms do something."""
    torch.manual_seed(seed)
    network = convert.MiniFASNet(plan)
    for name, values in network.named_buffers():
        if values.dtype.is_floating_point:
            values.copy_(torch.rand_like(values) + 0.5 if "var" in name else torch.randn_like(values) * 0.1)
    return network.eval()


def saved(plan: Any, state: Any, folder: Path) -> Any:
    """A state dict as upstream saves it, with its hash in the plan."""
    place = folder / plan.source
    torch.save({f"module.{name}": values for name, values in state.items()}, place)
    return dataclasses.replace(plan, sha256=hashlib.sha256(place.read_bytes()).hexdigest())


@pytest.mark.parametrize("plan", [V2, V1SE], ids=["v2", "v1se"])
def test_torch_and_onnx_agree(plan: Any, tmp_path: Path) -> None:
    plan = saved(plan, untrained(plan).state_dict(), tmp_path)
    told = convert.convert(plan, tmp_path, tmp_path)
    assert told["largest_difference_from_torch"] < 0.01
    assert told["bytes"] < 1_000_000
    kinds = {node.op_type for node in onnx.load(tmp_path / plan.file).graph.node}
    assert "BatchNormalization" not in kinds
    assert ("Sigmoid" in kinds) == plan.squeeze


def test_folding_changes_nothing() -> None:
    network, pixels = untrained(V1SE), torch.rand(3, 3, 80, 80) * 255
    with torch.no_grad():
        before = network(pixels)
        after = convert.fold(network)(pixels)
    assert torch.allclose(before, after, atol=1e-5)
    assert not any(isinstance(part, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d) for part in network.modules())


def test_another_layout_is_refused_by_name(tmp_path: Path) -> None:
    state = untrained(V2).state_dict()
    del state["conv_5.model.1.project.bn.bias"]
    state["head.weight"] = torch.zeros(1)
    state["prob.weight"] = torch.zeros(4, 128)
    with pytest.raises(WeightsCorrupt) as caught:
        convert.loaded(saved(V2, state, tmp_path), tmp_path)
    for fault in (
        "conv_5.model.1.project.bn.bias is missing",
        "head.weight is unknown",
        "[4, 128] instead of [3, 128]",
    ):
        assert fault in str(caught.value)


def test_one_network_s_weights_do_not_fit_the_other(tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="se_module"):
        convert.loaded(saved(V1SE, untrained(V2).state_dict(), tmp_path), tmp_path)


def test_only_the_published_files(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="curl -LO https://"):
        convert.loaded(V2, tmp_path)
    (tmp_path / V2.source).write_bytes(b"something else")
    with pytest.raises(WeightsCorrupt, match="published SHA-256"):
        convert.loaded(V2, tmp_path)


def test_no_code_is_run_from_a_file(tmp_path: Path) -> None:
    """A pickle that would run something is refused even with the right hash."""

    class Runs:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    place = tmp_path / V2.source
    torch.save({"conv1.conv.weight": Runs()}, place)
    plan = dataclasses.replace(V2, sha256=hashlib.sha256(place.read_bytes()).hexdigest())
    with pytest.raises(WeightsCorrupt, match="holds more than weights"):
        convert.loaded(plan, tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("plan", [V2, V1SE], ids=["v2", "v1se"])
def test_the_product_s_graphs_answer_as_torch_does(plan: Any, tmp_path: Path) -> None:
    mirror = os.environ.get("FACEAGENT_MIRROR")
    folder = Path(mirror or "") / "minifasnet"
    if not mirror or not folder.is_dir():
        pytest.skip("needs the published .pth files")
    shipped = Path(minifasnet.__file__).parent / "networks" / plan.file
    assert convert.joined_difference(plan, folder, shipped) < 1e-4
    assert shipped.stat().st_size < 100_000  # no weights in it
