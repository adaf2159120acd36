"""The mid-slice of a level as a drawing: CT, midline, boundary, outline, and the regions as they were exported."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.audit.report.pixel_edges import pixel_edges, svg_path
from LumbarHULib.audit.report.png_image import gray_png
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.checks.outline import doubtful_stretches
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.protocol_values import OutlineValues
from LumbarHULib.core.results import LevelResult
from LumbarHULib.files.drawing_colors import (
    CONTOUR_ROIS,
    FILLED_ROIS,
    MARKUP_COLORS,
    ROI_COLORS,
    colors_of,
    hex_color,
)
from LumbarHULib.images.label_map_file import read_label_boxes

# What is black and what is white: as trabecular bone is looked at.
LOW_HU, HIGH_HU = -150.0, 350.0
SCALE_BAR_MM = 20
# What of the surroundings is shown beyond the body's outline.
_MARGIN_MM = 11.0


def _color_rules() -> str:
    lines = {**{roi: ROI_COLORS[roi] for roi in CONTOUR_ROIS}, **MARKUP_COLORS}
    rules = [f"svg .{name} {{ stroke: {hex_color(lines[name])}; fill: none; stroke-width: 1.8; }}" for name in lines]
    for roi in FILLED_ROIS:
        color = hex_color(ROI_COLORS[roi])
        rules.append(f"svg .{roi} {{ stroke: {color}; fill: {color}; fill-opacity: .35; }}")
    for role in ("midline", "boundary"):
        rules.append(f"svg .handle.{role} {{ stroke: none; fill: {hex_color(MARKUP_COLORS[role])}; }}")
    return "\n".join(rules)


def color_rules_of_others(rois: Sequence[str]) -> str:
    """Return the style of regions other than the study's; empty without such."""
    colors = {roi: hex_color(color) for roi, color in colors_of(rois).items() if roi not in ROI_COLORS}
    if not colors:
        return ""
    # Their names are longer than the study's.
    longest = max(map(len, rois))
    rules = [f".scale-row {{ grid-template-columns: {longest + 1}ch 1fr; }}\n"]
    rules += [
        f"svg .{roi} {{ stroke: {color}; fill: {color}; fill-opacity: .2; stroke-width: 1.8; }}\n"
        for roi, color in colors.items()
    ]
    return "".join(rules)


PICTURE_STYLE = (
    _color_rules()
    + """
.picture { display: block; width: 100%; height: auto; background: #000; }
.picture path, .picture line, .picture polygon { vector-effect: non-scaling-stroke; }
.outline { stroke-dasharray: 4 2; }
svg .outline.doubtful { stroke: #000; stroke-dasharray: 2 3; }
.boundary { stroke-dasharray: 7 3; }
.picture text { font: 600 4px system-ui, sans-serif; fill: #fff; stroke: #000; stroke-width: .7px;
  paint-order: stroke; }
.scale { stroke: #fff; stroke-width: 2; }
"""
)


@dataclass(frozen=True, eq=False)
class _Plane:
    """A mid-slice in mm: x along its rows, y across them.

    Parameters
    ----------
    level : LevelResult
    xy_from_ij : numpy.ndarray, shape (2, 2)
        From indices (i, j) to (x, y).
    center_xy_mm, half_xy_mm : numpy.ndarray, shape (2,)
        Middle and half extent of the body's outline.
    """

    level: LevelResult
    xy_from_ij: np.ndarray
    center_xy_mm: np.ndarray
    half_xy_mm: np.ndarray

    def to_xy_mm(self, points_uv_mm: ArrayLike) -> np.ndarray:
        """Return (u, v) points of the level's frame, shape (n, 2), as (x, y)."""
        return self.level.frame.to_ij(points_uv_mm) @ self.xy_from_ij.T


def level_pictures(
    levels: Sequence[LevelResult],
    stack: AxialStack,
    label_maps: Path,
    values: OutlineValues,
    sides_known: bool = True,
) -> dict[str, str]:
    """Return for each level an SVG drawing of its mid-slice, all to one scale.

    Parameters
    ----------
    levels : sequence of LevelResult
    stack : AxialStack
        The CT.
    label_maps : pathlib.Path
        The folder with the exported label maps, from which the regions are drawn.
    values : OutlineValues
        Says from which doubt a stretch of an outline is drawn broken.
    sides_known : bool
        False puts a question mark behind the sides' letters: the CT does not say which side is which.
    """
    if not levels:
        return {}
    planes = [_plane(level, stack) for level in levels]
    half_xy_mm = np.max([plane.half_xy_mm for plane in planes], axis=0) + _MARGIN_MM
    boxes = [_box(plane, half_xy_mm, stack) for plane in planes]
    labels = {roi: read_label_boxes(label_maps / f"{roi}.nrrd", stack, boxes) for roi in levels[0].rois}
    pictures = {}
    for number, (plane, box) in enumerate(zip(planes, boxes, strict=True)):
        name = plane.level.level
        regions = {roi: labels[roi][number][0] == LABEL_VALUES[name] for roi in labels}
        doubtful = doubtful_stretches(plane.level, values)
        pictures[name] = _drawing(plane, stack.voxels_hu[box][0], box, half_xy_mm, regions, doubtful, sides_known)
    return pictures


