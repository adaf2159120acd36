"""Regions made from a segmented vertebra: Comp2Comp's prism as described in words, and the mask eroded by 7 mm."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from core.builders import UPRIGHT, control_points, ellipse, stored_voxels
from core.regions.described_prism import described_prism, from_ras, to_ras
from core.regions.formula_body import LEVEL, FormulaBody, grid, rotation_about, voxel_centers
from core.regions.measured import measured
from phantom.stored_orders import reoriented, stored_orders
from placement.phantom_masks import holed, ragged, vertebra_mask
from scipy import ndimage
from scipy.spatial.distance import cdist

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.boundary import boundary_from_markup
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.outline.level import LevelOutline
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.regions.body import LevelBody
from LumbarHULib.core.regions.drawing import draw_regions
from LumbarHULib.core.regions.given_mask import mask_on_stack
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.grid import Grid
from LumbarHULib.phantom.vertebra import VertebraSpec

PRISM = load_protocol("ellipse-prism").protocol
EDGE_XY_MM = control_points(ellipse())


def region_in(stored_mask, ras_from_ijk, protocol=PRISM) -> np.ndarray:
    """Return the protocol's only region in a segmented vertebra, in the stored order."""
    hu = np.where(stored_mask, 100, -100).astype(np.int16)
    stack = axial_stack(CtVolume(hu, ras_from_ijk), protocol.frame)
    vertebra = mask_on_stack(LEVEL, stored_mask, ras_from_ijk, stack)
    landmarks = UPRIGHT.landmarks(EDGE_XY_MM, LEVEL)
    frame = frame_from_midline(stack, landmarks, protocol.frame)
    outline = Outline(frame.to_uv_mm(landmarks.outline_ras_mm))
    boundary = boundary_from_markup(frame, None, outline, protocol.boundary)
    level_outline = LevelOutline(landmarks.outline_ras_mm, outline, True)
    drawn = draw_regions(
        LevelBody(stack, landmarks, frame, level_outline, outline.polygon_uv_mm, boundary, protocol, vertebra)
    )
    ((_, mask),) = drawn.masks.items()
    return stored_voxels(stack, mask, stored_mask.shape)


def phantom_mask(pixel_mm, slice_mm, seed=0, turn_deg=0.0, shear_deg=0.0, size_mm=(80, 92, 50), **fields):
    """Return a whole vertebra with its arch and processes, and the matrix of its grid."""
    random = np.random.default_rng(seed)
    sizes = {"depth_mm": random.uniform(28, 38), "width_mm": random.uniform(40, 52)}
    sizes |= {"height_mm": random.uniform(23, 30), "rotation_deg": random.uniform(-10, 10)}
    vertebra = VertebraSpec(LEVEL, tuple(random.uniform(-1, 1, 3)), **(sizes | fields))
    shape, matrix = grid((pixel_mm, pixel_mm, float(slice_mm)), size_mm, off_mm=(0.2, 14.1, 0.3))
    slices = Grid(shape, matrix)
    if turn_deg:
        slices = slices.rotated((1, 0.3, 0.1), turn_deg)
    if shear_deg:
        slices = slices.sheared(shear_deg)
    return vertebra_mask(vertebra, slices), np.array(slices.ras_from_ijk)


# Pixel, slice spacing, turn of the grid and shear in degrees, tilt of the vertebra in degrees, flaw of the mask.
PHANTOMS = [
    (0.7, "1.25", 0, 0, 0, None),
    (0.7, "1.25", 0, 0, 12, None),
    (0.7, "1.25", 9, 0, 0, None),
    (0.7, "1.25", 0, 12, 0, None),
    (0.9, "0.75", 0, 0, 5, None),
    (0.9, "0.75", 11, 0, 0, None),
    (0.6, "3", 0, 0, 8, None),
    (0.6, "3", 7, 0, 0, None),
    (0.6, "3", 13, 0, 4, None),
    (0.8, "3.75", 5, 0, 0, None),
    (0.8, "5", 0, 0, 15, None),
    (0.65, "2.5", 8, 0, 0, None),
    (0.65, "2.5", 0, -9, 6, None),
    (1.0, "1.5", 0, 0, -10, None),
    (1.0, "1.5", 4, 0, 0, "ragged"),
    (0.75, "2", 0, 0, 0, "ragged"),
    (0.75, "2", 6, 0, 10, "holed"),
    (0.5, "2.9", 0, 0, 3, "holed"),
    (1.2, "1", 3, 0, 0, None),
    (0.85, "1.875", 10, 0, -6, None),
]
FLAWS = {None: lambda mask: mask, "ragged": ragged, "holed": holed}


