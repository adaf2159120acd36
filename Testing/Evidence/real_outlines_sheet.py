"""Contact sheets of traced vertebrae: the outline found, both tracings and the five regions on the CT.

There is one picture for each scan, in the folder ``evidence``. It shows each vertebra's enlarged mid-slice, at the top
with the outline (red) and the two tracings (cyan, yellow; at the half-maximum, as drawn), at the bottom with the
regions. The numbers below are the mean and greatest distance of the outline from the mean of both tracings, moved
inward to the periosteal surface, and each region's mean in the outline found minus that in the tracings, with the
difference between the tracings in brackets. The same numbers are printed, with a summary.

Run it with ``python Testing/Evidence/real_outlines_sheet.py [--only tcga_L1 …] [--out FOLDER] [--no-pictures]
[--held-out]``. With ``--held-out``, the outline is found with the shape learned from the other scans only. It needs the
traced vertebrae, and says so where they are missing.
"""

import argparse
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from body_shape import shape_of, traced_bodies
from traced_vertebrae import REAL_DATA, REPOSITORY, TracedVertebra, dense, missing_data, traced_vertebrae

from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.outline.fit import fit_outline
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.outline import round_to_positions
from LumbarHULib.core.outline.shape import BodyShape
from LumbarHULib.core.pipeline import measure_level, outline_doubts
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.results import LevelResult
from LumbarHULib.files.protocol_file import load_protocol

LEVEL = "L2"
SHORT = {"round": "ro", "oval": "ov", "front": "fr", "right": "ri", "left": "le"}
COLORS = {"round": "tab:blue", "oval": "tab:cyan", "front": "tab:olive", "right": "tab:orange", "left": "tab:green"}
HALF_VIEW_MM = 31.0
# A left or right mean farther from that of the tracings should have a finding.
OFF_HU = 8.0
# Summarized separately: a noisy scan with bridging, and one with voxels of 3 mm.
HARD_SCANS = ("cptac", "t12_s1")


@dataclass(frozen=True, eq=False)
class Compared:
    """The measurement at a traced midline, compared with the tracings."""

    vertebra: TracedVertebra
    found: LevelResult | None
    refusal: str = ""
    severities: tuple[str, ...] = ()
    mean_mm: float = np.nan
    signed_mm: float = np.nan
    worst_mm: float = np.nan
    errors_hu: dict[str, float] = field(default_factory=dict)
    between_hu: dict[str, float] = field(default_factory=dict)


def measured_with(shape: BodyShape | None, vertebra: TracedVertebra, landmarks: Landmarks, protocol) -> LevelResult:
    """Measure a vertebra in the outline found with a shape, or with LumbarHU's own."""
    if shape is None:
        return measure_level(vertebra.stack, landmarks, protocol)
    _, points_ras_mm, doubt_mm = found_with(shape, vertebra, landmarks, protocol)
    return measure_level(
        vertebra.stack, landmarks, protocol, known_outline_ras_mm=points_ras_mm, known_doubt_mm=doubt_mm
    )


def found_with(
    shape: BodyShape, vertebra: TracedVertebra, landmarks: Landmarks, protocol
) -> tuple[Frame, np.ndarray, np.ndarray]:
    """Return a midline's frame, and the outline found there with a shape: its points, and their uncertainty in mm."""
    frame = frame_from_midline(vertebra.stack, landmarks, protocol.frame)
    model = replace(OutlineModel.from_values(protocol.outline), shape=shape)
    fit = fit_outline(PlaneImage(vertebra.stack.voxels_hu[frame.mid_slice], frame.uv_from_ij), frame.depth_mm, model)
    return frame, round_to_positions(frame, fit.control_points_uv_mm), fit.doubt_mm


