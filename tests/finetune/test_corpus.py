"""Conversations from labelled photos: miniature sets through the whole command."""

from __future__ import annotations

import argparse
import errno
import io
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("pyarrow")

from labelled_rows import fairface, picture, row, write
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from faceagent.errors import FaceAgentError, InputError, UsageError
from faceagent.policy import declined, topics
from faceagent_finetune import __main__ as commands
from faceagent_finetune.__main__ import main
from faceagent_finetune.corpus.build import build
from faceagent_finetune.corpus.conversation import Talk
from faceagent_finetune.corpus.degrade import CHANGES, changes_for
from faceagent_finetune.corpus.kinds.abstain import unseen
from faceagent_finetune.corpus.kinds.regions import by_regions
from faceagent_finetune.corpus.labelled import Label, LabelledPhoto, LeftOut, Row
from faceagent_finetune.corpus.recipe import Recipe
from faceagent_finetune.corpus.report import answers, records, report
from faceagent_finetune.corpus.rewriter import Rewriter
from faceagent_finetune.corpus.sampler import balanced
from faceagent_finetune.corpus.sources import SOURCES, celeba, ferplus, utkface
from faceagent_finetune.corpus.wording import Voice

RECIPE = """
seed = 3
shard = 8
{purpose}
[sets]
{sets}
[balance]
by = ["gender", "ethnicity"]
[duplicates]
bits = 4
evaluation = {evaluation}
[kinds]
description = 0.5
attribute = 0.5
yes_no = 1.0
comparison = 0.5
forgery = 1.0
abstention = 0.5
refusal = 0.3
purpose = 0.5
multi_turn = 0.5
"""


def celeba_rows(count: int = 16) -> list[dict[str, Any]]:
    things = [column for column in celeba.COLUMNS if column not in ("identity", "Male", "split")]
    return [
        row(
            number + 100,
            identity=number,
            Male=1 if number // 2 % 2 else -1,
            **{thing: 1 if (number + place) % 2 else -1 for place, thing in enumerate(things)},
        )
        for number in range(count)
    ]


def recipe_in(folder: Path, sets: Sequence[str], purpose: str = "", evaluation: Sequence[str] = ()) -> Path:
    file = folder / "recipe.toml"
    lines = "\n".join(f"{name} = 100" for name in sets)
    stated = f'purpose = "{purpose}"' if purpose else ""
    file.write_text(RECIPE.format(sets=lines, purpose=stated, evaluation=json.dumps(list(evaluation))), "utf-8")
    return file


def run(folder: Path, recipe: Path, out: str = "out") -> int:
    return main(["corpus", str(recipe), "--data", str(folder), "--out", str(folder / out)])


