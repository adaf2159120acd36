"""The panel's list of findings: a short line for each, the report's sentences behind it, a way to every level."""

import re
from dataclasses import replace
from html import unescape

import pytest
from audit.readings import example_audit

from LumbarHULib.audit.report.numbers import single_measurement_error_hu
from LumbarHULib.audit.report.words import grouped_findings, sentences_of
from LumbarHULib.core.findings import MEANINGS, Finding
from LumbarHULib.core.results import LevelRefusal
from LumbarHULib.panel.finding_titles import finding_title
from LumbarHULib.panel.findings_list import FOLDED, finding_lines, findings_html, severity_counts

MOST_WORDS = 6


@pytest.fixture(scope="module")
def audit():
    return example_audit()


def lines_of(audit, result):
    return finding_lines(result, audit.protocol.protocol.patient, audit.cutoffs.cutoffs)


def paragraphs(audit, result, is_open=True) -> list[str]:
    lines = lines_of(audit, result)
    html = findings_html(lines, {FOLDED, *(line.key for line in lines)} if is_open else ())
    return [text_of(one) for one in re.findall(r"<p [^>]*>(.*?)</p>", html)]


def text_of(html: str) -> str:
    return unescape(re.sub("<[^>]+>", "", html))


def with_findings(audit, *findings):
    bare = replace(audit.result, findings=findings, refusals=(), summaries=())
    levels = tuple(
        replace(level, findings=(), rois={roi: replace(of, findings=()) for roi, of in level.rois.items()})
        for level in bare.levels
    )
    return replace(bare, levels=levels)


def coarse(level, size):
    return Finding("coarse_pixels", f"Pixels of {size} mm: {level} is uncertain.", "Use another CT.", level=level)


def test_every_finding_has_a_title_of_a_few_words():
    titles = {code: finding_title(code) for code in MEANINGS}
    assert {code: title for code, title in titles.items() if not 1 <= len(title.split()) <= MOST_WORDS} == {}
    assert len(set(titles.values())) == len(titles)


def test_details_hold_the_sentences_of_the_report(audit):
    shown = "\n".join(paragraphs(audit, audit.result))
    groups = grouped_findings(audit.result, audit.protocol.protocol.patient, audit.cutoffs.cutoffs)
    assert len(groups) > 1
    for group in groups:
        for sentence in (*sentences_of(group), group[0].remedy):
            assert sentence in shown


def test_a_finding_is_one_line_until_it_is_opened(audit):
    result = with_findings(audit, Finding("midline_off_center", "L3: 4 mm off the middle.", "Move it.", level="L3"))
    assert paragraphs(audit, result, is_open=False) == ["Check", "▲ L3 ▸ midline off the middle"]
    assert paragraphs(audit, result) == ["Check", "▲ L3 ▾ midline off the middle", "L3: 4 mm off the middle. Move it."]


def test_findings_of_one_kind_are_one_line_and_each_of_their_levels_is_a_link(audit):
    found = coarse("L1", "3.00"), coarse("L2", "3.00"), coarse("L4", "2.00")
    (line,) = lines_of(audit, with_findings(audit, *found))
    assert line.levels == ("L1", "L2", "L4")
    html = findings_html([line], {FOLDED, line.key})
    for level in line.levels:
        assert f'<a href="{level}">{level}</a>' in html
    assert "Pixels of 3.00 mm: L1 is uncertain. (Likewise L2.) Pixels of 2.00 mm: L4 is uncertain." in text_of(html)


def test_what_a_reading_cannot_change_is_folded_unless_it_is_severe(audit):
    result = with_findings(
        audit,
        Finding("slices_thick", "Slices of 5 mm.", "Use thinner ones."),
        Finding("contrast_medium", "With contrast medium.", severity="severe"),
        Finding("too_few_levels", "One level is measured."),
    )
    lines = {line.title: line.can_be_acted_on for line in lines_of(audit, result)}
    assert lines["thick slices"] is False
    assert lines["contrast medium"] is lines["too few levels for a class"] is True
    assert paragraphs(audit, result, is_open=False)[-1] == "▸ 1 about the scan itself"


def test_why_a_level_gives_no_number_comes_first_unless_it_is_excluded(audit):
    refusals = LevelRefusal("L2", "The midline is short."), LevelRefusal("L4", "Metal.", excluded="metal")
    result = with_findings(
        audit, Finding("level_a", "One.", severity="note"), Finding("level_b", "Two.", severity="severe")
    )
    lines = lines_of(audit, replace(result, refusals=refusals))
    assert [(line.levels, line.sentence) for line in lines] == [
        (("L2",), "The midline is short."),
        ((), "Two."),
        ((), "One."),
    ]
    assert severity_counts(lines) == {"severe": 2, "warning": 0, "note": 1}


