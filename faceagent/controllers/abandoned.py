"""Whether anybody still waits for the turn that a controller is making."""

from __future__ import annotations

import threading
from contextvars import ContextVar

# Outside an agent somebody always waits: nobody sets the default.
ABANDONED: ContextVar[threading.Event] = ContextVar("ABANDONED", default=threading.Event())  # noqa: B039
"""Set once nobody does. To be looked up in the thread in which a turn is asked for."""
