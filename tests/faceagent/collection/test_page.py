"""The overview as a page: in every language, and no larger for a large collection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from faceagent.collection.lines import Line
from faceagent.collection.manifest import Collection
from faceagent.collection.overview import Overview, overview
from faceagent.collection.page import summary, to_html, write
from faceagent.collection.periods import Days, Period
from faceagent.collection.recurring import Cluster, Place, Recurring
from faceagent.messages import LANGUAGES
from faceagent.types import Evidence, Exhibit, ExhibitReport, Failure, Method, Probability, Verdict, VerdictKind

FOUND = Overview(
    title="Authenticity report",
    created="2026-01-02T03:04:05+00:00",
    purpose=None,
    files=20_000,
    done=19_999,
    verdicts={"signs_of_alteration": 1, "signs_of_synthesis": 0, "inconclusive": 1234, "no_sign_found": 2},
    copies=1,
    failures=3,
    periods=(Period(label="2024", files=3, suspicious=1), Period(label="2025", files=0, suspicious=0)),
)
RECURRING = Recurring(
    purpose="protection",
    faces=9,
    clusters=(
        Cluster(
            files=9,
            faces=tuple(Place(number=one, source=f"a/<i>{one}.jpg", face="face 1.1") for one in range(1, 10)),
        ),
    ),
)


def test_the_summary_in_english() -> None:
    assert summary(FOUND, RECURRING) == (
        "19,996 files were examined.",
        "One shows signs of alteration.",
        "1,234 are inconclusive.",
        "Two show no sign of alteration or of AI generation.",
        "One is byte for byte the same as an earlier one.",
        "Three files could not be examined.",
        "One file waits to be examined.",
        "One person seems to be in several files.",
    )


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_nothing_stays_english(language: str) -> None:
    english, theirs = summary(FOUND, RECURRING), summary(FOUND, RECURRING, language)
    assert not set(english) & set(theirs)
    assert any("1\u202f234" in text for text in theirs)
    page = to_html(FOUND, RECURRING, language)
    assert f'<html lang="{language}">' in page
    for heading in re.findall(r"<(?:h1|h2|th)\b[^>]*>([^<]+)<", to_html(FOUND, RECURRING)):
        if heading not in ("Verdict",) and re.search("[a-z]{3}", heading):
            assert f">{heading}<" not in page, heading


def test_names_are_harmless_and_addresses_are_no_links() -> None:
    hostile = (
        Place(number=1, source="javascript:alert(1)", face="face 1.1"),
        Place(number=2, source="s3://bucket/<b>.jpg", face="face 1.1"),
    )
    page = to_html(FOUND, Recurring(purpose="personal", faces=2, clusters=(Cluster(files=2, faces=hostile),)))
    assert "<b>.jpg" not in page
    assert re.findall(r'href="([a-z0-9]+):', page) == ["file"]


def test_of_many_files_some_are_named() -> None:
    page = to_html(FOUND, RECURRING)
    assert page.count("&lt;i&gt;") == 6
    assert "and 3 more" in page


def test_periods_are_as_fine_as_can_be_told_apart() -> None:
    today = date(2026, 6, 1)

    def periods(*days: str) -> tuple[Period, ...]:
        made = Days()
        for day in days:
            made.add(date.fromisoformat(day), day.endswith("9"))
        return made.periods(today)

    assert periods("2025-05-30", "2025-06-09", "2025-06-09")[-1] == Period(label="2025-06-09", files=2, suspicious=2)
    assert [one.files for one in periods("2025-05-30", "2025-06-01")] == [1, 0, 1]
    assert [one.label for one in periods("2024-11-30", "2025-02-01")] == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert [one.label for one in periods("2001-01-01", "2026-06-01")][::25] == ["2001", "2026"]
    assert periods("1970-01-01", "2099-01-01", "0001-01-01") == ()


def test_the_page_is_small_however_many_files_there_are(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("file\n" + "\n".join(f"{at}.jpg" for at in range(4_000)), encoding="utf-8")
    collection = Collection.begin(tmp_path / "out", [str(tmp_path / "list.csv")], shard=500)
    for shard in collection.all():
        made = (_line(number, source) for number, source in enumerate(shard.sources, shard.first))
        text = "".join(one.model_dump_json() + "\n" for one in made)
        collection.place.write(collection.name(shard.number), text.encode())
    found = overview(collection)
    assert (found.done, sum(found.verdicts.values()), found.failures) == (4_000, 3_960, 40)
    assert [one.label for one in found.periods] == [str(year) for year in range(2015, 2025)]
    write(collection, found)
    assert (tmp_path / "out" / "overview.html").stat().st_size < 150_000


_KINDS: Sequence[VerdictKind] = ("no_sign_found", "inconclusive", "signs_of_alteration", "signs_of_synthesis")
_METHOD = Method(name="made", version="1", licence="MIT")


def _line(number: int, source: str) -> Line:
    if number % 100 == 99:
        return Line(number=number, source=source, failure=Failure(name=source, message="It is made to fail."))
    exhibit = Exhibit(
        id="image 1",
        name=source,
        sha256=f"{number:064x}",
        bytes=1,
        format="JPEG",
        mode="RGB",
        stored_width=1,
        stored_height=1,
        width=1,
        height=1,
    )
    day = f"{2015 + number % 10}:{1 + number % 12:02}:{1 + number % 28:02} 12:00:00"
    probability = Probability(value=number / 4_000, event="made", calibrated_on="made", n=1)
    evidence = (
        Evidence(tool="a", subject="image 1", attribute="capture_record", details={"taken": day}, method=_METHOD),
        Evidence(tool="a", subject="face 1.1", attribute="forgery", probability=probability, method=_METHOD),
    )
    verdict = Verdict(kind=_KINDS[number % 4], headline="The photo shows signs of alteration.")
    report = ExhibitReport(exhibit=exhibit, verdict=verdict, findings=(), faces=(), evidence=evidence, steps=())
    return Line(number=number, source=source, report=report)
