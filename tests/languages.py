"""A sentence in every language of the catalogues, with the same figures and quotations."""

from __future__ import annotations

import re

from faceagent.messages import LANGUAGES, wording
from faceagent.report import present
from faceagent.translate import phrase_in, said, text_in
from faceagent.types import Evidence

OTHERS = [language for language in LANGUAGES if language != "en"]
_QUOTED = re.compile(r"“([^“”]*)”|„([^“„]*)“|«\xa0([^«»]*)\xa0»")
_FIGURE = re.compile(r"\d(?:[\d.,\u202f]*\d)?")


def assert_said_in_all_languages(english: str) -> None:
    for language in OTHERS:
        found = said(english, language)
        assert found.language == language, f"there is no pattern or no {language} translation for: {english}"
        assert quotations(found.text) == quotations(english), f"{language}: {english} | {found.text}"
        assert figures(found.text) == figures(english), f"{language}: {english} | {found.text}"


def assert_told_in_all_languages(english: str) -> None:
    """The same of a text of several sentences."""
    for language in OTHERS:
        found = text_in(english, language)
        assert phrase_in("mark", "[in English]", language) not in found, f"not in {language}: {english} | {found}"
        assert figures(found) == figures(english), f"{language}: {english} | {found}"


def assert_shown_in_all_languages(row: Evidence) -> None:
    """What its card says: its label, its reason, what its result was held against, and where that comes from."""
    (group,) = present.groups([row])
    told = [("line", line) for line in group.rows[0].against] + [("note", note) for note in group.notes]
    told += [("reason", row.reason or "")] * (row.status in ("abstained", "not_applicable"))
    for language in OTHERS:
        label = present.label(row.attribute)
        assert row.attribute in present.ATTRIBUTES or wording(language)(label) != label, f"not in {language}: {label}"
        for kind, english in told:
            found = said(english, language, kind)
            assert found.language == language, f"not in {language}: {kind}: {english}"
            assert figures(found.text) == figures(english), f"{language}: {english} | {found.text}"


def quotations(text: str) -> list[str]:
    return sorted("".join(groups) for groups in _QUOTED.findall(text))


def figures(text: str) -> list[str]:
    """The numbers outside of quotations, without their marks: languages order them as they need."""
    return sorted(re.sub(r"\D", "", figure) for figure in _FIGURE.findall(_QUOTED.sub("", text)))
