"""The vip benchmark on people whose embeddings are made up: what it enrols, scores and counts."""

from __future__ import annotations

import numpy as np
import pytest

from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import vip
from faceagent_eval.benchmarks.vip import Halves, Read, Vip
from faceagent_tools import similarity
from faceagent_tools.identity import regions
from faceagent_tools.identity.likelihood import Portrayed


def read(kind, who, off, number, forgery=None):
    """A photo of a person, `off` from the person's mean."""
    own, other = (similarity.unit(np.random.default_rng(seed).normal(size=128)) for seed in (who, [who, number]))
    middle = similarity.unit(similarity.cohort().mean(axis=0))
    embedding = similarity.unit(middle + 0.4 * own + off * other).astype(np.float32)
    return Read(kind, Portrayed(embedding, dict.fromkeys(regions.PARTS)), forgery)


@pytest.fixture
def few_rounds(monkeypatch):
    monkeypatch.setattr(vip, "ROUNDS", 10)


def means(reads):
    return {name: float(whole.mean()) for name, (_, whole) in Halves(reads).figures().items()}


def reads(forged):
    return [
        *(read("genuine", 1, 0.15, number, -2.0) for number in range(8)),
        *(read("other", 10 + number, 0.1, number) for number in range(6)),
        *(read("swap", 1, 0.3, 20 + number, forged) for number in range(5)),
        *(read("synthesised", 1, 0.15, 40 + number, forged) for number in range(5)),
    ]


def test_other_people_are_told_and_pixels_help_where_likeness_does_not(few_rounds):
    told, blind = means(reads(3.0)), means(reads(None))
    assert told["other told rightly"] == 1
    alike = "auc genuine and synthesised, mean cosine alone"
    assert told[alike] == blind[alike]
    assert told["auc genuine and synthesised, genuine over faked"] > told[alike]
    assert told["faked called genuine"] < blind["faked called genuine"]


def test_each_photo_has_its_mean_score_over_the_halves_that_did_not_have_it_enrolled(few_rounds):
    given = [*reads(3.0), Read("swap", None, None)]
    given.append(given[0])  # a copy
    halves = Halves([one for one in given if one.seen is not None])
    halves.figures()
    rows = {(row.of, row.id): row for row in vip._item_scores(given, halves)}
    ranks = [row for (of, _), row in rows.items() if of == vip.SCORE]
    assert len(ranks) == 8 + 5 + 5 + 2
    own = [row.score for row in ranks if row.label and row.score is not None]
    assert min(own) > min(row.score for row in ranks if not row.label and row.score is not None)
    for number in (len(given) - 2, len(given) - 1):  # no face; a copy
        assert rows[vip.SCORE, f"photo {number}"].score is rows["kind told", f"photo {number}"].right is None
    assert rows["kind told", "photo 8"].right is True  # of somebody else


def test_a_copy_of_an_authentic_photo_is_not_counted_twice():
    once = reads(3.0)
    assert Halves([*once, once[0]])._own == Halves(once)._own


def test_a_folder_without_the_set_shows_the_layout(tmp_path):
    with pytest.raises(LayoutError, match="vip_one_person"):
        Vip(tmp_path).items()
