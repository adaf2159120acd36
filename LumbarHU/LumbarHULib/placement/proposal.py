"""The result of placement for a level: a midline for the reader to accept or correct."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.placement.mid_slice import SliceChoice


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
    slice_choice : SliceChoice or None
        For the finding on the choice of the mid-slice, the last one, by another protocol.
    """

    level: str
    midline_ras_mm: np.ndarray
    findings: tuple[Finding, ...] = ()
    slice_choice: SliceChoice | None = None

    def findings_by(self, protocol: Protocol) -> tuple[Finding, ...]:
        """Return the findings with that on the choice of the mid-slice by `protocol`."""
        if self.slice_choice is None:
            return self.findings
        others = tuple(finding for finding in self.findings if finding.code != "mid_slice_ambiguous")
        return (*others, *self.slice_choice.findings(protocol))

    @property
    def landmarks(self) -> Landmarks:
        """The proposal as unchanged markups."""
        return Landmarks(self.level, self.midline_ras_mm, origin=MidlineOrigin("proposal_accepted"))
