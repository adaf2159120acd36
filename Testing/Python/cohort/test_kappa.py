import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.kappa import ConfusionMatrix, cohen_kappa, confusion_matrix
from LumbarHULib.core.errors import InputError


@pytest.mark.parametrize(
    ("weights", "statsmodels_name"), [("none", None), ("linear", "linear"), ("quadratic", "quadratic")]
)
@pytest.mark.parametrize("seed", range(5))
def test_kappa_and_its_interval_match_statsmodels(seed, weights, statsmodels_name):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 12, (3, 3)) + 15 * np.eye(3, dtype=int)
    expected = cohens_kappa(counts, wt=statsmodels_name)
    matrix = ConfusionMatrix(categories=GROUPS, counts=tuple(tuple(int(one) for one in row) for row in counts))
    found = cohen_kappa(matrix, weights)
    z = 1.959963984540054
    assert found.estimate == pytest.approx(expected.kappa, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(
        (expected.kappa - z * expected.std_kappa, min(1, expected.kappa + z * expected.std_kappa)), abs=1e-9
    )


def test_kappa_and_its_interval_match_the_output_of_r():
    # R's vcd 1.4, Kappa(SexualFun), as the documentation of vcdExtra (print.Kappa, CI = TRUE) prints it: Agresti 1990.
    counts = ((7, 7, 2, 3), (2, 8, 3, 7), (1, 5, 4, 9), (2, 8, 9, 14))
    matrix = ConfusionMatrix(categories=("never", "fairly", "very", "always"), counts=counts)
    for weights, printed in (("none", (0.1293, -0.00512, 0.2638)), ("linear", (0.2374, 0.08388, 0.3909))):
        found = cohen_kappa(matrix, weights)
        assert (found.estimate, found.low, found.high) == pytest.approx(printed, abs=5.1e-5)


def test_the_kappa_of_fleiss_cohen_and_everitt_is_found():
    # Their table 1 of 1969, as printed: kappa 0.429.
    counts = ((106, 10, 4), (22, 28, 10), (2, 12, 6))
    assert round(cohen_kappa(ConfusionMatrix(categories=GROUPS, counts=counts)).estimate, 3) == 0.429


def test_a_confusion_matrix_counts_each_pair_and_omits_what_is_unknown():
    first = ["normal", "normal", "osteopenia", None, "osteoporosis", "normal"]
    second = ["normal", "osteopenia", "osteopenia", "normal", "", float("nan")]
    matrix = confusion_matrix(first, second, GROUPS)
    assert matrix.counts == ((1, 1, 0), (0, 1, 0), (0, 0, 0))
    assert (matrix.n, matrix.left_out) == (3, 3)


def test_perfect_agreement_of_few_cases_is_not_certain():
    found = cohen_kappa(confusion_matrix(GROUPS, GROUPS, GROUPS))
    assert found.estimate == found.high == 1
    assert 0 < found.low < 0.5


@pytest.mark.parametrize("weights", ["none", "linear"])
def test_one_category_alone_is_refused(weights):
    alike, mixed = ["normal"] * 6, [*GROUPS, *GROUPS]
    # Against a classification with a single category κ is 0 with an error of 0, whatever the other one says.
    for first, second in ((alike, alike), (alike, mixed), (mixed, alike)):
        with pytest.raises(InputError, match="one category"):
            cohen_kappa(confusion_matrix(first, second, GROUPS), weights)


def test_an_unknown_label_is_reported_with_its_row():
    with pytest.raises(InputError, match="Row 2 is labeled “osteopenic”: use one of normal, osteopenia, osteoporosis"):
        confusion_matrix(["normal", "osteopenic"], ["normal", "normal"], GROUPS)
    with pytest.raises(InputError, match="2 and 1 rows"):
        confusion_matrix(["normal", "normal"], ["normal"], GROUPS)
    with pytest.raises(InputError, match="use none, linear or quadratic"):
        cohen_kappa(confusion_matrix(GROUPS, GROUPS, GROUPS), "cubic")
