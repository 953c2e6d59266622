"""Scores of descriptions, against cases worked out by hand and values of pycocoevalcap 1.2; Face2Text in miniature."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from photo_files import EXAMPLES
from scripted import ScriptedController

from faceagent.errors import ControllerError, UsageError
from faceagent_eval import asking, benchmarks, captions, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.captions import words

SAID = ("a man with short dark hair", "the woman is smiling and wears glasses", "an old man")
WRITTEN = (
    ("a young man with dark hair", "man with very short dark hair and a beard"),
    ("a smiling woman with glasses",),
    ("an old man with a grey beard", "old man"),
)
BLEU = (0.75, 0.5370861554921337, 0.0)  # of orders 1, 2 and 4; theirs adds a little to nothing in common
ROUGE = 0.7256651017214398
CIDER = (2.6878036442660305, 1.5481895966519565, 3.6516599642504493)


def test_words_have_no_punctuation_and_keep_what_is_within_them():
    assert words("He's a well-known man, I think.") == ("he's", "a", "well-known", "man", "i", "think")


def test_scores_are_those_of_the_coco_evaluation():
    said, written = [words(one) for one in SAID], [[words(one) for one in others] for others in WRITTEN]
    found = captions.matches(said, written)
    columns = (found.matched, found.possible, found.length, found.reference)
    assert [captions.bleu(*columns, order=order) for order in (1, 2, 4)] == pytest.approx(BLEU, abs=1e-6)
    rouge = [captions.rouge_l(one, others) for one, others in zip(said, written, strict=True)]
    assert np.mean(rouge) == pytest.approx(ROUGE)
    assert captions.cider(said, written) == pytest.approx(CIDER)


def test_bleu_by_hand():
    # Of four words three are in a reference, "the" once only, and the nearest reference has as many words.
    found = captions.matches([words("the the big nose")], [[words("the big nose there"), words("a nose")]])
    columns = (found.matched, found.possible, found.length, found.reference)
    assert captions.bleu(*columns, order=1) == pytest.approx(3 / 4)
    assert captions.bleu(*columns, order=4) == 0.0
    short = captions.matches([words("big nose")], [[words("a very big nose")]])
    assert captions.bleu(short.matched, short.possible, short.length, short.reference, order=1) == pytest.approx(
        np.exp(1 - 4 / 2)
    )


def test_an_empty_description_scores_nothing_and_none_at_all_is_refused():
    assert captions.rouge_l((), [words("a man")]) == 0.0
    assert captions.cider([(), words("a man")], [[words("a man")], [words("a man")]])[0] == 0.0
    with pytest.raises(UsageError, match="a reference for each"):
        captions.matches([words("a")], [[]])
    with pytest.raises(UsageError, match="at least one"):
        captions.cider([], [])


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLES / "portrait.jpg", path)


def newer(root: Path) -> None:
    rows = [("000035.jpg", "A woman."), ("000035.jpg", "She smiles."), ("000036.jpg", "A man.")]
    told = [
        {"response_id": str(n), "filename": photo, "user_id": "2", "description": text}
        for n, (photo, text) in enumerate(rows)
    ]
    (root / "raw.json").write_text(json.dumps(told), encoding="utf-8")
    put(root / "img_align_celeba" / "000035.jpg")


def older(root: Path) -> None:
    told = [
        {"img_id": n, "image": f"A_B/A_B_000{n}.bmp", "descriptions": [{"desc_id": n, "text": "A woman who smiles"}]}
        for n in (1, 2)
    ]
    (root / "clean.json").write_text(json.dumps(told), encoding="utf-8")
    put(root / "lfw" / "A_B" / "A_B_0001.jpg")


@pytest.mark.parametrize(("make", "texts"), [(newer, 2), (older, 1)])
def test_both_versions_are_read_and_what_is_missing_is_told(make, texts, tmp_path, capsys):
    make(tmp_path)
    items = benchmarks.make("face2text", tmp_path).items()
    assert [len(item.written) for item in items] == [texts, 1]
    assert run.main(["run", "face2text", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "INCOMPLETE: 1 items" in said and "BLEU-4" in said and "CIDEr-D" in said
    (result,) = (tmp_path / "out").glob("face2text-*.json")
    figures = {row["name"]: row for row in json.loads(result.read_text(encoding="utf-8"))["figures"]}
    assert figures["words"]["value"] > 3
    assert figures["answers that could not be used"]["value"] == 0


def test_wrong_files_show_both_layouts(tmp_path):
    with pytest.raises(LayoutError, match="neither clean"):
        benchmarks.make("face2text", tmp_path).items()
    for content, what in (
        ('[{"filename": "a.jpg"}]', "entry 0 of raw.json"),
        ("[1, 2", "raw.json"),
        ("[]", "no photo"),
    ):
        (tmp_path / "raw.json").write_text(content, encoding="utf-8")
        with pytest.raises(LayoutError, match=rf"(?s){what}.*img_align_celeba"):
            benchmarks.make("face2text", tmp_path).items()
    outside = [{"filename": "../../secret.jpg", "description": "x"}]
    (tmp_path / "raw.json").write_text(json.dumps(outside), encoding="utf-8")
    (tmp_path.parent / "secret.jpg").write_bytes(b"x")
    with pytest.raises(LayoutError, match=r"the first missing one is secret\.jpg"):
        benchmarks.make("face2text", tmp_path).items()


def test_an_answer_that_cannot_be_used_is_an_empty_description(tmp_path, monkeypatch):
    newer(tmp_path)
    put(tmp_path / "img_align_celeba" / "000036.jpg")

    def broken(messages):
        raise ControllerError("The model gives up")

    monkeypatch.setattr(asking, "make_controller", lambda name, toolbox: ScriptedController(turns=[broken]))
    result = run.run(benchmarks.make("face2text", tmp_path))
    assert result.complete
    assert result.figure("answers that could not be used").value == 100
    assert result.figure("BLEU-1").value == 0
