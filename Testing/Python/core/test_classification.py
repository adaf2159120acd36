import numpy as np
import pytest
from core.builders import PROTOCOL, STUDY_CUTOFFS_HU, cutoff_table

from LumbarHULib.core.classification import classify, summarize_roi
from LumbarHULib.core.cutoffs import Cutoff, RoiCutoffs
from LumbarHULib.core.levels import ROIS

CUTOFFS = cutoff_table().rois
LEVELS = ("L1", "L2", "L3", "L4")
WITH_INTERVALS = RoiCutoffs(Cutoff(87.75, 60, 126), Cutoff(118.13))


def summary(mean_hu, cutoffs=CUTOFFS["round"], may_classify=True, protocol=PROTOCOL):
    return summarize_roi("round", LEVELS, mean_hu, cutoffs, protocol, may_classify)


def codes(of) -> list[str]:
    return [finding.code for finding in of.findings]


@pytest.mark.parametrize("roi", ROIS)
def test_a_mean_on_a_cutoff_belongs_to_the_class_beyond_it(roi):
    low, high = STUDY_CUTOFFS_HU[roi]
    classes = [classify(mean, CUTOFFS[roi]) for mean in (-50, low - 0.01, low, np.nextafter(low, 999))]
    assert classes == ["osteoporosis", "osteoporosis", "osteoporosis", "osteopenia"]
    assert [classify(mean, CUTOFFS[roi]) for mean in (np.nextafter(high, 0), high, 300)] == [
        "osteopenia",
        "normal",
        "normal",
    ]


@pytest.mark.parametrize(
    ("mean_hu", "nearest_hu"),
    [(20, 87.75), (87.75, 87.75), (102.9, 87.75), (102.94, 87.75), (102.95, 118.13), (118.13, 118.13), (250, 118.13)],
)
def test_the_distance_is_from_the_nearest_cutoff_in_hu_and_in_lsc(mean_hu, nearest_hu):
    of = summary(mean_hu)
    assert of.nearest_cutoff_hu == nearest_hu
    assert of.distance_hu == pytest.approx(mean_hu - nearest_hu)
    assert of.distance_lsc == pytest.approx((mean_hu - nearest_hu) / 16)


@pytest.mark.parametrize(
    ("mean_hu", "within"),
    [(87.75 - 11.37, False), (87.75 - 11.35, True), (118.13 + 11.35, True), (118.13 + 11.37, False)],
)
def test_a_mean_nearer_than_0_71_lsc_lies_within_measurement_error(mean_hu, within):
    of = summary(mean_hu)
    assert of.within_error is within
    assert codes(of) == (["within_measurement_error"] if within else [])
    assert not within or f"{mean_hu:.1f} HU is" in of.findings[0].sentence


def test_a_sites_own_lsc_moves_the_limit():
    assert not summary(87.75 - 8, protocol=PROTOCOL.with_values(lsc_hu=10)).within_error
    assert summary(87.75 - 7, protocol=PROTOCOL.with_values(lsc_hu=10)).within_error


@pytest.mark.parametrize(("mean_hu", "inside"), [(59.9, False), (60, True), (87.75, True), (102, True), (130, None)])
def test_whether_the_mean_lies_inside_the_nearest_cutoffs_interval_comes_first(mean_hu, inside):
    of = summary(mean_hu, WITH_INTERVALS)
    assert of.inside_interval is inside
    assert (of.cutoff_low_hu, of.cutoff_high_hu) == ((None, None) if mean_hu == 130 else (60, 126))
    assert (codes(of)[:1] == ["inside_cutoff_interval"]) == bool(inside)


def test_without_permission_or_without_a_mean_there_is_no_class():
    of = summary(60.0, may_classify=False)
    assert (of.class_name, of.mean_hu, of.nearest_cutoff_hu, of.findings) == ("not_classified", 60, 87.75, ())
    nothing = summary(None)
    assert (nothing.class_name, nothing.mean_hu, nothing.distance_hu, nothing.within_error) == (
        "not_classified",
        *[None] * 3,
    )
