"""Encryption of what is stored: AES-256-GCM, each piece bound to its place.

Every person has a data key, which is stored sealed under the gallery's master key; a piece of a person is sealed under
that. Whoever moves a piece to another row, column or gallery finds that it no longer opens. Sources: NIST SP 800-38D
(GCM, 96-bit random nonces), RFC 5869 (HKDF), RFC 7914 (scrypt).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
# OWASP's parameters for scrypt: 128 MiB and about a third of a second for each guess.
SCRYPT = {"n": 2**17, "r": 8, "p": 1}


class Unsealable(Exception):
    """The key is another one, or the bytes were changed or moved. Internal: callers say which thing it was."""


class Sealer:
    """Seals and opens under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, place: str) -> bytes:
        """Nonce and ciphertext, which open only for the same place."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for this place.

        Raises:
            Unsealable: another key, or other bytes or another place than those that were sealed.
        """
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise Unsealable from error


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def derive(key: bytes, use: str) -> bytes:
    """A key of its own for one use of `key`, so that no key does two jobs."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"faceagent gallery {use}".encode()).derive(key)


def from_passphrase(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, **SCRYPT).derive(passphrase.encode())


def fingerprint(key: bytes, text: str) -> bytes:
    """By which a name is found again without being readable: HMAC-SHA256 under a key of its own."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
