"""What was asked and answered, as an append-only file of JSON lines in which nothing can be changed unnoticed.

Each line carries the digest of the one before it and its own: HMAC-SHA256 where the log has a key (that of a gallery),
else SHA-256, which whoever can write to the file can also compute. Beside the log, `….head` holds number and digest of
the last line, so that lines missing at the end are noticed. Whoever keeps a head elsewhere can hold a log against it
later, also one that was exchanged as a whole.

A log holds no pictures and no templates, photos are named by their SHA-256, and enrolled people by a number that means
nothing any more once they are forgotten (`pseudonymous`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from faceagent.errors import AuditError
from faceagent.types import Answer, Exhibit, Step

_FIRST = "0" * 64
_OF_CONSENT = ("consent", "guardian")


@dataclass(frozen=True)
class Checked:
    """lines: how many were read. faults: what is wrong, line by line, in sentences. head: number and digest of the last
    line ("12:5f0c…"), to be kept elsewhere."""

    lines: int
    faults: tuple[str, ...]
    head: str


class AuditLog:
    """One file; several processes may append to it.

    Args:
        key: 32 bytes for the digests; None: digests without a key.
    """

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        self.path, self._key = path, key
        self._head = path.with_name(f"{path.name}.head")

    def append(self, kind: str, facts: Mapping[str, JsonValue]) -> None:
        """Write one line to the disk before returning; as `extend`."""
        self.extend([(kind, facts)])

    def extend(self, events: Iterable[tuple[str, Mapping[str, JsonValue]]]) -> None:
        """Write a line for each event, of a kind and with facts, to the disk before returning.

        Raises:
            AuditError: they cannot be written, or the log's last line was changed.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path) as stream:
                number, previous = self._last(stream)
                stream.seek(0, os.SEEK_END)
                for kind, facts in events:
                    number += 1
                    at = datetime.now(UTC).isoformat(timespec="milliseconds")
                    line = {**facts, "n": number, "at": at, "kind": kind, "previous": previous}
                    line["digest"] = previous = self._digest(line)
                    stream.write(_canonical(line) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
                self._set_head(f"{number}:{previous}")
        except OSError as error:
            raise AuditError(
                f"The audit log {self.path} cannot be written ({error.strerror})",
                "Mend that first: nothing goes unlogged",
            ) from error

    def question(
        self,
        text: str,
        purpose: str | None,
        exhibits: Sequence[Exhibit],
        steps: Sequence[Step],
        answer: Answer | None,
        names: Mapping[str, str],
    ) -> None:
        """Log a question: about what, for which purpose, the tools that ran for it, and what was said.

        Args:
            answer: None where the question was broken off.
            names: what enrolled people are called in the log, by name.

        Raises:
            AuditError: it cannot be written.
        """
        facts: dict[str, JsonValue] = {
            "question": text,
            "purpose": purpose,
            "exhibits": [{"id": exhibit.id, "sha256": exhibit.sha256} for exhibit in exhibits],
            "steps": [noted(step, {"tool", "arguments", "status", "evidence"}) for step in steps],
        }
        if answer is not None:
            facts["controller"], facts["status"] = answer.controller, answer.status
            facts["said"] = [{"sentence": one.sentence, "evidence": list(one.evidence)} for one in answer.claims]
            facts["not_established"] = list(answer.not_established)
        told = {key: pseudonymous(value, names) for key, value in facts.items()}
        self.append("broken off" if answer is None else "answered", told)

    def verify(self, expected: str | None = None) -> Checked:
        """Read the whole log and name every line that was changed, removed or moved.

        Args:
            expected: a head that was noted earlier; its line must still be there.

        Raises:
            AuditError: the file cannot be read.
        """
        try:
            data = self.path.read_bytes() if self.path.exists() else b""
            head = self._head.read_text("ascii").strip() if self._head.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise AuditError(f"The audit log {self.path} cannot be read ({error})", "Check the path") from error
        lines = data.split(b"\n")
        torn = lines.pop()
        read = _Reading(self._digest)
        for line in lines:
            read.take(line)
        faults = [*read.faults, *(self._against(one, read.digests) for one in (head, expected or "") if one)]
        if torn:
            # Cut off by a crash before it was acknowledged; the next append removes it.
            faults.append(f"line {len(lines) + 1} is incomplete")
        if lines and not head:
            faults.append(f"{self._head.name}, which says where the log ends, is missing")
        last = f"{read.number}:{read.previous}" if lines else ""
        return Checked(len(lines), tuple(fault for fault in faults if fault), last)

    def _against(self, head: str, digests: Mapping[int, str]) -> str:
        number, _, digest = head.partition(":")
        if not number.isdecimal() or len(digest) != len(_FIRST):
            return f"{head!r} is no head of a log"
        if int(number) not in digests:
            return f"line {number}, which was written, is missing: the log ends before it"
        return "" if digests[int(number)] == digest else f"line {number} is not the one that was written"

    def _digest(self, line: Mapping[str, JsonValue]) -> str:
        data = _canonical({key: value for key, value in line.items() if key != "digest"})
        if self._key is None:
            return hashlib.sha256(data).hexdigest()
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()

    def _last(self, stream: IO[bytes]) -> tuple[int, str]:
        """Number and digest of the last whole line; a torn one after it, which was never acknowledged, is cut off."""
        end = stream.seek(0, os.SEEK_END)
        tail = b""
        while end > 0 and tail.count(b"\n") < 2:
            start = max(0, end - 8192)
            stream.seek(start)
            tail = stream.read(end - start) + tail
            end = start
        whole, newline, torn = tail.rpartition(b"\n")
        if torn:
            stream.truncate(stream.seek(-len(torn), os.SEEK_END))
        if not newline:
            return 0, _FIRST
        try:
            line = json.loads(whole.rpartition(b"\n")[2])
            return int(line["n"]), str(line["digest"])
        except (ValueError, KeyError, TypeError) as error:
            raise AuditError(
                f"The last line of the audit log {self.path} was changed", "Look with: faceagent audit verify"
            ) from error

    def _set_head(self, head: str) -> None:
        draft = self._head.with_name(f"{self._head.name}.new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(head + "\n")
        draft.replace(self._head)


class _Reading:
    """Follows the chain line by line."""

    def __init__(self, digest: Callable[[Mapping[str, JsonValue]], str]) -> None:
        self._digest = digest
        self.number, self.previous = 0, _FIRST
        self.faults: list[str] = []
        self.digests: dict[int, str] = {}

    def take(self, data: bytes) -> None:
        place = len(self.digests) + len(self.faults) + 1
        try:
            line = json.loads(data)
            number, previous, digest = int(line["n"]), line["previous"], str(line["digest"])
        except (ValueError, KeyError, TypeError):
            self.faults.append(f"line {self.number + 1} cannot be read: it was changed (place {place})")
            self.number += 1
            return
        if _canonical(line) != data or not hmac.compare_digest(self._digest(line), digest):
            self.faults.append(f"line {number} was changed")
        elif number != self.number + 1:
            self.faults.append(
                f"line {number} stands where line {self.number + 1} belongs: lines were removed or moved"
            )
        elif previous != self.previous:
            self.faults.append(f"line {number} does not follow the line before it")
        self.number, self.previous = number, digest
        self.digests[number] = digest


def noted(step: Step, fields: set[str]) -> JsonValue:
    """Fields of a step as the log has them: how a person agreed, and through whom, stands in the person's entry alone,
    and is gone with it."""
    told: dict[str, JsonValue] = step.model_dump(mode="json", include=fields)
    arguments = step.arguments.items()
    told["arguments"] = {name: "in the entry" if name in _OF_CONSENT and value else value for name, value in arguments}
    return told


def pseudonymous(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    """The same with every name in every text exchanged for what stands for it, the longest names first."""
    if isinstance(value, str):
        for name in sorted(names, key=len, reverse=True):
            if name.casefold() in value.casefold():
                value = _whole(name).sub(names[name], value)
        return value
    if isinstance(value, Mapping):
        return {key: pseudonymous(item, names) for key, item in value.items()}
    return [pseudonymous(item, names) for item in value] if isinstance(value, list) else value


def _whole(name: str) -> re.Pattern[str]:
    """The name as a word of its own, except in scripts that put no spaces between words."""
    before = r"(?<!\w)" if name[0].isalpha() and name[0].lower() != name[0].upper() else ""
    after = r"(?!\w)" if name[-1].isalpha() and name[-1].lower() != name[-1].upper() else ""
    return re.compile(before + re.escape(name) + after, re.IGNORECASE)


def _canonical(line: Mapping[str, JsonValue]) -> bytes:
    # ASCII, so that no character of a question can pass for the end of a line.
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode("ascii")


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The file, open for reading and writing, while no other process has it so; made where it does not exist."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as stream:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
            yield stream
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
            yield stream
