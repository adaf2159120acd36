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


def _drawing(view: _View, levels: Sequence[LevelResult], stack: AxialStack, doubt: str) -> str:
    ends_ijk = np.array([stack.to_ijk(level.midline_ras_mm) for level in levels])
    middles_ijk = ends_ijk.mean(axis=1)
    slices = np.array([level.frame.mid_slice for level in levels])
    first, last = _rows(levels, stack)
    # From cranial to caudal, as the picture's rows are.
    rows_k = np.arange(last, first - 1, -max(1, round(_PIXEL_MM / stack.slice_spacing_mm)))
    order = np.argsort(slices)
    through = np.array([np.interp(rows_k, slices[order], middles_ijk[order, column]) for column in (0, 1)])

    step_mm = stack.pixel_spacings_mm[0 if view.axis == 2 else 1]
    across = 0 if view.axis == 2 else 1
    size = stack.voxels_hu.shape[view.axis]
    half = _ASIDE_MM / step_mm
    begin = int(np.clip(np.floor(middles_ijk[:, across].min() - half), 0, size - 1))
    end = int(np.clip(np.ceil(middles_ijk[:, across].max() + half) + 1, begin + 1, size))
    columns = np.arange(begin, end, max(1, round(_PIXEL_MM / step_mm)))
    fixed_size = stack.voxels_hu.shape[3 - view.axis]
    fixed = np.clip(np.rint(through[1 - across]), 0, fixed_size - 1).astype(int)
    index = (rows_k[:, None], columns, fixed[:, None]) if view.axis == 1 else (rows_k[:, None], fixed[:, None], columns)
    pixels = windowed(stack.voxels_hu[index])

    pixel_mm = step_mm * (columns[1] - columns[0] if len(columns) > 1 else 1)
    row_mm = stack.slice_spacing_mm * (rows_k[0] - rows_k[1] if len(rows_k) > 1 else 1)
    # A tilted gantry moves each slice against the next one.
    unit = stack.ras_from_ijk[:3, across] / np.linalg.norm(stack.ras_from_ijk[:3, across])
    lean_mm = float(stack.ras_from_ijk[:3, 2] @ unit) * row_mm / stack.slice_spacing_mm
    width, height = len(columns) * pixel_mm, len(rows_k) * row_mm
    left_mm = min(0.0, -lean_mm * len(rows_k))
    width += abs(lean_mm) * len(rows_k)

    def x_mm(index_across: float, row: float) -> float:
        return (index_across - begin + 0.5) * step_mm - lean_mm * row - left_mm

    def y_mm(k: float) -> float:
        return (last - k + 0.5) * stack.slice_spacing_mm

    png = base64.b64encode(gray_png(pixels)).decode("ascii")
    description = (
        f"{view.name} picture of the spine with the slices of {', '.join(level.level for level in levels)}; {view.side}"
    )
    parts = [
        f'<svg role="img" aria-label="{description}" viewBox="0 0 {width:.2f} {height:.2f}">',
        f'<image transform="matrix({pixel_mm:.6g} 0 {-lean_mm:.6g} {row_mm:.6g} {-left_mm:.6g} 0)" '
        f'width="{len(columns)}" height="{len(rows_k)}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{png}"/>',
    ]
    for level, ends, middle in zip(levels, ends_ijk, middles_ijk, strict=True):
        if view.axis == 1:
            from_index, to_index = ends[:, across].min(), ends[:, across].max()
            beyond = _BEYOND_MM / step_mm
        else:
            from_index = to_index = middle[across]
            beyond = _HALF_WIDTH_MM / step_mm
        mid_slice = level.frame.mid_slice
        row = (last - mid_slice + 0.5) * stack.slice_spacing_mm / row_mm
        x_from, x_to = x_mm(from_index - beyond, row), x_mm(to_index + beyond, row)
        y = y_mm(mid_slice)
        kind = " excluded" if level.excluded else ""
        bands = "".join(
            f'<rect class="slab" x="{x_from:.2f}" y="{y_mm(high + 0.5):.2f}" width="{x_to - x_from:.2f}" '
            f'height="{y_mm(low - 0.5) - y_mm(high + 0.5):.2f}"/>'
            for low, high in slice_runs(level)
        )
        parts.append(
            f'{bands}<path class="slice{kind}" d="M{x_from:.2f},{y:.2f}H{x_to:.2f}"/>'
            f'<text x="{x_to + 1:.2f}" y="{y + 2:.2f}">{level.level}</text>'
        )
    left, right = view.marks
    parts.append(
        f'<text x="2" y="{height / 2:.2f}">{left}{doubt}</text>'
        f'<text x="{width - 2:.2f}" y="{height / 2:.2f}" text-anchor="end">{right}{doubt}</text></svg>'
    )
    return "\n".join(parts)


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
