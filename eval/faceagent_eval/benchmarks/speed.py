"""How long things take and how much memory they need, on a portrait of one megapixel (scikit-image's astronaut).

Everything runs in processes of its own: cold is the first call in a fresh process, in the order of the tools, so the
first to need a model pays for it; warm is the median of later calls, each on a photo that was just opened.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

from faceagent.agent import FaceAgent
from faceagent.collection.shard import peak_memory
from faceagent.controllers.planner import planner
from faceagent.errors import MissingExtra, ToolError, UsageError
from faceagent.media import Photo, Pixels
from faceagent.report import build_report
from faceagent.session import Session
from faceagent.tool import VIDEO, Toolbox
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_tools import default_tools
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import CHOICES
from faceagent_tools.embedding import FaceEmbedder, main_face
from faceagent_tools.forensics.network import ForensicNetwork

SIDE = 1000
ROUNDS = 9
IMPORTS = 5
QUESTION = "How many faces are there, is the photo sharp, and what do its file records say?"
ASK = "ask"
THREADS = (("one after the other", 1), ("on two threads", 2))
WINDOWS = 8
BATCHES = (("one by one", 1), ("in one batch", WINDOWS))
# What "Tell me about this photo" needs besides the faces: calls that do not wait for each other.
INDEPENDENT = ("detect_forgery", "inspect_provenance", "assess_quality", "estimate_pose", "estimate_attributes")

# What a child process prints, in milliseconds and MiB.
Timing = dict[str, float]


@dataclass(frozen=True)
class Part:
    """One process: its Python code, and what it times."""

    name: str
    code: str


class Speed(Benchmark[Part, Mapping[str, Timing]]):
    """Needs no data."""

    name = "speed"
    about = "milliseconds and memory: import, each tool, and a question, on one megapixel"
    backends = CHOICES

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark speed takes no data", "Leave --data out")

    def items(self) -> Sequence[Part]:
        if find_spec("skimage") is None:
            raise MissingExtra("The portrait of the benchmark speed", "dev")
        importing = (
            "import time; start = time.perf_counter(); import faceagent; spent = 1000 * (time.perf_counter() - start); "
            "import json; print(json.dumps({'import faceagent': {'cold': spent}}))"
        )
        calls = f"from faceagent_eval.benchmarks import speed; speed.child({self.backend!r})"
        return [*(Part("import faceagent", importing) for _ in range(IMPORTS)), Part("calls", calls)]

    def measure(self, item: Part) -> Mapping[str, Timing]:
        done = subprocess.run([sys.executable, "-c", item.code], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ToolError(f"The process for {item.name!r} failed: {done.stderr.strip().splitlines()[-1:]}")
        found: dict[str, Timing] = json.loads(done.stdout)
        return found

    def score(self, measured: Sequence[Mapping[str, Timing]]) -> Result:
        imports = [part["import faceagent"]["cold"] for part in measured if "import faceagent" in part]
        calls = next(part for part in measured if "memory" in part)
        detector = FaceDetector(self.backend)
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{SIDE} x {SIDE} pixels, detector {detector.method.name}",
            figures=(
                Figure(name="import faceagent", value=median(imports), unit="ms", n=len(imports)),
                *_figures(calls),
            ),
            notes=(
                "cold: first call in a fresh process, in this order; all others: medians.",
                f'ask: from the bytes of the file to the worded and checked answer to "{QUESTION}"',
            ),
            methods=(detector.method,),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "opencv-python-headless", "numpy"),
        )


def _figures(calls: Mapping[str, Timing]) -> Iterator[Figure]:
    for name, timing in calls.items():
        if name == "memory":
            yield Figure(name="peak memory", value=timing["MiB"], unit="MiB", n=1, note="of the whole process")
            continue
        yield Figure(name=f"{name}, cold", value=timing["cold"], unit="ms", n=1)
        yield Figure(name=f"{name}, warm", value=timing["warm"], unit="ms", n=ROUNDS)


def child(backend: str) -> None:
    """Time every tool and the question in this process, and print the figures as JSON. Runs in a fresh process."""
    raw = portrait()
    # A tool without its model, or without a video, would be timed at saying so.
    able = (tool for tool in default_tools(backend) if any(row.chosen and row.here for row in tool.backends()))
    tools = [tool for tool in able if tool.name != VIDEO]
    toolbox = Toolbox(tools)
    found = {tool.name: _timed(partial(_prepared, toolbox, raw, tool.name)) for tool in tools}
    found["embed a face"] = _timed(partial(_embedded, raw, backend))
    found["plan a question"] = _timed(lambda: lambda: planner().read(QUESTION))
    found["full report on a photo"] = _timed(lambda: partial(_report, toolbox, raw))
    agent = FaceAgent(tools=tools)
    found[ASK] = _timed(lambda: lambda: agent.ask(QUESTION, images=[raw]))
    for how, times in _compared({how: partial(_together, toolbox, raw, number) for how, number in THREADS}).items():
        found[f"{len(INDEPENDENT)} independent calls, {how}"] = times
    network = ForensicNetwork()
    for how, times in _compared({how: partial(_looked, network, raw, size) for how, size in BATCHES}).items():
        found[f"{WINDOWS} windows of faceagent-forensic, {how}"] = times
    found["memory"] = {"MiB": peak_memory() / 2**20}
    sys.stdout.write(json.dumps(found))


def portrait() -> bytes:
    """The astronaut, 1000 x 1000, as JPEG."""
    from PIL import Image
    from skimage import data

    # scikit-image's functions have no types.
    astronaut: Callable[[], Pixels] = data.astronaut
    buffer = io.BytesIO()
    Image.fromarray(astronaut()).resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def another_portrait(number: int) -> bytes:
    """The portrait, moved a few pixels: a file that differs for each number below 10,000."""
    from PIL import Image, ImageChops

    down, right = divmod(number, 100)
    with Image.open(io.BytesIO(portrait())) as image:
        buffer = io.BytesIO()
        ImageChops.offset(image, right, down).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _prepared(toolbox: Toolbox, raw: bytes, name: str) -> Callable[[], object]:
    """A call on a new session in which the faces were found before, so that only the tool itself is timed."""
    session = Session(purpose="research")  # else some tools would be timed at declining
    images = [session.add(Photo.open(raw, name="portrait.jpg"))]
    if name == "compare_faces":
        images.append(session.add(Photo.open(raw, name="again.jpg")))
    if name != "detect_faces":
        toolbox.call(session, "detect_faces", {})
    return lambda: toolbox.call(session, name, {})


def _embedded(raw: bytes, backend: str) -> Callable[[], object]:
    """A call on a face that was found before: its alignment, and the network on it and on its mirror image."""
    photo, embedder = Photo.open(raw), FaceEmbedder()
    face = main_face(FaceDetector(backend).detect(photo, "image 1"), photo.width, photo.height)
    if face is None:
        raise ToolError("No face was found in the portrait that everything is timed on")
    return lambda: embedder.embed(photo, face)


def _report(toolbox: Toolbox, raw: bytes) -> object:
    return build_report(toolbox, [Photo.open(raw, name="portrait.jpg")], command="", purpose="research")


def _together(toolbox: Toolbox, raw: bytes, threads: int) -> Callable[[], object]:
    """The independent calls on a new session with known faces: measuring alone, without the ledger."""
    session = Session()
    session.add(Photo.open(raw, name="portrait.jpg"))
    toolbox.call(session, "detect_faces", {})
    tools = [toolbox[name] for name in INDEPENDENT if name in toolbox]

    def calls() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda tool: tool.run(session, tool.arguments()), tools))

    return calls


def _looked(network: ForensicNetwork, raw: bytes, size: int) -> Callable[[], object]:
    """Windows of 224 pixels of the portrait through the network, so many at a time."""
    pixels = Photo.open(raw).pixels
    windows = np.stack([pixels[300 : 300 + 224, 40 * place : 40 * place + 224] for place in range(WINDOWS)])
    return lambda: [network.outputs(windows[start : start + size]) for start in range(0, WINDOWS, size)]


def _timed(prepare: Callable[[], Callable[[], object]]) -> Timing:
    return _compared({"": prepare})[""]


def _compared(ways: Mapping[str, Callable[[], Callable[[], object]]]) -> dict[str, Timing]:
    """Times of several ways in turns, so that whatever else the machine does meets all of them alike."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + ROUNDS):
        for name, prepare in ways.items():
            call = prepare()
            start = time.perf_counter()
            call()
            spent[name].append(1000 * (time.perf_counter() - start))
    return {name: {"cold": times[0], "warm": median(times[1:])} for name, times in spent.items()}
