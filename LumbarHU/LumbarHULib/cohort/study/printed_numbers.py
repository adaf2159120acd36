"""Infer the values behind printed, rounded numbers, and check one number against others."""

from dataclasses import dataclass

from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class PrintedCheck:
    """One or more printed numbers, compared with the value that follows from other numbers.

    Parameters
    ----------
    note : int
        Number of the related note in the measurement protocol; 0 = no note.
    what : str
        Location of the number.
    printed, derived : str
        The printed value, and the value that follows from the other numbers.
    agrees : bool
    """

    note: int
    what: str
    printed: str
    derived: str
    agrees: bool

    @property
    def sentence(self) -> str:
        """Return the check as one sentence."""
        return f"{self.what}: printed {self.printed}; {self.derived}."


def counts_that_print_as(percent: float, total: int, decimals: int = 1) -> tuple[int, ...]:
    """Return the counts of `total` that are printed as this percentage, with halves rounded either way.

    Raises
    ------
    InputError
        With a total below 1.
    """
    if total < 1:
        raise InputError(f"A total of {total} cannot be used: give at least 1.")
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
    """Return whether a value, known to ± `error`, is printed as `printed` with this number of decimals."""
    return abs(value - printed) <= 0.5 * 10**-decimals + error + 1e-9


def largest_area(youden: float) -> float:
    """Return the largest possible area under a ROC curve with this greatest Youden index.

    The curve is on or below the line of that index; the area under the line, clipped at 1, is 1 − (1 − J)² / 2. The
    smallest possible area is sensitivity × specificity of any point, because the curve never falls.
    """
    return 1 - (1 - youden) ** 2 / 2
