"""A model file of `weights` as one of a tool's backends."""

from __future__ import annotations

from functools import partial

from faceagent.tool import Backend
from faceagent_tools import weights


def backend(name: str, tool: str, *, chosen: bool = False) -> Backend:
    """Embedded where the file comes with the package or one that it requires, else published and to be fetched."""
    row = weights.row(name)
    here, embedded = weights.find(name) is not None, row.shipped or row.packaged is not None
    return Backend(
        tool,
        weights.method(name),
        "embedded" if embedded else "published",
        here=here,
        chosen=chosen,
        size=row.size,
        how=None if here else weights.command(name),
        fetch=None if embedded else partial(weights.fetch, name),
    )
