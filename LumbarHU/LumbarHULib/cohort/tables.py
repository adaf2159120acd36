"""A table of results, and the list of what could not be worked out."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.core.errors import InputError

Cell = str | int | float | bool | None
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of results, as a file and a scene hold it.

    Parameters
    ----------
    name : str
        Name of its file, without ending.
    title : str
        What it shows.
    columns : sequence of str
    rows : sequence of sequences
        Cells in the order of `columns`; None where there is no value.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"A row of {self.name} has not {len(self.columns)} cells.")

    def records(self, **wanted: Cell) -> Iterator[Mapping[str, Any]]:
        """Yield each row as a mapping from column to cell, of those rows whose cells are as wanted."""
        for row in self.rows:
            record = dict(zip(self.columns, row, strict=True))
            if all(record[column] == cell for column, cell in wanted.items()):
                yield record


_QUOTED = re.compile("“([^”]+)”")
_EACH = "each"


class Omissions:
    """What could not be worked out, by name and reason, while the rest goes on."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], list[str]] = {}
        self._reasons: dict[tuple[str, str], str] = {}

    def add(self, table: str, name: str, reason: str) -> None:
        """Note that something of a table is left out."""
        # A reason that names what is left out is the same for all that it names.
        quoted = _QUOTED.search(reason)
        alike = reason.replace(quoted[0], _EACH) if quoted and quoted[1] in name else reason
        names = self._names.setdefault((table, alike), [])
        if name not in names:
            names.append(name)
        self._reasons[table, alike] = reason if len(names) == 1 else alike

    def attempt(self, table: str, name: str, work: Callable[..., Result], /, *values, **named) -> Result | None:
        """Return what `work` returns, or note why it cannot and return None."""
        try:
            return work(*values, **named)
        except InputError as problem:
            self.add(table, name, str(problem))
            return None

    def findings(self) -> list[CohortFinding]:
        """Return a finding for each table and reason, with all names that it concerns."""
        return [
            CohortFinding(
                "left_out", f"{table} without {', '.join(names)}: {reason}" if names[0] else f"{table}: {reason}"
            )
            for (table, alike), names in self._names.items()
            for reason in [self._reasons[table, alike]]
        ]


def cells_of_test(test) -> list[Cell]:
    """Return the cells of `TEST_COLUMNS` of a `HypothesisTest`; None gives None."""
    if test is None:
        return [None] * len(TEST_COLUMNS)
    freedom = ";".join(f"{value:g}" for value in test.degrees_of_freedom)
    return [test.test, test.statistic_name, test.statistic, freedom, test.p_value]


TEST_COLUMNS = ("test", "statistic_name", "statistic", "degrees_of_freedom", "p")


def cells_of_estimate(estimate) -> list[Cell]:
    """Return an `Estimate` and the ends of its interval; None gives None."""
    return [None] * 3 if estimate is None else [estimate.estimate, estimate.low, estimate.high]


def interval_columns(name: str, stem: str | None = None) -> list[str]:
    """Return the names of the columns that `cells_of_estimate` fills."""
    return [name, f"{stem or name}_low", f"{stem or name}_high"]
