"""The tab “People”: who is enrolled, with consent, and nobody else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr

from faceagent import policy
from faceagent.app import register, text
from faceagent.app.desk import Desk
from faceagent.app.parts import QUIET, data_of, html, sentences, sight
from faceagent.app.register import Result, Wish
from faceagent.app.unknown import Unknown
from faceagent.gallery.keys import SHORTEST

LISTED = 60
"""People shown at a time; more are found by the search."""
_PHOTOS = ["image"]


def tab(desk: Desk) -> None:
    People(desk)


class People:
    """The tab's parts, and what happens between them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen = sight("people-seen")
        with gr.Column(elem_id="people-door", visible=False, min_width=0) as self.door:
            self._closed()
        with gr.Row(elem_id="people", visible=False) as self.inside:
            with gr.Column(elem_id="people-list", min_width=0):
                self._register()
            with gr.Column(elem_id="people-work", min_width=0):
                self.person = html("people-person", acts=("hide",))
                with gr.Tabs(elem_id="people-tabs"):
                    self._enrolment()
                    self._looking()
                    with gr.Tab(desk.gettext("Unknown faces"), elem_id="people-tab-unknown"):
                        self.review = Unknown(desk)
                    self._checking()
        self._wire()

    def _closed(self) -> None:
        _ = self.desk.gettext
        self.about = html("people-about")
        self.first = gr.Textbox(label=_("Passphrase"), type="password", elem_id="people-passphrase", max_length=400)
        self.again = gr.Textbox(label=_("Once more"), type="password", elem_id="people-again", max_length=400)
        self.keyring = gr.Checkbox(
            label=_("Keep a random key in this computer’s keyring instead"), elem_id="people-keyring"
        )
        self.open = gr.Button(_("Open the gallery"), variant="primary", elem_id="people-open")

    def _register(self) -> None:
        _ = self.desk.gettext
        gr.Markdown("## " + _("Who is enrolled"))
        self.search = gr.Textbox(label=_("Search by name"), elem_id="people-search", max_length=200)
        self.list = html("people-rows", acts=("show", "forget"))

    def _enrolment(self) -> None:
        _ = self.desk.gettext
        with gr.Tab(_("Enrol"), elem_id="people-tab-enrol"):
            html("people-enrol-about", text.render(self.desk, "people_enrol.html.j2"))
            self.name = gr.Textbox(label=_("Name"), elem_id="enrol-name", max_length=120)
            self.photos = self._files(_("Photos of this one person"), "enrol-photos")
            self.faces = gr.Textbox(
                label=_("If a photo shows several people: which face, counted from the left (optional)"),
                placeholder=_("2, or with several photos 1.2 for the second face of the first"),
                elem_id="enrol-faces",
                max_length=200,
            )
            with gr.Column(elem_id="enrol-consent", min_width=0):
                self.statement = gr.Textbox(
                    label=_("Consent: how and when the person agreed"),
                    placeholder=_("She agreed in writing, 2 May 2026."),
                    elem_id="enrol-statement",
                    max_length=2000,
                    lines=2,
                )
                self.form = gr.File(
                    label=_("Or a file with it (its name and SHA-256 are kept)"), elem_id="enrol-form", height=110
                )
            with gr.Row(elem_id="enrol-facts"):
                self.purpose = gr.Dropdown(
                    [(one.replace("_", " "), one) for one in policy.purposes()],
                    value=self.desk.settings.purpose or "access",
                    label=_("Agreed to what for"),
                    elem_id="enrol-purpose",
                    filterable=False,
                )
                self.given = gr.Textbox(
                    label=_("Agreed on"), value=lambda: date.today().isoformat(), elem_id="enrol-given", max_length=10
                )
                self.until = gr.Textbox(
                    label=_("Keep until (optional)"), placeholder="2027-05-31", elem_id="enrol-until", max_length=10
                )
            self.protected = gr.Checkbox(
                label=_("Protected: photos said to show this person are examined as possible fakes"),
                elem_id="enrol-protected",
            )
            self.another_name = gr.Checkbox(
                label=_("A second name: the person is enrolled under another one too"), elem_id="enrol-another-name"
            )
            with gr.Accordion(_("If the person is under age, or looks it"), open=False, elem_id="enrol-age"):
                self.guardian = gr.Textbox(
                    label=_("The parent or guardian who agreed"), elem_id="enrol-guardian", max_length=120
                )
                self.of_age = gr.Checkbox(
                    label=_("I state that the person is of age, though looking younger"), elem_id="enrol-of-age"
                )
            self.enrol = gr.Button(_("Enrol"), variant="primary", elem_id="enrol-go")
            self.enrolled = html("enrol-result")

    def _looking(self) -> None:
        _ = self.desk.gettext
        with gr.Tab(_("Who is this?"), elem_id="people-tab-look"):
            html("people-look-about", text.render(self.desk, "people_look.html.j2"))
            self.unknown = self._files(_("Photos"), "look-photos")
            self.look = gr.Button(_("Look up"), variant="primary", elem_id="look-go")
            self.looked = html("look-result")

    def _checking(self) -> None:
        _ = self.desk.gettext
        with gr.Tab(_("Check"), elem_id="people-tab-check"):
            html("people-check-about", text.render(self.desk, "people_check.html.j2"))
            self.check = gr.Button(_("Check every entry"), elem_id="check-go")
            self.checked = html("check-result")

    def _files(self, label: str, name: str) -> gr.File:
        return gr.File(label=label, file_count="multiple", file_types=_PHOTOS, elem_id=name, height=150)

    def _wire(self) -> None:
        ways = [self.door, self.inside, self.about, self.first, self.again, self.keyring, self.open, self.list]
        self.seen.seen(self._state, self.search, ways, **QUIET)
        gr.on(
            [self.open.click, self.again.submit],
            self._open,
            [self.first, self.again, self.keyring],
            ways,
            api_visibility="private",
        )
        self.search.change(self._list, self.search, self.list, **QUIET)
        self.list.show(self._show, None, self.person, **QUIET)
        self.person.hide(lambda: "", None, self.person, **QUIET)
        self.list.forget(self._forget, self.search, [self.list, self.person], api_visibility="private")
        consent = [self.statement, self.form, self.purpose, self.given, self.until]
        self.enrol.click(
            self._enrol,
            [
                self.search,
                self.name,
                self.photos,
                self.faces,
                *consent,
                self.protected,
                self.another_name,
                self.guardian,
                self.of_age,
            ],
            [self.enrolled, self.list, self.photos, self.form, self.faces],
            api_visibility="private",
        )
        self.review.wire(self._list, self.search, self.list)
        self.look.click(self._look, self.unknown, [self.looked, self.unknown], api_visibility="private")
        self.check.click(self._check, None, self.checked, api_visibility="private")

    # The door

    def _state(self, wanted: str | None) -> dict[Any, Any]:
        with sentences():
            kind = register.door(self.desk)
        locked, shared = kind != "open", self.desk.settings.shared
        about = text.render(self.desk, "people_door.html.j2", kind=kind, shared=shared, shortest=SHORTEST)
        typed = locked and not shared
        changed = {
            self.door: gr.Column(visible=locked),
            self.inside: gr.Row(visible=not locked),
            self.about: about,
            self.first: gr.Textbox(value="", visible=typed and kind != "keyring"),
            self.again: gr.Textbox(value="", visible=typed and kind == "none"),
            self.keyring: gr.Checkbox(value=False, visible=typed and kind == "none"),
            self.open: gr.Button(self._opening(kind), visible=typed),
        }
        return changed if locked else {**changed, self.list: self._list(wanted)}

    def _opening(self, kind: str) -> str:
        _ = self.desk.gettext
        return _("Make the gallery") if kind == "none" else _("Open the gallery")

    def _open(self, passphrase: str, again: str, keyring: bool) -> dict[Any, Any]:
        with sentences():
            register.open_gallery(self.desk, passphrase, again, keyring=keyring)
        return self._state(None)

    # Inside

    def _list(self, wanted: str | None) -> str:
        with sentences():
            people = register.found(self.desk, wanted)
            count = len(register.opened(self.desk))
        return text.render(
            self.desk, "people_list.html.j2", people=people[:LISTED], more=len(people) - LISTED, count=count
        )

    def _show(self, event: gr.EventData) -> str:
        with sentences():
            name = data_of(event, "name")
            known, templates = register.person(self.desk, name), register.opened(self.desk).templates(name)
            crops = register.crops(self.desk, name)
        return text.render(
            self.desk, "people_person.html.j2", person=known, shots=list(zip(templates, crops, strict=True))
        )

    def _forget(self, wanted: str | None, event: gr.EventData) -> tuple[str, str]:
        with sentences():
            result = register.forget(self.desk, data_of(event, "name"))
        return self._list(wanted), self._told(result, closes=True)

    def _enrol(
        self,
        wanted: str | None,
        name: str,
        photos: list[str] | None,
        faces: str,
        statement: str,
        form: str | None,
        purpose: str,
        given: str,
        until: str,
        protected: bool,
        another_name: bool,
        guardian: str | None,
        of_age: bool | None,
    ) -> Any:
        # What stands in a part that was never unfolded has no value yet.
        agreed = Path(form) if form else None
        wish = Wish(
            name, statement, agreed, purpose, given, until, protected, guardian or "", bool(of_age), another_name, faces
        )
        with sentences():
            result = register.enrol(self.desk, wish, [Path(photo) for photo in photos or ()])
        register.drop([*(photos or ()), *([form] if form else ())])
        return self._told(result), self._list(wanted), None, None, ""

    def _look(self, photos: list[str] | None) -> Any:
        with sentences():
            result = register.look_up(self.desk, [Path(photo) for photo in photos or ()])
        register.drop(photos or ())
        return self._told(result), None

    def _check(self) -> str:
        with sentences():
            gallery = register.opened(self.desk)
            faults, head, count = gallery.verify(), gallery.audit.verify().head, len(gallery)
        return text.render(self.desk, "people_checked.html.j2", faults=faults, head=head, count=count)

    def _told(self, result: Result, *, closes: bool = False) -> str:
        return text.render(self.desk, "people_result.html.j2", result=result, closes=closes)
