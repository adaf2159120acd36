"""Several readings of one CT: the mean of the readers' values, and both with their difference."""

import pytest

from LumbarHULib.cohort.cases import Reading
from LumbarHULib.cohort.combined_readings import combine, combined_table


def reading(reader, hu, number=1, excluded=(), origin="manual", blinded=True):
    """Return a reading of round alone; `hu` by level."""
    origins = dict.fromkeys(hu, origin)
    return Reading("c", reader, number, {(level, "round"): of for level, of in hu.items()}, origins, excluded, blinded)


def row(combined, level):
    table = combined_table(combined, 2)
    (found,) = table.records(level=level, roi="round")
    return found


def test_two_readers_give_the_mean_of_their_values_and_both_stay():
    combined = combine([reading("A", {"L1": 100.0, "L2": 90.0}), reading("B", {"L1": 110.0, "L2": 94.0})])
    assert combined.hu == {("L1", "round"): 105.0, ("L2", "round"): 92.0}
    found = row(combined, "L1")
    assert (found["A 1 (HU)"], found["B 1 (HU)"], found["mean (HU)"], found["difference (HU)"]) == (100, 110, 105, -10)
    found = row(combined, "L1–L4")
    assert (found["A 1 (HU)"], found["B 1 (HU)"], found["mean (HU)"], found["difference (HU)"]) == (95, 102, 98.5, -7)


def test_a_reader_who_read_twice_counts_once():
    combined = combine(
        [reading("A", {"L1": 100.0}), reading("A", {"L1": 104.0}, number=2), reading("B", {"L1": 110.0})]
    )
    assert combined.hu["L1", "round"] == (102 + 110) / 2
    assert row(combined, "L1")["difference (HU)"] == 10  # greatest less least


def test_a_level_that_one_excludes_is_left_out_of_every_mean():
    combined = combine(
        [
            reading("A", {"L1": 100.0, "L2": 90.0, "L3": 80.0}),
            reading("B", {"L1": 110.0, "L2": 94.0}, excluded=("L3", "L4")),
        ]
    )
    assert (combined.excluded, combined.excluded_by_one) == (("L3", "L4"), ("L3", "L4"))
    assert combined.mean_hu("round", 2) == (105 + 92) / 2
    assert combine([reading("A", {}, excluded=("L4",)), reading("B", {}, excluded=("L4",))]).excluded_by_one == ()


def test_a_level_missing_from_one_reading_is_reported_and_has_no_difference():
    combined = combine([reading("A", {"L1": 100.0, "L2": 90.0}), reading("B", {"L1": 110.0})])
    found = row(combined, "L2")
    assert (found["B 1 (HU)"], found["mean (HU)"], found["difference (HU)"]) == (None, 90.0, None)
    found = row(combined, "L1–L4")
    assert (found["A 1 (HU)"], found["mean (HU)"], found["difference (HU)"]) == (None, (105 + 90) / 2, None)


def test_a_mean_needs_as_many_levels_as_the_protocol_says():
    combined = combine([reading("A", {"L1": 100.0}), reading("B", {"L1": 110.0})])
    assert (combined.mean_hu("round", 2), combined.mean_hu("round", 1)) == (None, 105.0)


@pytest.mark.parametrize(
    ("second", "origin", "blinded"),
    [
        ({}, "manual", "blinded"),
        ({"origin": "proposal_accepted"}, "mixed", "blinded"),
        ({"blinded": False}, "manual", "mixed"),
        ({"blinded": None}, "manual", ""),
    ],
)
def test_origin_and_blinding_use_the_words_of_a_cohorts_splits(second, origin, blinded):
    found = row(
        combine([reading("A", {"L1": 1.0, "L2": 2.0}), reading("B", {"L1": 1.0, "L2": 2.0}, **second)]), "L1–L4"
    )
    assert (found["origin"], found["blinded"]) == (origin, blinded)
