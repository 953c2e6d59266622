"""Every part of the examination as evidence of its own: what it measured, the line it was held against, what it is.

Some parts are weighed (`ensemble.WITH_CLIP`): each has a line that few authentic photos reach. The others few photos
can show at all; for them stands what is ordinary (calibration/forensic_signals.json): a value beyond it is one that
about one in fifty authentic photos has, forged or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceagent.types import Evidence, Face, Method, Threshold
from faceagent_tools import weights
from faceagent_tools.forensics import ensemble, signals
from faceagent_tools.forensics.clip import WEIGHTS as CLIP_WEIGHTS
from faceagent_tools.forensics.ensemble import Examined
from faceagent_tools.forensics.network import WEIGHTS
from faceagent_tools.forensics.view import Unmeasured

TOOL = "detect_forgery"
WEIGHED = {
    "network": "network_traces",
    "swap": "blending_traces",
    "synthesis": "generator_traces",
    ensemble.CLIP: "clip_traces",
}
"""Attribute of each of `ensemble.WITH_CLIP`. Value: "sign" or "no_sign"."""
ERROR_LEVEL = "error_level"


@dataclass(frozen=True)
class Apart:
    """A signal that stays outside of the answer. feature: of `Signals.features`; high, low: whether a value above or
    below the ordinary is told.
    """

    attribute: str
    family: str
    feature: str
    unit: str | None
    high: bool
    low: bool
    source: str
    limitation: str


APART = (
    Apart(
        "jpeg_ghost",
        "compression",
        "jpeg.ghost",
        "dB",
        high=True,
        low=False,
        source="Farid 2009, doi:10.1109/TIFS.2008.2012215",
        limitation="A face on a plain or blurred background can show such a difference unaltered.",
    ),
    Apart(
        "jpeg_ghost_around",
        "compression",
        "jpeg.lost",
        "dB",
        high=True,
        low=False,
        source="Farid 2009, doi:10.1109/TIFS.2008.2012215",
        limitation="A face on a plain or blurred background can show such a difference unaltered.",
    ),
    Apart(
        "second_block_grid",
        "compression",
        "jpeg.second_grid",
        "dB",
        high=True,
        low=False,
        source="Li et al. 2009, doi:10.1016/j.sigpro.2009.03.025",
        limitation="Patterns in hair and cloth can imitate it.",
    ),
    Apart(
        "noise_contrast",
        "noise",
        "noise.contrast",
        "dB",
        high=True,
        low=True,
        source="spatial rich model, Fridrich & Kodovsky 2012, doi:10.1109/TIFS.2012.2190402",
        limitation="A blurred background and phones that smooth skin change it as well.",
    ),
    Apart(
        "eye_highlights",
        "geometry",
        "geometry.highlights",
        None,
        high=False,
        low=True,
        source="Hu, Li & Lyu 2021, arXiv:2009.11924",
        limitation="Light from close by, glasses and lids make the two eyes differ as well.",
    ),
    Apart(
        "upsampling_grid",
        "spectrum",
        "spectrum.grid",
        "dB",
        high=True,
        low=False,
        source="Zhang et al. 2019, arXiv:1907.06515",
        limitation="Any enlarged picture can show it.",
    ),
)


def rows(examined: Examined, face: Face) -> list[Evidence]:
    """One evidence a part."""
    return [
        *(_weighed(name, examined, face) for name in examined.parts),
        *(_apart(one, examined, face) for one in APART),
    ]


def error_level(face: Face, picture: str | None) -> Evidence:
    """The picture of what one more compression would take away: to be looked at, and never weighed.

    Args:
        picture: its name in the session; None for a photo that is not JPEG.
    """
    shared: dict[str, Any] = {
        "tool": TOOL,
        "subject": face.id,
        "attribute": ERROR_LEVEL,
        "region": face.box,
        "method": Method(
            name="error level", version="1", licence="Apache-2.0", source="Krawetz 2007, A Picture's Worth"
        ),
        "limitations": ("Edges and colours shine in any photo: it shows where to look, and proves nothing.",),
    }
    if picture is None:
        reason = "error levels are drawn of JPEG files only"
        return Evidence(**shared, status="not_applicable", reason=reason)
    return Evidence(**shared, value="drawn", details={"picture": picture})


def _weighed(name: str, examined: Examined, face: Face) -> Evidence:
    stack = examined.stack
    known = stack.table["parts"][name]
    score = round(examined.parts[name], 3)  # the line has as many decimals
    return Evidence(
        tool=TOOL,
        subject=face.id,
        attribute=WEIGHED[name],
        value="sign" if score >= known["line"] else "no_sign",
        unit="log odds",
        score=score,
        threshold=Threshold(
            value=known["line"],
            rule=">=",
            meaning="more than nearly all authentic photos",
            source=f"at most one in twenty authentic photos of any set reaches it: {stack.source}",
        ),
        region=face.box,
        method=method(name),
        limitations=(
            f"By itself it orders a forgery and an authentic photo rightly {_of_100(known['auc'])} in 100 times.",
        ),
        details={
            "area_under_the_curve": known["auc"],
            "orders_rightly_of_100": _of_100(known["auc"]),
            "authentic_at_most": known["authentic_at_most"],
            "weight": stack.weights[name],
            **(
                {"speak_loudest": {key: round(value, 2) for key, value in examined.weighed.leading[name].items()}}
                if name in signals.KINDS
                else {}
            ),
        },
    )


def _apart(one: Apart, examined: Examined, face: Face) -> Evidence:
    shared: dict[str, Any] = {
        "tool": TOOL,
        "subject": face.id,
        "attribute": one.attribute,
        "region": face.box,
        "method": Method(name=one.attribute.replace("_", " "), version="1", licence="Apache-2.0", source=one.source),
        "limitations": (one.limitation,),
    }
    family = getattr(examined.signals, one.family)
    if isinstance(family, Unmeasured):
        return Evidence(**shared, status=family.status, reason=family.reason)
    value = examined.signals.features.get(one.feature)
    if value is None:
        return Evidence(**shared, status="abstained", reason="too little of it can be seen at this size")
    value = round(value, 3)
    low, high = signals.classifier().ordinary[one.feature]
    above, below = one.high and value > high, one.low and value < low
    use_low = below or not one.high
    return Evidence(
        **shared,
        value="unusual" if above or below else "ordinary",
        unit=one.unit,
        score=value,
        threshold=Threshold(
            value=low if use_low else high,
            rule="<" if use_low else ">",
            meaning="beyond what is ordinary",
            source="98 of 100 authentic photos lie within: calibration/forensic_signals.json",
        ),
        details={"ordinary": [low, high], "authentic_photos_beyond": 2, "of_authentic_photos": 100},
    )


def method(name: str) -> Method:
    """What made one of `ensemble.WITH_CLIP`."""
    if name == "network":
        return weights.method(WEIGHTS)
    if name == ensemble.CLIP:
        clip = weights.method(CLIP_WEIGHTS)
        return clip.model_copy(update={"source": f"{clip.source}; linear classifier: calibration/clip_probe.npz"})
    return Method(
        name=f"signals: {name}",
        version="1",
        licence="Apache-2.0",
        source="logistic regression on spectrum, noise and geometry: calibration/forensic_signals.json",
    )


def _of_100(auc: float) -> int:
    return round(100 * auc)
