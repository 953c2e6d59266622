"""inspect_provenance: what the file itself says of where a photo or a video comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from faceagent.errors import UsageError
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, FileArguments, Names
from faceagent.types import Claim, Evidence
from faceagent_tools import provenance_evidence, provenance_video, provenance_wording
from faceagent_tools.provenance_evidence import QUALITY_METHOD, THUMBNAIL_METHOD, record_method
from faceagent_tools.provenance_records.content_credentials import CredentialsReader
from faceagent_tools.provenance_rows import ABSENT_PACKAGE, CAPTURE, TOOL, credentials_method
from faceagent_tools.provenance_video import container_method


class ProvenanceArguments(FileArguments):
    about: tuple[Literal["origin"], ...] = Field(
        default=(),
        description="origin: tell first when, where and with what it was taken. Empty: signs of alteration first.",
    )


class InspectProvenance(FaceTool[ProvenanceArguments]):
    """Reads the untouched bytes of a file: signed records, camera records, names of programs, a photo's thumbnail.

    Args:
        trust_anchors: PEM file of certificates whose signers count as trusted, e.g. the C2PA trust list. Without one no
            signer is trusted, and valid Content Credentials are reported as from a signer not on the list.

    Raises:
        UsageError: `trust_anchors` cannot be read or holds no certificate.
    """

    name: ClassVar[str] = TOOL
    description: ClassVar[str] = (
        "Read what the files of photos and videos say of their own origin: Content Credentials (C2PA), camera records, "
        "editing software, marks of generators, and whether the embedded thumbnail still shows the photo. Use it for "
        "questions about authenticity, editing, AI generation, cameras and dates."
    )
    arguments: ClassVar[type[ProvenanceArguments]] = ProvenanceArguments

    def __init__(self, trust_anchors: Path | None = None) -> None:
        self._reader = CredentialsReader(_certificates(trust_anchors) if trust_anchors else None)

    def run(self, session: Session, arguments: ProvenanceArguments) -> Sequence[Evidence]:
        """All that files say of themselves; what was asked about comes first, and is worded first."""
        files = session.files_in(arguments.images, arguments.videos)
        rows = [row for file in files for row in self._examine(session, file)]
        return sorted(rows, key=lambda row: row.attribute != CAPTURE) if "origin" in arguments.about else rows

    def _examine(self, session: Session, file: str) -> Sequence[Evidence]:
        if file in session.videos:
            return provenance_video.examine(session, file, self._reader)
        return provenance_evidence.examine(session, file, self._reader)

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return provenance_wording.word(evidence, names)

    def backends(self) -> Sequence[Backend]:
        methods = (credentials_method(), record_method(), THUMBNAIL_METHOD, QUALITY_METHOD)
        of_photos = [Backend(tool=TOOL, method=method, kind="method", here=True, chosen=True) for method in methods]
        here = container_method().version != ABSENT_PACKAGE
        how = None if here else "pip install 'faceagent[video]'"
        return [
            *of_photos,
            Backend(tool=TOOL, method=container_method(), kind="method", here=here, chosen=here, how=how),
        ]


def _certificates(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The trust list {path} cannot be read", "Give a file of certificates in PEM") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"The trust list {path} holds no certificate", "Give a file of certificates in PEM")
    return text
