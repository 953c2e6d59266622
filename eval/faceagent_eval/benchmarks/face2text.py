"""Face2Text (Gatt et al., LREC 2018): how near are the assistant's descriptions of faces to those that people wrote?

As published (RiVaL, University of Malta; the readme.txt of each version). Version 1.0: raw.json, [{"response_id",
"filename": "000035.jpg", "user_id", "description"}], of photos of CelebA (img_align_celeba/). Version 0.1: clean.json
or raw.json, [{"img_id", "image": "Adam_Ant/Adam_Ant_0001.bmp", "descriptions": [{"desc_id", "text"}]}], of LFW.

Each photo is shown to the controller, who is asked to describe the face. Scores are those of captions (`captions`):
they count words in common with what people wrote. People also write what this assistant does not say of faces, such as
who looks kind; and it says which sentences rest on what, which nobody wrote: a low score is no error by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faceagent.errors import ControllerError, InputError, MediaError
from faceagent.media import Photo
from faceagent_eval import captions
from faceagent_eval.asking import Asking, share
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import resampled
from faceagent_eval.metrics import Floats
from faceagent_eval.sampling import evenly
from faceagent_finetune.corpus.jsonstream import elements

QUESTION = "Describe the face in this photo."
_FOLDERS = ("", "img_align_celeba", "lfw", "lfw-deepfunneled", "lfw_funneled")
_SUFFIXES = (".jpg", ".png", ".bmp")
_ROUNDS = 500


@dataclass(frozen=True)
class Item:
    photo: Path
    written: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """said: None where the photo cannot be read, "" where the controller's answer could not be used."""

    item: Item
    said: str | None


class Face2Text(Asking[Item, Described]):
    """See the module. `limit`: photos, evenly spread."""

    name = "face2text"
    about = (
        "Face2Text: descriptions of faces against those that people wrote (BLEU, ROUGE-L, CIDEr-D), for any controller"
    )
    layout = """\
DIR/                             version 1.0              or  DIR/              version 0.1
  raw.json                       [{"filename", "description"}]  clean.json      [{"image", "descriptions": [{"text"}]}]
  img_align_celeba/000035.jpg                                   lfw/Adam_Ant/Adam_Ant_0001.jpg"""

    def items(self) -> Sequence[Item]:
        path = next((self.data / name for name in ("clean.json", "raw.json") if (self.data / name).is_file()), None)
        if path is None:
            raise self.mismatch(f"{self.data} has neither clean.json nor raw.json")
        try:
            written: dict[str, list[str]] = {}
            for number, row in enumerate(elements(path)):
                photo, texts = self._row(path, number, row)
                written.setdefault(photo, []).extend(texts)
        except InputError as error:
            raise self.mismatch(error.message) from None
        found = [Item(self._photo(photo), tuple(texts)) for photo, texts in sorted(written.items()) if texts]
        if not any(item.photo.is_file() for item in found):
            first = found[0].photo.name if found else "none is named"
            raise self.mismatch(f"no photo is there, the first missing one is {first}")
        self._agent = self.assistant()
        return evenly(found, self.limit)

    def _row(self, path: Path, number: int, row: Any) -> tuple[str, list[str]]:
        """
        Raises:
            LayoutError: an entry is as in neither version.
        """
        try:
            if "descriptions" in row:
                return str(row["image"]), [str(one["text"]) for one in row["descriptions"]]
            return str(row["filename"]), [str(row["description"])]
        except (TypeError, KeyError):
            raise self.mismatch(f"entry {number} of {path.name} has no photo with a description") from None

    def _photo(self, name: str) -> Path:
        """Where a photo is, under any of the usual folders and suffixes; where it should be, if it is in none."""
        places = [
            (self.data / folder / name).with_suffix(suffix)
            for folder in _FOLDERS
            for suffix in (Path(name).suffix, *_SUFFIXES)
        ]
        inside = [place for place in places if place.resolve().is_relative_to(self.data.resolve())]
        return next((place for place in inside if place.is_file()), self.data / Path(name).name)

    def measured_data(self, items: Sequence[Item]) -> Sequence[object]:
        return items

    def measure(self, item: Item) -> Described:
        try:
            session = self._agent.open([Photo.open(item.photo)])
        except MediaError:
            return Described(item, None)
        try:
            return Described(item, self._agent.ask(QUESTION, session=session).text)
        except ControllerError:
            return Described(item, "")

    def score(self, measured: Sequence[Described]) -> Result:
        rows = [row for row in measured if row.said is not None]
        said = [captions.words(row.said or "") for row in rows]
        written = [[captions.words(text) for text in row.item.written] for row in rows]
        cider = captions.cider(said, written) if rows else np.empty(0)
        return self.result(
            f'{len(rows)} photos, "{QUESTION}"; against {sum(map(len, written))} descriptions by people',
            list(_figures(said, written, cider)) if rows else [],
            missing=tuple(row.item.photo.name for row in measured if row.said is None),
            items=tuple(
                ItemScore(id=f"photo {number}", of="CIDEr-D", score=float(score)) for number, score in enumerate(cider)
            ),
        )


def _figures(
    said: Sequence[captions.Words], written: Sequence[Sequence[captions.Words]], cider: Floats
) -> Iterator[Figure]:
    found = captions.matches(said, written)
    columns = [found.matched, found.possible, found.length, found.reference]
    for order in (1, captions.ORDERS):
        yield resampled(f"BLEU-{order}", partial(captions.bleu, order=order), columns, rounds=_ROUNDS)
    rouge = np.array([captions.rouge_l(one, others) for one, others in zip(said, written, strict=True)])
    yield resampled("ROUGE-L", _mean, [rouge], rounds=_ROUNDS)
    yield resampled("CIDEr-D", _mean, [cider], rounds=_ROUNDS, note="0 to 10; what is rare is of this run's references")
    yield resampled("words", _mean, [found.length.astype(np.float64)], rounds=_ROUNDS)
    yield share("answers that could not be used", [not one for one in said])


def _mean(values: Floats) -> float:
    return float(values.mean())
