"""The markups of a reading: midline, boundary and outline of each level, and who placed them."""

from collections.abc import Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MANUAL, Landmarks, MidlineOrigin, missing_midline, origin_now
from LumbarHULib.core.levels import LEVELS, parse_level
from LumbarHULib.files.markup_origin import (
    automatic_text,
    is_automatic,
    midline_findings_of,
    midline_origin_of,
    midline_text,
    still_doubtful,
)
from LumbarHULib.mrml.ct_node import world_from_node
from LumbarHULib.mrml.markup_points import (
    describe,
    description_of,
    fix_point_count,
    own_points,
    placed_points,
    replace_points,
    set_markup_display,
)
from LumbarHULib.mrml.node_types import MarkupsNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.subject_hierarchy import put_in_folder

MARKUP_ROLES: tuple[str, ...] = ("midline", "boundary", "outline")

# LumbarHU makes these two from the midline until a reader edits them.
AUTOMATIC_ROLES: tuple[str, ...] = ("boundary", "outline")

_NODE_CLASSES = MappingProxyType(
    {
        "midline": "vtkMRMLMarkupsLineNode",
        "boundary": "vtkMRMLMarkupsLineNode",
        "outline": "vtkMRMLMarkupsClosedCurveNode",
    }
)

# Prefix of the parameter, one for each level, that stores the positions of CT and midline at the last measurement.
ANCHOR_PREFIX = "anchor "

# Under this and a level's name it keeps how the midline was placed.
ORIGIN_PREFIX = "origin "

# Saving and reopening a scene moves a point by 1e-13 mm; a reader moves it by more than this.
_MOVED_MM = 1e-6


def markup_node(reading: Reading, level: str, role: str) -> Any:
    """Return the node of a level's markup; None where there is none."""
    return reading.node.GetNodeReference(f"{parse_level(level)}-{role}")


def ensure_markup(reading: Reading, level: str, role: str) -> Any:
    """Return the node of a level's markup; create an empty one in its folder where there is none.

    Raises
    ------
    InputError
        When there is no node and the reading is signed off.
    """
    node = markup_node(reading, level, role)
    if node is None:
        reading.require_open()
        node = reading.scene.AddNewNodeByClass(_NODE_CLASSES[role])
        adopt_markup(reading, level, role, node)
    return node


def adopt_markup(reading: Reading, level: str, role: str, node: MarkupsNode) -> None:
    """Make a placed or loaded markup part of the reading, and remove the one it replaces.

    Raises
    ------
    InputError
        When the markup has the wrong type, or the reading is signed off.
    """
    reading.require_open()
    name = f"{parse_level(level)}-{role}"
    if not node.IsA(_NODE_CLASSES[role]):
        raise InputError(
            f"“{node.GetName()}” is a {node.GetMarkupType()} and cannot be the {role} of {level}: draw the {role} as a "
            f"{'closed curve' if role == 'outline' else 'line'}.",
            level,
        )
    previous = reading.node.GetNodeReference(name)
    if previous is not node:
        # The stored origin belongs to the previous markup.
        reading.keep_quietly(_origin_key(level) if role == "midline" else _written_key(level, role), None)
        if role == "midline":
            reading.keep_quietly(f"{ANCHOR_PREFIX}{parse_level(level)}", None)
    if previous is not None and previous is not node:
        reading.scene.RemoveNode(previous)
    node.SetName(name + reading.name_suffix)
    set_markup_display(node, role)
    fix_point_count(node, role)
    reading.node.SetNodeReferenceID(name, node.GetID())
    put_in_folder(reading, "Markups", node)


def set_midline(
    reading: Reading,
    level: str,
    points_ras_mm: ArrayLike,
    origin: MidlineOrigin = MANUAL,
    findings: Sequence[Finding] = (),
) -> None:
    """Place a level's midline.

    Parameters
    ----------
    points_ras_mm : array_like, shape (2, 3)
        Anterior end, then posterior end.
    origin : MidlineOrigin
        How the midline was placed. An accepted proposal becomes a corrected one when a reader moves it.
    findings : sequence of Finding
        Findings on a proposal; see `placement_findings`.
    """
    reading.require_open()
    points_ras_mm = np.asarray(points_ras_mm, dtype=float).reshape(-1, 3)
    replace_points(ensure_markup(reading, level, "midline"), "midline", points_ras_mm)
    kept = {"kind": origin.kind, "corrected_mm": origin.corrected_mm, "corrected_deg": origin.corrected_deg}
    kept |= {"ends": list(origin.ends)} if origin.ends else {}
    kept |= {"points_ras_mm": points_ras_mm.tolist(), "findings": [asdict(finding) for finding in findings]}
    reading.keep_quietly(f"{ANCHOR_PREFIX}{parse_level(level)}", None)
    reading.keep(_origin_key(level), kept)
    describe(markup_node(reading, level, "midline"), midline_text(origin, points_ras_mm, findings))


