"""A vertebral body as a mask or a click first shows it: enough to look for its edges in the CT."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.findings import Finding


@dataclass(frozen=True, eq=False)
class BodyGuess:
    """Roughly where one vertebral body is; each way of placement begins by making these.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    center_ras_mm : numpy.ndarray, shape (3,)
        Middle of the body, the arch not counted.
    up_ras : numpy.ndarray, shape (3,)
        Unit vector from the lower to the upper endplate.
    anterior_ras : numpy.ndarray, shape (3,)
        Unit vector in the body's plane of symmetry, perpendicular to `up_ras`.
    height_mm, depth_mm, width_mm : float
        Of the body: along `up_ras`, along `anterior_ras`, and across.
    findings : tuple of Finding
        What was wrong with the mask or the click, and what was done about it.
    origin : {"segment", "point", "neighbors"}
        What the user gave for it: a segment, a point in it, or points in the levels above and below.
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
