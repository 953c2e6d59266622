"""Folders whose files are held against the protected people of a gallery as they arrive.

`arrivals` finds what is new and complete, `check` makes alerts of what a tool finds, `ledger` remembers across
restarts what was checked and what is still to be sent, `webhook` sends it, `watch` is the loop.
"""

from __future__ import annotations

from faceagent.watch.check import Alert, Check
from faceagent.watch.ledger import Ledger
from faceagent.watch.watch import Told, Watch
from faceagent.watch.webhook import Webhook

__all__ = ["Alert", "Check", "Ledger", "Told", "Watch", "Webhook"]
