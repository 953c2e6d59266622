"""The data sets that calibration tables speak of, as a reader knows them."""

from __future__ import annotations

_NAMES = {
    "dfdc_faces": "DFDC",
    "fairface": "FairFace",
    "ferplus": "FER+",
    "helen": "HELEN",
    "helen68": "HELEN",
    "lfw": "LFW",
    "lfw_images": "LFW",
    "stylegan_ffhq": "FFHQ",  # its authentic half; the others are forgeries
    "utkface": "UTKFace",
    "vip": "VIPBench",
    "vip_one_person": "VIPBench",
}
_VALIDATION = " val"
_GROUP = "Latino_Hispanic"


def data_set(name: str) -> str:
    """A name as tables have it ("lfw_images", "fairface val") in words; others stay as they are."""
    known = name.removesuffix(_VALIDATION)
    if known not in _NAMES:
        return name.replace(_GROUP, _GROUP.replace("_", " or "))
    return _NAMES[known] if known == name else f"the validation photos of {_NAMES[known]}"
