"""How exact proposed midlines are: phantoms of known truth, which no choice was tuned on, with masks of every quality
and with clicks anywhere within 6 mm of a body's middle.

A line for each kind of mask, and one for clicks: median and worst of how far the mid-slice lies from mid-height beyond
half a slice, the midline's ends from the true ones, its rotation, and the regions' means from those at the true
midline, both in the CT without noise. Then each proposal that misses a promise, with its findings: by more than double,
none may be silent.

For clicks also how well they repeat, as the field tells it: for each region, over repeated clicks in one body, the
standard deviation (root mean square over the bodies), the same as a part of the mean, and the least significant change
(2.77 standard deviations).

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
# Least significant change is so many standard deviations of one measurement (95 %, two measurements).
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
            told = ", ".join(found.findings) or "silent"
            self.misses.append(f"{grade} {kind} {where}: {_values(found)}: {told}")


def mask_tally(count: int) -> Tally:
    """Return how exact the midlines from masks are."""
    tally = Tally()
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        case = random_case(seed)
        for level in MEASURED:
            for kind, mask in masks_of(case, level):
                found = errors_of(case, level, partial(proposal_from_mask, case, level, mask))
                tally.add(kind, f"{level} of {case.name}", found)
    return tally


def click_tally(count: int) -> tuple[Tally, np.ndarray]:
    """Return how exact the midlines from clicks are, and means in HU, shape (bodies, clicks, regions)."""
    tally, means = Tally(), []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        case = random_case(seed)
        for level in MEASURED:
            of_body = []
            for click in clicks_in(case, level, CLICKS):
                propose = partial(proposal_from_click, case, level, click)
                tally.add("click", f"{level} of {case.name}", errors_of(case, level, propose))
                try:
                    of_body.append(list(means_hu(case.stack, propose()).values()))
                except InputError:
                    break
            if len(of_body) == CLICKS:
                means.append(of_body)
    return tally, np.array(means)


def repeatability(means: np.ndarray) -> str:
    """Return the lines that tell how well clicks repeat, from means in HU, shape (bodies, clicks, regions)."""
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
    """Return the lines to print."""
    lines = [f"{'':9}{'count':>6}{'refused':>8}" + "".join(f"{name:>24}" for name in LIMITS)]
    lines.append(f"{'promised':23}" + "".join(f"{LIMITS[name]:>14.1f} /{WORST[name]:>8.1f}" for name in LIMITS))
    for kind, found in errors.items():
        cells = ""
        for name in LIMITS:
            values = np.array([getattr(one, name) for one in found])
            cells += f"{np.median(values):>14.2f} /{values.max():>8.2f}"
        lines.append(f"{kind:9}{len(found):>6}{refused.get(kind, 0):>8}{cells}")
    return "\n".join(lines)


def show(title: str, tally: Tally, count: int) -> None:
    """Print how exact proposals are, and what they miss."""
    print(f"{title}: {count} phantoms, {len(MEASURED)} levels each; median / worst.")
    print(table(tally.errors, tally.refused))
    every = [one for found in tally.errors.values() for one in found]
    gross = [one for one in every if one.misses(factor=2.0)]
    print(
        f"{len(tally.misses)} of {len(every)} miss what is promised of the worst, {len(gross)} of them by more than "
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
    show(f"From {CLICKS} clicks a body", tally, count)
    print(repeatability(means))


if __name__ == "__main__":
    main()
