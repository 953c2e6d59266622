"""The published JSON Schemas of Report and Answer.

python -m faceagent.report.schema               prints both
python -m faceagent.report.schema docs/schema   writes report-1.json and answer-1.json there
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from faceagent.types import SCHEMA_VERSION, Answer, Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUBLISHED: dict[str, type[BaseModel]] = {
    f"report-{SCHEMA_VERSION}.json": Report,
    f"answer-{SCHEMA_VERSION}.json": Answer,
}


def schema(file: str) -> dict[str, Any]:
    """The JSON Schema that is published under this file name."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:faceagent:schema:{file}",
        **PUBLISHED[file].model_json_schema(mode="serialization"),
    }


def text(file: str) -> str:
    return json.dumps(schema(file), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    if len(arguments) > 1:
        sys.stderr.write("Usage: python -m faceagent.report.schema [FOLDER]\n")
        return 2
    if not arguments:
        sys.stdout.write(json.dumps({file: schema(file) for file in PUBLISHED}, indent=2, ensure_ascii=False) + "\n")
        return 0
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for file in PUBLISHED:
        (folder / file).write_text(text(file), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
