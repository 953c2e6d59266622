"""Face-Human-Bench (Qin et al. 2025): questions about faces and people, with two to four options.

As published (github.com/lxq1000/Face-Human-Bench): json/en/TASK.json, {"data": [{"type", "QA": {"question", "options",
"answer"}, "image": {"image_paths": {version: path}}}]}; the images are what its prepare_data.py cuts out, below
eval_data/. Options are turned by a number that the question's place gives (eval.py draws it). The answer is read as
output_final_answer.py reads it, but for its last resort, a model of others that is asked which option is meant.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_eval.multiple_choice import LETTERS, MultipleChoice, Question, lettered

_MARKED = re.compile(r"([ABCD])[.。)）,，:：]+")


class FaceHumanBench(MultipleChoice):
    name = "face-human-bench"
    about = "Face-Human-Bench: multiple choice about faces and people, for any controller"
    layout = """\
DIR/                             data/Face-Human-Bench/test, say
  json/en/face_age_basic_5.json  {"data": [{"type", "QA": {"question", "options", "answer": 0}, "image"}]}
  eval_data/face/…/sample_0001.jpg   (made by prepare_data.py)"""
    protocol = "English; options turned by the place of the question; images as cut out and as whole photos"

    def questions(self) -> Iterator[Question]:
        for path in sorted((self.data / "json" / "en").glob("*.json")):
            told = self.document(path)
            if not isinstance(told, Mapping) or not isinstance(told.get("data"), list):
                raise self.mismatch(f'{path.name} has no "data"')
            for number, asked in enumerate(told["data"]):
                found = list(_questions(self.data, f"{path.stem} {number}", asked))
                if not found:
                    raise self.mismatch(f"{path.name}: entry {number} lacks its question, options, answer or image")
                yield from found

    def theirs(self, said: str, options: Sequence[str]) -> int | None:
        letters = {said} if len(said) == 1 else set(_MARKED.findall(said)) | set(re.findall(r"选项 ?([ABCD])", said))
        place = LETTERS.find(letters.pop()) if len(letters) == 1 else -1
        return place if 0 <= place < len(options) else None


def _questions(folder: Path, name: str, asked: Any) -> Iterator[Question]:
    """One for each version of the image: cropped, or the original with or without a box."""
    try:
        listed, answer = [str(option) for option in asked["QA"]["options"]], int(asked["QA"]["answer"])
        turn = zlib.crc32(name.encode()) % len(listed)
        options = (*listed[turn:], *listed[:turn])
        text = f"Question: {asked['QA']['question']}\n{lettered(options, '{letter}. {option}')}\n"
        for version, path in asked["image"]["image_paths"].items():
            yield Question(
                id=f"{name} {version}",
                text=f"{text}Please select the correct answer from the options above.",
                photos=(folder / str(path),),
                options=options,
                answer=(answer - turn) % len(listed),
                task=f"{asked['type']}, {version}",
                category=str(asked["type"]).partition("_")[0],
            )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError):
        return
