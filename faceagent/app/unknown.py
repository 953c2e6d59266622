"""The review of unknown faces: those of many photos, grouped by person, the most useful name asked for first."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr

from faceagent import policy
from faceagent.app import register, text
from faceagent.app.desk import Desk
from faceagent.app.parts import QUIET, html, sentences
from faceagent.errors import UsageError
from faceagent.gallery import Consent
from faceagent.review import Group, Review
from faceagent.types import Failure

_SHOWN = 12
"""Faces of a group that are shown, the most typical first."""


class Unknown:
    """The review's parts. What was seen is in memory, and gone with the page; only who is named with consent stays."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        _ = desk.gettext
        self.review = gr.State(None)
        html("unknown-about", text.render(desk, "people_unknown.html.j2"))
        self.photos = gr.File(
            label=_("Photos"), file_count="multiple", file_types=["image"], elem_id="unknown-photos", height=150
        )
        self.purpose = gr.Dropdown(
            [(one.replace("_", " "), one) for one in policy.purposes()],
            value=desk.settings.purpose or "access",
            label=_("What their consent would be for"),
            elem_id="unknown-purpose",
            filterable=False,
        )
        self.go = gr.Button(_("Look through"), variant="primary", elem_id="unknown-go")
        self.group = html("unknown-group")
        with gr.Column(visible=False, elem_id="unknown-form", min_width=0) as self.form:
            self._form()

    def _form(self) -> None:
        _ = self.desk.gettext
        self.name = gr.Textbox(label=_("Who is this? The name"), elem_id="unknown-name", max_length=120)
        self.statement = gr.Textbox(
            label=_("Consent: how and when the person agreed"), elem_id="unknown-statement", max_length=2000
        )
        with gr.Column(visible=False, elem_id="unknown-age", min_width=0) as self.age:
            self.guardian = gr.Textbox(
                label=_("The parent or guardian who agreed"), elem_id="unknown-guardian", max_length=120
            )
            self.of_age = gr.Checkbox(
                label=_("I state that the person is of age, though looking younger"), elem_id="unknown-of-age"
            )
        with gr.Row(elem_id="unknown-does"):
            self.enrol = gr.Button(_("Enrol"), variant="primary", elem_id="unknown-enrol")
            self.skip = gr.Button(_("Skip"), elem_id="unknown-skip")
            self.split = gr.Button(_("Not one person"), elem_id="unknown-split")

    def wire(self, listed: Callable[[str | None], str], search: gr.Textbox, rows: gr.HTML) -> None:
        """Connect the parts.

        Args:
            listed: the list of people anew, for what is searched for. rows: where it is shown.
        """
        answers = [self.name, self.statement, self.guardian, self.of_age]
        asked = [self.review, self.group, self.form, self.age, *answers, self.photos]
        self.go.click(self._begin, [self.photos, self.purpose], asked, api_visibility="private")

        def named(wanted: str | None, *told: Any) -> dict[Any, Any]:
            return {**self._named(*told), rows: listed(wanted)}

        told = [search, self.review, self.purpose, *answers]
        self.enrol.click(named, told, [*asked, rows], api_visibility="private")
        self.skip.click(self._skipped, self.review, asked, **QUIET)
        self.split.click(self._parted, self.review, asked, **QUIET)

    def _begin(self, photos: list[str] | None, purpose: str) -> Iterator[dict[Any, Any]]:
        with sentences():
            if not photos:
                raise UsageError("There is no photo", "Choose some")
            gallery, limits = register.opened(self.desk), self.desk.settings.limits
            review = Review(self.desk.seat.tools(), gallery, purpose=purpose, limits=limits)
            failures: list[Failure] = []
            for number, photo in enumerate(photos):
                yield {self.group: self._shown(None, None, done=number, total=len(photos))}
                failure = review.look(Path(photo))
                failures += [failure.model_copy(update={"name": Path(photo).name})] if failure else []
            yield {**self._asked(review, failures), self.photos: None}

    def _named(
        self, review: Review | None, purpose: str, name: str, statement: str, guardian: str = "", of_age: bool = False
    ) -> dict[Any, Any]:
        with sentences():
            current = _first(review)
            assert review is not None
            consent = Consent(purpose, date.today(), statement=statement, guardian=guardian or None, of_age=of_age)
            outcome = review.name(current, name, consent)
            row = next(row for row in outcome.evidence if row.attribute == "enrolment")
            if row.status != "ok":
                raise UsageError(f"{name} was not enrolled, because {row.reason}")
            return self._asked(review)

    def _skipped(self, review: Review | None) -> dict[Any, Any]:
        with sentences():
            current = _first(review)
            assert review is not None
            review.skip(current)
            return self._asked(review)

    def _parted(self, review: Review | None) -> dict[Any, Any]:
        with sentences():
            current = _first(review)
            assert review is not None
            review.split(current)
            return self._asked(review)

    def _asked(self, review: Review, failures: list[Failure] | None = None) -> dict[Any, Any]:
        groups = review.groups()
        first = groups[0] if groups else None
        return {
            self.review: review,
            self.group: self._shown(review, first, failures=failures, left=len(groups)),
            self.form: gr.Column(visible=first is not None),
            self.age: gr.Column(visible=first is not None and first.minor),
            self.name: "",
            self.statement: "",
            self.guardian: "",
            self.of_age: False,
        }

    def _shown(self, review: Review | None, group: Group | None, **more: Any) -> str:
        crops = [base64.b64encode(face.crop).decode() for face in group.faces[:_SHOWN]] if group else []
        values = {"failures": None, "left": 0, "done": 0, "total": 0, **more}
        return text.render(self.desk, "people_group.html.j2", review=review, group=group, crops=crops, **values)


def _first(review: Review | None) -> Group:
    """The group that is asked about.

    Raises:
        UsageError: there is none.
    """
    groups = review.groups() if review is not None else []
    if not groups:
        raise UsageError("There is no face to be named", "Choose photos and look through them")
    return groups[0]
