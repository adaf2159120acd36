"""How well HU find osteoporosis, and low bone mineral density: the study's Table 3 of a cohort."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from LumbarHULib.cohort.bootstrap import BootstrapCutoff, bootstrap_cutoff
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.cutoff import Accuracy, accuracy_at
from LumbarHULib.cohort.predictive import predictive_values
from LumbarHULib.cohort.roc import AreaUnderCurve, area_under_curve, compare_areas
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate, interval_columns
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.core.cutoffs import CutoffTable

_COUNTS = ("true_positive", "false_negative", "true_negative", "false_positive")


@dataclass(frozen=True, kw_only=True)
class RegionRoc:
    """What one region's mean over L1–L4 finds.

    Parameters
    ----------
    roi, target : str
    area : AreaUnderCurve
    cutoff : BootstrapCutoff or None
        None where there is none.
    """

    roi: str
    target: str
    area: AreaUnderCurve
    cutoff: BootstrapCutoff | None


def region_rocs(
    cohort: Cohort, resamples: int, seed: int, omissions: Omissions, progress: Callable[[float, str], None]
) -> tuple[RegionRoc, ...]:
    """Return area and cutoff for each target and region where they can be worked out."""
    found = []
    every = [(target, roi) for target in TARGETS for roi in cohort.measured_rois]
    for number, (target, roi) in enumerate(every):

        def draws(share: float, number: int = number) -> None:
            progress((number + share) / len(every), "Drawing bootstrap resamples")

        draws(0.0)
        hu, name = cohort.hu(MEAN, roi), f"{roi} for {target}"
        area = omissions.attempt("ROC", name, area_under_curve, hu, cohort.groups, TARGETS[target])
        if area is None:
            continue
        cutoff = omissions.attempt(
            "Cutoffs", name, bootstrap_cutoff, hu, cohort.groups, TARGETS[target], resamples, seed, progress=draws
        )
        found.append(RegionRoc(roi=roi, target=target, area=area, cutoff=cutoff))
    return tuple(found)


def roc_table(rocs: tuple[RegionRoc, ...]) -> Table:
    """Return area, cutoff and what it finds, of each region and target."""
    columns = ("roi", "target", "positive", "n_positive", "n_negative", "auc", "ci_low", "ci_high", "cutoff_hu")
    columns += ("cutoff_low", "cutoff_high", "sensitivity", "specificity", "true_positive", "true_negative", "youden")
    rows: list[list[Cell]] = []
    for roc in rocs:
        area, cutoff = roc.area, roc.cutoff
        row = [roc.roi, roc.target, area.positive, area.n_positive, area.n_negative, *cells_of_estimate(area)]
        if cutoff is None:
            rows.append([*row, *[None] * 8])
            continue
        at = cutoff.apparent
        row += [*cells_of_estimate(cutoff.cutoff_hu), at.sensitivity.estimate, at.specificity.estimate]
        rows.append([*row, at.true_positive, at.true_negative, at.youden])
    return Table("roc", "ROC curves and Youden cutoffs", columns, rows)


def cutoff_accuracy_table(rocs: tuple[RegionRoc, ...]) -> Table:
    """Return what each cutoff finds, with intervals, and without the flattery of being judged on its own cases."""
    columns = ("roi", "target", "positive", "rule", "cutoff_hu", *_COUNTS, *interval_columns("sensitivity"))
    columns += (*interval_columns("specificity"), "youden", "corrected_sensitivity", "corrected_specificity")
    columns += ("corrected_youden", "optimism_of_sensitivity", "optimism_of_specificity", "resamples", "seed")
    rows: list[list[Cell]] = []
    for roi, cutoff in ((roc.roi, roc.cutoff) for roc in rocs if roc.cutoff):
        at = cutoff.apparent
        corrected = [cutoff.corrected_sensitivity, cutoff.corrected_specificity, cutoff.corrected_youden]
        optimism = [cutoff.optimism_of_sensitivity, cutoff.optimism_of_specificity, cutoff.resamples, cutoff.seed]
        rows.append([roi, *_accuracy_cells(at), *corrected, *optimism])
    return Table("cutoff_accuracy", "What the cohort's own cutoffs find", columns, rows)


def _accuracy_cells(at: Accuracy) -> list[Cell]:
    counts = [getattr(at, count) for count in _COUNTS]
    shares = [*cells_of_estimate(at.sensitivity), *cells_of_estimate(at.specificity)]
    return [at.target, at.positive, at.rule, at.cutoff_hu, *counts, *shares, at.youden]


def differences_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return the paired DeLong tests between the regions."""
    rows: list[list[Cell]] = []
    columns = {roi: cohort.hu(MEAN, roi) for roi in cohort.rois(MEAN)}
    for target in TARGETS.values():
        compared = omissions.attempt("Differences of areas", target.name, compare_areas, columns, cohort.groups, target)
        for pair in compared or ():
            told = [pair.z, pair.p_value, pair.corrected_p_value, "Holm"]
            rows.append([target.name, pair.first, pair.second, pair.n, *cells_of_estimate(pair), *told])
    names = ("target", "first", "second", "n", *interval_columns("difference", "ci"), "z", "p", "p_corrected")
    return Table("roc_differences", "Differences of the areas under the ROC curves", (*names, "correction"), rows)


