"""A tiny vision-language model and a corpus for it, for all tests of tuning, which need the extra `local`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

CORPUS = """
seed = 3
shard = 8
[sets]
fairface = 100
[balance]
by = ["gender", "ethnicity"]
[duplicates]
bits = 4
[kinds]
description = 0.5
attribute = 0.5
yes_no = 1.0
abstention = 0.5
multi_turn = 0.5
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that nobody trained."""
    for package in ("torch", "transformers", "peft", "llguidance"):
        pytest.importorskip(package, reason="needs the extra local")
    import tiny_vlm

    return tiny_vlm.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 24 photos."""
    pytest.importorskip("pyarrow")
    from labelled_rows import fairface, write

    from faceagent_finetune.__main__ import main
    from faceagent_finetune.corpus.sources import SOURCES

    folder = tmp_path_factory.mktemp("data")
    write(folder / SOURCES["fairface"].file, fairface())
    (folder / "recipe.toml").write_text(CORPUS, "utf-8")
    assert main(["corpus", str(folder / "recipe.toml"), "--data", str(folder), "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture(scope="session")
def told_of_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of first turns of conversations with the assistant, about 24 photos."""
    pytest.importorskip("pyarrow")
    from labelled_rows import fairface, write

    from faceagent_finetune.__main__ import main
    from faceagent_finetune.corpus.sources import SOURCES

    folder = tmp_path_factory.mktemp("first_turns")
    write(folder / SOURCES["fairface"].file, fairface())
    kinds = CORPUS[: CORPUS.index("description")] + "first_turn = 2.0\n"
    (folder / "recipe.toml").write_text(kinds, "utf-8")
    assert main(["corpus", str(folder / "recipe.toml"), "--data", str(folder), "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def own_conversations(conversations: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(conversations, tmp_path / "conversations")
