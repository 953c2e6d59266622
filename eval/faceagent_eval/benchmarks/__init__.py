"""The benchmarks by name. Each is imported when it is run, so that one benchmark's packages burden no other."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError
from faceagent_eval.benchmark import Benchmark

HOME = {
    "action-units": "faceagent_eval.benchmarks.action_units:ActionUnits",
    "adversarial": "faceagent_eval.benchmarks.adversarial:Adversarial",
    "anonymisation": "faceagent_eval.benchmarks.anonymisation:Anonymisation",
    "api-load": "faceagent_eval.benchmarks.api_load:ApiLoad",
    "attributes": "faceagent_eval.benchmarks.attributes:Attributes",
    "collection": "faceagent_eval.benchmarks.collection:CollectionBenchmark",
    "collection-growth": "faceagent_eval.benchmarks.collection_growth:CollectionGrowth",
    "collection-stages": "faceagent_eval.benchmarks.collection_stages:CollectionStages",
    "counterfactual": "faceagent_eval.benchmarks.counterfactual:Counterfactual",
    "dd-vqa": "faceagent_eval.benchmarks.dd_vqa:DdVqa",
    "detection": "faceagent_eval.benchmarks.detection:Detection",
    "explain": "faceagent_eval.benchmarks.explain:Explain",
    "expressions": "faceagent_eval.benchmarks.expressions:Expressions",
    "face-human-bench": "faceagent_eval.benchmarks.face_human_bench:FaceHumanBench",
    "face2text": "faceagent_eval.benchmarks.face2text:Face2Text",
    "facebench": "faceagent_eval.benchmarks.facebench:FaceBench",
    "facexbench": "faceagent_eval.benchmarks.facexbench:FaceXBench",
    "fiubench": "faceagent_eval.benchmarks.fiubench:FiuBench",
    "forensics": "faceagent_eval.benchmarks.forensics:Forensics",
    "forensics-robustness": "faceagent_eval.benchmarks.forensics_robustness:ForensicsRobustness",
    "forgery-in-time": "faceagent_eval.benchmarks.forgery_in_time:ForgeryInTime",
    "gallery": "faceagent_eval.benchmarks.gallery:GalleryStores",
    "grounded": "faceagent_eval.benchmarks.grounded:GroundedAnswers",
    "grouping": "faceagent_eval.benchmarks.grouping:Grouping",
    "ijb": "faceagent_eval.benchmarks.ijb:Ijb",
    "injection": "faceagent_eval.benchmarks.injection:Injection",
    "landmarks": "faceagent_eval.benchmarks.landmarks:Landmarks",
    "lfw": "faceagent_eval.benchmarks.lfw:Lfw",
    "liveness": "faceagent_eval.benchmarks.liveness:Liveness",
    "masked-faces": "faceagent_eval.benchmarks.masked:MaskedFaces",
    "occlusion": "faceagent_eval.benchmarks.occlusion:Occlusion",
    "packed-pairs": "faceagent_eval.benchmarks.packed:PackedPairs",
    "parsing": "faceagent_eval.benchmarks.parsing:Parsing",
    "planner": "faceagent_eval.benchmarks.planner:PlannerBenchmark",
    "pose": "faceagent_eval.benchmarks.head_pose:HeadPose",
    "quality": "faceagent_eval.benchmarks.quality:Quality",
    "reading": "faceagent_eval.benchmarks.reading:Reading",
    "recurring": "faceagent_eval.benchmarks.recurring:Recurring",
    "refusal": "faceagent_eval.benchmarks.refusal:Refusal",
    "rfw": "faceagent_eval.benchmarks.rfw:Rfw",
    "seeing": "faceagent_eval.benchmarks.seeing:Seeing",
    "shorter": "faceagent_eval.benchmarks.shorter:Shorter",
    "speed": "faceagent_eval.benchmarks.speed:Speed",
    "speed-beside": "faceagent_eval.benchmarks.speed_beside:SpeedBeside",
    "time-constrained": "faceagent_eval.benchmarks.time_constrained:TimeConstrained",
    "vip": "faceagent_eval.benchmarks.vip:Vip",
    "vipbench": "faceagent_eval.benchmarks.vipbench:VipBench",
    "wider-face": "faceagent_eval.benchmarks.wider_face:WiderFace",
}


def load(name: str) -> type[Benchmark[Any, Any]]:
    """The class of a benchmark.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in HOME:
        close = difflib.get_close_matches(name, HOME, n=1)
        hint = f"The nearest name is {close[0]}" if close else f"There are {', '.join(HOME)}"
        raise UsageError(f"There is no benchmark {name!r}", hint)
    module, _, attribute = HOME[name].partition(":")
    found: type[Benchmark[Any, Any]] = getattr(importlib.import_module(module), attribute)
    return found


def make(
    name: str,
    data: Path | None = None,
    backend: str | None = None,
    limit: int | None = None,
    controller: str | None = None,
) -> Benchmark[Any, Any]:
    """A benchmark ready to run.

    Raises:
        UsageError: there is none of that name, or its arguments do not fit (see `Benchmark`).
    """
    benchmark = load(name)(data, backend)
    if limit is not None and (limit < 1 or not benchmark.takes_limit):
        wrong = "needs a limit of at least 1" if benchmark.takes_limit else "always measures all"
        raise UsageError(f"The benchmark {name} {wrong}", "Leave --limit out")
    benchmark.limit = limit
    if controller is not None:
        if not benchmark.takes_controller:
            raise UsageError(f"The benchmark {name} asks no controller", "Leave --controller out")
        benchmark.controller = controller
    return benchmark
