import pytest
from statsmodels.stats.proportion import proportion_confint

from LumbarHULib.cohort.proportions import proportion
from LumbarHULib.core.errors import InputError


@pytest.mark.parametrize(("count", "total"), [(22, 27), (58, 73), (0, 27), (27, 27), (1, 1), (1, 100_000), (0, 1)])
def test_the_interval_of_a_proportion_is_statsmodels_wilson_interval(count, total):
    found = proportion(count, total)
    assert (found.low, found.high) == pytest.approx(proportion_confint(count, total, method="wilson"), abs=1e-12)
    assert str(found) == f"{count}/{total}"


@pytest.mark.parametrize(("count", "total"), [(0, 0), (-1, 5), (6, 5)])
def test_a_count_beyond_the_total_is_refused(count, total):
    with pytest.raises(InputError, match="is not a proportion"):
        proportion(count, total)
