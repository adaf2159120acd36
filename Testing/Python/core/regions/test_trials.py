"""Placement trials of any protocol's regions, on a formula: each follows the midline as its shape says."""

from dataclasses import replace

import numpy as np
import pytest
from core.regions.formula_body import LEVEL, FormulaBody, grid, voxel_centers
from core.regions.measured import measured

from LumbarHULib.core.pipeline import Composer
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.regions.trials import region_trials
from LumbarHULib.core.sensitivity import displacements, placement_trials
from LumbarHULib.files.protocol_file import load_protocol

BODY = FormulaBody(half_width_mm=22, anterior_mm=20, posterior_mm=20, gradient=(0, 0, 2.0), along=0, radial=0.05)
SLICE_MM = 1.25


def protocol_of(name: str, trials: int = 8) -> Protocol:
    return load_protocol(name).protocol.with_values(placement_trials=trials)


def trials_of(protocol: Protocol, mask=None, body=BODY):
    """Return the trials' means in HU of the only region, its mean, and the displacements."""
    shape, matrix = grid((0.8, 0.8, SLICE_MM))
    found = measured(protocol, body, shape, matrix, None if mask is None else mask(shape, matrix))
    trials = region_trials(found.stack, found.result, protocol)
    (means,) = trials.means_hu.values()
    (sd,) = trials.sd_hu.values()
    return means, found.roi.mean_hu, displacements(LEVEL, protocol.uncertainty), sd


def test_the_circle_at_the_centroid_moves_only_from_slice_to_slice():
    means, mean_hu, moves, sd = trials_of(protocol_of("circle-200mm2-2025"))
    assert len(set(moves.slices)) > 1
    # 2 HU per mm along the body, and nothing else changes: the outline stays where it is.
    assert means == pytest.approx(mean_hu + 2.0 * SLICE_MM * moves.slices, abs=0.3)
    assert sd == pytest.approx(np.std(means, ddof=1), abs=1e-3)


def test_of_three_slices_only_the_middle_one_moves():
    # Nothing changes within a slice, because an ellipse on a displaced midline is a little smaller.
    means, mean_hu, moves, _ = trials_of(protocol_of("three-slice"), body=BODY.without(radial=0.0))
    assert means == pytest.approx(mean_hu + 2.0 * SLICE_MM * moves.slices / 3, abs=0.3)


def test_the_eroded_body_stays_where_the_outline_and_the_endplates_are():
    means, mean_hu, _, sd = trials_of(protocol_of("eroded-7mm-2021", 4))
    assert means == pytest.approx(mean_hu, abs=0.3)
    assert sd < 0.3


@pytest.mark.parametrize("name", ["eroded-7mm-2021", "ellipse-prism"])
def test_a_region_made_from_a_segmentation_has_no_trials(name):
    means, _, _, sd = trials_of(
        protocol_of(name), lambda shape, matrix: BODY.distance_mm(voxel_centers(shape, matrix)) < 0
    )
    assert np.isnan(means).all()
    assert sd is None


def test_the_studys_shapes_by_other_names_have_the_trials_of_the_study():
    study = load_protocol().protocol.with_values(placement_trials=12)
    names = {"round": "largest_circle", "oval": "largest_ellipse"}
    regions = tuple(Region(f"my_{name}", name, shape, part="anterior") for name, shape in names.items())
    shape, matrix = grid((0.8, 0.8, 2.5))
    by_name = {}
    for region in regions:
        protocol = replace(study, regions=(region,))
        found = measured(protocol, BODY, shape, matrix)
        by_name |= region_trials(found.stack, found.result, protocol).means_hu
    protocol = replace(study, regions=(regions[0],))
    found = measured(protocol, BODY, shape, matrix)
    own = placement_trials(found.stack, found.result, replace(study, regions=study.regions))
    for name in names:
        # The boundary of the study's trials follows the midline as well.
        assert by_name[f"my_{name}"] == pytest.approx(own.means_hu[name], abs=0.6)


def test_a_composer_gives_a_level_the_trials_of_its_protocol():
    protocol = protocol_of("circle-200mm2-2025", 5)
    found = measured(protocol, BODY, *grid((0.8, 0.8, SLICE_MM)))
    level = Composer().with_trials(found.stack, found.result, protocol)
    assert list(level.trials.means_hu) == ["circle_200mm2"]
    assert level.trials.means_hu["circle_200mm2"].shape == (5,)
