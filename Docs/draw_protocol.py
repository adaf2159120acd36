"""Draw the figures of the protocol's page from the code that measures: run it with ``make pictures``."""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, Ellipse

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.outline.profiles import PlaneSampler
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.demo import demo_ct
from LumbarHULib.phantom.hostile.families import hostile_case
from LumbarHULib.phantom.hostile.hazards import Horns, OpenWall

LEVEL = "L3"
WINDOW_HU = (-150, 350)
# Okabe and Ito's palette, distinguishable for the color-blind; as in Slicer.
COLORS = {"round": "#e69f00", "oval": "#56b4e9", "right": "#b8a800", "front": "#009e73", "left": "#cc79a7"}
MIDLINE, BOUNDARY, OUTLINE, INNER = "#c000c0", "#c98200", "#0077aa", "#666666"

# The same file on each run: no date, and names of parts that do not change.
matplotlib.rcParams.update({"svg.hashsalt": "LumbarHU", "font.size": 9, "svg.fonttype": "path"})


def main() -> None:
    """Measure one vertebra of the demo's phantom and draw what the protocol's words mean on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "figures")
    folder = parser.parse_args().out
    phantom, protocol = demo_ct(), load_protocol().protocol
    stack = axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), protocol.frame)
    level = measure_level(stack, Landmarks(LEVEL, phantom.truth[LEVEL].midline_ras_mm), protocol)
    draw_markups(level, protocol, folder / "markups.svg")
    draw_regions(level, folder / "regions.svg")
    draw_slab(stack, level, folder / "slab.svg")
    draw_closure(folder / "closure.svg")


def draw_markups(level: LevelResult, protocol: Protocol, picture: Path) -> None:
    """Draw outline, midline, boundary and inner outline, each with its name and measure."""
    figure, axes = plt.subplots(figsize=(6.4, 5.2))
    depth_mm = level.frame.depth_mm
    outline = Outline(level.frame.to_uv_mm(level.outline_ras_mm))
    _draw_closed(axes, outline.polygon_uv_mm, color=OUTLINE, linewidth=1.6)
    axes.plot(*outline.control_points_uv_mm.T, "o", color=OUTLINE, markersize=3)
    _draw_closed(axes, level.shapes.inner_outline_uv_mm, color=INNER, linewidth=1.1, linestyle="--")
    axes.plot([0, 0], [0, -depth_mm], color=MIDLINE, marker="o", markersize=5, linewidth=1.6)
    handles_uv_mm = level.frame.to_uv_mm(level.boundary.points_ras_mm)
    axes.plot(*handles_uv_mm.T, color=BOUNDARY, marker="o", markersize=5, linewidth=1.6)
    crossing_v_mm = -level.boundary.fraction * depth_mm
    axes.annotate("anterior end", (0, 0), (0, 3), color=MIDLINE, ha="center")
    axes.annotate("posterior end", (0, -depth_mm), (0, -depth_mm - 3.6), color=MIDLINE, ha="center")
    axes.text(1.0, -0.28 * depth_mm, "midline,\ndepth d", color=MIDLINE)
    axes.text(1.0, crossing_v_mm - 2.4, "2/3 d", color=BOUNDARY)
    axes.text(*(handles_uv_mm[1] + (1.5, 0)), "boundary", color=BOUNDARY, va="center")
    edge = outline.polygon_uv_mm[np.argmax(outline.polygon_uv_mm @ (1, 0.8))]
    axes.annotate(
        "outline", edge, np.add(edge, (5, 4)), color=OUTLINE, arrowprops={"arrowstyle": "-", "color": OUTLINE}
    )
    inner = level.shapes.inner_outline_uv_mm
    low = inner[np.argmax(inner @ (1, -1.2))]
    axes.annotate(
        f"inner outline,\n{protocol.outline.cortical_margin_mm:g} mm inside",
        low,
        np.add(low, (9, -6)),
        color=INNER,
        arrowprops={"arrowstyle": "-", "color": INNER},
    )
    _finish(figure, axes, outline.polygon_uv_mm, picture, margin_mm=12)


def draw_closure(picture: Path) -> None:
    """Draw a phantom's posterior half: where its outline has a cortex, and where it closes over pedicle and vein."""
    case = hostile_case(11, Horns(), OpenWall())
    stack = axial_stack(case.ct, load_protocol().protocol.frame)
    frame = frame_from_midline(stack, Landmarks(LEVEL, case.midline_ras_mm), load_protocol().protocol.frame)
    plane = PlaneImage(stack.voxels_hu[frame.mid_slice], frame.uv_from_ij)
    outline = frame.to_uv_mm(case.outline_ras_mm)
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    grid = np.stack(np.meshgrid(np.arange(-34, 34, 0.2), np.arange(2, -frame.depth_mm - 14, -0.2)), axis=-1)
    sampler = PlaneSampler(plane, frame.depth_mm, 40.0, 20.0, -120.0)
    extent = (-34, 34, -frame.depth_mm - 14, 2)
    axes.imshow(sampler(grid), cmap="gray", vmin=WINDOW_HU[0], vmax=500, extent=extent, interpolation="bilinear")
    own = ~case.covered & (case.cortex_mm > 0)
    for part, color, label in (
        (own, OUTLINE, "cortex"),
        (case.covered, BOUNDARY, "pedicle closure"),
        (~case.covered & (case.cortex_mm == 0), COLORS["front"], "mouth of the vein, bridged"),
    ):
        axes.plot(*np.where(part[:, None], outline, np.nan).T, color=color, linewidth=2, label=label)
    axes.plot([0, 0], [0, -frame.depth_mm], color=MIDLINE, marker="o", markersize=4, linewidth=1.2, label="midline")
    axes.set_ylim(-frame.depth_mm - 12, -frame.depth_mm / 3)
    axes.set_axis_off()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2, frameon=False)
    _save(figure, picture)


