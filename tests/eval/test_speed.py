"""The speed benchmark without its waiting: what it runs, and what it makes of the times."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from faceagent.errors import ToolError
from faceagent.media import Photo
from faceagent_eval import run
from faceagent_eval.benchmarks import speed


def test_the_portrait_has_one_megapixel():
    photo = Photo.open(speed.portrait())
    assert (photo.width, photo.height, photo.format) == (1000, 1000, "JPEG")


def test_the_import_is_timed_in_a_process_of_its_own():
    first = speed.Speed().items()[0]
    measured = speed.Speed().measure(first)
    assert measured["import faceagent"]["cold"] > 0


def test_a_process_that_fails_is_an_error_with_its_last_line():
    with pytest.raises(ToolError, match="ZeroDivisionError"):
        speed.Speed().measure(speed.Part("calls", "1 / 0"))


def test_times_become_medians_of_imports_and_one_figure_for_each_call():
    imports = [{"import faceagent": {"cold": value}} for value in (30.0, 10.0, 20.0)]
    calls = {"detect_faces": {"cold": 90.0, "warm": 40.0}, "memory": {"MiB": 200.0}}
    result = speed.Speed(backend="dlib").score([*imports, calls])
    assert result.figure("import faceagent").value == 20.0
    assert result.figure("detect_faces, cold").value == 90.0
    assert result.figure("detect_faces, warm").value == 40.0
    assert result.figure("peak memory").value == 200.0
    text = "\n".join(run.lines(result))
    assert "speed, backend dlib: 1000 x 1000 pixels" in text
    assert "peak memory" in text
    with pytest.raises(KeyError):
        result.figure("no such")


def test_data_are_refused(capsys, tmp_path):
    assert run.main(["run", "speed", "--data", str(tmp_path)]) == 2
    assert "takes no data" in capsys.readouterr().err


def test_the_core_imports_nothing_heavy():
    code = "import sys, json, faceagent; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "dlib", "cv2", "onnxruntime", "langchain_core", "sklearn"} & set(json.loads(done.stdout))
