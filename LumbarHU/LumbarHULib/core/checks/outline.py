"""Find doubtful stretches of an outline, and how uncertain they make the means."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol_values import OutlineValues
from LumbarHULib.core.results import LevelResult

# Samples of an outline between two control points.
_PER_SPAN = 8

# Parts of a stretch have up to this number of control points. They are moved by the first distance, and the control
# points next to them by this share of it.
_PART_POINTS = 2
_MOVE_MM, _NEIGHBOR_SHARE = 1.0, 0.5
# The errors of two control points are correlated if they are about this number of points apart.
_CORRELATED_POINTS = 1.0


@dataclass(frozen=True)
class DoubtfulStretch:
    """A stretch of an outline that may be off.

    Parameters
    ----------
    control_points : numpy.ndarray, shape (n,)
        Indices of the stretch's control points.
    point_doubts_mm : numpy.ndarray, shape (n,)
        Standard deviation of the outline at each of them.
    curve_uv_mm : numpy.ndarray, shape (m, 2)
        The stretch as a dense line, in the level's frame.
    middle_uv_mm : tuple of float
        Middle of the stretch, in the level's frame.
    doubt_mm : float
        By how much the stretch may be off: the greatest standard deviation along it.
    length_mm : float
        Length of the stretch.
    """

    control_points: np.ndarray
    point_doubts_mm: np.ndarray
    curve_uv_mm: np.ndarray
    middle_uv_mm: tuple[float, float]
    doubt_mm: float
    length_mm: float

    @property
    def parts(self) -> list[np.ndarray]:
        """The control points in parts, in which the outline is moved."""
        return np.array_split(self.control_points, -(-len(self.control_points) // _PART_POINTS))

    def side(self, depth_mm: float) -> str:
        """Return where on the vertebral body the stretch is, by the patient's sides."""
        u_mm, v_mm = self.middle_uv_mm
        depth = "anterior" if v_mm > -depth_mm / 3 else "posterior" if v_mm < -2 * depth_mm / 3 else ""
        side = "left" if u_mm > depth_mm / 4 else "right" if u_mm < -depth_mm / 4 else ""
        return " ".join(word for word in (depth, side) if word) or "middle"


def doubtful_stretches(level: LevelResult, values: OutlineValues) -> list[DoubtfulStretch]:
    """Return the stretches of an outline found in the CT whose doubt exceeds the protocol's limit."""
    doubt_mm = level.outline_doubt_mm
    if doubt_mm is None:
        return []
    points = level.frame.to_uv_mm(level.outline_ras_mm)
    count = len(points)
    dense = spline_matrices(count, _PER_SPAN)[0] @ points
    parameters = np.arange(len(dense)) / _PER_SPAN
    dense_mm = np.interp(parameters, np.arange(count + 1), np.append(doubt_mm, doubt_mm[0]))
    doubtful = dense_mm > values.doubt_mm
    steps_mm = np.hypot(*(np.roll(dense, -1, axis=0) - dense).T)
    stretches = []
    for run in _runs(doubtful):
        length_mm = float(steps_mm[run].sum())
        if length_mm < values.doubt_length_mm:
            continue
        middle = dense[run[len(run) // 2]]
        control_points = np.unique(run // _PER_SPAN)
        stretches.append(
            DoubtfulStretch(
                control_points,
                doubt_mm[control_points],
                dense[run],
                (float(middle[0]), float(middle[1])),
                float(dense_mm[run].max()),
                length_mm,
            )
        )
    return stretches


def moved_outlines(level: LevelResult, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a level's outline, shape (n, 3) in RAS mm, with a part's control points moved by 1 mm in and out."""
    points = level.frame.to_uv_mm(level.outline_ras_mm)
    slope = spline_matrices(len(points), 1)[1] @ points
    normals = np.column_stack([slope[:, 1], -slope[:, 0]]) / np.hypot(*slope.T)[:, None]
    shares = np.zeros(len(points))
    shares[[part - 1, (part + 1) % len(points)]] = _NEIGHBOR_SHARE
    shares[part] = 1
    inward, outward = (
        level.frame.to_ras_mm(points + move_mm * shares[:, None] * normals) for move_mm in (-_MOVE_MM, _MOVE_MM)
    )
    return inward, outward


def uncertain_means_hu(
    level: LevelResult, stretch: DoubtfulStretch, moved: Sequence[tuple[LevelResult, LevelResult]]
) -> dict[str, float]:
    """Return the standard deviation of each region's mean that comes from the stretch's uncertainty, in HU.

    The change of a mean with each control point is assumed to be linear. The error of a control point has the outline's
    standard deviation there, and is correlated with its neighbors' errors.

    Parameters
    ----------
    level : LevelResult
        The level as measured.
    stretch : DoubtfulStretch
    moved : sequence of (LevelResult, LevelResult)
        For each of the stretch's parts, the level measured in both of its `moved_outlines`.
    """
    count = len(level.outline_ras_mm)
    points = stretch.control_points
    apart = np.abs(points[:, None] - points)
    apart = np.minimum(apart, count - apart)
    correlation = np.exp(-((apart / _CORRELATED_POINTS) ** 2) / 2)
    sizes = np.array([len(part) for part in stretch.parts])
    # Moves of adjacent parts overlap, so together they move the outline by more than its distance.
    moves_mm = 2 * _MOVE_MM * (sizes + 2 * _NEIGHBOR_SHARE)
    uncertain_hu = {}
    for roi, measured in level.rois.items():
        if measured.edited:
            continue
        changes_hu = np.array(
            [outward.rois[roi].values["mean_hu"] - inward.rois[roi].values["mean_hu"] for inward, outward in moved]
        )
        effects = np.repeat(changes_hu / moves_mm, sizes) * stretch.point_doubts_mm
        uncertain_hu[roi] = float(np.sqrt(effects @ correlation @ effects))
    return uncertain_hu


def doubt_findings(
    level: LevelResult, stretch: DoubtfulStretch, uncertain_hu: dict[str, float], values: OutlineValues
) -> tuple[Finding, ...]:
    """Return the finding that a stretch may be off; empty where no mean depends on it much.

    Parameters
    ----------
    level : LevelResult
        The level as measured.
    stretch : DoubtfulStretch
    uncertain_hu : dict of str to float
        From `uncertain_means_hu`.
    values : OutlineValues
    """
    roi = max(uncertain_hu, key=uncertain_hu.__getitem__, default="")
    if not roi or uncertain_hu[roi] < values.doubt_hu:
        return ()
    return (
        Finding(
            "outline_doubtful",
            f"The {stretch.side(level.frame.depth_mm)} edge of {level.level}'s outline may be off by "
            f"{stretch.doubt_mm:.1f} mm over {stretch.length_mm:.0f} mm, because the CT shows no clear edge of the "
            f"body there; the mean of the {roi} ROI may therefore be off by {uncertain_hu[roi]:.0f} HU (one standard "
            "deviation).",
            "Check this stretch, and correct the outline where it leaves the body.",
            "warning" if uncertain_hu[roi] >= values.doubt_warning_hu else "note",
            level.level,
        ),
    )


def _runs(marked: np.ndarray) -> list[np.ndarray]:
    """Return the runs of marked samples around a closed curve, as indices."""
    if marked.all():
        return [np.arange(len(marked))]
    start = int(np.argmin(marked))
    rolled = np.roll(marked, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rolled, [False]]).astype(int)))
    return [(np.arange(first, last) + start) % len(marked) for first, last in zip(edges[::2], edges[1::2], strict=True)]
