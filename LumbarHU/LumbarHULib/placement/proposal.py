"""The result of placement for a level: a midline for the reader to accept or correct."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed midline, with its findings.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    midline_ras_mm : numpy.ndarray, shape (2, 3)
        Anterior end, then posterior end, in the mid-slice.
    findings : tuple of Finding
        Findings of the placement; the measurement adds its own.
    """

    level: str
    midline_ras_mm: np.ndarray
    findings: tuple[Finding, ...] = ()

    @property
    def landmarks(self) -> Landmarks:
        """The proposal as unchanged markups."""
        return Landmarks(self.level, self.midline_ras_mm, origin=MidlineOrigin("proposal_accepted"))
