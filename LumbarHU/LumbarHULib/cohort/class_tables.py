"""Whether the classes that cutoffs give are those of DXA."""

from collections.abc import Mapping

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.kappa import cohen_kappa, confusion_matrix
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate, interval_columns
from LumbarHULib.core.classification import classify
from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, RoiCutoffs
from LumbarHULib.core.errors import InputError

OWN = "this cohort"


def own_cutoffs(rocs: tuple[RegionRoc, ...], roi: str) -> RoiCutoffs:
    """Return the cohort's own two cutoffs of a region, with their bootstrap intervals.

    Raises
    ------
    InputError
        If one of them is missing, or the lower is not below the upper.
    """
    found = {roc.target: roc.cutoff for roc in rocs if roc.roi == roi and roc.cutoff}
    missing = [target for target in ("osteoporosis", "low_bmd") if target not in found]
    if missing:
        raise InputError(f"there is no cutoff for {' and '.join(missing)}.")
    low, high = (
        Cutoff(interval.estimate, interval.low, interval.high, interval.method)
        for interval in (found["osteoporosis"].cutoff_hu, found["low_bmd"].cutoff_hu)
    )
    return RoiCutoffs(low, high)


def class_agreement_table(
    cohort: Cohort, rocs: tuple[RegionRoc, ...], published: CutoffTable, omissions: Omissions
) -> Table:
    """Return κ and the counts of the confusion matrix, by the published cutoffs and by the cohort's own."""
    name = "Agreement of the class with DXA"
    rows: list[list[Cell]] = []
    own: Mapping[str, RoiCutoffs | None] = {
        roi: omissions.attempt(f"{name} by the cohort's own cutoffs", roi, own_cutoffs, rocs, roi)
        for roi in cohort.rois(MEAN)
    }
    for source, cutoffs in ((published.name, published.rois), (OWN, own)):
        for roi in cohort.measured_rois:
            if cutoffs.get(roi) is None:
                continue
            classes = classes_of(cohort.hu(MEAN, roi), cutoffs[roi])
            matrix = confusion_matrix(cohort.groups, classes, GROUPS)
            if not matrix.n:
                omissions.add(name, roi, "no case has both a class and a group.")
                continue
            kappas = [
                omissions.attempt(name, f"κ of {roi}", cohen_kappa, matrix, weights) for weights in ("none", "linear")
            ]
            agreeing = sum(matrix.counts[index][index] for index in range(len(GROUPS)))
            counts = [count for line in matrix.counts for count in line]
            cells = [source, roi, matrix.n, matrix.left_out, agreeing, agreeing / matrix.n]
            rows.append([*cells, *cells_of_estimate(kappas[0]), *cells_of_estimate(kappas[1]), *counts])
    columns = ("cutoffs", "roi", "n", "left_out", "agreeing", "observed_agreement", *interval_columns("kappa"))
    columns += tuple(interval_columns("linear_kappa"))
    columns += tuple(f"dxa_{group}_class_{found}" for group in GROUPS for found in GROUPS)
    return Table("class_agreement", "Agreement of the class by HU with that by DXA", columns, rows)


def classes_of(hu: np.ndarray, cutoffs: RoiCutoffs) -> list[str]:
    """Return the class of each value; "" where there is none."""
    return ["" if np.isnan(value) else classify(float(value), cutoffs) for value in hu]
