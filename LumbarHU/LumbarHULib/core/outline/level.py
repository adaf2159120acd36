"""The outline of a level: drawn by a reader, known from before, or found in the CT's mid-slice."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.behind_wall import bone_behind_findings
from LumbarHULib.core.outline.fit import body_axis, fit_outline
from LumbarHULib.core.outline.learned_shape import BODY_SHAPE
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.outline.outline import Outline, gap_findings, outline_from_markup, round_to_positions
from LumbarHULib.core.plane_image import PlaneImage
from LumbarHULib.core.protocol import Protocol
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
        try:
            points_ras_mm, doubt_mm = _found(stack, frame, values)
        except InputError as problem:
            raise InputError(f"{frame.level}: {problem.cause}", frame.level, problem.remedy) from None
    points_uv_mm = frame.to_uv_mm(points_ras_mm)
    curve = Outline(points_uv_mm)
    findings = gap_findings(frame, curve, values) + bone_behind_findings(_plane(stack, frame), frame, points_uv_mm)
    return LevelOutline(points_ras_mm, curve, False, doubt_mm, findings)


def outline_from_body_axis(
    stack: AxialStack, frame: Frame, outline_ras_mm: np.ndarray, protocol: Protocol
) -> np.ndarray:
    """Find an outline again, from the axis of the body that it encloses instead of from the midline.

    Parameters
    ----------
    stack : AxialStack
    frame : Frame
        The level's frame.
    outline_ras_mm : numpy.ndarray, shape (n, 3)
        Control points of the outline found from the midline.
    protocol : Protocol

    Returns
    -------
    numpy.ndarray, shape (n, 3)

    Raises
    ------
    InputError
        When no body is found from there.
    """
    axis = body_axis(frame.to_uv_mm(outline_ras_mm), frame.depth_mm, BODY_SHAPE)
    along_axis = frame_from_midline(stack, Landmarks(frame.level, frame.to_ras_mm(axis)), protocol.frame)
    return _found(stack, along_axis, protocol.outline)[0]


def _found(stack: AxialStack, frame: Frame, values: OutlineValues) -> tuple[np.ndarray, np.ndarray]:
    """Return the outline found in the CT, and its standard deviation at each control point."""
    fit = fit_outline(_plane(stack, frame), frame.depth_mm, OutlineModel.from_values(values))
    return round_to_positions(frame, fit.control_points_uv_mm), fit.doubt_mm


def _plane(stack: AxialStack, frame: Frame) -> PlaneImage:
    return PlaneImage(stack.voxels_hu[frame.mid_slice], frame.uv_from_ij)