def contents(out: Path) -> dict[str, bytes]:
    """Every file of the shards."""
    return {str(file.relative_to(out)): file.read_bytes() for file in sorted(out.glob("*/*/*"))}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two sets, for no purpose."""
    folder = tmp_path_factory.mktemp("made")
    write(folder / SOURCES["fairface"].file, fairface())
    write(folder / SOURCES["celeba40"].file, celeba_rows())
    assert run(folder, recipe_in(folder, ["fairface", "celeba40"])) == 0
    return folder / "out"


def test_as_many_no_as_yes_and_about_the_same_questions(made: Path) -> None:
    asked: dict[tuple[str, str], Counter[str]] = {}
    for record in records(made):
        if record["kind"] in ("yes_no", "answered_though_degraded"):
            question = record["messages"][0]["content"][-1]["text"]
            asked.setdefault((record["kind"], question), Counter())[record["turns"][0]["value"]] += 1
    assert asked
    assert all(counts["yes"] == counts["no"] > 0 for counts in asked.values())


def test_nothing_of_ethnicity_without_a_purpose(made: Path) -> None:
    found = [record for record in records(made) if record["kind"] == "purpose"]
    assert found
    assert {turn["value"] for record in found for turn in record["turns"]} == {"off without a purpose"}
    said = " ".join(answer for record in records(made) for answer in answers(record))
    assert not any(group in said for group in ("White", "Black", "Indian"))


def test_with_a_purpose_it_is_answered_only_where_the_conversation_states_it(tmp_path: Path) -> None:
    write(tmp_path / SOURCES["fairface"].file, fairface())
    assert run(tmp_path, recipe_in(tmp_path, ["fairface"], purpose="research")) == 0
    found = [record for record in records(tmp_path / "out") if record["kind"] == "purpose"]
    read = [record for record in found if record["turns"][0]["value"] in ("White", "Black", "Indian")]
    assert 0 < len(read) < len(found)
    for record in found:
        stated = record["messages"][0]["role"] == "system" and "research" in record["messages"][0]["content"][0]["text"]
        assert stated == (record in read)


def test_messages_are_in_the_standard_format_and_every_picture_is_there(made: Path) -> None:
    for record in records(made):
        shown = [part["image"] for told in record["messages"] for part in told["content"] if part["type"] == "image"]
        assert shown == record["images"]
        assert all((made / image).stat().st_size for image in shown)
        talk = [told["role"] for told in record["messages"] if told["role"] != "system"]
        assert talk == ["user", "assistant"] * (len(talk) // 2)
        assert not set("{}<>|") & set("".join(answers(record)))


def test_a_run_that_was_cut_off_ends_with_the_same_bytes(made: Path, tmp_path: Path) -> None:
    whole = contents(made)
    again = tmp_path / "again"
    shutil.copytree(made, again)
    last = sorted(again.glob("train/*"))[-1]
    shutil.rmtree(last)
    (last.parent / f".{last.name}.partial").mkdir()
    folder = made.parent
    assert main(["corpus", str(folder / "recipe.toml"), "--data", str(folder), "--out", str(again)]) == 0
    assert contents(again) == whole
    assert not list(again.glob("*/.*"))


def test_a_full_disk_is_told_and_the_run_goes_on_later(made: Path, tmp_path: Path, capsys: Any) -> None:
    """Files may suddenly not become larger than 8 KB, which to a program is the same as a full disk."""
    resource = pytest.importorskip("resource")
    command = ["corpus", str(made.parent / "recipe.toml"), "--data", str(made.parent), "--out", str(tmp_path / "out")]
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, most))
    try:
        status = main(command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert status == 1
    assert "There is no room (File too large). Make room" in " ".join(capsys.readouterr().err.split())
    assert main(command) == 0
    assert contents(tmp_path / "out") == contents(made)


@pytest.mark.parametrize(
    "command",
    [
        "corpus r --data d",
        "nano r --corpus c",
        "train r --corpus c",
        "vip r --model m --photos p --person n --gallery g",
    ],
)
@pytest.mark.parametrize(("code", "told"), [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EFBIG, 1), (errno.EIO, None)])
def test_whatever_fills_the_disk_ends_with_a_sentence(
    command: str, code: int, told: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(chosen: argparse.Namespace) -> int:
        raise OSError(code, "as it is")

    arguments = [*command.split(), "--out", "o"]
    monkeypatch.setattr(commands, arguments[0], full)
    with nullcontext() if told else pytest.raises(OSError, match="as it is"):
        assert main(arguments) == told


@pytest.mark.parametrize("forged", [lambda n: n < 16, lambda n: (n // 4 + n) % 2], ids=["last", "in turn"])
def test_each_shard_has_both_sides_of_a_question_however_the_set_is_sorted(
    forged: Callable[[int], bool], tmp_path: Path
) -> None:
    rows = [row(n, label="fake_stylegan" if forged(n) else "real") for n in range(32)]
    write(tmp_path / SOURCES["stylegan_ffhq"].file, rows)
    recipe = recipe_in(tmp_path, ["stylegan_ffhq"])
    recipe.write_text(recipe.read_text("utf-8").replace('["gender", "ethnicity"]', '["authenticity"]'), "utf-8")
    assert run(tmp_path, recipe) == 0
    shards = Counter(one["id"].rpartition("/")[0] for one in records(tmp_path / "out") if one["kind"] == "forgery")
    assert list(shards.values()) == [8, 8, 8, 8]


def test_another_recipe_does_not_go_on_in_the_same_folder(made: Path, tmp_path: Path, capsys: Any) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text((made.parent / "recipe.toml").read_text("utf-8").replace("seed = 3", "seed = 4"), "utf-8")
    assert main(["corpus", str(recipe), "--data", str(made.parent), "--out", str(made)]) == 2
    assert "another recipe" in capsys.readouterr().err


def test_val_is_never_in_train(made: Path) -> None:
    photos = {split: set[str]() for split in ("train", "val")}
    for record in records(made):
        assert record["id"].startswith(record["split"])
        photos[record["split"]] |= {f"{record['set']}/{name}" for name in record["photos"]}
    assert photos["train"]
    assert photos["val"]
    assert not photos["train"] & photos["val"]


def test_a_person_of_val_is_not_in_train(tmp_path: Path) -> None:
    rows = celeba_rows()
    rows[1]["identity"] = rows[0]["identity"]  # 0 is val, 1 is train
    write(tmp_path / SOURCES["celeba40"].file, rows)
    assert run(tmp_path, recipe_in(tmp_path, ["celeba40"])) == 0
    used = {name for record in records(tmp_path / "out") for name in record["photos"]}
    assert "101.png" not in used
    left = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["left_out"]["celeba40"]
    assert left["chosen_so"] == {"its person, video or photo is in val too": 1}


def test_near_copies_of_val_and_of_what_is_measured_on_are_dropped_from_train(tmp_path: Path) -> None:
    rows = fairface()
    copy = io.BytesIO()
    Image.open(io.BytesIO(picture(0))).save(copy, "JPEG", quality=85)
    rows[1]["image"]["bytes"] = copy.getvalue()  # 0 is val, 1 is train
    measured = [{"image": {"bytes": picture(2), "path": "held.png"}}]
    write(tmp_path / SOURCES["fairface"].file, rows)
    write(tmp_path / "held.parquet", measured)
    assert run(tmp_path, recipe_in(tmp_path, ["fairface"], evaluation=["held.parquet"])) == 0
    left = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["left_out"]["fairface"]
    assert left["chosen_so"] == {
        "looks like a photo of fairface": 1,
        "looks like a photo of held.parquet": 1,
    }
    used = {name for record in records(tmp_path / "out") for name in record["photos"]}
    assert "0.png" in used
    assert not {"1.png", "2.png"} & used


def test_broken_photos_and_missing_labels_are_counted_and_named(tmp_path: Path, capsys: Any) -> None:
    rows = fairface()
    rows[5]["image"]["bytes"] = rows[5]["image"]["bytes"][:200]
    rows[6]["age_group"] = None
    write(tmp_path / SOURCES["fairface"].file, rows)
    assert run(tmp_path, recipe_in(tmp_path, ["fairface"])) == 1
    left = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["left_out"]["fairface"]
    assert left["broken"] == 2
    assert [named.partition(":")[0] for named in left["broken_named"]] == ["6.png", "5.png"]
    assert "2 photos are broken" in capsys.readouterr().err


def test_a_missing_column_is_named_with_the_mend(tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != "race"} for row in fairface(4)]
    write(tmp_path / SOURCES["fairface"].file, rows)
    with pytest.raises(InputError, match=r"has no column 'race' \(it has .*\)\. Rename") as caught:
        SOURCES["fairface"].open(tmp_path)
    assert isinstance(caught.value, FaceAgentError)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("yes_no = 1.0", "yes_on = 1.0", "Did you mean 'yes_no'"),
        ("fairface = 100", "fairfaec = 100", "Did you mean 'fairface'"),
        ("seed = 3", 'seed = "3"', "whole number"),
        ("seed = 3", "seed = ", "not TOML"),
        ("seed = 3", 'seed = 3\npurpose = "fun"', "no purpose “fun”"),
        ("[kinds]", '[places]\nfairfac = "x"\n[kinds]', "Did you mean 'fairface'"),
        ("[kinds]", "[places]\nfairface = 3\n[kinds]", "fairface in .places. is 3"),
        ("evaluation =", "evalution =", "Did you mean 'evaluation'"),
        ("evaluation = []", 'evaluation = "x.parquet"', "evaluation in .duplicates. is 'x.parquet'"),
        ("evaluation = []", "evaluation = [3]", "evaluation in .duplicates. is .3."),
        ("by =", "buy =", "Did you mean 'by'"),
        ('["gender", "ethnicity"]', '"gender"', "by in .balance. is 'gender'"),
        ('["gender", "ethnicity"]', '["gendre"]', "Did you mean 'gender'"),
        ("shard = 8", "shard = 8\nplaces = 3", "places is 3. Make it a table"),
    ],
)
def test_a_wrong_recipe_is_told_what_is_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = recipe_in(tmp_path, ["fairface"])
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(UsageError, match=told):
        Recipe.read(file)


def test_what_is_missing_ends_with_status_2(tmp_path: Path, capsys: Any) -> None:
    assert run(tmp_path, tmp_path / "none.toml") == 2
    assert run(tmp_path, recipe_in(tmp_path, ["fairface"])) == 2
    assert main(["preview", str(tmp_path)]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_report_card_and_preview(made: Path) -> None:
    told = json.loads((made / "report.json").read_text("utf-8"))
    assert told["conversations"] == len(list(records(made)))
    assert len(told["most_frequent_answers"]) == 10
    assert 0 < told["distinct_1"] < told["distinct_2"] <= 1
    card = (made / "README.md").read_text("utf-8")
    assert all(SOURCES[name].licence in card for name in ("fairface", "celeba40"))
    assert main(["preview", str(made)]) == 0
    page = (made / "preview.html").read_text("utf-8")
    assert page.count("data:image/") >= 8
    assert "<script" not in page


def test_every_declined_question_is_one_that_the_policy_declines() -> None:
    for topic in topics():
        voice = Voice(random.Random(topic.name))
        for _ in range(60):
            question = voice.say(f"declined.ask.{topic.name}")
            assert topic.name in {found.name for found in declined(question)}, question


def test_a_model_rewords_answers_that_the_labels_bear_out(made: Path, tmp_path: Path) -> None:
    recipe = Recipe.read(made.parent / "recipe.toml")
    rewriter = Rewriter(FakeListChatModel(responses=["The person wears no glasses."]), 1.0)
    out = tmp_path / "out"
    told = report(out, build(recipe, made.parent, out, None, lambda done, total: None, rewriter))
    outcomes = told["reworded"]
    assert outcomes["accepted"] > 0
    assert outcomes["contradiction"] > 0
    written = [answer for record in records(out) for answer in answers(record)]
    assert written.count("The person wears no glasses.") == outcomes["accepted"]
    assert len(written) == len([answer for record in records(made) for answer in answers(record)])
    assert json.loads((made / "report.json").read_text("utf-8"))["reworded"] == {}


def test_faces_are_compared_region_by_region_as_far_as_the_labels_know() -> None:
    def shown(name: str, **facts: str) -> LabelledPhoto:
        nothing = {thing.name: "no" for thing in celeba.USED} | {"black hair": "yes"}
        known = {thing: value for thing, value in (nothing | facts).items() if value}
        return LabelledPhoto("celeba40", name, b"", known, "train", name, "none")

    one = shown("1", glasses="yes", earrings="")
    other = shown("2", **{"black hair": "no", "blond hair": "yes", "earrings": "no"})
    rng = random.Random(2)
    (made,) = by_regions([one, other], 1, Talk(rng, Voice(rng), None))
    (turn,) = made.turns
    assert turn.value == "2 of 5 differ"  # of the ears nothing is known in one
    said = turn.answer.lower()
    order = ("first", "second") if made.pictures[0].photo is one else ("second", "first")
    for named in ("glasses in the {0}", "no glasses in the {1}", "black hair in the {0}", "blond hair in the {1}"):
        assert named.format(*order) in said
    assert "earrings" not in said
    assert "no beard, goatee or moustache" in said


def test_a_rare_group_is_not_outnumbered() -> None:
    def of(gender: str, place: int) -> Row:
        return Row(place, f"{place}", Label({"gender": gender}, "train", f"{place}"), f"{place}")

    rows = [of("male", place) for place in range(90)] + [of("female", 90 + place) for place in range(10)]
    taken = Counter(row.label.facts["gender"] for row in balanced(rows, 20, ["gender"], random.Random(1)))
    assert taken == {"male": 10, "female": 10}
    assert len(balanced(rows, 60, ["gender"], random.Random(1))) == 60


def test_labels_that_contradict_each_other_are_no_facts() -> None:
    facts = {thing.name: "no" for thing in celeba.USED}
    assert not {"goatee", "beard"} & celeba.agreeing({**facts, "goatee": "yes"}).keys()
    assert not {"black hair", "grey hair"} & celeba.agreeing({**facts, "black hair": "yes", "grey hair": "yes"}).keys()
    assert "brown hair" not in celeba.agreeing({**facts, "black hair": "yes"})  # shades into black


def test_no_gender_of_small_children_and_no_expression_without_agreement() -> None:
    toddler = {"age": 1, "gender": "male", "race": "White", "split": "train"}
    assert "gender" not in utkface.label("a", toddler).facts
    votes = dict.fromkeys((*ferplus.WORDS, "unknown", "NF"), 0)
    doubt = ferplus.label("b", {**votes, "sadness": 5, "neutral": 5, "split": "train"}).facts
    assert "expression" not in doubt
    assert doubt["expression doubt"] == "neutral or sad"


def test_pairs_across_splits_are_left_out_and_the_others_balanced(tmp_path: Path) -> None:
    names = [f"Person_{chr(65 + number)}_000{shot}" for number in range(10) for shot in (1, 2)]
    images = [
        {"image": {"bytes": picture(300 + number), "path": f"{name}.png"}, "name": name}
        for number, name in enumerate(names)
    ]
    write(tmp_path / SOURCES["lfw"].file, images)
    same = [f"1,{names[k]},{names[k + 1]},True" for k in range(0, 20, 2)]
    other = [f"1,{names[k]},{names[(k + 2) % 20]},False" for k in range(0, 20, 2)]
    text = "\n".join(["fold,a,b,same", *same, *other, "1,Nobody_0001,Nobody_0002,True"])
    (tmp_path / "identity" / "lfw_pairs_folds1-2.csv").write_text(text, "utf-8")
    left = [row for row in SOURCES["lfw"].open(tmp_path).rows() if isinstance(row, LeftOut)]
    assert [row.name for row in left if row.fault] == ["pair 20"]
    run(tmp_path, recipe_in(tmp_path, ["lfw"]))
    said = Counter(
        record["turns"][0]["value"] for record in records(tmp_path / "out") if record["kind"] == "comparison"
    )
    assert said["yes"] == said["no"] > 0


@pytest.mark.parametrize("written", ["caption", "annotation", "alt text", "age"])
def test_of_a_whole_photo_nothing_is_said_as_if_it_were_cut_to_the_face(written: str) -> None:
    rng = random.Random(4)
    whole = LabelledPhoto("faceid6m", "a.jpg", b"", {written: "30-39"}, "train", "a", "none")
    asked = {unseen(whole, Talk(rng, Voice(rng), None)).attribute for _ in range(200)}
    assert asked >= {"voice", "name", "date"}
    assert ({"shoes", "height", "place"} <= asked) == (written == "age")
    assert bool({"shoes", "height", "place"} & asked) == (written == "age")


def test_what_a_degraded_copy_is_said_to_keep_is_not_what_it_hides() -> None:
    assert all(not change.hides & change.keeps for change in CHANGES.values())
    assert "gender" not in CHANGES["tiny"].hides  # hair and outline are still there
    assert set(changes_for("fairface")) == {"blurred", "tiny"}  # nobody knows where its eyes and mouths are
