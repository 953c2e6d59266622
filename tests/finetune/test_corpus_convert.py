"""A corpus in the formats of other trainers: ShareGPT as LLaMA-Factory reads it, and Parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

parquet = pytest.importorskip("pyarrow.parquet")

from faceagent.errors import InputError  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.corpus import parquet as parquet_format  # noqa: E402
from faceagent_finetune.corpus.report import records  # noqa: E402
from faceagent_finetune.corpus.sharegpt import converted  # noqa: E402

WEBP, PNG = b"RIFF....WEBP", b"\x89PNG"
SCHEMA = {"type": "object", "properties": {"images": {"type": "array"}}}
TOOL = {"type": "function", "function": {"name": "detect_faces", "description": "Finds faces.", "parameters": SCHEMA}}

# As data/README.md of LLaMA-Factory describes a set in ShareGPT format with tools and images.
SHAREGPT = {
    "type": "object",
    "required": ["conversations", "images", "system", "tools"],
    "properties": {
        "conversations": {
            "type": "array",
            "minItems": 2,
            "items": {
                "type": "object",
                "required": ["from", "value"],
                "additionalProperties": False,
                "properties": {
                    "from": {"enum": ["human", "gpt", "function_call", "observation"]},
                    "value": {"type": "string"},
                },
            },
        },
        "system": {"type": "string"},
        "tools": {"type": "string"},
        "images": {"type": "array", "items": {"type": "string"}},
    },
}


def text(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": one} for one in texts]


def image(name: str) -> dict[str, str]:
    return {"type": "image", "image": name}


def call(number: int, **arguments: Any) -> dict[str, Any]:
    function = {"name": "detect_faces", "arguments": arguments}
    return {"type": "function", "id": f"call_{number}", "function": function}


def record(name: str, split: str, images: list[str], messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "messages": messages,
        "images": images,
        **more,
        "kind": "trace" if "tools" in more else "yes_no",
        "turns": [{"attribute": "glasses", "value": "no"}],
        "changes": [""] * len(images),
        "set": "fairface",
        "licence": "CC BY 4.0",
        "split": split,
        "group": {"gender": "female", "ethnicity": "", "age band": "20-29"},
        "photos": ["1.webp"] * len(images),
    }


PLAIN = record(
    "val/fairface-00000/0",
    "val",
    ["val/fairface-00000/0000.webp"],
    [
        {"role": "user", "content": [image("val/fairface-00000/0000.webp"), *text("Any <image> of glasses?")]},
        {"role": "assistant", "content": text("No.")},
    ],
)
IMAGES = ["train/fairface-00000/0000.webp", "train/fairface-00000/0001.png"]
TRACE = record(
    "train/fairface-00000/0",
    "train",
    IMAGES,
    [
        {"role": "system", "content": text("You measure nothing yourself.")},
        {"role": "user", "content": [*text("Who is there?", "image 1:"), image(IMAGES[0])]},
        {"role": "assistant", "content": [], "tool_calls": [call(1, images=["image 1"]), call(2)]},
        {"role": "tool", "content": text('{"evidence":[]}'), "name": "detect_faces", "tool_call_id": "call_1"},
        {"role": "tool", "content": text("made before"), "name": "detect_faces", "tool_call_id": "call_2"},
        {"role": "user", "content": [*text("Faces found so far."), image(IMAGES[1])]},
        {"role": "assistant", "content": text('{"status": "answered", "claims": []}')},
    ],
    tools=[TOOL],
)
CONTEXT = record(
    "train/fairface-00000/1",
    "train",
    [],
    [
        {"role": "user", "content": text("How many?")},
        {"role": "assistant", "content": text("{}"), "weight": 0},
        {"role": "user", "content": text("Sure?")},
        {"role": "assistant", "content": [], "tool_calls": [call(1)]},
        {"role": "tool", "content": text("Zoë"), "name": "detect_faces", "tool_call_id": "call_1"},
        {"role": "assistant", "content": text("{}")},
    ],
    tools=[TOOL],
)
ALL = (PLAIN, TRACE, CONTEXT)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    for one in ALL:
        shard = folder / one["id"].rpartition("/")[0]
        shard.mkdir(parents=True, exist_ok=True)
        with (shard / "conversations.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(one, ensure_ascii=False) + "\n")
        for name in one["images"]:
            (folder / name).write_bytes(PNG if name.endswith("png") else WEBP)
    (folder / "README.md").write_text("# Conversations about faces\n", encoding="utf-8")
    return folder


def convert(corpus: Path, to: str, out: Path) -> int:
    return main(["convert", str(corpus), "--to", to, "--out", str(out)])


def test_every_conversation_is_in_the_published_format(corpus: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert convert(corpus, "sharegpt", out) == 0
    assert "2 conversations" in capsys.readouterr().out
    described = json.loads((out / "dataset_info.json").read_text("utf-8"))
    assert list(described) == ["faces_val", "faces_train"]
    for entry in described.values():
        assert entry["formatting"] == "sharegpt"
        for line in (out / entry["file_name"]).read_text("utf-8").splitlines():
            one = json.loads(line)
            Draft202012Validator(SHAREGPT).validate(one)
            assert set(entry["columns"].values()) <= one.keys()
            assert (one["set"], one["licence"]) == ("fairface", "CC BY 4.0")
            sides = [turn["from"] in ("gpt", "function_call") for turn in one["conversations"]]
            assert sides == [False, True] * (len(sides) // 2)  # odd and even, or LLaMA-Factory skips it
            assert sum(turn["value"].count("<image>") for turn in one["conversations"]) == len(one["images"])
            assert all((out / name).read_bytes() == (corpus / name).read_bytes() for name in one["images"])
    assert (out / "README.md").read_bytes() == (corpus / "README.md").read_bytes()


def test_calls_and_observations_have_roles_of_their_own() -> None:
    human, calls, observed, said = converted(TRACE)["conversations"]
    assert human == {"from": "human", "value": "Who is there?\nimage 1:\n<image>"}
    assert calls["from"] == "function_call"
    assert [one["arguments"] for one in json.loads(calls["value"])] == [{"images": ["image 1"]}, {}]
    assert observed["from"] == "observation"
    assert observed["value"] == '{"evidence":[]}\nmade before\nFaces found so far.\n<image>'
    assert said["from"] == "gpt"
    assert json.loads(converted(TRACE)["tools"]) == [TOOL["function"]]
    assert converted(PLAIN)["tools"] == ""


def test_what_must_not_be_learnt_is_left_out_and_counted(corpus: Path, tmp_path: Path, capsys: Any) -> None:
    assert convert(corpus, "sharegpt", tmp_path / "out") == 0
    assert "1 are left out" in capsys.readouterr().out
    assert CONTEXT["id"] not in (tmp_path / "out" / "train.jsonl").read_text("utf-8")


def restored(row: dict[str, Any]) -> dict[str, Any]:
    """The record of which a row was made."""
    images = iter(row["images"])
    one = {key: value for key, value in row.items() if not (key == "tools" and value is None)}
    one["images"] = [shown["path"] for shown in row["images"]]
    if "tools" in one:
        one["tools"] = json.loads(one["tools"])
    one["messages"] = [{key: value for key, value in told.items() if value is not None} for told in row["messages"]]
    for told in one["messages"]:
        told["content"] = [
            {"type": "image", "image": next(images)["path"]} if part["type"] == "image" else part
            for part in told["content"]
        ]
        for made in told.get("tool_calls", ()):
            made["function"]["arguments"] = json.loads(made["function"]["arguments"])
    return one


def test_parquet_gives_back_every_conversation_and_picture(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert(corpus, "parquet", out) == 0
    rows = [
        row for split in ("val", "train") for row in parquet.read_table(out / f"data/{split}-00000.parquet").to_pylist()
    ]
    assert [restored(row) for row in rows] == list(records(corpus)) == list(ALL)
    assert [shown["bytes"] for row in rows for shown in row["images"]] == [WEBP, WEBP, PNG]
    card = (out / "README.md").read_text("utf-8")
    assert "path: data/train-*" in card
    assert "---\n# Conversations about faces\n" in card


def test_the_images_column_is_one_of_images_to_hugging_face(corpus: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    assert convert(corpus, "parquet", tmp_path / "out") == 0
    files = {"train": str(tmp_path / "out" / "data" / "train-*.parquet")}
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert type(loaded.features["images"].feature).__name__ == "Image"


def test_large_corpora_are_several_files(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_format, "_BYTES", 1)
    assert convert(corpus, "parquet", tmp_path / "out") == 0
    names = sorted(file.name for file in (tmp_path / "out" / "data").iterdir())
    assert names == ["train-00000.parquet", "train-00001.parquet", "val-00000.parquet"]


@pytest.mark.parametrize("to", ["sharegpt", "parquet"])
def test_a_missing_picture_is_named_with_the_mend(corpus: Path, tmp_path: Path, to: str, capsys: Any) -> None:
    (corpus / IMAGES[1]).unlink()
    assert convert(corpus, to, tmp_path / "out") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "0001.png is missing. Delete" in told
    assert not (tmp_path / "out").exists()


def test_a_damaged_line_is_named_with_the_mend(corpus: Path) -> None:
    file = corpus / "train" / "fairface-00000" / "conversations.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"Line 2 of .* is damaged\. Delete"):
        list(records(corpus))


def test_a_folder_with_something_in_it_is_left_alone(corpus: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", "utf-8")
    assert convert(corpus, "sharegpt", tmp_path / "mine") == 2
    assert "holds other files" in capsys.readouterr().err
    assert convert(tmp_path / "mine", "sharegpt", tmp_path / "out") == 2
    assert "holds no corpus" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
