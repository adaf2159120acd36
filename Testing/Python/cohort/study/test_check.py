import copy

import numpy as np
import pytest

from LumbarHULib.cohort.study.check import check_study
from LumbarHULib.cohort.study.printed_numbers import counts_that_print_as, largest_area
from LumbarHULib.cohort.study.tables import study_tables
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS

LSC_HU = 16.0


@pytest.fixture(scope="module")
def checks(tables):
    return check_study(tables, LSC_HU)


def contradictions(checks, note):
    return {check.what: check.derived for check in checks if check.note == note and not check.agrees}


def test_every_count_that_prints_as_a_percentage_is_found():
    for total in (27, 33, 67, 73):
        for tenths in range(0, 1001, 7):
            expected = tuple(n for n in range(total + 1) if abs(1000 * n / total - tenths) <= 0.5)
            assert counts_that_print_as(tenths / 10, total) == expected


def test_no_roc_curve_has_a_larger_area_than_its_index_allows():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        steps = rng.permutation(np.repeat([0, 1], rng.integers(1, 30, 2)))
        rise, run = np.cumsum(steps) / steps.sum(), np.cumsum(1 - steps) / (1 - steps).sum()
        area = float(np.sum(rise * (1 - steps))) / (1 - steps).sum()
        youden = max(0.0, float((rise - run).max()))
        assert area <= largest_area(youden) + 1e-12


def test_note_1_the_columns_count_those_without_and_with_the_disease(checks):
    reported = contradictions(checks, 1)
    assert set(reported) == {f"Table 3, {roi}, {target}" for roi in ROIS for target in ("osteoporosis", "low_bmd")} - {
        "Table 3, left, low_bmd"
    }
    counts = {what: sentence.split("these are ")[1].split(" of ")[0] for what, sentence in reported.items()}
    assert counts["Table 3, round, osteoporosis"] == "58/73 and 22/27"
    assert counts["Table 3, oval, osteoporosis"] == "56/73 and 22/27"
    assert counts["Table 3, right, osteoporosis"] == "51/73 and 25/27"
    assert counts["Table 3, left, osteoporosis"] == "51/73 and 24/27"
    assert counts["Table 3, round, low_bmd"] == "28/33 and 49/67"


def test_note_2_the_rights_specificity_is_another_in_the_text(checks):
    (reported,) = contradictions(checks, 2).items()
    assert reported[0] == "specificity_percent of right, osteoporosis"
    assert "the text's gives 0.556, which does not fit and the table's gives 0.625, which fits" in reported[1]


def test_note_3_the_lefts_index_does_not_follow_from_its_row(checks):
    assert contradictions(checks, 3) == {"Table 3, left, osteoporosis, index": "69.9 + 88.9 − 100 gives 0.588"}


def test_note_4_the_ovals_index_and_the_range_do_not_follow_from_the_table(checks):
    reported = contradictions(checks, 4)
    assert reported.pop("Table 3, oval, low_bmd, index") == "90.9 + 76.1 − 100 gives 0.670"
    assert list(reported) == [f"Range of the low_bmd cutoffs, study, {place}" for place in ("abstract", "Results")]
    assert set(reported.values()) == {"Table 3 has 97.13 (oval) to 125 HU (left)"}


def test_note_5_the_lefts_exclusion_row_and_area_belong_to_another_split(checks):
    reported = contradictions(checks, 5)
    assert reported["Table 3, left, low_bmd"].startswith("no counts of 67 and 33; nearest are 24/27 and 65/73")
    assert set(reported) == {"Table 3, left, low_bmd", "Area under the curve of left, osteoporosis"}


def test_note_6_the_median_patient_with_osteopenia_is_normal_by_two_regions(checks):
    reported = contradictions(checks, 6)
    assert set(reported) == {"Median of oval in osteopenia", "Median of right in osteopenia"}
    assert "it is normal; the cutoffs are 5.5 HU apart, less than" in reported["Median of oval in osteopenia"]
    assert "it is normal; the cutoffs are 1.25 HU apart, less than" in reported["Median of right in osteopenia"]


def test_note_7_the_range_in_the_discussion_and_the_name_of_the_index_differ(checks):
    reported = contradictions(checks, 7)
    assert set(reported) == {"Range of the osteoporosis cutoffs, study, Discussion", "Table 3, name of the index"}


def test_note_8_a_cell_is_printed_twice_and_a_quartile_is_above_all_its_levels(checks):
    assert contradictions(checks, 8) == {
        "Table 2, bmd, normal, by level": "L3 and L4 are the same to the digit",
        "Table 2, front, osteoporosis, L1–L4": "the first quartile is outside the levels' own (38, 40, 24, 22)",
    }


def test_beyond_the_notes_the_bmd_of_osteopenia_differs_between_two_tables(checks):
    assert list(contradictions(checks, 0)) == ["BMD of L1–L4, osteopenia"]


def test_agreements_are_reported_as_well(checks):
    agreeing = {check.what for check in checks if check.agrees}
    assert {"Patients, male", "Kruskal–Wallis between regions", "Table 3, round, osteoporosis, cutoff"} <= agreeing
    assert all(check.sentence.endswith(".") for check in checks)
    assert [check.note for check in checks if check.note] == sorted(check.note for check in checks if check.note)


def test_a_table_set_right_has_no_contradiction_left(study_files):
    files = copy.deepcopy({name: study_files[name] for name in ("table_1", "table_2", "table_3", "text")})
    left = next(row for row in files["table_3"]["rows"] if (row["roi"], row["target"]) == ("left", "osteoporosis"))
    left["youden"] = 0.59
    left["sensitivity_percent"], left["specificity_percent"] = 88.9, 69.9
    checks = check_study(study_tables(*files.values()), LSC_HU)
    assert not contradictions(checks, 3)
    assert "Table 3, left, osteoporosis" not in contradictions(checks, 1)


def test_a_table_with_a_gap_is_refused(study_files):
    files = copy.deepcopy({name: study_files[name] for name in ("table_1", "table_2", "table_3", "text")})
    del files["table_2"]["rows"][3]
    with pytest.raises(InputError, match="Table 2 lacks right at L1"):
        study_tables(*files.values())
    with pytest.raises(InputError, match="use the files that come with LumbarHU"):
        study_tables({}, {}, {}, {})


def test_a_least_significant_change_of_nothing_is_refused(tables):
    with pytest.raises(InputError, match="more than 0 HU"):
        check_study(tables, 0)
