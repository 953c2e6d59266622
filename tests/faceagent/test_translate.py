"""Finished sentences in other languages: whole, with the same figures, or marked as English."""

from __future__ import annotations

import gettext
import re
from importlib.resources import as_file, files
from itertools import count, product

import pytest
from languages import OTHERS, assert_said_in_all_languages

from faceagent import policy
from faceagent.controllers import plan
from faceagent.loop import CANCELLED, LOOPING, NOWHERE, TOO_LONG, TOO_MUCH, UNMEASURED, UNUSABLE
from faceagent.messages import LANGUAGES
from faceagent.narrate import compose
from faceagent.report.summary import read_for
from faceagent.translate import (
    DOMAIN,
    Pattern,
    listed,
    note_in,
    patterns,
    phrase_in,
    said,
    text_in,
    translated,
    understood,
)
from faceagent.types import Answer, Claim

FIGURES = {
    "number": ("0.94", "12,345", "3", "−0.5"),
    "id": ("1.2", "3"),
    "word": ("net-1", "a.jpg"),
    "code": ("`python -m made.up --data DIR`",),
    "path": ("a.jpg", "/tmp/my photo 2.jpg"),
}
HOSTILE = ("Zoë {who} 1.5", r"\1, and the face. It is", "", "{text}")
STANDS_FOR = (
    "as blurred",
    "children",
    "age 3-9",
    "22 %",
    "a face swap and an authentic photo (DFDC)",
    "happy",
    "MesoNet",
    "10 to 12",
)
"""What the sentences of standing.txt leave open with *."""


def filled(pattern: Pattern, variant: int, depth: int = 0) -> str:
    """A phrase with something in its slots, something else for each variant."""
    turn = count(variant)

    def fill(kind: str) -> str:
        if kind in FIGURES:
            return FIGURES[kind][next(turn) % len(FIGURES[kind])]
        if kind == "text":
            return HOSTILE[next(turn) % len(HOSTILE)]
        if kind == "name":
            return "Some Set"
        phrases = [one for one in patterns()[kind] if depth < 3 or not one.slots]
        return filled(phrases[next(turn) % len(phrases)], variant, depth + 1)

    return re.sub(r"\{([a-z]+)[^}]*\}", lambda slot: fill(slot[1]), pattern.english)


