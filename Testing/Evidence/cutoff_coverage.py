"""Evidence for the interval of a cohort's own cutoff: how often it contains the true cutoff at the study's numbers.

Studies are drawn from two normal distributions (27 against 73 patients), and from the study's printed quartiles (27
against 73, and 67 against 33). The true cutoff maximizes the Youden index of the distributions themselves. Each study
gives three intervals from the same bootstrap resamples: the percentiles, which LumbarHU reports; the percentiles
corrected for bias (Efron's BC); and the percentiles reflected at the cutoff. An interval should contain the true cutoff
in 93 to 97 % of the studies.

Run it with ``python Testing/Evidence/cutoff_coverage.py [studies]``; it prints one line for each distribution. With the
default of 2000 studies, each with 1000 resamples, the percentages are accurate to ± 1.2; it takes several minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

from LumbarHULib.cohort.bootstrap import bootstrap_cutoff, draw_cutoffs
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import TARGETS, split
from LumbarHULib.cohort_files.study_files import load_study_tables
from LumbarHULib.core.errors import InputError

N_POSITIVE, N_NEGATIVE = 27, 73
RESAMPLES = 1000
AREA = 0.85
# Mean and SD in HU of patients without osteoporosis, and SD of patients with it.
NORMALS = {"two normal distributions": (120, 30, 30), "two normals, SD 45 and 25": (120, 45, 25)}
ROIS = ("round", "right")
TAILS = (0.025, 0.975)


def true_cutoff(share_with, share_without, low: float, high: float) -> float:
    """Return the cutoff at which the shares of patients below it, with and without disease, differ most."""
    grid = np.linspace(low, high, 500)
    start = grid[np.argmax([share_with(at) - share_without(at) for at in grid])]
    step = grid[1] - grid[0]
    best = minimize_scalar(
        lambda at: share_without(at) - share_with(at), bounds=(start - step, start + step), method="bounded"
    )
    return float(best.x)


def distributions():
    """Yield name, target, groups, a function that draws HU, and the true cutoff of each distribution."""
    rng = np.random.default_rng(1)
    groups = ["osteoporosis"] * N_POSITIVE + ["normal"] * N_NEGATIVE
    for name, (mean, sd_without, sd_with) in NORMALS.items():
        lower = mean - float(ndtri(AREA)) * np.hypot(sd_without, sd_with)

        def draw(mean=mean, lower=lower, sd_without=sd_without, sd_with=sd_with):
            return np.concatenate([rng.normal(lower, sd_with, N_POSITIVE), rng.normal(mean, sd_without, N_NEGATIVE)])

        at = true_cutoff(
            lambda hu, lower=lower, sd=sd_with: ndtr((hu - lower) / sd),
            lambda hu, mean=mean, sd=sd_without: ndtr((hu - mean) / sd),
            lower,
            mean,
        )
        yield name, TARGETS["osteoporosis"], groups, draw, at
    study = load_study_tables()
    groups = [group for group in GROUPS for _ in range(study.group_sizes[group])]
    for target in TARGETS.values():
        for roi in ROIS:
            quantities = study.levels[MEAN][roi]

            def draw(quantities=quantities):
                return np.concatenate([quantities[group].draw(rng, (study.group_sizes[group],)) for group in GROUPS])

            def share(hu, positive, quantities=quantities, target=target):
                chosen = [group for group in GROUPS if (group in target.positive_groups) == positive]
                total = sum(study.group_sizes[group] for group in chosen)
                return sum(study.group_sizes[group] * quantities[group].share_below(hu) for group in chosen) / total

            at = true_cutoff(lambda hu, share=share: share(hu, True), lambda hu, share=share: share(hu, False), 40, 200)
            yield f"the study's quartiles, {roi}, {target.name}", target, groups, draw, at


def intervals(hu, groups, target, seed: int) -> tuple[tuple[float, float], ...]:
    """Return the interval that LumbarHU reports, the bias-corrected interval, and the reflected interval."""
    given = bootstrap_cutoff(hu, groups, target, RESAMPLES, seed).cutoff_hu
    drawn = draw_cutoffs(split({"hu": hu}, groups, target), RESAMPLES, seed).cutoff_hu
    below = np.mean(drawn < given.estimate) + np.mean(drawn == given.estimate) / 2
    bias = ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    corrected = np.quantile(drawn, ndtr(2 * bias + ndtri(TAILS)))
    low, high = np.quantile(drawn, TAILS)
    return (given.low, given.high), tuple(corrected), (2 * given.estimate - high, 2 * given.estimate - low)


def main() -> None:
    """Print the table."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{studies} studies with {RESAMPLES} resamples each, 95 % intervals that contain the true cutoff:")
    print(f"{'patients drawn from':<42}{'cutoff':>9}{'given':>8}{'BC':>8}{'reflected':>11}{'width, HU':>11}")
    for name, target, groups, draw, true_hu in distributions():
        held, width, done = np.zeros(3), 0.0, 0
        for study in range(studies):
            try:
                found = intervals(draw(), groups, target, study)
            except InputError:
                continue  # no cutoff is better than chance, so such a study reports none
            done += 1
            held += [low <= true_hu <= high for low, high in found]
            width += found[0][1] - found[0][0]
        given, corrected, reflected = held / done
        print(
            f"{name:<42}{true_hu:>9.1f}{given:>8.1%}{corrected:>8.1%}{reflected:>11.1%}{width / done:>11.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
