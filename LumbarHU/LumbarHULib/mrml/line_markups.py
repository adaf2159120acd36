"""Lines that are in the scene already, taken over into a reading as midlines."""

from collections.abc import Iterable, Mapping

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import sorted_levels
from LumbarHULib.files.markup_origin import midline_findings_of, midline_origin_of
from LumbarHULib.images.segment_levels import level_named
from LumbarHULib.mrml.markup_points import description_of, placed_points
from LumbarHULib.mrml.node_types import MarkupsNode, Node, Scene, nodes_of_class
from LumbarHULib.mrml.reading import Reading, ask_for_level, reading_nodes
from LumbarHULib.mrml.reading_markups import return_to_automatic, set_midline

# A line whose ends differ more in height has them on other edges once both are moved into one slice.
_MOST_APART_MM = 5.0


def lines_in(scene: Scene) -> tuple[MarkupsNode, ...]:
    """Return the line markups of a scene that belong to no reading, in the scene's order."""
    lines = nodes_of_class(scene, "vtkMRMLMarkupsLineNode")
    own = {key for reading in reading_nodes(scene) for key in _referenced(reading)}
    return tuple(line for line in lines if line.GetID() not in own and not line.GetHideFromEditors())


def lines_by_level(lines: Iterable[MarkupsNode]) -> dict[str, MarkupsNode]:
    """Return the lines that are named after levels, by level from cranial to caudal.

    Raises
    ------
    InputError
        When two lines are named after the same level.
    """
    found: dict[str, MarkupsNode] = {}
    for line in lines:
        level = level_named(line.GetName())
        if level is None:
            continue
        if level in found:
            names = f"“{found[level].GetName()}” and “{line.GetName()}”"
            raise InputError(f"The lines {names} are both named after {level}: rename or delete one of them.", level)
        found[level] = line
    return {level: found[level] for level in sorted_levels(found)}


def take_over_lines(reading: Reading, lines: Mapping[str, MarkupsNode], stack: AxialStack) -> None:
    """Place the midlines of levels where lines are, and hide the lines; they stay in the scene as they are.

    Both ends are moved into the slice nearest to their middle. A level that was omitted is measured again.

    Parameters
    ----------
    lines : mapping of str to vtkMRMLMarkupsLineNode
        By level, each from one edge of the body to the other; which end is anterior does not matter.
    stack : AxialStack
        The reading's CT.

    Raises
    ------
    InputError
        When a line cannot be a midline, or the reading is signed off; nothing is changed then.
    """
    reading.require_open()
    midlines_ras_mm = {level: _midline_of(line, level, stack, reading) for level, line in lines.items()}
    for level, midline_ras_mm in midlines_ras_mm.items():
        if level in reading.skipped_levels:
            ask_for_level(reading, level, True)
        text = description_of(lines[level])
        origin = midline_origin_of(text, midline_ras_mm)
        set_midline(reading, level, midline_ras_mm, origin, midline_findings_of(text, level, origin))
        for role in ("boundary", "outline"):
            return_to_automatic(reading, level, role)
        if lines[level].GetDisplayNode() is not None:
            lines[level].GetDisplayNode().SetVisibility(False)


def _midline_of(line: MarkupsNode, level: str, stack: AxialStack, reading: Reading) -> np.ndarray:
    """Return the anterior and the posterior end in one slice, shape (2, 3), RAS mm; raises InputError."""
    points_ras_mm = placed_points(line)
    try:
        if len(points_ras_mm) == 2:
            apart_mm = float(np.ptp(stack.slice_heights(points_ras_mm))) * stack.slice_spacing_mm
            if apart_mm > _MOST_APART_MM:
                raise InputError(
                    f"its ends are {apart_mm:.0f} mm apart in height, more than {_MOST_APART_MM:g} mm: draw it in one "
                    "axial slice"
                )
        frame = frame_from_midline(stack, Landmarks(level, points_ras_mm), reading.protocol.frame)
    except InputError as problem:
        raise InputError(f"“{line.GetName()}” cannot be the midline of {level}: {problem}", level) from problem
    return frame.midline_ras_mm


def _referenced(node: Node) -> list[str]:
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    return [node.GetNodeReferenceID(role) for role in roles]
