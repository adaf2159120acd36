"""Tabulate how well HU find osteoporosis, low bone density or an outcome: the study's Table 3, also by level."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from LumbarHULib.cohort.bootstrap import BootstrapCutoff, bootstrap_cutoff
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.cutoff import Accuracy, accuracy_at
from LumbarHULib.cohort.estimates import holm
from LumbarHULib.cohort.predictive import predictive_values
from LumbarHULib.cohort.references import DXA
from LumbarHULib.cohort.roc import AreaDifference, AreaUnderCurve, area_under_curve, compare_areas
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table, by_level, cells_of_estimate, interval_columns
from LumbarHULib.cohort.targets import Target
from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, Proportion
from LumbarHULib.core.levels import ROIS

_COUNTS = ("true_positive", "false_negative", "true_negative", "false_positive")
# Targets to which the study's upper cutoff is applied; all others use the cutoff for osteoporosis.
_NORMAL_CUTOFF = ("low_bmd", "qct_low_bmd")


@dataclass(frozen=True, kw_only=True)
class RegionRoc:
    """ROC results of one region, at a level or as a mean.

    Parameters
    ----------
    level, roi, target : str
    reference : str
        Name of the target's reference.
    area : AreaUnderCurve
    cutoff : BootstrapCutoff or None
        None if there is no cutoff.
    """

    level: str
    roi: str
    target: str
    reference: str
    area: AreaUnderCurve
    cutoff: BootstrapCutoff | None

    @property
    def is_useful(self) -> bool:
        """Return whether low HU find the target as expected: the area's whole interval is above 0.5."""
        return self.area.low > 0.5


def region_rocs(
    cohort: Cohort,
    levels: Sequence[str],
    resamples: int,
    seed: int,
    omissions: Omissions,
    progress: Callable[[float, str], None],
) -> tuple[RegionRoc, ...]:
    """Return area and cutoff for each target, level and region for which they can be computed."""
    found = []
    every = [
        (reference, target, level, roi)
        for reference in cohort.references
        for target in reference.targets
        for level in levels
        for roi in cohort.rois(level)
    ]
    for number, (reference, target, level, roi) in enumerate(every):

        def draws(share: float, number: int = number) -> None:
            progress((number + share) / len(every), "Drawing bootstrap resamples")

        draws(0.0)
        hu, name = cohort.hu(level, roi), f"{roi} of {level} for {target.name}"
        area = omissions.attempt("ROC", name, area_under_curve, hu, reference.labels, target)
        if area is None:
            continue
        cutoff = omissions.attempt(
            "Cutoffs", name, bootstrap_cutoff, hu, reference.labels, target, resamples, seed, progress=draws
        )
        found.append(
            RegionRoc(level=level, roi=roi, target=target.name, reference=reference.name, area=area, cutoff=cutoff)
        )
    return tuple(found)


def note_missing_inputs(cohort: Cohort, omissions: Omissions) -> None:
    """Note missing references, means and regions of the cohort."""
    if DXA not in {reference.name for reference in cohort.references}:
        omissions.add("ROC against DXA", "", "No case has a group or a T-score.", "group or t_score")
    if not cohort.rois(cohort.mean_name):
        least = min(cohort.minimum_levels, len(cohort.mean_levels))
        reason = f"No case has HU at {least} levels of {cohort.mean_name} or more in one region."
        columns = "; ".join(f"hu_{level}_…" for level in cohort.mean_levels if level not in cohort.measured_levels)
        omissions.add(f"Everything about the mean over {cohort.mean_name}", "", reason, columns)
    absent = [roi for roi in ROIS if roi not in cohort.measured_rois]
    for roi in absent:
        omissions.add("Everything about some regions", roi, "No case has HU there.", f"hu_…_{roi}")


class _Sheet:
    """The rows of a table of regions: for the mean, or by level with the level after the region.

    Parameters
    ----------
    name, title : str
        Name and title of the mean's table.
    columns : sequence of str
        Columns of the mean's table.
    is_by_level : bool
    more : sequence of str
        Additional columns at the end of the table by level.
    """

    def __init__(self, name: str, title: str, columns: Sequence[str], is_by_level: bool, more: Sequence[str] = ()):
        self._is_by_level, self._place = is_by_level, list(columns).index("roi") + 1
        self._name = f"{name}_levels" if is_by_level else name
        self._title = f"{title}, by level" if is_by_level else title
        self._columns = (*by_level(columns), *more) if is_by_level else columns
        self._rows: list[list[Cell]] = []

    def add(self, level: str, row: list[Cell], more: Sequence[Cell] = ()) -> None:
        """Add a row of the mean's table, with the level and the additional cells of the table by level."""
        if self._is_by_level:
            row = [*row[: self._place], level, *row[self._place :], *more]
        self._rows.append(row)

    def table(self) -> Table:
        """Return the table."""
        return Table(self._name, self._title, self._columns, self._rows)


