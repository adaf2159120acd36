"""Evidence for the intervals of the shipped cutoffs: how the study's cutoffs would vary in other patients.

The study gives no interval for its ten cutoffs. Here, patients in the study's group sizes are drawn from a distribution
through the printed median and quartiles (`TwoPieceNormal`), 10 000 times with seed 1. Each time, the cutoff with the
greatest Youden index is chosen. The printed interval contains 95 % of these cutoffs, and
``Resources/Cutoffs/shanghai-2022.json`` has it to one decimal.

Run it with ``python Testing/Evidence/study_cutoff_intervals.py [studies]``; it takes seconds and prints one line for
each cutoff. Its exit code is 1 where the file has other intervals.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

from LumbarHULib.cohort.study.simulation import ASSUMPTION, simulate_cutoff
from LumbarHULib.cohort_files.study_files import load_study_tables
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs

# The name of each target in the cutoffs file.
TARGETS = {"osteoporosis": "osteoporosis", "low_bmd": "normal"}


def main() -> int:
    """Print the ten intervals, and return 1 if the file has other intervals."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    tables, document = load_study_tables(), load_cutoffs().document
    print(f"{studies} studies with seed 1 from the printed quartiles; {ASSUMPTION}:")
    print(f"{'region':<8}{'target':<14}{'printed':>9}{'median':>9}{'95 % from':>11}{'to':>8}   in the file")
    differ = 0
    for target, name in TARGETS.items():
        for roi in ROIS:
            found = simulate_cutoff(tables, roi, target, studies, seed=1)
            stored = document["rois"][roi][name]["interval"]
            ends = (round(found.low_hu, 1), round(found.high_hu, 1))
            differ += ends != (stored["low"], stored["high"])
            print(
                f"{roi:<8}{target:<14}{found.printed_hu:>9.2f}{found.median_hu:>9.2f}{ends[0]:>11.1f}{ends[1]:>8.1f}"
                f"   {stored['low']:g} to {stored['high']:g}"
            )
    print(f"{differ} of {2 * len(ROIS)} differ from the file.")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
