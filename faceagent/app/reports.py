"""The tab “Report”: many files into a queue, and each report as a table, from which an exhibit opens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from faceagent.app import text
from faceagent.app.desk import REPORTS_KEPT, Desk
from faceagent.app.parts import QUIET, data_of, html, sentences, sight, user
from faceagent.app.rows import Opened, Wanted
from faceagent.batch import failure
from faceagent.errors import FaceAgentError, UnknownReference, UsageError
from faceagent.jobs import ENDED, Job, State
from faceagent.report.build import TITLE
from faceagent.report.html import exhibit_alone
from faceagent.translate import translated_report
from faceagent.types import Failure
from faceagent.uploads import Upload

KINDS = ("zip", "html", "pdf", "csv", "json")
FIT = """
const fit = (frame) => {
  const body = frame.contentDocument.body;
  const grow = () => { frame.style.height = `${Math.ceil(body.getBoundingClientRect().height) + 2}px`; };
  new ResizeObserver(grow).observe(body);
  grow();
};
element.addEventListener('load', (event) => { if (event.target.matches('iframe')) fit(event.target); }, true);
"""
"""An exhibit stands in a frame of its own, without scripts; the frame grows with it."""
TO_REPORT = "() => setTimeout(() => document.getElementById('reports-head')?.scrollIntoView({block: 'nearest'}), 150)"
TO_EXHIBIT = "() => setTimeout(() => document.getElementById('exhibit-back')?.focus(), 150)"


def tab(desk: Desk) -> None:
    Reports(desk)


class Reports:
    """The tab's parts, and what happens between them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        _ = desk.gettext
        self.opened = gr.State(None)
        self.shown = gr.State("")
        self.timer = gr.Timer(1.0, active=False)
        self.seen = sight("reports-seen")
        with gr.Row(elem_id="reports"):
            with gr.Column(elem_id="reports-new", min_width=0):
                gr.Markdown("## " + _("New report"))
                self._intake()
                self.queue = html("reports-queue", acts=("open", "cancel", "remove"))
            with gr.Column(elem_id="reports-open", min_width=0):
                self.welcome = html("reports-welcome", text.render(desk, "reports_welcome.html.j2"))
                with gr.Column(visible=False, min_width=0) as self.listing:
                    self._listing()
                with gr.Column(visible=False, min_width=0) as self.exhibit:
                    self._exhibit()
        self._wire()

    def _intake(self) -> None:
        _ = self.desk.gettext
        self.files = gr.File(label=_("Photos and videos"), file_count="multiple", elem_id="reports-files", height=150)
        self.folder = gr.UploadButton(
            _("Choose a folder"), file_count="directory", size="sm", elem_id="reports-folder", variant="secondary"
        )
        self.title = gr.Textbox(
            label=_("Title (optional)"), max_length=120, placeholder=_(TITLE), elem_id="reports-title"
        )
        self.go = gr.Button(_("Make the report"), variant="primary", elem_id="reports-go")

    def _listing(self) -> None:
        _ = self.desk.gettext
        self.head = html("reports-head")
        with gr.Row(elem_id="reports-downloads"):
            self.downloads = {
                kind: gr.DownloadButton(
                    _("Download all (ZIP)") if kind == "zip" else kind.upper(),
                    size="sm",
                    visible=False,
                    variant="primary" if kind == "zip" else "secondary",
                    elem_id=f"download-{kind}",
                )
                for kind in KINDS
            }
        with gr.Row(elem_id="reports-filters"):
            choices = [(_("All"), ""), *((label, kind) for kind, label in kinds(self.desk).items())]
            self.kind = gr.Radio(choices, value="", label=_("Finding"), elem_id="filter-kind")
            self.name = gr.Textbox(label=_("Name contains"), elem_id="filter-name", max_length=200)
            self.sure = gr.Slider(
                50, 99, value=50, step=1, label=_("Certain to at least (percent)"), elem_id="filter-sure", buttons=[]
            )
            orders = [(_("As given"), "given"), (_("Most likely forged first"), "likely"), (_("Name"), "name")]
            self.order = gr.Dropdown(orders, value="given", label=_("Order"), elem_id="filter-order", filterable=False)
        self.table = html("reports-table", acts=("look",))

    def _exhibit(self) -> None:
        _ = self.desk.gettext
        with gr.Row(elem_id="exhibit-ways"):
            self.back = gr.Button(_("All files"), size="sm", elem_id="exhibit-back")
            self.before = gr.Button(_("Previous"), size="sm", elem_id="exhibit-before")
            self.after = gr.Button(_("Next"), size="sm", elem_id="exhibit-after")
        self.page = html("exhibit-page", script=FIT)

    def _wire(self) -> None:
        filters = [self.opened, self.kind, self.sure, self.name, self.order]
        shelf = [self.queue, self.timer]
        open_ = [self.opened, self.shown, self.welcome, self.listing, self.exhibit, self.head, self.table, self.queue]
        open_ += [self.kind, self.sure, self.name, self.order, *self.downloads.values()]
        self.seen.seen(self._tick, [self.opened], shelf, **QUIET)
        self.folder.upload(_together, [self.files, self.folder], [self.files], **QUIET)
        self.go.click(
            self._submit,
            [self.files, self.title, self.opened],
            [self.files, self.title, *shelf],
            api_visibility="private",
        )
        self.timer.tick(self._tick, [self.opened], shelf, **QUIET)
        self.queue.open(self._open, None, open_, **QUIET).then(None, js=TO_REPORT)
        self.queue.cancel(self._cancel, [self.opened], shelf, **QUIET)
        self.queue.remove(self._remove, [self.opened], open_, **QUIET)
        gr.on(
            [self.kind.change, self.sure.release, self.name.change, self.order.change],
            self._filtered,
            filters,
            self.table,
            **QUIET,
        )
        looking = [self.shown, self.page, self.listing, self.exhibit, self.before, self.after]
        self.table.look(self._look, filters, looking, **QUIET).then(None, js=TO_EXHIBIT)
        self.before.click(self._earlier, [self.shown, *filters], looking, **QUIET)
        self.after.click(self._later, [self.shown, *filters], looking, **QUIET)
        self.back.click(_back, None, [self.listing, self.exhibit], **QUIET)

    # The queue

    def _tick(self, opened: Opened | None, request: gr.Request) -> tuple[str, Any]:
        return self._shelf(request, opened)

    def _shelf(self, request: gr.Request, opened: Opened | None) -> tuple[str, Any]:
        with sentences():
            jobs = self.desk.jobs.list(user(request))
        busy = any(job.state not in ENDED for job in jobs)
        return shelf(self.desk, jobs, opened.job if opened else None), gr.Timer(active=busy)

    def _submit(self, files: list[str] | None, title: str, opened: Opened | None, request: gr.Request) -> Any:
        with sentences():
            taken, refused = take_in(self.desk, [Path(file) for file in files or ()])
            if not taken and refused:
                told = " ".join(f"{one.name}: {one.message}" for one in refused[:3])
                raise UsageError(f"No file can be examined. {told}", refused[0].mend)
            self.desk.jobs.submit(
                taken,
                refused=refused,
                title=" ".join(title.split()) or TITLE,
                purpose=self.desk.settings.purpose,
                language=self.desk.language,
                owner=user(request),
            )
        return None, "", *self._shelf(request, opened)

    def _cancel(self, opened: Opened | None, request: gr.Request, event: gr.EventData) -> tuple[str, Any]:
        with sentences():
            self.desk.jobs.cancel(data_of(event, "id"), user(request))
        return self._shelf(request, opened)

    def _remove(self, opened: Opened | None, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        job = data_of(event, "id")
        with sentences():
            self.desk.jobs.delete(job, user(request))
        closing = opened is not None and opened.job == job
        changed: dict[Any, Any] = {self.queue: self._shelf(request, None if closing else opened)[0]}
        if closing:
            changed |= {self.opened: None, self.welcome: gr.HTML(visible=True)}
            changed |= {self.listing: gr.Column(visible=False), self.exhibit: gr.Column(visible=False)}
        return changed

    # One report

    def _open(self, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        job = data_of(event, "id")
        with sentences():
            jobs, owner = self.desk.jobs, user(request)
            page = jobs.file(job, "html", owner).read_text(encoding="utf-8")
            opened = Opened.of(job, translated_report(jobs.report(job, owner), self.desk.language), page)
            files = handed_out(self.desk, jobs.kinds(jobs.get(job, owner)))
        return {
            self.opened: opened,
            self.shown: "",
            self.welcome: gr.HTML(visible=False),
            self.listing: gr.Column(visible=True),
            self.exhibit: gr.Column(visible=False),
            self.head: text.render(
                self.desk, "opened.html.j2", report=opened.report, title=titled(self.desk, opened.report.title)
            ),
            self.table: table(self.desk, opened, Wanted()),
            self.queue: self._shelf(request, opened)[0],
            self.kind: "",
            self.sure: 50,
            self.name: "",
            self.order: "given",
            **{
                button: gr.DownloadButton(value=files.get(kind), visible=kind in files)
                for kind, button in self.downloads.items()
            },
        }

    def _filtered(self, opened: Opened | None, *chosen: Any) -> str:
        return table(self.desk, opened, _wanted(*chosen)) if opened else ""

    def _look(self, opened: Opened | None, kind: str, sure: float, name: str, order: str, event: gr.EventData) -> Any:
        with sentences():
            return self._showing(data_of(event, "exhibit"), opened, _wanted(kind, sure, name, order))

    def _earlier(self, shown: str, opened: Opened | None, *chosen: Any) -> Any:
        return self._beside(shown, opened, _wanted(*chosen), -1)

    def _later(self, shown: str, opened: Opened | None, *chosen: Any) -> Any:
        return self._beside(shown, opened, _wanted(*chosen), 1)

    def _beside(self, shown: str, opened: Opened | None, wanted: Wanted, way: int) -> Any:
        ids = _exhibits(opened, wanted)
        place = ids.index(shown) + way if shown in ids else -1
        with sentences():
            return self._showing(ids[place] if 0 <= place < len(ids) else shown, opened, wanted)

    def _showing(self, exhibit: str, opened: Opened | None, wanted: Wanted) -> Any:
        if opened is None:
            raise UnknownReference("No report is open", "Open one from the list")
        ids = _exhibits(opened, wanted)
        place = ids.index(exhibit) if exhibit in ids else -1
        return (
            exhibit,
            exhibit_frame(self.desk, opened, exhibit),
            gr.Column(visible=False),
            gr.Column(visible=True),
            gr.Button(interactive=place > 0),
            gr.Button(interactive=0 <= place < len(ids) - 1),
        )


def titled(desk: Desk, title: str) -> str:
    """A report's title; that of those who gave none is told in the page's language."""
    return desk.gettext(title) if title == TITLE else title


def kinds(desk: Desk) -> dict[str, str]:
    """What a row can be, in the desk's language."""
    _ = desk.gettext
    return {
        "signs_of_alteration": _("Signs of alteration"),
        "signs_of_synthesis": _("Signs of AI generation"),
        "no_sign_found": _("No sign found"),
        "inconclusive": _("Inconclusive"),
        "not_examined": _("Not examined"),
    }


def take_in(desk: Desk, files: Sequence[Path]) -> tuple[list[Upload], list[Failure]]:
    """Files that were handed to the page, into the private folder of reports; and why some cannot be.

    The page's own copies are deleted.
    """
    taken: list[Upload] = []
    refused: list[Failure] = []
    for path in files:
        try:
            with path.open("rb") as stream:
                taken.append(desk.uploads.store(stream, path.name))
        except FaceAgentError as error:
            refused.append(failure(path.name, error))
        except FileNotFoundError:
            refused.append(Failure(name=path.name, message="It is not kept any more.", mend="Choose it again."))
            continue
        path.unlink(missing_ok=True)
    return taken, refused


def handed_out(desk: Desk, files: dict[str, Path]) -> dict[str, str]:
    """Copies of a report's files, where the page may hand them out, by kind."""
    folder = Path(tempfile.mkdtemp(dir=desk.folder("uploads")))
    return {kind: str(shutil.copy(path, folder / path.name)) for kind, path in files.items() if kind in KINDS}


def shelf(desk: Desk, jobs: Sequence[Job], chosen: str | None) -> str:
    """The list of reports."""
    shown = [
        {
            "id": job.id,
            "state": job.state,
            "title": titled(desk, job.title),
            "when": f"{job.created.astimezone():%Y-%m-%d %H:%M}",
            "files": len(job.files) + len(job.failures if job.state not in ENDED else ()),
            "done": job.done,
            "said": _said(desk, job),
        }
        for job in jobs
    ]
    return text.render(desk, "reports.html.j2", jobs=shown, chosen=chosen, days=REPORTS_KEPT.days)


def _said(desk: Desk, job: Job) -> str:
    _ = desk.gettext
    state: dict[State, str] = {
        "waiting": _("Waiting"),
        "running": _("Examining"),
        "cancelled": _("Cancelled"),
        "interrupted": _("Interrupted"),
        "failed": _("Failed"),
    }
    if job.state == "done":
        count = len(job.failures)
        told = desk.ngettext("%(num)s file could not be examined.", "%(num)s files could not be examined.", count)
        return told % {"num": count} if count else ""
    if job.state == "running":
        left = "" if job.seconds_left is None else f", {_duration(desk, job.seconds_left)}"
        return f"{state['running']} {job.done} / {len(job.files)}{left}"
    return f"{state[job.state]}. {job.message}" if job.message else f"{state[job.state]}."


def _duration(desk: Desk, seconds: float) -> str:
    _ = desk.gettext
    if seconds < 60:
        return _("about %(seconds)s s left") % {"seconds": max(1, round(seconds))}
    return _("about %(minutes)s min left") % {"minutes": round(seconds / 60)}


def table(desk: Desk, opened: Opened, wanted: Wanted) -> str:
    """The rows that are wanted."""
    rows = wanted.of(opened.rows)
    _ = desk.gettext
    counted = _("%(shown)s of %(all)s files") % {"shown": len(rows), "all": len(opened.rows)}
    return text.render(desk, "table.html.j2", opened=opened, rows=rows, kinds=kinds(desk), counted=counted)


def exhibit_frame(desk: Desk, opened: Opened, exhibit: str) -> str:
    """One exhibit as the report shows it, in a frame.

    Raises:
        UnknownReference: there is no such exhibit.
    """
    page = exhibit_alone(opened.page, exhibit)
    name = next(row.name for row in opened.rows if row.exhibit == exhibit)
    return text.render(desk, "exhibit_alone.html.j2", page=page, title=f"{exhibit}: {name}")


def _wanted(kind: str | None, sure: float | None, name: str | None, order: Any) -> Wanted:
    return Wanted(kind or "", (sure or 50) / 100, name or "", order or "given")


def _exhibits(opened: Opened | None, wanted: Wanted) -> list[str]:
    return [row.exhibit for row in wanted.of(opened.rows) if row.exhibit] if opened else []


def _together(files: list[str] | None, folder: list[str] | None) -> list[str]:
    """A folder's files join those that were chosen before."""
    return list(dict.fromkeys([*(files or ()), *(folder or ())]))


def _back() -> tuple[Any, Any]:
    return gr.Column(visible=True), gr.Column(visible=False)
