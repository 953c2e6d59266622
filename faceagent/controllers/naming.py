"""Whom a question names for the gallery, and the consent that it states: "enrol her as Anna Bell, she signed on 2 May";
and what of the quality or the authenticity is asked about.

A name is what stands where a name is given ("as", "named", "forget"), in quotation marks or in capitals, or else the
only thing in quotation marks. What is no plain name is not guessed at: the plan asks. A name is data; it goes to the
tool and nowhere else.
"""

from __future__ import annotations

import re

from faceagent.controllers.consent import states_consent

_QUOTE = r"(?:[“\"«„»「『]\s*([^“”\"«»„」』\n]{1,120}?)\s*[”\"»“«」』]|(?<!\w)[‘'‚]([^’'‘\n]{2,120})[’'‘](?!\w))"
_QUOTED = re.compile(_QUOTE)
_TITLE = r"(?:(?:[Mm](?:rs?|s|x)|[Dd]ra?|[Pp]rof|[Ss](?:t|ra?|rta)|[Hh]r|[Ff]r|Rev|Dep|Min|Gen|Col|Capt|Sgt|Hon)\.? )*"
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
# No part of a name but its first word, also with a capital. A point belongs to a title or an initial; anywhere else the
# sentence ends with it.
_BEGINS = (
    r"(?i:I|she|he|they|we|you|it|has|have|had|is|are|was|did|does|who|when|then|the|this|that|please|her|his"
    r"|if|once|unless|until|after|before|provided|assuming|whether|with|without|but|and|or|because|not|never)\b"
)
_WORD = rf"(?:{_CAPITAL}\.(?: ?{_CAPITAL}\.)*(?! {_BEGINS})|{_CAPITAL}[\w'’-]*)"
_NICKNAME = r"(?:[“\"«][^”\"»]{1,30}[”\"»] )?"
_PARTICLES = r"(?:(?:van|von|de|del|della|da|di|bin|al|la|le|der|den) )*"
_NEXT = rf"(?: {_NICKNAME}{_PARTICLES}{_TITLE}(?!{_BEGINS}){_WORD})"
_NAME = rf"({_TITLE}{_WORD}{_NEXT}{{0,6}})"
# What leads to a name, and what may stand before it without being part of it. "As" weighs more than "called": of "the
# man called Tom as Anna" the name is Anna. German writes all nouns with a capital: "als Besucher" gives no name.
_AS = re.compile(
    rf"\b(?i:as|como|comme|(?:under|by)(?: the)? (?:name|alias)(?: of)?|unter dem namen|bajo el nombre(?: de)?)[\s:]+"
    rf"(?:{_QUOTE}|{_NAME})|\b(?i:sous le nom) (?:de |d['’])?(?:{_QUOTE}|{_NAME})"
    rf"|\b(?i:als|sous|unter|under|bajo)\s+{_QUOTE}|\bals ({_TITLE}{_WORD}{_NEXT}+)|[为為成作叫以]\s*{_QUOTE}"
)
_CALLED = re.compile(
    r"\b(?i:named|called|namens|heißt|se llama|s['’]appelle|call (?:her|him|them)"
    r"|(?:the |her |his |their )?name(?: is|:|=)?)"
    rf"\s*(?:{_QUOTE}|(?<=\s){_NAME})"
)
_ERASING = r"(?:forget|unenrol+|delete|erase|remove|purge|wipe|take|drop|kick|strike|lose|scrap|replace|destroy)"
_NOT = r"(?<!n['’]t )(?<!\bnot )(?<!\bnever )"
_ERASED = re.compile(
    rf"{_NOT}\b(?i:{_ERASING}|erasure(?: request)?:?|forgotten:?)\s+(?:(?:(?!as\b|under\b|and\b)\w+ ){{0,3}}{_QUOTE}"
    rf"|(?:(?i:the )(?i:face|entry|template|data) (?i:of|for) )?{_NAME})"
)
_OF = re.compile(
    rf"\b(?:(?i:{_ERASING}) )?(?!{_BEGINS}){_NAME}['’]s (?i:template|entry|data|face|biometric|enrolment|record|photo)"
)
_ABOUT = re.compile(
    r"\b(?i:for|(?:everything|anything|all|what)"
    r" (?:(?:that )?(?:you|we) (?:have|know|hold|keep|stored?) )?(?:on|about|of))"
    rf"\s+(?:{_QUOTE}|{_NAME})"
)
_KEPT = re.compile(
    r"\b(?i:saved|stored|kept|filed|registered|enrol+ed|entered|recorded|listed|known|está)(?: \w+)?"
    rf"\s+(?i:as|under|como)\s+(?:{_QUOTE}|{_NAME})"
)
_CLAIMED = re.compile(
    r"\b(?i:really|the real|impersonat(?:ing|es)|pretending to be|posing as|passing (?:as|for)|be"
    r"|is (?:this|that|it|he|she))"
    rf"\s+(?:{_QUOTE}|{_NAME})"
)
# Lower case is read only where nothing but a name can stand: "enrol her as anna".
_LOWER = re.compile(
    r"\b(?:as|named|called|under the name(?: of)?|name is)\s+((?!(?:an?|the|my|our|your|his|her|their|one|soon|well"
    r"|this|that|it|him|she|he|usual|possible|such|protected|vip|new)\b)[^\W\d_]+)[.!?]?$"
)
# In quotation marks, but no name: a file, and what somebody says.
_FILE = re.compile(r"\.(?:jpe?g|png|webp|heic|tiff?|bmp|gif|pdf|mp4|mov|avi|mkv|webm)$", re.IGNORECASE)
_SAID = re.compile(
    r"(?:\b(?:said|says|wrote|told \w+|replied|answered|reads|dijo|dice|sagte?|a dit)|说|說)[,:，：]?\s*$",
    re.IGNORECASE,
)
_TO_BE = re.compile(rf"{_SAID.pattern}|\b(?:as|como|comme|als)\s*$|[为為成作]\s*$", re.IGNORECASE)
_LISTED = re.compile(r"\s*\n\s*(?=\w+(?: \w+)?\s?[:：])")
_NO_NAMES = frozenset(
    {"I", "The", "This", "That", "VIP", "CEO", "CFO", "A", "An", "My", "Our", "Her", "His", "It", "GDPR", "Please"}
)

