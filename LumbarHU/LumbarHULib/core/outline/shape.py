"""The shape of vertebral bodies in the mid-slice: a mean outline and its variation.

Where the image shows the body's own edge, the shape has little weight. Where it shows no edge (the pedicles, the mouth
of the basivertebral vein) or the edge of other bone (osteophytes, rib heads), the outline follows the shape, given the
edges on both sides.

A shape has control points in the positions of `curve.spread_points`, in the midline's frame, for a body of depth 1.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.outline.curve import COARSE_SAMPLES, spread_points, within

# Bodies vary more than the few traced ones, but are more symmetric: factors on the variances of the symmetric modes and
# of the antisymmetric modes.
SAME_FACTOR, OPPOSITE_FACTOR = 1.5, 0.2

# Variation outside the modes, as standard deviations in mm on a body of the usual depth: a smooth part, with its
# correlation length in control points, and an independent part for each point.
USUAL_DEPTH_MM = 32.0
SMOOTH_MM, SMOOTH_REACH = 0.5, 1.5
POINT_MM = 0.08

# `own_edge` of an edge that faces posteriorly. An edge does not count as such where the posterior component of its
# normal is below the first number, and fully counts above the second.
FACING_BACK_OWN_EDGE = 0.8
FACES_SIDEWAYS, FACES_BACK = 0.6, 0.85

# `own_edge` below which a place is a pedicle's.
PEDICLE_OWN_EDGE = 0.4

# Rounds of aligning the bodies with their mean when a shape is learned.
ALIGNMENTS = 4

# Standard deviations of the midline relative to the body's axis: lateral shift, shift along the axis, rotation, and
# relative difference in length.
LATERAL_MM, ALONG_MM, TURNED_DEG, LONGER = 3.0, 1.0, 10.0, 0.05


@dataclass(frozen=True)
class BodyPose:
    """Position of the body's own axis in the midline's frame.

    Parameters
    ----------
    lateral_mm : float
        Distance of the axis from the midline's midpoint, positive to the patient's left.
    turned_rad : float
        Its rotation, counterclockwise in (u, v).
    depth_mm : float
        Length of the midline; the axis rotates about the midline's midpoint.
    """

    lateral_mm: float
    turned_rad: float
    depth_mm: float

    @property
    def turn(self) -> np.ndarray:
        """Rotation from the body's axes to the frame's, shape (2, 2)."""
        cosine, sine = np.cos(self.turned_rad), np.sin(self.turned_rad)
        return np.array([[cosine, -sine], [sine, cosine]])

    @property
    def middle(self) -> np.ndarray:
        """Middle of the body's axis in the frame, shape (2,)."""
        return np.array([self.lateral_mm, -self.depth_mm / 2])

    def to_body(self, points_uv_mm: np.ndarray) -> np.ndarray:
        """Return points of the frame, shape (n, 2), in the body's axes, with its anterior end at (0, 0)."""
        return (points_uv_mm - self.middle) @ self.turn - np.array([0, self.depth_mm / 2])

    def respread(self, points_uv_mm: np.ndarray) -> np.ndarray:
        """Return control points, shape (n, 2), moved along their spline to the positions of `curve.spread_points`."""
        dense = spline_matrices(len(points_uv_mm), COARSE_SAMPLES)[0] @ self.to_body(points_uv_mm)
        return self.to_frame(spread_points(dense, len(points_uv_mm)))

    def to_frame(self, points_mm: np.ndarray) -> np.ndarray:
        """Return points in the body's axes, shape (n, 2), in the frame: the inverse of `to_body`."""
        return (points_mm + np.array([0, self.depth_mm / 2])) @ self.turn.T + self.middle


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
        Weight of a visible edge at each control point, 0 to 1: the probability that it is the body's own edge. Where
        the pedicles leave the body, a visible edge is theirs.
    longer : float
        Standard deviation of the relative difference between the midline's length and the body's depth.
    """

    mean: np.ndarray
    modes: np.ndarray
    deviations: np.ndarray
    own_edge: np.ndarray
    longer: float = LONGER

    @property
    def count(self) -> int:
        """Number of control points."""
        return len(self.mean)

    def information(self, pose: BodyPose) -> tuple[np.ndarray, np.ndarray]:
        """Return the expectation of a body's control points, before the image is known.

        Parameters
        ----------
        pose : BodyPose

        Returns
        -------
        matrix : numpy.ndarray, shape (2n, 2n)
            Inverse covariance of (u of every point, v of every point) in the midline's frame, in 1/mm².
        vector : numpy.ndarray, shape (2n,)
            ``matrix @ mean``, in 1/mm.
        """
        matrix = self._turned_precision(pose.turn) / pose.depth_mm**2
        return matrix, matrix @ pose.to_frame(pose.depth_mm * self.mean).T.ravel()

    def pose_of(self, points_uv_mm: np.ndarray, pose: BodyPose) -> BodyPose:
        """Return the most likely pose of a body with these control points, shape (n, 2), near `pose`."""
        deviation = (pose.to_body(points_uv_mm) / pose.depth_mm - self.mean).T.ravel()
        lateral, turned = self._pose_gains @ deviation
        return BodyPose(
            pose.lateral_mm + lateral * pose.depth_mm * float(np.cos(pose.turned_rad)),
            pose.turned_rad + turned,
            pose.depth_mm,
        )

    def own_edge_at(self, parameters: np.ndarray, normals: np.ndarray, trust_horns: bool = True) -> np.ndarray:
        """Return `own_edge` between the control points.

        Parameters
        ----------
        parameters : numpy.ndarray, shape (m,)
            Positions on the outline; control points count from 0.
        normals : numpy.ndarray, shape (m, 2)
            Outward unit normals there. A pedicle's edges face laterally, so an edge that faces posteriorly is the
            body's.
        trust_horns : bool
            Whether this is also so where the pedicles are. An outline that still follows a pedicle may face posteriorly
            where it crosses it.
        """
        by_place = np.interp(parameters % self.count, *self._closed_own_edge)
        faces_back = within((-normals[:, 1] - FACES_SIDEWAYS) / (FACES_BACK - FACES_SIDEWAYS), 0, 1)
        if not trust_horns:
            faces_back[by_place < PEDICLE_OWN_EDGE] = 0
        return np.maximum(by_place, FACING_BACK_OWN_EDGE * faces_back)

    def own_edge_toward(self, places: np.ndarray) -> np.ndarray:
        """Return `own_edge` in the direction of places in the body's axes, shape (m, 2), for a body of depth 1."""
        return np.interp(_direction(places), *self._own_edge_by_direction)

    @cached_property
    def _closed_own_edge(self) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(self.count + 1), np.append(self.own_edge, self.own_edge[0])

    @cached_property
    def _own_edge_by_direction(self) -> tuple[np.ndarray, np.ndarray]:
        # Directions are periodic: once more around on either side.
        direction = _direction(self.mean)
        order = np.argsort(direction)
        turns = np.repeat([-2 * np.pi, 0, 2 * np.pi], self.count)
        return turns + np.tile(direction[order], 3), np.tile(self.own_edge[order], 3)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Covariance of (u of every point, v of every point) for a body of depth 1, shape (2n, 2n)."""
        flat = self.modes.transpose(0, 2, 1).reshape(len(self.modes), -1)
        mirrored = (self.modes * (-1, 1))[:, ::-1]
        same = np.sum(self.modes * mirrored, axis=(1, 2)) > 0
        covariance = (flat.T * self.deviations**2 * np.where(same, SAME_FACTOR, OPPOSITE_FACTOR)) @ flat
        covariance += local_covariance(self.count, SMOOTH_MM, SMOOTH_REACH, POINT_MM) / USUAL_DEPTH_MM**2
        for move in self._poses:
            covariance += np.outer(move, move)
        return covariance

    @property
    def _poses(self) -> tuple[np.ndarray, ...]:
        """Displacement of the points for one standard deviation of each part of the pose, each shape (2n,)."""
        u, v = self.mean.T
        zero, one = np.zeros_like(u), np.ones_like(u)
        return (
            np.concatenate([one, zero]) * LATERAL_MM / USUAL_DEPTH_MM,
            np.concatenate([-(v + 0.5), u]) * np.radians(TURNED_DEG),
            np.concatenate([zero, one]) * ALONG_MM / USUAL_DEPTH_MM,
            np.concatenate([u, v + 0.5]) * self.longer,
        )

    @cached_property
    def _precision(self) -> np.ndarray:
        return np.linalg.inv(self.covariance)

    def _turned_precision(self, turn: np.ndarray) -> np.ndarray:
        """Return ``kron(turn, I) @ precision @ kron(turn, I).T``, one side after the other; the matrix is symmetric."""
        shape = self._precision.shape
        one_side = (turn @ self._precision.reshape(2, -1)).reshape(shape)
        return (turn @ np.ascontiguousarray(one_side.T).reshape(2, -1)).reshape(shape)

    @cached_property
    def _pose_gains(self) -> np.ndarray:
        """Matrix from a deviation from the mean to the most likely lateral shift and rotation, shape (2, 2n)."""
        scales = np.array([[LATERAL_MM / USUAL_DEPTH_MM], [np.radians(TURNED_DEG)]])
        return scales * (np.array(self._poses[:2]) @ self._precision)


def _direction(places: np.ndarray) -> np.ndarray:
    """Return the directions, in radians, from the middle of a body of depth 1 to places in its axes; 0 is posterior."""
    return np.arctan2(places[:, 0], -(places[:, 1] + 0.5))


def local_covariance(count: int, smooth_mm: float, reach: float, point_mm: float) -> np.ndarray:
    """Return the covariance, shape (2 * count, 2 * count), in mm², of deviations that do not depend on the shape.

    Parameters
    ----------
    count : int
        Number of control points.
    smooth_mm, reach : float
        Standard deviation of a smooth deviation, and its correlation length in control points.
    point_mm : float
        Standard deviation of each point alone.
    """
    steps = np.arange(count)
    apart = np.minimum((steps[:, None] - steps) % count, (steps - steps[:, None]) % count)
    axis_covariance = smooth_mm**2 * np.exp(-(apart**2) / (2 * reach**2)) + point_mm**2 * np.eye(count)
    return np.kron(np.eye(2), axis_covariance)


def learn_shape(outlines: list[np.ndarray], own_edge: np.ndarray, modes: int) -> BodyShape:
    """Learn a shape from outlines and their mirror images.

    Parameters
    ----------
    outlines : list of numpy.ndarray, each shape (m, 2)
        Closed polygons in their midline's frame, counterclockwise, for a body of depth 1.
    own_edge : numpy.ndarray, shape (n,)
        As in `BodyShape`, for each of the shape's control points.
    modes : int
        Number of modes to keep.
    """
    count = len(own_edge)
    poses = [BodyPose(0.0, 0.0, 1.0)] * len(outlines)
    for _ in range(ALIGNMENTS):
        spread = np.array(
            [spread_points(pose.to_body(outline), count) for pose, outline in zip(poses, outlines, strict=True)]
        )
        spread = np.concatenate([spread, (spread * (-1, 1))[:, ::-1]])
        mean = spread.mean(axis=0)
        # A midline off the body's axis does not change the shape, so each body is shifted and rotated onto the mean.
        moves = np.column_stack([np.tile((1, 0), count), np.column_stack([-(mean[:, 1] + 0.5), mean[:, 0]]).ravel()])
        steps = np.linalg.lstsq(moves, (spread[: len(outlines)] - mean).reshape(len(outlines), -1).T, rcond=None)[0]
        poses = [
            BodyPose(pose.lateral_mm + lateral, pose.turned_rad + turned, 1.0)
            for pose, (lateral, turned) in zip(poses, steps.T, strict=True)
        ]
    _, singular, directions = np.linalg.svd((spread - mean).reshape(len(spread), -1), full_matrices=False)
    return BodyShape(
        mean, directions[:modes].reshape(-1, count, 2), singular[:modes] / np.sqrt(len(spread)), np.asarray(own_edge)
    )
