"""Compare every pair of methods: differences, lines, classes and areas, one statement per table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from LumbarHULib.cohort.agreement import bland_altman, repeatability
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort.class_tables import classes_of
from LumbarHULib.cohort.estimates import holm, two_sided_t_p
from LumbarHULib.cohort.findings import SMALL_GROUP, findings_tables
from LumbarHULib.cohort.groups import GROUPS, describe
from LumbarHULib.cohort.kappa import cohen_kappa, confusion_matrix
from LumbarHULib.cohort.methods.deming import FittedLine, deming
from LumbarHULib.cohort.methods.measured import MeasuredMethod, MeasuredMethods
from LumbarHULib.cohort.methods.method import levels_text
from LumbarHULib.cohort.methods.passing_bablok import passing_bablok
from LumbarHULib.cohort.roc import area_under_curve, compare_areas
from LumbarHULib.cohort.tables import Cell, Omissions, Table, cells_of_estimate, interval_columns
from LumbarHULib.core.errors import InputError

TABLE_NAMES = (
    *("methods", "bland_altman", "regression", "class_agreement", "roc", "roc_differences", "pairs"),
    *("gaps", "findings", "rows"),
)
DEMING, PASSING_BABLOK = "Deming", "Passing–Bablok"
GIVEN, ASSUMED, ESTIMATED = "given", "assumed: equal errors", "estimated from repeated readings"
_HOLM = "Holm"
_ALPHA = 0.05
# Longest list of pairs in a sentence.
_NAMED = 6


@dataclass(frozen=True)
class ComparisonOptions:
    """The user's options.

    Parameters
    ----------
    error_ratio : float or None
        Variance of the second method's error divided by that of the first's, for Deming's regression; None to estimate
        it from repeated readings.
    """

    error_ratio: float | None = 1.0


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """Methods with the results of their comparison.

    Parameters
    ----------
    measured : MeasuredMethods
    options : ComparisonOptions
    tables : mapping of str to Table
        Tables by name.
    findings : tuple of CohortFinding
    """

    measured: MeasuredMethods
    options: ComparisonOptions
    tables: Mapping[str, Table]
    findings: tuple[CohortFinding, ...]


@dataclass(frozen=True, eq=False)
class _Pair:
    first: MeasuredMethod
    second: MeasuredMethod
    first_hu: np.ndarray
    second_hu: np.ndarray

    @property
    def names(self) -> tuple[str, str]:
        return self.first.name, self.second.name

    @property
    def title(self) -> str:
        return " and ".join(self.names)

    @property
    def n(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.first_hu) & ~np.isnan(self.second_hu)))


def compare(measured: MeasuredMethods, options: ComparisonOptions) -> MethodComparison:
    """Return every table; the table of gaps lists results that cannot be computed.

    Parameters
    ----------
    measured : MeasuredMethods
    options : ComparisonOptions

    Raises
    ------
    InputError
        If a method has no HU in any case, no two methods have a case in common, or an error ratio other than 1 is given
        for more than one pair.
    """
    if options.error_ratio not in (None, 1) and len(measured.methods) > 2:
        raise InputError(
            f"An error ratio of {options.error_ratio:g} is that of one pair, but {len(measured.methods)} methods are "
            "compared: give two methods, or let the ratio be estimated."
        )
    pairs = [_pair(measured, *two) for two in combinations(measured.methods, 2)]
    for method in measured.methods:
        if np.isnan(measured.hu(method)).all():
            least = min(measured.cohort.minimum_levels, len(method.method.levels))
            raise InputError(
                f"No case has HU of {method.name} in “{method.source}” (at {least} level{'s' if least > 1 else ''} or "
                "more): check its region, levels and case names."
            )
    if not any(pair.n for pair in pairs):
        names = ", ".join(method.name for method in measured.methods)
        raise InputError(f"No case has HU of two of the methods {names}: check the case names in the tables.")
    omissions = Omissions()
    tables = [
        _methods_table(measured),
        _bland_altman_table(pairs, omissions),
        _regression_table(pairs, options, omissions),
        _class_table(pairs, omissions),
        *_roc_tables(measured, pairs, omissions),
        _pairs_table(measured, pairs),
        omissions.table(),
    ]
    by_name = {table.name: table for table in tables}
    findings = (*measured.cohort.findings, *_findings(pairs, by_name))
    by_name |= {table.name: table for table in findings_tables(findings)}
    return MethodComparison(measured, options, by_name, findings)


def _pair(measured: MeasuredMethods, first: MeasuredMethod, second: MeasuredMethod) -> _Pair:
    return _Pair(first, second, *measured.pair(first, second))


def _methods_table(measured: MeasuredMethods) -> Table:
    columns = (
        *("method", "protocol", "roi", "levels", "source", "n", "left_out", "mean_hu", "sd_hu", "median_hu"),
        *("q1_hu", "q3_hu", "minimum_hu", "maximum_hu", "osteoporosis_cutoff_hu", "normal_cutoff_hu", "cutoffs"),
    )
    rows: list[list[Cell]] = []
    for one in measured.methods:
        found, cutoffs = describe(measured.hu(one), one.name), one.cutoffs
        row: list[Cell] = [one.name, one.method.protocol, one.method.region, levels_text(one.method.levels), one.source]
        row += [found.n, found.left_out, found.mean, found.sd, found.median, found.q1, found.q3]
        row += [found.minimum, found.maximum]
        row += [cutoffs.osteoporosis.cutoff_hu, cutoffs.normal.cutoff_hu] if cutoffs else [None, None]
        rows.append([*row, one.cutoffs_name])
    return Table("methods", "The compared methods", columns, rows)


def _bland_altman_table(pairs: Sequence[_Pair], omissions: Omissions) -> Table:
    columns = ("first", "second", "n", "left_out", *interval_columns("bias_hu", "bias"), "p", "p_corrected")
    columns += ("sd_of_differences_hu", *interval_columns("lower_limit_hu", "lower_limit"))
    columns += (*interval_columns("upper_limit_hu", "upper_limit"), *interval_columns("bias_slope"))
    columns += ("bias_slope_p", "bias_slope_p_corrected", "correction")
    found = []
    for pair in pairs:
        limits = omissions.attempt("Bland–Altman", pair.title, bland_altman, pair.first_hu, pair.second_hu)
        if limits is not None:
            error = limits.sd / np.sqrt(limits.bias.n)
            p = two_sided_t_p(limits.bias.estimate / error, limits.bias.n - 1) if error > 0 else None
            p = (0.0 if limits.bias.estimate else 1.0) if p is None else p
            found.append((pair, limits, p))
    bias_ps = holm([p for *_, p in found])
    slope_ps = _holm_of_known([limits.slope_p for _, limits, _ in found])
    rows: list[list[Cell]] = []
    for (pair, limits, p), bias_p, slope_p in zip(found, bias_ps, slope_ps, strict=True):
        row: list[Cell] = [*pair.names, limits.bias.n, limits.bias.left_out, *cells_of_estimate(limits.bias), p, bias_p]
        row += [limits.sd, *cells_of_estimate(limits.lower_limit), *cells_of_estimate(limits.upper_limit)]
        rows.append([*row, *cells_of_estimate(limits.slope), limits.slope_p, slope_p, _HOLM])
    return Table("bland_altman", "Bias and limits of agreement (Bland–Altman)", columns, rows)


def _holm_of_known(p_values: Sequence[float | None]) -> list[float | None]:
    corrected = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(corrected) for p in p_values]


def _regression_table(pairs: Sequence[_Pair], options: ComparisonOptions, omissions: Omissions) -> Table:
    columns = ("first", "second", "regression", "n", "left_out", *interval_columns("intercept_hu", "intercept"))
    columns += (*interval_columns("slope"), "error_ratio", "error_ratio_source", "linearity_h", "linearity_p")
    columns += ("linearity_p_corrected", "correction", "interval_method")
    rows: list[list[Cell]] = []
    tested: list[float | None] = []
    for pair in pairs:
        hu = pair.first_hu, pair.second_hu
        ratio = omissions.attempt(
            f"{DEMING} regression",
            pair.title,
            _error_ratio,
            pair,
            options,
            would_need="repeated readings of both methods",
        )
        line = None if ratio is None else omissions.attempt(f"{DEMING} regression", pair.title, deming, *hu, ratio[0])
        if ratio is not None and line is not None:
            rows.append([*_line_cells(pair, DEMING, line), *ratio, None, None])
            tested.append(None)
        line = omissions.attempt(f"{PASSING_BABLOK} regression", pair.title, passing_bablok, *hu)
        if line is not None:
            test = line.linearity
            tested.append(None if test is None else test.p_value)
            cells = [None, None] if test is None else [test.statistic, test.p_value]
            rows.append([*_line_cells(pair, PASSING_BABLOK, line), None, "", *cells])
    methods = {DEMING: "jackknife, Linnet 1993", PASSING_BABLOK: "Passing & Bablok 1983"}
    rows = [
        [*row, p, _HOLM if p is not None else "", methods[str(row[2])]]
        for row, p in zip(rows, _holm_of_known(tested), strict=True)
    ]
    return Table("regression", "Lines between the methods: second = intercept + slope · first", columns, rows)


def _line_cells(pair: _Pair, name: str, line: FittedLine) -> list[Cell]:
    cells = [*cells_of_estimate(line.intercept), *cells_of_estimate(line.slope)]
    return [*pair.names, name, line.slope.n, line.slope.left_out, *cells]


def _error_ratio(pair: _Pair, options: ComparisonOptions) -> tuple[float, str]:
    """Return the ratio of the variances of the methods' errors, second by first, and its source."""
    if options.error_ratio is not None:
        return options.error_ratio, ASSUMED if options.error_ratio == 1 else GIVEN
    variances = []
    for one in (pair.first, pair.second):
        if not one.repeated:
            raise InputError(f"The ratio of the errors cannot be estimated: “{one.name}” has no repeated readings.")
        variances.append(repeatability(one.repeated).rms_sd.estimate ** 2)
        if not variances[-1] > 0:
            raise InputError(
                f"The ratio of the errors cannot be estimated: the readings of “{one.name}” are identical."
            )
    return variances[1] / variances[0], ESTIMATED


