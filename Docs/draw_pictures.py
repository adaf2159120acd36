"""Draw the README's pictures from the demo: run it with ``make pictures``."""

import argparse
import json
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import SimpleITK

from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.headless.command_line import main as lumbarhu

LEVEL = "L3"
BONE_WINDOW_HU = (-150, 350)
MARGIN_MM = 12.0
# Okabe and Ito's palette, distinguishable for the color-blind; as in Slicer.
COLORS = {"round": "#e69f00", "oval": "#56b4e9", "right": "#f0e442", "front": "#009e73", "left": "#cc79a7"}
FILLED = ("right", "front", "left")


def main() -> None:
    """Run the demo into a temporary folder and draw its third lumbar vertebra."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    folder_out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        if lumbarhu(["demo", "--out", str(demo)]) != 0:
            raise SystemExit("The demo failed: see its sentence above.")
        draw_five_rois(demo, folder_out / "five-rois.png")


def draw_five_rois(demo: Path, picture: Path) -> None:
    """Draw the mid-slice of `LEVEL` with its markups and the five exported label maps."""
    ct = SimpleITK.ReadImage(str(demo / "ct.nrrd"))
    record = json.loads((demo / "audit" / "record.json").read_text(encoding="utf-8"))
    markups = {role: _markup_points_lps_mm(demo, role) for role in ("midline", "boundary", "outline")}
    k = round(ct.TransformPhysicalPointToContinuousIndex(markups["midline"].mean(axis=0).tolist())[2])

    figure, axes = plt.subplots(figsize=(7.2, 5.6), dpi=150)
    low, high = BONE_WINDOW_HU
    extent = _extent_mm(ct)
    axes.imshow(
        SimpleITK.GetArrayViewFromImage(ct)[k],
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=extent,
        interpolation="bilinear",
    )
    for roi in ROIS:
        label_map = SimpleITK.ReadImage(str(demo / "audit" / "labelmaps" / f"{roi}.nrrd"))
        mask = SimpleITK.GetArrayViewFromImage(label_map)[k] == LABEL_VALUES[LEVEL]
        if roi in FILLED:
            axes.contourf(mask, levels=[0.5, 1.5], colors=[COLORS[roi]], alpha=0.45, extent=extent, origin="upper")
        axes.contour(mask, levels=[0.5], colors=[COLORS[roi]], linewidths=1.6, extent=extent, origin="upper")
        axes.plot([], [], color=COLORS[roi], linewidth=5 if roi in FILLED else 2, label=roi)
    curve = Outline(markups["outline"][:, :2]).polygon_uv_mm
    axes.plot(*np.vstack([curve, curve[:1]]).T, color="#00ffff", linewidth=1.2, label="outline")
    for role, color in (("midline", "#ff00ff"), ("boundary", "#ffbf00")):
        axes.plot(*markups[role][:, :2].T, color=color, linewidth=1.4, marker="o", markersize=4, label=role)
    center, reach = curve.mean(axis=0), np.ptp(curve, axis=0).max() / 2 + MARGIN_MM
    axes.set(xlim=(center[0] - reach, center[0] + reach), ylim=(center[1] + 0.8 * reach, center[1] - 0.8 * reach))
    axes.text(0.02, 0.5, "R", transform=axes.transAxes, color="white", fontsize=13, va="center")
    axes.text(0.96, 0.5, "L", transform=axes.transAxes, color="white", fontsize=13, va="center")
    axes.set_axis_off()
    margin_mm = record["protocol"]["values"]["cortical_margin_mm"]["value"]
    axes.set_title(f"{LEVEL} of the demo, seen from below; cortical margin {margin_mm:g} mm", fontsize=10)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(picture, bbox_inches="tight")
    plt.close(figure)


def _markup_points_lps_mm(demo: Path, role: str) -> np.ndarray:
    text = (demo / "audit" / "markups" / f"{LEVEL}-{role}.mrk.json").read_text(encoding="utf-8")
    return np.array([point["position"] for point in json.loads(text)["markups"][0]["controlPoints"]])


def _extent_mm(image: SimpleITK.Image) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of an axial slice in LPS mm; its axes run toward L and P."""
    (left, top, _), (width, height, _) = image.GetOrigin(), image.GetSpacing()
    columns, rows, _ = image.GetSize()
    return left - width / 2, left + (columns - 0.5) * width, top + (rows - 0.5) * height, top - height / 2


if __name__ == "__main__":
    main()
