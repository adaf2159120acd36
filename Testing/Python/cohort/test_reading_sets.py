"""Comparisons of readings: between which readers, over which levels, and in which parts."""

import numpy as np
import pytest

from LumbarHULib.cohort.agreement import bland_altman, intraclass_correlations, repeatability
from LumbarHULib.cohort.agreement_tables import agreement_table, proportional_biases, readings_table
from LumbarHULib.cohort.cases import Cohort, Reading
from LumbarHULib.cohort.reading_sets import BETWEEN, WITHIN, reading_sets
from LumbarHULib.cohort.tables import Omissions
from LumbarHULib.core.levels import MEAN_LEVELS


def reading(case: str, reader: str, number: int = 1, hu: float = 100.0, origin: str = "manual", **named) -> Reading:
    levels = named.pop("levels", MEAN_LEVELS)
    values = {(level, "round"): hu + 10 * index for index, level in enumerate(levels)}
    return Reading(case, reader, number, values, dict.fromkeys(levels, origin), **named)


def cohort_of(readings: list[Reading]) -> Cohort:
    cases = tuple(dict.fromkeys(one.case for one in readings))
    return Cohort("c", cases, {}, ("",) * len(cases), readings=readings, lsc_factor=2.77)


def table_of(readings: list[Reading]):
    omissions = Omissions()
    return agreement_table(cohort_of(readings), omissions), [": ".join(row[:3]) for row in omissions.table().rows]


def two_readers(cases: int, origin=lambda case: "manual", **named) -> list[Reading]:
    rng = np.random.default_rng(5)
    middles = rng.normal(120, 40, cases)
    return [
        reading(f"c{case}", reader, hu=middles[case] + rng.normal(0, 4), origin=origin(case), **named)
        for case in range(cases)
        for reader in "AB"
    ]


def test_two_readers_are_compared_by_their_first_readings_and_each_with_their_own():
    readings = [*two_readers(4), *(reading(f"c{case}", "A", 2, 90 + case) for case in range(3))]
    between, within = reading_sets(readings)
    assert (between.kind, between.names, len(between.cases)) == (BETWEEN, ("A", "B"), 4)
    assert all(one.reading == 1 for own in between.cases for one in own)
    assert (within.kind, within.names, len(within.cases)) == (WITHIN, ("A 1", "A 2"), 3)


def test_three_readers_are_compared_all_together_and_in_pairs():
    readings = [reading(f"c{case}", reader, hu=100 + case) for case in range(4) for reader in "ABC"]
    readings = [one for one in readings if (one.case, one.reader) != ("c3", "C")]
    sets = {found.names: (len(found.cases), found.left_out) for found in reading_sets(readings)}
    assert sets == {("A", "B", "C"): (3, 1), ("A", "B"): (4, 0), ("A", "C"): (3, 1), ("B", "C"): (3, 1)}


def test_a_reader_with_a_third_reading_of_few_cases_is_compared_by_two():
    readings = [reading(f"c{case}", "A", number) for case in range(4) for number in (1, 2)]
    readings += [reading(f"c{case}", "A", 3) for case in range(2)]
    (within,) = reading_sets(readings)
    assert within.names == ("A 1", "A 2")
    assert len(within.cases) == 4


def test_means_are_compared_over_the_levels_that_both_have():
    readings = [reading("c", "A", hu=100), reading("c", "B", hu=100, levels=MEAN_LEVELS[:3])]
    (found,) = reading_sets(readings)
    assert found.values("L1–L4", "round", 2).ravel().tolist() == [110, 110]
    assert np.isnan(found.values("L1–L4", "round", 4)).all()
    assert np.isnan(found.values("L4", "round", 2)).tolist() == [[False], [True]]


