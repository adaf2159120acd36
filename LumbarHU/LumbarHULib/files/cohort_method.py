"""How a cohort was worked out, in words that could go into a paper."""

from LumbarHULib.cohort.agreement import LSC_FACTOR
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.audit import software_versions
from LumbarHULib.files.study_files import load_t_score_criteria


def method_text(analysis: CohortAnalysis) -> str:
    """Return one paragraph that names every method that was used, and no other."""
    cohort, tables, options = analysis.cohort, analysis.tables, analysis.options
    criteria, versions = load_t_score_criteria(), software_versions()
    sizes = ", ".join(f"{cohort.group_sizes[group]} {group}" for group in GROUPS)
    sentences = [
        f"{cohort.note}" if cohort.note else "",
        f"Mean Hounsfield units (HU) over the lumbar vertebrae L1–L4 in the regions {_listed(cohort.rois('L1–L4'))} "
        f"were analyzed in {len(cohort)} patients, grouped by dual-energy X-ray absorptiometry ({sizes}; by T-score: "
        f"normal ≥ {_minus(criteria.normal_at_least)}, osteoporosis ≤ {_minus(criteria.osteoporosis_at_most)}, "
        "osteopenia between).",
        "Where a patient was read more than once, the mean of the readers' values was taken."
        if cohort.readings
        else "",
        "Characteristics are given as mean ± standard deviation or median (quartiles), as the Shapiro–Wilk test "
        "allows, and compared by analysis of variance or the Kruskal–Wallis test, counts by Pearson's χ² test. HU are "
        "given as median and quartiles (weighted average at the ranks (n + 1)p) and compared between groups by the "
        "Kruskal–Wallis test, pairs by Dunn's test with Holm's correction; regions and levels by Friedman's test.",
        "The correlation of HU with bone mineral density is Spearman's coefficient with the interval of Bonett and "
        f"Wright{', plain and adjusted for age and sex' if tables['correlation_adjusted'].rows else ''}."
        if tables["correlation"].rows
        else "",
        *_roc_sentences(analysis),
        "Agreement of readings is given by the intraclass correlation coefficients ICC(2,1) and ICC(3,1) (McGraw and "
        "Wong), the bias and 95 % limits of Bland and Altman, and the root-mean-square standard deviation, its "
        f"coefficient of variation, and the least significant change, {LSC_FACTOR} times it (Glüer)."
        if tables["agreement"].rows
        else "",
        "All intervals are those of 95 % confidence; tests are two-sided at 0.05.",
        f"LumbarHU {versions['LumbarHU']} was used (Python {versions['Python']}, NumPy {versions.get('numpy', '?')}, "
        f"SciPy {versions.get('scipy', '?')}); bootstrap seed {options.seed}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _roc_sentences(analysis: CohortAnalysis) -> list[str]:
    if not analysis.rocs:
        return []
    options = analysis.options
    prevalences = " and ".join(
        f"{100 * share:g} % for {target.replace('low_bmd', 'osteopenia or osteoporosis')}"
        for target, share in options.prevalences.items()
    )
    return [
        "Areas under the receiver operating characteristic curves for osteoporosis, and for osteopenia or "
        "osteoporosis, are given with DeLong's interval on the logit scale and compared between regions by DeLong's "
        "paired test with Holm's correction.",
        "Cutoffs have the greatest Youden index; their intervals are the percentiles of "
        f"{options.resamples} bootstrap resamples stratified by class, from which sensitivity and specificity were "
        "also corrected for optimism (Harrell); positive is what lies at or below the cutoff for osteoporosis, and "
        "below the cutoff for osteopenia or osteoporosis. Sensitivity and specificity have Wilson's intervals; "
        f"predictive values (Mercaldo's logit intervals) hold for a prevalence of {prevalences}. Classes are compared "
        "with those of absorptiometry by Cohen's κ.",
    ]


def _listed(rois) -> str:
    return ", ".join(roi for roi in ROIS if roi in rois)


def _minus(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")
