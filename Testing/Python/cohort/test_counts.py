import numpy as np
import pytest
from scipy.stats import chi2_contingency

from LumbarHULib.cohort.counts import compare_counts
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.core.errors import InputError

SEXES = ("male", "female")


def cases(tables):
    """Return sex and group of the study's 100 patients."""
    reported = [(sex, group) for sex in SEXES for group in GROUPS for _ in range(tables.sexes[sex][group])]
    return [sex for sex, _ in reported], [group for _, group in reported]


def test_the_studys_sexes_differ_between_groups_as_in_scipy(tables):
    found = compare_counts(*cases(tables), SEXES, GROUPS)
    assert found.counts == ((12, 4, 1), (21, 36, 26))
    expected = chi2_contingency(found.counts, correction=False)
    assert (found.test.statistic, found.test.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
    assert found.smallest_expected == pytest.approx(expected.expected_freq.min())
    assert found.test.p_value < 0.01


def test_an_empty_group_takes_no_part():
    sexes, groups = (
        ["male", "female", "male", "female", None],
        ["normal", "normal", "osteopenia", "osteopenia", "normal"],
    )
    found = compare_counts(sexes, groups, SEXES, GROUPS)
    assert (found.test.degrees_of_freedom, found.test.left_out) == ((1,), 1)
    assert found.test.p_value == 1


def test_one_sex_alone_is_refused():
    for n in (0, 1, 5):
        with pytest.raises(InputError, match="nothing to compare"):
            compare_counts(["male"] * n, list(np.resize(GROUPS, n)), SEXES, GROUPS)
    with pytest.raises(InputError, match="1 and 2 rows"):
        compare_counts(["male"], ["normal", "normal"], SEXES, GROUPS)
