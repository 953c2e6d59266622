"""Content Credentials: the signed C2PA manifest of a file, read and validated with c2pa-python, never over the network.

Absent is not fake, valid is not trusted, trusted is not true: a signature says who made a statement and that the file
has not changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from faceagent.errors import ToolError
from faceagent_tools.provenance_records.text import MANY, clean

State = Literal["absent", "invalid", "valid_untrusted", "trusted"]
MIME = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
    "MP4": "video/mp4",
    "QuickTime": "video/quicktime",
    "AVI": "video/avi",
}
"""Formats that can hold Content Credentials: of photos by Pillow's name, of videos by that in `video_container`."""

# C2PA 2.1, 15.12 (validation status codes): the hard binding to the bytes of the file no longer holds.
_CHANGED = frozenset({"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch", "assertion.boxesHash.mismatch"})
_STATES: dict[str, State] = {"Trusted": "trusted", "Valid": "valid_untrusted", "Invalid": "invalid"}


@dataclass(frozen=True)
class Credentials:
    """What the manifest store says.

    signer, generator: names as written, empty where not stated. actions, source_types: of the active manifest first,
    then of its ingredients; source_types are addresses or terms of IPTC's vocabulary. failures: C2PA status codes.
    changed: the bytes of the file no longer fit the signature. remote: where the manifest is kept, if not in the file.
    """

    state: State
    signer: str = ""
    generator: str = ""
    signed: str = ""
    actions: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    source_types: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    changed: bool = False
    remote: str = ""


ABSENT = Credentials("absent")
UNREADABLE = Credentials("invalid", failures=("manifest.unreadable",))
"""A manifest is there and is broken."""


class CredentialsReader:
    """Reads manifests under one set of trust anchors.

    Args:
        trust_anchors: certificates in PEM whose signers count as trusted; none: no signer does.
    """

    def __init__(self, trust_anchors: str | None = None) -> None:
        self._trust_anchors = trust_anchors
        self._context: Any = None

    @property
    def has_trust_list(self) -> bool:
        return bool(self._trust_anchors)

    def read(self, source: BinaryIO, mime: str) -> Credentials:
        """The Content Credentials of a file. Of a large one with a manifest it takes as long as its hash.

        Raises:
            ToolError: the file cannot be parsed as what it claims to be.
        """
        # Imported where used: it loads a native library.
        import c2pa

        try:
            reader = c2pa.Reader.try_create(mime, source, context=self._offline())
            if reader is None:
                return ABSENT
            with reader:
                return _credentials(json.loads(reader.json()), reader.get_validation_state())
        except (c2pa.C2paError.Other, c2pa.C2paError.NotSupported, c2pa.C2paError.Io) as error:
            raise ToolError(f"Content Credentials could not be looked for ({clean(error)})") from error
        except c2pa.C2paError as error:
            # "Remote: must fetch remote manifests from url …" has no class of its own.
            if str(error).startswith("Remote"):
                return Credentials("absent", remote=clean(str(error).rpartition(" ")[2]))
            return UNREADABLE
        except json.JSONDecodeError:
            return UNREADABLE

    def _offline(self) -> Any:
        if self._context is None:
            import c2pa

            settings: dict[str, Any] = {
                "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
            }
            if self._trust_anchors:
                settings["trust"] = {"trust_anchors": self._trust_anchors}
            self._context = c2pa.Context.from_dict(settings)
        return self._context


def _credentials(store: Mapping[str, Any], state: str | None) -> Credentials:
    manifests = list(_manifests(store))
    active = manifests[0] if manifests else {}
    signature = _mapping(active.get("signature_info"))
    actions = [action for manifest in manifests for action in _actions(manifest)]
    failures = _failures(store)
    return Credentials(
        state=_STATES.get(str(state), "invalid"),
        signer=clean(signature.get("issuer") or signature.get("common_name") or ""),
        generator=_generator(active),
        signed=clean(signature.get("time") or ""),
        actions=_distinct(action.get("action") for action in actions),
        agents=_distinct(_agent(action.get("softwareAgent")) for action in actions),
        source_types=_distinct(action.get("digitalSourceType") for action in actions),
        failures=_distinct(failures),
        changed=any(failure in _CHANGED for failure in failures),
    )


def _manifests(store: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The active manifest first, then the others."""
    every = _mapping(store.get("manifests"))
    active = str(store.get("active_manifest"))
    if active in every:
        yield _mapping(every[active])
    yield from (_mapping(manifest) for label, manifest in every.items() if label != active)


def _actions(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for assertion in _list(manifest.get("assertions")):
        label = str(_mapping(assertion).get("label"))
        if label.startswith("c2pa.actions"):
            yield from map(_mapping, _list(_mapping(_mapping(assertion).get("data")).get("actions")))


def _generator(manifest: Mapping[str, Any]) -> str:
    """The program that made the claim: claim_generator_info in version 2, claim_generator before."""
    for info in _list(manifest.get("claim_generator_info")):
        if name := _agent(info):
            return name
    return clean(manifest.get("claim_generator") or "")


def _agent(value: object) -> str:
    return clean(value.get("name") or "") if isinstance(value, Mapping) else clean(value or "")


def _failures(store: Mapping[str, Any]) -> list[str]:
    """Codes of what failed, but for an unknown signer: that is what "untrusted" says already."""
    active = _mapping(_mapping(store.get("validation_results")).get("activeManifest"))
    codes = [clean(_mapping(failure).get("code") or "") for failure in _list(active.get("failure"))]
    return [code for code in codes if code and code != "signingCredential.untrusted"]


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean(value) for value in values if value))[:MANY]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
