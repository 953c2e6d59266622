"""Files in object stores (s3://bucket/key, gs://…), by fsspec: listed, looked up, and copied here one at a time.

Credentials come from where the store's own library looks for them (environment, profile, machine), never from an
address. Only stores are read: http:// is refused, since whoever writes a table of addresses could otherwise have this
machine call others that only it can reach.
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from faceagent.batch import has_media_name
from faceagent.errors import FaceAgentError, InputError, MediaError, MediaTooLarge, MissingExtra, UsageError
from faceagent.files import claim, write_whole
from faceagent.media import Limits, check_bytes
from faceagent.video import HEAD, begins_a_video, check_video_bytes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "file": "fsspec",
    "memory": "fsspec",
}
"""The protocols that are read, and the package that reads each. `memory` lasts as long as the process: for tests."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)(::[a-z0-9+.-]+)*://", re.IGNORECASE)
_PIECE = 2**20
_COPIES = "faceagent-copies-"
_YOUNG = 60  # seconds in which the folder of a process may have no lock yet
# S3's codes for what is wrong with who asks, and with every object alike.
_OF_WHO_ASKS = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)


def is_address(text: str) -> bool:
    """Whether an input names something by protocol, and not by path."""
    return _SCHEME.match(text) is not None


def checked(address: str) -> str:
    """An address that may be read, whether or not there is something.

    Raises:
        UsageError: its protocol is not read, or it holds a password.
    """
    named = _SCHEME.match(address)
    shown = re.sub(r"//[^/]*@", "//…@", address)
    if named is None or named[2] or named[1].lower() not in PACKAGES:
        raise UsageError(
            f"{shown} is not read: only {', '.join(f'{name}://' for name in PACKAGES)} are",
            "Copy the files into a folder or one of these stores",
        )
    if "@" in urlsplit(address).netloc:
        raise UsageError(
            f"{shown} was given with a name or a password in it",
            "Leave it out: credentials come from the environment, as the store's own tools take them",
        )
    return address


def store(address: str) -> tuple[AbstractFileSystem, str]:
    """What reads an address, and the name of the object there.

    Raises:
        UsageError: as `checked`; or the protocol's package is not installed.
        MissingExtra: fsspec is not installed.
    """
    protocol = checked(address).partition("://")[0].lower()
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f"Reading {protocol}:// addresses", "scale") from None
    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ImportError:
        package = PACKAGES[protocol]
        raise UsageError(f"{protocol}:// addresses need the package {package}", f"pip install {package}") from None
    # Not by fsspec.url_to_fs, which takes "::" in a key for a chain of addresses. Listings that are kept would hide
    # what other processes have put there since, also from whoever asks for it by name.
    files = kind(**kind._get_kwargs_from_urls(address), use_listings_cache=False)
    return files, kind._strip_protocol(address)


def listed(address: str) -> list[str]:
    """The addresses that one stands for: a folder's photos and videos by suffix, those a pattern matches, or itself.

    Raises:
        UsageError: it holds no photo and no video. InputError: the store cannot be read.
    """
    files, path = store(address)
    with _reached(address):
        try:
            if files.isfile(path):
                return [files.unstrip_protocol(path)]
            names = files.glob(path) if re.search(r"[*?\[]", path) else files.find(path)
        except FileNotFoundError:
            names = []
    found = sorted(name for name in names if has_media_name(name.rsplit("/", 1)[-1]))
    if not found:
        raise UsageError(
            f"There is no photo and no video at {address}", "Check the address, and put patterns in quotes"
        )
    return [files.unstrip_protocol(name) for name in found]


def put(address: str, data: bytes) -> None:
    """Write an object whole, as stores do: there is never half of one.

    Raises:
        InputError: the store cannot be written to.
    """
    files, path = store(address)
    with _written(address):
        if _local(files):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(Path(path), data, private=False)
        else:
            files.pipe_file(path, data)


def put_file(address: str, source: Path) -> None:
    """The same of a file, which need not fit into memory.

    Raises:
        InputError: the store cannot be written to.
    """
    files, path = store(address)
    with _written(address):
        if _local(files):
            shutil.copyfile(source, f"{path}.part")
            Path(f"{path}.part").replace(path)
        else:
            files.put_file(str(source), path)


def _local(files: AbstractFileSystem) -> bool:
    return isinstance(files.protocol, tuple) and "file" in files.protocol


