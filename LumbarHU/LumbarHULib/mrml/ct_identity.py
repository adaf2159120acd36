"""Check that a reading's CT is unchanged, and that its levels are still in the same position on it."""

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_identity import voxels_sha256
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_markups import ANCHOR_PREFIX, markup_node

_VOXELS_KEY = "ct voxels"

# A CT that moved by less than this, or together with its markups, gives the same numbers.
_MOVED_MM = 0.01


def require_same_voxels(reading: Reading, stack: AxialStack) -> None:
    """Check that the CT's voxels are those of the first measurement; the first time, store their hash.

    The hash of the voxels in canonical axis order takes about a second for 600 slices, so call this only when the CT's
    node has changed.

    Raises
    ------
    InputError
        When the voxels differ, because the volume was filtered, cropped or replaced.
    """
    found, kept = voxels_sha256(stack.voxels_hu), reading.value(_VOXELS_KEY)
    if kept is None:
        if not reading.is_signed_off:
            reading.keep_quietly(_VOXELS_KEY, found)
    elif kept != found:
        raise InputError(
            f"The voxels of the CT “{reading.ct_node.GetName()}” have changed since {reading.title} was started: undo "
            "that change, or load the CT again and start a new reading."
        )


def require_same_place(reading: Reading, level: str, stack: AxialStack) -> None:
    """Check that the CT did not move relative to a level's midline since the last measurement.

    Raises
    ------
    InputError
        When it moved, because the midline is then no longer on the bone on which it was placed.
    """
    kept, node = reading.value(f"{ANCHOR_PREFIX}{level}"), markup_node(reading, level, "midline")
    if kept is None or node is None:
        return
    before, now = np.array(kept["ras_from_ijk"]), stack.ras_from_ijk
    if np.array_equal(before, now):
        return
    points_ras_mm = np.array(kept["points_ras_mm"])
    moved_ras_mm = (np.c_[points_ras_mm, np.ones(len(points_ras_mm))] @ (now @ np.linalg.inv(before)).T)[:, :3]
    found_ras_mm = placed_points(node)
    by_mm = float(np.linalg.norm(moved_ras_mm - points_ras_mm, axis=1).max())
    if by_mm <= _MOVED_MM:
        return
    if found_ras_mm.shape != moved_ras_mm.shape or np.abs(found_ras_mm - moved_ras_mm).max() > _MOVED_MM:
        raise InputError(
            f"The CT “{reading.ct_node.GetName()}” was moved by {by_mm:.1f} mm after {level} was placed, without its "
            f"midline: move the CT back, or place {level} again.",
            level,
        )


def keep_place(reading: Reading, level: str, stack: AxialStack) -> None:
    """Store the positions of the CT and of a level's midline at the measurement."""
    points_ras_mm = placed_points(markup_node(reading, level, "midline"))
    now = {"ras_from_ijk": stack.ras_from_ijk.tolist(), "points_ras_mm": points_ras_mm.tolist()}
    if reading.value(f"{ANCHOR_PREFIX}{level}") != now:
        reading.keep_quietly(f"{ANCHOR_PREFIX}{level}", now)