def draw_regions(level: LevelResult, picture: Path) -> None:
    """Draw the five regions one by one with the lines that make them."""
    figure, row = plt.subplots(1, len(ROIS), figsize=(11, 2.7))
    shapes, inner = level.shapes, level.shapes.inner_outline_uv_mm
    anterior = polygons.clip_to_half_plane(inner, shapes.boundary.normal_uv, shapes.boundary.offset_mm)
    border_mm = shapes.front_half_width_mm
    regions = {
        "front": _between(anterior, -border_mm, border_mm),
        "left": _between(inner, border_mm, np.inf),
        "right": _between(inner, -np.inf, -border_mm),
    }
    for axes, roi in zip(row, ROIS, strict=True):
        fill = {"facecolor": COLORS[roi], "alpha": 0.55, "edgecolor": COLORS[roi]}
        if roi == "round":
            axes.add_patch(Circle((0, shapes.round_center_v_mm), shapes.round_radius_mm, **fill))
        elif roi == "oval":
            size = 2 * shapes.oval_half_u_mm, 2 * shapes.oval_half_v_mm
            axes.add_patch(Ellipse((0, shapes.oval_center_v_mm), *size, **fill))
        else:
            axes.fill(*regions[roi].T, **fill)
            for side in (-1, 1):
                axes.axvline(side * border_mm, color=INNER, linewidth=0.8, linestyle=":")
        outline = Outline(level.frame.to_uv_mm(level.outline_ras_mm)).polygon_uv_mm
        _draw_closed(axes, outline, color=OUTLINE, linewidth=1)
        _draw_closed(axes, inner, color=INNER, linewidth=0.8, linestyle="--")
        axes.plot([0, 0], [0, -level.frame.depth_mm], color=MIDLINE, linewidth=1)
        axes.plot(*level.frame.to_uv_mm(level.boundary.points_ras_mm).T, color=BOUNDARY, linewidth=1)
        axes.set_title(roi)
        _frame(axes, outline, margin_mm=3)
    _save(figure, picture)


def draw_slab(stack: AxialStack, level: LevelResult, picture: Path) -> None:
    """Draw the CT in the midline's plane, with the slices that are measured."""
    frame = level.frame
    reach_v_mm, reach_mm, step_mm = np.arange(-frame.depth_mm - 22, 16, 0.5), 24.0, 0.5
    heights_mm = np.arange(-reach_mm, reach_mm + step_mm, step_mm)
    points = (
        frame.origin_ras_mm + reach_v_mm[None, :, None] * frame.v_ras + heights_mm[:, None, None] * frame.normal_ras
    )
    ijk = np.rint((points - stack.ras_from_ijk[:3, 3]) @ np.linalg.inv(stack.ras_from_ijk[:3, :3]).T).astype(int)
    image = stack.voxels_hu[ijk[..., 2], ijk[..., 1], ijk[..., 0]]
    figure, axes = plt.subplots(figsize=(5.6, 3.9))
    extent = (reach_v_mm[0], reach_v_mm[-1], -reach_mm, reach_mm)
    low, high = WINDOW_HU
    axes.imshow(image, origin="lower", cmap="gray", vmin=low, vmax=high, extent=extent)
    axes.axhspan(-level.covered_mm / 2, level.covered_mm / 2, color="#56b4e9", alpha=0.45, linewidth=0)
    axes.plot([0, -frame.depth_mm], [0, 0], color="#ff60ff", marker="o", markersize=4)
    axes.text(14, level.covered_mm / 2 + 0.8, f"{level.covered_mm:g} mm", color="white")
    axes.text(14, 0, "A", color="white", va="center", fontsize=12)
    axes.text(extent[0] + 2, 0, "P", color="white", va="center", ha="right", fontsize=12)
    axes.set_axis_off()
    axes.set_xlim(extent[1], extent[0])  # the front on the left, as Slicer shows it
    _save(figure, picture)


def _between(polygon: np.ndarray, low_u_mm: float, high_u_mm: float) -> np.ndarray:
    """Return the part of a polygon with u between the two limits."""
    for normal, offset_mm in (((1.0, 0.0), low_u_mm), ((-1.0, 0.0), -high_u_mm)):
        if np.isfinite(offset_mm):
            polygon = polygons.clip_to_half_plane(polygon, np.array(normal), offset_mm)
    return polygon


def _draw_closed(axes, points: np.ndarray, **style) -> None:
    axes.plot(*np.vstack([points, points[:1]]).T, **style)


def _frame(axes, points: np.ndarray, margin_mm: float) -> None:
    low, high = points.min(axis=0) - margin_mm, points.max(axis=0) + margin_mm
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.text(0.01, 0.98, "R", transform=axes.transAxes, va="top")
    axes.text(0.99, 0.98, "L", transform=axes.transAxes, va="top", ha="right")
    axes.set_axis_off()


def _finish(figure, axes, points: np.ndarray, picture: Path, margin_mm: float) -> None:
    _frame(axes, points, margin_mm)
    _save(figure, picture)


def _save(figure, picture: Path) -> None:
    figure.savefig(picture, bbox_inches="tight", facecolor="white", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
