"""Phantoms of known truth through the command line: regions, HU and outline."""

import json

import pytest
from headless.accuracy import CORTICAL_MARGIN_MM, SETTINGS, accuracy_of
from headless.analytic_rois import ROIS

# Of each property of patient and scan that the settings vary, the others have a harder one.
MORE = {
    "upright",
    "rotated to the right, thin slices",
    "coarse pixels",
    "noise",
    "thick cortex",
    "touching aorta",
    "aorta like bone, dense bone",
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.proof) if name in MORE else name for name in SETTINGS],
    ids=lambda name: name.replace(",", "").replace(" ", "-"),
)
def shown(request, tmp_path_factory):
    """Return a phantom's settings, its truth, and its audit folder."""
    folder = tmp_path_factory.mktemp("phantom")
    return SETTINGS[request.param], accuracy_of(SETTINGS[request.param], folder), folder / "out"


def test_the_label_maps_are_the_analytic_regions(shown):
    setting, accuracy, _ = shown
    least = 0.97 if setting.pixel_mm > 0.7 else 0.985
    assert {roi: value for roi, value in accuracy.dice.items() if value < least} == {}


def test_the_regions_contain_only_trabecular_bone(shown):
    setting, accuracy, _ = shown
    # The evidence for the cortical margin grants 1 HU to the thickest cortex under the widest blur.
    most_hu = 1.0 if (setting.cortex_mm, setting.blur_fwhm_mm) == (1.2, 1.6) else 0.5
    assert {roi: error for roi, error in accuracy.error_hu.items() if abs(error) > most_hu} == {}


def test_the_outline_is_the_edge_before_blur(shown):
    setting, accuracy, _ = shown
    assert accuracy.outline_mean_mm <= (0.2 if setting.pixel_mm > 0.7 else 0.15)
    assert accuracy.outline_worst_mm <= 1.0


def test_round_and_oval_are_the_largest_shapes_of_a_search(shown):
    _, accuracy, _ = shown
    assert accuracy.round_share == pytest.approx(1, abs=0.005)
    assert accuracy.oval_share == pytest.approx(1, abs=0.005)


def test_no_voxel_is_in_the_cortical_margin_or_behind_the_boundary(shown):
    _, accuracy, _ = shown
    # The truth's own outline is made of points 0.01 mm apart.
    assert accuracy.least_depth_mm >= CORTICAL_MARGIN_MM - 0.01
    assert accuracy.least_before_boundary_mm >= -1e-5


def test_the_record_states_the_margin_used(shown):
    _, _, folder = shown
    record = json.loads((folder / "record.json").read_text())
    assert record["protocol_values"]["cortical_margin_mm"] == CORTICAL_MARGIN_MM
    assert list(ROIS) == list(record["levels"][0]["rois"])
