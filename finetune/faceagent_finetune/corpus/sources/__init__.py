"""The sets that a recipe may name, one file each. "…_published" are those in the layout of their authors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent_finetune.corpus.labelled import Label, LeftOut, Row
from faceagent_finetune.corpus.sources import (
    affectnet,
    captions,
    celeba,
    deepfakebench,
    faceid6m,
    fairface,
    ferplus,
    forensics,
    lfw,
    unif2ace,
    utkface,
    vipbench,
)
from faceagent_finetune.corpus.sources.published import Folder, Opened
from faceagent_finetune.corpus.sources.self_blends import Blended
from faceagent_finetune.corpus.sources.table import LabelledTable, Table


@dataclass(frozen=True)
class Source:
    """One set. file: or folder, from the data folder, unless the recipe's [places] says otherwise. consent: what is
    known of whether the people shown agreed. origin: the set that its forged copies are made of.
    """

    file: str
    licence: str
    consent: str
    opener: Callable[[Path, Path], Opened]
    origin: str = ""

    def open(self, data: Path, place: str | None = None) -> Opened:
        """
        Raises:
            UsageError: it is not there. InputError: a column is missing. MissingExtra: pyarrow is not installed.
        """
        return self.opener(data, data / (place or self.file))


def _table(columns: Sequence[str], label: Callable[[str, Mapping[str, Any]], Label]) -> Callable[[Path, Path], Opened]:
    return lambda data, path: LabelledTable(Table(path, columns), label)


def _folder(read: Callable[[Path], Iterator[Row | LeftOut]]) -> Callable[[Path, Path], Opened]:
    return lambda data, path: Folder(path, read)


def _blended(name: str, base: Source) -> Source:
    """Its photos as they are and forged."""
    return Source(
        base.file, base.licence, base.consent, lambda data, path: Blended(base.opener(data, path), name, data), name
    )


_PLAIN: Mapping[str, Source] = {
    "fairface": Source(fairface.FILE, fairface.LICENCE, fairface.CONSENT, _table(fairface.COLUMNS, fairface.label)),
    "utkface": Source(utkface.FILE, utkface.LICENCE, utkface.CONSENT, _table(utkface.COLUMNS, utkface.label)),
    "celeba40": Source(celeba.FILE, celeba.LICENCE, celeba.CONSENT, _table(celeba.COLUMNS, celeba.label)),
    "ferplus": Source(ferplus.FILE, ferplus.LICENCE, ferplus.CONSENT, _table(ferplus.COLUMNS, ferplus.label)),
    "lfw": Source(
        lfw.FILE,
        lfw.LICENCE,
        lfw.CONSENT,
        lambda data, path: lfw.Pairs(Table(path, lfw.COLUMNS), path.parent / lfw.PAIRS),
    ),
    "dfdc_faces": Source(
        forensics.DFDC_FILE,
        forensics.DFDC_LICENCE,
        forensics.DFDC_CONSENT,
        _table(forensics.DFDC_COLUMNS, forensics.dfdc),
    ),
    "stylegan_ffhq": Source(
        forensics.STYLEGAN_FILE,
        forensics.STYLEGAN_LICENCE,
        forensics.STYLEGAN_CONSENT,
        _table(forensics.STYLEGAN_COLUMNS, forensics.stylegan),
    ),
    "fairface_published": Source("fairface", fairface.LICENCE, fairface.CONSENT, _folder(fairface.published)),
    "utkface_published": Source("utkface", utkface.LICENCE, utkface.CONSENT, _folder(utkface.published)),
    "celeba_published": Source("celeba", celeba.LICENCE, celeba.CONSENT, _folder(celeba.published)),
    "ferplus_published": Source(
        "ferplus", ferplus.LICENCE, ferplus.CONSENT, lambda data, path: ferplus.Published(path)
    ),
    "lfw_published": Source("lfw", lfw.LICENCE, lfw.CONSENT, lambda data, path: lfw.Published(path)),
    "affectnet": Source(affectnet.FOLDER, affectnet.LICENCE, affectnet.CONSENT, _folder(affectnet.published)),
    "facecaption15m": Source(
        captions.FACES, captions.LICENCE, captions.CONSENT, lambda data, path: captions.opened(path)
    ),
    "facecaptionhq": Source(
        captions.FACES_HQ, captions.LICENCE, captions.CONSENT, lambda data, path: captions.opened(path)
    ),
    "faceid6m": Source(faceid6m.FOLDER, faceid6m.LICENCE, faceid6m.CONSENT, _folder(faceid6m.published)),
    "unif2ace": Source(unif2ace.FOLDER, unif2ace.LICENCE, unif2ace.CONSENT, _folder(unif2ace.published)),
    "vipbench": Source(vipbench.FOLDER, vipbench.LICENCE, vipbench.CONSENT, _folder(vipbench.published)),
    "deepfakebench": Source(
        deepfakebench.FOLDER, deepfakebench.LICENCE, deepfakebench.CONSENT, _folder(deepfakebench.published)
    ),
}
SOURCES: Mapping[str, Source] = {
    **_PLAIN,
    **{
        f"{name}_blended": _blended(name, _PLAIN[name])
        for name in ("fairface", "fairface_published", "celeba_published")
    },
}
