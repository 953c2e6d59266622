"""Where the gallery's key comes from: a passphrase, a key file, or the keyring of the operating system."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceagent.errors import GalleryError, MissingExtra, UsageError
from faceagent.gallery import sealing

KeyKind = Literal["passphrase", "file", "keyring"]
SERVICE = "faceagent gallery"
SHORTEST = 12


@dataclass(frozen=True)
class Key:
    """A secret and where it came from; never shown. label: the key file's name or the keyring's entry, "" otherwise."""

    kind: KeyKind
    label: str
    secret: bytes = field(repr=False)

    @staticmethod
    def of_passphrase(passphrase: str) -> Key:
        """A passphrase, stretched by scrypt (a third of a second) each time that the gallery is opened.

        Raises:
            UsageError: it is shorter than 12 characters.
        """
        if len(passphrase) < SHORTEST:
            raise UsageError(f"The passphrase is shorter than {SHORTEST} characters", "Take several words")
        return Key("passphrase", "", passphrase.encode())

    @staticmethod
    def of_file(path: Path, *, create: bool = False) -> Key:
        """A file with 32 random bytes in Base64, readable by its owner alone.

        Args:
            create: make the file where it does not exist.

        Raises:
            GalleryError: it is missing, cannot be read or written, or holds something else.
        """
        try:
            if create and not path.exists():
                _write_new(path, base64.b64encode(sealing.new_key()) + b"\n")
            text = path.read_bytes()
        except FileNotFoundError:
            raise GalleryError(
                f"There is no key file at {path}", "Check the path; without its key a gallery is lost"
            ) from None
        except OSError as error:
            raise GalleryError(f"The key file {path} cannot be used ({error.strerror})", "Check the path") from error
        return Key("file", path.name, _decoded(text, f"The file {path}"))

    @staticmethod
    def of_keyring(entry: str = "gallery", *, create: bool = False) -> Key:
        """A random key in the keyring of the operating system.

        Args:
            create: make the entry where it does not exist.

        Raises:
            MissingExtra: the package keyring is not installed.
            GalleryError: this machine has no keyring, it is locked, or has no such entry.
        """
        try:
            import keyring
            from keyring.errors import KeyringError
        except ModuleNotFoundError:
            raise MissingExtra("The operating system's keyring", "keyring") from None
        try:
            stored = keyring.get_password(SERVICE, entry)
            if stored is None and create:
                stored = base64.b64encode(sealing.new_key()).decode()
                keyring.set_password(SERVICE, entry, stored)
        except KeyringError as error:
            raise GalleryError(
                f"This machine's keyring cannot be used ({error})", "Use a key file or a passphrase instead"
            ) from error
        if stored is None:
            raise GalleryError(f"The keyring has no entry {entry!r} of {SERVICE}", "Check the name of the entry")
        return Key("keyring", entry, _decoded(stored.encode(), f"The keyring's entry {entry!r}"))

    def master(self, salt: bytes) -> bytes:
        """The master key that this secret makes with a gallery's salt: 32 bytes."""
        if self.kind == "passphrase":
            return sealing.from_passphrase(self.secret.decode(), salt)
        return sealing.derive(self.secret, f"master {salt.hex()}")


def _write_new(path: Path, text: bytes) -> None:
    """Write a file that must not exist yet, readable by its owner alone from its first moment on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _decoded(text: bytes, what: str) -> bytes:
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != sealing.KEY_BYTES:
        raise GalleryError(
            f"{what} is not a key: 32 bytes in Base64 were expected", "Name the key that was made for it"
        )
    return secret