def prisms(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the prism's voxels in a phantom, and those of the description."""
    pixel_mm, slice_mm, turn_deg, shear_deg, tilt_deg, flaw = PHANTOMS[number]
    mask, matrix = phantom_mask(pixel_mm, Fraction(slice_mm), number, turn_deg, shear_deg, tilt_deg=tilt_deg)
    mask = FLAWS[flaw](mask)
    # Each phantom in another of the 48 orders in which a file can store it.
    stored, stored_matrix = reoriented(mask, matrix, *stored_orders()[(7 * number) % 48])
    array, *back = to_ras(stored, stored_matrix)
    step_mm = Fraction(slice_mm)
    if shear_deg:
        # The step between the centers of slices is the table's, which the phantom keeps.
        step_mm = Fraction(round(float(np.linalg.norm(matrix[:3, 2])), 6)).limit_denominator(10**6)
    expected = described_prism(array, step_mm)
    return region_in(stored, stored_matrix), from_ras(expected, *back)


# Upright, turned, sheared and tilted, thin and thick slices, and each flaw.
QUICK = (2, 3, 5, 10, 12, 14, 17)


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.proof]) for n in range(len(PHANTOMS))]
)
def test_the_prism_has_the_voxels_of_its_description(number):
    found, expected = prisms(number)
    assert expected.any()
    assert np.argwhere(found != expected).tolist() == []