def roc_table(rocs: Sequence[RegionRoc], is_by_level: bool = False) -> Table:
    """Return area, cutoff and accuracy of each region and target."""
    columns = (
        *("roi", "target", "positive", "n_positive", "n_negative", "auc", "ci_low", "ci_high", "cutoff_hu"),
        *("cutoff_low", "cutoff_high", "sensitivity", "specificity", "true_positive", "true_negative", "youden"),
    )
    sheet = _Sheet("roc", "ROC curves and Youden cutoffs", columns, is_by_level)
    for roc in rocs:
        area, cutoff = roc.area, roc.cutoff
        row = [roc.roi, roc.target, area.positive, area.n_positive, area.n_negative, *cells_of_estimate(area)]
        if cutoff is None:
            row += [None] * 8
        else:
            at = cutoff.apparent
            row += [*cells_of_estimate(cutoff.cutoff_hu), at.sensitivity.estimate, at.specificity.estimate]
            row += [at.true_positive, at.true_negative, at.youden]
        sheet.add(roc.level, row)
    return sheet.table()


def cutoff_accuracy_table(rocs: Sequence[RegionRoc], is_by_level: bool = False) -> Table:
    """Return the accuracy of each cutoff, with intervals, apparent and corrected for optimism."""
    columns = ("roi", "target", "positive", "rule", "cutoff_hu", *_COUNTS, *interval_columns("sensitivity"))
    columns += (*interval_columns("specificity"), "youden", "corrected_sensitivity", "corrected_specificity")
    columns += ("corrected_youden", "optimism_of_sensitivity", "optimism_of_specificity", "resamples", "seed")
    sheet = _Sheet("cutoff_accuracy", "Accuracy of the cohort's own cutoffs", columns, is_by_level)
    for roc in rocs:
        cutoff = roc.cutoff
        if cutoff is None:
            continue
        corrected = [cutoff.corrected_sensitivity, cutoff.corrected_specificity, cutoff.corrected_youden]
        optimism = [cutoff.optimism_of_sensitivity, cutoff.optimism_of_specificity, cutoff.resamples, cutoff.seed]
        sheet.add(roc.level, [roc.roi, *_accuracy_cells(cutoff.apparent), *corrected, *optimism])
    return sheet.table()


def _accuracy_cells(at: Accuracy) -> list[Cell]:
    counts = [getattr(at, count) for count in _COUNTS]
    shares = [*cells_of_estimate(at.sensitivity), *cells_of_estimate(at.specificity)]
    return [at.target, at.positive, at.rule, at.cutoff_hu, *counts, *shares, at.youden]


_DIFFERENCE = ("first", "second", "n", *interval_columns("difference", "ci"), "z", "p", "p_corrected", "correction")


def differences_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return the paired DeLong tests between the regions, for the mean."""
    rows: list[list[Cell]] = []
    columns = {roi: cohort.hu(cohort.mean_name, roi) for roi in cohort.rois(cohort.mean_name)}
    for reference in cohort.references:
        for target in reference.targets:
            name = "Differences of areas between regions"
            compared = omissions.attempt(
                name,
                target.name,
                compare_areas,
                columns,
                reference.labels,
                target,
                would_need="hu_… of two regions or more",
            )
            rows += [[target.name, *_difference_cells(pair, pair.corrected_p_value)] for pair in compared or ()]
    title = "Differences of the areas under the ROC curves"
    return Table("roc_differences", title, ("target", *_DIFFERENCE), rows)


def level_differences_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return the paired DeLong tests between the levels, and between each level and the mean, for each region.

    Each pair is compared on the cases that have both, because levels are often missing; Holm's correction covers the
    whole table.
    """
    found: list[tuple[str, str, AreaDifference]] = []
    places = [*cohort.level_places, *({cohort.mean_name} - set(cohort.level_places))]
    for reference in cohort.references:
        for target in reference.targets:
            for roi in cohort.measured_rois:
                roi_places = [place for place in places if roi in cohort.rois(place)]
                for index, first in enumerate(roi_places):
                    for second in roi_places[index + 1 :]:
                        pair = omissions.attempt(
                            "Differences of areas between levels",
                            f"{roi} of {first} and {second} for {target.name}",
                            compare_areas,
                            {place: cohort.hu(place, roi) for place in (first, second)},
                            reference.labels,
                            target,
                        )
                        found += [(target.name, roi, pair[0])] if pair else []
    corrected = holm([pair.p_value for *_, pair in found])
    rows = [[target, roi, *_difference_cells(pair, p)] for (target, roi, pair), p in zip(found, corrected, strict=True)]
    title = "Differences of the areas under the ROC curves, between levels"
    return Table("roc_differences_levels", title, ("target", "roi", *_DIFFERENCE), rows)


