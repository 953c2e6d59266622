"""The words for what assess_quality measured: a pure function of evidence.

Whether a face is good enough to compare leads, with why; then how much that matters, other purposes, the photo's
compression; what is only a cue comes last, as a doubt. Faces with the same findings share a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from faceagent.tool import Names
from faceagent.types import Claim, ClaimRole, Evidence

IDENTITY, ATTRIBUTES, FORENSIC = "identity comparison", "attribute estimation", "forensic examination"

# (attribute, value) -> what a face is said to be.
_GOOD = {("sharpness", "sharp"): "sharp", ("exposure", "good"): "well lit"}
_SMALL = "small"
_FAULTS = {
    ("sharpness", "soft"): "a little soft",
    ("sharpness", "blurred"): "blurred",
    ("exposure", "dim"): "dim",
    ("exposure", "too_dark"): "dark",
    ("exposure", "bright"): "lit very brightly",
    ("exposure", "overexposed"): "overexposed",
    ("contrast", "low"): "low in contrast",
    ("contrast", "very_low"): "very low in contrast",
    ("noise", "visible"): "grainy",
    ("noise", "strong"): "very grainy",
    ("detail", "weak"): "lacking in fine detail",
    ("frontality", "turned"): "turned to the side",
    ("frontality", "turned_far"): "turned far to the side",
}
_SIZES = ("face_size", "effective_resolution", "detail")
_COMPRESSED = "strongly compressed"
_ENLARGED = "enlarged from too few pixels, or out of focus"
_LAST = (_ENLARGED, _FAULTS["detail", "weak"])
"""What nothing can follow in a list: it holds an "or", or denies."""


FIRST = {"document": "face_size", "sharpest": "sharpness"}
"""What is asked about -> the attribute that comes first in its evidence."""


@dataclass(frozen=True)
class FaceRows:
    """The evidence on one face by attribute."""

    id: str
    rows: Mapping[str, Evidence]

    @property
    def fitness(self) -> Evidence:
        return self.rows["fitness"]

    def fit(self, purpose: str) -> bool:
        return isinstance(self.fitness.value, list) and purpose in self.fitness.value

    def limits(self, purpose: str) -> tuple[str, ...]:
        """The attributes that stand against a purpose, in the order of the evidence."""
        limits = self.fitness.details["limits"]
        found = limits.get(purpose) if isinstance(limits, dict) else None
        return tuple(str(item) for item in found) if isinstance(found, list) else ()

    def fault(self, attribute: str) -> str | None:
        """What is said of an attribute that stands against a purpose, or is worse than in ordinary photos."""
        if attribute == "face_size":
            return _SMALL
        if attribute == "compression":
            return _COMPRESSED
        if attribute == "effective_resolution":
            return _ENLARGED if self.enlarged else None
        row = self.rows.get(attribute)
        return _FAULTS.get((attribute, str(row.value))) if row else None

    @property
    def enlarged(self) -> bool:
        """Whether it has more pixels than detail; of a blurred face that is said once."""
        row = self.rows.get("effective_resolution")
        return row is not None and "enlarged_about" in row.details and self.rows["sharpness"].value != "blurred"

    def faults(self) -> tuple[str, ...]:
        """What is worse than in ordinary photos and matters for comparing, as adjectives."""
        matters = (attribute for attribute in self.rows if attribute not in _SIZES)
        return tuple(said for attribute in matters if (said := self.fault(attribute)))

    def merits(self) -> tuple[str, ...]:
        return tuple(said for attribute, row in self.rows.items() if (said := _GOOD.get((attribute, str(row.value)))))


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Claims in the order in which they are to be said. What is asked about comes first in the evidence (`FIRST`)."""
    leading = evidence[0].attribute if evidence else ""
    document = leading == FIRST["document"]
    faces = _by_face(evidence)
    measured = [face for face in faces if face.fitness.status == "ok"]
    groups = _grouped(measured)
    claims = list(_sharpest(measured, names, asked=True)) if leading == FIRST["sharpest"] else []
    claims += [_verdict(group, names) for group in groups]
    left_out = [face for face in faces if face.fitness.status == "abstained"]
    claims += _too_small([face for face in left_out if "smallest_px" in face.fitness.details], names)
    claims += _outside([face for face in left_out if "smallest_px" not in face.fitness.details], names)
    for group in groups:
        # A pronoun will do while there is nobody else whom it could mean.
        who = _who(group, names) if len(groups) > 1 or document else ("it" if len(group) == 1 else "they")
        claims += _enlarged(group, names)
        claims += _consequence(group)
        claims += _other_purposes(group, who, names)
        claims += _documents(group, names)
    if leading != FIRST["sharpest"]:
        claims += _sharpest(measured, names, asked=False)
    claims += _compression([row for row in evidence if row.attribute == "compression"], bool(faces), names)
    claims += _covered(measured, names)
    return [_for_document(claim) for claim in claims] if document else claims


