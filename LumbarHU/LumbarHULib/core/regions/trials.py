"""Placement trials for the regions of any protocol: each region is drawn again at every displaced midline.

They take longer than those of the study's regions, which `sensitivity` computes for all trials at once.
"""

from contextlib import suppress

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.level import LevelOutline
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.quantities import measure_roi
from LumbarHULib.core.regions.body import LevelBody
from LumbarHULib.core.regions.drawing import draw_regions
from LumbarHULib.core.regions.given_mask import is_of_vertebra
from LumbarHULib.core.results import LevelResult, PlacementTrials
from LumbarHULib.core.sensitivity import Displacements, displacements, moved_boundary, sd_of_trials


def region_trials(stack: AxialStack, level: LevelResult, protocol: Protocol) -> PlacementTrials:
    """Measure a level's regions once for each displacement of its midline, as `placement_trials` does.

    A region that is made from a given segmentation does not follow the midline and has no trials.
    """
    moves = displacements(level.level, protocol.uncertainty)
    means_hu = {roi: np.full(protocol.uncertainty.placement_trials, np.nan) for roi in level.rois}
    fixed = {roi for roi, measured in level.rois.items() if measured.edited}
    if level.vertebra is not None:
        fixed |= {region.name for region in protocol.regions if is_of_vertebra(region)}
    if fixed < set(level.rois):
        base = _body(stack, level, protocol)
        with suppress(InputError):
            # The endplates and the outlines in other slices are those found from the reader's own midline.
            draw_regions(base)
        for trial in range(protocol.uncertainty.placement_trials):
            try:
                body = _moved(base, moves, trial)
                drawn = draw_regions(body)
                for roi in means_hu.keys() - fixed:
                    groups = drawn.groups.get(roi, ())
                    measured = measure_roi(stack, level.level, roi, drawn.masks[roi], groups=groups)
                    means_hu[roi][trial] = measured.mean_hu
            except InputError:
                continue  # the midline left the CT or the body
    return PlacementTrials(level.level, means_hu, {roi: sd_of_trials(values) for roi, values in means_hu.items()})


def _body(stack: AxialStack, level: LevelResult, protocol: Protocol) -> LevelBody:
    curve = Outline(level.frame.to_uv_mm(level.outline_ras_mm))
    return LevelBody(
        stack,
        Landmarks(level.level, level.midline_ras_mm),
        level.frame,
        LevelOutline(level.outline_ras_mm, curve, level.outline_edited),
        inner_outline(level.frame, curve, protocol.outline),
        level.boundary,
        protocol,
        level.vertebra,
    )


def _moved(base: LevelBody, moves: Displacements, trial: int) -> LevelBody:
    """Return the body at a displaced midline; its outline is that of the slice that the midline moved to."""
    stack, frame = base.stack, base.frame
    cut = base.cut(frame.mid_slice + int(moves.slices[trial]))
    turn = np.radians(moves.turn_deg[trial])
    along = np.array([np.sin(turn), np.cos(turn)])
    middle = np.array([moves.across_mm[trial], moves.along_mm[trial] - frame.depth_mm / 2])
    ends_uv_mm = middle + np.outer([0.5, -0.5], along) * frame.depth_mm
    landmarks = Landmarks(base.level, cut.frame.to_ras_mm(ends_uv_mm))
    moved = frame_from_midline(stack, landmarks, base.protocol.frame)
    outline = _in_frame(cut.outline.control_points_uv_mm, cut.frame, moved)
    return LevelBody(
        stack,
        landmarks,
        moved,
        LevelOutline(cut.frame.to_ras_mm(cut.outline.control_points_uv_mm), Outline(outline), base.outline.edited),
        _in_frame(base.inner_of(cut), cut.frame, moved),
        moved_boundary(base.boundary, moved.depth_mm),
        base.protocol,
        base.vertebra,
        base.cache,
    )


def _in_frame(points_uv_mm: np.ndarray, frame: Frame, other: Frame) -> np.ndarray:
    return other.to_uv_mm(frame.to_ras_mm(points_uv_mm))
