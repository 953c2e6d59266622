"""Authentic and forged faces: DFDC (Dolhansky et al. 2020) and StyleGAN beside FFHQ (Karras et al., CVPR 2019).

The bytes are passed on as they are: a photo that is encoded again has lost what tells a forgery.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceagent_finetune.corpus.labelled import Label, LabelMissing

DFDC_FILE, STYLEGAN_FILE = "forensics/dfdc_faces.parquet", "forensics/stylegan_ffhq.parquet"
DFDC_LICENCE = "DFDC terms: research use"
STYLEGAN_LICENCE = "FFHQ: CC BY-NC-SA 4.0; research use"
DFDC_CONSENT = "paid actors who agreed"
STYLEGAN_CONSENT = "photos of Flickr users who chose an open licence; the people shown were not asked"
DFDC_COLUMNS, STYLEGAN_COLUMNS = ("label", "group_original", "split"), ("label", "split")
_DFDC = {"REAL": "authentic", "FAKE": "manipulated"}
_STYLEGAN = {"real": "authentic", "fake_stylegan": "synthetic"}


def dfdc(name: str, row: Mapping[str, Any]) -> Label:
    """group: the video from which a forgery was made.

    Raises:
        LabelMissing: the label or the video is missing.
    """
    if not row["group_original"]:
        raise LabelMissing("group_original is missing")
    return Label({"authenticity": _authenticity(row, _DFDC)}, str(row["split"]), str(row["group_original"]))


def stylegan(name: str, row: Mapping[str, Any]) -> Label:
    """
    Raises:
        LabelMissing: the label is missing.
    """
    return Label({"authenticity": _authenticity(row, _STYLEGAN)}, str(row["split"]), name)


def _authenticity(row: Mapping[str, Any], known: Mapping[str, str]) -> str:
    if row["label"] not in known:
        raise LabelMissing(f"label is {row['label']!r}, not one of {', '.join(known)}")
    return known[row["label"]]