def _class_table(pairs: Sequence[_Pair], omissions: Omissions) -> Table:
    columns = ("first", "second", "n", "left_out", "agreeing", "observed_agreement", *interval_columns("kappa"))
    columns += tuple(interval_columns("linear_kappa"))
    columns += tuple(f"first_{one}_second_{other}" for one in GROUPS for other in GROUPS)
    name, rows = "Agreement of classes", []
    for pair in pairs:
        if pair.first.cutoffs is None or pair.second.cutoffs is None:
            reason = "One of the two methods has no cutoffs, or neither has (methods.csv)."
            needed = "means over L1-L4 of regions with cutoffs, by the study's protocol"
            omissions.add(name, pair.title, reason, needed)
            continue
        # Classes of both are of the same cases, so that a table of both is complete.
        classes = classes_of(pair.first_hu, pair.first.cutoffs), classes_of(pair.second_hu, pair.second.cutoffs)
        matrix = confusion_matrix(*classes, GROUPS)
        if not matrix.n:
            omissions.add(name, pair.title, "No case has HU of both methods.")
            continue
        kappas = [
            omissions.attempt(name, f"κ of {pair.title}", cohen_kappa, matrix, weights)
            for weights in ("none", "linear")
        ]
        agreeing = sum(matrix.counts[index][index] for index in range(len(GROUPS)))
        row: list[Cell] = [*pair.names, matrix.n, matrix.left_out, agreeing, agreeing / matrix.n]
        row += [*cells_of_estimate(kappas[0]), *cells_of_estimate(kappas[1])]
        rows.append([*row, *(count for line in matrix.counts for count in line)])
    return Table("class_agreement", "Agreement of the classes by both methods", columns, rows)