def _for_document(claim: Claim) -> Claim:
    """What is said of documents answers, and what is said of comparing is a reason."""
    if claim.role == "doubt":
        return claim
    return claim.model_copy(update={"role": "answer" if "identity document" in claim.sentence else "reason"})


def _by_face(evidence: Sequence[Evidence]) -> list[FaceRows]:
    rows: dict[str, dict[str, Evidence]] = {}
    for row in evidence:
        if row.subject.startswith("face "):
            rows.setdefault(row.subject, {})[row.attribute] = row
    return [FaceRows(face, found) for face, found in rows.items() if "fitness" in found]


def _grouped(faces: Sequence[FaceRows]) -> list[list[FaceRows]]:
    """Faces fit for the same purposes, the most fit first."""
    groups: dict[tuple[str, ...], list[FaceRows]] = {}
    for face in faces:
        value = face.fitness.value
        key = tuple(str(item) for item in value) if isinstance(value, list) else ()
        groups.setdefault(key, []).append(face)
    return [groups[key] for key in sorted(groups, key=len, reverse=True)]


def _claim(faces: Sequence[FaceRows], attribute: str, sentence: str, role: ClaimRole, *more: str) -> Claim:
    """A claim about one attribute of some faces that have the same value; `more` are attributes cited besides."""
    cited = [face.rows[name].id for face in faces for name in (attribute, *more) if name in face.rows]
    return Claim(
        sentence=sentence,
        subject=" + ".join(face.id for face in faces),
        attribute=attribute,
        value=faces[0].rows[attribute].value,
        evidence=tuple(cited),
        role=role,
    )


def _who(faces: Sequence[FaceRows], names: Names) -> str:
    if len(faces) > 1 and len(faces) == len(names.faces):
        return "both faces" if len(faces) == 2 else "all the faces"
    return _listed([names.of(face.id) for face in faces])


def _listed(items: Sequence[str], word: str = "and") -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


_ALL = ("sharpness", "exposure", "contrast", "noise", "frontality", *_SIZES)


def _verdict(faces: Sequence[FaceRows], names: Names) -> Claim:
    """Good enough to compare or not, and why."""
    they, are = ("it", "is") if len(faces) == 1 else ("they", "are")
    who = _who(faces, names)
    if faces[0].fit(IDENTITY):
        sentence = f"{_start(who)} {are} good enough to compare{_praise(faces, they, are)}."
        return _claim(faces, "fitness", sentence, "answer", "sharpness", "exposure", "face_size", *_faulty(faces))
    if len(faces) > 1 and len(faces) == len(names.faces):
        lead = ("Neither face is" if len(faces) == 2 else "None of the faces is") + " good enough to compare"
    else:
        lead = f"{_start(who)} {are} not good enough to compare"
    against = dict.fromkeys(item for face in faces for item in face.limits(IDENTITY))
    return _claim(faces, "fitness", f"{lead}: {they} {are} {_why(faces, IDENTITY)}.", "answer", *against)


def _faulty(faces: Sequence[FaceRows]) -> tuple[str, ...]:
    """The attributes that a fault is said of, beyond those that are always cited."""
    found = dict.fromkeys(attribute for face in faces for attribute in face.rows if face.fault(attribute))
    return tuple(attribute for attribute in found if attribute not in ("sharpness", "exposure", *_SIZES))


