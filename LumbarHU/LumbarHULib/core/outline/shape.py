"""What vertebral bodies look like in the mid-slice: a mean outline and how outlines vary around it.

Where the image shows the body's own edge, the shape hardly counts. Where it shows none (the pedicles, the mouth of the
basivertebral vein) or another bone's (osteophytes, rib heads), the outline is what the shape lets expect from the edges
on both sides.

A shape counts control points as `curve.spread_points` places them, in the midline's frame, for a body of depth 1.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.outline.curve import spread_points

# Bodies vary more than the few that were traced: factor on the variances of the modes.
MODE_VARIANCE_FACTOR = 1.5

# What the modes do not hold, as standard deviations in mm on a body of the usual depth: a smooth part, which correlates
# over so many control points, and a part of each point alone.
USUAL_DEPTH_MM = 32.0
SMOOTH_MM, SMOOTH_REACH = 0.5, 1.5
POINT_MM = 0.08

# How far a midline may stand from the body's own, as standard deviations: lateral, along itself, and turned.
LATERAL_MM, ALONG_MM, TURNED_DEG = 2.0, 1.0, 5.0


@dataclass(frozen=True, eq=False)
class BodyShape:
    """A Gaussian distribution of outlines.

    Parameters
    ----------
    mean : numpy.ndarray, shape (n, 2)
        Mean control points of a body of depth 1; n is even.
    modes : numpy.ndarray, shape (k, n, 2)
        Orthonormal directions in which outlines vary.
    deviations : numpy.ndarray, shape (k,)
        Standard deviations along the modes, for a body of depth 1.
    own_edge : numpy.ndarray, shape (n,)
        Weight of an edge that is visible at each control point, 0 to 1: how likely it is the body's own. Where the
        pedicles leave the body it is theirs.
    """

    mean: np.ndarray
    modes: np.ndarray
    deviations: np.ndarray
    own_edge: np.ndarray

    @property
    def count(self) -> int:
        """Number of control points."""
        return len(self.mean)

    def information(self, depth_mm: float) -> tuple[np.ndarray, np.ndarray]:
        """Return what is expected of a body's control points before the image is seen.

        Parameters
        ----------
        depth_mm : float
            Length of the midline.

        Returns
        -------
        matrix : numpy.ndarray, shape (2n, 2n)
            Inverse covariance of (u of every point, v of every point), in 1/mm².
        vector : numpy.ndarray, shape (2n,)
            ``matrix @ mean``, in 1/mm.
        """
        matrix = self._precision / depth_mm**2
        return matrix, matrix @ (depth_mm * self.mean.T.ravel())

    def own_edge_at(self, parameters: np.ndarray) -> np.ndarray:
        """Return `own_edge` between the control points, at parameters that count them from 0."""
        closed = np.append(self.own_edge, self.own_edge[0])
        return np.interp(parameters % self.count, np.arange(self.count + 1), closed)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Covariance of (u of every point, v of every point) for a body of depth 1, shape (2n, 2n)."""
        flat = self.modes.transpose(0, 2, 1).reshape(len(self.modes), -1)
        covariance = MODE_VARIANCE_FACTOR * (flat.T * self.deviations**2) @ flat
        covariance += local_covariance(self.count, SMOOTH_MM, SMOOTH_REACH, POINT_MM) / USUAL_DEPTH_MM**2
        u, v = self.mean.T
        zero, one = np.zeros_like(u), np.ones_like(u)
        for pose in (
            np.concatenate([one, zero]) * LATERAL_MM / USUAL_DEPTH_MM,
            np.concatenate([zero, one]) * ALONG_MM / USUAL_DEPTH_MM,
            np.concatenate([-(v + 0.5), u]) * np.radians(TURNED_DEG),
        ):
            covariance += np.outer(pose, pose)
        return covariance

    @cached_property
    def _precision(self):
        return np.linalg.inv(self.covariance)


def local_covariance(count: int, smooth_mm: float, reach: float, point_mm: float) -> np.ndarray:
    """Return the covariance of deviations that do not depend on the shape, shape (2 * count, 2 * count), in mm².

    Parameters
    ----------
    count : int
        Number of control points.
    smooth_mm, reach : float
        Standard deviation of a smooth deviation, and over how many control points it correlates.
    point_mm : float
        Standard deviation of each point alone.
    """
    steps = np.arange(count)
    apart = np.minimum((steps[:, None] - steps) % count, (steps - steps[:, None]) % count)
    of_one_axis = smooth_mm**2 * np.exp(-(apart**2) / (2 * reach**2)) + point_mm**2 * np.eye(count)
    return np.kron(np.eye(2), of_one_axis)


def midline_end_rows(count: int) -> np.ndarray:
    """Return what takes control points to the outline at the midline's ends, shape (2, count): front, back."""
    return spline_matrices(count, 2)[0][[2 * count - 1, count - 1]]


def learn_shape(outlines: list[np.ndarray], own_edge: np.ndarray, modes: int) -> BodyShape:
    """Learn a shape from outlines; left and right count alike.

    Parameters
    ----------
    outlines : list of numpy.ndarray, each shape (m, 2)
        Closed polygons in their midline's frame, counterclockwise, for a body of depth 1.
    own_edge : numpy.ndarray, shape (n,)
        As in `BodyShape`, for each of the shape's control points.
    modes : int
        Number of modes that are kept.
    """
    count = len(own_edge)
    spread = np.array([spread_points(outline, count) for outline in outlines])
    spread = np.concatenate([spread, (spread * (-1, 1))[:, ::-1]])
    mean = spread.mean(axis=0)
    _, singular, directions = np.linalg.svd((spread - mean).reshape(len(spread), -1), full_matrices=False)
    return BodyShape(
        mean, directions[:modes].reshape(-1, count, 2), singular[:modes] / np.sqrt(len(spread)), np.asarray(own_edge)
    )