def _roc_tables(measured: MeasuredMethods, pairs: Sequence[_Pair], omissions: Omissions) -> tuple[Table, Table]:
    references = measured.cohort.references
    if not references:
        needed = "group, t_score, qct_mg_cc or outcome"
        omissions.add("ROC curves", "", "No case has a reference.", needed)
    areas: list[list[Cell]] = []
    found = []
    for reference in references:
        for target in reference.targets:
            for one in measured.methods:
                name = f"{one.name} for {target.name}"
                hu = measured.hu(one)
                area = omissions.attempt("ROC curves", name, area_under_curve, hu, reference.labels, target)
                if area is not None:
                    sizes = [area.n_positive, area.n_negative, area.left_out]
                    areas.append([one.name, target.name, area.positive, *sizes, *cells_of_estimate(area), area.method])
            for pair in pairs:
                name = f"{pair.title} for {target.name}"
                columns = dict(zip(pair.names, (pair.first_hu, pair.second_hu), strict=True))
                compared = omissions.attempt(
                    "Differences of areas", name, compare_areas, columns, reference.labels, target
                )
                found += [(target.name, compared[0])] if compared else []
    corrected = holm([difference.p_value for _, difference in found])
    rows: list[list[Cell]] = [
        [target, one.first, one.second, one.n, one.left_out, *cells_of_estimate(one), one.z, one.p_value, p, _HOLM]
        for (target, one), p in zip(found, corrected, strict=True)
    ]
    area_columns = ("method", "target", "positive", "n_positive", "n_negative", "left_out", "auc", "ci_low", "ci_high")
    differences = ("target", "first", "second", "n", "left_out", *interval_columns("difference", "ci"), "z", "p")
    return (
        Table("roc", "Areas under the ROC curves", (*area_columns, "interval_method"), areas),
        Table(
            "roc_differences",
            "Differences of the areas under the ROC curves (DeLong, paired)",
            (*differences, "p_corrected", "correction"),
            rows,
        ),
    )