def test_a_mask_fifty_voxels_deep_has_its_center_where_exact_arithmetic_puts_it():
    # 0.58 × 50 = 29, but 28.999999999999996 as a float. The body narrows in front of it, so that rows have own widths.
    mask = np.zeros((21, 70, 80), dtype=bool)
    for row in range(50):
        mask[4:17, 60 - row, 10 + (row + 1) // 2 : 70 - row // 2] = True
    matrix = np.diag([-0.7, -0.7, 1.25, 1.0])
    matrix[:3, 3] = (28.0, 24.5, -12.5)
    array, *back = to_ras(mask, matrix)
    expected = from_ras(described_prism(array, Fraction("1.25")), *back)
    assert expected.any()
    assert np.array_equal(region_in(mask, matrix), expected)


def test_a_level_whose_sagittal_slice_is_too_small_is_refused():
    mask, matrix = phantom_mask(3.0, 3, seed=1)
    array, *_ = to_ras(mask, matrix)
    assert described_prism(array, Fraction(3)) is None
    count = int(array[int(np.argwhere(array)[:, 0].sum()) // np.count_nonzero(array)].sum())
    with pytest.raises(InputError, match=f"of L1 has {count} voxels; the ellipse_prism ROI needs more than 200: .*"):
        region_in(mask, matrix)


def measured_prism():
    """Return the measured prism of a formula body, and the integral over its ellipses."""
    body = FormulaBody(half_width_mm=24)
    shape, matrix = grid((0.6, 0.6, 1.25))
    points = voxel_centers(shape, matrix)
    mask = body.distance_mm(points) < 0
    found = measured("ellipse-prism", body, shape, matrix, mask)
    # A body without an arch is symmetric: its counts are those of a box, and the ellipse of each slice is the same.
    depth, width = (int(mask.any(axis=(0, axis)).sum()) for axis in (2, 1))
    front_mm = points[:, :, :, 1][mask].min()
    half_y_mm, half_x_mm = depth * 0.5 // 2 * 0.6, width * 0.65 // 2 * 0.6
    center_y_mm = front_mm + 0.58 * depth * 0.6
    heights_mm = np.unique(points[:, :, :, 2][mask])
    middle_mm = heights_mm.mean()
    # 7.5 mm in slices of 1.25 mm are 6; half of them, 3, on either side.
    inside_mm = heights_mm[np.abs(heights_mm - middle_mm) < 3 * 1.25 + 0.63]
    wanted_mm = inside_mm[:7] if len(inside_mm) > 7 else inside_mm
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radii = np.sqrt((np.arange(60) + 0.5) / 60)
    x = np.outer(radii, half_x_mm * np.cos(turn)).ravel() + points[:, :, :, 0][mask].mean()
    y = np.outer(radii, half_y_mm * np.sin(turn)).ravel() + center_y_mm
    expected_hu = np.mean(
        [body.trabecular_hu(np.column_stack([x, y, np.full(len(x), height)])).mean() for height in wanted_mm]
    )
    return found, float(expected_hu)


def test_the_mean_in_the_prism_is_the_integral_over_its_ellipses():
    found, expected_hu = measured_prism()
    assert found.roi.mean_hu == pytest.approx(expected_hu, abs=0.5)


ERODED = load_protocol("eroded-7mm-2021").protocol


def measured_eroded_mask(spacing_mm, turn, shear_mm, number: int):
    """Return the measured eroded mask on a grid, in one of the orders of a file, and the integral over its shape."""
    body = FormulaBody(half_width_mm=20, anterior_mm=20, posterior_mm=20, height_mm=30, tilt_deg=4)
    shape, matrix = grid(spacing_mm, (52, 56, 48), turn, shear_mm)
    mask = body.distance_mm(voxel_centers(shape, matrix)) < 0
    found = measured("eroded-7mm-2021", body, shape, matrix, mask, *stored_orders()[number])
    # A cylinder of radius 13 and height 16 mm: the means of x² + y² and of z² over it are 13²/2 and 8²/3.
    return found, body.center_hu + body.radial * 13**2 / 2 + body.along * 8**2 / 3


@pytest.mark.parametrize(
    ("spacing_mm", "turn", "shear_mm"),
    [
        ((0.6, 0.6, 0.6), None, 0.0),
        ((0.5, 0.9, 1.25), None, 0.0),
        ((0.7, 0.7, 2.5), None, 0.0),
        ((0.7, 0.7, 1.0), rotation_about(0, 14) @ rotation_about(2, 5), 0.0),
        ((0.7, 0.7, 1.0), None, 0.35),
    ],
    ids=["upright", "anisotropic", "thick slices", "tilted", "sheared"],
)
@pytest.mark.parametrize("number", [29, pytest.param(0, marks=pytest.mark.proof)])
def test_the_mean_in_the_eroded_mask_is_the_integral_over_the_body_7_mm_smaller(spacing_mm, turn, shear_mm, number):
    found, expected_hu = measured_eroded_mask(spacing_mm, turn, shear_mm, number)
    assert found.roi.mean_hu == pytest.approx(expected_hu, abs=0.5)


@pytest.mark.parametrize(("slice_mm", "shear_mm"), [(2.0, 0.0), (2.0, 0.8), (3.0, -1.1)])
def test_a_voxel_of_the_eroded_mask_is_7_mm_from_every_border_between_two_voxels(slice_mm, shear_mm):
    shape, matrix = grid((1.0, 1.2, slice_mm), (48, 48, 44), shear_mm=shear_mm)
    random = np.random.default_rng(4)
    mask = ndimage.gaussian_filter(random.normal(size=shape), (3, 6, 6)) > -0.01
    mask &= np.linalg.norm(voxel_centers(shape, matrix), axis=-1) < 20
    mask = ndimage.binary_opening(mask, iterations=2)
    points = voxel_centers(shape, matrix)
    border = []
    for index in map(tuple, np.argwhere(mask)):
        for axis, side in product(range(3), (-1, 1)):
            neighbor = tuple(one + side * (axis == number) for number, one in enumerate(index))
            if not mask[neighbor]:
                border.append((points[index] + points[neighbor]) / 2)
    depth = cdist(points[mask], border).min(axis=1)
    expected = np.zeros_like(mask)
    expected[mask] = depth >= 7 - 1e-6
    assert expected.sum() > 20
    assert np.array_equal(region_in(mask, matrix, ERODED), expected)


def test_a_mask_without_a_voxel_7_mm_inside_is_refused():
    shape, matrix = grid((1.0, 1.0, 2.0), (44, 44, 30))
    mask = np.linalg.norm(voxel_centers(shape, matrix), axis=-1) < 6
    with pytest.raises(InputError, match="No voxel of the mask of L1 is 7 mm inside it, as the eroded_7mm ROI must be"):
        region_in(mask, matrix, ERODED)
