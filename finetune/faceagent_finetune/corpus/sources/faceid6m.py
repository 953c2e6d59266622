"""FaceID-6M and FaceID-70K (Wang et al. 2025): photos from LAION-5B with the texts that stood beside them on the web.

As published (github.com/ShuheSH/FaceID-6M, issues 2 and 4): captions.jsonl, a line {"image_file", "caption", "height",
"width", "face_file", "additional_feature", ...} a photo, in the folder of the photos. image_file is a path on the
authors' machine, of which the longest end that exists here is taken.

The texts were chosen because they name people, professions and nations, and nobody checked them against the photos:
they are "alt text", which is quoted to a model and never said by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_finetune.corpus.jsonstream import elements
from faceagent_finetune.corpus.labelled import Label, LeftOut, Row
from faceagent_finetune.corpus.sources.captions import captioned
from faceagent_finetune.corpus.sources.published import Rooted, expect, has_columns, json_files, row_of

FOLDER = "faceid6m"
LICENCE = "photos and texts of LAION-5B: those of their sites; research use"
CONSENT = "photos from the web, most of public figures; the people shown were not asked"
_FIELDS = ("image_file", "caption")


def published(root: Path) -> Iterator[Row | LeftOut]:
    """
    Raises:
        UsageError: there is no JSON file. InputError: a line lacks a field.
    """
    expect(root)
    rooted = Rooted(root)
    for file in json_files(root):
        for number, line in enumerate(elements(file), start=1):
            if not isinstance(line, Mapping) or not isinstance(line.get("image_file"), str):
                has_columns(file, _FIELDS, list(line) if isinstance(line, Mapping) else [])
                raise InputError(
                    f"{file}, line {number}: expected a path as image_file; found no text", "Mend that line"
                )
            name = rooted.name(line["image_file"])
            yield row_of(name, partial(_label, line, name))


def _label(line: Mapping[str, Any], name: str) -> Label:
    label = captioned(line.get("caption"), name)
    return Label({"alt text": label.facts["caption"]}, label.split, label.group)
