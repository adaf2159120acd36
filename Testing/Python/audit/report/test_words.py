from dataclasses import replace

import pytest
from audit.readings import example_audit

from LumbarHULib.audit.report.words import findings_of_level, grouped_findings, number_text, sentences_of
from LumbarHULib.core.findings import Finding


def coarse(level: str, size: str = "3.00", **fields) -> Finding:
    return Finding(
        "coarse_pixels", f"Pixels of {size} mm: {level} is uncertain.", "Use another.", level=level, **fields
    )


def test_findings_that_differ_only_in_level_are_shown_once():
    assert sentences_of([coarse("L1"), coarse("L2"), coarse("L4")]) == [
        "Pixels of 3.00 mm: L1 is uncertain. (Likewise L2, L4.)"
    ]


def test_findings_with_different_numbers_are_shown_separately():
    assert len(sentences_of([coarse("L1"), coarse("L2", "2.00"), coarse("L3")])) == 2


def grouped(audit, result, **options):
    return grouped_findings(result, audit.protocol.protocol.patient, audit.cutoffs.cutoffs, **options)


def patch(roi: str, difference: int) -> Finding:
    sentence = f"In the {roi} ROI of L1 a patch is {difference:+} HU off."
    return Finding("uneven_bone", sentence, "Look there.", level="L1", roi=roi)


def test_one_patch_in_two_regions_is_shown_once():
    assert sentences_of([patch("round", 200), patch("oval", 200), patch("front", 210)]) == [
        "In the round ROI of L1 a patch is +200 HU off. (Likewise L1 oval.)",
        "In the front ROI of L1 a patch is +210 HU off.",
    ]


def test_of_many_findings_of_one_kind_the_last_are_shown_only_by_location():
    sentences = sentences_of([coarse(f"L{n}", f"{n}.00") for n in range(1, 6)])
    assert len(sentences) == 4
    assert sentences[-1] == "Also at L4, L5, with other values."


def test_notes_of_levels_can_be_left_out_but_not_those_of_the_reading():
    audit = example_audit()
    noted = replace(audit.result.levels[0], findings=(Finding("of_level", "One.", severity="note", level="L1"),))
    found = (Finding("of_reading", "Two.", severity="note"),)
    result = replace(audit.result, levels=(noted, *audit.result.levels[1:]), findings=found)
    groups = grouped(audit, result, notes_of_levels=False)
    codes = {group[0].code for group in groups}
    assert "of_reading" in codes
    assert "of_level" not in codes


def test_of_two_findings_of_one_kind_on_a_level_the_graver_one_counts():
    audit = example_audit()
    found = (coarse("L1", severity="note"), coarse("L2"), coarse("L1", "9.00", severity="severe"), patch("oval", 200))
    bare = [replace(level, findings=(), rois={}) for level in audit.result.levels]
    result = replace(audit.result, levels=(replace(bare[0], findings=found), *bare[1:]), findings=(), summaries=())
    assert findings_of_level(result, "L1") == [found[2], found[3]]


def test_the_most_severe_findings_come_first_and_those_in_a_table_are_omitted():
    audit = example_audit()
    found = (
        Finding("a_note", "One.", severity="note"),
        Finding("within_measurement_error", "In the table."),
        Finding("grave", "Two.", severity="severe"),
    )
    groups = grouped(audit, replace(audit.result, findings=found))
    codes = [group[0].code for group in groups]
    assert codes[0] == "grave"
    assert codes[-1] == "a_note"
    assert "within_measurement_error" not in codes


def test_missing_levels_are_shown_once_for_the_five_regions():
    audit = example_audit()
    groups = [group for group in grouped(audit, audit.result) if group[0].code == "levels_missing"]
    assert len(groups) == 1
    assert "without L2 (fracture, old), L4 (not measured)" in groups[0][0].sentence


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (None, 1, "", "–"),
        (-0.04, 1, "", "0.0"),
        (-8.25, 1, "+", "−8.2"),
        (11.76, 1, "+", "+11.8"),
        (110.875, 0, "", "111"),
    ],
)
def test_numbers_have_a_true_minus_sign_and_no_negative_zero(value, digits, sign, text):
    assert number_text(value, digits, sign) == text
