"""Evidence for outlines in misleading surroundings: their errors, the effect on HU, and the findings.

Cases of each family of hostile phantoms (lung near the body, deep horns, V-shaped canals, open walls, osteophytes …)
are measured with the true midline and with midlines off by a reader's error: shifted by an SD of 1 mm across and along,
and rotated by an SD of 2°. Each is compared with the measurement at the same midline in the true outline.

Columns: cases; refusals with the true midline, and with shifted ones in percent; mean distance between the outline and
the true one (median over the cases, worst case); "off", outlines that are off by more than 1.5 mm over more than 5 mm
of arc, with the true midline and with shifted ones; error in HU for each region (mean, SD, greatest) with the true
midline, and its SD with shifted ones; of the outlines that are off, the percentage with a finding on the outline, and
with any warning that the true outline does not have; and the percentage of the others without a finding on the outline.

Run it with ``python Testing/Evidence/hostile_outlines.py [--count 12] [--families lung horns …] [--worst 3]``.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
from scipy.spatial import cKDTree

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.reading import check_places
from LumbarHULib.core.closed_spline import sample_closed_spline
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.hostile.families import FAMILIES, family_case

JITTER_MM, JITTER_DEG = 1.0, 2.0
OFF_MM, OFF_ARC_MM = 1.5, 5.0


@dataclass(frozen=True)
class Trial:
    """One measurement of a case, or its refusal."""

    case: str
    shifted: bool
    refusal: str = ""
    mean_mm: float = np.nan
    worst_mm: float = np.nan
    off: bool = False
    errors_hu: dict[str, float] = field(default_factory=dict)
    outline_findings: tuple[str, ...] = ()
    new_warnings: tuple[str, ...] = ()


@cache
def protocol():
    """Return the default protocol."""
    return load_protocol().protocol


def shifted_midline(midline_ras_mm: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a midline shifted and rotated in its slice by a reader's error."""
    along = midline_ras_mm[0] - midline_ras_mm[1]
    along = along / np.linalg.norm(along)
    across = np.array([-along[1], along[0], 0.0])
    center = midline_ras_mm.mean(axis=0)
    angle = np.radians(random.normal(0, JITTER_DEG))
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = center + random.normal(0, JITTER_MM) * along + random.normal(0, JITTER_MM) * across
    return moved + (midline_ras_mm - center) @ turn.T


def longest_arc_mm(points_mm: np.ndarray, marked: np.ndarray) -> float:
    """Return the length of the longest run of marked points on a closed curve."""
    steps = np.linalg.norm(np.roll(points_mm, -1, axis=0) - points_mm, axis=1)
    if marked.all():
        return float(steps.sum())
    start = int(np.argmin(marked))
    longest = run = 0.0
    for step, mark in zip(np.roll(steps, -start), np.roll(marked, -start), strict=True):
        run = run + step if mark else 0.0
        longest = max(longest, run)
    return float(longest)


def findings_of(stack, level) -> set[tuple[str, str]]:
    """Return the codes and severities of a level's findings, including those on its regions and its position."""
    found = [*level.findings, *check_places(stack, [level], protocol())]
    found += [finding for roi in level.rois.values() for finding in roi.findings]
    return {(finding.code, finding.severity) for finding in found}


def trial(case, stack, midline_ras_mm: np.ndarray, shifted: bool) -> Trial:
    """Measure a case at a midline, with the outline found in the CT and with the true one."""
    landmarks = Landmarks("L2", midline_ras_mm)
    truth = measure_level(stack, landmarks, protocol(), known_outline_ras_mm=case.control_points_ras_mm())
    try:
        found = measure_level(stack, landmarks, protocol())
    except InputError as problem:
        return Trial(case.name, shifted, str(problem))
    points_mm, _ = sample_closed_spline(found.outline_ras_mm[:, :2])
    apart_mm, _ = cKDTree(case.outline_ras_mm[:, :2]).query(points_mm)
    lengths = np.linalg.norm(np.roll(points_mm, -1, axis=0) - points_mm, axis=1)
    given, given_in_truth = findings_of(stack, found), findings_of(stack, truth)
    new = {code for code, severity in given if severity != "note"} - {code for code, _ in given_in_truth}
    return Trial(
        case.name,
        shifted,
        mean_mm=float(np.average(apart_mm, weights=lengths)),
        worst_mm=float(apart_mm.max()),
        off=longest_arc_mm(points_mm, apart_mm > OFF_MM) > OFF_ARC_MM,
        errors_hu={
            roi: found.rois[roi].values["mean_hu"] - truth.rois[roi].values["mean_hu"]
            for roi in ROIS
            if found.rois[roi].values["voxels"] and truth.rois[roi].values["voxels"]
        },
        outline_findings=tuple(sorted(code for code, _ in given if "outline" in code)),
        new_warnings=tuple(sorted(new)),
    )


