"""Time of the bootstrap of cutoffs on a large cohort, compared with scikit-learn.

The cohort has 100 000 patients and five regions, with 2000 resamples of one target. scikit-learn resamples the same
cases and takes the Youden cutoff from `roc_curve`, for fewer resamples, from which the total time is extrapolated. Run
it with ``python Testing/Benchmarks/cohort_bootstrap.py [patients]``; it takes about two minutes.
"""

import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from LumbarHULib.cohort.bootstrap import bootstrap_cutoff
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.roc import area_under_curve, compare_areas
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.levels import ROIS

RESAMPLES, RESAMPLES_OF_REFERENCE = 2000, 20
TARGET = TARGETS["osteoporosis"]


def reference_cutoffs(hu: np.ndarray, is_positive: np.ndarray, resamples: int) -> list[float]:
    """Return the Youden cutoffs of resamples stratified by class, computed with scikit-learn."""
    rng = np.random.default_rng(1)
    classes = [np.flatnonzero(is_positive), np.flatnonzero(~is_positive)]
    cutoffs = []
    for _ in range(resamples):
        rows = np.concatenate([rng.choice(of_class, of_class.size) for of_class in classes])
        false_rate, true_rate, thresholds = roc_curve(is_positive[rows], -hu[rows])
        cutoffs.append(-float(thresholds[np.argmax(true_rate - false_rate)]))
    return cutoffs


def seconds(job) -> float:
    """Return the time that a job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def peak_mb() -> float:
    """Return the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the times."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = np.random.default_rng(0)
    groups = rng.choice(GROUPS, patients, p=(0.33, 0.40, 0.27))
    middle = np.select([groups == "normal", groups == "osteopenia"], [160.0, 108.0], 60.0)
    shared = middle + rng.normal(0, 40, patients)
    hu = {roi: shared + rng.normal(0, 15, patients) for roi in ROIS}
    labels, is_positive = groups.tolist(), groups == TARGET.name
    before = peak_mb()
    ours = seconds(lambda: [bootstrap_cutoff(hu[roi], labels, TARGET, RESAMPLES) for roi in ROIS])
    memory = peak_mb() - before
    reference = seconds(lambda: [reference_cutoffs(hu[roi], is_positive, RESAMPLES_OF_REFERENCE) for roi in ROIS])
    reference *= RESAMPLES / RESAMPLES_OF_REFERENCE
    area = seconds(lambda: [area_under_curve(hu[roi], labels, TARGET) for roi in ROIS])
    reference_area = seconds(lambda: [roc_auc_score(is_positive, -hu[roi]) for roi in ROIS])
    pairs = seconds(lambda: compare_areas(hu, labels, TARGET))
    print(f"{patients} patients, {len(ROIS)} regions, one target, one process:")
    print(f"  {RESAMPLES} resamples of the cutoff: {ours:.1f} s and {memory:.0f} MB in addition to the data;")
    print(
        f"    scikit-learn, extrapolated from {RESAMPLES_OF_REFERENCE}: {reference:.1f} s, "
        f"{reference / ours:.1f} times as long"
    )
    print(f"  areas with DeLong's interval: {area:.2f} s; scikit-learn, areas alone: {reference_area:.2f} s")
    print(f"  paired DeLong tests of all pairs: {pairs:.2f} s")


if __name__ == "__main__":
    main()
