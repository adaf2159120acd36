"""Check the study's Tables 1 and 2."""

from collections.abc import Iterator
from itertools import combinations

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.printed_numbers import PrintedCheck, prints_as
from LumbarHULib.cohort.study.tables import MEAN, StudyTables
from LumbarHULib.cohort.two_piece import TwoPieceNormal
from LumbarHULib.core.levels import MEAN_LEVELS

_NAMES = {"median": "median", "q1": "first quartile", "q3": "third quartile"}


def _cell(quantity: TwoPieceNormal) -> str:
    return f"{quantity.median:g} ({quantity.q1:g}, {quantity.q3:g})"


def check_repeated_cells(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether a cell is printed at two levels with the same three numbers (note 8)."""
    for quantity in tables.levels[MEAN]:
        for group in GROUPS:
            cells = {level: tables.levels[level][quantity][group] for level in MEAN_LEVELS}
            same = [pair for pair in combinations(MEAN_LEVELS, 2) if cells[pair[0]] == cells[pair[1]]]
            result = "no two levels have the same three numbers"
            if same:
                result = "; ".join(f"{first} and {second} are the same to the digit" for first, second in same)
            yield PrintedCheck(
                8,
                f"Table 2, {quantity}, {group}, by level",
                ", ".join(f"{level} {_cell(cell)}" for level, cell in cells.items()),
                result,
                not same,
            )


def check_quartiles_of_the_mean(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether median and quartiles of the mean over the levels are within the range of the levels (note 8)."""
    for quantity, groups in tables.levels[MEAN].items():
        for group, mean in groups.items():
            outside = []
            for name, words in _NAMES.items():
                own = [getattr(tables.levels[level][quantity][group], name) for level in MEAN_LEVELS]
                if not min(own) <= getattr(mean, name) <= max(own):
                    outside.append(f"the {words} is outside the levels' own ({', '.join(f'{one:g}' for one in own)})")
            yield PrintedCheck(
                8,
                f"Table 2, {quantity}, {group}, {MEAN}",
                _cell(mean),
                "; ".join(outside) or "all three are within the levels' own",
                not outside,
            )


def check_group_sizes(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether the counts of Table 1 sum to those in the text."""
    for group, size in tables.group_sizes.items():
        counts = [by_group[group] for by_group in tables.sexes.values()]
        yield _sum_check(f"Patients, {group}", size, counts)
    for sex, total in tables.sex_totals.items():
        yield _sum_check(f"Patients, {sex}", total, list(tables.sexes[sex].values()))


def _sum_check(what: str, printed: int, counts: list[int]) -> PrintedCheck:
    result = f"Table 1 has {' + '.join(map(str, counts))} = {sum(counts)}"
    return PrintedCheck(0, what, f"{printed} in the text", result, sum(counts) == printed)


def check_bmd_twice(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether the BMD of L1–L4 is the same in Table 1 and Table 2."""
    for group in GROUPS:
        first, second = tables.characteristics["bmd"][group], tables.levels[MEAN]["bmd"][group]
        yield PrintedCheck(
            0,
            f"BMD of {MEAN}, {group}",
            f"{_cell(first)} g/cm² in Table 1",
            f"Table 2 has {_cell(second)} g/cm²",
            first == second,
        )


def check_kruskal_wallis(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether p follows from H of the comparison of regions."""
    from scipy.special import chdtrc

    regions, h, printed_p = tables.kruskal_wallis
    p = float(chdtrc(regions - 1, h))
    yield PrintedCheck(
        0,
        "Kruskal–Wallis between regions",
        f"H = {h:g}, p = {printed_p:g}",
        f"χ² with {regions - 1} degrees of freedom gives p = {p:.4f}, treating regions of one patient as patients",
        prints_as(p, printed_p, 2),
    )


def check_grid_of_cutoffs(tables: StudyTables) -> Iterator[PrintedCheck]:
    """Yield whether a cutoff can be a midpoint between two means of four whole HU."""
    for cutoff in tables.cutoffs:
        nearest = round(cutoff.cutoff_hu * 8) / 8
        yield PrintedCheck(
            0,
            f"Table 3, {cutoff.roi}, {cutoff.target}, cutoff",
            f"{cutoff.cutoff_hu:g} HU",
            f"the nearest midpoint between means of four whole HU is {nearest:g} HU",
            prints_as(nearest, cutoff.cutoff_hu, 2),
        )
