"""When the files of a collection say that they were taken: how many a day, month or year, and how many look forged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from faceagent.types import Frozen

_FIRST = date(1990, 1, 1)  # before that there were no files of cameras: such a date is a clock that was never set
_MOST = 48  # bars that can still be told apart


class Period(Frozen):
    """label: "2024-05-01", "2024-05" or "2024". suspicious: of the files, those with signs of alteration or of
    synthesis."""

    label: str
    files: int
    suspicious: int


class Days:
    """Counts files by the day on which they were taken."""

    def __init__(self) -> None:
        self._files: Counter[date] = Counter()
        self._suspicious: Counter[date] = Counter()

    def add(self, day: date, suspicious: bool) -> None:
        self._files[day] += 1
        self._suspicious[day] += suspicious

    def periods(self, today: date) -> tuple[Period, ...]:
        """All periods from the first to the last with a file, in the finest unit that gives no more than 48; days
        before 1990 and after tomorrow are left out."""
        days = [day for day in self._files if _FIRST <= day <= today + timedelta(days=1)]
        if not days:
            return ()
        for length in (10, 7, 4):  # of YYYY-MM-DD, YYYY-MM and YYYY
            labels = list(dict.fromkeys(day.isoformat()[:length] for day in _between(min(days), max(days))))
            if len(labels) <= _MOST or length == 4:
                break
        files, suspicious = _by(length, self._files, days), _by(length, self._suspicious, days)
        return tuple(Period(label=one, files=files[one], suspicious=suspicious[one]) for one in labels)


def _between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _by(length: int, counts: Counter[date], days: list[date]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for day in days:
        summed[day.isoformat()[:length]] += counts[day]
    return summed
