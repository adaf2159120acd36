"""The inner outline: the points inside the outline at least the cortical margin away from it."""

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.closed_spline import CHORD_ERROR_MM
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.protocol_values import OutlineValues

# The offset curve is compared with the polygon that approximates the spline, so it may be closer than the margin by
# the error of that polygon.
_OFFSET_TOLERANCE_MM = CHORD_ERROR_MM + 0.001


def inner_outline(frame: Frame, outline: Outline, values: OutlineValues) -> np.ndarray:
    """Return the inner outline as a counterclockwise polygon in the frame, shape (n, 2), in mm.

    It is the true inward offset of the spline by ``cortical_margin_mm``. Where the offset falls into pieces, it is the
    piece that contains most of the midline.

    Raises
    ------
    InputError
        When no part of the midline is that far inside the outline.
    """
    margin_mm = values.cortical_margin_mm
    pieces = offset_pieces(outline, margin_mm) if margin_mm > 0 else [outline.polygon_uv_mm]
    lengths = [_midline_length_mm(piece, frame.depth_mm) for piece in pieces]
    if not lengths or max(lengths) <= 0:
        raise InputError(
            f"No part of {frame.level}'s midline is {margin_mm:g} mm or more inside its outline: correct the midline "
            "or the outline, or lower the cortical margin.",
            frame.level,
        )
    return pieces[int(np.argmax(lengths))]


def offset_pieces(outline: Outline, margin_mm: float) -> list[np.ndarray]:
    """Return the inward offset of `outline` by `margin_mm` as counterclockwise polygons, one for each piece."""
    offset = outline.polygon_uv_mm + margin_mm * outline.inward_normals
    far_enough = _distances_mm(offset, outline.polygon_uv_mm) >= margin_mm - _OFFSET_TOLERANCE_MM
    if far_enough.all():
        return [offset] if polygons.signed_area(offset) > 0 else []
    return [
        piece for piece in _linked(_chains(offset, far_enough)) if len(piece) > 2 and polygons.signed_area(piece) > 0
    ]


def _distances_mm(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Return the distance of each point from a dense polygon, measured to the two edges at its nearest corner."""
    # Importing scipy.spatial for these distances takes longer than computing them a hundred times. Half the squared
    # distance, without the part that all corners share, has its minimum at the nearest corner.
    nearest = ((polygon**2).sum(axis=1) / 2 - points @ polygon.T).argmin(axis=1)
    corner = polygon[nearest]
    offset = points - corner
    squared = []
    for neighbor in (polygon[nearest - 1], polygon[(nearest + 1) % len(polygon)]):
        edge = neighbor - corner
        lengths_squared = np.maximum((edge**2).sum(axis=1), np.finfo(float).tiny)
        along = np.clip((offset * edge).sum(axis=1) / lengths_squared, 0.0, 1.0)
        squared.append(((offset - along[:, None] * edge) ** 2).sum(axis=1))
    return np.sqrt(np.minimum(*squared))


def _chains(points: np.ndarray, keep: np.ndarray) -> list[np.ndarray]:
    """Return the runs of kept points around a closed curve; runs of a single point are dropped."""
    if not keep.any():
        return []
    # Start at a dropped point, so that no run is split at the array's end.
    start = int(np.argmin(keep))
    points, keep = np.roll(points, -start, axis=0), np.roll(keep, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(int)))
    return [points[first:last] for first, last in zip(edges[::2], edges[1::2], strict=True) if last - first > 1]


def _linked(chains: list[np.ndarray]) -> list[np.ndarray]:
    """Join each chain to the one that begins nearest to its end, where two branches of the offset curve cross."""
    polygons_found, unused = [], set(range(len(chains)))
    while unused:
        first = current = min(unused)
        loop = []
        while True:
            unused.discard(current)
            loop.append(chains[current])
            candidates = [*unused, first]
            gaps = [np.linalg.norm(chains[other][0] - chains[current][-1]) for other in candidates]
            following = candidates[int(np.argmin(gaps))]
            corner = _meeting_point(chains[current], chains[following])
            if corner is not None:
                loop.append(corner[None])
            if following == first:
                break
            current = following
        polygons_found.append(np.vstack(loop))
    return polygons_found


def _meeting_point(ending: np.ndarray, beginning: np.ndarray) -> np.ndarray | None:
    """Return where the last edge of one chain and the first edge of the next meet when extended; None if far away."""
    origin, direction = ending[-1], ending[-1] - ending[-2]
    target, backward = beginning[0], beginning[0] - beginning[1]
    matrix = np.column_stack([direction, -backward])
    if abs(np.linalg.det(matrix)) < 1e-3 * np.linalg.norm(direction) * np.linalg.norm(backward):
        return None
    along, against = np.linalg.solve(matrix, target - origin)
    if not (-2.0 <= along <= 3.0 and -2.0 <= against <= 3.0):
        return None
    return origin + along * direction


def _midline_length_mm(polygon: np.ndarray, depth_mm: float) -> float:
    crossings = np.clip(polygons.crossings_of_axis(polygon), -depth_mm, 0.0)
    return float((crossings[1::2] - crossings[::2]).sum())
