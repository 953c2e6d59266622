from __future__ import annotations

from pathlib import Path

import pytest

from faceagent.collection.manifest import Collection
from faceagent.errors import UsageError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.jpg").touch()
    return folder


def test_every_file_is_in_one_shard_in_order(photos: Path, tmp_path: Path) -> None:
    begun = Collection.begin(tmp_path / "out", [str(photos)], shard=2)
    assert [(one.first, [Path(source).stem for source in one.sources]) for one in begun.all()] == [
        (0, ["0", "1"]),
        (2, ["2", "3"]),
        (4, ["4"]),
    ]


def test_the_same_command_goes_on(photos: Path, tmp_path: Path) -> None:
    first = Collection.begin(tmp_path / "out", [str(photos)], shard=2)
    first.place.write(first.name(1), b"")
    assert [one.number for one in Collection.begin(tmp_path / "out", [str(photos)], shard=2).left()] == [0, 2]


def test_another_collection_is_refused(photos: Path, tmp_path: Path) -> None:
    Collection.begin(tmp_path / "out", [str(photos)])
    (photos / "new.jpg").touch()
    with pytest.raises(UsageError, match="another collection"):
        Collection.begin(tmp_path / "out", [str(photos)])


def test_a_table_names_files_relative_to_itself(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "files.csv"
    table.write_text("who,path\nme,photos/1.jpg\n\nyou,photos/nowhere.jpg\n", encoding="utf-8")
    (shard,) = Collection.begin(tmp_path / "out", [str(table)], shard=2).all()
    assert shard.sources == (str(photos / "1.jpg"), str(photos / "nowhere.jpg"))


def test_a_small_collection_has_work_for_every_worker(photos: Path, tmp_path: Path) -> None:
    assert Collection.begin(tmp_path / "out", [str(photos)]).count == 5


@pytest.mark.parametrize(
    ("text", "said"), [("name\nx.jpg\n", "no column"), ("file\n", "names no file"), ("", "no column")]
)
def test_a_table_that_will_not_do(text: str, said: str, tmp_path: Path) -> None:
    table = tmp_path / "files.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        Collection.begin(tmp_path / "out", [str(table)])


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the place"):
        Collection.open(tmp_path)
