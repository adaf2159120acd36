"""Two readings of a CT in one scene: the same numbers as from their audit folders."""

import csv
import re

import numpy as np
import pytest
from mrml.test_result_tables import columns
from mrml.test_subject_hierarchy import hierarchy_of

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.compare_readings import compare_readings, comparison_table, unblind, write_comparison
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import exclude_level
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import set_midline


@pytest.fixture
def two_readings(start_reading, bodies):
    """Return two readings of the CT by two readers, the second slightly different, with their measurements."""
    first, second = start_reading("Reader A", case="c1"), start_reading("Reader B", case="c1")
    for level, midline_ras_mm in bodies.midlines_ras_mm.items():
        set_midline(second, level, np.add(midline_ras_mm, [[1.0, -0.5, 0.0], [0.5, 1.0, 0.0]]))
    return {reading: ReadingMeasurer(reading).measure() for reading in (first, second)}


def cohort_of_audits(folder, results) -> Cohort:
    audits = [export_reading(folder, reading, result) for reading, result in results.items()]
    table = folder / "cohort.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["case", "audit"], ["c1", ";".join(map(str, audits))]])
    return read_cohort(table)


def test_the_scene_and_the_audit_folders_give_the_same_means(two_readings, tmp_path):
    cohort = cohort_of_audits(tmp_path, two_readings)
    combined = compare_readings(two_readings)
    assert len(combined.hu) == 20
    assert {place: float(cohort.level_hu[place][0]) for place in combined.hu} == combined.hu
    for roi in ("round", "oval", "right", "front", "left"):
        assert combined.mean_hu(roi, 2) == cohort.mean_hu[roi][0]


def test_origin_exclusion_and_blinding_are_those_of_the_audit_folders(two_readings, tmp_path):
    _, second = two_readings
    exclude_level(second, "L2", "fracture")
    results = {reading: ReadingMeasurer(reading).measure() for reading in two_readings}
    combined = compare_readings(results)
    for ours, theirs in zip(combined.readings, cohort_of_audits(tmp_path, results).readings, strict=True):
        assert (ours.reader, ours.reading, ours.excluded) == (theirs.reader, theirs.reading, theirs.excluded)
        assert (ours.hu, ours.origins, ours.blinded) == (theirs.hu, theirs.origins, theirs.blinded)
    assert [reading.blinded for reading in combined.readings] == [True, False]
    assert combined.excluded_by_one == ("L2",)


def test_both_values_their_mean_and_difference_are_in_a_table_under_the_ct(ct_node, two_readings):
    node = write_comparison(ct_node, compare_readings(two_readings), 2)
    shown = columns(node)
    (first, second), results = two_readings, list(two_readings.values())
    assert list(shown)[2:6] == ["Reader A 1 (HU)", "Reader B 1 (HU)", "difference (HU)", "mean (HU)"]
    assert shown["roi"][:5] == ["round", "oval", "right", "front", "left"]
    for place in range(5):
        means = [result.summaries[place].mean_hu for result in results]
        assert float(shown["Reader A 1 (HU)"][place]) == pytest.approx(means[0], abs=0.051)
        assert float(shown["mean (HU)"][place]) == pytest.approx(np.mean(means), abs=0.051)
        assert float(shown["difference (HU)"][place]) == pytest.approx(means[0] - means[1], abs=0.051)
    hierarchy = hierarchy_of(ct_node.GetScene())
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == hierarchy.GetItemByDataNode(ct_node)
    assert (first.is_blinded, second.is_blinded) == (True, False)


def test_every_number_of_the_table_has_one_decimal_and_no_zero_is_negative(ct_node, two_readings):
    first = next(iter(two_readings))
    same = {reading: two_readings[first] for reading in two_readings}
    node = write_comparison(ct_node, compare_readings(same), 2)
    for title, cells in columns(node).items():
        if title.endswith("(HU)"):
            assert all(re.fullmatch(r"\d+\.\d", cell) for cell in cells), (title, cells)
    assert set(columns(node)["difference (HU)"]) == {"0.0"}


def test_a_second_comparison_fills_the_same_table(ct_node, two_readings):
    node = write_comparison(ct_node, compare_readings(two_readings), 2)
    assert write_comparison(ct_node, compare_readings(two_readings), 2) is node
    assert node.GetName().endswith(" (CT)")
    assert comparison_table(ct_node) is node


def test_one_reading_alone_is_nothing_to_compare(two_readings, start_reading):
    first, result = next(iter(two_readings.items()))
    empty = start_reading("Reader C", levels=())
    with pytest.raises(InputError, match="Fewer than two readings"):
        compare_readings({first: result, empty: ReadingMeasurer(empty).measure()})


def test_a_reader_who_saw_the_other_numbers_is_not_blinded_unless_signed_off(two_readings, start_reading):
    first, second = two_readings
    assert (unblind(first), first.is_blinded) == (True, False)
    assert unblind(first) is False
    assert unblind(second) is False


def test_a_signed_off_reading_stays_blinded(two_readings):
    first, _ = two_readings
    sign_off(first, "A", "2026-01-01")
    assert (unblind(first), first.is_blinded) == (False, True)
