"""Times beside other packages: what of them is here, what a package that fails does, and what is made of the times."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from faceagent.errors import ToolError
from faceagent_eval import rivals, run
from faceagent_eval.benchmarks import speed, speed_beside
from faceagent_eval.benchmarks.speed_beside import OURS, SpeedBeside, Timed


def test_the_product_and_dlib_find_and_embed_the_face():
    raw = speed.portrait()
    assert rivals.ours("faceagent")(raw) == 1
    assert rivals.DLIB.load()(raw) >= 1  # it takes patches of the suit for faces too


def test_ratios_are_of_the_rounds_and_packages_that_are_not_here_are_named():
    found = Timed(
        {OURS: [900, 10, 20, 40], "dlib": [500, 30, 60, 80]}, {OURS: 1, "dlib": 2}, {"deepface": "OSError: no"}
    )
    result = SpeedBeside(backend="dlib").score([found])
    assert result.figure("dlib: times the product's time").value == 3.0
    assert (result.figure("faceagent, cold").value, result.figure("faceagent, warm").value) == (900, 20)
    assert result.figure("dlib, warm").note == "2 faces"
    assert "deepface failed: OSError: no" in result.notes
    assert any(note.startswith("insightface: not measured, ") for note in result.notes)


def test_a_package_that_fails_is_told_and_ends_nothing(monkeypatch, capsys):
    def failing():
        raise OSError("no weights")

    def loud():
        sys.stdout.write("loading …\n")
        return lambda raw: 3

    found = (
        rivals.Rival("broken", "broken", lambda: None, failing),
        rivals.Rival("loud", "loud", lambda: None, loud),
        rivals.Rival("absent", "absent", lambda: "it is not installed", failing),
    )
    monkeypatch.setattr(speed_beside, "RIVALS", found)
    monkeypatch.setattr(speed_beside, "ROUNDS", 2)
    monkeypatch.setattr(rivals, "ours", lambda backend: lambda raw: 1)
    speed_beside.child("dlib")
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert told["failed"] == {"broken": "OSError: no weights"}
    assert told["faces"] == {OURS: 1, rivals.DLIB.name: told["faces"][rivals.DLIB.name], "loud": 3}
    assert {len(times) for times in told["ms"].values()} == {3}
    monkeypatch.setattr(rivals, "ours", lambda backend: failing)
    with pytest.raises(TypeError):
        speed_beside.child("dlib")


def test_a_process_that_fails_is_an_error_with_its_last_line():
    with pytest.raises(ToolError, match="ZeroDivisionError"):
        SpeedBeside().measure("1 / 0")


def stand_in(name: str, **members: object) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = SimpleNamespace(name=name)
    for member, value in members.items():
        setattr(module, member, value)
    return module


def test_packages_are_called_as_their_documentation_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNIFACE_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("DEEPFACE_HOME", raising=False)
    shape = np.asarray(rivals.pixels(speed.portrait())).shape
    face = SimpleNamespace(normed_embedding=[0.0], landmarks=[1])

    class Analysis:
        def __init__(self, name, allowed_modules, providers):
            assert name == "buffalo_l"

        def prepare(self, ctx_id, det_size):
            assert ctx_id == -1

        def get(self, image):
            return [face] if image.shape == shape else []

    class Found:
        def detect(self, image):
            return [face, face]

        def get_normalized_embedding(self, image, landmarks):
            return landmarks

    package = SimpleNamespace(represent=lambda image, **how: [{"embedding": []}] * 3)
    for module in (
        stand_in("insightface"),
        stand_in("insightface.app", FaceAnalysis=Analysis),
        stand_in("uniface"),
        stand_in("uniface.detection", SCRFD=Found),
        stand_in("uniface.recognition", ArcFace=Found),
        stand_in("deepface", DeepFace=package),
        stand_in("face_recognition", load_image_file=lambda stream: stream, face_encodings=lambda image: [0] * 4),
    ):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    wanted = {"face_recognition": 4, "insightface": 1, "uniface": 2, "deepface": 3}
    lacking = {rival.name: rival.missing() for rival in rivals.RIVALS}
    assert lacking.pop("face_recognition") is None and all("weights are not here" in why for why in lacking.values())
    (tmp_path / ".insightface/models/buffalo_l").mkdir(parents=True)
    (tmp_path / ".deepface/weights").mkdir(parents=True)
    for file in (".deepface/weights/facenet512_weights.h5", "scrfd_10g_kps.onnx", "arcface_mnet.onnx"):
        (tmp_path / file).touch()
    assert all(rival.missing() is None for rival in rivals.RIVALS)
    assert {rival.name: rival.load()(speed.portrait()) for rival in rivals.RIVALS} == wanted


def test_data_are_refused(capsys, tmp_path):
    assert run.main(["run", "speed-beside", "--data", str(tmp_path)]) == 2
    assert "takes no data" in capsys.readouterr().err