@pytest.mark.parametrize("pattern", patterns()["sentence"], ids=lambda pattern: pattern.english[:60])
def test_every_pattern_keeps_figures_ids_and_quotations(pattern: Pattern) -> None:
    for variant in range(8):
        sentence = filled(pattern, variant)
        assert_said_in_all_languages(sentence[:1].upper() + sentence[1:])


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_is_translated_and_asks_for_the_slots_that_there_are(language: str) -> None:
    entries = catalogue_of(language)
    for kind, phrases in patterns().items():
        for phrase in phrases:
            assert (kind, phrase.english) in entries, f"{language}: {kind}: {phrase.english}"
    for (context, english), translation in entries.items():
        kind = context.partition(".")[0]
        assert english in {one.english for one in patterns()[kind]}, f"{language}: no such phrase: {english}"
        assert slots(translation) == slots(english), f"{language}: {english} | {translation}"


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    pofile = pytest.importorskip("babel.messages.pofile")
    with as_file(files("faceagent") / "locale") as folder:
        text = (folder / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb")
        with text:
            written = {(one.context, one.id): one.string for one in pofile.read_po(text) if one.id}
    assert written == catalogue_of(language), "compile it: see CONTRIBUTING.md"


def catalogue_of(language: str) -> dict[tuple[str, str], str]:
    """Translations by context and English phrase. gettext itself offers no list of what it holds."""
    with as_file(files("faceagent") / "locale") as folder:
        found = gettext.translation(DOMAIN, folder, [language])
    entries = vars(found)["_catalog"].items()
    return {tuple(key.split("\x04")): text for key, text in entries if key}  # type: ignore[misc]


def slots(text: str) -> set[str]:
    """Slots without their cases."""
    return {re.sub(r"\.[a-z]+", "", slot) for slot in re.findall(r"\{[^}]*\}", text)}


def test_standing_sentences_are_translated() -> None:
    text = files("faceagent").joinpath("ground/standing.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            assert any_said(line), line


def any_said(line: str) -> bool:
    """Whether the sentence has a pattern with something of those that it is said with in place of *."""
    first, *rest = line.replace("#", "12").replace("“”", "“research”").split("*")
    for choice in product(STANDS_FOR, repeat=len(rest)):
        sentence = first + "".join(word + text for word, text in zip(choice, rest, strict=True))
        if understood(sentence):
            assert_said_in_all_languages(sentence)
            return True
    return False


def test_what_the_assistant_says_of_itself_is_translated() -> None:
    said_of_itself = {*plan.of_itself(()), *(topic.why for topic in policy.topics())}
    for sentence in (*said_of_itself, TOO_MUCH, TOO_LONG, LOOPING, NOWHERE, CANCELLED, UNUSABLE, UNMEASURED):
        for language in OTHERS:
            assert "[" not in text_in(sentence, language), sentence


def test_what_a_report_was_made_for_is_translated() -> None:
    for purpose in policy.purposes().values():
        if purpose.opens:
            for language in OTHERS:
                assert "[" not in text_in(read_for(purpose), language), purpose.name


def test_the_policy_is_translated() -> None:
    for language in OTHERS:
        for purpose in policy.purposes().values():
            assert "[" not in text_in(purpose.means, language), purpose.means
            assert phrase_in("law", purpose.source, language) != purpose.source, purpose.source
        for topic in ("emotion", "ethnicity"):
            assert phrase_in("law", policy.law(topic), language) != policy.law(topic)
            for stated in (None, "workplace"):
                why = f"{policy.how_to_open(topic, stated)}."
                assert phrase_in("mark", "[in English]", language) not in text_in(why, language), why
    assert {topic.name for topic in policy.topics()} <= {one.english for one in patterns()["declined"]}


def test_where_a_line_comes_from_is_translated_whole_or_marked() -> None:
    rates = "False match rate by group: Latino or Hispanic women 0.08 % (n = 10,731), children 0.5 % (n = 6,090)."
    assert note_in(rates, "de") == (
        "Rate falscher Übereinstimmungen nach Gruppen: lateinamerikanische oder hispanische Frauen 0,08\xa0% "
        "(n = 10\u202f731), Kinder 0,5\xa0% (n = 6\u202f090)."
    )
    line = "“differs in a part”: 5,780 simulated thumbnails of 305 photos; `python -m a.b --data DIR`."
    assert "5\u202f780 vignettes simulées de 305 photos\xa0; `python -m a.b --data DIR`." in note_in(line, "fr")
    unknown = "“differs in a part”: a source that nobody has translated."
    assert note_in(unknown, "de") == f"[auf Englisch] {unknown}"


@pytest.mark.parametrize("topic", ["gender", "ethnicity", "emotion", "identification", "enrolment"])
def test_what_is_withheld_of_children_is_translated(topic: str) -> None:
    assert_said_in_all_languages(f"Face 1.1 was left out, because {policy.withheld_from_minors(topic)}.")


def test_questions_back_are_translated() -> None:
    asked = (
        "Your question can be read in different ways. Are you asking how old the person on the far left of image 1 "
        "looks, whether image 1 is genuine or forged, or how many faces there are?"
    )
    assert text_in(asked, "de") == (
        "Ihre Frage lässt sich verschieden verstehen. Fragen Sie, wie alt die Person ganz links in Bild 1 aussieht, ob "
        "Bild 1 echt oder gefälscht ist oder wie viele Gesichter da sind?"
    )
    which = "Which one do you mean: the person on the left (face 1.1) or the person on the right (face 1.2)?"
    assert_said_in_all_languages(which)


def test_figures_take_the_marks_of_the_language() -> None:
    sentence = "Of two photos of one person, at most about 1 in 1,000 pairs are as unlike as this."
    assert "1 von 1\u202f000" in said(sentence, "de").text
    assert "每 1,000 对" in said(sentence, "zh").text
    age = "Face 1.2 was enlarged about 2.5 times or is out of focus, which can leave similar traces."
    assert said(age, "es").text.startswith("La imagen del rostro 1.2 se amplió unas 2,5 veces")


def test_a_list_is_joined_as_the_language_joins_it() -> None:
    sentence = "Face 1.1, face 1.2 and face 1.3 would probably be perceived as women."
    assert said(sentence, "fr").text == (
        "On percevrait probablement des femmes dans le visage 1.1, le visage 1.2 et le visage 1.3."
    )
    assert listed("who", "face 1.1, face 1.2 and nobody") is None


def test_a_sentence_is_translated_whole_or_not_at_all() -> None:
    unknown = "The age of the face was not estimated, because a reason that nobody has translated."
    assert said(unknown, "de").text == unknown
    assert said(unknown, "de").language == "en"
    mixed = f"There is one face in the photo. {unknown}"
    assert text_in(mixed, "de") == f"In dem Foto ist ein Gesicht zu sehen. [auf Englisch] {unknown}"


def test_english_stays_and_a_language_must_exist() -> None:
    sentence = "There is one face in the photo."
    assert said(sentence, "en").text == sentence
    with pytest.raises(KeyError):
        said(sentence, "tlh")
    assert set(LANGUAGES) == {"en", *OTHERS}


def test_an_answer_keeps_its_evidence_and_its_order() -> None:
    claims = (
        claim("There are two faces in the photo, counted from left to right.", "answer", "e1"),
        claim("The detector in use can miss faces that are small, turned away or covered.", "doubt", "e1", "e2"),
    )
    gap = "Estimating age and other attributes is not offered in this installation."
    remark = "Health is not something this assistant reads from faces: that needs a clinician and an examination."
    answer = Answer(
        question="How many, and are they well?",
        status="partly_answered",
        text=compose(claims, (gap,), (remark,)),
        claims=claims,
        not_established=(gap,),
        controller="embedded",
    )
    found = translated(answer, "zh")
    assert found.text == (
        "本助手不从人脸判断健康状况：这需要临床医生和检查。\n\n"
        "这张照片中有两张人脸，从左到右编号 [e1]。\n\n"
        "所用的检测器可能漏掉过小、侧转或被遮挡的人脸 [e1, e2]。\n\n"
        "未能确定： 本安装不提供以下功能：估计年龄及其他属性。"
    )
    assert [one.evidence for one in found.claims] == [one.evidence for one in claims]
    assert translated(answer, "en") is answer


def claim(sentence: str, role: str, *evidence: str) -> Claim:
    return Claim.model_validate(
        {"sentence": sentence, "subject": "image 1", "attribute": "face_count", "evidence": evidence, "role": role}
    )
