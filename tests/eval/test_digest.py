"""What a hash of the data depends on, and what not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from faceagent.media import Photo
from faceagent_eval import digest


@dataclass(frozen=True)
class Item:
    photo: Path
    label: str


def items(folder: Path, content: bytes = b"photo", label: str = "real") -> list[Item]:
    folder.mkdir(exist_ok=True)
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(content + name.encode())
    return [Item(folder / "a.jpg", label), Item(folder / "b.jpg", "fake")]


def test_it_is_the_same_wherever_the_data_lie_in_whatever_order_and_beside_whatever(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = digest.of_items(items(here), here)
    (here / "never read.txt").write_text("something else", encoding="utf-8")
    assert digest.of_items(items(here), here) == first
    assert digest.of_items(items(there)[::-1], there) == first


def test_it_changes_with_a_byte_a_label_a_name_and_a_missing_item(tmp_path: Path) -> None:
    found = items(tmp_path)
    first = digest.of_items(found, tmp_path)
    others = {digest.of_items(found[:1], tmp_path), digest.of_items([*found, found[0]], tmp_path)}
    (tmp_path / "a.jpg").rename(tmp_path / "c.jpg")
    others |= {
        digest.of_items([Item(tmp_path / "c.jpg", "real"), found[1]], tmp_path),
        digest.of_items(found, tmp_path),  # a.jpg is not there
        digest.of_items(items(tmp_path, label="fake"), tmp_path),
        digest.of_items(items(tmp_path, content=b"Photo"), tmp_path),
    }
    assert first not in others
    assert len(others) == 6


def test_structures_that_look_alike_are_told_apart() -> None:
    alike = [
        ("ab", "c"),
        ("a", "bc"),
        (b"ab", "c"),
        (["ab"], "c"),
        ("abc",),
        ("ab", "c", None),
        {"ab": "c"},
        {"ab", "c"},
    ]
    assert len({digest.of_items([one], None) for one in alike}) == len(alike)
    assert digest.of_items([{"a": 1, "b": 2}], None) == digest.of_items([{"b": 2, "a": 1}], None)
    assert digest.of_items([{1, 2, 3}], None) == digest.of_items([frozenset({3, 2, 1})], None)
    assert digest.of_items([np.float64(0.5)], None) == digest.of_items([0.5], None)
    assert digest.of_items([np.zeros((2, 3))], None) != digest.of_items([np.zeros((3, 2))], None)


def test_photos_count_by_their_content_and_functions_by_what_they_give(portrait: Photo, group: Photo) -> None:
    assert digest.of_items([portrait], None) != digest.of_items([group], None)
    assert digest.of_items([lambda: b"x"], None) == digest.of_items([b"x"], None)


def test_what_cannot_be_hashed_is_said() -> None:
    with pytest.raises(TypeError, match="Of a object"):
        digest.of_items([object()], None)


def test_a_name_is_not_to_be_read_off() -> None:
    assert digest.anonymous("Ada_Lovelace") == digest.anonymous("Ada_Lovelace") != digest.anonymous("Ada_Lovelac")
    assert len(digest.anonymous("Ada_Lovelace")) == 12
