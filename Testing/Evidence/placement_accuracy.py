"""Accuracy of proposed midlines on phantoms of known truth that were not used for tuning, from masks of every quality
and from clicks within 6 mm of a body's center.

One line for each kind of mask, and one for clicks, shows the median and worst of these errors: distance of the
mid-slice from mid-height beyond half a slice; distance of the midline's ends from the true ends; rotation; and the
difference of the regions' means from those at the true midline, both in the CT without noise. Each proposal that misses
a limit follows with its findings. None that misses it by more than double may lack a finding.

For clicks, repeatability is reported as well: for each region, the standard deviation over repeated clicks in one body
(root mean square over the bodies), the same as a percentage of the mean, and the least significant change (2.77
standard deviations).

Run it with ``make evidence``, or alone with ``masks`` or ``clicks`` and the number of phantoms; 12 take about three
minutes.
"""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))

import numpy as np
from placement.accuracy import (
    LIMITS,
    MEASURED,
    WORST,
    Errors,
    clicks_in,
    errors_of,
    masks_of,
    means_hu,
    proposal_from_click,
    proposal_from_mask,
    random_case,
)

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS

FIRST_SEED = 52022

CLICKS = 4
# Least significant change in standard deviations of one measurement (95 %, two measurements).
LSC_PER_SD = 2.77
PUBLISHED = "Published for one careful 200 mm² circle at L1: LSC 10 to 16 HU (doi 10.1007/s00198-025-07529-7)."


class Tally:
    """Errors by kind, refusals by kind, and a line for each miss."""

    def __init__(self):
        self.errors: dict[str, list[Errors]] = {}
        self.refused: dict[str, int] = {}
        self.misses: list[str] = []

    def add(self, kind: str, where: str, found: Errors | None) -> None:
        """Count one proposal, or a refusal."""
        if found is None:
            self.refused[kind] = self.refused.get(kind, 0) + 1
            return
        self.errors.setdefault(kind, []).append(found)
        if found.misses():
            grade = "  !" if found.misses(factor=2.0) else "   "
            codes = ", ".join(found.findings) or "no finding"
            self.misses.append(f"{grade} {kind} {where}: {_values(found)}: {codes}")


def mask_tally(count: int) -> Tally:
    """Return the errors of midlines from masks."""
    tally = Tally()
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        case = random_case(seed)
        for level in MEASURED:
            for kind, mask in masks_of(case, level):
                found = errors_of(case, level, partial(proposal_from_mask, case, level, mask))
                tally.add(kind, f"{level} of {case.name}", found)
    return tally


def click_tally(count: int) -> tuple[Tally, np.ndarray]:
    """Return the errors of midlines from clicks, and means in HU, shape (bodies, clicks, regions)."""
    tally, means = Tally(), []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        case = random_case(seed)
        for level in MEASURED:
            body_means = []
            for click in clicks_in(case, level, CLICKS):
                propose = partial(proposal_from_click, case, level, click)
                tally.add("click", f"{level} of {case.name}", errors_of(case, level, propose))
                try:
                    body_means.append(list(means_hu(case.stack, propose()).values()))
                except InputError:
                    break
            if len(body_means) == CLICKS:
                means.append(body_means)
    return tally, np.array(means)


def repeatability(means: np.ndarray) -> str:
    """Return the lines on repeatability of clicks, from means in HU, shape (bodies, clicks, regions)."""
    variances = means.var(axis=1, ddof=1)
    lines = [
        f"Repeated clicks, {CLICKS} in each of {len(means)} bodies:",
        f"{'':9}{'RMS-SD HU':>10}{'CV %':>8}{'LSC HU':>8}",
    ]
    for number, roi in enumerate(ROIS):
        sd_hu = np.sqrt(variances[:, number].mean())
        cv = 100 * np.sqrt((variances[:, number] / means.mean(axis=1)[:, number] ** 2).mean())
        lines.append(f"{roi:9}{sd_hu:>10.2f}{cv:>8.2f}{LSC_PER_SD * sd_hu:>8.2f}")
    return "\n".join([*lines, "Placement alone, in one scan; a second scan adds its own noise.", PUBLISHED])


def _values(found: Errors) -> str:
    return ", ".join(f"{name} {getattr(found, name):.2f}" for name in WORST)


def table(errors: dict[str, list[Errors]], refused: dict[str, int]) -> str:
    """Return the table of errors as lines."""
    lines = [f"{'':9}{'count':>6}{'refused':>8}" + "".join(f"{name:>24}" for name in LIMITS)]
    lines.append(f"{'limit':23}" + "".join(f"{LIMITS[name]:>14.1f} /{WORST[name]:>8.1f}" for name in LIMITS))
    for kind, found in errors.items():
        cells = ""
        for name in LIMITS:
            values = np.array([getattr(one, name) for one in found])
            cells += f"{np.median(values):>14.2f} /{values.max():>8.2f}"
        lines.append(f"{kind:9}{len(found):>6}{refused.get(kind, 0):>8}{cells}")
    return "\n".join(lines)


def show(title: str, tally: Tally, count: int) -> None:
    """Print the errors of proposals, and those that miss a limit."""
    print(f"{title}: {count} phantoms, {len(MEASURED)} levels each; median / worst.")
    print(table(tally.errors, tally.refused))
    every = [one for found in tally.errors.values() for one in found]
    gross = [one for one in every if one.misses(factor=2.0)]
    print(
        f"{len(tally.misses)} of {len(every)} miss a limit for the worst case, {len(gross)} of them by more than "
        f"double (marked !), {sum(not one.findings for one in gross)} of these without a finding."
    )
    print("\n".join(tally.misses))


def main() -> None:
    """Print the tables."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "masks"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    if kind == "masks":
        show("From segmentations", mask_tally(count), count)
        return
    tally, means = click_tally(count)
    show(f"From {CLICKS} clicks in each body", tally, count)
    print(repeatability(means))


if __name__ == "__main__":
    main()