def predictive_table(rocs: tuple[RegionRoc, ...], prevalences: Mapping[str, float], omissions: Omissions) -> Table:
    """Return positive and negative predictive values of the cohort's own cutoffs at the stated prevalences."""
    rows: list[list[Cell]] = []
    for roc in rocs:
        if roc.cutoff is None:
            continue
        at, prevalence = roc.cutoff.apparent, prevalences.get(roc.target)
        if prevalence is None:
            omissions.add("Predictive values", f"those for {at.positive}", "its prevalence was not stated.")
            continue
        name = f"{roc.roi} for {roc.target}"
        found = omissions.attempt("Predictive values", name, predictive_values, at, prevalence)
        if found:
            values = [*cells_of_estimate(found.positive_value), *cells_of_estimate(found.negative_value)]
            told = [roc.roi, roc.target, at.positive, prevalence, at.cutoff_hu, *values, found.positive_value.method]
            rows.append(told)
    columns = ("roi", "target", "positive", "prevalence", "cutoff_hu", *interval_columns("ppv"))
    return Table(
        "predictive", "Predictive values at a stated prevalence", (*columns, *interval_columns("npv"), "method"), rows
    )


def study_cutoffs_table(cohort: Cohort, cutoffs: CutoffTable, omissions: Omissions) -> Table:
    """Return what published cutoffs find in this cohort, beside what their source found with them."""
    rows: list[list[Cell]] = []
    for target in TARGETS.values():
        for roi in cohort.measured_rois:
            pair = cutoffs.rois[roi]
            published = pair.osteoporosis if target.name == "osteoporosis" else pair.normal
            at = omissions.attempt(
                f"Cutoffs of {cutoffs.name} in this cohort",
                f"{roi} for {target.name}",
                accuracy_at,
                cohort.hu(MEAN, roi),
                cohort.groups,
                target,
                published.cutoff_hu,
            )
            if at:
                theirs = [_share(published.sensitivity), _share(published.specificity)]
                n = [at.sensitivity.n, at.specificity.n]
                rows.append([roi, *_accuracy_cells(at), *n, *theirs, cutoffs.name])
    columns = ("roi", "target", "positive", "rule", "cutoff_hu", *_COUNTS, *interval_columns("sensitivity"))
    columns += (*interval_columns("specificity"), "youden", "n_positive", "n_negative")
    columns += ("source_sensitivity", "source_specificity", "source")
    return Table("study_cutoffs", f"The cutoffs of {cutoffs.name} in this cohort", columns, rows)


def _share(proportion) -> float | None:
    return None if proportion is None else proportion.count / proportion.total
