"""What a printed, rounded number can have been, and a check of one against others."""

from dataclasses import dataclass

from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class PrintedCheck:
    """One printed number, or several, held against what follows from the others.

    Parameters
    ----------
    note : int
        Number of the note in the measurement protocol that it belongs to; 0 = none of them.
    what : str
        Where the number stands.
    printed, worked_out : str
        What it says, and what follows from the rest.
    agrees : bool
    """

    note: int
    what: str
    printed: str
    worked_out: str
    agrees: bool

    @property
    def sentence(self) -> str:
        """The check in one sentence."""
        return f"{self.what}: printed {self.printed}; {self.worked_out}."


def counts_that_print_as(percent: float, total: int, decimals: int = 1) -> tuple[int, ...]:
    """Return the counts of `total` whose share is printed as this percentage, either way a half is rounded."""
    if total < 1:
        raise InputError(f"A share of {total} is none: give a total of at least 1.")
    reach = 0.5 * 10**-decimals + 1e-9
    near = round(percent * total / 100)
    return tuple(
        count
        for count in range(max(0, near - 1), min(total, near + 1) + 1)
        if abs(100 * count / total - percent) <= reach
    )


def youden_of_percentages(sensitivity_percent: float, specificity_percent: float) -> float:
    """Return sensitivity + specificity − 1."""
    return (sensitivity_percent + specificity_percent - 100) / 100


def prints_as(value: float, printed: float, decimals: int, error: float = 0.0) -> bool:
    """Tell whether a value, known to ± `error`, is printed as `printed` with so many decimals."""
    return abs(value - printed) <= 0.5 * 10**-decimals + error + 1e-9


def largest_area(youden: float) -> float:
    """Return the largest area under a ROC curve whose greatest Youden index is this.

    The curve lies on or below the line of that index; the area under the line, cut at 1, is 1 − (1 − J)² / 2. At
    least it is sensitivity × specificity of any of its points: no rising curve leaves less below it.
    """
    return 1 - (1 - youden) ** 2 / 2