def move_into_slice(
    reading: Reading, level: str, stack: AxialStack, before_ras_mm: np.ndarray | None = None, from_side: bool = False
) -> None:
    """Move both ends of a midline along the slice normal into the axial slice nearest to the end that was moved.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    before_ras_mm : numpy.ndarray, shape (2, 3), optional
        Previous position of the ends, which shows the end that was moved; by default, the anterior end gives the slice.
    from_side : bool
        Whether the end was moved in a sagittal or coronal view. It then gives the slice only, and both ends keep their
        in-plane positions.
    """
    node = markup_node(reading, level, "midline")
    points_ras_mm = np.empty((0, 3)) if node is None else placed_points(node)
    if len(points_ras_mm) != 2:
        return
    end = 0
    if before_ras_mm is not None and before_ras_mm.shape == points_ras_mm.shape:
        end = int(np.argmax(np.abs(points_ras_mm - before_ras_mm).max(axis=1)))
    heights_mm = (points_ras_mm - stack.ras_from_ijk[:3, 3]) @ stack.normal_ras
    slice_k = min(max(round(heights_mm[end] / stack.slice_spacing_mm), 0), len(stack.voxels_hu) - 1)
    if from_side and before_ras_mm is not None:
        points_ras_mm = before_ras_mm
        heights_mm = (points_ras_mm - stack.ras_from_ijk[:3, 3]) @ stack.normal_ras
    shifts_mm = slice_k * stack.slice_spacing_mm - heights_mm
    aligned_ras_mm = points_ras_mm + shifts_mm[:, None] * stack.normal_ras
    if np.abs(aligned_ras_mm - placed_points(node)).max() > _MOVED_MM:
        state_before = node.StartModify()
        for index, point_ras_mm in enumerate(aligned_ras_mm):
            node.SetNthControlPointPositionWorld(index, point_ras_mm)
        node.EndModify(state_before)


def set_markup(reading: Reading, level: str, role: str, points_ras_mm: ArrayLike) -> None:
    """Place a level's boundary or outline as if a reader had drawn it, so that it is measured as it is."""
    reading.require_open()
    node = ensure_markup(reading, level, role)
    replace_points(node, role, np.asarray(points_ras_mm, dtype=float).reshape(-1, 3))
    describe(node, "")
    reading.keep_quietly(_written_key(level, role), None)


def set_landmarks(reading: Reading, landmarks: Landmarks, findings: Sequence[Finding] = ()) -> None:
    """Place all markups of `landmarks`, with `findings` on a proposal; all others return to automatic."""
    set_midline(reading, landmarks.level, landmarks.midline_ras_mm, landmarks.origin, findings)
    for role, points_ras_mm in (("boundary", landmarks.boundary_ras_mm), ("outline", landmarks.outline_ras_mm)):
        if points_ras_mm is not None:
            set_markup(reading, landmarks.level, role, points_ras_mm)
        elif markup_node(reading, landmarks.level, role) is not None:
            return_to_automatic(reading, landmarks.level, role)


def placed_levels(reading: Reading) -> tuple[str, ...]:
    """Return the levels that have a midline with at least one point, from cranial to caudal."""
    nodes = {level: markup_node(reading, level, "midline") for level in LEVELS}
    return tuple(level for level, node in nodes.items() if node is not None and len(placed_points(node)))


def read_landmarks(reading: Reading, level: str) -> Landmarks:
    """Return the markups that a reader placed at a level: the midline, and an edited boundary and outline.

    Raises
    ------
    InputError
        When the midline is missing or incomplete, or an edited markup has too few points.
    """
    level = parse_level(level)
    midline = markup_node(reading, level, "midline")
    points_ras_mm = np.empty((0, 3)) if midline is None else placed_points(midline)
    if len(points_ras_mm) == 0:
        raise missing_midline(level)
    fix_point_count(midline, "midline")
    _require_rigid(reading, level)
    edited = {
        f"{role}_ras_mm": placed_points(markup_node(reading, level, role))
        for role in AUTOMATIC_ROLES
        if is_edited(reading, level, role)
    }
    return Landmarks(level, points_ras_mm, origin=midline_origin(reading, level), **edited)