_LEADS = {
    "forget_person": (_ERASED, _OF, _ABOUT, _KEPT, _CALLED),
    "verify_protected_identity": (_CLAIMED, _AS, _CALLED),
}

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
_SOMEBODY = (
    r"some(?:one|body)|any(?:one|body)|persons?|people|(?:wo)?m[ae]n|jemand\w*|personen|leute|mann|frau"
    r"|quelqu['’]un|personnes?|gens|homme|femme|alguien|personas?|gente|hombre|mujer"
)
_TAKEN_OUT = (
    r"removed?|erased?|(?:cut|cropped|edited|taken|painted|airbrushed|photoshopped) out"
    r"|entfernt|herausgeschnitten|wegretuschiert|gelöscht"
    r"|effacée?s?|supprimée?s?|enlevée?s?|retirée?s?|borrad[oa]s?|eliminad[oa]s?|quitad[oa]s?"
)
_OUTSIDE_FACES = re.compile(
    r"\b(?:back(?:ground|drop)s?|surroundings|scenery|on the walls?|hintergr[uü]nd\w*|umgebung|an der wand"
    r"|arrière-plans?|(?:le|du|un|ce) fond(?! de teint)|décors?|(?:sur le|au) mur|fondos?|entorno|en la pared"
    r"|behind (?:her|him|them|me|us|you)|hinter (?:ihr|ihm|ihnen|mir|uns)"
    r"|derrière (?:elles?|lui|eux|moi|nous)|detrás de (?:ell[ao]s?|él|mí|nosotr[oa]s)"
    rf"|(?:{_SOMEBODY})\b(?!['’])[^.?!]{{0,25}}\b(?:{_TAKEN_OUT})(?! (?:the|an?|her|his|my|their|it))"
    rf"|(?:{_TAKEN_OUT})(?: \w+){{0,2}} (?:{_SOMEBODY})\b(?!['’]))\b"
    r"|背景|[她他们們我]的?(?:身后|身後|背后|背後|后面|後面)|[墙牆]上"
    r"|人(?:被|给|給)?(?:去掉|抹|删|刪|移除|P掉|抠|摳|擦)|(?:去掉|抹掉|删掉|刪掉|移除|P掉)了?.{0,3}人(?![脸臉])",
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
    text = _on_one_line(question)
    for pattern in _LEADS.get(tool, (_AS, _CALLED)):
        for match in pattern.finditer(text):
            if name := _plain(match):
                return name
    if name := _only_quoted(text, tool):
        return name
    lower = _LOWER.search(text.rstrip()) if tool == "enroll_person" else None
    return lower[1] if lower else ""


def _on_one_line(question: str) -> str:
    """A question in one line; what is listed in lines of their own ("Consent: …") stays apart."""
    return " ".join(_LISTED.sub("; ", question).split())


def _plain(match: re.Match[str]) -> str:
    """What a lead led to, without what is no part of the name; "" where it is none."""
    name = next(group for group in match.groups() if group).strip()
    if match[0].endswith(name):  # without quotation marks
        name = name.rstrip(".'’").removesuffix("'s").removesuffix("’s")
    return "" if not name or name.split()[0] in _NO_NAMES or _FILE.search(name) else name


def _only_quoted(text: str, tool: str) -> str:
    """What stands in quotation marks anywhere, if it is one thing that can be a name. As what somebody is to be kept is
    nobody to be erased."""
    before = _TO_BE if tool == "forget_person" else _SAID
    quoted = (
        (match[1] or match[2]).strip()
        for match in _QUOTED.finditer(text)
        if not before.search(text[max(0, match.start() - 20) : match.start()])
    )
    names = [name for name in dict.fromkeys(quoted) if not _FILE.search(name)]
    return names[0] if len(names) == 1 or (names and tool == "verify_protected_identity") else ""


def consent_in(question: str) -> str:
    """The statement of consent: the question itself where it says that the person agreed, else ""."""
    stated = states_consent(_on_one_line(question), name_in(question, "enroll_person"))
    return " ".join(question.split()) if stated else ""


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


def outside_faces_in(question: str) -> bool:
    """Whether something outside of faces is asked about: the background, a wall, somebody who was taken out."""
    return bool(_OUTSIDE_FACES.search(question))


def reasons_in(question: str) -> bool:
    """Whether it is asked what an answer rests on."""
    return bool(_REASONS.search(question))


def thanks_in(question: str) -> bool:
    return bool(_THANKS.search(question))
