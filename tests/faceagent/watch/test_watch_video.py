"""A clip in a watched folder is examined frame by frame, with the tools that ship."""

from __future__ import annotations

import json
import os

import pytest

pytest.importorskip("av")

from conftest import EXAMPLES
from galleries import CONSENT, opened
from videos import damaged, made, panned

from faceagent.cli import main
from faceagent.media import Photo

PORTRAIT = EXAMPLES / "portrait.jpg"


@pytest.fixture
def watch(tmp_path, monkeypatch, capsys):
    """Eileen Collins, protected, and a folder: exit status, alerts, and what was complained of."""
    with opened(tmp_path):
        pass
    monkeypatch.setenv("FACEAGENT_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.setenv("FACEAGENT_GALLERY_KEY_FILE", str(tmp_path / "gallery.key"))
    assert main(["enroll", "Eileen Collins", str(PORTRAIT), "--protected", "--consent", str(CONSENT.statement)]) == 0
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    capsys.readouterr()

    def run():
        for path in incoming.iterdir():
            os.utime(path, (1_700_000_000,) * 2)
        status = main(["watch", str(incoming), "--once", "--interval", "0.05", "--authentic"])
        told = capsys.readouterr()
        return status, [json.loads(line) for line in told.out.splitlines()], told.err

    run.folder = incoming
    return run


def test_a_clip_of_a_protected_person_is_told_of_and_the_rest_is_not(watch):
    panned(Photo.open(PORTRAIT), watch.folder / "portrait.mp4", frames=15)
    made(watch.folder / "nobody.mp4", frames=15)
    damaged(made(watch.folder / "broken.mp4", frames=15), 0.0, 1.0)
    status, alerts, err = watch()
    assert status == 1 and "2 files were checked" in err and "broken.mp4 was not checked." in err
    assert alerts and {(alert["file"], alert["person"]) for alert in alerts} == {
        (str(watch.folder / "portrait.mp4"), "Eileen Collins")
    }
    for alert in alerts:
        assert alert["finding"] != "other" and alert["likeness"] > 0.9
        assert alert["box"]["x0"] < alert["box"]["x1"] and any("Eileen Collins" in line for line in alert["sentences"])
    assert watch()[1] == []  # each file once