def _pairs_table(measured: MeasuredMethods, pairs: Sequence[_Pair]) -> Table:
    rows: list[list[Cell]] = []
    for pair in pairs:
        for case, first, second in zip(measured.cohort.cases, pair.first_hu, pair.second_hu, strict=True):
            if not np.isnan(first + second):
                values = float(first), float(second), float(first + second) / 2, float(first - second)
                rows.append([case, *pair.names, *values])
    columns = ("case", "first", "second", "first_hu", "second_hu", "mean_hu", "difference_hu")
    return Table("pairs", "The compared values", columns, rows)


def _findings(pairs: Sequence[_Pair], tables: Mapping[str, Table]) -> list[CohortFinding]:
    findings = []
    few = [pair for pair in pairs if pair.n < SMALL_GROUP]
    if few:
        sentence = f"Fewer than {SMALL_GROUP} cases have HU of both methods: {_named([pair.title for pair in few])}."
        findings.append(CohortFinding("few_cases", sentence, "Intervals are unreliable: add cases."))
    proportional = [
        f"{row['first']} minus {row['second']} ({row['bias_slope']:+.2f} HU per HU)"
        for row in tables["bland_altman"].records()
        if row["bias_slope_p_corrected"] is not None and row["bias_slope_p_corrected"] < _ALPHA
    ]
    if proportional:
        sentence = f"The difference changes with the HU (p < 0.05, Holm): {_named(proportional)}."
        remedy = "Bias and limits hold for the middle of the range only: use the regression."
        findings.append(CohortFinding("proportional_bias", sentence, remedy))
    bent = [
        f"{row['first']} and {row['second']}"
        for row in tables["regression"].records(regression=PASSING_BABLOK)
        if row["linearity_p_corrected"] is not None and row["linearity_p_corrected"] < _ALPHA
    ]
    if bent:
        sentence = f"The relation is not a straight line (cusum test, p < 0.05, Holm): {_named(bent)}."
        findings.append(CohortFinding("not_linear", sentence, "Do not convert HU by these lines."))
    if any(row["error_ratio_source"] == ASSUMED for row in tables["regression"].records(regression=DEMING)):
        sentence = "Deming's lines assume errors of the same size in both methods."
        remedy = "State a ratio (--error-ratio), or estimate it from repeated readings (--error-ratio estimated)."
        findings.append(CohortFinding("errors_assumed_equal", sentence, remedy, "note"))
    return findings


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{'; '.join(names[:_NAMED])}{more}"
