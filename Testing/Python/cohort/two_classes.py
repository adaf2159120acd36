"""Made-up cohorts for the tests of ROC, cutoffs and bootstrap."""

import numpy as np

from LumbarHULib.cohort.groups import GROUPS


def made_up(seed: int, sizes=(33, 40, 27), columns: int = 1, step: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return HU, shape (n, columns), in multiples of `step` where it is given, and the groups."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(GROUPS, sizes)
    middle = np.repeat((160.0, 108.0, 60.0), sizes)[:, None]
    shared = rng.normal(0, 40, (len(groups), 1))
    hu = middle + shared + rng.normal(0, 20, (len(groups), columns)) * (1 + np.arange(columns))
    return (np.round(hu / step) * step if step else hu), groups
