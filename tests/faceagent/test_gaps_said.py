"""What keeps a question from being answered is said in the language of the question: why, and what to do about it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fakes
import galleries
import pytest
from languages import assert_told_in_all_languages

import faceagent_tools
from faceagent import FaceAgent, errors, media, video
from faceagent.errors import FaceAgentError, MissingExtra, WeightsMissing
from faceagent.gallery import Gallery, Key
from faceagent.media import Limits, Photo
from faceagent.narrate import compose, narrate
from faceagent.policy import purpose
from faceagent.session import Session
from faceagent.tool import Names, Toolbox
from faceagent.translate import patterns, text_in, translated
from faceagent.video import Video
from faceagent_tools import weights
from faceagent_tools.compare import CompareFaces
from faceagent_tools.identity.enroll import EnrollPerson, ForgetPerson

NETWORK: Any = None  # what is refused is refused before any network is asked
TOOLS = Toolbox([fakes.FakeDetector(), CompareFaces(NETWORK), EnrollPerson(NETWORK, NETWORK), ForgetPerson()])
AGREED = {"name": "Anna Bell", "consent": "She agreed in writing."}


def gaps_of(session: Session, tool: str, **arguments: object) -> tuple[str, ...]:
    outcomes = TOOLS.call(session, tool, arguments)
    names = Names(images=session.images, faces=tuple(face.id for face in session.faces()))
    return narrate(outcomes, (tool,), TOOLS, names).not_established


def shown(*names: str) -> Session:
    session = Session()
    for seed, name in enumerate(names):
        session.add(fakes.photo(name, seed=seed))
    return session


@pytest.mark.parametrize(
    ("photos", "tool", "arguments", "gap"),
    [
        (
            ("one",),
            "compare_faces",
            {},
            "Comparing needs a second face, and the photo shows only one. Add another photo",
        ),
        (("one", "noface"), "compare_faces", {}, "Comparing needs a second face, and only face 1.1 was found."),
        (("one", "two"), "compare_faces", {"subjects": ["face 2.1"]}, "and only face 2.1 was named. Name the face"),
        (("noface",), "compare_faces", {}, "There is no face to compare. Add a photo that shows a face clearly."),
        (
            ("group",) * 8,
            "compare_faces",
            {},
            "These faces make 112 pairs, more than the 45 that are compared at once.",
        ),
        (("one",), "compare_faces", {"subjects": ["image 3"]}, "This conversation has no image 3. It has image 1."),
        (
            ("one", "two"),
            "compare_faces",
            {"subjects": ["face 1.7"]},
            "This conversation has no face 1.7. It has face 1.1.",
        ),
        ((), "detect_faces", {"images": ["image 1"]}, "This conversation has no image 1. It has no photo."),
        (("one",), "enroll_person", AGREED, "There is no gallery, so nobody can be enrolled or erased."),
        (("one",), "forget_person", {"name": "Anna"}, "Open one with --gallery FOLDER."),
    ],
)
def test_why_a_tool_refused_is_all_that_is_said(photos: tuple[str, ...], tool: str, arguments: Any, gap: str) -> None:
    (said,) = gaps_of(shown(*photos), tool, **arguments)
    assert gap in said and "not done" not in said
    assert_told_in_all_languages(said)


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": " "},
        {"consent": ""},
        {"purpose": "marketing"},
        {"given": "2026-05-02", "until": "2026-05-01"},
    ],
)
def test_why_nobody_was_enrolled_is_told(tmp_path: Path, arguments: dict[str, str]) -> None:
    with galleries.opened(tmp_path) as gallery:
        session = Session(gallery=gallery)
        session.add(fakes.photo())
        (said,) = gaps_of(session, "enroll_person", **AGREED | arguments)
    assert_told_in_all_languages(said)


def test_a_question_that_cannot_be_answered_gets_the_reason_first() -> None:
    answer = FaceAgent("embedded", tools=TOOLS.values()).ask("Is this the same person as in photo 4?", [fakes.photo()])
    assert answer.text == "This conversation has no image 4. It has image 1."
    assert translated(answer, "de").text == "Bild 4 gibt es in diesem Gespräch nicht. Vorhanden: Bild 1."
    gap, remark = answer.not_established, "Please say it in other words."
    more = answer.model_copy(update={"text": compose((), gap, (remark,))})
    assert more.text == f"{remark}\n\nNot established: {gap[0]}"
    assert translated(more, "de").text.count("Bild 4") == 1 and "[" not in translated(more, "de").text


def errors_of_files(folder: Path) -> Iterator[Callable[[], object]]:
    file = folder / "holiday photo 2.jpg"
    yield lambda: Photo.open(folder)
    yield lambda: Photo.open(file)
    yield lambda: Photo.open(b"", name="empty.jpg")
    yield lambda: Photo.open(b"no photo", name="notes.jpg")
    yield lambda: Photo.open(fakes.photo().raw[:-900], name="cut.png")
    yield lambda: Photo.open(fakes.photo().raw, limits=Limits(max_bytes=99))
    yield lambda: Photo.open(fakes.photo().raw, limits=Limits(max_pixels=99))
    yield lambda: Video.open(file)
    yield lambda: video.check_video_bytes(2**40, "a.mp4", Limits())
    yield lambda: Key.of_file(file)
    yield lambda: Gallery.open(folder / "none", galleries.key(folder))
    yield lambda: purpose("marketing")


def errors_of_galleries(folder: Path) -> Iterator[Callable[[], object]]:
    with galleries.opened(folder) as gallery:
        yesterday = date.today() - timedelta(days=1)
        consent = type(galleries.CONSENT)("research", date(2020, 1, 1), statement="yes", until=yesterday)
        yield lambda: gallery.enroll("Anna", [galleries.template(1)], consent)
        yield lambda: galleries.enrol(gallery, "A" * 300, (1,))
        yield lambda: galleries.enrol(gallery, "A\u202e", (1,))
        yield lambda: gallery.forget("Nobody")
    yield lambda: Gallery.open(folder / "gallery", Key.of_file(folder / "wrong.key", create=True))
    yield lambda: Gallery.open(folder / "gallery", Key.of_passphrase("correct horse battery"))


@pytest.mark.parametrize("causes", [errors_of_files, errors_of_galleries])
def test_what_a_file_or_a_gallery_lacks_is_told(tmp_path: Path, causes: Any) -> None:
    for raising in causes(tmp_path):
        with pytest.raises(FaceAgentError) as caught:
            raising()
        assert_told_in_all_languages(str(caught.value))


def test_what_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find", lambda name: None)
    with pytest.raises(WeightsMissing) as missing:
        weights.path("yunet_n_dynamic")
    monkeypatch.setitem(sys.modules, "av", None)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(MissingExtra) as extra:
        Video.open(clip)
    assert_told_in_all_languages(f"Comparing faces: not done. {missing.value}")
    assert_told_in_all_languages(str(extra.value))


def test_a_name_of_a_file_holds_no_other_sentence() -> None:
    unknown = "A sentence that nobody knows. a.jpg does not exist."
    assert text_in(unknown, "de") == f"[auf Englisch] {unknown}"
    assert text_in("A sentence that nobody knows. My photo.jpg does not exist.", "de").endswith(
        " My photo.jpg gibt es nicht."
    )


SOURCES = ("compare.py", "identity/enroll.py", "video.py")
ALSO = (
    "media.py",
    "video.py",
    "session.py",
    "policy.py",
    "gallery/database.py",
    "gallery/gallery.py",
    "gallery/records.py",
)
OF_PROGRAMMERS = (
    "is an array of shape",
    "Convert it first",
    "Give its path rather than its bytes",
    "is a video",
    "is neither an image nor a face",
    "Ids look like",
    "so that the conversation could not be taken up again",
    "Give photos by their paths",
    "There is no template of",
    "Enrol with at least one photo",
    "people cannot be looked for",
    "Ask for at least one",
    "was removed, but",
    "Run faceagent gallery verify",
    "Consent needs a",
    "As in --consent",
    "Say what the person agreed to",
    "The consent {} ",
    "or state how the person agreed",
    "A template is one row",
    "Hand in the embedder's own output",
)
"""Of errors that only a program, or a command of `faceagent gallery`, can cause."""


def sources() -> list[Path]:
    tools, core = Path(faceagent_tools.__file__).parent, Path(media.__file__).parent
    return [*(tools / name for name in SOURCES), *(core / name for name in ALSO)]


@pytest.mark.parametrize("source", sources(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_error_of_these_files_has_a_pattern(source: Path) -> None:
    known = skeletons()
    for text in sorted(errors_in(source)):
        if not any(part in text for part in OF_PROGRAMMERS):
            for sentence in re.split(r"(?<=\.) (?=[A-Z])", f"{text}."):
                assert sentence in known, f"{source.name}: no pattern for: {sentence}"


def errors_in(source: Path) -> set[str]:
    """What its errors say, {} for what is filled in."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            optional = node.func.id == "MissingExtra"
            for part in node.args[: 1 if optional else None]:
                found.update(f"{text} needs an optional package" if optional else text for text in texts(part, named))
    return {plain(text) for text in found}


ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, FaceAgentError)}


def texts(node: ast.expr, named: Mapping[str, ast.expr]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body, named), *texts(node.orelse, named))
    elif isinstance(node, ast.Name) and node.id in named:
        yield from texts(named[node.id], named)


@cache
def skeletons() -> frozenset[str]:
    """The sentences that have a pattern, {} for their slots."""
    return frozenset(plain(re.sub(r"\{[^}]*\}", "{}", pattern.english)) for pattern in patterns()["sentence"])


def plain(text: str) -> str:
    """Without what a slot stands for: quotations, ids and numbers."""
    text = re.sub(r"“[^”]*”", "{}", text)
    text = re.sub(r"face [\d.]*\d and face [\d.]*\d", "{}", text)
    return re.sub(r"(?<![\w{])\d+", "{}", text)