def _praise(faces: Sequence[FaceRows], they: str, are: str) -> str:
    """ ": it is sharp, well lit and large enough", with what is below ordinary photos, if anything."""
    common = [merit for merit in faces[0].merits() if all(merit in face.merits() for face in faces)]
    said = f": {they} {are} {_listed([*common, 'large enough'])}"
    faults = tuple(dict.fromkeys(fault for face in faces for fault in face.faults()))
    if not faults:
        return said
    same = all(face.faults() == faces[0].faults() for face in faces)
    return f"{said}, though {_listed(faults)}" if same else f"{said}, though some are {_listed(faults, 'or')}"


def _why(faces: Sequence[FaceRows], purpose: str) -> str:
    """ "too blurred and too dark"; "or" where the faces differ."""
    each = [tuple(said for item in face.limits(purpose) if (said := face.fault(item))) for face in faces]
    union = sorted(
        dict.fromkeys(said for found in each for said in found),
        key=lambda said: _LAST.index(said) if said in _LAST else -1,
    )
    return _listed([_too(said) for said in union], "and" if all(found == each[0] for found in each) else "or")


def _too(fault: str) -> str:
    if fault.startswith("very "):
        return f"too {fault.removeprefix('very ')}"
    return f"too {fault}" if fault in (_SMALL, "blurred", "dark", "grainy") else fault


def _other_purposes(faces: Sequence[FaceRows], who: str, names: Names) -> Iterator[Claim]:
    """Attributes where comparing fails; documents and forensic examination where it does not."""
    are = "is" if len(faces) == 1 else "are"
    against = {item for face in faces for item in face.limits(FORENSIC)}
    if not faces[0].fit(IDENTITY):
        if faces[0].fit(ATTRIBUTES):
            sentence = f"{_start(who)} will still do for estimating attributes such as age."
            yield _claim(faces, "fitness", sentence, "reason")
    elif not against:
        low, _, asked = _eyes(faces)
        sentence = (
            f"In what was measured, {who} also {'meets' if len(faces) == 1 else 'meet'} the needs of a forensic "
            f"examination and, at {low:.0f} pixels between the eyes, the {asked:.0f} that an identity document asks "
            "for; background and expression were not judged."
        )
        yield _claim(faces, "fitness", sentence, "reason", *_ALL)
    elif all("face_size" in face.limits(FORENSIC) for face in faces):
        low, high, asked = _eyes(faces)
        sentence = (
            f"For a forensic examination or an identity document {who} {are} too small: {_span(low, high)} pixels lie "
            f"between the eyes, and the standard asks for {asked:.0f}."
        )
        yield _claim(faces, "fitness", sentence, "reason", "face_size")
    elif all("effective_resolution" in face.limits(FORENSIC) for face in faces):
        low, high, asked = _eyes(faces, "effective_resolution", "resolved_px")
        have = "has" if len(faces) == 1 else "have"
        sentence = (
            f"For a forensic examination or an identity document {who} {have} too little detail: that of about "
            f"{_span(low, high)} pixels between the eyes, and the standard asks for {asked:.0f}."
        )
        yield _claim(faces, "fitness", sentence, "reason", "face_size", "effective_resolution")
    else:
        alike: dict[str, list[FaceRows]] = {}
        for face in faces:
            alike.setdefault(_why([face], FORENSIC), []).append(face)
        for why, group in alike.items():
            these = who if len(alike) == 1 else _who(group, names)
            limits = sorted({item for face in group for item in face.limits(FORENSIC)})
            sentence = f"For a forensic examination {these} {'is' if len(group) == 1 else 'are'} {why}."
            yield _claim(group, "fitness", sentence, "reason", *limits)


def _eyes(
    faces: Sequence[FaceRows], attribute: str = "face_size", detail: str = "eyes_px"
) -> tuple[float, float, float]:
    """The smallest and largest eye distance, and what documents ask for, in pixels."""
    distances = [_number(face.rows[attribute].details[detail]) for face in faces]
    return min(distances), max(distances), _number(faces[0].rows["face_size"].details["documents_px"])