def compared(vertebra: TracedVertebra, protocol, shape: BodyShape | None = None) -> Compared:
    """Measure a vertebra at its traced midline with the outline found and with both tracings."""
    landmarks = Landmarks(LEVEL, vertebra.midline_ras_mm)
    try:
        found = measured_with(shape, vertebra, landmarks, protocol)
    except InputError as problem:
        return Compared(vertebra, None, str(problem))
    curve, _ = sample_closed_spline(found.outline_ras_mm[:, :2])
    distances = vertebra.distances_mm(dense(curve))
    traced = [
        measure_level(vertebra.stack, landmarks, protocol, known_outline_ras_mm=points)
        for points in vertebra.outlines_ras_mm
    ]
    first, second = ({roi: one.rois[roi].values["mean_hu"] for roi in ROIS} for one in traced)
    return Compared(
        vertebra,
        found,
        "",
        tuple(finding.severity for finding in outline_doubts(vertebra.stack, found, protocol)),
        float(np.abs(distances).mean()),
        float(distances.mean()),
        float(np.abs(distances).max()),
        {roi: found.rois[roi].values["mean_hu"] - (first[roi] + second[roi]) / 2 for roi in ROIS},
        {roi: first[roi] - second[roi] for roi in ROIS},
    )


def figures(one: Compared) -> str:
    """Return a vertebra's numbers in one line."""
    between = f"tracings {one.vertebra.between_mm.mean():.2f}/{one.vertebra.between_mm.max():.1f}"
    if one.found is None:
        return f"refused: {one.refusal} ({between} mm)"
    hu = " ".join(f"{SHORT[roi]} {one.errors_hu[roi]:+.1f} ({abs(one.between_hu[roi]):.1f})" for roi in ROIS)
    return f"{one.mean_mm:.2f} mm, worst {one.worst_mm:.1f}, signed {one.signed_mm:+.2f} ({between})  HU {hu}"


def summary(name: str, compared_all: list[Compared]) -> list[str]:
    """Return lines with the bias, SD and greatest error over vertebrae."""
    measured = [one for one in compared_all if one.found is not None]
    lines = [f"{name}: {len(measured)} measured, {len(compared_all) - len(measured)} refused"]
    if len(measured) < 2:
        return lines
    means = np.array([one.mean_mm for one in measured])
    lines.append(f"  mean distance: median {np.median(means):.2f}, worst {means.max():.2f} mm")
    for roi in ROIS:
        errors = np.array([one.errors_hu[roi] for one in measured])
        between = np.array([one.between_hu[roi] for one in measured])
        lines.append(
            f"  {roi:6s} found − traced: {errors.mean():+5.1f}, SD {errors.std(ddof=1):4.1f}, greatest "
            f"{np.abs(errors).max():4.1f} HU;  tracing − tracing: SD {between.std(ddof=1):4.1f}, greatest "
            f"{np.abs(between).max():4.1f} HU"
        )
    return lines


def rates(compared_all: list[Compared]) -> str:
    """Return how often there is a finding, by whether the left or right mean is off."""
    measured = [one for one in compared_all if one.found is not None]
    off = [one for one in measured if max(abs(one.errors_hu[roi]) for roi in ("right", "left")) > OFF_HU]
    good = [one for one in measured if one not in off]
    cells = []
    for name, severities in (("finding", {"note", "warning"}), ("warning", {"warning"})):
        given, spared = (sum(bool(severities & set(one.severities)) for one in group) for group in (off, good))
        cells.append(f"{name} on {given} of {len(off)} off by more than {OFF_HU:g} HU, {spared} of {len(good)} others")
    return "Doubtful outlines: " + "; ".join(cells) + "."


