"""The words for what estimate_attributes found: a pure function of evidence.

Ages lead, each with its range; faces with the same finding share a sentence; each doubt is said once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faceagent.tool import Names
from faceagent.types import Claim, ClaimRole, Evidence
from faceagent_tools.attributes_visible import BY_NAME, COLOURS, listed, present_in_words

_TOPICS = {
    "age": "the age",
    "perceived_gender": "the perceived gender",
    "perceived_ethnicity": "the perceived ethnicity",
    "visible_attributes": "the visible attributes",
}
_MUCH = 2.0  # times the overall error from which a face's own age group has a doubt of its own


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Claims in the order in which they are to be said."""
    rows = {attribute: _measured(evidence, attribute) for attribute in (*_TOPICS, "age_order")}
    return [
        *_order(rows["age_order"], rows["age"], names),
        *_age(rows["age"], names),
        *_gender(rows["perceived_gender"], names),
        *_visible(rows["visible_attributes"], names),
        *_ethnicity(rows["perceived_ethnicity"], names),
        *_left_out(evidence, names),
    ]


def _measured(evidence: Sequence[Evidence], attribute: str) -> list[Evidence]:
    return [row for row in evidence if row.attribute == attribute and row.status == "ok"]


def _claim(rows: Sequence[Evidence], sentence: str, role: ClaimRole, more: Sequence[Evidence] = ()) -> Claim:
    """A claim on rows of one attribute and value; `more` is cited besides."""
    return Claim(
        sentence=sentence,
        subject=" + ".join(dict.fromkeys(row.subject for row in rows)),
        attribute=rows[0].attribute,
        value=rows[0].value,
        evidence=tuple(row.id for row in (*rows, *more)),
        role=role,
    )


def _years(age: object) -> str:
    return "year" if age == 1 else "years"


def _who(rows: Sequence[Evidence], names: Names, start: bool = True) -> str:
    """ "The face", "both faces", "all the faces", or the faces by name."""
    subjects = list(dict.fromkeys(row.subject for row in rows))
    if len(subjects) > 1 and len(subjects) == len(names.faces):
        who = "both faces" if len(subjects) == 2 else "all the faces"
    else:
        who = listed([names.of(subject) for subject in subjects])
    return _start(who) if start else who


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


# Age