def _require_rigid(reading: Reading, level: str) -> None:
    """Raise InputError when a markup of a level is under a transform that is not rigid."""
    for role in MARKUP_ROLES:
        node = markup_node(reading, level, role)
        if node is not None:
            try:
                world_from_node(node)
            except InputError as problem:
                raise InputError(str(problem), level) from problem


def midline_origin(reading: Reading, level: str) -> MidlineOrigin:
    """Return how a level's midline was placed."""
    kept, node = stored_origin(reading, level), markup_node(reading, level, "midline")
    if kept is None:  # drawn by a reader, or from a file that describes its origin
        return MANUAL if node is None else midline_origin_of(description_of(node), placed_points(node))
    origin = MidlineOrigin.of(kept)
    return origin if node is None else origin_now(origin, np.array(kept["points_ras_mm"]), placed_points(node))


def stored_origin(reading: Reading, level: str) -> dict[str, Any] | None:
    """Return what the reading stores about the placement of a level's midline, as plain values; None if nothing."""
    return reading.value(_origin_key(level))


def placement_findings(reading: Reading, level: str) -> tuple[Finding, ...]:
    """Return the findings on a level's proposed midline.

    Once a reader has moved the midline, only the findings on which vertebral body it is in remain.
    """
    origin, kept = midline_origin(reading, level), stored_origin(reading, level)
    if kept is None:  # drawn by a reader, or from a file that describes its origin
        node = markup_node(reading, level, "midline")
        return () if node is None else midline_findings_of(description_of(node), parse_level(level), origin)
    return still_doubtful(tuple(Finding(**item) for item in kept.get("findings", ())), origin)


def is_edited(reading: Reading, level: str, role: str) -> bool:
    """Return whether a reader drew or moved a level's boundary or outline, so that it is measured as it is."""
    node = markup_node(reading, level, role)
    if node is None or node.GetNumberOfControlPoints() == 0:
        return False
    written = reading.value(_written_key(level, role))
    if written is None:  # drawn by a reader, or from a file that describes its origin
        return not is_automatic(description_of(node), placed_points(node))
    # In the node's own coordinates, because a transform of CT and markups together is not an edit.
    points = own_points(node)
    return points.shape != np.shape(written) or bool(np.abs(points - written).max() > _MOVED_MM)


def write_automatic(reading: Reading, level: str, role: str, points_ras_mm: np.ndarray) -> None:
    """Update an automatic boundary or outline, which follows the midline."""
    node = ensure_markup(reading, level, role)
    now = placed_points(node)
    text = automatic_text(points_ras_mm, placed_points(markup_node(reading, level, "midline")))
    if now.shape == points_ras_mm.shape and np.abs(now - points_ras_mm).max() <= _MOVED_MM:
        describe(node, text)
        return
    replace_points(node, role, points_ras_mm)
    describe(node, text)
    reading.keep_quietly(_written_key(level, role), own_points(node).tolist())


def return_to_automatic(reading: Reading, level: str, role: str) -> None:
    """Discard a reader's edits of a boundary or outline: the next measurement makes it again from the midline."""
    reading.require_open()
    node = markup_node(reading, level, role)
    if node is not None:
        reading.keep(_written_key(level, role), own_points(node).tolist())


def remove_markups(reading: Reading, level: str) -> None:
    """Remove all markups of a level from the scene."""
    reading.require_open()
    for role in MARKUP_ROLES:
        node = markup_node(reading, level, role)
        if node is not None:
            reading.scene.RemoveNode(node)


def lock_markups(reading: Reading, locked: bool) -> None:
    """Lock or unlock every markup of a reading."""
    for level in LEVELS:
        for role in MARKUP_ROLES:
            node = markup_node(reading, level, role)
            if node is not None:
                node.SetLocked(locked)


def _written_key(level: str, role: str) -> str:
    return f"written {level}-{role}"


def _origin_key(level: str) -> str:
    return f"{ORIGIN_PREFIX}{parse_level(level)}"
