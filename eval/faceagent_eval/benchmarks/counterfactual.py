"""Does the answer follow the tools? Each tool's output is exchanged in turn (see faceagent_eval.counterfactual)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceagent_eval.asking import Asking, share
from faceagent_eval.benchmark import Result
from faceagent_eval.counterfactual import Followed, Swap, follow, swaps
from faceagent_eval.world import OTHERWISE, otherwise, record


class Counterfactual(Asking[Swap, Followed]):
    name = "counterfactual"
    about = "whether the answer follows when one tool says something else, for any controller"

    def items(self) -> Sequence[Swap]:
        photos = self.photos()[:2]
        self._tools = self.tools()
        others = [record(name, otherwise(name, photos), self._tools) for name in OTHERWISE]
        return list(swaps(record("as they are", photos, self._tools), others, self._tools))

    def measured_data(self, items: Sequence[Swap]) -> Sequence[Path]:
        """The photos: the exchanges follow from what the tools make of them."""
        return self.files()[:2]

    def measure(self, item: Swap) -> Followed:
        return follow(item, lambda _, box: self.seated(list(box.values())), self._tools)

    def score(self, measured: Sequence[Followed]) -> Result:
        asked = [one for one in measured if one.asked]
        groups: dict[str, list[bool]] = {}
        for one in asked:
            for name in (one.swap.kind, one.swap.tool):
                groups.setdefault(f"followed: {name}", []).append(not one.faults)
        faults = [f"{one.swap.tool}, {one.swap.after.name}: {fault}" for one in asked for fault in one.faults]
        return self.result(
            f"{len(measured)} exchanges on two photos",
            [
                share("followed", [not one.faults for one in asked]),
                *(share(name, hits) for name, hits in sorted(groups.items())),
                share("tool not called by the plain question", [not one.asked for one in measured]),
            ],
            notes=tuple(faults[:20]),
        )
