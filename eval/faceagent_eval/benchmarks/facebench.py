"""FaceBench (Wang et al. 2025): attributes of faces in five views, asked with options.

As published (github.com/CVI-SZU/FaceBench, datasets/example/test.jsonl and evaluation/): a question a line, with
"image_id" naming a file of the images' folder. Put as inference.py puts it. Of its four kinds those with one right
option are scored, TFQ and SCQ: an answer that is an option is that option (evaluation.py; what is none it gives to a
model of others). MCQ, with several right options, and OEQ, without any, are scored by F1 and by likeness of text there,
and are left out here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_eval.multiple_choice import MultipleChoice, Question

_OF_NO_ONE_OPTION = ("MCQ", "OEQ")


class FaceBench(MultipleChoice):
    name = "facebench"
    about = "FaceBench: attributes of faces in five views, questions with one right option, for any controller"
    layout = """\
DIR/
  test.jsonl                     {"question_id", "question_type", "image_id", "text", "options", "gt_answer", …}
  images/<image_id>              (or DIR/<image_id>)"""
    protocol = "questions with one right option (TFQ, SCQ)"

    def questions(self) -> Iterator[Question]:
        for path in sorted(self.data.glob("*.jsonl")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if line.strip():
                    yield from self._of_line(path, number, line)

    def _of_line(self, path: Path, number: int, line: str) -> Iterator[Question]:
        try:
            asked: Any = json.loads(line)
            if asked["question_type"] in _OF_NO_ONE_OPTION:
                return
            question = _question(self.data, f"{path.stem} {number}", asked)
        except (ValueError, KeyError, TypeError):
            raise self.mismatch(f"line {number} of {path.name} is no question with its options and answer") from None
        yield question

    def theirs(self, said: str, options: Sequence[str]) -> int | None:
        return options.index(said) if said in options else None


def _question(folder: Path, name: str, asked: Mapping[str, Any]) -> Question:
    options = tuple(str(option) for option in asked["options"])
    places = (folder / "images" / asked["image_id"], folder / asked["image_id"])
    direct = f"{asked['instruction']} Please return the answer directly without additional explanation."
    return Question(
        id=name,
        text="\n".join((asked["text"], *options, direct)),
        photos=(next((place for place in places if place.is_file()), places[0]),),
        options=options,
        answer=options.index(asked["gt_answer"]),
        task=str(asked["metadata"]["view"]),
        category=str(asked["metadata"]["attribute_level"]),
    )
