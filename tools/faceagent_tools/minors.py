"""Whether a face looks like a child's, and what is withheld then (`faceagent.policy`, docs/decisions/0029)."""

from __future__ import annotations

from faceagent import policy
from faceagent_tools.multitask import Reading


def looks_minor(reading: Reading) -> bool:
    """Whether the age that a face looks lies below the line of the policy."""
    return reading.age < policy.age_line()


def withheld(reading: Reading | str, topic: str, purpose: str | None) -> str | None:
    """Why a topic is not told of a face; None where it is.

    Args:
        reading: of the face, or why there is none: then nothing is known of its age, and nothing withheld for it.

    Raises:
        UsageError: there is no such purpose.
    """
    if isinstance(reading, str) or not looks_minor(reading):
        return None
    return policy.withheld_from_minors(topic, purpose)
