"""A batch is learnt with less work, and nothing else changes by it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
transformers = pytest.importorskip("transformers", reason="needs the extra local")

import tiny_vlm  # noqa: E402 - after the skip
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from tuning import command, recipe_in  # noqa: E402
from vlm_configs import MODELS  # noqa: E402

from faceagent.errors import UsageError  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.nano.tokens import template  # noqa: E402
from faceagent_finetune.vlm.batches import NOT_LEARNT  # noqa: E402
from faceagent_finetune.vlm.shared import COUNTING, after_common, check_shared, common, scored_where_learnt  # noqa: E402

IMAGE = 63
PAD = 0


def batch_of(rows: list[list[int]], learnt: int) -> dict[str, Any]:
    """Rows of tokens, of each the last few learnt."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    labels = torch.full_like(ids, NOT_LEARNT)
    for place, row in enumerate(rows):
        labels[place, len(row) - learnt : len(row)] = ids[place, len(row) - learnt : len(row)]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def network_of(kind: str) -> Any:
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(kind, **MODELS[kind][0])
    config.image_token_id = IMAGE
    # Double precision, so that what differs is a mistake; but transformers rounds to 32 bits before the loss.
    return transformers.AutoModelForImageTextToText.from_config(config).double().train()


def loss_and_gradients(network: Any, batch: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    network.zero_grad()
    loss = network(**batch).loss
    loss.backward()
    return loss.item(), {name: w.grad.clone() for name, w in network.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("kind", MODELS)
def test_scores_of_what_is_learnt_alone_give_the_same_loss_and_gradients(kind: str) -> None:
    network = network_of(kind)
    batch = batch_of([[5, 6, 7, 8, 9], [9, 8, 7, 6, 5, 4, 3, 2], [4, 4, 1]], learnt=2)
    whole, gradients = loss_and_gradients(network, batch)
    with scored_where_learnt(network, batch) as fewer:
        assert network(**fewer).logits.shape[:2] == (1, 6), "two tokens are learnt of each row"
        same(loss_and_gradients(network, fewer), (whole, gradients))
    assert network(**batch).logits.shape[:2] == (3, 8)


@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize("kind", COUNTING)
def test_loss_and_gradients_are_those_of_whole_conversations(kind: str, adapters: bool) -> None:
    network = network_of("llava" if kind == "llava_next" else kind)
    if adapters:
        network = get_peft_model(network, LoraConfig(r=2, target_modules=r".*language_model.*q_proj|.*text.*q_proj"))
    begin = torch.randint(1, IMAGE, (80,), generator=torch.Generator().manual_seed(2)).tolist()
    batch = batch_of([[*begin, 5, 6, 7], [*begin, 9, 8, 7, 6, 5], [*begin, 4, 4]], learnt=2)
    whole, gradients = loss_and_gradients(network, batch)
    shortened = after_common(network, batch)
    assert shortened["input_ids"].shape == (3, 6)
    with scored_where_learnt(network, shortened) as fewer:
        same(loss_and_gradients(network, fewer), (whole, gradients))


def same(found: tuple[float, dict[str, Any]], wanted: tuple[float, dict[str, Any]]) -> None:
    assert found[0] == pytest.approx(wanted[0], rel=1e-6)
    assert found[1].keys() == wanted[1].keys()
    for name, gradient in wanted[1].items():
        torch.testing.assert_close(found[1][name], gradient, rtol=1e-4, atol=1e-7, msg=name)


@given(
    shared=st.integers(0, 120),
    rests=st.lists(st.lists(st.integers(1, IMAGE), min_size=1, max_size=6), min_size=1, max_size=4),
)
def test_what_is_left_out_is_common_and_neither_learnt_nor_a_picture(shared: int, rests: list[list[int]]) -> None:
    batch = batch_of([[1 + place % 60 for place in range(shared)] + rest for rest in rests], learnt=1)
    found = common(batch, IMAGE)
    assert found >= shared - 1 or shared <= 64 or len(rests) == 1
    if found:
        ids, labels = batch["input_ids"][:, :found], batch["labels"][:, : found + 1]
        assert (ids == ids[:1]).all() and (ids != IMAGE).all()
        assert (labels == NOT_LEARNT).all(), "the first token of the rest must not be learnt: what it follows is gone"
        assert batch["attention_mask"][:, :found].all()
        assert len(rests) > 1


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that nobody trained, with a template that tells tools in a line each."""
    return tiny_vlm.build(tmp_path_factory.mktemp("brief"), template=template())


@pytest.mark.parametrize("key", ["shared_prefix", "compiled"])
def test_a_training_comes_to_the_same_weights(key: str, brief: Path, told_of_tools: Path, tmp_path: Path) -> None:
    if key == "compiled" and shutil.which("g++") is None:
        pytest.skip("needs g++")
    runs = []
    for number, more in enumerate(("", f"{key} = true\n")):
        recipe = recipe_in(tmp_path, method="full", steps=2, rate=1e-4, more=more)
        assert main(command(recipe, brief, told_of_tools, tmp_path / f"run{number}")) == 0
        assert main(["export", str(tmp_path / f"run{number}"), "--out", str(tmp_path / f"out{number}")]) == 0
        runs.append(transformers.AutoModelForImageTextToText.from_pretrained(tmp_path / f"out{number}" / "model"))
    before = transformers.AutoModelForImageTextToText.from_pretrained(brief)
    whole, once = (dict(run.named_parameters()) for run in runs)
    moved = {name: (whole[name] - weight).abs().max() for name, weight in before.named_parameters()}
    assert max(moved.values()) > 1e-4
    apart = {name: (whole[name] - once[name]).abs().mean() for name in whole}
    assert max(apart.values()) < 2e-5


def test_models_whose_positions_are_no_plain_count_are_refused(
    tiny: Path, told_of_tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceagent_finetune.vlm.shared.COUNTING", ("llava",))
    recipe = recipe_in(tmp_path, more="shared_prefix = true\n")
    assert main(command(recipe, tiny, told_of_tools, tmp_path / "run")) == 2
    assert "right for models of the types llava, not idefics3" in capsys.readouterr().err


def test_without_a_compiler_nothing_is_compiled(
    tiny: Path, told_of_tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    recipe = recipe_in(tmp_path, more="compiled = true\n")
    assert main(command(recipe, tiny, told_of_tools, tmp_path / "run")) == 2
    assert "needs a C++ compiler, and there is no no-such-compiler" in capsys.readouterr().err


def test_several_processes_are_refused() -> None:
    check_shared("idefics3", 1)
    with pytest.raises(UsageError, match="single process"):
        check_shared("idefics3", 2)


def test_it_does_not_go_with_checkpointing(
    tiny: Path, told_of_tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = recipe_in(tmp_path, more="checkpointing = true\nshared_prefix = true\n")
    assert main(command(recipe, tiny, told_of_tools, tmp_path / "run")) == 2
    assert "choose one" in capsys.readouterr().err
