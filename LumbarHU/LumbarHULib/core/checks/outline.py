"""Find doubtful stretches of an outline, and means that hang on where its search started."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol_values import OutlineValues
from LumbarHULib.core.results import LevelResult

# Samples of an outline between two control points.
_PER_SPAN = 8

# Two outlines are apart where their distance is at least this share of the greatest. They are the same if they are
# nowhere farther apart than this: no mean then changes by a threshold of the finding.
_APART_SHARE = 0.5
SAME_OUTLINE_MM = 0.2


@dataclass(frozen=True)
class OutlinesApart:
    """A stretch in which two outlines are apart.

    Parameters
    ----------
    place_uv_mm : tuple of float
        Where they are farthest apart, in the level's frame.
    distance_mm : float
        The distance there.
    length_mm : float
        Length of the stretch in which they are at least half as far apart.
    """

    place_uv_mm: tuple[float, float]
    distance_mm: float
    length_mm: float

    def side(self, depth_mm: float) -> str:
        """Return where on the vertebral body the stretch is, by the patient's sides."""
        u_mm, v_mm = self.place_uv_mm
        depth = "anterior" if v_mm > -depth_mm / 3 else "posterior" if v_mm < -2 * depth_mm / 3 else ""
        side = "left" if u_mm > depth_mm / 4 else "right" if u_mm < -depth_mm / 4 else ""
        return " ".join(word for word in (depth, side) if word) or "middle"


def doubtful_stretches(level: LevelResult, values: OutlineValues) -> list[np.ndarray]:
    """Return the stretches of an outline found in the CT that may be off by more than the protocol's limit.

    Each is a dense line, shape (m, 2), in the level's frame.
    """
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
    return [dense[run] for run in _runs(doubtful) if steps_mm[run].sum() >= values.doubt_length_mm]


def found_again_findings(
    level: LevelResult, again: LevelResult, apart: OutlinesApart, values: OutlineValues
) -> list[Finding]:
    """Return the finding that a mean hangs on where the outline's search started; none where it hardly does.

    An outline may follow either of two edges, and the midline's position decides which. From the axis of the body, the
    search starts elsewhere. If the mean is then another one, one of the two is wrong.

    Parameters
    ----------
    level : LevelResult
        The level as measured.
    again : LevelResult
        The level measured at the same midline in the outline found from the body's own axis.
    apart : OutlinesApart
        Where that outline is farthest from the level's.
    values : OutlineValues
    """
    changes_hu = {
        roi: again.rois[roi].values["mean_hu"] - measured.values["mean_hu"]
        for roi, measured in level.rois.items()
        if not measured.edited
    }
    roi = max(changes_hu, key=lambda name: abs(changes_hu[name]), default="")
    if not roi or abs(changes_hu[roi]) < values.doubt_hu:
        return []
    return [
        Finding(
            "outline_doubtful",
            f"The {apart.side(level.frame.depth_mm)} edge of {level.level}'s outline depends on the position of the "
            f"midline: found again from the axis of the body, it is up to {apart.distance_mm:.1f} mm away over "
            f"{apart.length_mm:.0f} mm, and the mean of the {roi} ROI is {again.rois[roi].values['mean_hu']:.0f} HU "
            f"instead of {level.rois[roi].values['mean_hu']:.0f} HU.",
            "Check this stretch, and correct the outline where it leaves the body.",
            "warning" if abs(changes_hu[roi]) >= values.doubt_warning_hu else "note",
            level.level,
        )
    ]


def where_apart(level: LevelResult, outline_ras_mm: np.ndarray) -> OutlinesApart:
    """Return the stretch in which a level's outline and another one, shape (n, 3), are farthest apart."""
    dense, other = (
        spline_matrices(len(points), _PER_SPAN)[0] @ level.frame.to_uv_mm(points)
        for points in (level.outline_ras_mm, outline_ras_mm)
    )
    distances_mm = polygons.distances_to_edges(dense, other).min(axis=1)
    steps_mm = np.hypot(*(np.roll(dense, -1, axis=0) - dense).T)
    worst = int(distances_mm.argmax())
    run = next(run for run in _runs(distances_mm >= _APART_SHARE * distances_mm[worst]) if worst in run)
    u_mm, v_mm = dense[worst]
    return OutlinesApart((float(u_mm), float(v_mm)), float(distances_mm[worst]), float(steps_mm[run].sum()))


def _runs(marked: np.ndarray) -> list[np.ndarray]:
    """Return the runs of marked samples around a closed curve, as indices."""
    if marked.all():
        return [np.arange(len(marked))]
    start = int(np.argmin(marked))
    rolled = np.roll(marked, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rolled, [False]]).astype(int)))
    return [(np.arange(first, last) + start) % len(marked) for first, last in zip(edges[::2], edges[1::2], strict=True)]
