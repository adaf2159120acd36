"""The mid-height of a body that is not placed yet, or whose midline is too high or too low."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.body_height import body_height
from LumbarHULib.core.checks.reading import height_of_level
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult

# A body whose middle is farther from where it was expected is another one.
_REACH_MM = 18.0


def body_middle_near(
    stack: AxialStack, level: str, expected_ras_mm: np.ndarray, neighbor: LevelResult, protocol: Protocol
) -> np.ndarray:
    """Return the middle between the endplates of the body nearest to a point, for the views to show.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        The level that is looked for.
    expected_ras_mm : numpy.ndarray, shape (3,)
        Where its body is expected.
    neighbor : LevelResult
        A measured level, which gives the size and the direction of its body.
    protocol : Protocol

    Returns
    -------
    numpy.ndarray, shape (3,)
        In RAS mm; the expected point where no body is visible near it, or only the neighbor's.
    """
    frame = neighbor.frame
    width_mm = float(np.ptp(frame.to_uv_mm(neighbor.outline_ras_mm)[:, 0]))
    found = body_height(stack, level, expected_ras_mm, frame.v_ras, (frame.depth_mm, width_mm), protocol)
    if found is None:
        return expected_ras_mm
    middle_ras_mm = found.endplates.middle_ras_mm
    from_neighbor_mm = np.linalg.norm(middle_ras_mm - frame.midline_ras_mm.mean(axis=0))
    is_near = np.linalg.norm(middle_ras_mm - expected_ras_mm) <= _REACH_MM
    return middle_ras_mm if is_near and from_neighbor_mm >= protocol.findings.level_spacing_min_mm else expected_ras_mm


def midline_at_mid_height(stack: AxialStack, level: LevelResult, protocol: Protocol) -> np.ndarray:
    """Return a level's midline moved along the body's axis into the slice at mid-height, without turning it.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : LevelResult
    protocol : Protocol

    Returns
    -------
    numpy.ndarray, shape (2, 3)
        Anterior end, then posterior end, in RAS mm.

    Raises
    ------
    InputError
        When the endplates are not visible, the midline is outside the body, or it is in that slice already.
    """
    name = level.level
    height = height_of_level(stack, level, protocol)
    if height is None or height.inside_mm <= 0:
        why = "its endplates are not visible" if height is None else "its midline is not between two endplates"
        raise InputError(f"Mid-height of {name} is unknown, because {why}: move it by hand in a sagittal view.", name)
    target = round(height.endplates.middle_slice(stack))
    if target == level.frame.mid_slice:
        raise InputError(f"The midline of {name} is in the slice at mid-height already.", name)
    up_ras = height.endplates.up_ras
    slices = target - float(np.mean(stack.slice_heights(level.midline_ras_mm)))
    along_axis_mm = slices * stack.slice_spacing_mm / (up_ras @ stack.normal_ras)
    return np.asarray(level.midline_ras_mm + along_axis_mm * up_ras)
