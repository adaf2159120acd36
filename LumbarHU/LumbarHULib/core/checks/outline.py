"""Find doubtful stretches of an outline, and show how the means change when such a stretch is moved."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol_values import OutlineValues
from LumbarHULib.core.results import LevelResult

# Samples of an outline between two control points.
_PER_SPAN = 8


@dataclass(frozen=True)
class DoubtfulStretch:
    """A stretch of an outline that may be off.

    Parameters
    ----------
    shares : numpy.ndarray, shape (n,)
        Degree to which each control point belongs to the stretch, 0 to 1.
    curve_uv_mm : numpy.ndarray, shape (m, 2)
        The stretch as a dense line, in the level's frame.
    middle_uv_mm : tuple of float
        Middle of the stretch, in the level's frame.
    doubt_mm : float
        By how much the stretch may be off: the greatest standard deviation along it.
    length_mm : float
        Length of the stretch.
    """

    shares: np.ndarray
    curve_uv_mm: np.ndarray
    middle_uv_mm: tuple[float, float]
    doubt_mm: float
    length_mm: float

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
        inside = np.zeros(len(dense))
        inside[run] = 1
        shares = inside.reshape(count, _PER_SPAN).max(axis=1)
        middle = dense[run[len(run) // 2]]
        stretches.append(
            DoubtfulStretch(
                shares, dense[run], (float(middle[0]), float(middle[1])), float(dense_mm[run].max()), length_mm
            )
        )
    return stretches


def moved_outline(level: LevelResult, stretch: DoubtfulStretch, outward_mm: float) -> np.ndarray:
    """Return a level's outline, shape (n, 3) in RAS mm, with a stretch moved outward."""
    points = level.frame.to_uv_mm(level.outline_ras_mm)
    slope = spline_matrices(len(points), 1)[1] @ points
    normals = np.column_stack([slope[:, 1], -slope[:, 0]]) / np.hypot(*slope.T)[:, None]
    return level.frame.to_ras_mm(points + outward_mm * stretch.shares[:, None] * normals)


def doubt_findings(
    level: LevelResult, stretch: DoubtfulStretch, inward: LevelResult, outward: LevelResult, values: OutlineValues
) -> tuple[Finding, ...]:
    """Return the finding that a stretch may be off; empty where no mean depends on it much.

    Parameters
    ----------
    level : LevelResult
        The level as measured.
    stretch : DoubtfulStretch
    inward, outward : LevelResult
        The level measured with the stretch moved inward and outward by its doubt.
    values : OutlineValues
    """
    changes_hu = {
        roi: [moved.rois[roi].values["mean_hu"] - measured.values["mean_hu"] for moved in (inward, outward)]
        for roi, measured in level.rois.items()
        if not measured.edited
    }
    greatest_hu = {roi: max(abs(change) for change in changes) for roi, changes in changes_hu.items()}
    roi = max(greatest_hu, key=greatest_hu.__getitem__, default="")
    if not roi or greatest_hu[roi] < values.doubt_hu:
        return ()
    least_hu, most_hu = min(*changes_hu[roi], 0.0), max(*changes_hu[roi], 0.0)
    return (
        Finding(
            "outline_doubtful",
            f"The {stretch.side(level.frame.depth_mm)} edge of {level.level}'s outline may be off by "
            f"{stretch.doubt_mm:.1f} mm over {stretch.length_mm:.0f} mm, because the CT shows no clear edge of the "
            f"body there; this would change the mean of the {roi} ROI by {least_hu:+.0f} to {most_hu:+.0f} HU.",
            "Check this stretch, and correct the outline where it leaves the body.",
            "warning" if greatest_hu[roi] >= values.doubt_warning_hu else "note",
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
