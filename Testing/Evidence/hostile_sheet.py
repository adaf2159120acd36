"""A contact sheet of hostile phantoms: the true outline (cyan), the outline found (red) and the midline.

The picture is ``evidence/hostile-outlines.png``, with one row for each family. Below each mid-slice are the mean and
greatest distance of the two outlines, or the refusal.

Run it with ``python Testing/Evidence/hostile_sheet.py [--families lung horns …] [--count 6] [--first 0]``.
"""

import argparse
import textwrap
from pathlib import Path

import numpy as np
from hostile_outlines import protocol, trial

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.phantom.hostile.families import FAMILIES, family_case

HALF_VIEW_MM = 36.0


def draw_case(axes, family: str, seed: int) -> None:
    """Draw one case."""
    case = family_case(family, seed)
    stack = axial_stack(case.ct, protocol().frame)
    corner, step_mm = case.ras_from_ijk[:3, 3], case.anatomy.scanner.pixel_mm
    _, rows, columns = case.voxels_hu.shape
    left, top = -corner[0] - step_mm / 2, corner[1] + step_mm / 2
    axes.imshow(
        case.voxels_hu[case.mid_slice],
        cmap="gray",
        vmin=-200,
        vmax=600,
        extent=(left, left + columns * step_mm, top - rows * step_mm, top),
        interpolation="nearest",
    )
    curves = [(case.outline_ras_mm, "cyan"), (case.midline_ras_mm, "white")]
    result = trial(case, stack, case.midline_ras_mm, False)
    text = f"{result.mean_mm:.2f} mm, worst {result.worst_mm:.1f}"
    try:
        found = measure_level(stack, Landmarks("L2", case.midline_ras_mm), protocol())
        curves.append((sample_closed_spline(found.outline_ras_mm[:, :2])[0], "red"))
    except InputError as problem:
        text = "refused: " + textwrap.shorten(str(problem), 60)
    for points, color in curves:
        closed = np.vstack([points, points[:1]])
        axes.plot(-closed[:, 0], closed[:, 1], color=color, linewidth=0.7)
    axes.set_title(case.name, fontsize=8, pad=2)
    axes.set_xlabel(text, fontsize=7, labelpad=1)
    axes.set_xlim(-HALF_VIEW_MM, HALF_VIEW_MM)
    axes.set_ylim(-HALF_VIEW_MM, HALF_VIEW_MM)
    axes.set_xticks([])
    axes.set_yticks([])


def main() -> None:
    """Write the sheet."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", default=[*FAMILIES, "mixed"])
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "evidence")
    given = parser.parse_args()
    figure = Figure(figsize=(2.6 * given.count, 2.85 * len(given.families)), dpi=90)
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(len(given.families), given.count, squeeze=False)
    for row, family in enumerate(given.families):
        for column in range(given.count):
            draw_case(all_axes[row][column], family, given.first + column)
    figure.tight_layout(pad=0.3)
    given.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(given.out / "hostile-outlines.png")
    print(f"The sheet is {given.out.name}/hostile-outlines.png.")


if __name__ == "__main__":
    main()
