"""Tables of results, and the list of results that could not be computed."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from LumbarHULib.cohort.estimates import Estimate, HypothesisTest
from LumbarHULib.core.errors import InputError

Cell = str | int | float | bool | None
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of results for a file or a scene.

    Parameters
    ----------
    name : str
        Name of its file, without suffix.
    title : str
        Title of the table.
    columns : sequence of str
    rows : sequence of sequences
        Cells in the order of `columns`; None for a missing value.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"A row of {self.name} does not have {len(self.columns)} cells.")

    def records(self, **wanted: Cell) -> Iterator[Mapping[str, Any]]:
        """Yield each row whose cells equal the wanted ones, as a mapping from column to cell."""
        for row in self.rows:
            record = dict(zip(self.columns, row, strict=True))
            if all(record[column] == cell for column, cell in wanted.items()):
                yield record

    def to_dataframe(self) -> Any:
        """Return the table as a data frame of pandas; see `data_frame`."""
        return data_frame(self.columns, self.rows)


def data_frame(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Any:
    """Return a table as a data frame of pandas.

    Raises
    ------
    InputError
        When pandas is not installed.
    """
    try:
        import pandas
    except ImportError as problem:
        raise InputError(
            "A data frame needs the package pandas, which is not installed: install it (pip install pandas), or use "
            "the rows as they are."
        ) from problem
    return pandas.DataFrame([list(row) for row in rows], columns=list(columns))


_QUOTED = re.compile("“([^”]+)”")
_EACH = "each"
GAP_COLUMNS = ("analysis", "left_out", "reason", "would_need")


@dataclass
class _Gap:
    """The missing results of an analysis that share a reason."""

    reason: str
    names: list[str] = field(default_factory=list)
    would_need: list[str] = field(default_factory=list)


class Omissions:
    """Collects missing results by name and reason, while the analysis continues."""

    def __init__(self) -> None:
        self._gaps: dict[tuple[str, str], _Gap] = {}

    def add(self, analysis: str, name: str, reason: str, would_need: str = "") -> None:
        """Note that a result of an analysis is missing.

        Parameters
        ----------
        analysis : str
        name : str
            Name of the missing result; empty for all results.
        reason : str
            Reason, as a sentence.
        would_need : str
            Columns, options or packages that would provide it; empty if more cases are needed.
        """
        # Reasons that differ only in a quoted name are counted as one.
        quoted = _QUOTED.search(reason)
        alike = reason.replace(quoted[0], _EACH) if quoted and quoted[1] in name else reason
        gap = self._gaps.setdefault((analysis, alike), _Gap(reason))
        if name not in gap.names:
            gap.names.append(name)
        if would_need and would_need not in gap.would_need:
            gap.would_need.append(would_need)

    def attempt(
        self, analysis: str, name: str, work: Callable[..., Result], /, *values: Any, would_need: str = "", **named: Any
    ) -> Result | None:
        """Return the result of `work`, or note why it fails and return None."""
        try:
            return work(*values, **named)
        except InputError as problem:
            self.add(analysis, name, str(problem), would_need)
            return None

    def table(self) -> Table:
        """Return the missing results: one row per analysis and reason, with all names."""
        rows: list[list[Cell]] = [
            [analysis, "; ".join(filter(None, gap.names)), _sentence(reason), "; ".join(gap.would_need)]
            for (analysis, alike), gap in self._gaps.items()
            for reason in [gap.reason if len(gap.names) == 1 else alike]
        ]
        return gaps_table(rows)


def gaps_table(rows: Sequence[Sequence[Cell]]) -> Table:
    """Return rows of missing results as a table."""
    return Table("gaps", "Missing results, and how to get them", GAP_COLUMNS, rows)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}" if text else text


def cells_of_test(test: HypothesisTest | None) -> list[Cell]:
    """Return the cells of `TEST_COLUMNS` of a `HypothesisTest`; None gives None."""
    if test is None:
        return [None] * len(TEST_COLUMNS)
    freedom = ";".join(f"{value:g}" for value in test.degrees_of_freedom)
    return [test.test, test.statistic_name, test.statistic, freedom, test.p_value]


TEST_COLUMNS = ("test", "statistic_name", "statistic", "degrees_of_freedom", "p")


def cells_of_estimate(estimate: Estimate | None) -> list[Cell]:
    """Return an `Estimate` and the ends of its interval; None gives None."""
    return [None] * 3 if estimate is None else [estimate.estimate, estimate.low, estimate.high]


def interval_columns(name: str, stem: str | None = None) -> list[str]:
    """Return the names of the columns that `cells_of_estimate` fills."""
    return [name, f"{stem or name}_low", f"{stem or name}_high"]


def by_level(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a table of regions with the level after the region."""
    place = list(columns).index("roi") + 1
    return (*columns[:place], "level", *columns[place:])