def _age(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    for row in rows:
        yield _claim(
            [row],
            f"{_who([row], names)} looks about {row.value} {_years(row.value)} old{_range(row, len(rows) == 1)}.",
            "answer",
        )
    if len(rows) > 1 and rows[0].interval:
        level = _percent(rows[0].interval.level)
        yield _claim(rows[:1], f"For about {level} of faces the true age lies within the range given.", "reason")
    young = [row for row in rows if row.details.get("may_be_minor")]
    if young:
        sentence = "Such a figure cannot decide whether somebody is a minor: young ages are told only roughly."
        yield _claim(young[:1], sentence, "doubt")
    if rows:
        yield _claim(rows[:1], _age_doubt(rows[0]), "doubt")


def _range(row: Evidence, alone: bool) -> str:
    if row.interval is None:
        return ""
    low, high = f"{row.interval.low:.0f}", f"{row.interval.high:.0f}"
    if alone:
        return f"; for about {_percent(row.interval.level)} of such faces the true age lies between {low} and {high}"
    return f" ({low} to {high})"


def _age_doubt(row: Evidence) -> str:
    shifts = "light, make-up, retouching and the quality of the photo shift it"
    error: Any = row.details.get("mean_error_years")
    if error is None:
        return f"This is how old a face looks: {shifts}."
    photos: Any = row.details["mean_error_photos"]
    return (
        f"This is how old a face looks, on {photos:,} photos kept out of training {error:.1f} years off on average: "
        f"{shifts}."
    )


def _order(rows: Sequence[Evidence], ages: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    for row in rows:
        order: Any = row.value
        years: Any = row.details["years"]
        oldest, youngest = order[0], order[-1]
        apart = bool(row.details["oldest_apart"])
        if years[oldest] == years[youngest]:
            sentence = f"{_start(listed([names.of(face) for face in order]))} look about the same age."
        elif len(order) == 2:
            sentence = (
                f"{names.start(oldest)} looks older than {names.of(youngest)}{'' if apart else ', but not clearly'}."
            )
        else:
            sure = apart and bool(row.details["youngest_apart"])
            also = "" if sure else "; not all of this is clear"
            first, last = ([face for face in order if years[face] == years[end]] for end in (oldest, youngest))
            looks = "looks" if len(first) == 1 else "look"
            who, others = (listed([names.of(face) for face in faces]) for faces in (first, last))
            sentence = f"{_start(who)} {looks} the oldest and {others} the youngest{also}."
        yield _claim([row], sentence, "answer", ages)
        if years[oldest] != years[youngest] and not (apart and row.details["youngest_apart"]):
            why = "The order is open where the ranges of the ages overlap."
            yield _claim([row], why, "reason", ages)


# Gender


def _gender(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    for value, one, many in (("female", "a woman", "women"), ("male", "a man", "men")):
        if group := [row for row in rows if row.value == value]:
            sentence = f"{_who(group, names)} would probably be perceived as {one if len(group) == 1 else many}."
            yield _claim(group, sentence, "answer")
    if open_ := [row for row in rows if row.value == "undecided"]:
        who = _who(open_, names, start=False)
        yield _claim(open_, f"Whether people would see a woman or a man in {who} is undecided.", "answer")
    if rows:
        yield _claim(rows[:1], _gender_doubt(rows[0]), "doubt")
        yield from _own_group(rows, names)


def _gender_doubt(row: Evidence) -> str:
    what = "Perceived gender is how people label a photo, not what somebody's gender is"
    if "error" not in row.details:
        return f"{what}."
    return f"{what}; {_wrong(row.details, 'the other label')}."


def _wrong(details: Mapping[str, Any], other: str) -> str:
    photos, error = f"{details['error_photos']:,}", _percent(details["error"])
    said = f"on {photos} photos kept out of training people had chosen {other} for {error}"
    if worst := details.get("worst_group"):
        said += f", most often in the group {worst['group']} ({_percent(worst['rate'])})"
    return said


def _own_group(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    """The error of the age group that a face looks to be in, where that is much higher than over all photos."""
    seen = set()
    for row in rows:
        own: Any = row.details.get("own_age_group")
        overall: Any = row.details.get("error")
        worst: Any = row.details.get("worst_group")
        if not own or overall is None or own["rate"] < _MUCH * overall or own["group"] in seen:
            continue
        seen.add(own["group"])
        if worst and own["group"] == worst["group"]:
            sentence = f"{_who([row], names)} looks to be in that group."
        else:
            who, share = _who([row], names), _percent(own["rate"])
            sentence = f"{who} looks to be in the group {own['group']}, where it was {share}."
        yield _claim([row], sentence, "doubt")


# Ethnicity


def _ethnicity(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    decided = [row for row in rows if row.value != "undecided"]
    for value in dict.fromkeys(str(row.value) for row in decided):
        group = [row for row in decided if row.value == value]
        sentence = (
            f"People who label photos would probably put {_who(group, names, start=False)} in the category "
            f"“{group[0].details['leading']}”."
        )
        yield _claim(group, sentence, "answer")
    if open_ := [row for row in rows if row.value == "undecided"]:
        sentence = f"Which ethnicity people would perceive in {_who(open_, names, start=False)} is undecided."
        yield _claim(open_, sentence, "answer")
    if rows:
        what = "These are the categories of annotators, not ancestry"
        details = rows[0].details
        sentence = f"{what}; {_wrong(details, 'another category')}." if "error" in details else f"{what}."
        yield _claim(rows[:1], sentence, "doubt")


# What is visible


def _visible(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    groups: dict[tuple[tuple[str, ...], ...], list[Evidence]] = {}
    for row in rows:
        present: Any = row.value
        groups.setdefault((tuple(present), _missed(row), _open(row)), []).append(row)
    for (there, missed, open_), group in groups.items():
        one, who = len(group) == 1, _who(group, names, start=False)
        said = [f"{_start(who)} {' and '.join(parts)}."] if (parts := list(_parts(there, missed, one))) else []
        if open_:
            said.append(f"Whether {who} {'shows' if one else 'show'} {listed(open_, 'or')} is undecided.")
        if _colourless(group[0], there):
            said.append(f"The colour of the hair of {who} is undecided.")
        for sentence in said or [f"Nothing that was looked for stands out on {who}."]:
            yield _claim(group, sentence, "answer")
    if rows:
        yield from _visible_doubts(rows)


def _parts(present: Sequence[str], missed: Sequence[str], one: bool) -> Iterator[str]:
    if present:
        yield f"{'seems' if one else 'seem'} to {present_in_words(present)}"
    if missed:
        yield f"{'shows' if one else 'show'} no sign of {listed(missed, 'or')}"


def _missed(row: Evidence) -> tuple[str, ...]:
    """Nouns of what is said not to be there."""
    absent: Any = row.details["absent"]
    return tuple(BY_NAME[name].noun for name in absent if BY_NAME[name].denied("asked" in row.details))


def _open(row: Evidence) -> tuple[str, ...]:
    """Nouns of what was asked for by its kind and stays open."""
    if "asked" not in row.details:
        return ()
    undecided: Any = row.details["undecided"]
    return tuple(BY_NAME[name].noun for name in undecided if BY_NAME[name].denied(asked=True))


def _colourless(row: Evidence, present: Sequence[str]) -> bool:
    """Whether hair was asked for by its kind, is there, and no colour of it was decided."""
    asked: Any = row.details.get("asked", ())
    return "hair" in asked and not any(name in present for name in (*COLOURS, "bald head"))


def _visible_doubts(rows: Sequence[Evidence]) -> Iterator[Claim]:
    first = rows[0]
    untold: Any = first.details["not_told_well_enough"]
    asked = "asked" in first.details
    things = [BY_NAME[name] for name in untold]
    if nouns := [
        thing.noun
        for thing in things
        if thing.missed == "chiefly" or thing.denied(asked) or (asked and thing.name in COLOURS)
    ]:
        sentence = f"Nothing is said of {listed(nouns, 'or')}, which the network does not tell well enough."
        yield _claim([first], sentence, "doubt")
    lowest = [row for row in rows if "lowest_balanced_accuracy" in row.details]
    if lowest:
        least = min(lowest, key=lambda row: float(str(row.details["lowest_balanced_accuracy"])))
        share: Any = least.details["lowest_balanced_accuracy"]
        sentence = (
            f"On {least.details['accuracy_photos']:,} photos of celebrities the network told each of these right for "
            f"{_percent(share)} or more, where guessing gives half."
        )
        yield _claim([least], sentence, "doubt")


# What was left out


def _left_out(evidence: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    """One sentence for everything that was left out for the same reason."""
    abstained = [row for row in evidence if row.status in ("abstained", "not_applicable")]
    for reason in dict.fromkeys(row.reason for row in abstained):
        rows = [row for row in abstained if row.reason == reason]
        if rows[0].attribute == "age_order":
            sentence = f"{_who(rows, names)} cannot be called older or younger, because {reason}."
        else:
            topics = [_TOPICS[name] for name in dict.fromkeys(row.attribute for row in rows)]
            verb = "was" if len(topics) == 1 and not topics[0].endswith("s") else "were"
            who = _who(rows, names, start=False)
            sentence = f"{_start(listed(topics))} of {who} {verb} not estimated, because {reason}."
        yield _claim(rows, sentence, "answer")
