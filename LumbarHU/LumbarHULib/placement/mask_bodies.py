"""Find the vertebral body in a vertebra's mask: without arch and processes, and despite flaws of the mask."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import FindingValues, PlacementValues
from LumbarHULib.placement.body_box import BodyAxes
from LumbarHULib.placement.body_grid import STEP_MM, EvenMask, even_mask
from LumbarHULib.placement.body_guess import BodyGuess

_SUPERIOR_RAS = np.array([0.0, 0.0, 1.0])
_ANTERIOR_RAS = np.array([0.0, 1.0, 0.0])

# The largest ball that fits into a vertebra is in its body. A ball of this fraction of its radius does not fit into a
# pedicle, so the volume that it sweeps is the body.
_BALL = 0.6

# An arch or a leak has no room for a ball of this fraction of the body's ball, so a part above or below that has room
# is another body.
_ANOTHER_BALL = 0.8

# Rims, osteophytes and the ball's rounding are outside the ellipse of this fraction of the body's width and depth.
_CENTRAL = 0.6
_COLUMN_MM = 2.0
_ROUNDS = 4

# Parts farther than this from the body, beyond the rounding of its rims, are the arch. The arch gives the anterior
# direction if it has at least this fraction of the body's volume. Otherwise the body's shape does, if its cross-section
# is longer in one direction than in the other by this factor.
_RIM_MM = 5.0
_ARCH_FRACTION = 0.05
_OBLONG = 1.15


def guess_from_mask(
    level: str, inside: np.ndarray, ras_from_ijk: np.ndarray, stack: AxialStack, protocol: Protocol
) -> BodyGuess:
    """Return the body of a segmented vertebra.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    inside : numpy.ndarray of bool, shape (K, J, I)
        The whole vertebra or its body alone, on its own grid.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        From indices (i, j, k) of `inside` to RAS mm.
    stack : AxialStack
        The CT.
    protocol : Protocol

    Raises
    ------
    InputError
        When the mask is empty, contains no vertebral body or several, or the CT does not cover the whole body.
    """
    from scipy import ndimage

    if not inside.any():
        raise InputError(f"The segment of {level} is empty: segment {level}, or omit it from the levels.", level)
    mask = even_mask(inside, ras_from_ijk)
    if not mask.inside.any():
        raise _no_body(level, "it is too thin for one")
    filled = _without_holes(mask.inside)
    depths = ndimage.distance_transform_edt(filled)
    _check_single(level, depths, protocol.findings)
    piece = _largest(filled)
    body, arch = _body_and_arch(np.where(piece, depths, 0))
    points_ras_mm = mask.points_ras_mm(body)
    _check_in_ct(level, points_ras_mm, stack)
    # Planes cannot be fitted to a few voxels, so these are refused first.
    thinnest_mm = float(np.ptp(points_ras_mm, axis=0).min()) + STEP_MM
    if thinnest_mm < protocol.placement.height_min_mm:
        raise _no_body(level, f"its main part is {thinnest_mm:.0f} mm thick")
    coarsest_mm = float(np.linalg.norm(ras_from_ijk[:3, :3], axis=0).max())
    axes, size_mm = _fitted(points_ras_mm, mask.points_ras_mm(arch), coarsest_mm)
    width_mm, depth_mm, height_mm = size_mm
    if not protocol.frame.midline_length_min_mm <= depth_mm <= protocol.frame.midline_length_max_mm:
        raise _no_body(level, f"its main part is {depth_mm:.0f} mm deep")
    if height_mm < protocol.placement.height_min_mm:
        raise _no_body(level, f"its main part is {height_mm:.0f} mm high")
    if height_mm > protocol.placement.height_max_mm:
        raise _several(level, f"its main part is {height_mm:.0f} mm high")
    return BodyGuess(
        level=level,
        center_ras_mm=axes.center_ras_mm,
        up_ras=axes.up_ras,
        anterior_ras=axes.anterior_ras,
        height_mm=height_mm,
        depth_mm=depth_mm,
        width_mm=width_mm,
        findings=_mask_findings(level, mask, filled, piece, coarsest_mm, protocol.placement),
    )


def _no_body(level: str, reason: str) -> InputError:
    return InputError(
        f"The segment of {level} does not contain a vertebral body ({reason}): correct the segment, or place the "
        "midline by hand.",
        level,
    )


def _several(level: str, reason: str) -> InputError:
    return InputError(
        f"The segment of {level} contains several vertebrae ({reason}): use a segmentation with one segment for each "
        "vertebra, or place the midline by hand.",
        level,
    )


def _check_single(level: str, depths: np.ndarray, values: FindingValues) -> None:
    """Raise InputError where a mask contains two bodies, one above the other, because either could be the level.

    The mask is given as the depth of each voxel in it, as for `_body_and_arch`.
    """
    from scipy import ndimage

    balls, count = ndimage.label(depths > _BALL * depths.max())
    if count < 2:
        return
    numbers = np.arange(1, count + 1)
    is_body = ndimage.maximum(depths, balls, numbers) >= _ANOTHER_BALL * depths.max()
    middles_mm = STEP_MM * np.array(ndimage.center_of_mass(balls, balls, numbers[is_body]))
    for offset_mm in middles_mm[1:] - middles_mm[0]:
        above_mm, aside_mm = abs(offset_mm[0]), np.linalg.norm(offset_mm[1:])
        if above_mm > max(aside_mm, values.level_spacing_min_mm):
            raise _several(level, f"two vertebral bodies are {above_mm:.0f} mm apart, one above the other")


def _without_holes(inside: np.ndarray) -> np.ndarray:
    """Return a mask with its holes filled, including those that open outward through a crack."""
    from scipy import ndimage

    closed = ndimage.binary_closing(inside, ndimage.generate_binary_structure(3, 1), 2)
    return ndimage.binary_fill_holes(closed | inside)


def _largest(inside: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    pieces, count = ndimage.label(inside)
    if count == 1:
        return inside
    return pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])


def _body_and_arch(depths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the body, swept by a ball that does not fit into a pedicle, and the arch, well behind the body."""
    from scipy import ndimage

    inside = depths > 0
    radius = _BALL * depths.max()
    # A compressed body may be thinner than its arch, but is wider.
    core = _largest(depths > radius)
    from_core = ndimage.distance_transform_edt(~core)
    return inside & (from_core <= radius), inside & (from_core > radius + _RIM_MM / STEP_MM)


