"""Tabulate the agreement of the classes by HU cutoffs with those by DXA."""

from collections.abc import Mapping, Sequence

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.kappa import cohen_kappa, confusion_matrix
from LumbarHULib.cohort.roc_tables import RegionRoc, note_on_level
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table, by_level, cells_of_estimate, interval_columns
from LumbarHULib.core.classification import classify
from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, RoiCutoffs
from LumbarHULib.core.errors import InputError

OWN = "this cohort"
_NAME = "Agreement of the class with DXA"


def own_cutoffs(rocs: Sequence[RegionRoc], level: str, roi: str, even_useless: bool = False) -> RoiCutoffs:
    """Return the cohort's own two cutoffs of a region at a level or mean, with their bootstrap intervals.

    Parameters
    ----------
    rocs : sequence of RegionRoc
    level, roi : str
    even_useless : bool
        Accept cutoffs of ROC curves that do not show that low HU find the target.

    Raises
    ------
    InputError
        If a cutoff is missing or comes from such a curve, or the lower is not below the upper.
    """
    found = {roc.target: roc for roc in rocs if (roc.level, roc.roi) == (level, roi) and roc.cutoff}
    missing = [target for target in ("osteoporosis", "low_bmd") if target not in found]
    if missing:
        raise InputError(f"The ROC analysis gave no cutoff for {' and '.join(missing)}: add cases.")
    pair = [found["osteoporosis"], found["low_bmd"]]
    useless = [roc for roc in pair if not roc.is_useful]
    if useless and not even_useless:
        raise InputError(" ".join(useless_text(roc) for roc in useless))
    low, high = (
        Cutoff(interval.estimate, interval.low, interval.high, interval.method)
        for interval in (roc.cutoff.cutoff_hu for roc in pair if roc.cutoff)
    )
    return RoiCutoffs(low, high)


def useless_text(roc: RegionRoc) -> str:
    """Return a sentence that states why a ROC curve's cutoff is not useful."""
    area = roc.area
    interval = f"{area.estimate:.3f} (95 % interval {area.low:.3f} to {area.high:.3f})"
    why = "includes 0.5, so it is not shown that low HU find it"
    if area.high < 0.5:
        why = "is below 0.5, so low HU do not find it"
    return f"The area under the ROC curve for {area.positive} is {interval}; the interval {why}."


def class_agreement_table(
    cohort: Cohort,
    levels: Sequence[str],
    rocs: Sequence[RegionRoc],
    published: CutoffTable,
    omissions: Omissions,
    is_by_level: bool = False,
) -> Table:
    """Return κ and the counts of the confusion matrix, for the published cutoffs and the cohort's own.

    The published cutoffs apply to the mean over L1–L4; a table by level notes where they are applied to another value.
    """
    rows: list[list[Cell]] = []
    if not any(cohort.groups):
        omissions.add(_NAME, "", "No case has a group or a T-score.", "group or t_score")
        levels = ()
    for level in levels:
        own: Mapping[str, RoiCutoffs | None] = {
            roi: omissions.attempt(
                f"{_NAME} by the cohort's own cutoffs", f"{roi} of {level}", own_cutoffs, rocs, level, roi
            )
            for roi in cohort.rois(level)
        }
        theirs = published.rois if level == MEAN or is_by_level else {}
        for source, cutoffs in ((published.name, theirs), (OWN, own)):
            for roi in cohort.rois(level):
                pair = cutoffs.get(roi)
                if pair is None:
                    continue
                row = _row(cohort, level, roi, pair, omissions)
                if row:
                    where = [roi, level] if is_by_level else [roi]
                    note = [note_on_level(level) if source != OWN else ""] if is_by_level else []
                    rows.append([source, *where, *row, *note])
    columns = ("cutoffs", "roi", "n", "left_out", "agreeing", "observed_agreement", *interval_columns("kappa"))
    columns += tuple(interval_columns("linear_kappa"))
    columns += tuple(f"dxa_{group}_class_{found}" for group in GROUPS for found in GROUPS)
    title = "Agreement of the class by HU with that by DXA"
    if is_by_level:
        return Table("class_agreement_levels", f"{title}, by level", (*by_level(columns), "note"), rows)
    return Table("class_agreement", title, columns, rows)


def _row(cohort: Cohort, level: str, roi: str, cutoffs: RoiCutoffs, omissions: Omissions) -> list[Cell]:
    matrix = confusion_matrix(cohort.groups, classes_of(cohort.hu(level, roi), cutoffs), GROUPS)
    if not matrix.n:
        omissions.add(_NAME, f"{roi} of {level}", "No case has both a class and a group.")
        return []
    kappas = [
        omissions.attempt(_NAME, f"κ of {roi} of {level}", cohen_kappa, matrix, weights)
        for weights in ("none", "linear")
    ]
    agreeing = sum(matrix.counts[index][index] for index in range(len(GROUPS)))
    counts = [count for line in matrix.counts for count in line]
    cells = [matrix.n, matrix.left_out, agreeing, agreeing / matrix.n]
    return [*cells, *cells_of_estimate(kappas[0]), *cells_of_estimate(kappas[1]), *counts]


def classes_of(hu: np.ndarray, cutoffs: RoiCutoffs) -> list[str]:
    """Return the class of each value; "" where the value is unknown."""
    return ["" if np.isnan(value) else classify(float(value), cutoffs) for value in hu]
