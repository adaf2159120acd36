"""The panel's list of findings tells what the report tells, and leads to every level that it names."""

import re
from dataclasses import replace
from html import unescape

import pytest
from audit.readings import example_audit

from LumbarHULib.audit.report.words import grouped_findings, sentences_of
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.results import LevelRefusal
from LumbarHULib.panel.findings_list import findings_html


@pytest.fixture(scope="module")
def audit():
    return example_audit()


def paragraphs(audit, result) -> list[str]:
    html = findings_html(result, audit.protocol.protocol, audit.cutoffs.cutoffs)
    return re.findall(r"<p [^>]*>(.*?)</p>", html)


def text_of(html: str) -> str:
    return unescape(re.sub("<[^>]+>", "", html))


def links_of(html: str) -> list[str]:
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', html)
    assert all(where == shown for where, shown in links)
    return [where for where, _shown in links]


def with_findings(audit, *findings):
    bare = replace(audit.result, findings=findings, refusals=(), summaries=())
    levels = tuple(
        replace(level, findings=(), rois={roi: replace(of, findings=()) for roi, of in level.rois.items()})
        for level in bare.levels
    )
    return replace(bare, levels=levels)


def coarse(level, size):
    return Finding("coarse_pixels", f"Pixels of {size} mm: {level} is uncertain.", "Use another CT.", level=level)


def test_it_tells_the_sentences_of_the_report(audit):
    shown = "\n".join(map(text_of, paragraphs(audit, audit.result)))
    groups = grouped_findings(audit.result, audit.protocol.protocol, audit.cutoffs.cutoffs)
    assert len(groups) > 1
    for group in groups:
        for sentence in (*sentences_of(group), group[0].remedy):
            assert sentence in shown


def test_findings_of_one_kind_stand_together_and_each_of_their_levels_is_a_link(audit):
    found = coarse("L1", "3.00"), coarse("L2", "3.00"), coarse("L4", "2.00")
    (told,) = paragraphs(audit, with_findings(audit, *found))
    assert text_of(told) == (
        "▲ Pixels of 3.00 mm: L1 is uncertain. (Likewise L2.) Pixels of 2.00 mm: L4 is uncertain. Use another CT."
    )
    assert links_of(told) == ["L1", "L2", "L4"]


def test_a_level_that_its_sentence_does_not_name_stands_before_it(audit):
    (told,) = paragraphs(audit, with_findings(audit, Finding("odd", "The front leaves the bone.", level="L3")))
    assert text_of(told) == "▲ L3: The front leaves the bone."
    assert links_of(told) == ["L3"]


def test_why_a_level_gives_no_number_stands_first_unless_it_is_excluded(audit):
    refusals = LevelRefusal("L2", "The midline is short."), LevelRefusal("L4", "Metal.", excluded="metal")
    result = with_findings(
        audit, Finding("a_note", "One.", severity="note"), Finding("grave", "Two.", severity="severe")
    )
    told = paragraphs(audit, replace(result, refusals=refusals))
    assert [text_of(one) for one in told] == ["✖ L2: The midline is short.", "✖ Two.", "• One."]


def test_what_looks_like_markup_is_told_as_it_was_written(audit):
    (told,) = paragraphs(audit, with_findings(audit, Finding("odd", "Excluded as “<b>L1</b> & more”.")))
    assert text_of(told) == "▲ Excluded as “<b>L1</b> & more”."
