"""The body of a level: endplates where the formula has them, and the outline in other slices."""

import numpy as np
import pytest
from core.regions.formula_body import LEVEL, FormulaBody, grid

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.level import outline_of_level
from LumbarHULib.core.regions.body import LevelBody
from LumbarHULib.files.protocol_file import load_protocol

PROTOCOL = load_protocol("three-slice").protocol


def level_body(body: FormulaBody, shape, matrix) -> LevelBody:
    stack = axial_stack(CtVolume(body.voxels_hu(shape, matrix), matrix), PROTOCOL.frame)
    k = round(float(stack.slice_heights(np.zeros(3))))
    plane = stack.ras_from_ijk[:3, 3] + k * stack.ras_from_ijk[:3, 2]
    landmarks = Landmarks(LEVEL, body.midline_ras_mm(plane, stack.normal_ras))
    frame = frame_from_midline(stack, landmarks, PROTOCOL.frame)
    outline = outline_of_level(stack, frame, landmarks, PROTOCOL.outline)
    boundary = boundary_from_markup(frame, None, outline.curve, PROTOCOL.boundary)
    inner = inner_outline(frame, outline.curve, PROTOCOL.outline)
    return LevelBody(stack, landmarks, frame, outline, inner, boundary, PROTOCOL)


@pytest.mark.parametrize("tilt_deg", [0, 9])
def test_the_endplates_are_the_formulas(tilt_deg):
    body = FormulaBody(tilt_deg=tilt_deg, height_mm=27)
    endplates = level_body(body, *grid()).endplates
    points = np.array([(x, y, z) for x in (-6, 0, 6) for y in (-6, 0, 6) for z in (-5, 0, 5)], dtype=float)
    expected_mm = 27 / 2 - np.abs(body.own(points)[:, 2])
    assert endplates.distances_mm(points) == pytest.approx(expected_mm, abs=0.4)


@pytest.mark.parametrize("tilt_deg", [0, 9])
def test_the_slices_between_the_endplates_hold_every_slice_of_the_body(tilt_deg):
    body = FormulaBody(tilt_deg=tilt_deg, height_mm=27)
    found = level_body(body, *grid())
    slab = found.slices_between_endplates()
    heights = found.stack.slice_heights(body.axes_ras[2] * np.array([[-13.5], [13.5]]))
    # The rim of a tilted body is beyond the centers of its endplates.
    reach = 17 * np.sin(np.radians(tilt_deg)) / 1.25
    assert slab.first <= heights[0] - reach + 1
    assert slab.last >= heights[1] + reach - 1
    assert slab.thickness_mm == (slab.last - slab.first + 1) * 1.25


def test_a_cut_has_the_outline_of_its_own_slice():
    body = FormulaBody(flare=0.25, height_mm=30)
    found = level_body(body, *grid())
    for shift in (-8, -3, 0, 4, 8):
        k = found.frame.mid_slice + shift
        cut = found.cut(k)
        z_mm = found.stack.ras_from_ijk[2, 3] + k * 1.25
        scale = 1 + 0.25 * (2 * z_mm / 30) ** 2
        assert np.ptp(cut.outline.polygon_uv_mm, axis=0) == pytest.approx((44 * scale, 34 * scale), abs=0.5)
        assert cut.frame.to_ras_mm(cut.outline.polygon_uv_mm)[:, 2] == pytest.approx(z_mm, abs=1e-6)
        # The inner outline is 2.5 mm inside it.
        inner = found.inner_of(cut)
        assert np.ptp(inner, axis=0) == pytest.approx((44 * scale - 5, 34 * scale - 5), abs=0.5)


def test_endplates_that_the_ct_does_not_show_are_refused():
    # Endless bone: no disc above or below.
    body = FormulaBody(height_mm=300)
    found = level_body(body, *grid())
    with pytest.raises(
        InputError, match="The CT does not clearly show both endplates of L1, from which this protocol's"
    ):
        _ = found.endplates
