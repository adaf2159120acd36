"""Midlines for a CT: read from markups, or proposed from a segmentation or from a point in each body."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.api.cts import Ct
from LumbarHULib.api.midlines import Midlines, given_markups, given_seeds, given_segments
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, parse_level
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.files.seeds_file import read_seeds
from LumbarHULib.images.segmentation_file import Segment, read_segmentation, segments_in


def read_midlines(*paths: str | Path, levels: Sequence[str] | None = None) -> Midlines:
    """Read midlines, and boundaries and outlines where there are some, from Slicer's markup files.

    Parameters
    ----------
    *paths : str or pathlib.Path
        ``.mrk.json`` files named like ``L1-midline.mrk.json``, or folders of them.
    levels : sequence of str, optional
        Levels to take; all without it.

    Raises
    ------
    InputError
        When a file cannot be read, or a level of `levels` has no midline.
    """
    return given_markups([Path(path) for path in paths], _levels(levels), {}).midlines


def propose_from_segmentation(
    ct: Ct,
    segmentation: Any,
    levels: Sequence[str] | None = None,
    segments: Mapping[str, str | int] | None = None,
    protocol: str | Path | None = None,
) -> Midlines:
    """Propose a midline for each vertebra of a segmentation. Look at proposals before you trust their numbers.

    Parameters
    ----------
    ct : Ct
    segmentation : str, pathlib.Path, numpy.ndarray, tuple or node
        A file or folder (TotalSegmentator, VerSe, Slicer's .seg.nrrd, any label map); an array of whole numbers, shape
        (K, J, I), on the CT's grid; a pair of such an array and its own ``ras_from_ijk``; or, in Slicer, a segmentation
        or label-map node.
    levels : sequence of str, optional
        Levels to place; without it those of L1–L4 that are there.
    segments : mapping of str to str or int, optional
        Level to the segment's name or label value, where they do not name a level.
    protocol : str or pathlib.Path, optional
        A protocol of your own.

    Returns
    -------
    Midlines
        ``unplaced`` says why a level has none.

    Raises
    ------
    InputError
        If it is not a segmentation, or nothing says which segment is which vertebra.
    """
    values = load_protocol(protocol).protocol
    names = {parse_level(level): str(name) for level, name in (segments or {}).items()}
    given = given_segments(_segments_of(ct, segmentation), names, _levels(levels), {}, values.patient.mean_levels)
    return given.place(ct.ct, values, _silent)


def propose_from_points(
    ct: Ct,
    points_ras: Mapping[str, ArrayLike] | str | Path,
    fill_levels: bool = False,
    levels: Sequence[str] | None = None,
    protocol: str | Path | None = None,
) -> Midlines:
    """Propose a midline for each vertebra from a point in its body. Look at proposals before you trust their numbers.

    Parameters
    ----------
    ct : Ct
    points_ras : mapping of str to array_like, shape (3,), or str or pathlib.Path
        By level, any point in the vertebral body, RAS mm; or a ``.mrk.json`` point list named L1, L2 and so on.
    fill_levels : bool
        Place the levels between the points as well, such as from L1 and L4.
    levels : sequence of str, optional
        Levels to place; all without it.
    protocol : str or pathlib.Path, optional
        A protocol of your own.

    Returns
    -------
    Midlines
        ``unplaced`` says why a level has none.

    Raises
    ------
    InputError
        When a point is not three numbers, or the points cannot all be in the bodies that they are named after.
    """
    values = load_protocol(protocol).protocol
    given = given_seeds(_points(points_ras), fill_levels, _levels(levels), {})
    return given.place(ct.ct, values, _silent)


def _segments_of(ct: Ct, segmentation: Any) -> tuple[Segment, ...]:
    if isinstance(segmentation, (str, Path)):
        return read_segmentation(Path(segmentation))
    if hasattr(segmentation, "IsA"):
        from LumbarHULib.mrml.vertebra_segments import SEGMENTATION_CLASSES, segments_of_node

        if not any(segmentation.IsA(name) for name in SEGMENTATION_CLASSES):
            raise InputError(
                f"“{segmentation.GetName()}” is a {segmentation.GetClassName()}: give a segmentation or a label map."
            )
        return segments_of_node(segmentation)
    labels, ras_from_ijk = segmentation if isinstance(segmentation, tuple) else (segmentation, None)
    labels = np.asarray(labels)
    if ras_from_ijk is None and labels.shape != ct.voxels_hu.shape:
        raise InputError(
            f"The segmentation has the shape {labels.shape} and the CT {ct.voxels_hu.shape}: give it on the CT's grid, "
            "or as a pair with its own matrix ras_from_ijk."
        )
    if labels.ndim != 3 or labels.dtype.kind not in "buif" or not labels.size:
        raise InputError(
            f"A segmentation of shape {labels.shape} and type {labels.dtype} cannot be used: give a label map "
            "with three dimensions and whole numbers."
        )
    matrix = ct.ras_from_ijk if ras_from_ijk is None else np.array(ras_from_ijk, dtype=float)
    if matrix.shape != (4, 4):
        raise InputError(f"The segmentation's ras_from_ijk has the shape {matrix.shape}: give a 4 × 4 matrix.")
    return segments_in("The segmentation", labels, matrix, {})


def _points(points_ras: Mapping[str, ArrayLike] | str | Path) -> dict[str, np.ndarray]:
    if isinstance(points_ras, (str, Path)):
        return read_seeds(Path(points_ras))
    points = {parse_level(level): np.asarray(point, dtype=float) for level, point in points_ras.items()}
    if not points:
        raise InputError("No points were given: give one in each body, such as {'L1': [R, A, S]}.")
    for level, point in points.items():
        if point.shape != (3,) or not np.all(np.isfinite(point)):
            raise InputError(f"The point of {level} is {point.tolist()}: give three numbers, R, A and S in mm.", level)
    return {level: points[level] for level in LEVELS if level in points}


def _levels(levels: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if levels is None else tuple(parse_level(level) for level in levels)


def _silent(share: float, what: str) -> None:
    """Report no progress."""
