"""VIPBench (Lin et al. 2025) as messages: is the person in the photo the protected one, for any controller?

As published (github.com/KQL11/VIPGuard, Example/id0_w_text.json): a list of {"messages": [{role, content}], "images":
[path]}. The question is the user's message; the truth is the folder that the image lies in (r_r_i alone is yes). An
answer is read as the set's own end, "<Conclusion>[yes]". A controller that was not taught the person (`--controller`
with soft tokens, see docs/training.md) can only guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faceagent.errors import InputError
from faceagent_eval.multiple_choice import MultipleChoice, Question
from faceagent_finetune.corpus.jsonstream import elements
from faceagent_finetune.corpus.sources.published import Rooted

_CONCLUSION = re.compile(r"<Conclusion>\s*\[?(yes|no)\b", re.IGNORECASE)
_RELATIONS = ("r_r_i", "r_r_d_i", "r_fs_i", "r_efs_i")
_OPTIONS = ("yes", "no")


class VipBench(MultipleChoice):
    name = "vipbench"
    about = "VIPBench as messages: is it the protected person, by relation, for any controller (`vip`: the tools)"
    layout = """\
DIR/
  *.json                         [{"messages": [{"role": "user", "content": …}, …], "images": ["…/id0/r_fs_i/…png"]}]
  id0/r_r_i/, r_r_d_i/, r_fs_i/, r_efs_i/   (images, at the ends of their paths)"""
    protocol = "the user's first message; the truth is the folder of the image"

    def questions(self) -> Iterator[Question]:
        rooted = Rooted(self.data)
        for path in sorted(self.data.glob("*.json")):
            try:
                entries = list(elements(path))
            except InputError as error:
                raise self.mismatch(error.message) from None
            for number, told in enumerate(entries):
                question = self._question(f"{path.stem} {number}", told, rooted)
                if question is None:
                    what = "has no user's message, or no image of a relation"
                    raise self.mismatch(f"{path.name}: entry {number} {what}")
                yield question

    def _question(self, name: str, told: Any, rooted: Rooted) -> Question | None:
        if not isinstance(told, Mapping):
            return None
        asked = [one.get("content") for one in told.get("messages") or () if one.get("role") == "user"]
        images = [str(image) for image in told.get("images") or ()]
        parts = images[0].replace("\\", "/").split("/") if images else []
        relation = next((one for one in _RELATIONS if one in parts), None)
        if not asked or relation is None:
            return None
        return Question(
            id=name,
            text=str(asked[0]).replace("<image>", "").strip(),
            photos=tuple(self.data / rooted.name(image) for image in images),
            options=_OPTIONS,
            answer=0 if relation == "r_r_i" else 1,
            task=relation,
        )

    def theirs(self, said: str, options: Sequence[str]) -> int | None:
        found = _CONCLUSION.search(said)
        return options.index(found[1].lower()) if found else None
