"""The outline of a level: drawn by a reader, known from before, or found in the CT's mid-slice."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.fit import fit_outline
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.outline import Outline, gap_findings, outline_from_markup, round_to_positions
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.protocol_values import OutlineValues


@dataclass(frozen=True, eq=False)
class LevelOutline:
    """An outline and its origin.

    Parameters
    ----------
    points_ras_mm : numpy.ndarray, shape (n, 3)
        Control points.
    curve : Outline
        The spline through them in the level's frame.
    edited : bool
        Whether a reader drew or edited it.
    doubt_mm : numpy.ndarray, shape (n,), or None
        Standard deviation of an outline found in the CT at each control point: by how much it may be off.
    findings : tuple of Finding
    """

    points_ras_mm: np.ndarray
    curve: Outline
    edited: bool
    doubt_mm: np.ndarray | None = None
    findings: tuple[Finding, ...] = ()


def outline_of_level(
    stack: AxialStack,
    frame: Frame,
    landmarks: Landmarks,
    values: OutlineValues,
    known_outline_ras_mm: np.ndarray | None = None,
    known_doubt_mm: np.ndarray | None = None,
) -> LevelOutline:
    """Return the reader's outline, otherwise the known outline, otherwise the outline found in the CT.

    Raises
    ------
    InputError
        When the reader's outline cannot be used, or no vertebral body is found at the midline.
    """
    if landmarks.outline_ras_mm is not None:
        curve, findings = outline_from_markup(stack.slice_spacing_mm, frame, landmarks.outline_ras_mm, values)
        return LevelOutline(landmarks.outline_ras_mm, curve, True, findings=findings)
    points_ras_mm, doubt_mm = known_outline_ras_mm, known_doubt_mm
    if points_ras_mm is None:
        plane = PlaneImage(stack.voxels_hu[frame.mid_slice], frame.uv_from_ij)
        try:
            fit = fit_outline(plane, frame.depth_mm, OutlineModel.from_values(values))
        except InputError as problem:
            raise InputError(f"{frame.level}: {problem.cause}", frame.level, problem.remedy) from None
        points_ras_mm, doubt_mm = round_to_positions(frame, fit.control_points_uv_mm), fit.doubt_mm
    curve = Outline(frame.to_uv_mm(points_ras_mm))
    return LevelOutline(points_ras_mm, curve, False, doubt_mm, gap_findings(frame, curve, values))
