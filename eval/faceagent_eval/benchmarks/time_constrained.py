"""Verification under a limit of time for each face, after FRUITS (Face Recognition Under Inference Time conStraint).

Zhu et al., CVPR 2021 (WebFace260M, arXiv:2103.04098) allow 100, 500 and 1,000 ms on one core for all that is done to
one photo: detection, alignment, embedding. Here on LFW's pairs: a portrait that takes longer has no answer, and all its
pairs count as wrong. FRUITS' own photos are not public. Times are of one thread and of this machine, worth quoting only
where nothing else runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from faceagent_eval import verification
from faceagent_eval.benchmark import Figure, Result
from faceagent_eval.benchmarks.lfw import Lfw, Read
from faceagent_eval.figures import proportion

LIMITS = (100, 500, 1000)
"""Milliseconds."""


class TimeConstrained(Lfw):
    """See the module."""

    name = "time-constrained"
    about = "Labeled Faces in the Wild with 100, 500 and 1,000 ms for each face (after FRUITS)"

    def score(self, measured: Sequence[Read]) -> Result:
        result = super().score(measured)
        return result.model_copy(update={"figures": (*self._within(measured), *result.figures)})

    def _within(self, measured: Sequence[Read]) -> Iterator[Figure]:
        reads = [read for read in measured if read.embedding is not None]
        embeddings = {read.name: read.embedding for read in reads if read.embedding is not None}
        spent = np.array([sum(read.milliseconds) for read in reads])
        pairs = [pair for pair in self._pairs if pair.a in embeddings and pair.b in embeddings]
        for name, value in (("median", np.median(spent)), ("95th percentile", np.quantile(spent, 0.95))):
            yield Figure(name=f"ms per face, {name}", value=float(value), unit="ms", n=len(reads))
        for limit in LIMITS:
            late = frozenset(read.name for read, took in zip(reads, spent, strict=True) if took > limit)
            yield proportion(f"portraits within {limit} ms", spent <= limit)
            figure = verification.accuracy_if_wrong(pairs, embeddings, late)
            note = "pairs of a portrait that took longer count as wrong"
            yield figure.model_copy(update={"name": f"accuracy within {limit} ms", "note": note})
