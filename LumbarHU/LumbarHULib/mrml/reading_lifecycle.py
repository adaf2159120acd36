"""Sign off a reading, reopen it with a record in its history, remove it from the scene, and find unsaved nodes."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

import numpy as np
import vtk

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.mrml.label_layer import read_masks
from LumbarHULib.mrml.node_types import Scene
from LumbarHULib.mrml.other_protocols import other_label_maps, other_protocols_table
from LumbarHULib.mrml.reading import Reading, add_to_history
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, lock_markups, markup_node, placed_levels, read_landmarks
from LumbarHULib.mrml.result_tables import results_table, summary_table
from LumbarHULib.mrml.roi_label_maps import label_map_node, level_colors_node
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.mrml.subject_hierarchy import remove_folder

_STATE_KEY, _PARTS_KEY = "signed state", "signed parts"
_MOST_CHANGES, _PART_DIGITS = 3, 16


def sign_off(reading: Reading, who: str, when: str) -> None:
    """Sign off a reading: lock its markups and refuse every change until it is reopened.

    Parameters
    ----------
    who : str
        The person who signs.
    when : str
        The time, as written to the record.

    Raises
    ------
    InputError
        When the reading is already signed off, or `who` is empty.
    """
    reading.require_open()
    add_to_history(reading, "signed off", who, when)
    state = _state(reading)
    reading.keep(_STATE_KEY, _hash(state))
    reading.keep(_PARTS_KEY, _parts(state))
    lock_markups(reading, True)


def reopen(reading: Reading, who: str, when: str, reason: str) -> None:
    """Reopen a signed-off reading, and record this in its history.

    Raises
    ------
    InputError
        When the reading is not signed off, or `who` or the reason is empty.
    """
    if not reading.is_signed_off:
        raise InputError(f"{reading.title} is not signed off: there is nothing to reopen.")
    if not reason.strip():
        raise InputError(f"{reading.title} cannot be reopened without a reason: give a reason.")
    add_to_history(reading, "reopened", who, when, reason.strip())
    lock_markups(reading, False)


def sign_off_findings(reading: Reading) -> tuple[Finding, ...]:
    """Return a finding when a signed-off reading was changed anyway, because a scene cannot be locked."""
    state = _state(reading) if reading.is_signed_off else {}
    if not reading.is_signed_off or _hash(state) == reading.value(_STATE_KEY):
        return ()
    changes = _changes(reading.value(_PARTS_KEY), _parts(state))
    what = f": {changes}" if changes else ""
    return (
        Finding(
            "changed_after_sign_off",
            f"{reading.title} was changed after it was signed off{what}.",
            "Open the scene saved at the sign-off. Without it, reopen the reading, correct what was changed, and sign "
            "it off again. Reopening makes missing regions again; “Return to automatic” under “More” resets edited "
            "ones.",
            "severe",
        ),
    )


def remove_reading(reading: Reading) -> None:
    """Remove a reading and all its nodes from the scene; the CT stays.

    Raises
    ------
    InputError
        When the reading is signed off and its CT is still in the scene.
    """
    if reading.ct_node is not None:
        reading.require_open()
    scene = reading.scene
    nodes = [markup_node(reading, level, role) for level in LEVELS for role in MARKUP_ROLES]
    nodes += [find(reading, roi) for roi in ROIS for find in (segmentation_node, label_map_node)]
    nodes += [find(reading) for find in (results_table, summary_table, level_colors_node, other_protocols_table)]
    nodes += other_label_maps(reading)
    for node in nodes:
        if node is not None:
            scene.RemoveNode(node)
    remove_folder(reading)
    scene.RemoveNode(reading.node)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _parts(state: dict[str, Any]) -> dict[str, str]:
    """Return a short hash of each part of a state, by what people call it."""
    parts: dict[str, Any] = {}
    for name, value in state.items():
        if name in ROIS:
            parts |= {f"{level} of the {name} ROI": mask for level, mask in value.items()}
        elif name in LEVELS and isinstance(value, list):
            roles = zip(MARKUP_ROLES, value, strict=True)
            parts |= {f"the {role} of {name}": points for role, points in roles if points is not None}
        else:
            title = {"exclusions": "the excluded levels", "skipped": "the omitted levels"}.get(name)
            parts[title or (f"the midline of {name}" if name in LEVELS else f"the {name}")] = value
    return {title: _hash(value)[:_PART_DIGITS] for title, value in parts.items()}


def _changes(before: dict[str, str] | None, now: dict[str, str]) -> str:
    """Return what is missing, was added or changed; empty for a reading that an earlier version signed."""
    if before is None:
        return ""
    titles = dict.fromkeys([*before, *now])
    found = [
        f"{title} {'is missing' if title not in now else 'was added' if title not in before else 'was changed'}"
        for title in titles
        if before.get(title) != now.get(title)
    ]
    more = len(found) - _MOST_CHANGES
    return ", ".join(found[:_MOST_CHANGES]) + (f", and {more} more" if more > 0 else "")


def _state(reading: Reading) -> dict[str, Any]:
    """Return everything that determines the measurement: settings, markups and edited regions."""
    state: dict[str, Any] = {
        name: reading.node.GetParameter(name) for name in ("protocol", "cutoffs", "exclusions", "skipped")
    }
    if reading.node.GetParameter("calibration"):  # a reading signed before there were calibrations keeps its hash
        state["calibration"] = reading.node.GetParameter("calibration")
    for level in placed_levels(reading):
        try:
            landmarks = read_landmarks(reading, level)
        except InputError as problem:
            state[level] = str(problem)
            continue
        points = (landmarks.midline_ras_mm, landmarks.boundary_ras_mm, landmarks.outline_ras_mm)
        state[level] = [None if role_points is None else role_points.tolist() for role_points in points]
    for roi in ROIS:
        node = segmentation_node(reading, roi)
        masks = {} if node is None or reading.ct_node is None else read_masks(node, reading.ct_node)
        state[roi] = {
            level: (found.mask.offset_kji, found.mask.inside.shape, np.packbits(found.mask.inside).tobytes().hex())
            for level, found in masks.items()
        }
    return state


def unsaved_names(scene: Scene, kept: Reading | None = None, untouched: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the nodes that were changed since they were last read or saved.

    Parameters
    ----------
    scene : vtkMRMLScene
    kept : Reading, optional
        A reading whose current state is in an audit folder: its nodes are not lost.
    untouched : collection of str
        The IDs of nodes that equal their files although Slicer marks them as modified.
    """
    modified = vtk.vtkCollection()
    scene.GetStorableNodesModifiedSinceRead(modified)
    nodes = [modified.GetItemAsObject(index) for index in range(modified.GetNumberOfItems())]
    safe = {*untouched, *(() if kept is None else _ids_of(kept))}
    return tuple(node.GetName() for node in nodes if node.GetSaveWithScene() and node.GetID() not in safe)


def _ids_of(reading: Reading) -> set[str]:
    """Return the IDs of all nodes that belong to a reading, including its CT, which came from a file."""
    roles: list[str] = []
    reading.node.GetNodeReferenceRoles(roles)
    return {reading.node.GetNodeReferenceID(role) for role in roles}
