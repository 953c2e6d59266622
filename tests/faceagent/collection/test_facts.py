"""What a table or a curve shows of one report."""

from __future__ import annotations

from datetime import datetime

import pytest

from faceagent.collection import facts
from faceagent.types import Evidence, ExhibitReport, Method


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2024:05:06 07:08:09", datetime(2024, 5, 6, 7, 8, 9)),
        ("2024-05-06T07:08:09+0200", datetime(2024, 5, 6, 7, 8, 9)),  # as the videos of phones say it
        ("2024-05-06T07:08:09.5Z", datetime(2024, 5, 6, 7, 8, 9)),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_when_a_file_says_that_it_was_taken(told: str | None, moment: datetime | None) -> None:
    record = Evidence(
        tool="inspect_file",
        subject="image 1",
        attribute="capture_record",
        details={} if told is None else {"taken": told},
        method=Method(name="made", version="1", licence="MIT"),
    )
    assert facts.taken(ExhibitReport.model_construct(evidence=(record,))) == moment
