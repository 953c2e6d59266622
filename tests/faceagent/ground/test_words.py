"""Tools of other packages bring the words for their attributes; what contradicts is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import fakes
import pytest

from faceagent import FaceAgent
from faceagent.errors import UsageError
from faceagent.ground import aside, fault, words_of
from faceagent.ground.wording import core
from faceagent.report import build_report
from faceagent.session import Session
from faceagent.tool import AnyTool, Arguments, Names, SubjectArguments, Toolbox
from faceagent.types import Claim, Evidence

FRECKLES = """
[freckles]
measure = ["value"]
more = [["freckled", "more freckled", "most freckled"]]
about = "freckle freckles counted"
[freckles.says]
">9" = ["richly freckled"]
"<10" = ["sparsely freckled"]
"""
Bring = Callable[[str, str], tuple[str, str]]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bring]:
    """Write an importable package with a words.toml."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(package: str, text: str) -> tuple[str, str]:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "words.toml").write_text(text, encoding="utf-8")
        return package, "words.toml"

    yield write
    for name in set(sys.modules) - before:
        if name.endswith("_words"):
            del sys.modules[name]


def tool(resource: tuple[str, str] | None, called: str = "count_freckles") -> AnyTool:
    class Freckles(fakes.Fake):
        name: ClassVar[str] = called
        description: ClassVar[str] = "Counts freckles."
        arguments: ClassVar[type[Arguments]] = SubjectArguments
        needs_faces: ClassVar[bool] = True
        words: ClassVar[tuple[str, str] | None] = resource

        def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
            return [self.row(face.id, "freckles", 14) for face in session.faces()]

        def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
            return [fakes.say(row, f"{names.start(row.subject)} is richly freckled.") for row in evidence]

    return Freckles()


def test_what_a_tool_says_of_its_attribute_is_known_with_its_words(bring: Bring) -> None:
    mine = tool(bring("freckled_words", FRECKLES))
    session = Session()
    session.add(fakes.photo())
    box = Toolbox([*fakes.fake_toolbox().values(), mine])
    (row,) = box.call(session, mine.name, {})[-1].evidence
    (claim,) = mine.word([row], Names(("image 1",), ("face 1.1",)))
    words = words_of(box.values())
    assert fault(claim, session.ledger.get, words=words) is None
    assert "'freckled'" in (fault(claim, session.ledger.get) or "")
    sparse = claim.model_copy(update={"sentence": "The face is sparsely freckled."})
    assert "says 14" in (fault(sparse, session.ledger.get, words=words) or "")
    assert "finding" in (aside("She is richly freckled.", words) or "")


def test_words_of_their_own_do_not_loosen_those_of_others(bring: Bring) -> None:
    words = words_of([tool(bring("more_words", FRECKLES))])
    row = Evidence(id="e1", tool="t", subject="face 1.1", attribute="age", value=30, method=fakes.method("m"))
    claim = fakes.say(row, "The face is richly freckled.")
    assert fault(claim, {"e1": row}.get, words=words) is not None
    assert core().topics.keys() < words.topics.keys()
    assert words_of([tool(None)]) is core()


def test_what_is_said_needs_a_phrase(bring: Bring) -> None:
    """Words that a table lists under `about` let a sentence speak of something; they do not say that it is so."""
    words = words_of([tool(bring("loose_words", f"{FRECKLES}any = ['the counting of freckles']"))])
    row = Evidence(id="e1", tool="t", subject="face 1.1", attribute="freckles", value=14, method=fakes.method("m"))

    def refused(sentence: str) -> str | None:
        return fault(fakes.say(row, sentence), {"e1": row}.get, words=words)

    assert refused("The face has freckles.")
    assert refused("The freckles are counted, yes.")
    assert refused("The face is richly freckled; freckles on its nose.")
    assert refused("The face is richly freckled, by the counting of freckles.") is None


@pytest.mark.parametrize(
    ("held", "lacking"),
    [(["place"], "when"), (["time taken", "model"], "where"), (["place"], "when or with which camera")],
)
def test_what_a_list_lacks(held: list[str], lacking: str) -> None:
    row = Evidence(
        id="e1", tool="t", subject="image 1", attribute="capture_record", value=[*held], method=fakes.method("m")
    )
    for named, holds in (("time taken", "when"), ("place", "where"), ("model", "with which camera")):
        said = fakes.say(row, f"The file does not say {holds} the picture was taken.")
        assert (fault(said, {"e1": row}.get) is None) is (named not in held)
    said = fakes.say(row, f"The file does not say {lacking} the picture was taken.")
    assert fault(said, {"e1": row}.get) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[age]\nabout = 'old'", "says what 'age' means, which faceagent itself says already"),
        ("[spots]\nsay = 3", "spots has no field 'say'"),
        ("spots = 3", "spots is no table"),
        ("[spots]\nsays.any = ['(']", "cannot be read"),
        ("[spots]\nmore = [['a', 'b']]", "cannot be read"),
        ("[spots", "is no TOML file"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(bring: Bring, text: str, told: str) -> None:
    mine = tool(bring("wrong_words", text))
    for start in (
        lambda: FaceAgent(tools=[*fakes.fake_toolbox().values(), mine]),
        lambda: build_report(Toolbox([mine]), [], command="x"),
    ):
        with pytest.raises(UsageError, match="of wrong_words") as error:
            start()
        assert told in str(error.value)


def test_two_packages_do_not_share_an_attribute(bring: Bring) -> None:
    one, other = tool(bring("first_words", FRECKLES)), tool(bring("second_words", FRECKLES), "count_again")
    with pytest.raises(UsageError, match=r"second_words says what 'freckles' means, which .* of first_words"):
        words_of([one, other])


def test_a_file_that_is_not_there_is_named() -> None:
    for resource in (("no_such_package", "words.toml"), ("faceagent", "no_such.toml")):
        with pytest.raises(UsageError, match=f"{resource[1]} of {resource[0]} cannot be read"):
            words_of([tool(resource)])
