"""Evidence for the protocol's cortical margin: how far the blurred cortex reaches into each region.

The phantoms have a cortex of 0.4, 0.7 and 1.2 mm at 750 HU, trabecular bone of 50 to 200 HU, an in-plane blur of 1.0 to
1.6 mm FWHM, pixels of 0.4, 0.7 and 1.0 mm, and no noise. Every region's mean, with the outline found in the CT, is
compared with the HU of the trabecular bone. The default is the smallest margin at which no mean is off by more than 1 %
or 1 HU, whichever is larger.

Run it with ``make evidence``; it takes several minutes and prints one line for each margin.
"""

import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.render import render
from LumbarHULib.phantom.spines import upright_spine

CORTEX_MM = (0.4, 0.7, 1.2)
TRABECULAR_HU = (50.0, 100.0, 150.0, 200.0)
BLUR_FWHM_MM = (1.0, 1.3, 1.6)
PIXEL_MM = (0.4, 0.7, 1.0)
MARGINS_MM = np.round(np.arange(1.5, 3.55, 0.1), 2)


def errors_hu(
    cortex_mm: float, trabecular_hu: float, blur_fwhm_mm: float, pixel_mm: float
) -> dict[float, dict[str, float]]:
    """Return, for each margin, each region's mean minus the truth, in HU."""
    spec = upright_spine(("L3",), trabecular_hu=trabecular_hu, cortex_mm=cortex_mm, trunk=False)
    phantom = render(
        spec,
        pixel_mm,
        2.5,
        blur_fwhm_mm=blur_fwhm_mm,
        field_of_view_mm=(110.0, 110.0, 12.5),
        center_ras_mm=(0.0, -15.0, 0.0),
    )
    protocol = load_protocol().protocol
    stack = axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), protocol.frame)
    landmarks = Landmarks("L3", phantom.truth["L3"].midline_ras_mm)
    outline_ras_mm = measure_level(stack, landmarks, protocol).outline_ras_mm
    errors = {}
    for margin_mm in MARGINS_MM:
        changed = protocol.with_values(cortical_margin_mm=float(margin_mm))
        level = measure_level(stack, landmarks, changed, known_outline_ras_mm=outline_ras_mm)
        errors[margin_mm] = {roi: level.rois[roi].values["mean_hu"] - trabecular_hu for roi in ROIS}
    return errors


def main() -> None:
    """Print the worst error of each region at each margin, and the smallest margin that passes."""
    worst = {margin_mm: dict.fromkeys(ROIS, 0.0) for margin_mm in MARGINS_MM}
    share = dict.fromkeys(MARGINS_MM, 0.0)
    for case in product(CORTEX_MM, TRABECULAR_HU, BLUR_FWHM_MM, PIXEL_MM):
        allowed_hu = max(1.0, 0.01 * case[1])
        for margin_mm, errors in errors_hu(*case).items():
            for roi, error in errors.items():
                worst[margin_mm][roi] = max(worst[margin_mm][roi], error, key=abs)
                share[margin_mm] = max(share[margin_mm], abs(error) / allowed_hu)
    print("margin mm  " + "  ".join(f"{roi:>7}" for roi in ROIS) + "  worst / allowed")
    for margin_mm in MARGINS_MM:
        cells = "  ".join(f"{worst[margin_mm][roi]:+7.2f}" for roi in ROIS)
        print(f"{margin_mm:9.1f}  {cells}  {share[margin_mm]:15.2f}")
    passing = [margin for margin in MARGINS_MM if all(share[other] <= 1 for other in MARGINS_MM if other >= margin)]
    print(f"Smallest margin that passes: {passing[0]:.1f} mm" if passing else "No margin passes.")


if __name__ == "__main__":
    main()
