"""enroll_person and forget_person: into the gallery with consent, and out of it with everything.

Enrolling takes several photos of one person. Each is looked at first: faces that are too small, turned or blurred,
copies of a photo, and faces of somebody else are left out, with the reason. Whoever is not the person in most photos
is enrolled neither by mistake nor by design. A photo that is enrolled under another name stops it all, before anything
is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import Field, JsonValue

from faceagent import policy
from faceagent.errors import UsageError
from faceagent.gallery import Consent, Gallery, Model, Template
from faceagent.gallery.records import Vector
from faceagent.review import Known, Seen, Weight
from faceagent.session import Session
from faceagent.tool import Arguments, Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Method
from faceagent_tools.backends import backend
from faceagent_tools.embedding import Embedding, FaceEmbedder, embedding_of
from faceagent_tools.identity import enroll_words, grouping, openset, templates
from faceagent_tools.identity.identify import candidates, finding, quotable
from faceagent_tools.identity.templates import Candidate
from faceagent_tools.multitask import FaceReader

GALLERY = "gallery"
"""Subject of evidence on the gallery itself."""
METHOD = Method(name="faceagent gallery", version="1", licence="Apache-2.0")
_COPY = "it is a copy of {}"
_SEVERAL = "it shows {} faces, and which one is meant has to be said"
_ELSEWHERE = "it is a copy of a photo that is enrolled as “{}”"


class EnrollArguments(SubjectArguments):
    name: str = Field(default="", description="The person's name, as whoever asks gave it. Never made up.")
    consent: str = Field(
        default="",
        description="The statement that the person agreed, in the words of whoever asks. Never made up.",
    )
    purpose: str = Field(
        default="", description="What the person agreed to, a purpose of the policy. Empty: that of the conversation."
    )
    consent_file: str = Field(default="", description="Name of a file with the consent, where there is one.")
    consent_sha256: str = Field(default="", description="SHA-256 of that file.")
    given: date | None = Field(default=None, description="Day of the consent. Empty: the present one.")
    until: date | None = Field(default=None, description="Last day on which the entry may be kept.")
    guardian: str = Field(
        default="", description="Who agreed as parent or guardian of a person under age. Never made up."
    )
    of_age: bool = Field(default=False, description="Whether whoever asks states that the person is of age.")
    protected: bool = Field(
        default=False, description="Whether photos said to show this person are to be examined as possible fakes."
    )
    another_name: bool = Field(
        default=False,
        description="Whether whoever asks says that the person is to be enrolled under this name besides another.",
    )


class EnrollPerson(FaceTool[EnrollArguments]):
    """The tool.

    Args:
        embedder: the recognition network. reader: the network that reads faces, shared with the other tools.
    """

    name = "enroll_person"
    description = (
        "Enrol one person in the gallery from one or more photos, only with the person's consent. Faces that are not "
        "good enough, copies, and faces of somebody else are left out, with the reason. Of several faces in a photo it "
        "takes the one that is like the other photos, or the one named among the subjects."
    )
    arguments = EnrollArguments
    needs_faces = True

    def __init__(self, embedder: FaceEmbedder, reader: FaceReader) -> None:
        self._embedder, self._reader = embedder, reader

    def run(self, session: Session, arguments: EnrollArguments) -> list[Evidence]:
        gallery = _gallery(session)
        name, consent = _named(arguments.name), _consent(session, arguments)
        faces, several, refused = self._faces(session, arguments.subjects)
        known = [row for row in _known(gallery, name) if row.model == templates.model_of(self._embedder)]
        named = {face.id: self._embedding(session, face) for face in faces if face.id in arguments.subjects}
        anchors = [row.vector for row in known] or templates.alike([*named.values()])
        picked = self._picked(session, faces, several, anchors)
        unclear = {image: found for image, found in several.items() if image not in picked}
        looked_at = [
            templates.candidate(session, face, self._embedder, self._reader) for face in (*faces, *picked.values())
        ]
        refused |= _unfit(looked_at, consent)
        fit = [one for one in looked_at if one.face.id not in refused]
        refused |= self._out_of_place(session, fit, known, anchors)
        taken = [one for one in fit if one.face.id not in refused]
        elsewhere = {} if arguments.another_name else self._elsewhere(gallery, name, taken)
        rows = [self._refused(subject, reason, session) for subject, reason in (refused | elsewhere).items()]
        rows += [self._unclear(image, found) for image, found in unclear.items()]
        if elsewhere:
            reason = "a photo is enrolled under another name already"
            return [self._enrolment(name, reason, under_another_name=True), *rows]
        if not taken:
            why = "which face is meant is not clear" if unclear and not refused else "no photo was good enough"
            return [self._enrolment(name, why), *rows]
        chosen = [image for image, face in picked.items() if face.id not in refused]
        return [self._enrolled(session, gallery, name, consent, arguments, taken, chosen), *rows]

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return enroll_words.enrolled(evidence, names)

    def backends(self) -> list[Backend]:
        return [backend(self._embedder.weights, self.name, chosen=True)]

    # For a change of model (`faceagent.reembedding.Reembedder`)

    @property
    def model(self) -> Model:
        return templates.model_of(self._embedder)

    def reembed(self, crop: bytes) -> Vector:
        return self._embedder.embed_chip(templates.chip(crop))

    # For a review (`faceagent.review.Grouper`)

    def see(self, session: Session, face: Face) -> Seen:
        one = templates.candidate(session, face, self._embedder, self._reader)
        crop = templates.png(self._embedder.chip(session.photo(face.image), face))
        return Seen(one.embedding, crop, one.fault, one.minor)

    def known(self, seen: Seen, gallery: Gallery, purpose: str | None) -> Known | None:
        count = gallery.models().get(templates.model_of(self._embedder), 0)
        found = candidates(gallery, seen.vector, self._embedder, purpose) if len(gallery) else []
        if not found:
            return None
        table = openset.table()
        chances = table.probabilities([one.similarity for one in found], len(gallery))
        settled = finding(found, chances, table.line(max(count, 1))) == "supported"
        return Known(found[0].name, chances[0], settled)

    def group(self, seen: Sequence[Seen]) -> list[tuple[int, ...]]:
        return grouping.grouped(seen)

    def divide(self, seen: Sequence[Seen]) -> list[tuple[int, ...]]:
        return grouping.divided(seen)

    def weigh(self, seen: Sequence[Seen], groups: Sequence[Sequence[int]]) -> list[Weight]:
        return grouping.weighed(seen, groups)

    def _embedding(self, session: Session, face: Face) -> Embedding:
        return embedding_of(session, self._embedder, face)

    def _picked(
        self,
        session: Session,
        faces: Sequence[Face],
        several: Mapping[str, Sequence[Face]],
        anchors: Sequence[Embedding],
    ) -> dict[str, Face]:
        """The face that is meant in photos that show several, by photo, where the other photos tell."""
        alone, many = (
            [self._embedding(session, face) for face in faces],
            [[self._embedding(session, face) for face in found] for found in several.values()],
        )
        places = templates.meant(alone, many, anchors) if several else []
        return {
            image: found[place]
            for (image, found), place in zip(several.items(), places, strict=True)
            if place is not None
        }

    def _out_of_place(
        self, session: Session, fit: Sequence[Candidate], known: Sequence[Template], anchors: Sequence[Embedding]
    ) -> dict[str, str]:
        """Why faces that are good enough are left out: of somebody else, or there already; by face."""
        refused: dict[str, str] = {}
        vectors = [one.embedding for one in fit]
        for place in templates.strangers(vectors, anchors):
            refused[fit[place].face.id] = "it shows somebody else than " + (
                "who is enrolled under that name" if known else "the other photos"
            )
        hashes = [session.photo(one.face.image).sha256 for one in fit]
        for place, earlier in templates.copies(vectors, hashes, known).items():
            of = "a photo that is enrolled already" if earlier is None else fit[earlier].face.image
            refused.setdefault(fit[place].face.id, _COPY.format(of))
        return refused

    def _elsewhere(self, gallery: Gallery, name: str, taken: Sequence[Candidate]) -> dict[str, str]:
        """Faces that are enrolled under another name, from the same photo, with the reason."""
        if not gallery.models().get(self.model):
            return {}
        own = gallery.person(name)
        refused: dict[str, str] = {}
        for one in taken:
            for hit in gallery.search(one.embedding, self.model):
                if hit.similarity >= templates.DUPLICATE and (own is None or hit.person != own.id):
                    refused.setdefault(one.face.id, _ELSEWHERE.format(quotable(hit.name)))
        return refused

    def _faces(
        self, session: Session, subjects: Sequence[str]
    ) -> tuple[list[Face], dict[str, Sequence[Face]], dict[str, str]]:
        """The face of each photo, or of those named; the faces of photos with several; and which have none."""
        faces: list[Face] = []
        several: dict[str, Sequence[Face]] = {}
        refused: dict[str, str] = {}
        for reference in dict.fromkeys(subjects or session.images):
            found = session.faces_in((reference,))
            if len(found) == 1:
                faces += found
            elif found:
                several[reference] = found
            else:
                refused[reference] = "no face was found in it"
        return list(dict.fromkeys(faces)), several, refused

    def _refused(self, subject: str, reason: str, session: Session) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=subject,
            attribute="enrolment_photo",
            status="not_applicable",
            reason=reason,
            region=session.face(subject).box if subject.startswith("face") else None,
            method=self._embedder.method,
        )

    def _unclear(self, image: str, found: Sequence[Face]) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=image,
            attribute="enrolment_photo",
            status="not_applicable",
            reason=_SEVERAL.format(len(found)),
            method=self._embedder.method,
            details={"faces": [face.id for face in found]},
        )

    def _enrolment(self, name: str, reason: str, **details: JsonValue) -> Evidence:
        """That nobody was enrolled."""
        return Evidence(
            tool=self.name,
            subject=GALLERY,
            attribute="enrolment",
            method=self._embedder.method,
            status="not_applicable",
            reason=reason,
            details={"name": quotable(name), **details},
        )

    def _enrolled(
        self,
        session: Session,
        gallery: Gallery,
        name: str,
        consent: Consent,
        arguments: EnrollArguments,
        taken: Sequence[Candidate],
        chosen: Sequence[str],
    ) -> Evidence:
        alike = None if arguments.another_name else self._also(gallery, name, taken)
        rows = [templates.template(session, one, self._embedder) for one in taken]
        person = gallery.enroll(name, rows, consent, protected=arguments.protected)
        return Evidence(
            tool=self.name,
            subject=GALLERY,
            attribute="enrolment",
            method=self._embedder.method,
            value="enrolled",
            details={
                "name": quotable(person.name),
                "taken": [one.face.id for one in taken],
                "chosen_in": list(chosen),
                "photos": len(taken),
                "templates": sum(person.templates.values()),
                "purpose": consent.purpose,
                "protected": person.protected,
                "until": consent.until.isoformat() if consent.until else None,
                "also_like": alike,
            },
        )

    def _also(self, gallery: Gallery, name: str, taken: Sequence[Candidate]) -> str | None:
        """Somebody else enrolled whom the faces resemble as hardly any stranger does: one person under two names?"""
        if not gallery.models().get(templates.model_of(self._embedder)):
            return None
        line = openset.table().line(max(sum(gallery.models().values()), 1))
        found = [one for item in taken for one in candidates(gallery, item.embedding, self._embedder)]
        others = [one for one in found if one.name.casefold() != name.casefold() and one.similarity >= line]
        return quotable(max(others, key=lambda one: one.similarity).name) if others else None


class ForgetArguments(Arguments):
    name: str = Field(default="", description="The name under which the person is enrolled.")


class ForgetPerson(FaceTool[ForgetArguments]):
    """The tool: removes everything of a person, and looks whether anything is left."""

    name = "forget_person"
    description = "Erase an enrolled person from the gallery: templates, crops, consent; with the proof of absence."
    arguments = ForgetArguments

    def scope(self, session: Session, arguments: ForgetArguments) -> tuple[str, ...]:
        """No photo: it concerns the gallery."""
        return ()

    def run(self, session: Session, arguments: ForgetArguments) -> list[Evidence]:
        gallery, name = _gallery(session), _named(arguments.name)
        base = Evidence(
            tool=self.name,
            subject=GALLERY,
            attribute="erasure",
            method=METHOD,
            status="not_applicable",
            reason="nobody of that name is enrolled",
            details={"name": quotable(name)},
        )
        if gallery.person(name) is None:
            return [base]
        gone = gallery.forget(name)
        details: dict[str, JsonValue] = {
            "name": quotable(gone.name),
            "templates": gone.templates,
            "pieces": gone.blobs,
            "files_searched": len(gone.searched),
            "files_with_remains": len(gone.remaining),
            "index_unsearched": gone.unsearched is not None,
        }
        value = "erased" if gone.proven else "remains_found"
        return [base.model_copy(update={"status": "ok", "reason": None, "value": value, "details": details})]

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return enroll_words.forgotten(evidence)

    def backends(self) -> list[Backend]:
        return [Backend(self.name, METHOD, "method", here=True, chosen=True)]


def _gallery(session: Session) -> Gallery:
    if session.gallery is None:
        raise UsageError("There is no gallery, so nobody can be enrolled or erased", "Open one with --gallery FOLDER")
    return session.gallery


def _named(name: str) -> str:
    if not name.strip():
        raise UsageError("The person's name is needed", "Say under which name, as in “Anna Bell”")
    return name


def _consent(session: Session, arguments: EnrollArguments) -> Consent:
    usual = "protection" if arguments.protected else "access"
    statement, file = arguments.consent.strip(), arguments.consent_file.strip()
    if not statement and not file:
        raise UsageError(
            "Enrolling needs the person's consent",
            "Say how and when the person agreed, for example in writing, on 2 May",
        )
    return Consent(
        purpose=policy.purpose(arguments.purpose.strip() or session.purpose or usual).name,
        given=arguments.given or date.today(),
        statement=statement or None,
        file=file or None,
        sha256=arguments.consent_sha256.strip() or None,
        until=arguments.until,
        guardian=arguments.guardian.strip() or None,
        of_age=arguments.of_age,
    )


def _unfit(looked_at: Sequence[Candidate], consent: Consent) -> dict[str, str]:
    """Why faces are not good enough, or may not be enrolled with this consent; by face."""
    refused = {one.face.id: one.fault for one in looked_at if one.fault}
    if not consent.covers_minors:
        why = policy.withheld_from_minors("enrolment") or ""
        refused |= {one.face.id: why for one in looked_at if one.minor and not one.fault}
    return refused


def _known(gallery: Gallery, name: str) -> list[Template]:
    return [] if gallery.person(name) is None else gallery.templates(name)
