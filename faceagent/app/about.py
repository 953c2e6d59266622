"""The tab “About”: the policy in force, what is declined, where data lies and until when, versions and licences."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from platform import python_version

import faceagent
from faceagent import policy
from faceagent.app import text
from faceagent.app.desk import REPORTS_KEPT, UPLOADS_KEPT, Desk
from faceagent.app.parts import QUIET, html, sight

PARTS = ("gradio", "langchain-core", "pydantic", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "dlib-bin")


def tab(desk: Desk) -> None:
    seen, shown = sight("about-seen"), html("about")
    # At each visit: a gallery may have been opened, or the seat given away, since; and the page is there sooner.
    seen.seen(lambda: about(desk), None, shown, **QUIET)


@dataclass(frozen=True)
class Topic:
    """Something that needs a purpose. state: whether it is on now."""

    name: str
    on: bool
    refused: bool
    why: str
    law: str


def about(desk: Desk) -> str:
    """The tab's text."""
    stated = desk.settings.purpose
    return text.render(
        desk,
        "about.html.j2",
        purpose=policy.purpose(stated) if stated else None,
        purposes=policy.purposes().values(),
        topics=[_topic(desk, name, stated) for name in ("emotion", "ethnicity")],
        declined=policy.topics(),
        folder=None if desk.settings.shared else desk.settings.folder,
        gallery=desk.gallery,
        controller=desk.seat.controller,
        reports_days=REPORTS_KEPT.days,
        uploads_hours=int(UPLOADS_KEPT.total_seconds() // 3600),
        versions=[
            ("faceagent", faceagent.__version__, "Apache-2.0"),
            ("Python", python_version(), "PSF-2.0"),
            *_parts(),
        ],
    )


def _topic(desk: Desk, name: str, stated: str | None) -> Topic:
    _ = desk.gettext
    labels = {"emotion": _("Facial expressions"), "ethnicity": _("Perceived ethnicity")}
    on = policy.opens(stated, name)
    refused = stated is not None and name in policy.purpose(stated).refuses
    why = "" if on else policy.how_to_open(name, stated)
    return Topic(labels[name], on, refused, f"{why[:1].upper()}{why[1:]}." if why else "", policy.law(name))


def _parts() -> list[tuple[str, str, str]]:
    """Packages that are installed: name, version, licence as they state it."""
    found = []
    for name in PARTS:
        try:
            stated = metadata(name).json
        except PackageNotFoundError:
            continue
        licence = str(stated.get("license_expression") or stated.get("license") or "")
        found.append((name, str(stated["version"]), licence.splitlines()[0] if licence else ""))
    return found
