"""Regions over several slices: ellipses in three slices and the eroded body, against integrals of a formula."""

from dataclasses import replace

import numpy as np
import pytest
from core.regions.formula_body import FormulaBody, ellipse_mean_hu, grid, rotation_about
from core.regions.measured import measured, measured_level
from headless.analytic_rois import AnalyticBody
from phantom.stored_orders import stored_orders

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.files.protocol_file import load_protocol

THREE = load_protocol("three-slice").protocol
ERODED = load_protocol("eroded-7mm-2021").protocol
MARGIN_MM, CLEARANCE_MM = 2.5, 2.0
ROUND = FormulaBody(half_width_mm=20.0, anterior_mm=20.0, posterior_mm=20.0)

GRIDS = {
    "upright": ((0.7, 0.7, 1.25), None, 0.0),
    "anisotropic": ((0.5, 0.8, 2.5), None, 0.0),
    "turned": ((0.7, 0.7, 1.25), rotation_about(2, 7), 0.0),
    "tilted": ((0.7, 0.7, 1.0), rotation_about(0, 6), 0.0),
    "sheared": ((0.7, 0.7, 1.25), None, 0.3),
}


def largest_ellipse_mm(section_mm: np.ndarray, margin_mm: float) -> tuple[float, float]:
    """Return the half-axes of the largest ellipse, centered at 0, that is a margin inside a symmetric section.

    Parameters
    ----------
    section_mm : (n, 2) array
        The section's edge, counterclockwise.
    """
    along = np.roll(section_mm, -1, axis=0) - np.roll(section_mm, 1, axis=0)
    outward = np.column_stack([along[:, 1], -along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    x, y = np.abs(section_mm - margin_mm * outward).T
    best = (0.0, 0.0)
    for half_x in np.arange(0.5, 1, 0.0005) * x.max():
        narrow = x < half_x * 0.999
        half_y = min((y[narrow] / np.sqrt(1 - (x[narrow] / half_x) ** 2)).min(), y.max())
        if half_x * half_y > best[0] * best[1]:
            best = (half_x, half_y)
    return best


def three_means_hu(body: FormulaBody, stack) -> list[tuple[int, int, float]]:
    """Return first and last slice and mean of each of the three ellipses, from caudal to cranial."""
    normal, spacing_mm = stack.normal_ras, stack.slice_spacing_mm
    half = int(MARGIN_MM / spacing_mm / 2 + 1e-4)
    forward = np.cross(normal, (1, 0, 0))
    forward *= np.sign(forward[1]) / np.linalg.norm(forward)
    right = np.cross(forward, normal)
    angle = np.arange(720) * np.pi / 360

    def ellipse_in(k):
        plane = stack.ras_from_ijk[:3, 3] + k * stack.ras_from_ijk[:3, 2]
        center = body.axes_ras[2] * (normal @ plane) / (normal @ body.axes_ras[2])
        rays = np.outer(np.cos(angle), right) + np.outer(np.sin(angle), forward)
        low, high = np.zeros(720), np.full(720, 60.0)
        for _ in range(50):
            middle = (low + high) / 2
            inside = body.side_mm(center + middle[:, None] * rays) < 0
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        half_x, half_y = largest_ellipse_mm(np.column_stack([low * np.cos(angle), low * np.sin(angle)]), MARGIN_MM)
        return center, half_x * right, half_y * forward

    def is_clear(k, sign):
        """Whether each point of the slab around `k` keeps the distance, with its half slice."""
        center, first, second = ellipse_in(k)
        outer = center + sign * half * spacing_mm * normal
        points = outer + np.outer(np.cos(angle), first) + np.outer(np.sin(angle), second)
        height = (body.own(points)[:, 2] * sign).max()
        return body.height_mm / 2 - height >= CLEARANCE_MM + spacing_mm / 2

    mid = round(float(stack.slice_heights(np.zeros(3))))
    lower = next(k for k in range(half, mid) if is_clear(k, -1))
    upper = next(k for k in range(len(stack.voxels_hu) - 1 - half, mid, -1) if is_clear(k, 1))
    heights_mm = np.arange(-half, half + 1) * spacing_mm
    return [
        (k - half, k + half, ellipse_mean_hu(body, *ellipse_in(k), heights_mm, normal)) for k in (lower, mid, upper)
    ]


def measured_three(name: str, number: int, half_width_mm: float):
    """Return the measured ellipses on a grid, in one of the orders of a file, and slices and integral of each."""
    spacing_mm, turn, shear_mm = GRIDS[name]
    # A waist, so that the three ellipses have different sizes and the mean of voxels would be another one.
    body = ROUND.without(half_width_mm=half_width_mm, flare=0.12, height_mm=27.4)
    if turn is not None:
        body = body.without(flare=0.0)
    shape, matrix = grid(spacing_mm, (64, 54, 40), turn, shear_mm)
    found = measured(THREE, body, shape, matrix, None, *stored_orders()[number])
    return found, three_means_hu(body, found.stack)


@pytest.mark.parametrize(
    ("number", "half_width_mm"),
    [(27, 24.0), *(pytest.param(*row, marks=pytest.mark.proof) for row in [(0, 20.0), (0, 24.0), (27, 20.0)])],
)
@pytest.mark.parametrize("name", GRIDS)
def test_the_mean_of_three_slices_is_that_of_three_integrals_over_ellipses(name, number, half_width_mm):
    found, expected = measured_three(name, number, half_width_mm)
    assert list(found.roi.groups) == [(first, last) for first, last, _ in expected]
    assert found.roi.mean_hu == pytest.approx(np.mean([mean for *_, mean in expected]), abs=0.5)
    slices = np.unique(np.argwhere(found.roi.mask.inside)[:, 0]) + found.roi.mask.offset_kji[0]
    assert slices.tolist() == [k for first, last, _ in expected for k in range(first, last + 1)]


def test_the_mean_over_three_slices_is_the_mean_of_their_means_and_the_rest_is_of_all_voxels():
    body = ROUND.without(flare=0.2, along=0.3)
    found = measured(THREE, body, *grid())
    hu = found.stack.voxels_hu
    first = found.roi.mask.offset_kji
    k, j, i = (np.argwhere(found.roi.mask.inside) + first).T
    values = hu[k, j, i].astype(float)
    of_groups = [values[(k >= low) & (k <= high)].mean() for low, high in found.roi.groups]
    assert found.roi.mean_hu == pytest.approx(np.mean(of_groups), abs=1e-4)
    # The waist has fewer voxels than the ends, so that the two means differ.
    assert abs(found.roi.mean_hu - values.mean()) > 0.5
    assert found.roi.values["sd_hu"] == pytest.approx(values.std(ddof=1), abs=1e-3)
    assert found.roi.values["median_hu"] == pytest.approx(np.median(values), abs=1e-3)


def test_three_groups_of_slices_that_overlap_are_refused():
    # The outermost slices that keep 2 mm are centered 3.75 mm from the middle, so those next to the middle are shared.
    with pytest.raises(InputError, match=r"L1 overlap: three slabs of 3\.75 mm have no room between its endplates"):
        measured(THREE, ROUND.without(height_mm=13.5), *grid())


def test_slices_too_coarse_for_the_distance_from_the_endplates_are_refused():
    # Only slices within 8.5 − 2 − 2.5 mm of the middle keep it.
    with pytest.raises(InputError, match=r"lower endplate of L1 is 2 mm from .* half its thickness of 5 mm"):
        measured(THREE, ROUND.without(height_mm=17.0), *grid((0.7, 0.7, 5.0), (60, 52, 60)))


def measured_eroded(name: str, number: int):
    """Return the measured eroded body on a grid, in one of the orders of a file, and the integral over its shape."""
    spacing_mm, turn, shear_mm = GRIDS[name]
    body = ROUND.without(height_mm=30.0)
    shape, matrix = grid(spacing_mm, (64, 54, 40), turn, shear_mm)
    found = measured(ERODED, body, shape, matrix, None, *stored_orders()[number])
    # The outline of the mid-slice is extended along the slices' normal; the endplates are those of the body.
    normal = found.stack.normal_ras
    tilt = np.arccos(normal[2])
    right = np.cross((0, 1, 0), normal)
    right /= np.linalg.norm(right)
    forward = np.cross(normal, right)
    count = 41
    x, y, z = np.meshgrid(*[np.linspace(-21, 21, count)] * 3, indexing="ij")
    points = x[..., None] * right + y[..., None] * forward + z[..., None] * normal
    # The section is an ellipse, longer by 1/cos(tilt) in the direction of the tilt; so little that its parallel curve
    # is an ellipse as well.
    half_x, half_y = (20 - 7, 20 / np.cos(tilt) - 7)
    inside = (x / half_x) ** 2 + (y / half_y) ** 2 <= 1
    inside &= np.abs(body.own(points)[..., 2]) <= 15 - 7
    return found, float(body.trabecular_hu(points)[inside].mean())


@pytest.mark.parametrize("number", [33, pytest.param(0, marks=pytest.mark.proof)])
@pytest.mark.parametrize("name", GRIDS)
def test_the_mean_in_the_eroded_body_is_the_integral_over_the_outline_and_height_7_mm_smaller(name, number):
    found, expected_hu = measured_eroded(name, number)
    assert found.roi.mean_hu == pytest.approx(expected_hu, abs=0.5)


def measured_study(spacing_mm: tuple[float, float, float]):
    """Return the means of the study's five regions, and their integrals over the regions by a second implementation."""
    body = FormulaBody(half_width_mm=24.0, anterior_mm=17.0, posterior_mm=17.0)
    shape, matrix = grid(spacing_mm, (64, 54, 40))
    result, stack, _ = measured_level("lumbarhu-2022-study", body, shape, matrix)
    k = round(float(stack.slice_heights(np.zeros(3))))
    height_mm = float(stack.ras_from_ijk[2, 3] + k * stack.ras_from_ijk[2, 2])
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    edge = np.column_stack([24.0 * np.cos(angle), 17.0 * np.sin(angle), np.full(4000, height_mm)])
    truth = AnalyticBody(edge, np.array([[0, 17.0, height_mm], [0, -17.0, height_mm]]), stack.normal_ras, MARGIN_MM)
    x, y = np.meshgrid(np.arange(-24, 24, 0.1), np.arange(-17, 17, 0.1))
    points = np.stack([x, y, np.full_like(x, height_mm)], axis=-1)
    half = int(result.slices[1] - result.slices[0]) // 2
    heights_mm = np.arange(-half, half + 1) * stack.slice_spacing_mm
    values_hu = np.mean([body.trabecular_hu(points + np.array([0, 0, height])) for height in heights_mm], axis=0)
    expected = {roi: float(values_hu[inside].mean()) for roi, inside in truth.inside(points).items()}
    return {roi: measured.mean_hu for roi, measured in result.rois.items()}, expected


@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 1.25), (0.5, 0.8, 2.5)])
def test_the_means_of_the_studys_regions_are_integrals_over_the_regions_of_its_words(spacing_mm):
    found, expected = measured_study(spacing_mm)
    assert found == pytest.approx(expected, abs=0.5)


