"""The planner's phrases, and the questions that are composed of them."""

from __future__ import annotations

import random
from dataclasses import replace
from importlib.resources import files

import pytest

from faceagent.controllers.planner import labels, planner
from faceagent_finetune.planner.asked import Asked, asked, language_of, misread, read
from faceagent_finetune.planner.compose import Composer, held_out, slip, spared
from faceagent_finetune.planner.grammar import _FILES, LANGUAGES, bare, phrases, table
from faceagent_finetune.planner.misread import misread as misreadings

CORPUS = files("faceagent_finetune.planner").joinpath("corpus")


def test_every_label_of_a_phrase_is_one_that_the_network_has() -> None:
    assert {label for phrase in phrases() for label in phrase.labels} == set(labels())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_can_be_worded(language: str) -> None:
    rng = random.Random(0)
    for phrase in phrases():
        if phrase.language == language:
            worded = phrase.worded(rng)
            assert worded, phrase.text
            assert not set("{}|<>") & set(worded), phrase.text


def test_every_file_of_phrases_is_read() -> None:
    written = {file.name.removesuffix(".txt") for file in CORPUS.iterdir() if file.name.endswith(".txt")}
    assert written == set(_FILES)
    assert any(phrase.plain for phrase in phrases())


def test_questions_as_asked_are_many_and_well_labelled() -> None:
    found = asked()
    assert len(found) > 17_000
    assert {label for one in found for label in one.labels} == set(labels())
    assert {one.language for one in found} == set(LANGUAGES)
    texts = [" ".join(one.text.lower().split()) for one in found]
    assert len(texts) == len(set(texts))
    assert 0.04 < sum(one.held for one in found) / len(found) < 0.1


def test_questions_of_the_benchmark_are_in_no_file() -> None:
    from faceagent_eval.benchmarks.planner import natural

    theirs = {" ".join(item.text.lower().split()) for item in natural()}
    shared = theirs & {" ".join(one.text.lower().split()) for one in asked()}
    assert not shared


def test_nothing_that_is_judged_by_is_trained_on_in_other_letters() -> None:
    trained = {bare(one.text) for one in asked() if not one.held}
    assert not trained & {bare(one.text) for one in asked() if one.held}
    assert not trained & {bare(question.text) for question in held_out(3000)}
    assert 100 < len(spared()) < sum(phrase.held for phrase in phrases())


def test_a_file_as_asked() -> None:
    assert [
        (one.text, one.labels) for one in read("# said\n## clerk\nage, smile | How old?\nnothing | Tea | milk?", "en")
    ] == [
        ("How old?", frozenset({"age", "smile"})),
        ("Tea | milk?", frozenset()),
    ]
    assert language_of("en-work.txt") == "en"
    with pytest.raises(ValueError, match="xx"):
        language_of("xx.txt")


def test_what_is_held_out_is_never_trained_on() -> None:
    held = {one.text.lower() for one in asked() if one.held} - {one.text.lower() for one in asked() if not one.held}
    composer = Composer(9, noise=0.0)
    assert not {composer.question().text.lower() for _ in range(3000)} & held


def test_no_two_phrases_are_alike_within_a_label() -> None:
    written = [(phrase.text, phrase.labels) for phrase in phrases()]
    assert len(written) == len(set(written))


def test_held_out_questions_share_no_phrase_and_no_style_with_training() -> None:
    styles = {style["name"] for style in table("frames")["style"] if style.get("held")}
    assert {question.style for question in held_out(300)} == styles
    trained = Composer(1)
    assert not {trained.question().style for _ in range(300)} & styles
    assert all(
        phrase.held for groups in Composer(1, held=True)._groups.values() for group in groups for phrase in group
    )
    assert not any(phrase.held for groups in trained._groups.values() for group in groups for phrase in group)


def test_composition_repeats_with_its_seed() -> None:
    one, other = Composer(3), Composer(3)
    assert [one.question() for _ in range(50)] == [other.question() for _ in range(50)]


def test_joined_requests_carry_all_their_labels() -> None:
    composer = Composer(5)
    found = [question for _ in range(4000) if (question := composer.question()).style != "as asked"]
    assert any(len(question.labels) >= 3 for question in found)
    assert not any({"greeting", "help"} & question.labels and len(question.labels) > 1 for question in found)


def test_a_slip_changes_one_word() -> None:
    rng = random.Random(0)
    for _ in range(200):
        before, after = ["these", "people", "look", "alike"], slip("these people look alike", rng).split(" ")
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1


def test_what_an_earlier_network_misread_is_trained_on_and_comes_more_often() -> None:
    assert misread() <= {one.text for one in asked() if not one.held}
    once, thrice = (
        sum(composer.question().text in misread() for _ in range(2000))
        for composer in (Composer(5, noise=0.0), Composer(5, noise=0.0, again=3))
    )
    assert thrice > 1.5 * once > 0


def test_questions_that_a_network_misreads_are_told_with_what_it_reads() -> None:
    right = Asked("How old is she?", frozenset({"age"}), "en", "", held=False)
    wrong = replace(right, labels=frozenset({"glasses"}))
    assert list(misreadings(planner(), [right, wrong])) == [(wrong, frozenset({"age"}))]