def _span(low: float, high: float) -> str:
    return f"{low:.0f}" if f"{low:.0f}" == f"{high:.0f}" else f"{low:.0f} to {high:.0f}"


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _sharpest(faces: Sequence[FaceRows], names: Names, *, asked: bool) -> Iterator[Claim]:
    """Which face is the sharpest; that two are alike is said only where it is asked."""
    role: ClaimRole = "answer" if asked else "reason"
    ranked = sorted(
        (face for face in faces if "sharpness" in face.rows), key=lambda face: -(face.rows["sharpness"].score or 0.0)
    )
    scores = [face.rows["sharpness"].score or 0.0 for face in ranked]
    # A tenth apart: less is not seen.
    if len(ranked) > 1 and scores[0] > 1.1 * scores[1]:
        best, *others = (face.rows["sharpness"] for face in ranked)
        all_of_them = len(ranked) == len(names.faces)
        if others[1:]:
            most = "sharpest" if all_of_them else "sharpest of those measured"
        else:
            most = "sharper of the two" if all_of_them else "sharper of the two measured"
        yield Claim.on([best], f"{_start(best.subject)} is the {most}.", role, *others)
    elif asked and len(ranked) == 2:
        rows = [face.rows["sharpness"] for face in ranked]
        who = _start(_listed([names.of(face.id) for face in ranked]))
        yield Claim.on(rows, f"{who} are about equally sharp.", role)


def _enlarged(faces: Sequence[FaceRows], names: Names) -> Iterator[Claim]:
    """Which faces have more pixels than detail."""
    for face in faces:
        if face.enlarged:
            details = face.rows["effective_resolution"].details
            who = names.start(face.id)
            sentence = (
                f"{who} was enlarged about {_number(details['enlarged_about']):.1f} times, or is out of focus: the "
                f"{_number(details['eyes_px']):.0f} pixels between the eyes hold the detail of about "
                f"{_number(details['resolved_px']):.0f}."
            )
            yield _claim([face], "effective_resolution", sentence, "reason")


_LIKE_THIS = {
    "effective_resolution": "with as little detail as this",
    "sharpness": "as blurred as this",
    "face_size": "as small as this",
    "exposure": "exposed as badly as this",
    "contrast": "as low in contrast as this",
    "noise": "as grainy as this",
    "frontality": "turned as far as this",
}


def _consequence(faces: Sequence[FaceRows]) -> Iterator[Claim]:
    """What the costliest fault of some faces cost in the test."""
    costs: dict[str, list[tuple[float, FaceRows]]] = {}
    for face in faces:
        for attribute in face.limits(IDENTITY):
            row = face.rows.get(attribute)
            if row is not None and "missed_at_this_level" in row.details:
                costs.setdefault(attribute, []).append((_number(row.details["missed_at_this_level"]), face))
    if not costs:
        return
    attribute, found = max(costs.items(), key=lambda item: max(share for share, _ in item[1]))
    concerned = [face for _, face in found]
    plain = _number(concerned[0].rows[attribute].details["missed_undamaged"])
    sentence = (
        f"In a test with faces {_LIKE_THIS[attribute]}, {_shares([share for share, _ in found])} of the pairs "
        f"that show one person were missed, against {plain * 100:.1f} % with the photos as they were."
    )
    yield _claim(concerned, "fitness", sentence, "reason", attribute)


def _shares(shares: Sequence[float]) -> str:
    """ "22 %", "22 % to 40 %", "nearly all"."""
    low, high = (f"{share * 100:.0f} %" if share < 0.985 else "nearly all" for share in (min(shares), max(shares)))
    return low if low == high else f"{low} to {high}"


