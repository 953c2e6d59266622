"""A person's entry in the clear, for that person: what GDPR art. 15 and 20 entitle to."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

from faceagent.errors import GalleryError, UsageError
from faceagent.gallery.gallery import Gallery


def export(gallery: Gallery, name: str, folder: Path) -> list[Path]:
    """Write everything that is stored about a person: person.json and a PNG of each face.

    Args:
        folder: made, for its owner alone; must not exist yet.

    Returns:
        The files written.

    Raises:
        GalleryError: nobody has that name.
        UsageError: the folder exists already, or cannot be written.
    """
    person = gallery.person(name)
    if person is None:
        raise GalleryError(f"Nobody called “{name}” is enrolled", "See who is: faceagent gallery list")
    templates = gallery.templates(name)
    known = {
        "name": person.name,
        "since": person.since,
        "protected": person.protected,
        "consent": asdict(person.consent),
        "templates": [
            {
                "model": str(one.model),
                "photo_sha256": one.photo_sha256,
                "quality": dict(one.quality),
                "face": f"face-{number}.png",
                "vector": one.vector.tolist(),
            }
            for number, one in enumerate(templates, start=1)
        ],
    }
    faces = {folder / f"face-{number}.png": one.crop for number, one in enumerate(templates, start=1)}
    files = {folder / "person.json": json.dumps(known, indent=1, default=_day, ensure_ascii=False).encode(), **faces}
    try:
        folder.mkdir(mode=0o700, parents=True)
        for path, data in files.items():
            path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"The export cannot be written to {folder} ({error.strerror})", "Name a new folder") from error
    gallery.audit.append("exported", {"person": person.id, "templates": len(templates)})
    return list(files)


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
