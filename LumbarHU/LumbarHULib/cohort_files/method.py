"""Describe a cohort's statistical methods in words for a paper."""

from collections.abc import Sequence

from LumbarHULib.audit.audit import software_versions
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.references import DXA, QCT
from LumbarHULib.cohort.survival import has_lifelines
from LumbarHULib.cohort_files.study_files import load_qct_criteria, load_t_score_criteria
from LumbarHULib.core.levels import LEVELS


def method_text(analysis: CohortAnalysis) -> str:
    """Return one paragraph that names exactly the methods used."""
    cohort, tables, versions = analysis.cohort, analysis.tables, software_versions()
    seed = f"; bootstrap seed {analysis.options.seed}" if _has_cutoffs(analysis) else ""
    sentences = [
        cohort.note,
        _patients(cohort),
        _protocols(cohort),
        "If a patient was read more than once, the mean of the readers' values was used." if cohort.readings else "",
        *_characteristics(analysis),
        *_groups(analysis),
        *_correlation(analysis),
        *accuracy_sentences(analysis),
        *_survival_sentences(analysis),
        f"The published cutoffs of {analysis.published.name} were applied unchanged."
        if tables["study_cutoffs"].rows or tables["study_cutoffs_levels"].rows
        else "",
        "Classes were compared with those by absorptiometry by Cohen's κ."
        if any(record["kappa"] is not None for record in tables["class_agreement"].records())
        else "",
        agreement_sentence(analysis),
        "All confidence intervals are 95 %; tests are two-sided at 0.05.",
        f"LumbarHU {versions['LumbarHU']} was used (Python {versions['Python']}, NumPy {versions.get('numpy', '?')}, "
        f"SciPy {versions.get('scipy', '?')}){seed}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def agreement_sentence(analysis: CohortAnalysis) -> str:
    """Return the sentence on the agreement of readings; empty if there is no agreement."""
    lsc_factor = analysis.cohort.lsc_factor
    if not analysis.tables["agreement"].rows or lsc_factor is None:
        return ""
    return (
        "Agreement of readings is reported as intraclass correlation coefficients ICC(2,1) and ICC(3,1) (McGraw and "
        "Wong), bias and 95 % limits of agreement (Bland and Altman), and root-mean-square standard deviation, its "
        f"coefficient of variation, and the least significant change, {lsc_factor:g} times it (Glüer)."
    )


def _protocols(cohort: Cohort) -> str:
    protocols = list(dict.fromkeys(one.protocol for one in cohort.audits))
    return f"HU were measured by the protocol {joined(protocols, 'and by')}." if protocols else ""


def _patients(cohort: Cohort) -> str:
    rois, mean = cohort.measured_rois, cohort.mean_name
    has_mean = cohort.rois(mean) and mean not in LEVELS
    over = f" over the vertebrae {mean} and of" if has_mean else " of"
    several = len(cohort.measured_levels) > 1
    levels = f"{over} the single vertebra{'e' if several else ''} {joined(cohort.measured_levels, 'and')}"
    what = f"Mean Hounsfield units (HU){levels} in the region{'s' if len(rois) > 1 else ''} {', '.join(rois)} of "
    patients = f"{what if rois else ''}{len(cohort)} patient{'s were' if len(cohort) > 1 else ' was'} analyzed"
    sentences = []
    for reference in cohort.references:
        sizes = ", ".join(f"{size} {group}" for group, size in reference.sizes.items())
        if reference.name == DXA:
            patients += f", grouped by dual-energy X-ray absorptiometry ({sizes}; {_origin_of_groups(cohort)})"
        elif reference.name == QCT:
            limits = load_qct_criteria()
            sentences.append(
                f"Quantitative CT was a second reference ({sizes}; osteoporosis below "
                f"{limits.osteoporosis_below_mg_cc:g} and normal above {limits.normal_above_mg_cc:g} mg/cm³: "
                "Cheng 2020)."
            )
        else:
            sentences.append(f"The outcome was {reference.name} ({sizes}).")
    return " ".join([f"{patients}.", *sentences])


def _origin_of_groups(cohort: Cohort) -> str:
    """Return the number of given groups, and the number of groups by T-score with the criteria."""
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
    kinds = [
        kind for kind in ("mean ± SD", "median (Q1, Q3)") if any(record["reported_as"] == kind for record in records)
    ]
    tests = dict.fromkeys(record["test"] for record in records if record["test"])
    names = {"ANOVA": "analysis of variance", "Kruskal–Wallis": "the Kruskal–Wallis test"}
    names |= {"Pearson's χ²": "Pearson's χ² test"}
    if not records:
        return []
    words = {"mean ± SD": "mean ± standard deviation", "median (Q1, Q3)": "median (quartiles)"}
    forms = joined([words[kind] for kind in kinds], "or")
    given = f"reported as {forms}, depending on the Shapiro–Wilk test" if kinds else "reported as counts"
    compared = f", and compared between groups by {joined([names[test] for test in tests], 'or')}" if tests else ""
    return [f"Characteristics are {given}{compared}."]


def _groups(analysis: CohortAnalysis) -> list[str]:
    tables, sentences = analysis.tables, []
    if tables["groups"].rows:
        compared = (
            " and compared between groups by the Kruskal–Wallis test, pairs by Dunn's test with Holm's correction"
        )
        compared = compared if tables["groups_pairwise"].rows else ""
        sentences.append(f"HU are reported as median and quartiles (weighted average at the ranks (n + 1)p){compared}.")
    paired = [what for what in ("rois", "levels") if tables[f"between_{what}"].rows]
    if paired:
        named = joined(["regions" if what == "rois" else what for what in paired], "and")
        sentences.append(
            f"{named.capitalize()} of the same patients were compared by Friedman's test, and pairs by Dunn's test on "
            "its mean ranks with Holm's correction."
        )
    return sentences


def accuracy_sentences(analysis: CohortAnalysis) -> list[str]:
    """Return the sentences on ROC curves, cutoffs and predictive values; empty if there are none."""
    rocs = (*analysis.rocs, *analysis.level_rocs)
    if not rocs:
        return []
    found = [target for target in analysis.cohort.targets.values() if any(roc.target == target.name for roc in rocs)]
    pairs = [
        what
        for what, name in (("regions", "roc_differences"), ("levels", "roc_differences_levels"))
        if analysis.tables[name].rows
    ]
    compared = (
        f" and are compared between {joined(pairs, 'and between')} by DeLong's paired test with Holm's correction"
    )
    sought = joined([target.positive for target in found], "and for")
    sentences = [
        "It was assumed beforehand that low HU indicate the target; no direction was chosen from the data.",
        f"Areas under the receiver operating characteristic curves for {sought} have DeLong's interval on "
        f"the logit scale{compared if pairs else ''}.",
    ]
    if any(roc.reference not in (DXA, QCT) for roc in rocs) and "outcome_days" in analysis.cohort.numbers:
        sentences.append("The curves for the outcome ignore the duration of follow-up.")
    if not _has_cutoffs(analysis):
        return sentences
    sides = {"<=": "at or below the cutoff", "<": "below the cutoff"}
    positive = joined([f"{sides[target.rule]} for {target.positive}" for target in found], "and")
    sentences.append(
        f"Cutoffs have the greatest Youden index; their intervals are the percentiles of {analysis.options.resamples} "
        "bootstrap resamples stratified by class, which also served to correct sensitivity and specificity for "
        f"optimism (Harrell); they are exploratory. HU {positive} are positive. Sensitivity and specificity have "
        "Wilson's intervals."
    )
    shares = {
        record["positive"]: record["prevalence"]
        for name in ("predictive", "predictive_levels")
        for record in analysis.tables[name].records()
    }
    if shares:
        prevalences = joined([f"{100 * share:g} % for {positive}" for positive, share in shares.items()], "and")
        sentences.append(f"Predictive values (Mercaldo's logit intervals) hold for a prevalence of {prevalences}.")
    return sentences


def _correlation(analysis: CohortAnalysis) -> list[str]:
    tables = analysis.tables
    plain = [*tables["correlation"].records(), *tables["correlation_levels"].records()]
    if not plain:
        return []
    adjusted = {
        record["adjusted_for"]
        for name in ("correlation_adjusted", "correlation_levels_adjusted")
        for record in tables[name].records()
    }
    held = "".join(f", plain and adjusted for {names.replace(';', ' and ')}" for names in sorted(adjusted))
    densities = dict.fromkeys(record["density"] for record in tables["correlation_levels"].records())
    kinds = {"t_score": "T-scores", "qct_mg_cc": "density by quantitative CT"}
    titles = list(dict.fromkeys(kinds.get(name, "bone mineral density") for name in densities)) or [
        "bone mineral density"
    ]
    holm = "; p-values by level were corrected by Holm's method" if densities else ""
    return [
        f"The correlation of HU with {joined(titles, 'and')} is Spearman's coefficient with the interval of Bonett "
        f"and Wright{held}{holm}."
    ]


def _survival_sentences(analysis: CohortAnalysis) -> list[str]:
    tables, sentences = analysis.tables, []
    if tables["survival_concordance"].rows:
        sentences.append("Harrell's C of low HU for an early outcome has the interval of the infinitesimal jackknife.")
    if tables["survival_hazard_ratios"].rows:
        adjusted = {record["adjusted_for"] for record in tables["survival_hazard_ratios"].records()} - {""}
        held = "".join(f", and adjusted for {names.replace(';', ' and ')}" for names in adjusted)
        sentences.append(
            f"Hazard ratios per standard deviation of lower HU are those of Cox's model{held} (Efron's ties; "
            "proportional hazards are assumed)."
        )
    if tables["survival_log_rank"].rows:
        sources = dict.fromkeys(record["cutoff_source"] for record in tables["survival_log_rank"].records())
        sentences.append(
            "Kaplan–Meier curves on both sides of a cutoff that was not derived from the outcome "
            f"({joined(list(sources), 'or')}) were compared by the log-rank test."
        )
    if sentences:
        holm = "The p-values of hazard ratios and of log-rank tests were corrected by Holm's method"
        sentences.append(f"{holm}{f' (lifelines {_lifelines_version()})' if has_lifelines() else ''}.")
    return sentences


def _lifelines_version() -> str:
    from importlib.metadata import version

    return version("lifelines")


def _has_cutoffs(analysis: CohortAnalysis) -> bool:
    return any(roc.cutoff for roc in (*analysis.rocs, *analysis.level_rocs))


def joined(parts: Sequence[str], last: str) -> str:
    """Return parts joined by commas, with a word before the last."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _minus(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")
