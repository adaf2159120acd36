"""Time warmed-up jobs, and print the table of results."""

import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

# Jobs are timed in turn, so that other work on the machine affects all of them alike.
_ROUNDS = 5

MS, MB = "ms", "MB"


@dataclass(frozen=True)
class Figures:
    """The times of the repeats of one job, in ms, or its peak memory, in MB."""

    values: tuple[float, ...]
    unit: str = MS

    @property
    def median(self) -> float:
        """The median of the repeats."""
        return float(np.median(self.values))

    def __str__(self):
        if len(self.values) == 1:
            return f"{_short(self.median)} {self.unit}"
        return f"{_short(self.median)} ({_short(min(self.values))} to {_short(max(self.values))}) {self.unit}"


def time_in_turn(jobs: Mapping[int, Callable[[int], object]], repeats: int, warm_up: int = 3) -> dict[int, Figures]:
    """Time jobs; each takes the number of the repeat, so that repeats can differ.

    Parameters
    ----------
    jobs : mapping of int to callable
        By the number of slices of their CT.
    repeats : int
        Repeats of each job.
    warm_up : int
        Calls before the timed ones.
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
    """Return the peak memory of Python and numpy during each job, in addition to that before it."""
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
    """A table of timings, with a column for each CT."""

    slice_counts: tuple[int, int]

    def print_title(self, title: str) -> None:
        """Print the heading of a part of the table."""
        small, large = self.slice_counts
        print(f"\n{title}")
        self._print_cells("-" * 47, f"{small} slices", f"{large} slices", f"{large} : {small}", "aim")

    def print_row(self, job: str, figures: Mapping[int, Figures], aim: float | None = None, ratio_aim=None) -> None:
        """Print one job, and whether its median is below `aim` and the two CTs' ratio is at most `ratio_aim`."""
        small, large = (figures[count] for count in self.slice_counts)
        ratio = large.median / small.median
        verdicts = []
        if aim is not None:
            is_met = max(small.median, large.median) < aim
            verdicts.append(f"< {aim:g} {small.unit} {'met' if is_met else 'MISSED'}")
        if ratio_aim is not None:
            verdicts.append(f"ratio ≤ {ratio_aim:g} {'met' if ratio <= ratio_aim else 'MISSED'}")
        self._print_cells(job, str(small), str(large), f"{ratio:.2f}", ", ".join(verdicts))

    @staticmethod
    def print_ratio(jobs: str, figures: Mapping[int, Figures], to: Mapping[int, Figures]) -> None:
        """Print the ratio of the times of two jobs on each CT; ratios differ less among machines than times."""
        times = ", ".join(f"{_short(figures[count].median / to[count].median)} ({count} slices)" for count in figures)
        print(f"  {jobs}: {times}")

    @staticmethod
    def _print_cells(job: str, small: str, large: str, ratio: str, verdict: str) -> None:
        print(f"{job:<48}{small:>26}{large:>28}{ratio:>10}  {verdict}", flush=True)


def _short(number: float) -> str:
    """Return a number with three significant digits."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2 if number >= 0.1 else 3
    return f"{number:.{digits}f}"
