"""FaceXBench (Narayan et al. 2025): 5,000 questions with four options in 14 tasks of 6 categories.

As published (github.com/Kartik-3004/facexbench): benchmark/*.json, each of one set, with its images below
benchmark/images. The question is put as evaluate.py puts it, without the description of the task (their zero-shot
setting), and the answer is read as aggregate_results.py reads it: its six patterns come down to the first letter that
stands alone and is an option's ("A face" chooses A), else the first option whose text is in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_eval.multiple_choice import LETTERS, MultipleChoice, Question, lettered

_ALONE = re.compile(r"\b[A-Za-z]\b")


class FaceXBench(MultipleChoice):
    name = "facexbench"
    about = "FaceXBench: multiple choice in 14 tasks, from age to tool use, for any controller"
    layout = """\
DIR/                             (or DIR/benchmark/)
  fairface_single_mcq_age_test.json   {"category", "sub-category", "questions": {"1": {"image_paths", "options", …}}}
  images/fairface_single_mcq_age_test/question_1.png"""
    protocol = "options as listed, without a description of the task"

    def questions(self) -> Iterator[Question]:
        folder = self.data / "benchmark" if (self.data / "benchmark").is_dir() else self.data
        for path in sorted(folder.glob("*.json")):
            told = self.document(path)
            if not isinstance(told, Mapping) or not isinstance(told.get("questions"), Mapping):
                raise self.mismatch(f'{path.name} has no "questions"')
            for number, asked in told["questions"].items():
                question = _question(folder, path.stem, number, told, asked)
                if question is None:
                    raise self.mismatch(f"{path.name}: question {number} lacks its text, options, images or answer")
                yield question

    def theirs(self, said: str, options: Sequence[str]) -> int | None:
        labels = LETTERS[: len(options)]
        alone = next((letter for letter in _ALONE.findall(said) if letter in labels), None)
        if alone is not None:
            return labels.index(alone)
        return next((place for place, option in enumerate(options) if option.strip() in said), None)


def _question(folder: Path, name: str, number: str, told: Mapping[str, Any], asked: Any) -> Question | None:
    try:
        options = tuple(str(option) for option in asked["options"])
        lines = (
            str(told["context"]) if told["category"] == "tools_use" else "",
            str(asked["question_text"]),
            str(told.get("postpend_text") or ""),
            lettered(options),
        )
        return Question(
            id=f"{name} {number}",
            text="\n".join(line for line in lines if line),
            photos=tuple(folder / str(path) for path in asked["image_paths"]),
            options=options,
            answer=LETTERS[: len(options)].index(asked["correct_answer_option"]),
            task=str(told["sub-category"]),
            category=str(told["category"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