def test_agreement_is_split_by_the_midlines_origin():
    origins = {0: "manual", 1: "proposal_accepted", 2: "proposal_corrected"}
    readings = two_readers(15, origin=lambda case: origins[case % 3])
    table, _ = table_of(readings)
    rows = list(table.records(level="L1–L4", roi="round"))
    assert {row["split"]: row["n"] for row in rows} == {"all": 15, **dict.fromkeys(origins.values(), 5)}
    (accepted,) = table.records(level="L1–L4", roi="round", split="proposal_accepted")
    chosen = [one for one in readings if one.origins["L1"] == "proposal_accepted"]
    values = [[np.mean(list(one.hu.values())) for one in chosen if one.reader == reader] for reader in "AB"]
    assert accepted["icc_2_1"] == pytest.approx(intraclass_correlations(values).icc_2_1.estimate)
    assert accepted["bias_hu"] == pytest.approx(bland_altman(*values).bias.estimate)
    assert accepted["lsc_hu"] == pytest.approx(2.77 * repeatability(values).rms_sd.estimate)


def test_agreement_is_split_by_blinding_and_mixed_pairs_are_so_named():
    readings = [*two_readers(4, blinded=True)]
    readings += [
        reading(f"d{case}", reader, hu=100 + 7 * case, blinded=reader == "A") for case in range(4) for reader in "AB"
    ]
    table, _ = table_of(readings)
    assert {row["split"]: row["n"] for row in table.records(level="L1")} == {"all": 8, "blinded": 4, "mixed": 4}


def test_without_origin_and_blinding_there_is_no_split():
    table, _ = table_of(two_readers(5, origin=lambda case: ""))
    assert {row["split"] for row in table.records()} == {"all"}


def test_parts_with_too_few_cases_are_left_out_by_name():
    table, reported = table_of(two_readers(5, origin=lambda case: "manual" if case else "proposal_accepted"))
    assert "proposal_accepted" not in {row["split"] for row in table.records()}
    assert any("between readers A, B, proposal_accepted" in sentence for sentence in reported)


def test_two_cases_have_a_precision_error_and_no_limits():
    table, reported = table_of(two_readers(2))
    (row,) = table.records(level="L1", roi="round")
    assert row["rms_sd_hu"] > 0
    assert (row["icc_2_1"], row["bias_hu"]) == (None, None)
    assert any("ICC of round of L1" in sentence for sentence in reported)


def test_three_readings_at_once_have_no_bias():
    rng = np.random.default_rng(2)
    readings = [
        reading(f"c{case}", reader, hu=100 + 20 * case + rng.normal(0, 3)) for case in range(5) for reader in "ABC"
    ]
    table, _ = table_of(readings)
    (row,) = table.records(readers="A;B;C", level="L1")
    assert row["icc_3_1"] > 0.9
    assert row["bias_hu"] is None
    assert len(list(table.records(level="L1"))) == 4


def test_both_readings_stay_in_a_table_with_their_mean_and_difference():
    readings = [reading("c", "A", hu=100), reading("c", "B", hu=104)]
    (row,) = readings_table(cohort_of(readings)).records(level="L2", roi="round")
    reported = [row[name] for name in ("first", "second", "first_hu", "second_hu", "mean_hu", "difference_hu")]
    assert reported == ["A", "B", 110, 114, 112, -4]


def test_without_readings_the_table_is_empty_and_says_why():
    table, reported = table_of([reading("c", "A")])
    assert table.rows == []
    assert reported == ["Agreement of readings: : No case has two readings."]


@pytest.mark.parametrize(("factor", "sentences"), [(1.1, 1), (1.0, 0)])
def test_a_bias_that_grows_with_density_is_reported_in_one_sentence(factor, sentences):
    readings = two_readers(20)
    grown = [
        reading(one.case, one.reader, hu=one.hu["L1", "round"] * (factor if one.reader == "B" else 1))
        for one in readings
    ]
    table, _ = table_of(grown)
    found = proportional_biases(table)
    assert len(found) == sentences
    if found:
        assert found[0].startswith("The difference between the readers A and B changes by -0.")
        assert "the bias is proportional" in found[0]