def draw_sheet(path: Path, of_scan: list[Compared]) -> None:
    """Write one scan's picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = 4.6
    figure = Figure(figsize=(width * len(of_scan), 2 * width + 0.9), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(of_scan), squeeze=False)
    for column, one in enumerate(of_scan):
        vertebra = one.vertebra
        for row in (0, 1):
            _show_slice(axes[row][column], vertebra)
        for traced, color in zip(vertebra.traced_ras_mm, ("cyan", "yellow"), strict=True):
            _draw_curve(axes[0][column], dense(traced[:, :2]), color, 0.8)
        _draw_curve(axes[0][column], vertebra.midline_ras_mm[:, :2], "white", 0.5, closed=False)
        axes[0][column].set_title(vertebra.name, fontsize=11)
        if one.found is not None:
            for row in (0, 1):
                _draw_curve(axes[row][column], sample_closed_spline(one.found.outline_ras_mm[:, :2])[0], "red", 0.9)
            _draw_regions(axes[1][column], one)
        axes[1][column].set_xlabel(_wrapped(figures(one)), fontsize=7.5)
    figure.subplots_adjust(0.005, 0.09, 0.995, 0.96, 0.02, 0.02)
    figure.savefig(path)


def _show_slice(axes, vertebra: TracedVertebra) -> None:
    """Draw the mid-slice in radiological view, with the patient's right on the left."""
    stack = vertebra.stack
    corner, (step_i, step_j) = stack.ras_from_ijk[:3, 3], np.diag(stack.ras_from_ijk)[:2]
    k = round(float(np.linalg.solve(stack.ras_from_ijk, [*vertebra.midline_ras_mm[0], 1])[2]))
    _, rows, columns = stack.voxels_hu.shape
    left, right = -(corner[0] - step_i / 2), -(corner[0] + (columns - 0.5) * step_i)
    top, bottom = corner[1] - step_j / 2, corner[1] + (rows - 0.5) * step_j
    axes.imshow(
        stack.voxels_hu[k], cmap="gray", vmin=-200, vmax=600, extent=(left, right, bottom, top), interpolation="nearest"
    )
    center = vertebra.midline_ras_mm.mean(axis=0)
    axes.set_xlim(-center[0] - HALF_VIEW_MM, -center[0] + HALF_VIEW_MM)
    axes.set_ylim(center[1] - HALF_VIEW_MM, center[1] + HALF_VIEW_MM)
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_curve(axes, points_mm: np.ndarray, color: str, width: float, closed: bool = True) -> None:
    points = np.vstack([points_mm, points_mm[:1]]) if closed else points_mm
    axes.plot(-points[:, 0], points[:, 1], color=color, linewidth=width)


def _draw_regions(axes, one: Compared) -> None:
    """Draw the borders of the measured voxels in the mid-slice."""
    stack, found = one.vertebra.stack, one.found
    corner, (step_i, step_j) = stack.ras_from_ijk[:3, 3], np.diag(stack.ras_from_ijk)[:2]
    for roi, color in COLORS.items():
        mask = found.rois[roi].mask
        k, j, i = mask.offset_kji
        inside = np.pad(mask.inside[found.frame.mid_slice - k], 1).astype(int)
        for axis, (along, across) in enumerate(((1, 0), (0, 1))):
            rows, columns = np.nonzero(np.diff(inside, axis=axis))
            start = np.column_stack([columns + i - 1, rows + j - 1]) + (
                np.array([-0.5, 0.5]) if axis == 0 else np.array([0.5, -0.5])
            )
            ends = start + np.array([along, across])
            x = -(corner[0] + step_i * np.column_stack([start[:, 0], ends[:, 0]]))
            y = corner[1] + step_j * np.column_stack([start[:, 1], ends[:, 1]])
            axes.plot(x.T, y.T, color=color, linewidth=1.0)


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 72))


def main() -> None:
    """Print the numbers and write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=REPOSITORY / "evidence")
    parser.add_argument("--no-pictures", action="store_true")
    parser.add_argument("--held-out", action="store_true", help="learn the shape from the other scans")
    given = parser.parse_args()
    missing = missing_data()
    if missing:
        print(missing)
        return
    protocol = load_protocol().protocol
    bodies = traced_bodies(REAL_DATA / "real-outlines")
    everything = []
    for scan, vertebrae in groupby(traced_vertebrae(protocol, tuple(given.only)), key=lambda one: one.scan):
        others = [body for body in bodies if body.scan != scan]
        shape = shape_of(others) if given.held_out else None
        of_scan = [compared(vertebra, protocol, shape) for vertebra in vertebrae]
        everything += of_scan
        for one in of_scan:
            print(f"{one.vertebra.name:18s} {figures(one)}", flush=True)
        if not given.no_pictures:
            given.out.mkdir(parents=True, exist_ok=True)
            draw_sheet(given.out / f"real-outlines-{scan}.png", of_scan)
    usual = [one for one in everything if one.vertebra.scan not in HARD_SCANS]
    hard = [one for one in everything if one.vertebra.scan in HARD_SCANS]
    for line in (*summary("all but cptac and t12_s1", usual), *summary("cptac and t12_s1", hard)):
        print(line)
    print(rates(everything))
    if not given.no_pictures:
        print(f"The sheets are in {given.out.name}.")


if __name__ == "__main__":
    main()
