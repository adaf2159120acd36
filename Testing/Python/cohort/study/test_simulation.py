import numpy as np
import pytest
from scipy import stats

from LumbarHULib.cohort.cutoff import youden_cutoff
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.simulation import expected_classes, simulate_cutoff
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.cohort.two_piece import TwoPieceNormal
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS


def test_the_distribution_passes_through_median_and_quartiles():
    two_piece = TwoPieceNormal(107.0, 68.88, 142.0)
    assert two_piece.quantile(np.array([0.25, 0.5, 0.75])) == pytest.approx([68.88, 107.0, 142.0])
    drawn = two_piece.draw(np.random.default_rng(0), (200_000,))
    assert np.quantile(drawn, (0.25, 0.5, 0.75)) == pytest.approx([68.88, 107.0, 142.0], abs=0.6)
    assert two_piece.share_below(87.75) == pytest.approx((drawn < 87.75).mean(), abs=0.005)
    with pytest.raises(InputError, match="give a median between the quartiles"):
        TwoPieceNormal(5, 6, 7)


def test_the_round_cutoff_moves_between_60_and_126_hu(tables):
    found = simulate_cutoff(tables, "round", "osteoporosis")
    assert (found.low_hu, found.high_hu) == pytest.approx((60, 126), abs=2)
    assert (found.n_positive, found.n_negative) == (27, 73)


def test_every_printed_cutoff_lies_within_its_sampling_interval(tables):
    for roi in ROIS:
        for target in TARGETS:
            found = simulate_cutoff(tables, roi, target, studies=2000)
            assert found.low_hu <= found.printed_hu <= found.high_hu, found
            assert found.high_hu - found.low_hu > 40


def test_a_simulated_study_takes_the_cutoff_that_a_cohort_would(tables):
    """The same interval by drawing and judging studies one at a time, with scipy's normal distribution."""
    rng = np.random.default_rng(5)
    groups = np.repeat(GROUPS, [tables.group_sizes[group] for group in GROUPS])
    cutoffs = []
    for _ in range(1500):
        hu = []
        for group in GROUPS:
            quantity = tables.levels[MEAN]["left"][group]
            z = stats.norm.ppf(rng.uniform(size=tables.group_sizes[group])) / stats.norm.ppf(0.75)
            side = [quantity.median - quantity.q1 if one < 0 else quantity.q3 - quantity.median for one in z]
            hu.extend(quantity.median + z * side)
        cutoffs.append(youden_cutoff(hu, groups, TARGETS["low_bmd"]).cutoff_hu)
    found = simulate_cutoff(tables, "left", "low_bmd", studies=5000)
    assert (found.low_hu, found.median_hu, found.high_hu) == pytest.approx(
        tuple(np.quantile(cutoffs, (0.025, 0.5, 0.975))), abs=3
    )


def test_osteopenia_is_recovered_in_22_percent_by_round_and_2_percent_by_right(tables):
    assert expected_classes(tables, "round").shares["osteopenia"]["osteopenia"] == pytest.approx(0.22, abs=0.005)
    assert expected_classes(tables, "right").shares["osteopenia"]["osteopenia"] == pytest.approx(0.02, abs=0.005)
    for roi in ROIS:
        for shares in expected_classes(tables, roi).shares.values():
            assert sum(shares.values()) == pytest.approx(1)


def test_the_same_seed_gives_the_same_interval(tables):
    assert simulate_cutoff(tables, "oval", "low_bmd", 500, 3) == simulate_cutoff(tables, "oval", "low_bmd", 500, 3)
    assert simulate_cutoff(tables, "oval", "low_bmd", 500, 3) != simulate_cutoff(tables, "oval", "low_bmd", 500, 4)


def test_a_value_missing_from_the_study_is_refused(tables):
    with pytest.raises(InputError, match="Region “square”"):
        simulate_cutoff(tables, "square", "low_bmd")
    with pytest.raises(InputError, match="Target “high_bmd”"):
        simulate_cutoff(tables, "round", "high_bmd")
    with pytest.raises(InputError, match="give 100 to 1000000"):
        simulate_cutoff(tables, "round", "low_bmd", studies=3)
