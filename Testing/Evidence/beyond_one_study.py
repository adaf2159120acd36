"""Evidence for what goes beyond the study: protocols as files, calibration to mg/cm³, and follow-up.

It prints, each with its limit:

- for each shipped protocol, the mean of each region in a body with a trabecular gradient along all axes and with the
  radius, against the integral of the formula over the stated shape: within 0.5 HU;
- the voxels of ``ellipse-prism`` against an independent implementation of its description, in 20 phantoms: the same;
- for each shipped phantom with three rods or more, calibrations with noise and random offsets as by beam hardening:
  the interval contains the true density in 93 to 97 %, and the bias is at most 1 mg/cm³;
- for patients without a change, the share of changes that count in HU and in mg/cm³: 5 % ± 1 %;
- protocol files with a mistake: each is refused, with the line, what is wrong, and what would be right.

Run it with ``make evidence``, or alone: ``python Testing/Evidence/beyond_one_study.py [simulations]``. With the default
of 4 000 simulations it takes about five minutes. The exit code is 1 if a limit is exceeded.
"""

import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))

import numpy as np
from cohort.test_precision import share_of_changes
from cohort.test_precision import simulated as repeated
from core import test_calibration, test_density_change
from core.regions import test_drawing, test_mask_shapes, test_plane_shapes
from core.regions.formula_body import rotation_about
from files.test_protocol_regions import MISTAKES, own

from LumbarHULib.cohort.precision import precision_error
from LumbarHULib.cohort_files.precision_file import published_precision
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.protocol_file import load_protocol

MOST_HU, MOST_BIAS_MG_CC = 0.5, 1.0
COVERAGE, FALSE_SHARE = (0.93, 0.97), (0.04, 0.06)
# Ten of those that the tests try.
TEN = (
    *("unknown shape", "a missing parameter", "a parameter of another shape", "a value that is too small"),
    *("a value in quotes", "another unit", "no source", "a misspelled key", "an id with a space", "no part"),
)
GRIDS_OF_MASKS = {
    "upright": ((0.6, 0.6, 0.6), None, 0.0),
    "anisotropic": ((0.5, 0.9, 1.25), None, 0.0),
    "thick slices": ((0.7, 0.7, 2.5), None, 0.0),
    "tilted": ((0.7, 0.7, 1.0), rotation_about(0, 14) @ rotation_about(2, 5), 0.0),
    "sheared": ((0.7, 0.7, 1.0), None, 0.35),
}


class Report:
    """Prints lines, and counts those outside their limits."""

    def __init__(self) -> None:
        self.failed = 0

    def head(self, text: str) -> None:
        """Print a heading."""
        print(f"\n{text}", flush=True)

    def line(self, text: str, is_good: bool) -> None:
        """Print a result."""
        self.failed += not is_good
        print(f"  {text}{'' if is_good else '  OUTSIDE ITS LIMIT'}", flush=True)


def means() -> Iterator[tuple[str, str, str, float, float]]:
    """Yield protocol, region, grid, measured mean and integral."""
    for spacing_mm in ((0.7, 0.7, 1.25), (0.5, 0.8, 2.5)):
        found, expected = test_drawing.measured_study(spacing_mm)
        for roi, mean_hu in found.items():
            yield "lumbarhu-2022-study", roi, " × ".join(map(str, spacing_mm)), mean_hu, expected[roi]
    for name in test_plane_shapes.GRIDS:
        found, expected_hu = test_plane_shapes.measured_circle(name, 0)
        yield "circle-200mm2-2025", "circle_200mm2", name, found.roi.mean_hu, expected_hu
    for name, half_width_mm in product(test_drawing.GRIDS, (20.0, 24.0)):
        found, expected = test_drawing.measured_three(name, 0, half_width_mm)
        expected_hu = float(np.mean([mean_hu for *_, mean_hu in expected]))
        yield "three-slice", "three_ellipses", f"{name}, {half_width_mm:g} mm", found.roi.mean_hu, expected_hu
    found, expected_hu = test_mask_shapes.measured_prism()
    yield "ellipse-prism", "ellipse_prism", "upright", found.roi.mean_hu, expected_hu
    for name in test_drawing.GRIDS:
        found, expected_hu = test_drawing.measured_eroded(name, 0)
        yield "eroded-7mm-2021", "eroded_7mm", f"{name}, from the outline", found.roi.mean_hu, expected_hu
    for name, (spacing_mm, turn, shear_mm) in GRIDS_OF_MASKS.items():
        found, expected_hu = test_mask_shapes.measured_eroded_mask(spacing_mm, turn, shear_mm, 0)
        yield "eroded-7mm-2021", "eroded_7mm", f"{name}, from a mask", found.roi.mean_hu, expected_hu


