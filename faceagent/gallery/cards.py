"""A person's card: what is kept, sealed, beside the templates; and what of it the audit log may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from pydantic import JsonValue

from faceagent.gallery.records import Consent, Model, Person
from faceagent.gallery.store import Card


def written(name: str, consent: Consent, protected: bool, known: Card | None, today: date) -> dict[str, Any]:
    since = today.isoformat() if known is None else known["since"]
    return {
        "name": name if known is None else known["name"],
        "since": since,
        "protected": protected or bool(known and known["protected"]),
        "consent": {
            key: value.isoformat() if isinstance(value, date) else value for key, value in asdict(consent).items()
        },
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def read(person: int, card: Mapping[str, Any], templates: Mapping[Model, int]) -> Person:
    agreed = card["consent"]
    until = agreed["until"]
    consent = Consent(
        **agreed
        | {"given": date.fromisoformat(agreed["given"]), "until": None if until is None else date.fromisoformat(until)}
    )
    return Person(person, card["name"], date.fromisoformat(card["since"]), consent, card["protected"], templates)


def noted(consent: Consent) -> dict[str, JsonValue]:
    """Of a consent what the audit log may hold: no words, which may name somebody."""
    until = None if consent.until is None else consent.until.isoformat()
    return {"purpose": consent.purpose, "given": consent.given.isoformat(), "until": until, "sha256": consent.sha256}
