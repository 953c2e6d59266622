"""The gallery: enrolled people, encrypted in one folder, and who of them a face resembles.

>>> from pathlib import Path
>>> from faceagent.gallery import Gallery, Key
>>> key = Key.of_file(Path("gallery.key"), create=True)  # doctest: +SKIP
>>> gallery = Gallery.open("gallery", key, create=True)  # doctest: +SKIP

`records` has what goes in and out, `keys` where the key comes from, `sealing` the encryption, `database` and `store`
the SQLite file and its rows, `index` and `lance` the search, `indexes` keeps them in step with the store, `erasure` is
the proof that nothing is left. No pixels are read here and no network runs: whoever enrols hands in templates.
"""

from __future__ import annotations

from faceagent.gallery.gallery import Gallery
from faceagent.gallery.keys import Key
from faceagent.gallery.records import Consent, Enrolment, Forgotten, Hit, Model, Person, Reembedded, Template

__all__ = ["Consent", "Enrolment", "Forgotten", "Gallery", "Hit", "Key", "Model", "Person", "Reembedded", "Template"]