def show_means(report: Report) -> None:
    """Print each mean next to its integral."""
    report.head(f"Means against the integral over the stated shape (at most {MOST_HU:g} HU)")
    for protocol, roi, grid, mean_hu, expected_hu in means():
        error_hu = mean_hu - expected_hu
        text = f"{protocol:<20} {roi:<15} {grid:<28} {mean_hu:8.2f} {expected_hu:8.2f} {error_hu:+6.2f}"
        report.line(text, abs(error_hu) <= MOST_HU)


def show_prisms(report: Report) -> None:
    """Print how many of the prism's voxels differ from those of its description."""
    report.head("ellipse-prism against an independent implementation, voxels (none may differ)")
    for number in range(len(test_mask_shapes.PHANTOMS)):
        found, expected = test_mask_shapes.prisms(number)
        differing = int((found != expected).sum())
        pixel_mm, slice_mm, *_, flaw = test_mask_shapes.PHANTOMS[number]
        text = f"phantom {number + 1:>2}: {pixel_mm:g} × {slice_mm} mm {flaw or '':<7}{int(expected.sum()):>7} voxels"
        report.line(f"{text}, {differing} differ", differing == 0 and bool(expected.any()))


def show_calibrations(report: Report, number: int) -> None:
    """Print coverage and bias of calibrations."""
    report.head(f"Calibrations: true density in the 95 % interval, and bias in mg/cm³ ({number} of each)")
    for name in test_calibration.SHIPPED:
        for true_mg_cc, offset_sd_hu in product((50.0, 150.0), (1.0, 3.0)):
            covered, bias_mg_cc, refused = test_calibration.simulated(name, true_mg_cc, offset_sd_hu, number)
            text = f"{name:<26} {true_mg_cc:4g} mg/cm³, offsets {offset_sd_hu:g} HU: {100 * covered:5.1f} %"
            is_good = COVERAGE[0] <= covered <= COVERAGE[1] and abs(bias_mg_cc) <= MOST_BIAS_MG_CC
            report.line(f"{text}, bias {bias_mg_cc:+.2f}" + (f", {refused} refused" if refused else ""), is_good)


def show_follow_up(report: Report, number: int) -> None:
    """Print how often a change counts where there is none, and how often the interval contains a change."""
    report.head(f"Follow-up: share of changes that count without a change (5 % ± 1 %; {number} patients)")
    random = np.random.default_rng(3)
    lsc_hu = published_precision().lsc_of(precision_error(repeated(5000, 2, sd_hu=6.0)).rms_sd).estimate
    share = float(share_of_changes(lsc_hu, 6.0, random, 10 * number))
    report.line(f"HU, LSC of a precision study of 5,000 patients: {100 * share:.1f} %", _is_in(share, FALSE_SHARE))
    words = {True: "one calibration for both dates", False: "a calibration for each date, and a drift of the scanner"}
    for is_one, text in words.items():
        share, *_ = test_density_change.simulated(is_one, 0.0, number)
        report.line(f"mg/cm³, {text}: {100 * share:.1f} %", _is_in(share, FALSE_SHARE))
    for is_one, text in words.items():
        _, covered, bias_mg_cc = test_density_change.simulated(is_one, -40.0, number)
        text = f"a change of −40 mg/cm³, {text}: in the 95 % interval in {100 * covered:.1f} %, bias {bias_mg_cc:+.2f}"
        report.line(text, _is_in(covered, COVERAGE) and abs(bias_mg_cc) <= MOST_BIAS_MG_CC)


def show_mistakes(report: Report) -> None:
    """Print the sentence for each mistake in a protocol file."""
    report.head("Mistakes in a protocol file")
    for name in TEN:
        protocol, change, start, remedy = MISTAKES[name]
        with tempfile.TemporaryDirectory() as folder:
            path = own(Path(folder), protocol, change)
            try:
                load_protocol(path)
                sentence, line = "not refused", ""
            except InputError as problem:
                sentence = str(problem)
                digits = sentence.partition("line ")[2].partition(":")[0]
                line = path.read_text(encoding="utf-8").splitlines()[int(digits) - 1].strip()
        report.line(f"{name}: {sentence}", remedy in sentence and line.startswith(start))


def _is_in(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def main() -> int:
    """Print everything; return 1 if a limit is exceeded."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    report = Report()
    show_means(report)
    show_prisms(report)
    show_calibrations(report, number)
    show_follow_up(report, number)
    show_mistakes(report)
    print(f"\n{report.failed} outside their limits." if report.failed else "\nEverything is within its limit.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
