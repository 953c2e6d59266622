"""Which gallery, and where its key comes from: options, environment variables, or what the gallery itself says."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faceagent.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from faceagent.gallery import Gallery, Key

FOLDER = "FACEAGENT_GALLERY"
KEY_FILE = "FACEAGENT_GALLERY_KEY_FILE"
PASSPHRASE = "FACEAGENT_GALLERY_PASSPHRASE"
INDEX = "FACEAGENT_GALLERY_INDEX"
ENTRY = "gallery"


def add_gallery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gallery", type=Path, metavar="DIR", help=f"the gallery's folder (default: {FOLDER})")
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help=f"file with its key (default: {KEY_FILE}); otherwise the passphrase in {PASSPHRASE}, the operating "
        "system's keyring, or a question, as the gallery was made",
    )


def gallery_of(chosen: argparse.Namespace, *, create: bool = False) -> Gallery:
    """The gallery that options and environment name.

    Raises:
        UsageError: none is named, or no key.
        GalleryError: it cannot be opened.
        MissingExtra: its key is in a keyring, and the package for that is not installed.
    """
    from faceagent.gallery import Gallery

    folder = _folder(chosen)
    if folder is None:
        raise UsageError("No gallery is named", f"Name its folder with --gallery or in {FOLDER}")
    index = os.environ.get(INDEX) or "exact"
    return Gallery.open(folder, _key(folder, chosen, create=create), create=create, index=index)


def gallery_if_any(chosen: argparse.Namespace) -> Gallery | None:
    """The same for commands that go without one; a folder named by the environment alone need not exist yet.

    Raises:
        UsageError, GalleryError, MissingExtra: as `gallery_of`.
    """
    folder = _folder(chosen)
    if folder is None or (chosen.gallery is None and not folder.exists()):
        return None
    return gallery_of(chosen)


def _folder(chosen: argparse.Namespace) -> Path | None:
    named = os.environ.get(FOLDER)
    return chosen.gallery or (Path(named) if named else None)


def _key(folder: Path, chosen: argparse.Namespace, *, create: bool) -> Key:
    from faceagent.gallery import Key
    from faceagent.gallery.database import key_of, missing

    file, passphrase = chosen.key_file or os.environ.get(KEY_FILE), os.environ.get(PASSPHRASE)
    made = key_of(folder)
    if made is None and not create:
        raise missing(folder)
    fresh = create and made is None
    if file:
        return Key.of_file(Path(file), create=fresh)
    if passphrase:
        return Key.of_passphrase(passphrase)
    kind, label = made or ("passphrase" if sys.stdin.isatty() else "keyring", ENTRY)
    if kind == "file":
        raise UsageError(
            f"The gallery at {folder} has a key file, {label}", f"Name it with --key-file or in {KEY_FILE}"
        )
    if kind == "keyring":
        try:
            return Key.of_keyring(label, create=fresh)
        except MissingExtra as error:
            if not fresh:
                raise
            raise UsageError(
                f"The new gallery at {folder} needs a key",
                f"Name a file for it with --key-file, which is made, or put a passphrase into {PASSPHRASE}",
            ) from error
    return Key.of_passphrase(asked(f"Passphrase of the gallery at {folder}: ", again=fresh))


def asked(prompt: str, *, again: bool = False) -> str:
    """A passphrase, typed by a person.

    Args:
        again: have it typed twice.

    Raises:
        UsageError: nobody can be asked, or the two differ.
    """
    if not sys.stdin.isatty():
        raise UsageError("The gallery's passphrase is missing", f"Put it into {PASSPHRASE}, or name a key file")
    typed = getpass.getpass(prompt)
    if again and getpass.getpass("Once more: ") != typed:
        raise UsageError("The two passphrases are not the same", "Try again")
    return typed
