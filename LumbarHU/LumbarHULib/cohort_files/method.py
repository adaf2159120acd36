"""How a cohort was worked out, in words that could go into a paper."""

from collections.abc import Sequence

from LumbarHULib.audit.audit import software_versions
from LumbarHULib.cohort.agreement import LSC_FACTOR
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.cohort_files.study_files import load_t_score_criteria


def method_text(analysis: CohortAnalysis) -> str:
    """Return one paragraph that names every method that was used, and no other."""
    cohort, tables, versions = analysis.cohort, analysis.tables, software_versions()
    adjusted = {record["adjusted_for"] for record in tables["correlation_adjusted"].records()}
    held = "".join(f", plain and adjusted for {names.replace(';', ' and ')}" for names in sorted(adjusted))
    seed = f"; bootstrap seed {analysis.options.seed}" if _has_cutoffs(analysis) else ""
    sentences = [
        cohort.note,
        _patients(cohort),
        "Where a patient was read more than once, the mean of the readers' values was taken."
        if cohort.readings
        else "",
        *_characteristics(analysis),
        *_groups(analysis),
        "The correlation of HU with bone mineral density is Spearman's coefficient with the interval of Bonett and "
        f"Wright{held}."
        if tables["correlation"].rows or tables["correlation_levels"].rows
        else "",
        *_roc_sentences(analysis),
        "Classes are compared with those of absorptiometry by Cohen's κ."
        if any(record["kappa"] is not None for record in tables["class_agreement"].records())
        else "",
        "Agreement of readings is given by the intraclass correlation coefficients ICC(2,1) and ICC(3,1) (McGraw and "
        "Wong), the bias and 95 % limits of Bland and Altman, and the root-mean-square standard deviation, its "
        f"coefficient of variation, and the least significant change, {LSC_FACTOR} times it (Glüer)."
        if tables["agreement"].rows
        else "",
        "All intervals are those of 95 % confidence; tests are two-sided at 0.05.",
        f"LumbarHU {versions['LumbarHU']} was used (Python {versions['Python']}, NumPy {versions.get('numpy', '?')}, "
        f"SciPy {versions.get('scipy', '?')}){seed}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _patients(cohort: Cohort) -> str:
    rois = cohort.measured_rois
    mean = " over the lumbar vertebrae L1–L4" if cohort.rois(MEAN) else " of single lumbar vertebrae"
    what = f"Mean Hounsfield units (HU){mean} in the region{'s' if len(rois) > 1 else ''} {', '.join(rois)} of "
    told = f"{what if rois else ''}{len(cohort)} patient{'s were' if len(cohort) > 1 else ' was'} analyzed"
    sizes = ", ".join(f"{cohort.group_sizes[group]} {group}" for group in GROUPS)
    if not any(cohort.groups):
        return f"{told}."
    return f"{told}, grouped by dual-energy X-ray absorptiometry ({sizes}; {_origin_of_groups(cohort)})."


def _origin_of_groups(cohort: Cohort) -> str:
    """Return how many groups were given, and how many came about by which T-scores."""
    by_score = cohort.groups_by_t_score
    given = sum(map(bool, cohort.groups)) - by_score
    if not by_score:
        return "as given"
    criteria = load_t_score_criteria()
    limits = (
        f"by T-score: normal ≥ {_minus(criteria.normal_at_least)}, osteoporosis ≤ "
        f"{_minus(criteria.osteoporosis_at_most)}, osteopenia between"
    )
    return f"{given} as given and {by_score} {limits}" if given else limits


def _characteristics(analysis: CohortAnalysis) -> list[str]:
    records = list(analysis.tables["characteristics"].records())
    kinds = [kind for kind in ("mean ± SD", "median (Q1, Q3)") if any(record["told_as"] == kind for record in records)]
    tests = dict.fromkeys(record["test"] for record in records if record["test"])
    names = {"ANOVA": "analysis of variance", "Kruskal–Wallis": "the Kruskal–Wallis test"}
    names |= {"Pearson's χ²": "Pearson's χ² test"}
    if not records:
        return []
    words = {"mean ± SD": "mean ± standard deviation", "median (Q1, Q3)": "median (quartiles)"}
    told = _joined([words[kind] for kind in kinds], "or")
    given = f"given as {told}, as the Shapiro–Wilk test allows" if kinds else "counted"
    compared = f", and compared between groups by {_joined([names[test] for test in tests], 'or')}" if tests else ""
    return [f"Characteristics are {given}{compared}."]


def _groups(analysis: CohortAnalysis) -> list[str]:
    tables, sentences = analysis.tables, []
    if tables["groups"].rows:
        compared = (
            " and compared between groups by the Kruskal–Wallis test, pairs by Dunn's test with Holm's correction"
        )
        compared = compared if tables["groups_pairwise"].rows else ""
        sentences.append(f"HU are given as median and quartiles (weighted average at the ranks (n + 1)p){compared}.")
    paired = [what for what in ("rois", "levels") if tables[f"between_{what}"].rows]
    if paired:
        named = _joined(["regions" if what == "rois" else what for what in paired], "and")
        sentences.append(
            f"{named.capitalize()} of the same patients are compared by Friedman's test, pairs by Dunn's test on its "
            "mean ranks with Holm's correction."
        )
    return sentences


def _roc_sentences(analysis: CohortAnalysis) -> list[str]:
    if not analysis.rocs:
        return []
    found = [target for target in TARGETS.values() if any(roc.target == target.name for roc in analysis.rocs)]
    compared = " and compared between regions by DeLong's paired test with Holm's correction"
    compared = compared if analysis.tables["roc_differences"].rows else ""
    sought = _joined([target.positive for target in found], "and for")
    sentences = [
        f"Areas under the receiver operating characteristic curves for {sought} are given with DeLong's interval on "
        f"the logit scale{compared}."
    ]
    if not _has_cutoffs(analysis):
        return sentences
    sides = {"<=": "at or below the cutoff", "<": "below the cutoff"}
    positive = _joined([f"{sides[target.rule]} for {target.positive}" for target in found], "and")
    sentences.append(
        f"Cutoffs have the greatest Youden index; their intervals are the percentiles of {analysis.options.resamples} "
        "bootstrap resamples stratified by class, from which sensitivity and specificity were also corrected for "
        f"optimism (Harrell); positive is what lies {positive}. Sensitivity and specificity have Wilson's intervals."
    )
    shares = {record["positive"]: record["prevalence"] for record in analysis.tables["predictive"].records()}
    if shares:
        told = _joined([f"{100 * share:g} % for {positive}" for positive, share in shares.items()], "and")
        sentences.append(f"Predictive values (Mercaldo's logit intervals) hold for a prevalence of {told}.")
    return sentences


def _has_cutoffs(analysis: CohortAnalysis) -> bool:
    return any(roc.cutoff for roc in analysis.rocs)


def _joined(parts: Sequence[str], last: str) -> str:
    """Return parts joined by commas, the last by a word."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _minus(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")
