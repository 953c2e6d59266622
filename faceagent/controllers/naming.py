"""Whom a question names for the gallery, and the consent that it states: "enrol her as Anna Bell, she signed on 2 May";
and what of the quality or the authenticity is asked about.

A name is what stands in quotation marks, or the words in capitals where a name is given ("as", "named", "forget"). What
is no plain name is not guessed at: the plan asks. A name is data; it goes to the tool and nowhere else.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"[“\"«]([^”\"»\n]{1,120})[”\"»]|(?<!\w)[‘']([^’'\n]{2,120})[’'](?!\w)")
_TITLE = r"(?:(?:[Mm]r|[Mm]rs|[Mm]s|[Dd]r|[Pp]rof)\.? )?"
_WORD = r"[^\W\d_a-z][\w'’.-]*"  # with a capital
_NAME = rf"({_TITLE}{_WORD}(?: (?:(?:van|von|de|del|della|da|di|bin|al|la|le|der|den) )*{_WORD})*)"
# What leads to a name, and what may stand before it without being part of it.
_GIVEN = re.compile(
    r"\b(?i:as|named|called|under the name(?: of)?|(?:the |her |his |their )?name(?: is|:)?|call (?:her|him|them))"
    rf"\s+{_NAME}"
)
_ERASED = re.compile(
    r"\b(?i:forget|unenrol+|delete|erase|remove|purge|wipe|take|drop|kick|strike|erasure(?: request)?:?|forgotten:?"
    rf"|for|(?:everything|anything|all|what) (?:(?:that )?(?:you|we) (?:have|know|hold|keep|stored?) )?(?:on|about|of))"
    rf"\s+(?:(?i:the )(?i:face|entry|template|data) (?i:of|for) )?{_NAME}"
)
_CLAIMED = re.compile(
    r"\b(?i:really|the real|impersonat(?:ing|es)|pretending to be|posing as|passing (?:as|for)|be"
    r"|is (?:this|that|it|he|she))"
    rf"\s+{_NAME}"
)
# Lower case is read only where nothing but a name can stand: "enrol her as anna".
_LOWER = re.compile(
    r"\b(?:as|named|called|under the name(?: of)?|name is)\s+((?!(?:an?|the|my|our|your|his|her|their|one|soon|well"
    r"|this|that|it|him|she|he|usual|possible|such|protected|vip|new)\b)[^\W\d_]+)[.!?]?$"
)
_OF = re.compile(rf"{_NAME}['’]s (?i:template|entry|data|face|biometric|enrolment|record|photo)")
_NO_NAMES = frozenset(
    {"I", "The", "This", "That", "VIP", "CEO", "CFO", "A", "An", "My", "Our", "Her", "His", "It", "GDPR", "Please"}
)

_AGREED = re.compile(
    r"\b(?:consent(?:s|ed)?|agrees|agreed|permission|allowed (?:it|me|us)|signed)\b",
    re.IGNORECASE,
)
_NOT_AGREED = re.compile(
    r"\b(?:without|no|not|never|n't|lacks?|withdr\w+|revok\w+|refus\w+|against)\b[^.;]{0,30}\b(?:consent\w*|agree\w*|permission|allowed|signed)"
    r"|n[’']t (?:consent|agree|allow|sign)",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"\b(?:passports?|visas?|(?:id|identity) (?:cards?|photos?|documents?|pictures?)|driv(?:er['’]?s|ing) licen[cs]es?"
    r"|pasaportes?|dni|visados?|passeports?|cartes? d['’]identité|reisep(?:ass|ässe)\w*|pass(?:bild|foto)\w*"
    r"|\w*ausweis\w*)\b"
    r"|护照|身份证|签证|证件照",
    re.IGNORECASE,
)
_SHARPEST = re.compile(
    r"\b(?:sharp(?:er|est)|clear(?:er|est)|crisp(?:er|est)|blurr?ier|blurriest|(?:more|most|less|least) blurr?(?:ed|y)"
    r"|más nítid[oa]s?|más borros[oa]s?|plus nette?s?|plus floue?s?"
    r"|(?:un)?schärfer\w*|(?:un)?schärfste\w*|verschwommener\w*)\b"
    r"|(?:更|最|比较|比較)(?:清晰|清楚|模糊)|哪.{0,6}(?:清晰|清楚|模糊)",
    re.IGNORECASE,
)
_FORGED = (
    r"fak(?:e|ed|er)|forge(?:d|ry)|deep ?fakes?|edited|manipulated|altered|tampered|doctored|generated|synthetic|ai"
    r"|photoshopped|suspicious|real|genuine|authentic|original"
    r"|gefälscht\w*|fälschung|bearbeitet\w*|manipuliert\w*|generiert\w*|ki|echte?\w*"
    r"|fals[oa]s?|truquées?|truqués?|retouchée?s?|fausse?s?|faux|vraie?s?|authentiques?|générée?s?|trucad[oa]s?"
    r"|editad[oa]s?|manipulad[oa]s?|generad[oa]s?|auténtic[oa]s?|verdader[oa]s?|reale?s?"
)
_PLACES = r"parts?|areas?|regions?|places?|tools?|program\w*|models?|teile?|stellen?|parties?|partes?"
_MORE_SUSPICIOUS = re.compile(
    r"\b(?:which|who|welche[rs]?|wer|quel(?:le)?s?|lequel|laquelle|lesquel(?:le)?s|cu[aá]l(?:es)?)\b"
    rf"(?! (?:{_PLACES}))[^.?!]{{0,60}}\b(?:{_FORGED})\b"
    r"|哪.{0,10}(?:假|真|伪造|偽造|修过|修圖|篡改|生成|合成|可疑)",
    re.IGNORECASE,
)
_REASONS = re.compile(
    r"\b(?:why|explain|how come|what makes you|what (?:tells|supports|speaks)"
    r"|which (?:\w+ )?(?:features?|parts?|regions?|traits?)"
    r"|(?:feature|region|part) by (?:feature|region|part)"
    r"|warum|wieso|weshalb|begründe\w*|erklär\w*|welche (?:merkmale|partien|teile|züge)\b"
    r"|pourquoi|expliquez?|quels (?:traits|éléments)|quelles (?:parties|zones)"
    r"|por qué|explica\w*|qué (?:rasgos|partes|zonas))\b"
    r"|为什么|为何|解释|说明理由|哪些(?:特征|部位|地方)",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\b(?:thank(?:s| you)|thx|cheers|much appreciated|danke\w*|merci|gracias)\b|谢谢|多谢|感谢", re.IGNORECASE
)
_PROTECTED = re.compile(r"\b(?:protected|vip|protect)\b", re.IGNORECASE)
_SECOND_NAME = re.compile(
    r"\b(?:(?:a|the|her|his|their) (?:second|further|additional) name|under both names|another name (?:too|as well))\b",
    re.IGNORECASE,
)


def name_in(question: str, tool: str) -> str:
    """The name that a question gives, or "" where it gives none that is sure.

    Args:
        tool: which tool it is for: what leads to a name differs.
    """
    text = " ".join(question.split())
    if match := _QUOTED.search(text):
        return (match[1] or match[2]).strip()
    leads = {"forget_person": (_OF, _ERASED, _GIVEN), "verify_protected_identity": (_CLAIMED, _GIVEN)}.get(
        tool, (_GIVEN,)
    )
    for pattern in leads:
        for match in pattern.finditer(text):
            name = match[1].rstrip(".'’")
            name = name.removesuffix("'s").removesuffix("’s")
            if name.split()[0] not in _NO_NAMES:
                return name
    match = _LOWER.search(text.rstrip()) if tool == "enroll_person" else None
    return match[1] if match else ""


def consent_in(question: str) -> str:
    """The statement of consent: the question itself where it says that the person agreed, else ""."""
    text = " ".join(question.split())
    return text if _AGREED.search(text) and not _NOT_AGREED.search(text) else ""


def protected_in(question: str) -> bool:
    """Whether whoever is enrolled is to be protected."""
    return bool(_PROTECTED.search(question))


def another_name_in(question: str) -> bool:
    """Whether it is said that whoever is enrolled has another name there."""
    return bool(_SECOND_NAME.search(question))


def document_in(question: str) -> bool:
    """Whether a passport or another identity document is spoken of."""
    return bool(_DOCUMENT.search(question))


def sharpest_in(question: str) -> bool:
    """Whether it is asked which of several is the sharper or the more blurred."""
    return bool(_SHARPEST.search(question))


def more_suspicious_in(question: str) -> bool:
    """Whether it is asked which of several is the forged or the genuine one."""
    return bool(_MORE_SUSPICIOUS.search(question))


def reasons_in(question: str) -> bool:
    """Whether it is asked what an answer rests on."""
    return bool(_REASONS.search(question))


def thanks_in(question: str) -> bool:
    return bool(_THANKS.search(question))
