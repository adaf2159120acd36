"""Check the study's Table 3, and the statements about it in the text."""

from collections.abc import Iterator
from typing import Any

from LumbarHULib.cohort.study.printed_numbers import (
    PrintedCheck,
    counts_that_print_as,
    largest_area,
    prints_as,
    youden_of_percentages,
)
from LumbarHULib.cohort.study.tables import MEAN, PrintedCutoff, StudyTables
from LumbarHULib.cohort.targets import TARGETS, Target
from LumbarHULib.core.levels import ROIS

# Rounding error of the sum of two percentages with one decimal, as a fraction.
_ERROR_OF_TWO_PERCENTAGES = 0.001


def split_sizes(tables: StudyTables, target: Target) -> tuple[int, int]:
    """Return the number of positive and negative patients in the study."""
    positive = sum(tables.group_sizes[group] for group in target.positive_groups)
    return positive, sum(tables.group_sizes.values()) - positive


def check_counts(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield which patients the two percentages of a row refer to (notes 1 and 5)."""
    for cutoff in tables.cutoffs:
        target = TARGETS[cutoff.target]
        positive, negative = split_sizes(tables, target)
        straight = _counts_of(cutoff, positive, negative)
        swapped = _counts_of(cutoff, negative, positive)
        if straight:
            note, result = 1, f"these are {straight} of those with and without {target.positive}"
        elif swapped:
            note, result = (
                1,
                f"these are {swapped} of those without and with {target.positive}: the columns are swapped",
            )
        else:
            note, result = 5, f"no counts of {positive} and {negative}; {_nearest_split(tables, cutoff)}"
        yield PrintedCheck(
            note,
            f"Table 3, {cutoff.roi}, {target.name}",
            f"sensitivity {cutoff.sensitivity_percent:g} %, specificity {cutoff.specificity_percent:g} %",
            result,
            bool(straight),
        )


def _counts_of(cutoff: PrintedCutoff, first_total: int, second_total: int) -> str:
    """Return the two percentages as counts, such as “58/73 and 22/27”; empty if no counts give them."""
    first = counts_that_print_as(cutoff.sensitivity_percent, first_total)
    second = counts_that_print_as(cutoff.specificity_percent, second_total)
    return f"{first[0]}/{first_total} and {second[0]}/{second_total}" if first and second else ""


def _nearest_split(tables: StudyTables, cutoff: PrintedCutoff) -> str:
    """Return the counts of either target's patients nearest to the two percentages."""
    tries = []
    for target in TARGETS.values():
        sizes = split_sizes(tables, target)
        for totals in (sizes, sizes[::-1]):
            percents = (cutoff.sensitivity_percent, cutoff.specificity_percent)
            counts = [round(percent * total / 100) for percent, total in zip(percents, totals, strict=True)]
            misses = [
                abs(100 * count / total - percent)
                for count, total, percent in zip(counts, totals, percents, strict=True)
            ]
            result = " and ".join(f"{count}/{total}" for count, total in zip(counts, totals, strict=True))
            tries.append((max(misses), result, target.name))
    miss, result, name = min(tries)
    return f"nearest are {result}, off by {miss:.2f} %, the patients of {name}"


def check_text(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether text and Table 3 state the same numbers, and which of two fits the index (note 2)."""
    for area in tables.areas:
        cutoff = tables.cutoff(area.roi, area.target)
        for name in ("cutoff_hu", "sensitivity_percent", "specificity_percent"):
            in_text, in_table = getattr(area, name), getattr(cutoff, name)
            result = "the same"
            if in_text != in_table:
                fits = [
                    f"the {place}'s gives {youden:.3f}, which {'fits' if _fits(youden, cutoff) else 'does not fit'}"
                    for place, youden in (("text", _youden(area)), ("table", _youden(cutoff)))
                ]
                result = f"of the index {cutoff.youden:g}, {' and '.join(fits)}"
            yield PrintedCheck(
                2,
                f"{name} of {area.roi}, {area.target}",
                f"{in_text:g} in the text, {in_table:g} in Table 3",
                result,
                in_text == in_table,
            )


def _youden(row: Any) -> float:
    return youden_of_percentages(row.sensitivity_percent, row.specificity_percent)


def _fits(youden: float, cutoff: PrintedCutoff) -> bool:
    return prints_as(youden, cutoff.youden, 2, _ERROR_OF_TWO_PERCENTAGES)


def check_youden_indices(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether index and percentages of a row agree (notes 3 and 4)."""
    for cutoff in tables.cutoffs:
        youden = _youden(cutoff)
        yield PrintedCheck(
            3 if cutoff.target == "osteoporosis" else 4,
            f"Table 3, {cutoff.roi}, {cutoff.target}, index",
            f"{cutoff.youden:g}",
            f"{cutoff.sensitivity_percent:g} + {cutoff.specificity_percent:g} − 100 gives {youden:.3f}",
            _fits(youden, cutoff),
        )


def check_ranges(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether a range in the text equals that of the table's cutoffs, to the whole HU (notes 4 and 7)."""
    for printed in tables.ranges:
        cutoffs = {cutoff.cutoff_hu: cutoff.roi for cutoff in tables.cutoffs if cutoff.target == printed.target}
        low, high = min(cutoffs), max(cutoffs)
        yield PrintedCheck(
            7 if printed.target == "osteoporosis" else 4,
            f"Range of the {printed.target} cutoffs, {printed.source}",
            f"{printed.low_hu:g}–{printed.high_hu:g} HU",
            f"Table 3 has {low:g} ({cutoffs[low]}) to {high:g} HU ({cutoffs[high]})",
            abs(low - printed.low_hu) < 1 and abs(high - printed.high_hu) < 1,
        )


def check_areas(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether an area is possible with the row's own index, and which target's row it fits (note 5)."""
    for area in tables.areas:
        possible = []
        for target in TARGETS:
            cutoff = tables.cutoff(area.roi, target)
            youden = _youden(cutoff)
            least = cutoff.sensitivity_percent * cutoff.specificity_percent / 10_000
            most = largest_area(youden + _ERROR_OF_TWO_PERCENTAGES)
            possible.append((target, least, most, least <= area.area + 0.0005 and area.area - 0.0005 <= most))
        result = ", ".join(f"{least:.3f} to {most:.3f} by the index of {target}" for target, least, most, _ in possible)
        yield PrintedCheck(
            5,
            f"Area under the curve of {area.roi}, {area.target}",
            f"{area.area:.3f}",
            f"possible are {result}",
            next(fits for target, *_, fits in possible if target == area.target),
        )


def check_median_osteopenia(tables: StudyTables, lsc_hu: float) -> Iterator[PrintedCheck]:
    """Yield the class of the median patient with osteopenia, and the distance between the cutoffs (note 6)."""
    for roi in ROIS:
        low, high = (tables.cutoff(roi, target).cutoff_hu for target in ("osteoporosis", "low_bmd"))
        median = tables.levels[MEAN][roi]["osteopenia"].median
        found = "osteoporosis" if median <= low else "normal" if median >= high else "osteopenia"
        gap = f"the cutoffs are {high - low:g} HU apart, {'less' if high - low < lsc_hu else 'not less'} than "
        yield PrintedCheck(
            6,
            f"Median of {roi} in osteopenia",
            f"{median:g} HU",
            f"by the cutoffs {low:g} and {high:g} HU it is {found}; {gap}the least significant change of {lsc_hu:g} HU",
            found == "osteopenia",
        )


def check_index_name(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield which index the table prints (note 7)."""
    fitting = sum(_fits(_youden(cutoff), cutoff) for cutoff in tables.cutoffs)
    yield PrintedCheck(
        7,
        "Table 3, name of the index",
        f"“{tables.index_name}”",
        f"{fitting} of {len(tables.cutoffs)} are sensitivity + specificity − 1, the Youden index",
        "youden" in tables.index_name.lower(),
    )