def test_what_looks_like_markup_is_shown_as_it_was_written(audit):
    shown = paragraphs(audit, with_findings(audit, Finding("odd", "Excluded as “<b>L1</b> & more”.")))
    assert shown == ["Check", "▲ ▾ odd", "Excluded as “<b>L1</b> & more”."]


def test_a_midline_off_mid_height_is_moved_by_a_link_while_the_reading_may_change(audit):
    result = with_findings(audit, Finding("mid_slice_off_middle", "L3 is 6 mm above.", "Move it.", level="L3"))
    lines = lines_of(audit, result)
    link = '<a href="move L3">Move L3 to mid-height</a>'
    opened = {line.key for line in lines}
    assert link in findings_html(lines, opened)
    assert link not in findings_html(lines, opened, may_change=False)


def between_slices(level, stated):
    return Finding("mid_slice_ambiguous", f"In that slice, the means differ by {stated} HU.", "Choose.", level=level)


def test_a_middle_between_two_slices_states_the_greatest_difference_beyond_the_error(audit):
    error_hu = single_measurement_error_hu(audit.protocol.protocol.patient)
    assert 2 < error_hu < 20
    far, near = "round -5.3, oval +1.0, front -42.4", "round -0.4, oval +1.9"
    for findings, title in (
        ([between_slices("L3", far)], "mid-height is between two slices; the other differs by −42 HU"),
        ([between_slices("L3", near)], "middle is between two slices"),
        (
            [between_slices("L2", near), between_slices("L3", far)],
            "mid-height is between two slices; the other differs by −42 HU (L3)",
        ),
        (
            [between_slices("L3", far), between_slices("L4", "oval +20.2, left -3.0")],
            "mid-height is between two slices; the other differs by −42 HU (L3), +20 HU (L4)",
        ),
        (
            [Finding("mid_slice_ambiguous", "In that slice, the level cannot be measured.", level="L1")],
            "middle is between two slices",
        ),
    ):
        (line,) = lines_of(audit, with_findings(audit, *findings))
        assert line.title == title
        assert all(finding.level in line.levels for finding in findings)


def test_only_what_leaves_a_mean_without_a_class_is_said_to_block_it(audit):
    severe = [
        Finding("changed_after_sign_off", "Changed.", severity="severe"),
        Finding("walls_disagree", "Far off.", level="L2", severity="severe"),
        Finding("contrast_medium", "With contrast medium.", severity="severe"),
        Finding("implausible_mean", "Too high.", severity="severe", roi="front"),
        Finding("too_few_levels", "One level is measured."),
    ]
    lines = lines_of(audit, with_findings(audit, *severe))
    groups = {line.title: line.group for line in lines}
    assert groups == {
        "changed after sign-off": "Severe",
        "walls above and below disagree": "Severe",
        "contrast medium": "Blocks the class",
        "mean unlike trabecular bone": "Blocks the class",
        "too few levels for a class": "Blocks the class",
    }
    shown = paragraphs(audit, with_findings(audit, *severe), is_open=False)
    assert [one for one in shown if one in {*groups.values()}] == ["Blocks the class", "Severe"]


def test_in_a_few_words_only_the_levels_are_named_of_which_a_finding_is_gravest(audit):
    far = Finding("mid_slice_off_middle", "L3 is 12 mm below.", "Move it.", "severe", "L3")
    near = Finding("mid_slice_off_middle", "L4 is 5 mm below.", "Move it.", "warning", "L4")
    (line,) = lines_of(audit, with_findings(audit, near, far))
    assert (line.levels, line.words) == (("L4", "L3"), "L3: mid-slice off mid-height")


def test_what_is_accepted_off_protocol_blocks_no_class(audit):
    assert {summary.class_name for summary in audit.result.summaries} - {"not_classified"}
    result = replace(audit.result, findings=(Finding("contrast_medium", "With contrast medium.", severity="severe"),))
    (group,) = {line.group for line in lines_of(audit, result) if line.title == "contrast medium"}
    assert group == "Severe"


def test_the_count_of_findings_unfolds_the_list_and_lets_it_stand_out(driver):
    ui = driver.ui
    driver.start_reading()
    driver.place(["L1"])
    scan = Finding("coarse_pixels", "Pixels of 3 mm.", "Use another CT.")
    driver.session.result = replace(driver.session.result, findings=(scan,))
    driver.session.tell()
    assert f'href="{FOLDED}">▸' in ui.huFindingsLabel.text
    assert not ui.huFindingsLabel.autoFillBackground
    ui.huFindingsButton.click()
    assert f'href="{FOLDED}">▾' in ui.huFindingsLabel.text
    assert "coarse pixels" in ui.huFindingsLabel.text
    assert ui.huFindingsLabel.autoFillBackground
