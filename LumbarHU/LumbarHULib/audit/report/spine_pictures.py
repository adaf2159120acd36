"""The spine from the side and from the front, with the slices that each level was measured in.

Whether a mid-slice is at mid-height, a level was skipped or a disc was measured shows only here. Each row of a picture
is one axial slice, taken where the midlines are: the pictures follow a curved spine.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.audit.report.level_picture import windowed
from LumbarHULib.audit.report.png_image import gray_png
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.results import LevelResult

# What is shown above the highest and below the lowest level, and to each side of the bodies' middles.
_ABOVE_MM, _ASIDE_MM = 45.0, 48.0
# Finer pixels than these only make the report larger.
_PIXEL_MM = 0.7
# How far a level's line reaches beyond its midline, or its half width from the front.
_BEYOND_MM, _HALF_WIDTH_MM = 8.0, 30.0

SPINE_STYLE = """
.spine { display: flex; flex-wrap: wrap; gap: 1rem; }
.spine figure { margin: 0; }
.spine svg { display: block; height: 26rem; max-width: 100%; background: #000; }
.spine .slab { fill: #ffe14d; fill-opacity: .28; }
.spine .slice { stroke: #ffe14d; stroke-width: 1.2; vector-effect: non-scaling-stroke; }
.spine .excluded { stroke-dasharray: 3 3; }
.spine text { font: 600 6px system-ui, sans-serif; fill: #fff; stroke: #000; stroke-width: 1px; paint-order: stroke; }
@media print { .spine { gap: 2mm; } .spine svg { height: 46mm; } }
"""


@dataclass(frozen=True, eq=False)
class _View:
    """One way of looking at the spine.

    Parameters
    ----------
    name, side : str
        Name, and what is on the picture's left.
    marks : tuple of str
        Letters at the left and at the right edge.
    axis : int
        Axis of the slices that runs across the picture: 2 along i, 1 along j.
    """

    name: str
    side: str
    marks: tuple[str, str]
    axis: int

    @property
    def across(self) -> int:
        """Index in (i, j, k) that runs across the picture."""
        return 2 - self.axis


_VIEWS = (
    _View("Sagittal", "anterior is on the left", ("A", "P"), 1),
    _View("Coronal", "the patient's right is on the left", ("R", "L"), 2),
)


def spine_pictures(levels: Sequence[LevelResult], stack: AxialStack, sides_known: bool = True) -> dict[str, str]:
    """Return an SVG drawing of each view by its name: CT, and for each level its midline's slice and its slab.

    Parameters
    ----------
    levels : sequence of LevelResult
    stack : AxialStack
        The CT.
    sides_known : bool
        False puts a question mark behind the sides' letters: the CT does not say which side is which.
    """
    return {view.name: _drawing(view, levels, stack, "" if sides_known else "?") for view in _VIEWS} if levels else {}


@dataclass(frozen=True, eq=False)
class _Raster:
    """The voxels that a picture shows, and where they are in it, in mm from its upper left corner.

    Parameters
    ----------
    pixels : numpy.ndarray of uint8, shape (rows, columns)
        A row for each slice shown, from cranial to caudal.
    pixel_mm, row_mm : float
        Width and height of a pixel of the picture.
    step_mm, slice_mm : float
        Distance of two voxels across the picture, and of two slices.
    begin, last : int
        Index of the voxel at the left, and of the slice at the top.
    lean_mm : float
        By how much each row is shifted against the one above: a tilted gantry moves the slices.
    """

    pixels: np.ndarray
    pixel_mm: float
    row_mm: float
    step_mm: float
    slice_mm: float
    begin: int
    last: int
    lean_mm: float

    @property
    def left_mm(self) -> float:
        """Where the lowest row begins if the rows lean to the left."""
        return min(0.0, -self.lean_mm * len(self.pixels))

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        rows, columns = self.pixels.shape
        return columns * self.pixel_mm + abs(self.lean_mm) * rows, rows * self.row_mm

    def x_mm(self, index_across: float, k: float) -> float:
        """Return where a voxel's center is across the picture, in slice k."""
        row = (self.last - k + 0.5) * self.slice_mm / self.row_mm
        return (index_across - self.begin + 0.5) * self.step_mm - self.lean_mm * row - self.left_mm

    def y_mm(self, k: float) -> float:
        """Return where a slice's middle is."""
        return (self.last - k + 0.5) * self.slice_mm


def _raster(view: _View, levels: Sequence[LevelResult], stack: AxialStack, middles_ijk: np.ndarray) -> _Raster:
    """Return the CT through the middles of the midlines, shape (n, 3)."""
    slices = np.array([level.frame.mid_slice for level in levels])
    first, last = _rows(levels, stack)
    # From cranial to caudal, as the picture's rows are.
    rows_k = np.arange(last, first - 1, -max(1, round(_PIXEL_MM / stack.slice_spacing_mm)))
    order = np.argsort(slices)
    through = np.array([np.interp(rows_k, slices[order], middles_ijk[order, column]) for column in (0, 1)])

    across = view.across
    step_mm = stack.pixel_spacings_mm[across]
    size = stack.voxels_hu.shape[view.axis]
    half = _ASIDE_MM / step_mm
    begin = int(np.clip(np.floor(middles_ijk[:, across].min() - half), 0, size - 1))
    end = int(np.clip(np.ceil(middles_ijk[:, across].max() + half) + 1, begin + 1, size))
    columns = np.arange(begin, end, max(1, round(_PIXEL_MM / step_mm)))
    fixed_size = stack.voxels_hu.shape[3 - view.axis]
    fixed = np.clip(np.rint(through[1 - across]), 0, fixed_size - 1).astype(int)
    index = (rows_k[:, None], columns, fixed[:, None]) if view.axis == 1 else (rows_k[:, None], fixed[:, None], columns)

    row_mm = stack.slice_spacing_mm * (rows_k[0] - rows_k[1] if len(rows_k) > 1 else 1)
    unit = stack.ras_from_ijk[:3, across] / np.linalg.norm(stack.ras_from_ijk[:3, across])
    return _Raster(
        windowed(stack.voxels_hu[index]),
        step_mm * (columns[1] - columns[0] if len(columns) > 1 else 1),
        row_mm,
        step_mm,
        stack.slice_spacing_mm,
        begin,
        last,
        float(stack.ras_from_ijk[:3, 2] @ unit) * row_mm / stack.slice_spacing_mm,
    )


def _drawing(view: _View, levels: Sequence[LevelResult], stack: AxialStack, doubt: str) -> str:
    ends_ijk = np.array([stack.to_ijk(level.midline_ras_mm) for level in levels])
    raster = _raster(view, levels, stack, ends_ijk.mean(axis=1))
    width, height = raster.size_mm
    rows, columns = raster.pixels.shape
    png = base64.b64encode(gray_png(raster.pixels)).decode("ascii")
    description = (
        f"{view.name} picture of the spine with the slices of {', '.join(level.level for level in levels)}; {view.side}"
    )
    left, right = view.marks
    parts = [
        f'<svg role="img" aria-label="{description}" viewBox="0 0 {width:.2f} {height:.2f}">',
        f'<image transform="matrix({raster.pixel_mm:.6g} 0 {-raster.lean_mm:.6g} {raster.row_mm:.6g} '
        f'{-raster.left_mm:.6g} 0)" width="{columns}" height="{rows}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{png}"/>',
        *(_level_marks(view, raster, level, ends) for level, ends in zip(levels, ends_ijk, strict=True)),
        f'<text x="2" y="{height / 2:.2f}">{left}{doubt}</text>'
        f'<text x="{width - 2:.2f}" y="{height / 2:.2f}" text-anchor="end">{right}{doubt}</text></svg>',
    ]
    return "\n".join(parts)


def _level_marks(view: _View, raster: _Raster, level: LevelResult, ends_ijk: np.ndarray) -> str:
    """Return a level's slab, the line of its mid-slice, and its name."""
    if view.axis == 1:
        from_index, to_index = ends_ijk[:, view.across].min(), ends_ijk[:, view.across].max()
        beyond = _BEYOND_MM / raster.step_mm
    else:
        from_index = to_index = ends_ijk.mean(axis=0)[view.across]
        beyond = _HALF_WIDTH_MM / raster.step_mm
    mid_slice = level.frame.mid_slice
    x_from, x_to = raster.x_mm(from_index - beyond, mid_slice), raster.x_mm(to_index + beyond, mid_slice)
    y = raster.y_mm(mid_slice)
    bands = "".join(
        f'<rect class="slab" x="{x_from:.2f}" y="{raster.y_mm(high + 0.5):.2f}" width="{x_to - x_from:.2f}" '
        f'height="{raster.y_mm(low - 0.5) - raster.y_mm(high + 0.5):.2f}"/>'
        for low, high in slice_runs(level)
    )
    return (
        f'{bands}<path class="slice{" excluded" if level.excluded else ""}" d="M{x_from:.2f},{y:.2f}H{x_to:.2f}"/>'
        f'<text x="{x_to + 1:.2f}" y="{y + 2:.2f}">{level.level}</text>'
    )


def _rows(levels: Sequence[LevelResult], stack: AxialStack) -> tuple[int, int]:
    """Return the lowest and the highest slice that is shown."""
    beyond = round(_ABOVE_MM / stack.slice_spacing_mm)
    slices = [k for level in levels for run in slice_runs(level) for k in run]
    return max(0, min(slices) - beyond), min(stack.voxels_hu.shape[0] - 1, max(slices) + beyond)


def slice_runs(level: LevelResult) -> tuple[tuple[int, int], ...]:
    """Return first and last slice k of each run of slices in which the regions have voxels, from caudal to cranial.

    The study's regions are all in the slab around the mid-slice.
    """
    if tuple(level.rois) == ROIS:
        return (level.slices,)
    slices = {
        int(k) + measured.mask.offset_kji[0]
        for measured in level.rois.values()
        for k in np.flatnonzero(measured.mask.inside.any(axis=(1, 2)))
    }
    firsts = sorted(k for k in slices if k - 1 not in slices)
    lasts = sorted(k for k in slices if k + 1 not in slices)
    return tuple(zip(firsts, lasts, strict=True))
