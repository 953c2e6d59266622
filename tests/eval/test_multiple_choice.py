"""Multiple choice: how answers are read, and each benchmark on a miniature in its published layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from photo_files import EXAMPLES
from published_sets import lines
from scripted import ScriptedController

from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.dd_vqa import DdVqa
from faceagent_eval.benchmarks.face_human_bench import FaceHumanBench
from faceagent_eval.benchmarks.facebench import FaceBench
from faceagent_eval.benchmarks.facexbench import FaceXBench
from faceagent_eval.multiple_choice import Reply, chosen

AGES = ("30-39", "20-29", "40-49", "None of the above")
COLOURS = ("Brown", "Dark brown", "Black")


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        ("B", AGES, 1),
        ("(C)", AGES, 2),
        ("The correct answer is D.", AGES, 3),
        ("b. 20-29, as far as one can tell", AGES, 1),
        ("A face is there.", AGES, None),
        ("The face looks about 34 years old.", AGES, 0),
        ("The face looks about 64 years old.", AGES, None),
        ("Dark brown hair.", COLOURS, 1),
        ("It is brown.", COLOURS, 0),
        ("Black or brown.", COLOURS, None),
        ("E", COLOURS, None),
        ("These photos do not show the same person.", ("yes", "no"), 1),
        ("", ("yes", "no"), None),
    ],
)
def test_which_option_an_answer_chooses(said, options, expected):
    assert chosen(said, options) == expected


def test_how_the_authors_read_answers(tmp_path):
    lenient = FaceXBench(tmp_path)
    assert lenient.theirs("A face is there.", AGES) == 0  # as theirs does
    assert lenient.theirs("(C)", AGES) == 2
    assert lenient.theirs("About 20-29 years", AGES) == 1
    assert lenient.theirs("34 years", AGES) is None
    bench = FaceHumanBench(tmp_path)
    assert bench.theirs("B", AGES) == 1
    assert bench.theirs("The answer is C. That is", AGES) == 2
    assert bench.theirs("A. or B.", AGES) is None
    assert FaceBench(tmp_path).theirs("Black", COLOURS) == 2
    assert FaceBench(tmp_path).theirs("black hair", COLOURS) is None
    assert DdVqa(tmp_path).theirs("It looks fake, not real", ("real", "fake")) == 1


def photo(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLES / "group.jpg", file)


def facexbench(folder: Path) -> Path:
    for name, category, task, options, answer in (
        ("fairface", "bias_fairness", "age", AGES, "A"),
        ("tools", "tools_use", "tools_retrieval", ("f", "g", "h", "i"), "B"),
    ):
        photo(folder / "benchmark" / "images" / name / "question_1.png")
        asked = {
            "image_paths": [f"images/{name}/question_1.png"] if name == "fairface" else [],
            "question_text": "Estimate the age group of the person in this image.",
            "options": options,
            "correct_answer_option": answer,
        }
        told = {"category": category, "sub-category": task, "postpend_text": "Only the letter.", "context": "Tools:"}
        lines(folder / "benchmark" / f"{name}.json", [json.dumps({**told, "questions": {"1": asked}})])
    return folder


def face_human_bench(folder: Path) -> Path:
    photo(folder / "eval_data" / "a.jpg")
    asked = {
        "type": "face_recognition_basic",
        "QA": {"question": "Is it one person?", "options": ["yes", "no"], "answer": 1},
        "image": {"image_paths": {"cropped": "eval_data/a.jpg", "original": "eval_data/gone.jpg"}},
    }
    lines(folder / "json" / "en" / "face_recognition_basic.json", [json.dumps({"data": [asked, asked]})])
    return folder


def facebench(folder: Path) -> Path:
    photo(folder / "images" / "a.jpg")
    asked = {
        "question_type": "TFQ",
        "image_id": "a.jpg",
        "text": "Does the person in the image have a beard?",
        "instruction": "Please directly select the appropriate option.",
        "options": ["Yes", "No", "Information not visible"],
        "gt_answer": "No",
        "metadata": {"view": "Appearance", "attribute_level": "level 1"},
    }
    lines(folder / "test.jsonl", [json.dumps(asked), json.dumps({**asked, "question_type": "OEQ", "options": []})])
    return folder


def dd_vqa(folder: Path) -> Path:
    for name, said in (("Original", "The image looks real."), ("Deepfakes", "The image looks fake.")):
        photo(folder / name / "5_044.png")
        asked = {
            "0": {"question": "Does the image looks real/fake?", "answer": [said, said, "The image looks real. No."]},
            "1": {"question": "Do the eyes look real/fake?", "answer": ["The eyes look fake.", "The eyes look real."]},
        }
        lines(folder / name / f"{name}.json", [json.dumps({"5_044": asked})])
    return folder


MADE = {"facexbench": facexbench, "face-human-bench": face_human_bench, "facebench": facebench, "dd-vqa": dd_vqa}


def test_questions_are_put_as_published(tmp_path):
    age, tool = benchmarks.make("facexbench", facexbench(tmp_path)).items()
    assert age.text.splitlines()[1:4] == ["Only the letter.", "(A) 30-39", "(B) 20-29"]
    assert (age.task, age.category, age.answer) == ("age", "bias_fairness", 0)
    assert tool.text.startswith("Tools:\n") and tool.photos == ()


def test_options_are_turned_and_the_answer_with_them(tmp_path):
    found = benchmarks.make("face-human-bench", face_human_bench(tmp_path)).items()
    assert len(found) == 4
    assert {question.options[question.answer] for question in found} == {"no"}
    assert f"B. {found[0].options[1]}" in found[0].text


def test_what_those_who_were_asked_say_is_the_truth_where_most_agree(tmp_path):
    benchmark = benchmarks.make("dd-vqa", dd_vqa(tmp_path))
    assert {item.id: item.answer for item in benchmark.items()} == {"Deepfakes 5_044 0": 1, "Original 5_044 0": 0}
    left_out = "2 questions left out, of which no option is agreed to be right"
    assert f"{left_out}: Deepfakes 5_044 1, Original 5_044 1." in benchmark.score([]).notes


@pytest.mark.parametrize("name", MADE)
def test_the_embedded_controller_is_asked_and_what_it_cannot_answer_is_listed(name, tmp_path):
    result = run.run(benchmarks.make(name, MADE[name](tmp_path)))
    accuracy = result.figure("accuracy, our reading")
    assert accuracy.n == len(result.items) > 0
    assert accuracy.interval is not None and "chance" in accuracy.note
    silent = [figure for figure in result.figures if figure.name.endswith("no option chosen") and figure.value == 100]
    assert bool(silent) <= bool(result.notes)
    assert result.complete is (name != "face-human-bench")
    assert all("gone.jpg" not in row.id for row in result.items)


def test_an_answer_that_is_right_counts(tmp_path, monkeypatch):
    """What the assistant says is held against evidence; a stand-in for the whole of it says the letter."""
    benchmark = benchmarks.make("facexbench", facexbench(tmp_path))
    monkeypatch.setattr(benchmark, "seated", lambda tools: ScriptedController(turns=[]))
    questions = benchmark.items()
    result = benchmark.score([Reply(questions[0], "A", "answered", 0, 0), Reply(questions[1], "", "declined")])
    assert result.figure("accuracy, our reading").value == 50
    assert result.figure("age, their reading").value == 100
    assert result.figure("status: declined").value == 50
    assert result.notes == ("Tasks of which no answer chose an option: tools_retrieval.",)


@pytest.mark.parametrize(
    ("name", "file", "text", "mismatch"),
    [
        ("facexbench", "a.json", "{", "a.json cannot be read as JSON"),
        ("facexbench", "a.json", "{}", 'a.json has no "questions"'),
        ("facexbench", "a.json", '{"questions": {"7": {}}}', "question 7 lacks"),
        ("facexbench", "a.txt", "", "holds no questions"),
        ("face-human-bench", "json/en/a.json", '{"data": [{}]}', "entry 0 lacks"),
        ("facebench", "test.jsonl", '{"question_type": "TFQ"}', "line 1 of test.jsonl"),
        ("facebench", "test.jsonl", '{"question_type": "XYZ"}', "line 1 of test.jsonl"),
        ("dd-vqa", "Original/a.json", "[]", "is no object of frames"),
        (
            "dd-vqa",
            "Original/a.json",
            '{"5_044": {"0": {"question": "?"}}}',
            "question 0 of 5_044 has no list",
        ),
    ],
)
def test_a_wrong_layout_is_shown_with_the_expected_tree(name, file, text, mismatch, tmp_path):
    lines(tmp_path / file, [text])
    with pytest.raises(LayoutError, match="Expected") as caught:
        benchmarks.make(name, tmp_path).items()
    assert mismatch in str(caught.value)