def _compression(rows: Sequence[Evidence], any_face: bool, names: Names) -> Iterator[Claim]:
    role: ClaimRole = "reason" if any_face else "answer"
    for row in rows:
        if row.status != "ok":
            sentence = f"The compression of {names.of(row.subject)} was not judged, because {row.reason}."
            yield _about_photos([row], sentence, role)
    rows = [row for row in rows if row.status == "ok"]
    clean = [row for row in rows if row.value == "none_seen"]
    if clean:
        some = len(clean) > 1 and len(clean) == len(names.images)
        who = "None of the photos shows" if some else f"{_start(_listed([names.of(row.subject) for row in clean]))} "
        who = who if some else who + ("shows no" if len(clean) == 1 else "show no")
        yield _about_photos(clean, f"{who} marked traces of JPEG compression.", role)
    for row in rows:
        if row.value == "none_seen":
            continue
        lead = f"{names.start(row.subject)} shows {'strong traces' if row.value == 'strong' else 'traces'}"
        quality = _number(row.details["like_jpeg_quality"])
        cost = ", which wipes out fine detail" if row.value == "strong" else ""
        yield _about_photos([row], f"{lead} of JPEG compression, about as at quality {quality:.0f}{cost}.", role)


def _about_photos(rows: Sequence[Evidence], sentence: str, role: ClaimRole) -> Claim:
    return Claim(
        sentence=sentence,
        subject=" + ".join(row.subject for row in rows),
        attribute=rows[0].attribute,
        value=rows[0].value,
        evidence=tuple(row.id for row in rows),
        role=role,
    )


def _too_small(faces: Sequence[FaceRows], names: Names) -> Iterator[Claim]:
    if not faces:
        return
    smallest = _number(faces[0].fitness.details["smallest_px"])
    widths = sorted(_number(face.fitness.details["width_px"]) for face in faces)
    they, are = ("it", "is") if len(faces) == 1 else ("they", "are")
    span = f"{widths[0]:.0f}" if widths[0] == widths[-1] else f"{widths[0]:.0f} to {widths[-1]:.0f}"
    sentence = (
        f"{_start(_who(faces, names))} {are} too small to judge: {they} {are} {span} pixels wide, and below "
        f"{smallest:.0f} little can be measured."
    )
    yield _claim(faces, "fitness", sentence, "answer")


def _outside(faces: Sequence[FaceRows], names: Names) -> Iterator[Claim]:
    if faces:
        are = "is" if len(faces) == 1 else "are"
        sentence = f"{_start(_who(faces, names))} {are} not judged, because {faces[0].fitness.reason}."
        yield _claim(faces, "fitness", sentence, "answer")


def _documents(faces: Sequence[FaceRows], names: Names) -> Iterator[Claim]:
    """Eyes and mouth of faces that are large enough for a document, those alike in one sentence."""
    groups: dict[str, list[FaceRows]] = {}
    for face in faces:
        row = face.rows.get("eyes_and_mouth")
        if row is not None and row.status == "ok" and not {*_SIZES[:2]} & {*face.limits(FORENSIC)}:
            groups.setdefault(str(row.value), []).append(face)
    for group in groups.values():
        value = group[0].rows["eyes_and_mouth"].value
        state = value if isinstance(value, dict) else {}
        eyes = {"open": "open", "partly": "not wide open", "closed": "nearly or quite closed"}[str(state["eyes"])]
        mouth = "closed" if state["mouth"] == "closed" else "open"
        whose = f" of {_who(group, names)}"
        lips = f"the mouth is {mouth}" if len(group) == 1 else f"their mouths are {mouth}"
        so = "as" if (eyes, mouth) == ("open", "closed") else "where"
        ask = "asks" if so == "as" else "asks for open eyes and a closed mouth"
        sentence = f"The eyes{whose} are {eyes} and {lips}, {so} an identity document {ask}."
        yield _claim(group, "eyes_and_mouth", sentence, "reason")


def _covered(faces: Sequence[FaceRows], names: Names) -> Iterator[Claim]:
    zones: dict[str, list[FaceRows]] = {}
    for face in faces:
        row = face.rows.get("occlusion_cue")
        if row is not None and isinstance(row.value, list) and row.value:
            zones.setdefault(" and the ".join(str(item) for item in row.value), []).append(face)
    for zone, found in zones.items():
        sentence = (
            f"Something may cover the {zone} of {_who(found, names)}, which would weaken a comparison; this is only a "
            "cue, and beards, glasses or deep shadow can raise it."
        )
        yield _claim(found, "occlusion_cue", sentence, "doubt")
