"""Closing a reading to changes, opening it again on record, and taking it out of the scene."""

import hashlib
import json

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.mrml.label_layer import read_masks
from LumbarHULib.mrml.reading import Reading, add_to_history
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, lock_markups, markup_node, placed_levels, read_landmarks
from LumbarHULib.mrml.result_tables import results_table, summary_table
from LumbarHULib.mrml.roi_label_maps import label_map_node, level_colors_node
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.mrml.subject_hierarchy import remove_folder

_STATE_KEY = "signed state"


def sign_off(reading: Reading, who: str, when: str) -> None:
    """Close a reading: its markups are locked, and every change is refused until it is reopened.

    Parameters
    ----------
    who : str
        Who signs.
    when : str
        The time, as it shall stand in the record.

    Raises
    ------
    InputError
        When it is signed off already, or nobody signs.
    """
    reading.require_open()
    add_to_history(reading, "signed off", who, when)
    reading.keep(_STATE_KEY, _state(reading))
    lock_markups(reading, True)


def reopen(reading: Reading, who: str, when: str, reason: str) -> None:
    """Open a signed-off reading again, which its history keeps.

    Raises
    ------
    InputError
        When it is not signed off, nobody reopens it, or no reason is given.
    """
    if not reading.is_signed_off:
        raise InputError(f"{reading.title} is not signed off: there is nothing to reopen.")
    if not reason.strip():
        raise InputError(f"{reading.title} is to be reopened without a reason: give one.")
    add_to_history(reading, "reopened", who, when, reason.strip())
    lock_markups(reading, False)


def sign_off_findings(reading: Reading) -> tuple[Finding, ...]:
    """Return a finding when a signed-off reading was changed all the same: the scene itself cannot be locked."""
    if not reading.is_signed_off or _state(reading) == reading.value(_STATE_KEY):
        return ()
    return (
        Finding(
            "changed_after_sign_off",
            f"{reading.title} was changed after it was signed off.",
            "Open the scene as it was saved at the sign-off, or reopen the reading and sign it again.",
            "severe",
        ),
    )


def remove_reading(reading: Reading) -> None:
    """Take a reading and everything that belongs to it out of the scene; the CT stays.

    Raises
    ------
    InputError
        When it is signed off, unless its CT is gone: it is then a reading of nothing.
    """
    if reading.ct_node is not None:
        reading.require_open()
    scene = reading.scene
    nodes = [markup_node(reading, level, role) for level in LEVELS for role in MARKUP_ROLES]
    nodes += [find(reading, roi) for roi in ROIS for find in (segmentation_node, label_map_node)]
    nodes += [find(reading) for find in (results_table, summary_table, level_colors_node)]
    for node in nodes:
        if node is not None:
            scene.RemoveNode(node)
    remove_folder(reading)
    scene.RemoveNode(reading.node)


def _state(reading: Reading) -> str:
    """Return a short text that differs when what is measured, or how, does."""
    told: dict = {name: reading.node.GetParameter(name) for name in ("protocol", "cutoffs", "exclusions", "skipped")}
    for level in placed_levels(reading):
        try:
            landmarks = read_landmarks(reading, level)
        except InputError as problem:
            told[level] = str(problem)
            continue
        points = (landmarks.midline_ras_mm, landmarks.boundary_ras_mm, landmarks.outline_ras_mm)
        told[level] = [None if of_role is None else of_role.tolist() for of_role in points]
    for roi in ROIS:
        node = segmentation_node(reading, roi)
        masks = {} if node is None or reading.ct_node is None else read_masks(node, reading.ct_node)
        told[roi] = {
            level: (found.mask.offset_kji, found.mask.inside.shape, np.packbits(found.mask.inside).tobytes().hex())
            for level, found in masks.items()
        }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
