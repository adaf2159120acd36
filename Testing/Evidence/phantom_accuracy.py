"""Accuracy of a measurement: phantoms of known truth, measured with the command line, over the variation among scans.

The settings are those of the tests, each value of each property alone, and a number of random settings. One line for
each shows the smallest Dice of the five regions against the analytic regions, the greatest error of a region's mean
(noise-free voxels under the saved label map against the HU of the trabecular bone), and the outline's distance from the
true edge, all from the files that the command line saved.

Run it with ``make evidence``, or alone with the number of random settings; 40 take about two minutes.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))

import numpy as np
from headless.accuracy import SETTINGS, Accuracy, Setting, accuracy_of

VALUES = {
    "pixel_mm": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "slice_mm": (0.6, 1.0, 1.25, 2.5, 3.0, 5.0),
    "noise_hu": (5.0, 10.0, 15.0, 20.0, 25.0),
    "tilt_deg": (-12.0, -6.0, 6.0, 12.0),
    "rotation_deg": (-8.0, -4.0, 4.0, 8.0),
    "cortex_mm": (0.4, 0.7, 1.2),
    "blur_fwhm_mm": (1.0, 1.3, 1.6),
    "trabecular_hu": (50.0, 100.0, 150.0, 200.0),
    "aorta_hu": (45.0, 100.0, 150.0, 200.0, 300.0),
    "plaque_hu": (300.0, 620.0, 1000.0),
    "midline_off_mm": (-3.0, -1.5, 1.5, 3.0),
}


def settings(random_count: int) -> Iterator[tuple[str, Setting]]:
    """Yield the name of the group and each setting."""
    for setting in SETTINGS.values():
        yield "test", setting
    for name, values in VALUES.items():
        for value in values:
            yield name, replace(Setting(), **{name: value})
    random = np.random.default_rng(2022)
    for _ in range(random_count):
        drawn = {name: float(random.choice(values)) for name, values in VALUES.items()}
        for name in ("aorta_hu", "plaque_hu"):
            if random.random() < 0.5:
                drawn[name] = None
        yield "random", Setting(**drawn)


def line_of(group: str, setting: Setting, accuracy: Accuracy) -> str:
    """Return the table line of a setting."""
    least_roi = min(accuracy.dice, key=accuracy.dice.get)
    worst_roi = max(accuracy.error_hu, key=lambda roi: abs(accuracy.error_hu[roi]))
    return (
        f"{accuracy.dice[least_roi]:6.4f} {least_roi:<6}{accuracy.error_hu[worst_roi]:+7.2f} {worst_roi:<6}"
        f"{accuracy.outline_mean_mm:6.3f}{accuracy.outline_worst_mm:6.2f}{accuracy.outline_signed_mm:+7.3f}  "
        f"{'!' if misses(setting, accuracy) else ' '} {group}: {setting}"
    )


def misses(setting: Setting, accuracy: Accuracy) -> bool:
    """Return whether a setting misses a limit of accuracy."""
    coarse = setting.pixel_mm > 0.7
    return (
        min(accuracy.dice.values()) < (0.97 if coarse else 0.985)
        or max(map(abs, accuracy.error_hu.values())) > max(1.0, 0.01 * setting.trabecular_hu)
        or accuracy.outline_mean_mm > (0.2 if coarse else 0.15)
        or accuracy.outline_worst_mm > 1.0
    )


def main() -> None:
    """Print a line for each setting, and the worst results."""
    random_count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    shown = []
    print("  Dice ROI  HU error ROI    mean worst signed mm")
    for group, setting in settings(random_count):
        with tempfile.TemporaryDirectory() as folder:
            try:
                accuracy = accuracy_of(setting, Path(folder))
            except AssertionError as refused:
                print(f"refused: {setting}: {refused}")
                continue
        shown.append((setting, accuracy))
        print(line_of(group, setting, accuracy), flush=True)
    for coarse in (False, True):
        part = [accuracy for setting, accuracy in shown if (setting.pixel_mm > 0.7) == coarse]
        print(
            f"{'Pixels above 0.7 mm' if coarse else 'Pixels up to 0.7 mm'}: {len(part)} phantoms, "
            f"Dice from {min(min(one.dice.values()) for one in part):.4f}, "
            f"HU within {max(max(map(abs, one.error_hu.values())) for one in part):.2f}, "
            f"outline {np.mean([one.outline_mean_mm for one in part]):.3f} mm on average, "
            f"{max(one.outline_mean_mm for one in part):.3f} mm in the worst phantom, "
            f"{max(one.outline_worst_mm for one in part):.2f} mm at the worst point."
        )
    print(f"{sum(misses(*one) for one in shown)} of {len(shown)} miss a limit (marked !).")


if __name__ == "__main__":
    main()
