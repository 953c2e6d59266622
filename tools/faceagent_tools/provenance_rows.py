"""What photos' and videos' files have in common, as evidence of `provenance`: signed records, names of programs."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO, Protocol

from pydantic import JsonValue

from faceagent.errors import ToolError
from faceagent.types import Evidence, Method
from faceagent_tools.provenance_records import marks
from faceagent_tools.provenance_records.content_credentials import ABSENT, MIME, Credentials, CredentialsReader
from faceagent_tools.provenance_records.contradictions import Contradiction
from faceagent_tools.provenance_records.text import MANY
from faceagent_tools.provenance_records.xmp import XmpRecord

TOOL = "inspect_provenance"
CAPTURE = "capture_record"
# IPTC's vocabulary: cv.iptc.org/newscodes/digitalsourcetype. Those that a generative model had a part in come first.
GENERATIVE = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "algorithmicMedia",
    "compositeSynthetic",
    "trainedAlgorithmicData",
)
NOT_STATED = "not_stated"
ABSENT_PACKAGE = "not installed"


class Records(Protocol):
    """What is read from any file. texts: by the field that they stand in. sayings: those that name a program."""

    @property
    def xmp(self) -> XmpRecord | None: ...

    @property
    def texts(self) -> dict[str, list[str]]: ...

    @property
    def sayings(self) -> Iterator[marks.Saying]: ...

    @property
    def by_camera(self) -> bool: ...


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT_PACKAGE


@functools.cache
def credentials_method() -> Method:
    return Method(
        name="c2pa-python",
        version=installed("c2pa-python"),
        licence="MIT OR Apache-2.0",
        source="C2PA specification (spec.c2pa.org)",
    )


def row(subject: str, attribute: str, value: JsonValue, details: Mapping[str, JsonValue], **more: Any) -> Evidence:
    return Evidence(tool=TOOL, subject=subject, attribute=attribute, value=value, details=dict(details), **more)


def unmeasured(subject: str, attribute: str, status: Any, reason: str, method: Method) -> Evidence:
    return Evidence(tool=TOOL, subject=subject, attribute=attribute, status=status, reason=reason, method=method)


def credentials(
    subject: str, source: BinaryIO, container: str, reader: CredentialsReader
) -> tuple[Credentials, Evidence]:
    """The Content Credentials of a file.

    Args:
        container: a name of `MIME`, or of a format that cannot hold them.
    """
    attribute, method = "content_credentials", credentials_method()
    if container not in MIME:
        reason = f"{container} files cannot carry them"
        return ABSENT, unmeasured(subject, attribute, "not_applicable", reason, method)
    try:
        found = reader.read(source, MIME[container])
    except ToolError as error:
        return ABSENT, unmeasured(subject, attribute, "failed", str(error), method)
    if found.remote:
        reason = f"the file says that they are kept at “{found.remote}”, which was not contacted"
        return found, unmeasured(subject, attribute, "abstained", reason, method)
    details: dict[str, JsonValue] = {
        "signer": found.signer,
        "generator": found.generator,
        "signed": found.signed,
        "actions": list(found.actions),
        "agents": list(found.agents),
        "failures": list(found.failures),
        "changed_after_signing": found.changed,
        "trust_list": reader.has_trust_list,
    }
    kept = {key: value for key, value in details.items() if value not in ("", [])} if found.state != "absent" else {}
    limits = () if found.state == "absent" else ("A signature shows who made a statement, not that it is true.",)
    return found, row(subject, attribute, found.state, kept, limitations=limits, method=method)


def source_type(subject: str, records: Records, signed: Credentials, method: Method) -> Evidence:
    """How the file says that it was made, in a term of IPTC's vocabulary."""
    stated = [("Content Credentials", kind) for kind in signed.source_types]
    if records.xmp:
        stated += [("XMP", kind) for kind in records.xmp.texts("Iptc4xmpExt:DigitalSourceType")]
    terms = [(field, kind.rstrip("/").rpartition("/")[2]) for field, kind in stated]
    # What a generative model had a part in outweighs what was done to it afterwards.
    order = {term: place for place, term in enumerate(GENERATIVE)}
    terms.sort(key=lambda pair: order.get(pair[1], len(order)))
    if not terms:
        return row(subject, "digital_source_type", NOT_STATED, {}, method=method)
    details: dict[str, JsonValue] = {
        "field": terms[0][0],
        "stated": [{"field": field, "term": term} for field, term in terms],
    }
    by = credentials_method() if terms[0][0] == "Content Credentials" else method
    return row(subject, "digital_source_type", terms[0][1], details, method=by)


def generators(subject: str, records: Records, signed: Credentials, method: Method) -> Evidence:
    """The marks of generators."""
    texts = records.texts
    named = [name for name in (signed.generator, *signed.agents) if name]
    if named:
        texts["Content Credentials"] = named
    found = marks.generators(texts)
    details: dict[str, JsonValue] = {
        "marks": [{"name": mark.generator, "field": mark.field, "text": mark.text} for mark in found]
    }
    limits = ("Marks are plain text: anyone can add them or take them out.",) if found else ()
    value: list[JsonValue] = [mark.generator for mark in found]
    return row(subject, "generator_marks", value, details, limitations=limits, method=method)


def software(subject: str, records: Records, signed: Credentials, method: Method) -> Evidence:
    """The programs that the file names; of a file by a camera, what is no known program is its firmware."""
    sayings = list(records.sayings)[:MANY]
    sayings += [marks.Saying("Content Credentials", name) for name in (signed.generator, *signed.agents) if name]
    found = marks.programs(sayings, records.by_camera)
    details: dict[str, JsonValue] = {
        "programs": [
            {"name": program.name, "kind": program.kind, "field": program.field, "text": program.text}
            for program in found
        ]
    }
    if records.by_camera and (firmware := marks.firmware(sayings)):
        details["firmware"] = list(firmware)
    return row(subject, "editing_software", [program.name for program in found], details, method=method)


def contradicting(subject: str, found: Sequence[Contradiction] | None, method: Method) -> Evidence:
    """The contradictions between records; None: there are no two that could contradict."""
    if found is None:
        reason = "the file holds no two records that could contradict"
        return unmeasured(subject, "contradictions", "not_applicable", reason, method)
    details: dict[str, JsonValue] = {
        "contradictions": [
            {"kind": item.kind, "first": item.first, "second": item.second, "one": item.one, "other": item.other}
            for item in found
        ]
    }
    return row(subject, "contradictions", [item.kind for item in found], details if found else {}, method=method)