def trials_of_case(job: tuple[str, int, int]) -> list[Trial]:
    """Return the trials of one case: the true midline, then shifted ones."""
    family, seed, shifts = job
    case = family_case(family, seed)
    stack = axial_stack(case.ct, protocol().frame)
    random = np.random.default_rng([seed, 5])
    trials = [trial(case, stack, case.midline_ras_mm, False)]
    return trials + [trial(case, stack, shifted_midline(case.midline_ras_mm, random), True) for _ in range(shifts)]


def rate(part: int, whole: int) -> str:
    """Return a share in percent, or a dash where the whole is 0."""
    return f"{100 * part / whole:.0f}" if whole else "–"


def line_of(name: str, trials: list[Trial]) -> str:
    """Return a family's line of the table."""
    exact = [one for one in trials if not one.shifted]
    measured = [one for one in exact if not one.refusal]
    shifted = [one for one in trials if one.shifted]
    shifted_measured = [one for one in shifted if not one.refusal]
    refused = f"{len(exact) - len(measured)}/{rate(len(shifted) - len(shifted_measured), len(shifted))}%"
    means = [one.mean_mm for one in measured] or [np.nan]
    off_share = rate(sum(one.off for one in shifted_measured), len(shifted_measured))
    off = f"{sum(one.off for one in measured)}/{off_share}%"
    cells = []
    for roi in ROIS:
        errors = np.array([one.errors_hu[roi] for one in measured if roi in one.errors_hu] or [np.nan])
        moved = np.array([one.errors_hu[roi] for one in shifted_measured if roi in one.errors_hu] or [np.nan])
        sd = errors.std(ddof=1) if len(errors) > 1 else np.nan
        cells.append(f"{errors.mean():+5.1f} {sd:4.1f} {np.abs(errors).max():4.0f} {moved.std():4.1f}")
    all_measured = measured + shifted_measured
    bad = [one for one in all_measured if one.off]
    good = [one for one in all_measured if not one.off]
    reported = rate(sum(bool(one.outline_findings) for one in bad), len(bad))
    warned = rate(sum(bool(one.outline_findings or one.new_warnings) for one in bad), len(bad))
    silent = rate(sum(not one.outline_findings for one in good), len(good))
    return (
        f"{name:18s}{len(exact):3d} {refused:>8s} {np.median(means):5.2f} {max(means):5.2f} {off:>8s} | "
        + " | ".join(cells)
        + f" | {reported:>4s} {warned:>4s} {silent:>4s}"
    )


def heading() -> str:
    """Return the two heading lines of the table."""
    regions = " | ".join(f"{roi:^20s}" for roi in ROIS)
    columns = " | ".join(f"{'mean':>5s} {'SD':>4s} {'most':>4s} {'j.SD':>4s}" for _ in ROIS)
    return (
        f"{'':18s}{'':3s} {'refused':>8s} {'distance':>11s} {'off':>8s} | {regions} | findings, %\n"
        f"{'family':18s}{'n':>3s} {'true/sh.':>8s} {'med.':>5s} {'worst':>5s} {'true/sh.':>8s} | {columns} | "
        f"{'outl':>4s} {'warn':>4s} {'none':>4s}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", default=[*FAMILIES, "mixed"])
    parser.add_argument("--count", type=int, default=12, help="cases of each family")
    parser.add_argument("--shifts", type=int, default=5, help="shifted midlines of each case")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--worst", type=int, default=0, help="number of worst cases to name")
    parser.add_argument("--jobs", type=int, default=1, help="number of processes")
    given = parser.parse_args()
    print(heading(), flush=True)
    everything = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for family in given.families:
            seeds = range(given.first, given.first + given.count)
            trials = [
                one for many in pool.map(trials_of_case, product([family], seeds, [given.shifts])) for one in many
            ]
            everything += trials
            print(line_of(family, trials), flush=True)
            exact = [one for one in trials if not one.shifted]
            for one in sorted(exact, key=lambda one: -np.nan_to_num(one.mean_mm, nan=99))[: given.worst]:
                result = one.refusal or f"{one.mean_mm:.2f} mm, worst {one.worst_mm:.1f}"
                print(f"    {one.case}: {result} {' '.join(one.outline_findings + one.new_warnings)}")
    print(line_of("all", everything))


if __name__ == "__main__":
    main()
