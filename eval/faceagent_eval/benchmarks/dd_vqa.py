"""DD-VQA (Zhang et al. 2024): do frames of FaceForensics++, and the parts of their faces, look real or fake to people?

As published (github.com/Reality-Defender/Research-DD-VQA): DQ_FF++/test_set/METHOD/METHOD.json, {"5_044": {"0":
{"question", "answer": [text, …]}}}, and the frames beside it by the same names. The truth is what those who were asked
say of it ("looks real", "look fake"), by majority, and not what was forged; questions on which they are divided are
left out. The authors score answers by the words real and fake, and their explanations by likeness of text; of that,
the words alone are scored here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceagent_eval.forensic_item import PICTURES
from faceagent_eval.multiple_choice import MultipleChoice, Question

_OPTIONS = ("real", "fake")
_LOOKS = re.compile(r"\blooks? (?:\w+ )?(real|fake)\b", re.IGNORECASE)


class DdVqa(MultipleChoice):
    name = "dd-vqa"
    about = "DD-VQA: does a frame, or a part of its face, look real or fake to people, for any controller"
    layout = """\
DIR/                             DQ_FF++/test_set
  Deepfakes/
    Deepfakes.json               {"0_044_945": {"0": {"question": "Does the image looks real/fake?", "answer": […]}}}
    0_044_945.png
  Original/ …"""
    protocol = "what most of those asked say is the truth"

    def questions(self) -> Iterator[Question]:
        for path in sorted(self.data.glob("*/*.json")):
            told = self.document(path)
            if not isinstance(told, Mapping) or not all(isinstance(one, Mapping) for one in told.values()):
                raise self.mismatch(f"{path.name} is no object of frames and their questions")
            for frame, asked in told.items():
                for number, one in asked.items():
                    if not isinstance(one, Mapping) or not isinstance(one.get("answer"), list):
                        raise self.mismatch(f"{path.name}: question {number} of {frame} has no list of answers")
                    yield _question(path, f"{path.stem} {frame} {number}", frame, one)

    def theirs(self, said: str, options: Sequence[str]) -> int | None:
        first = re.search(r"real|fake", said, re.IGNORECASE)
        return options.index(first[0].lower()) if first else None


def _question(path: Path, name: str, frame: str, asked: Mapping[str, Any]) -> Question:
    found = [match[1].lower() for answer in asked["answer"] if (match := _LOOKS.search(str(answer)))]
    real, fake = (found.count(option) for option in _OPTIONS)
    places = [path.with_name(f"{frame}{suffix}") for suffix in PICTURES]
    return Question(
        id=name,
        text=str(asked.get("question", "")),
        photos=(next((place for place in places if place.is_file()), places[0]),),
        options=_OPTIONS,
        answer=None if real == fake else int(fake > real),
        task=path.parent.name,
    )
