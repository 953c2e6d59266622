"""Error rates of presentation attack detection, as ISO/IEC 30107-3 defines them, on plain arrays.

An attack presentation classification error is an attack that passes as bona fide; APCER is told for each instrument
(print, screen, mask …), and of several the worst counts, as an attacker chooses. A bona fide presentation
classification error is a bona fide presentation that is called an attack. What gets no answer is no error of
classification: it is told as a non-response beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from faceagent.errors import UsageError
from faceagent_eval import metrics
from faceagent_eval.metrics import Bools, Floats, Labels


@dataclass(frozen=True)
class Errors:
    """apcer: by instrument, 0-1. bpcer: 0-1. pooled: share of all attacks that pass, whatever the instrument."""

    apcer: Mapping[str, float]
    bpcer: float
    pooled: float

    @property
    def worst(self) -> str:
        """The instrument with the highest APCER."""
        return max(self.apcer, key=lambda name: self.apcer[name])

    @property
    def acer(self) -> float:
        """Mean of the worst APCER and BPCER: no longer in the standard since 2017, but what papers quote."""
        return (self.apcer[self.worst] + self.bpcer) / 2

    @property
    def hter(self) -> float:
        """Half total error rate: mean of BPCER and the share of all attacks that pass (Bengio and Mariéthoz 2004)."""
        return (self.pooled + self.bpcer) / 2


def errors(passes: Bools, instruments: Labels) -> Errors:
    """The errors of decisions.

    Args:
        passes: [N], whether a presentation was classified as bona fide.
        instruments: [N], the name of the attack instrument, "" for a bona fide presentation.

    Raises:
        UsageError: bona fide presentations or attacks are missing.
    """
    bona_fide = instruments == ""
    if bona_fide.all() or not bona_fide.any():
        raise UsageError("Errors of presentation attack detection need both bona fide presentations and attacks")
    names = np.unique(instruments[~bona_fide])
    return Errors(
        {str(name): float(np.mean(passes[instruments == name])) for name in names},
        float(np.mean(~passes[bona_fide])),
        float(np.mean(passes[~bona_fide])),
    )


def bpcer_at(live: Floats, instruments: Labels, apcer: float) -> float:
    """The lowest BPCER at a threshold at which no instrument's APCER is above a limit; nothing is interpolated.

    Args:
        live: [N], scores, higher for bona fide. instruments: see `errors`. apcer: 0-1.
    """
    bona_fide = instruments == ""
    cuts = [
        metrics.tar_at_far(live[bona_fide], live[instruments == name], apcer)[1]
        for name in np.unique(instruments[~bona_fide])
    ]
    return float(np.mean(live[bona_fide] < max(cuts)))
