"""The interface's messages: every language says all of them, and what is compiled is what is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

import faceagent
from faceagent.messages import LANGUAGES, catalogue, language_of, preferred
from faceagent_finetune.planner.asked import asked

PACKAGE = Path(faceagent.__file__).parent
TRANSLATED = [code for code in LANGUAGES if code != "en"]


def said() -> set[str]:
    """Every message of the app, of reports and of collections; of one with a plural, the singular."""
    found: set[str] = set()
    options = {"trimmed": "true", "newstyle_gettext": "true"}
    files = [
        PACKAGE / "narrate.py",
        *(file for part in ("app", "collection", "report") for file in (PACKAGE / part).rglob("*")),
    ]
    for file in sorted(files):
        method = {".py": "python", ".j2": "jinja2.ext.babel_extract"}.get(file.suffix)
        for _, message, _, _ in extract_from_file(method, file, options=options) if method else ():
            found.add(message if isinstance(message, str) else message[0])
    return found


def written(language: str) -> Catalog:
    with (PACKAGE / f"locale/{language}/LC_MESSAGES/faceagent.po").open("rb") as file:
        return read_po(file, language)


def rows(found: Catalog) -> dict[Any, Any]:
    return {message.id: message.string for message in found if message.id}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    found = rows(written(language))
    assert {key[0] if isinstance(key, tuple) else key for key in found} == said()
    assert [key for key, text in found.items() if not (all(text) if isinstance(text, tuple) else text)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_are_kept(language: str) -> None:
    wrong = [error for message in written(language) for error in message.check()]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = catalogue(language)
    for key, text in rows(written(language)).items():
        if isinstance(key, tuple):
            assert {compiled.ngettext(*key, number) for number in range(3)} == set(text)
        else:
            assert compiled.gettext(key) == text


def test_plurals_follow_each_language() -> None:
    def steps(language: str, number: int) -> str:
        return catalogue(language).ngettext("%(num)s step", "%(num)s steps", number) % {"num": number}

    assert [steps("en", 1), steps("en", 0)] == ["1 step", "0 steps"]
    assert [steps("fr", 0), steps("fr", 2)] == ["0 étape", "2 étapes"]
    assert [steps("zh", 1), steps("zh", 3)] == ["1 个步骤", "3 个步骤"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("it,es;q=0.4,en;q=0.3", "es"),
        ("zh-Hant-TW", "zh"),
        ("en;q=0.5, fr", "fr"),
        ("de;q=0", "en"),
        ("de;q=lots", "en"),
        ("it", "en"),
        ("", "en"),
    ],
)
def test_the_browsers_wish_decides(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Is this photo real?", "en"),
        ("C’est un deepfake ?", "fr"),
        ("¿Real?", "es"),
        ("Ist das dieselbe Person?", "de"),
        ("这张 selfie 是 AI 生成的吗？", "zh"),
        ("deepfake?", None),
        ("", None),
    ],
)
def test_the_language_of_a_question(question: str, language: str | None) -> None:
    assert language_of(question) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_seldom_taken_for_one_in_another_language(language: str) -> None:
    found = [language_of(question.text) for question in asked() if question.language == language]
    assert sum(one not in (language, None) for one in found) < 0.01 * len(found)
    assert found.count(language) > 0.8 * len(found)