def _check_in_ct(level: str, points_ras_mm: np.ndarray, stack: AxialStack) -> None:
    ijk = stack.to_ijk(points_ras_mm)
    last = np.array(stack.voxels_hu.shape[::-1]) - 1
    if np.all((ijk < -0.5) | (ijk > last + 0.5), axis=0).any():
        raise InputError(
            f"The segment of {level} is outside the CT: check that the segmentation belongs to this CT.", level
        )
    # The mask of a body that ends with the CT reaches the last slice; the rest of the body is unknown.
    for axis, border in ((2, "first or last slice"), (1, "anterior or posterior edge"), (0, "left or right edge")):
        if ijk[:, axis].min() < 0.4 or ijk[:, axis].max() > last[axis] - 0.4:
            raise InputError(
                f"The vertebral body of {level} reaches the {border} of the CT, so part of it is missing: omit "
                f"{level}, or exclude it with a reason, such as “out of the scan”.",
                level,
            )


def _fitted(
    body_ras_mm: np.ndarray, arch_ras_mm: np.ndarray, voxel_mm: float
) -> tuple[BodyAxes, tuple[float, float, float]]:
    """Return a body's axes through its center, and its width, depth and height in mm."""
    center = body_ras_mm.mean(axis=0)
    has_arch = len(arch_ras_mm) > _ARCH_FRACTION * len(body_ras_mm)
    toward_front = center - arch_ras_mm.mean(axis=0) if has_arch else _ANTERIOR_RAS
    axes = BodyAxes(center, _SUPERIOR_RAS, _ANTERIOR_RAS).turned(_SUPERIOR_RAS, toward_front)
    size = 2 * np.percentile(np.abs(axes.to_body_mm(body_ras_mm)), 98, axis=0)
    for _ in range(_ROUNDS):
        top, bottom = _endplates(axes.to_body_mm(body_ras_mm), size[:2], voxel_mm / 2)
        up = _plane_normal(top) + _plane_normal(bottom)
        axes = axes.moved((0, 0, (top[0] + bottom[0]) / 2)).turned(up @ axes.rows_ras, axes.anterior_ras)
        height = top[0] - bottom[0]
        slab = axes.to_body_mm(body_ras_mm)
        slab = slab[np.abs(slab[:, 2]) < height / 4, :2]
        if not has_arch:
            axes = axes.turned(axes.up_ras, _front_of_slab(slab, axes))
            slab = axes.to_body_mm(body_ras_mm)
            slab = slab[np.abs(slab[:, 2]) < height / 4, :2]
        left, right = _extent(slab, 0, size[1] / 4)
        back, front = _extent(slab, 1, size[0] / 4)
        axes = axes.moved(((left + right) / 2, (back + front) / 2, 0))
        size = np.array([right - left, front - back, height])
    width_mm, depth_mm, height_mm = size.tolist()
    return axes, (width_mm, depth_mm, height_mm)


