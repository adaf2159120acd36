"""The approximate position and size of a vertebral body, from which the search for its edges in the CT starts."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.findings import Finding


@dataclass(frozen=True, eq=False)
class BodyGuess:
    """The approximate position of one vertebral body; every kind of placement starts from it.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    center_ras_mm : numpy.ndarray, shape (3,)
        Center of the body without the arch.
    up_ras : numpy.ndarray, shape (3,)
        Unit vector from the lower to the upper endplate.
    anterior_ras : numpy.ndarray, shape (3,)
        Unit vector in the body's plane of symmetry, perpendicular to `up_ras`.
    height_mm, depth_mm, width_mm : float
        Size of the body along `up_ras`, along `anterior_ras`, and across.
    findings : tuple of Finding
        Problems with the mask or the click, and how they were handled.
    origin : {"segment", "point", "neighbors"}
        What the user gave: a segment, a point in the body, or points in the levels above and below.
    """

    level: str
    center_ras_mm: np.ndarray
    up_ras: np.ndarray
    anterior_ras: np.ndarray
    height_mm: float
    depth_mm: float
    width_mm: float
    findings: tuple[Finding, ...] = ()
    origin: str = "segment"
