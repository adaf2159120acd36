"""Evidence for the interval of the area under the ROC curve: how often it contains the true area at 27 against 73.

Studies of 27 positive and 73 negative patients are drawn from normal distributions with a known area, and, for the
study's own case, from its printed quartiles. Two intervals are compared: the one that LumbarHU reports (DeLong on the
logit scale) and the plain one (DeLong ± 1.96 standard errors). An interval should contain the true area in 93 to 97 %
of the studies.

Run it with ``python Testing/Evidence/auc_coverage.py [studies]``; it prints one line for each area. With the default of
10 000 studies, the percentages are accurate to ± 0.4.
"""

import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
from scipy.special import ndtri

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.roc import area_under_curve
from LumbarHULib.cohort.study.tables import MEAN, study_tables
from LumbarHULib.cohort.targets import TARGETS

STUDY = Path(__file__).resolve().parents[2] / "LumbarHU" / "Resources" / "Study"
TARGET = TARGETS["osteoporosis"]
N_POSITIVE, N_NEGATIVE = 27, 73
AREAS = (0.6, 0.7, 0.8, 0.852, 0.9, 0.936, 0.97, 0.99)
Z = float(ndtri(0.975))


def coverage(draw, groups, true_area: float, studies: int) -> tuple[float, float, float]:
    """Return the shares of studies whose interval and plain interval contain the true area, and the mean width."""
    held = plain = width = 0.0
    for _ in range(studies):
        found = area_under_curve(draw(), groups, TARGET)
        held += found.low <= true_area <= found.high
        plain += abs(found.estimate - true_area) <= Z * found.standard_error
        width += found.high - found.low
    return held / studies, plain / studies, width / studies


def case_of_study(rng):
    """Return a function that draws HU from the study's printed quartiles of round, the groups, and the true area."""
    contents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in STUDY.glob("*.json")}
    tables = study_tables(*(contents[name] for name in ("table_1", "table_2", "table_3", "text")))
    quantities, sizes = tables.levels[MEAN]["round"], tables.group_sizes

    def draw(scale: int = 1) -> np.ndarray:
        return np.concatenate([quantities[group].draw(rng, (scale * sizes[group],)) for group in GROUPS])

    def groups(scale: int = 1) -> list[str]:
        return [group for group in GROUPS for _ in range(scale * sizes[group])]

    return draw, groups(), area_under_curve(draw(20_000), groups(20_000), TARGET).estimate


def main() -> None:
    """Print the table."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rng = np.random.default_rng(1)
    print(
        f"{studies} studies of {N_POSITIVE} against {N_NEGATIVE} patients, 95 % intervals that contain the true area:"
    )
    print(f"{'patients drawn from':<28}{'area':>7}{'logit':>9}{'plain':>9}{'width':>8}")
    groups = ["osteoporosis"] * N_POSITIVE + ["normal"] * N_NEGATIVE
    for area in AREAS:
        shift = math.sqrt(2) * float(ndtri(area))

        def draw(shift=shift) -> np.ndarray:
            return 100 + 30 * np.concatenate([rng.normal(-shift, 1, N_POSITIVE), rng.normal(0, 1, N_NEGATIVE)])

        print_line("two normal distributions", area, *coverage(draw, groups, area, studies))
    draw, groups, area = case_of_study(rng)
    print_line("the study's quartiles, round", area, *coverage(draw, groups, area, studies))


def print_line(source: str, area: float, held: float, plain: float, width: float) -> None:
    """Print one line."""
    print(f"{source:<28}{area:>7.3f}{held:>8.1%}{plain:>9.1%}{width:>9.3f}", flush=True)


if __name__ == "__main__":
    main()
