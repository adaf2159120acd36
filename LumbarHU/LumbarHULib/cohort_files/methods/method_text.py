"""Write the paragraph that describes how methods were compared."""

from LumbarHULib.audit.audit import software_versions
from LumbarHULib.cohort.methods.comparison import ASSUMED, DEMING, ESTIMATED, PASSING_BABLOK, MethodComparison
from LumbarHULib.cohort_files.method import joined


def comparison_method_text(comparison: MethodComparison) -> str:
    """Return one paragraph that names exactly the methods used."""
    measured, tables, versions = comparison.measured, comparison.tables, software_versions()
    cohort = measured.cohort
    sentences = [
        cohort.note,
        f"Mean Hounsfield units (HU) by {joined([one.name for one in measured.methods], 'and')} were compared in "
        f"{len(cohort)} patient{'s' if len(cohort) != 1 else ''}, in pairs on the cases that have both; means over the "
        "same levels used, in each case, the levels that both methods have.",
        "Several readings of a case were averaged." if cohort.readings or _has_repeated(comparison) else "",
        "Bias and 95 % limits of agreement are those of Bland and Altman, with Student's intervals; the bias was "
        "tested by the paired t-test, and whether it is proportional by the slope of the difference on the mean."
        if tables["bland_altman"].rows
        else "",
        *_lines(comparison),
        _classes(comparison),
        *_areas(comparison),
        "p-values are two-sided; corrected p-values are Holm's over all pairs and targets of a table. All confidence "
        "intervals are 95 %.",
        f"LumbarHU {versions['LumbarHU']} was used (Python {versions['Python']}, NumPy {versions.get('numpy', '?')}, "
        f"SciPy {versions.get('scipy', '?')}).",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _has_repeated(comparison: MethodComparison) -> bool:
    return any(one.repeated for one in comparison.measured.methods)


def _lines(comparison: MethodComparison) -> list[str]:
    records = list(comparison.tables["regression"].records())
    sentences = []
    sources = {record["error_ratio_source"] for record in records if record["regression"] == DEMING}
    if sources:
        (source,) = sources
        ratio = {
            ASSUMED: "assumes errors of the same size in both methods",
            ESTIMATED: "uses the ratio of the methods' error variances in repeated readings, taken as known",
        }.get(source, f"uses a given ratio of the error variances of {comparison.options.error_ratio:g}")
        sentences.append(f"Deming's regression {ratio}, with jackknife intervals (Linnet).")
    if any(record["regression"] == PASSING_BABLOK for record in records):
        sentences.append(
            "Passing and Bablok's regression (1983) has its own intervals and its cusum test of linearity."
        )
    return sentences


def _classes(comparison: MethodComparison) -> str:
    if not comparison.tables["class_agreement"].rows:
        return ""
    names = dict.fromkeys(one.cutoffs_name for one in comparison.measured.methods if one.cutoffs)
    return (
        f"Classes by the cutoffs of {joined(list(names), 'and')}, applied unchanged, are compared by Cohen's κ, "
        "without and with linear weights."
    )


def _areas(comparison: MethodComparison) -> list[str]:
    cohort, rows = comparison.measured.cohort, comparison.tables["roc"].rows
    if not rows:
        return []
    by = joined([reference.name for reference in cohort.references], "and")
    return [
        f"Areas under the receiver operating characteristic curves against {by} have DeLong's interval on the "
        "logit scale, and were compared by DeLong's paired test; low HU were assumed beforehand to indicate the target."
    ]
