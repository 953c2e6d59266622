"""All signals of the portrait, and the classifier that ships."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manipulated import inside, jpeg

from faceagent.media import Photo
from faceagent_tools.forensics import signals, view
from faceagent_tools.forensics.signals import KINDS
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured

SHIPPED = signals.classifier()


def test_the_portrait_has_every_feature_that_is_weighed(portrait: Photo, untouched: FaceView) -> None:
    found = signals.measure(portrait, untouched)
    assert set(SHIPPED.names) <= set(found.features)
    assert isinstance(found.compression, Unmeasured)


def test_what_stays_outside_is_not_weighed() -> None:
    assert not set(SHIPPED.ordinary) & set(SHIPPED.names)
    assert all(low <= high for low, high in SHIPPED.ordinary.values())


def test_an_untouched_portrait_lies_within_the_ordinary(portrait: Photo, points: Floats) -> None:
    photo = Photo.open(jpeg(portrait.pixels, 90))
    features = signals.measure(photo, view.cut(photo.pixels, points)).features
    for name in ("jpeg.ghost", "jpeg.lost", "jpeg.second_grid", "noise.contrast", "spectrum.grid"):
        low, high = SHIPPED.ordinary[name]
        assert low <= features[name] <= high


def test_a_softened_face_counts_as_swapped_rather(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    soft = inside(portrait.pixels, points, lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.2))
    own = SHIPPED.weigh(signals.measure(portrait, untouched).features)
    forged = SHIPPED.weigh(signals.measure(portrait, view.cut(soft, points)).features)
    assert forged.kinds["swap"] > own.kinds["swap"] + 0.1


COUNT = len(SHIPPED.names)


@given(values=st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), min_size=COUNT, max_size=COUNT))
def test_no_feature_breaks_it(values: list[float]) -> None:
    weighed = SHIPPED.weigh(dict(zip(SHIPPED.names, values, strict=True)))
    assert set(weighed.kinds) == set(KINDS)
    assert all(0 <= chance <= 1 for chance in weighed.kinds.values())
    assert 0 <= weighed.strange <= signals.MOST


def test_without_features_nothing_is_known() -> None:
    weighed = SHIPPED.weigh({})
    assert weighed.strange == 0
    assert all(0.2 < chance < 0.8 for chance in weighed.kinds.values())


def test_what_leads_is_what_moves_the_odds() -> None:
    name = SHIPPED.names[int(np.abs(SHIPPED.weights[0]).argmax())]
    place = SHIPPED.names.index(name)
    strong = SHIPPED.mean[place] + 3 * SHIPPED.scale[place] * np.sign(SHIPPED.weights[0, place])
    weighed = SHIPPED.weigh({name: float(strong)})
    assert next(iter(weighed.leading["swap"])) == name
    assert weighed.kinds["swap"] > SHIPPED.weigh({}).kinds["swap"]


def test_a_photo_in_no_way_like_the_training_photos_is_strange(portrait: Photo, untouched: FaceView) -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, untouched.pixels.shape).astype(np.uint8)
    odd = dataclasses.replace(untouched, pixels=noise)
    assert SHIPPED.weigh(signals.measure(portrait, odd).features).strange > SHIPPED.strangest


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_says_what_each_kind_is_worth(kind: str) -> None:
    row = SHIPPED.table["auc_on_val"][f"classifier: {kind}"]
    assert row["DFDC" if kind == "swap" else "StyleGAN"] > 0.5
    assert SHIPPED.table["n"] > 1000
