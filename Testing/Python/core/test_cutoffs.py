import pytest
from core.builders import STUDY_CUTOFFS_HU, cutoff_table

from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, Proportion, RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs


def test_the_file_holds_the_studys_cutoffs():
    rois = load_cutoffs().cutoffs.rois
    assert {roi: (of.osteoporosis.cutoff_hu, of.normal.cutoff_hu) for roi, of in rois.items()} == STUDY_CUTOFFS_HU


def test_round_finds_22_of_27_with_osteoporosis_and_spares_58_of_73_without():
    of = load_cutoffs().cutoffs.rois["round"].osteoporosis
    assert (of.sensitivity, of.specificity) == (Proportion(22, 27), Proportion(58, 73))
    exclusion = load_cutoffs().cutoffs.rois["round"].normal
    assert (exclusion.sensitivity, exclusion.specificity) == (Proportion(49, 67), Proportion(28, 33))


@pytest.mark.parametrize(("count", "total"), [(-1, 27), (28, 27), (0, 0)])
def test_a_count_beyond_its_total_is_refused_with_both(count, total):
    with pytest.raises(InputError, match=f"{count} of {total} is not a proportion"):
        Proportion(count, total)


def test_an_interval_has_two_ends_around_its_cutoff():
    assert Cutoff(90, 84, 96).low_hu == 84
    with pytest.raises(InputError, match="90 HU has only one end of its interval"):
        Cutoff(90, low_hu=84)
    with pytest.raises(InputError, match="90 HU is outside its interval 91 to 96 HU"):
        Cutoff(90, 91, 96)


@pytest.mark.parametrize(("low", "high"), [(100, 100), (101, 100), (float("nan"), 100)])
def test_the_osteoporosis_cutoff_must_be_below_the_normal_one(low, high):
    with pytest.raises(InputError, match=r"osteoporosis cutoff .* is not below the normal cutoff 100 HU"):
        RoiCutoffs(Cutoff(low), Cutoff(high))


def test_a_table_names_all_five_regions():
    rois = dict(cutoff_table().rois)
    assert tuple(rois[roi].normal.cutoff_hu for roi in ROIS) == (118.13, 97.13, 107.63, 121.25, 125.0)
    del rois["oval"]
    with pytest.raises(InputError, match="for the regions front, left, right, round: give all of round, oval"):
        CutoffTable("mine", "mine", rois).require_regions(ROIS)


def test_a_table_without_cutoffs_fits_any_regions():
    CutoffTable("none", "none", {}).require_regions(("circle",))