def _endplates(points_mm: np.ndarray, size_mm: np.ndarray, ragged_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the planes through the upper and lower sides: height at the center, and slopes along x and y, in mm."""
    reach = _CENTRAL * size_mm / 2
    central = points_mm[np.sum((points_mm[:, :2] / reach) ** 2, axis=1) < 1]
    cells = np.floor(central[:, :2] / _COLUMN_MM).astype(int)
    _, column = np.unique(cells, axis=0, return_inverse=True)
    column = column.ravel()
    count = column.max() + 1
    sums = np.column_stack([np.bincount(column, central[:, axis]) for axis in (0, 1)])
    middles = sums / np.bincount(column)[:, None]
    planes = []
    for extreme, side in ((np.maximum, 1), (np.minimum, -1)):
        heights = np.full(count, -side * np.inf)
        extreme.at(heights, column, central[:, 2])
        planes.append(_robust_plane(middles, heights + side * STEP_MM / 2, ragged_mm))
    return planes[0], planes[1]


def _robust_plane(points_mm: np.ndarray, heights_mm: np.ndarray, ragged_mm: float) -> np.ndarray:
    """Return (c, a, b) of the plane height = c + a x + b y, fitted with little weight on outliers."""
    design = np.column_stack([np.ones(len(points_mm)), points_mm])
    weights = np.ones(len(heights_mm))
    for _ in range(8):
        plane = np.linalg.lstsq(design * weights[:, None], heights_mm * weights, rcond=None)[0]
        off = np.abs(heights_mm - design @ plane)
        weights = 1 / (1 + off / max(ragged_mm, 1.5 * np.median(off)))
    return plane


def _plane_normal(plane: np.ndarray) -> np.ndarray:
    normal = np.array([-plane[1], -plane[2], 1.0])
    return normal / np.linalg.norm(normal)


def _front_of_slab(slab_mm: np.ndarray, axes: BodyAxes) -> np.ndarray:
    """Return the anterior direction of a body without an arch: its short axis in cross-section, or the patient's."""
    spread, directions = np.linalg.eigh(np.cov(slab_mm.T))
    if np.sqrt(spread[1] / spread[0]) < _OBLONG:
        return _ANTERIOR_RAS
    front = directions[:, 0] @ axes.rows_ras[:2]
    return front * np.sign(front @ _ANTERIOR_RAS)


def _extent(slab_mm: np.ndarray, axis: int, half_strip_mm: float) -> tuple[float, float]:
    """Return the extent of a slab along an axis, as the median over the rows close to the axis."""
    near = slab_mm[np.abs(slab_mm[:, 1 - axis]) < half_strip_mm]
    rows = np.floor(near[:, 1 - axis] / _COLUMN_MM).astype(int)
    ends = [
        (near[rows == row, axis].min() - STEP_MM / 2, near[rows == row, axis].max() + STEP_MM / 2)
        for row in np.unique(rows)
    ]
    low, high = np.median(ends, axis=0)
    return float(low), float(high)


def _mask_findings(
    level: str,
    mask: EvenMask,
    filled: np.ndarray,
    piece: np.ndarray,
    coarsest_mm: float,
    values: PlacementValues,
) -> tuple[Finding, ...]:
    findings = []

    def add(code: str, flaw: str) -> None:
        remedy = "Check the proposed midline in the images."
        findings.append(Finding(code, f"The segment of {level} {flaw}.", remedy, "warning", level))

    apart = 1 - np.count_nonzero(piece) / np.count_nonzero(filled)
    if apart > values.mask_flaw:
        add("mask_in_pieces", f"is in pieces; {100 * apart:.0f} % of it was ignored")
    holes = np.count_nonzero(filled & ~mask.inside) / np.count_nonzero(filled)
    if holes > values.mask_flaw:
        add("mask_with_holes", f"has holes that make up {100 * holes:.0f} % of its volume; they were filled")
    if coarsest_mm > values.coarse_mask_mm:
        add(
            "mask_coarse",
            f"has voxels of up to {coarsest_mm:.1f} mm, larger than {values.coarse_mask_mm:g} mm",
        )
    return tuple(findings)