def test_a_low_body_has_no_eroded_region_without_a_segmentation():
    body = ROUND.without(height_mm=13.0)
    with pytest.raises(InputError, match="No voxel of L1 is 7 mm from both its endplates, as the eroded_7mm ROI must"):
        measured(ERODED, body, *grid((0.7, 0.7, 1.0), (60, 52, 60)))


def own(shape, slices="mid_slice", **fields):
    """Return the three-slice protocol with another region in place of its own."""
    words = {name: fields.pop(name) for name in ("part", "side", "mean") if name in fields}
    return replace(THREE, regions=(Region("own", "own", shape, slices, **words, parameters=fields),))


def test_a_region_of_slices_around_mid_height_covers_those_whose_centers_are_that_near():
    shape, matrix = grid((0.7, 0.7, 1.25))
    for half_height_mm, count in ((0.0, 1), (1.2, 1), (1.25, 3), (3.75, 7), (4.9, 7)):
        protocol = own("largest_circle", "around_mid_slice", part="body", half_height_mm=half_height_mm)
        found = measured(protocol, ROUND, shape, matrix)
        slices = np.unique(np.argwhere(found.roi.mask.inside)[:, 0]) + found.roi.mask.offset_kji[0]
        mid = round(float(found.stack.slice_heights(np.zeros(3))))
        assert slices.tolist() == list(range(mid - count // 2, mid + count // 2 + 1))
        heights_mm = (np.arange(count) - count // 2) * 1.25
        # The largest circle in the whole inner outline is that of the body, without its margin.
        circle = ((0, 0, matrix[2, 3] + mid * 1.25), (17.5, 0, 0), (0, 17.5, 0))
        assert found.roi.mean_hu == pytest.approx(ellipse_mean_hu(ROUND, *circle, heights_mm), abs=0.5)


def test_zones_and_anterior_shapes_by_another_name_have_the_studys_voxels():
    shape, matrix = grid((0.7, 0.7, 2.5))
    study = replace(THREE, regions=load_protocol().protocol.regions)
    # One call measures the study's five.
    of_study = {}
    for name, definition in (
        ("round", {"shape": "largest_circle", "part": "anterior"}),
        ("oval", {"shape": "largest_ellipse", "part": "anterior"}),
        ("right", {"shape": "zone", "side": "right"}),
        ("front", {"shape": "zone", "side": "front"}),
        ("left", {"shape": "zone", "side": "left"}),
    ):
        kind = definition.pop("shape")
        mine = measured(own(kind, **definition), ROUND, shape, matrix)
        of_study[name] = mine
    level, *_ = measured_level(study, ROUND, shape, matrix)
    for name, mine in of_study.items():
        assert mine.roi.mask.offset_kji == level.rois[name].mask.offset_kji
        assert np.array_equal(mine.roi.mask.inside, level.rois[name].mask.inside)
        assert mine.roi.mean_hu == level.rois[name].mean_hu
