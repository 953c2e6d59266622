"""The document behind page and paper: what is told once, what is linked, and which terms are explained."""

from __future__ import annotations

from collections.abc import Sequence

from fakes import fake_toolbox, method, photo

from faceagent.report import build_report, present
from faceagent.report.document import document, linked, together
from faceagent.report.glossary import terms
from faceagent.report.html import to_html
from faceagent.types import ClaimRole, Evidence, Report


def doubtful(*doubts: Sequence[str], role: ClaimRole = "doubt") -> Report:
    """A report of one exhibit for each list of doubts."""
    photos = [photo(f"{index}.jpg", seed=index) for index in range(len(doubts))]
    report = build_report(fake_toolbox(), photos, command="faceagent report")[0]
    exhibits = []
    for item, sentences in zip(report.exhibits, doubts, strict=True):
        base = item.verdict.claims[0]
        said = [base.model_copy(update={"sentence": one, "role": role}) for one in sentences]
        verdict = item.verdict.model_copy(update={"claims": (base, *said)})
        exhibits.append(item.model_copy(update={"verdict": verdict, "findings": ()}))
    return report.model_copy(update={"exhibits": tuple(exhibits)})


def test_a_doubt_that_half_of_the_exhibits_share_is_told_once() -> None:
    shown = document(doubtful(["Old.", "Mine."], ["Old."], ["Old."], ["Other."]), {})
    (shared,) = shown.shared
    assert (shared.letter, shared.sentence) == ("A", "Old.")
    assert shared.who == "3 of 4 exhibits: image 1, image 2, image 3"
    first, *_, last = shown.exhibits
    assert [claim.sentence for claim in first.doubts] == ["Mine."]
    assert [(letter, claim.evidence) for letter, claim in first.shared] == [
        ("A", first.answer and first.answer.evidence)
    ]
    assert [claim.sentence for claim in last.doubts] == ["Other."] and not last.shared


def test_few_exhibits_are_told_in_full() -> None:
    assert not document(doubtful(["Old."], ["Old."]), {}).shared
    assert not document(doubtful(*[["Old."]] * 3, *[[]] * 4), {}).shared
    assert document(doubtful(*[["Old."]] * 3), {}).shared[0].who == "All exhibits"


def test_reasons_in_a_row_on_the_same_evidence_cite_it_once() -> None:
    (item,) = document(doubtful(["It is so.", "It is thus."], role="reason"), {}).exhibits
    assert [claim.sentence for claim in item.reasons] == ["It is so. It is thus."]


def test_the_headline_of_a_single_exhibit_is_not_said_twice() -> None:
    report = build_report(fake_toolbox(), [photo("altered.jpg")], command="faceagent report")[0]
    assert report.exhibits[0].verdict.headline in report.summary
    assert document(report, {}).summary == report.summary[:1]


def test_exhibits_in_a_summary_are_links_and_names_of_files_are_not() -> None:
    line = "Two are: image 1 (“image 2.jpg”) and Video 12, not image 7."
    parts = linked(line, {"image 1": "image-1", "image 2": "image-2", "video 12": "video-12"})
    assert [part for part in parts if part[1]] == [
        ("image\N{NO-BREAK SPACE}1", "image-1"),
        ("Video\N{NO-BREAK SPACE}12", "video-12"),
    ]
    assert "".join(text for text, _ in parts) == together(line)


def test_numbers_stay_with_what_they_count() -> None:
    assert together("Of face 1.2, 14 % and image 3") == "Of face\xa01.2, 14\xa0% and image\xa03"


def test_only_terms_that_occur_are_explained() -> None:
    always = [term.name for term in terms(["Nothing special."])]
    assert always == ["e12, face 1.2", "SHA-256"]
    assert "Median" in [term.name for term in terms(["In the median of 43 frames."])]
    assert "Line" not in [term.name for term in terms(["An outline."])]


def test_what_methods_say_of_themselves_is_told_once_for_all_exhibits() -> None:
    report = build_report(fake_toolbox(), [photo("a.jpg"), photo("b.jpg", seed=1)], command="faceagent report")[0]
    row = report.exhibits[0].evidence[0].model_copy(update={"limitations": ("It errs.",)})
    exhibits = tuple(item.model_copy(update={"evidence": (row, *item.evidence)}) for item in report.exhibits)
    notes = document(report.model_copy(update={"exhibits": exhibits}), {}).notes
    assert [str(note.limits).count("It errs.") for note in notes if note.tool == row.tool] == [1]


def test_a_limitation_of_one_attribute_says_of_which() -> None:
    rows = [
        Evidence(id=f"e{i}", tool="t", subject="image 1", attribute=name, value=1, method=method("m"), limitations=said)
        for i, (name, said) in enumerate((("grain", ("It errs.", "All do.")), ("edges", ("All do.",))))
    ]
    (group,) = present.groups(rows)
    assert group.limitations == (("Grain", "It errs."), ("", "All do."))


def test_a_shared_doubt_is_linked_on_the_page() -> None:
    page = to_html(doubtful(["Old."], ["Old."], ["Old."]), {})
    assert page.count('href="#shared-A"') == 3 and page.count('id="shared-A"') == 1
    assert page.count("Old.") == 1
