"""Warm timings, and the table they are printed in."""

import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

# Jobs are timed in turn, so that what else the machine does falls on all of them alike.
_ROUNDS = 5

MS, MB = "ms", "MB"


@dataclass(frozen=True)
class Figures:
    """What repeats of one job took, in ms, or the most memory that it held, in MB."""

    values: tuple[float, ...]
    unit: str = MS

    @property
    def median(self) -> float:
        """The middle of the repeats."""
        return float(np.median(self.values))

    def __str__(self):
        if len(self.values) == 1:
            return f"{_short(self.median)} {self.unit}"
        return f"{_short(self.median)} ({_short(min(self.values))} to {_short(max(self.values))}) {self.unit}"


def time_in_turn(jobs: Mapping[int, Callable[[int], object]], repeats: int, warm_up: int = 3) -> dict[int, Figures]:
    """Time jobs that take the number of the repeat, so that each repeat may do something else.

    Parameters
    ----------
    jobs : mapping of int to callable
        By the number of slices of the CT that they work on.
    repeats : int
        Of each job.
    warm_up : int
        Calls before those that count.
    """
    taken: dict[int, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        for index in range(warm_up):
            job(index)
    for part in np.array_split(np.arange(repeats), min(_ROUNDS, repeats)):
        for name, job in jobs.items():
            for index in part:
                begin = time.perf_counter()
                job(int(index))
                taken[name].append((time.perf_counter() - begin) * 1e3)
    return {name: Figures(tuple(values)) for name, values in taken.items()}


def peak_memory(jobs: Mapping[int, Callable[[int], object]]) -> dict[int, Figures]:
    """Return the most memory that Python and numpy hold at a time during each job, beyond what was there before."""
    peaks = {}
    for name, job in jobs.items():
        job(0)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        job(1)
        peaks[name] = Figures(((tracemalloc.get_traced_memory()[1] - before) / 1e6,), MB)
        tracemalloc.stop()
    return peaks


@dataclass
class Table:
    """A table of what was timed, a column for each CT."""

    slice_counts: tuple[int, int]

    def print_title(self, title: str) -> None:
        """Begin a part of the table."""
        small, large = self.slice_counts
        print(f"\n{title}")
        self._print_cells("-" * 47, f"{small} slices", f"{large} slices", f"{large} : {small}", "aim")

    def print_row(self, what: str, figures: Mapping[int, Figures], aim: float | None = None, ratio_aim=None) -> None:
        """Print one job; whether its median keeps below `aim`, and the two CTs' ratio not above `ratio_aim`."""
        small, large = (figures[count] for count in self.slice_counts)
        ratio = large.median / small.median
        verdicts = []
        if aim is not None:
            is_met = max(small.median, large.median) < aim
            verdicts.append(f"< {aim:g} {small.unit} {'met' if is_met else 'MISSED'}")
        if ratio_aim is not None:
            verdicts.append(f"ratio ≤ {ratio_aim:g} {'met' if ratio <= ratio_aim else 'MISSED'}")
        self._print_cells(what, str(small), str(large), f"{ratio:.2f}", ", ".join(verdicts))

    @staticmethod
    def print_ratio(what: str, figures: Mapping[int, Figures], to: Mapping[int, Figures]) -> None:
        """Print how many times as long as another job one takes, on each CT: machines differ less in this."""
        times = ", ".join(f"{_short(figures[count].median / to[count].median)} ({count} slices)" for count in figures)
        print(f"  {what}: {times}")

    @staticmethod
    def _print_cells(what: str, small: str, large: str, ratio: str, verdict: str) -> None:
        print(f"{what:<48}{small:>26}{large:>28}{ratio:>10}  {verdict}", flush=True)


def _short(number: float) -> str:
    """Return three significant digits."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2 if number >= 0.1 else 3
    return f"{number:.{digits}f}"