def exists(address: str) -> bool:
    """Whether there is an object at an address.

    Raises:
        InputError: the store cannot be read.
    """
    files, path = store(address)
    with _reached(address):
        try:
            return bool(files.info(path)["type"] == "file")
        except FileNotFoundError:
            return False


def whole(address: str) -> bytes:
    """The bytes of a small object of our own making.

    Raises:
        FileNotFoundError: there is none. InputError: the store cannot be read.
    """
    files, path = store(address)
    with _reached(address):
        data: bytes = files.cat_file(path)
        return data


def beneath(address: str) -> set[str]:
    """The names of the objects under an address, from it on; none where there is nothing yet.

    Raises:
        InputError: the store cannot be read.
    """
    files, path = store(address)
    with _reached(address):
        try:
            return {name[len(path) + 1 :] for name in files.find(path)}
        except FileNotFoundError:
            return set()


@contextmanager
def fetched(address: str, limits: Limits) -> Iterator[Path]:
    """An object as a file in a folder that only this user may read, and that is gone in the end. Its size is looked at
    before it is copied, and again while it is.

    Raises:
        MediaError: the object is not there, may not be read, or is over a limit.
        InputError: the store cannot be reached, which is no fault of this object.
    """
    files, path = store(address)
    copy = Path(tempfile.mkdtemp(dir=_room())) / "file"
    try:
        with _reached(address), copy.open("wb") as target:
            _copy(files, path, target, limits)
        yield copy
    except FileNotFoundError:
        raise MediaError(f"{address} does not exist", "Check the address") from None
    except IsADirectoryError:
        raise MediaError(f"{address} is a folder", "Name what is in it") from None
    except PermissionError:
        raise MediaError(f"{address} may not be read with the credentials that there are", "Check them") from None
    finally:
        shutil.rmtree(copy.parent)


def _copy(files: AbstractFileSystem, path: str, target: BinaryIO, limits: Limits) -> None:
    name, size = path.rsplit("/", 1)[-1], int(files.info(path)["size"] or 0)
    limit = limits.max_bytes
    if size > limit:
        check = check_video_bytes if begins_a_video(files.cat_file(path, start=0, end=HEAD)) else check_bytes
        check(size, name, limits)
        limit = limits.max_video_bytes
    with files.open(path, "rb") as source:
        while piece := source.read(_PIECE):
            if target.tell() + len(piece) > limit:
                raise MediaTooLarge(f"{name} grew while it was copied, over the limit", "Examine it once it is whole")
            target.write(piece)


@cache
def _room() -> Path:
    """A folder for the copies of this process, which holds its lock. By that those of processes that were killed are
    known, and removed."""
    for old in Path(tempfile.gettempdir()).glob(f"{_COPIES}*"):
        with suppress(OSError):  # another process works there, or it is another user's
            if time.time() - old.stat().st_mtime > _YOUNG:
                claim(old / "lock").close()
                shutil.rmtree(old)
    room = Path(tempfile.mkdtemp(prefix=_COPIES))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    atexit.register(claim(room / "lock").close)
    return room


@contextmanager
def _reached(address: str) -> Iterator[None]:
    """What is no fault of the object becomes an error that ends the run, so that an outage is not told as a million
    lost files. The stores' libraries try again by themselves before they give up."""
    try:
        yield
    except (FaceAgentError, FileNotFoundError, IsADirectoryError):
        raise
    except PermissionError as error:
        if _refused(error) in _OF_WHO_ASKS:
            raise _unreached(address, error) from error
        raise
    except Exception as error:
        raise _unreached(address, error) from error


@contextmanager
def _written(address: str) -> Iterator[None]:
    """A store that may not be written to is one that cannot be: that ends the run too."""
    try:
        with _reached(address):
            yield
    except OSError as error:
        raise InputError(
            f"{address} cannot be written ({error.strerror or error})",
            "Mend that, or name another place, and give the same command again: it goes on where it stopped",
        ) from error


def _refused(error: PermissionError) -> str:
    """S3's code for why it refused; empty where another store did."""
    told = getattr(error.__cause__, "response", None) or {}
    return str(told.get("Error", {}).get("Code", ""))


def _unreached(address: str, error: Exception) -> InputError:
    return InputError(
        f"{address} cannot be reached ({str(error) or type(error).__name__})",
        "Check the connection and the credentials, and give the same command again: it goes on where it stopped",
    )
