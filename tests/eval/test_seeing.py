"""What a model's own eyes read: the reader of answers, and the benchmark on a miniature corpus."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from labelled_rows import fairface, write
from langchain_core.messages import AIMessage
from scripted import ScriptedController

from faceagent_eval import seen
from faceagent_eval.benchmark import LayoutError, Result
from faceagent_eval.benchmarks.seeing import NOT_VISIBLE, TASKS, Item, Seeing
from faceagent_eval.run import run
from faceagent_finetune.__main__ import main
from faceagent_finetune.corpus.conversation import ABSTAINED
from faceagent_finetune.corpus.sources import SOURCES

RECIPE = """
seed = 3
shard = 40
[sets]
fairface = 160
[balance]
by = ["gender", "age band"]
[duplicates]
bits = 0
[kinds]
attribute = 2.0
yes_no = 2.0
comparison = 0.5
abstention = 2.0
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeing")
    rows = [row | {"split": "val" if number % 5 < 2 else "train"} for number, row in enumerate(fairface(160))]
    write(folder / SOURCES["fairface"].file, rows)
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    assert main(["corpus", str(folder / "recipe.toml"), "--data", str(folder), "--out", str(folder / "out")]) == 0
    return folder / "out"


class Seated(Seeing):
    """With a model that says `says` of every photo; None: the answer that the corpus has."""

    says: str | None = None

    def seated(self, tools: Any) -> Any:
        return ScriptedController(turns=[lambda messages: AIMessage(self.says or self.label)], sees_images=True)

    def measure(self, item: Item) -> Any:
        self.label = self._corpus.record(item.number)["messages"][-1]["content"][0]["text"]
        return super().measure(item)


def told(corpus: Path, says: str | None) -> Result:
    benchmark = Seated(corpus)
    benchmark.says, benchmark.limit = says, 8
    return run(benchmark)


def test_who_says_what_the_labels_say_is_right(corpus: Path) -> None:
    result = told(corpus, None)
    found = {figure.name: figure for figure in result.figures if figure.name.endswith("the model")}
    assert {"perceived gender: the model", "age band: the model", "older than: the model"} <= found.keys()
    assert f"{NOT_VISIBLE}: the model" in found
    assert all(figure.value == 100 for figure in found.values()), found


def test_who_always_says_the_same_is_at_chance(corpus: Path) -> None:
    result = told(corpus, "A man, I would say.")
    assert result.figure("perceived gender: the model").value == 50
    assert result.figure(f"{NOT_VISIBLE}: the model").value == 50
    age = result.figure("age band: the model")
    assert age.value == 0
    assert age.note is not None
    assert "chance 33.3 %" in age.note
    assert f"no answer to {age.n} of {age.n}" in age.note


def test_without_eyes_the_tools_are_measured_alone(corpus: Path) -> None:
    benchmark = Seeing(corpus)
    benchmark.limit = 2
    names = [figure.name for figure in run(benchmark).figures]
    assert "perceived gender: the tools" in names
    assert not any(name.endswith("the model") for name in names)


def test_a_photo_that_is_gone_is_told(corpus: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(corpus, tmp_path / "spoilt")
    next(spoilt.glob("val/*/0000.png")).unlink()
    benchmark = Seated(spoilt)
    benchmark.limit = 2
    result = run(benchmark)
    assert not result.complete
    assert all(name.startswith("val/") for name in result.missing)


def test_a_folder_without_a_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no val split"):
        Seeing(tmp_path).items()


@pytest.mark.parametrize(
    ("task", "text", "answer"),
    [
        ("glasses", "No: glasses cannot be made out here.", "no"),
        ("glasses", "The picture shows no sign of glasses.", "no"),
        ("glasses", "As it looks here, yes.", "yes"),
        ("glasses", "I can see glasses; also, a hat can be seen.", "yes"),
        ("glasses", "That is not to be seen here: the face is too blurred.", ABSTAINED),
        ("perceived gender", "Most people would see a woman.", "female"),
        ("perceived gender", "The face looks male, not more.", "male"),
        ("perceived gender", "Somebody.", None),
        ("age band", "Between 20 and 29 years old.", "20-29"),
        ("age band", "No older than a toddler.", "0-2"),
        ("age band", "70 or older, at a guess.", "70+"),
        ("age band", "Roughly 34.", "30-39"),
        ("age band", "Grown up.", None),
        ("expression", "Happy, to judge by the face.", "happy"),
        ("who looks older", "Image 2: 50 to 59 against 20 to 29.", "second"),
        ("same person", "Likely one person, going by the faces, not by clothes or background.", "yes"),
        ("same person", "They seem to show two different people.", "no"),
        ("altered region", "The face looks altered: the brow nearer the left edge and the nose, it seems.", "eyes"),
        ("altered region", "I would point to the mouth.", "mouth"),
        ("altered region", "More manipulated than authentic: the face as a whole.", "face"),
        ("altered region", "It looks authentic.", None),
        (NOT_VISIBLE, "The feet are not in the picture, so I can say nothing about the shoes.", ABSTAINED),
    ],
)
def test_answers_in_words_are_read(task: str, text: str, answer: str | None) -> None:
    assert TASKS[task].read(text) == answer


def test_what_abstains_is_told_from_a_no() -> None:
    assert seen.abstains("It cannot be made out in what is shown: the blur leaves no such detail.")
    assert not seen.abstains("No: a hat cannot be made out here.")
