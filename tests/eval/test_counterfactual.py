"""Counterfactual faithfulness: another output of any one tool, and every controller's answer says the other thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from photo_files import EXAMPLES, drawn_anew
from scripted import Parrot, Reader, ScriptedController, asks, drafting, observed

from faceagent.media import Photo, Pixels
from faceagent.tool import VIDEO, AnyTool
from faceagent.types import Box
from faceagent_eval.counterfactual import Seat, Swap, follow, swaps
from faceagent_eval.world import World, otherwise, record
from faceagent_tools import default_tools, minifasnet
from faceagent_tools.liveness import CheckLiveness
from faceagent_tools.minifasnet import Found

# They say nothing of a photo without a gallery: tests/tools/identity exchanges what they find in one.
OF_A_GALLERY = {"identify_person", "verify_protected_identity", "enroll_person", "forget_person"}


class ByBrightness:
    """Stands in for the networks of check_liveness, whose weights are no part of this package."""

    def look(self, pixels: Pixels, box: Box) -> Found:
        live = 0.999 if pixels.mean() > 64 else 0.001
        return Found(live=live, each=dict.fromkeys(minifasnet.SCALES, live), scale=dict(minifasnet.SCALES))


@pytest.fixture(scope="module")
def tools() -> Iterator[list[AnyTool]]:
    """The tools with what ships, whatever else is at hand: what they find in the photos decides what is exchanged."""
    network: Any = ByBrightness()
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("FACEAGENT_MIRROR", raising=False)
        environment.setenv("FACEAGENT_DETECTOR", "faceagent")
        yield [CheckLiveness(network) if tool.name == "check_liveness" else tool for tool in default_tools()]


@pytest.fixture(scope="module")
def exchanges(tools: list[AnyTool], tmp_path_factory: pytest.TempPathFactory) -> list[Swap]:
    photos = [Photo.open(EXAMPLES / name) for name in ("portrait.jpg", "group.jpg")]
    altered = [Photo.open(EXAMPLES / "portrait-altered.jpg"), photos[1]]
    others = [record(name, otherwise(name, photos), tools) for name in ("mirrored", "dark")]
    others += [record("altered", altered, tools), record("drawn anew", [drawn_anew(photos[0]), photos[1]], tools)]
    found = list(swaps(record("as it is", photos, tools), others, tools))
    return [*found, *_of_videos(photos[0], tools, tmp_path_factory)]


def _of_videos(photo: Photo, tools: list[AnyTool], paths: pytest.TempPathFactory) -> list[Swap]:
    videos = pytest.importorskip("videos")
    folder = paths.mktemp("films")
    followed = [tool for tool in tools if tool.name == VIDEO]
    # Who asks whether a video is a deepfake is told what its file says as well.
    called = [*followed, *(tool for tool in tools if tool.name == "inspect_provenance")]
    shown = {"as it is": photo, "nobody": otherwise("nobody", [photo])[0]}
    worlds = [
        record(name, [videos.panned(one, folder / f"{number}.mp4", frames=12)], called)
        for number, (name, one) in enumerate(shown.items())
    ]
    return list(swaps(worlds[0], worlds[1:], followed))


def embedded(tool: str, box: Any) -> str:
    return "embedded"


def reading(tool: str, box: Any) -> Reader:
    return Reader.of(tool)


def reciting() -> Seat:
    memory: dict[str, str] = {}
    return lambda tool, box: Parrot.of(tool, memory)


def test_every_tool_is_exchanged_in_every_way(exchanges: list[Swap], tools: list[AnyTool]) -> None:
    """Otherwise the other tests would pass on nothing."""
    assert {swap.tool for swap in exchanges} == {tool.name for tool in tools} - OF_A_GALLERY
    assert {swap.kind for swap in exchanges} == {
        "other photos",
        "another face",
        "abstains",
        "abstains in part",
        "changed places",
    }
    said = {
        (key, repr(row.value)) for swap in exchanges for row in swap.after.rows[swap.tool] for key in [row.attribute]
    }
    for attribute in ("same_person", "forgery", "expression", "fitness", "liveness", "sharpness", "perceived_gender"):
        assert len({value for key, value in said if key == attribute and value != "None"}) > 1, attribute


@pytest.mark.parametrize("seat", [lambda: embedded, lambda: reading, reciting], ids=["embedded", "reading", "reciting"])
def test_the_answer_follows(exchanges: list[Swap], tools: list[AnyTool], seat: Callable[[], Seat]) -> None:
    taken = seat()
    for swap in exchanges:
        found = follow(swap, taken, tools)
        assert found.asked, (swap.tool, swap.kind)
        assert not found.faults, (swap.tool, swap.kind, swap.after.name, found.faults)


def test_an_answer_that_does_not_follow_is_seen(exchanges: list[Swap], tools: list[AnyTool]) -> None:
    """The check is no rubber stamp: a sentence that stays while its evidence changes is found."""
    swap = next(swap for swap in exchanges if swap.tool == "recognize_emotion" and swap.kind == "another face")

    def deaf(tool: str, box: Any) -> ScriptedController:
        def draft(messages: list[Any]) -> Any:
            claims = [claim for claim in observed(messages) if claim["attribute"] == "expression"]
            told = [claim | {"sentence": f"The expression of {claim['subject']} was read."} for claim in claims]
            return drafting(told)

        return ScriptedController(turns=[asks(tool), draft])

    assert any("from before" in fault for fault in follow(swap, deaf, tools).faults)


def test_a_swap_that_changes_nothing_is_none(exchanges: list[Swap], tools: list[AnyTool]) -> None:
    world: World = exchanges[0].before
    assert not Swap("detect_faces", "other photos", world, replace(world, name="again")).changed


def test_of_several_that_speak_of_a_face_each_counts(exchanges: list[Swap]) -> None:
    swap = next(one for one in exchanges if one.tool == "assess_quality")
    first = swap.before.rows[swap.tool][0]
    one, other, third = (first.model_copy(update={"value": value}) for value in ("a", "b", "c"))
    both, changed = (replace(swap.before, rows={swap.tool: rows}) for rows in ((one, other), (third, other)))
    assert Swap(swap.tool, "another", both, changed).changed == {(first.subject, first.attribute)}
