"""Photos that are authentic and photos that are forged, held against what detect_forgery would say of their main face.

Beside the ensemble, in the same table: each of its parts alone, MesoNet where its weights are here, and what is no sign
of forgery at all, such as the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from faceagent_eval import fairness, forensic_figures, forensic_published, forensic_sets
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, Result, machine, versions
from faceagent_eval.digest import anonymous
from faceagent_eval.forensic_figures import ALARMS, ALL
from faceagent_eval.forensic_item import Item
from faceagent_eval.forensic_look import ENSEMBLE, Looker, Seen
from faceagent_eval.forensic_sets import LAYOUT


class Forensics(Benchmark[Item, Seen]):
    name = "forensics"
    about = (
        "authentic photos and forgeries: how well they are told apart, how honest the probability is, when it abstains"
    )
    layout = LAYOUT
    headline = (": AUC", ": found", ": false alarms", ": calibration error (ECE)")
    backends = ("faceagent", "faceagent+clip")
    takes_limit = True

    def items(self) -> Sequence[Item]:
        found = forensic_sets.items(self.data, self.limit)
        self._looker = Looker(clip=self.backend == self.backends[1])
        return found

    def measure(self, item: Item) -> Seen:
        return self._looker.look(item)

    def score(self, measured: Sequence[Seen]) -> Result:
        rows = forensic_figures.rows(measured)
        spent = [seen.milliseconds for seen in measured if seen.scores]
        missing = tuple(seen.item.name for seen in measured if seen.outcome == "unreadable")
        splits = sorted({seen.item.split for seen in measured} - {""})
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"the main face of {len(measured)} photos, {', '.join(splits) or 'no'} split; "
            "forgeries against the authentic photos of their own set",
            figures=(
                *(figure for row in rows for figure in forensic_figures.figures(row)),
                *(figure for row in rows for figure in forensic_figures.baselines(row)),
                *_by_group(measured),
                *_time(spent),
            ),
            complete=not missing,
            missing=missing,
            notes=(
                "Rows of all sets together mix files of different origin: read the baselines beside them.",
                *forensic_published.notes(self.data),
            ),
            methods=self._looker.methods,
            items=tuple(_item_score(number, seen) for number, seen in enumerate(measured)),
            curves=dict(forensic_figures.charts(rows)),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "opencv-python-headless", "numpy"),
        )


def _by_group(measured: Sequence[Seen]) -> Iterator[Figure]:
    """False alarms and forgeries found by what a set says of the people shown."""
    for forged, name in ((False, "false alarms"), (True, "found")):
        part = [seen for seen in measured if seen.scores and seen.item.forged == forged and seen.item.people]
        alarms, people = [seen.outcome in ALARMS for seen in part], [dict(seen.item.people) for seen in part]
        yield from fairness.by_each(f"{ALL}: {name}", alarms, people, higher_is_better=forged)


def _item_score(number: int, seen: Seen) -> ItemScore:
    """right: found, of a forgery; not accused, of an authentic photo."""
    item = seen.item
    return ItemScore(
        id=f"photo {number}",
        of=item.set,
        label=item.forged,
        score=seen.scores.get(ENSEMBLE),
        right=(seen.outcome in ALARMS) == item.forged if seen.scores else None,
        group=anonymous(item.group),
    )


def _time(spent: Sequence[float]) -> tuple[Figure, ...]:
    if not spent:
        return ()
    return (Figure(name="a face", value=float(np.median(spent)), unit="ms", n=len(spent), note="median, all parts"),)