def _plane(level: LevelResult, stack: AxialStack) -> _Plane:
    step_i, step_j = stack.ras_from_ijk[:3, :2].T
    length_i = np.linalg.norm(step_i)
    along = step_i @ step_j / length_i
    # j runs to posterior: down, as in a picture.
    across = np.sqrt(max(step_j @ step_j - along**2, 0.0))
    plane = _Plane(level, np.array([[length_i, along], [0.0, across]]), np.zeros(2), np.zeros(2))
    outline = plane.to_xy_mm(_outline_uv_mm(level))
    low, high = outline.min(axis=0), outline.max(axis=0)
    return _Plane(level, plane.xy_from_ij, (low + high) / 2, (high - low) / 2)


def _outline_uv_mm(level: LevelResult) -> np.ndarray:
    return Outline(level.frame.to_uv_mm(level.outline_ras_mm)).polygon_uv_mm


def _box(plane: _Plane, half_xy_mm: np.ndarray, stack: AxialStack) -> tuple[slice, slice, slice]:
    """Return the voxels of the mid-slice that the picture shows."""
    corners_mm = plane.center_xy_mm + half_xy_mm * [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    corners_ij = np.linalg.solve(plane.xy_from_ij, corners_mm.T).T
    first = np.maximum(np.floor(corners_ij.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(corners_ij.max(axis=0)).astype(int) + 1, stack.voxels_hu.shape[:0:-1])
    k = plane.level.frame.mid_slice
    return slice(k, k + 1), slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))


def _drawing(
    plane: _Plane,
    voxels_hu: np.ndarray,
    box: tuple[slice, slice, slice],
    half_xy_mm: np.ndarray,
    regions: Mapping[str, np.ndarray],
    doubtful_uv_mm: Sequence[np.ndarray],
    sides_known: bool,
) -> str:
    level = plane.level
    left, top = plane.center_xy_mm - half_xy_mm
    width, height = 2 * half_xy_mm
    # A pixel's corner is half a step from its center.
    (a, c), (b, d) = plane.xy_from_ij
    e, f = plane.xy_from_ij @ (box[2].start - 0.5, box[1].start - 0.5) - (left, top)
    of_pixels = " ".join(f"{number:.6g}" for number in (a, b, c, d, e, f))

    def points(points_uv_mm: ArrayLike) -> list[str]:
        return [f"{x:.2f},{y:.2f}" for x, y in plane.to_xy_mm(points_uv_mm) - (left, top)]

    frame = level.frame
    lines = {
        "outline": points(_outline_uv_mm(level)),
        "midline": points([(0.0, 0.0), (0.0, -frame.depth_mm)]),
        "boundary": points(frame.to_uv_mm(level.boundary.points_ras_mm)),
    }
    png = base64.b64encode(gray_png(windowed(voxels_hu))).decode("ascii")
    rows, columns = voxels_hu.shape
    description = (
        f"Mid-slice of {level.level}: CT with midline, boundary and outline, and the regions {', '.join(regions)}; "
        "the patient's right is on the left of the picture"
    )
    parts = [
        f'<svg class="picture" role="img" aria-label="{description}" viewBox="0 0 {width:.2f} {height:.2f}">',
        f'<g transform="matrix({of_pixels})">',
        f'<image width="{columns}" height="{rows}" preserveAspectRatio="none" href="data:image/png;base64,{png}"/>',
        '<g class="regions">',
        *(f'<path class="{roi}" d="{svg_path(pixel_edges(regions[roi]))}"/>' for roi in _drawn_order(regions)),
        '</g></g><g class="lines">',
        f'<polygon class="outline" points="{" ".join(lines["outline"])}"/>',
        *(f'<path class="outline doubtful" d="M{"L".join(points(curve))}"/>' for curve in doubtful_uv_mm),
    ]
    for role in ("boundary", "midline"):
        parts.append(f'<path class="{role}" d="M{"L".join(lines[role])}"/>')
        for point in lines[role]:
            x, y = point.split(",")
            parts.append(f'<circle class="handle {role}" cx="{x}" cy="{y}" r=".8"/>')
    parts.append(f"</g>{_marks(width, height, '' if sides_known else '?')}</svg>")
    return "\n".join(parts)


def _drawn_order(rois: Iterable[str]) -> list[str]:
    """Return the regions that are drawn filled, then the others, which stay visible on them."""
    study = [roi for roi in (*FILLED_ROIS, *CONTOUR_ROIS) if roi in rois]
    return [*study, *(roi for roi in rois if roi not in ROI_COLORS)]


def windowed(voxels_hu: np.ndarray) -> np.ndarray:
    """Return HU as 8-bit gray in the pictures' window."""
    shares = (voxels_hu.astype(np.float64) - LOW_HU) / (HIGH_HU - LOW_HU)
    return np.round(255 * np.clip(shares, 0.0, 1.0)).astype(np.uint8)


def _marks(width: float, height: float, doubt: str) -> str:
    """Return the sides' letters and the scale bar."""
    right, bottom = width - 2.0, height - 3.0
    return (
        f'<text x="2" y="{height / 2:.2f}">R{doubt}</text>'
        f'<text x="{right:.2f}" y="{height / 2:.2f}" text-anchor="end">L{doubt}</text>'
        f'<line class="scale" x1="{right - SCALE_BAR_MM:.2f}" y1="{bottom:.2f}" x2="{right:.2f}" y2="{bottom:.2f}"/>'
        f'<text x="{right:.2f}" y="{bottom - 1.5:.2f}" text-anchor="end">{SCALE_BAR_MM} mm</text>'
    )