def _difference_cells(pair: AreaDifference, corrected_p: float) -> list[Cell]:
    return [pair.first, pair.second, pair.n, *cells_of_estimate(pair), pair.z, pair.p_value, corrected_p, "Holm"]


def predictive_table(
    rocs: Sequence[RegionRoc], prevalences: Mapping[str, float], omissions: Omissions, is_by_level: bool = False
) -> Table:
    """Return positive and negative predictive values of the cohort's own cutoffs at the stated prevalences."""
    columns = ("roi", "target", "positive", "prevalence", "cutoff_hu", *interval_columns("ppv"))
    columns += (*interval_columns("npv"), "method")
    sheet = _Sheet("predictive", "Predictive values at a stated prevalence", columns, is_by_level)
    for roc in rocs:
        if roc.cutoff is None:
            continue
        at, prevalence = roc.cutoff.apparent, prevalences.get(roc.target)
        if prevalence is None:
            option = PREVALENCE_OPTIONS.get(roc.target, PREVALENCE_OPTIONS[""])
            omissions.add("Predictive values", at.positive, "Its prevalence was not stated.", option)
            continue
        name = f"{roc.roi} of {roc.level} for {roc.target}"
        found = omissions.attempt("Predictive values", name, predictive_values, at, prevalence)
        if found:
            values = [*cells_of_estimate(found.positive_value), *cells_of_estimate(found.negative_value)]
            cells = [roc.roi, roc.target, at.positive, prevalence, at.cutoff_hu, *values, found.positive_value.method]
            sheet.add(roc.level, cells)
    return sheet.table()


# By target; "" for that of the outcome.
PREVALENCE_OPTIONS: Mapping[str, str] = {
    "osteoporosis": "the option --prevalence",
    "low_bmd": "the option --low-bmd-prevalence",
    "qct_osteoporosis": "the option --qct-prevalence",
    "qct_low_bmd": "the option --qct-low-bmd-prevalence",
    "": "the option --outcome-prevalence",
}


def study_cutoffs_table(
    cohort: Cohort, levels: Sequence[str], cutoffs: CutoffTable, omissions: Omissions, is_by_level: bool = False
) -> Table:
    """Return the accuracy of published cutoffs in this cohort, and in their source.

    They are cutoffs for the mean over L1–L4; the table notes where they are applied to a level or another mean.
    """
    columns = ("roi", "target", "positive", "rule", "cutoff_hu", *_COUNTS, *interval_columns("sensitivity"))
    columns += (*interval_columns("specificity"), "youden", "n_positive", "n_negative")
    columns += ("source_sensitivity", "source_specificity", "source")
    sheet = _Sheet("study_cutoffs", f"The cutoffs of {cutoffs.name} in this cohort", columns, is_by_level, ("note",))
    name = f"Cutoffs of {cutoffs.name} in this cohort"
    for level in levels:
        if level != MEAN and not is_by_level:
            reason = f"They are cutoffs for the mean over {MEAN}, not for {level}: see study_cutoffs_levels."
            omissions.add(name, f"the mean {level}", reason, "hu_L1_round … hu_L4_left, without --mean")
            continue
        for reference in cohort.references:
            for target in reference.targets:
                for roi in cohort.rois(level):
                    published = _published(cutoffs, roi, target)
                    at = omissions.attempt(
                        name,
                        f"{roi} of {level} for {target.name}",
                        accuracy_at,
                        cohort.hu(level, roi),
                        reference.labels,
                        target,
                        published.cutoff_hu,
                    )
                    if at:
                        theirs: list[float | None] = [None, None]
                        if reference.name == DXA:
                            theirs = [_share(published.sensitivity), _share(published.specificity)]
                        n = [at.sensitivity.n, at.specificity.n]
                        row = [roi, *_accuracy_cells(at), *n, *theirs, cutoffs.name]
                        sheet.add(level, row, [note_on_level(level)])
    return sheet.table()


def note_on_level(level: str) -> str:
    """Return the note for cutoffs of the mean over L1–L4 that are applied to another value."""
    return "" if level == MEAN else f"cutoff for the mean over {MEAN}, applied to {level}"


def _published(cutoffs: CutoffTable, roi: str, target: Target) -> Cutoff:
    pair = cutoffs.rois[roi]
    return pair.normal if target.name in _NORMAL_CUTOFF else pair.osteoporosis


def _share(proportion: Proportion | None) -> float | None:
    return None if proportion is None else proportion.count / proportion.total
