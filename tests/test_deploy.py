"""What deploy/ names is there: commands and their options, variables, extras, and vLLM's command as we write it."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from faceagent import cli
from faceagent.controllers.serving import serving

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*ockerfile"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
JOB: dict[str, Any] = yaml.safe_load((DEPLOY / "ray-job.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "app")


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")]


def last(dockerfile: Path, word: str) -> list[str]:
    found: list[str] = json.loads(next(rest for name, rest in reversed(instructions(dockerfile)) if name == word))
    return found


def commands() -> Iterator[list[str]]:
    """All of `faceagent` in the files themselves and in what their comments tell a reader to type."""
    yield last(DEPLOY / "Dockerfile", "CMD")
    for name in OURS:
        yield [re.sub(r"\$\{\w+:-(\w*)\}", r"\1", word) for word in SERVICES[name]["command"]]
    yield shlex.split(JOB["spec"]["entrypoint"])[1:]
    for path in DEPLOY.iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") and (
                typed := re.search(r"(?:run --rm \w+|faceagent) ((?:api|serve|report) .*--.*)", line)
            ):
                yield shlex.split(typed[1])


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_is_one_that_the_program_takes(command: list[str]) -> None:
    assert cli._parser().parse_args(command).run


def test_the_comments_commands_were_found() -> None:
    assert len(list(commands())) == 8


def test_vllm_is_started_as_serve_writes_it_out() -> None:
    dockerfile = DEPLOY / "vllm.Dockerfile"
    started = [*last(dockerfile, "ENTRYPOINT"), *last(dockerfile, "CMD")]
    assert started == list(serving(started[2], host="0.0.0.0").command)


def test_every_variable_is_read_by_the_program() -> None:
    read = "".join(
        path.read_text(encoding="utf-8") for place in ("faceagent", "tools") for path in (ROOT / place).rglob("*.py")
    )
    named = {name for path in DEPLOY.iterdir() for name in re.findall(r"FACEAGENT_\w+", path.read_text("utf-8"))}
    assert "FACEAGENT_GALLERY_INDEX" in named
    assert {name for name in named if f'"{name}"' not in read} == set()


def test_every_extra_is_declared() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = [
        rest.partition("=")[2]
        for path in DOCKERFILES
        for word, rest in instructions(path)
        if rest.startswith("EXTRAS=")
    ]
    named += [service["build"]["args"]["EXTRAS"] for service in SERVICES.values() if "args" in service.get("build", {})]
    named += re.findall(r"faceagent\[([\w,]+)\]", (DEPLOY / "ray.Dockerfile").read_text(encoding="utf-8"))
    assert len(named) == 4
    assert {extra for listed in named for extra in listed.split(",")} <= set(extras)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_images_are_pinned_and_nothing_runs_as_root(dockerfile: Path) -> None:
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            tag = rest.split()[0].rpartition(":")[2]
            assert re.search(r"\d+\.\d+", tag), rest
    users = [rest for word, rest in instructions(dockerfile) if word == "USER"]
    # Ray's own image ends with a user of its own.
    assert users == ([] if dockerfile.name == "ray.Dockerfile" else ["10001"])


def test_the_last_stage_has_no_build_tools_and_says_how_it_is() -> None:
    words = instructions(DEPLOY / "Dockerfile")
    final = words[max(at for at, (word, _) in enumerate(words) if word == "FROM") :]
    assert not [rest for word, rest in final if word == "RUN" and re.search(r"\b(pip|apt|gcc)", rest)]
    assert "HEALTHCHECK" in dict(final)


def test_copied_sources_are_there_and_not_ignored() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for word, rest in instructions(DEPLOY / "Dockerfile"):
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in kept


def test_compose_hangs_together() -> None:
    for name, service in SERVICES.items():
        volumes = {mount.partition(":")[0] for mount in service.get("volumes", ())}
        assert volumes <= set(COMPOSE["volumes"]), name
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        if "build" in service:
            context = DEPLOY / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file(), name
    assert all(SERVICES[name]["read_only"] and SERVICES[name]["cap_drop"] == ["ALL"] for name in OURS)
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        "vllm": ["vllm"],
        "vectors": ["vectors"],
    }


def test_head_and_workers_of_the_ray_job_see_the_same_folder() -> None:
    spec = JOB["spec"]["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])]
    mounts = [container["volumeMounts"] for pod in pods for container in pod["containers"]]
    assert mounts[0] == mounts[1] == [{"name": "collections", "mountPath": "/collections"}]
    assert pods[0]["volumes"] == pods[1]["volumes"]
    image = next(rest for word, rest in instructions(DEPLOY / "ray.Dockerfile") if word == "FROM")
    assert image.startswith(f"rayproject/ray:{spec['rayVersion']}-")
