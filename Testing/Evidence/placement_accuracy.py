"""How exact proposed midlines are: phantoms of known truth, which no choice was tuned on, with masks of every quality.

A line for each kind of mask: median and worst of how far the mid-slice lies from mid-height beyond half a slice, the
midline's ends from the true ones, its rotation, and the regions' means from those at the true midline, both in the CT
without noise. Then each proposal that misses a promise, with its findings: by more than double, none may be silent.

Run it with ``make evidence``, or alone with ``masks`` and the number of phantoms; 12 take about three minutes.
"""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))

import numpy as np
from placement.accuracy import LIMITS, MEASURED, WORST, Errors, errors_of, masks_of, proposal_from_mask, random_case

FIRST_SEED = 52022


def mask_errors(count: int) -> tuple[dict[str, list[Errors]], dict[str, int], list[str]]:
    """Return by kind of mask the errors and the number of refusals, and a line for each miss."""
    errors: dict[str, list[Errors]] = {}
    refused: dict[str, int] = {}
    misses = []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        case = random_case(seed)
        for level in MEASURED:
            for kind, mask in masks_of(case, level):
                found = errors_of(case, level, partial(proposal_from_mask, case, level, mask))
                if found is None:
                    refused[kind] = refused.get(kind, 0) + 1
                    continue
                errors.setdefault(kind, []).append(found)
                if found.misses():
                    grade = "  !" if found.misses(factor=2.0) else "   "
                    told = ", ".join(found.findings) or "silent"
                    misses.append(f"{grade} {kind} {level} of {case.name}: {_values(found)}: {told}")
    return errors, refused, misses


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


def main() -> None:
    """Print the tables."""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    errors, refused, misses = mask_errors(count)
    print(f"From segmentations: {count} phantoms, {len(MEASURED)} levels each; median / worst.")
    print(table(errors, refused))
    every = [one for found in errors.values() for one in found]
    gross = [one for one in every if one.misses(factor=2.0)]
    print(
        f"{len(misses)} of {len(every)} miss what is promised of the worst, {len(gross)} of them by more than double "
        f"(marked !), {sum(not one.findings for one in gross)} of these without a finding."
    )
    print("\n".join(misses))


if __name__ == "__main__":
    main()
