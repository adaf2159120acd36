"""Estimate the uncertainty of a number: move the midline by a plausible reader error and measure every region again.

The outline depends on the CT, not on the midline, so all trials in a slice use the same outline. Only its closure at
the pedicles moves slightly with the midline: on a phantom with a gradient of 4 HU/mm, single trials of left and right
differ by less than 3 HU from a search for the outline in every trial, and those of the other regions by less than
0.5 HU. Another slice has its own outline, found once; where none is found, the outline of the mid-slice is used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.classification import classify
from LumbarHULib.core.cutoffs import RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.label_maps import slab_around
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import LEVELS, ROIS
from LumbarHULib.core.not_scanned import not_scanned_in
from LumbarHULib.core.outline.level import outline_of_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PlausibleValues, RoiValues, UncertaintyValues
from LumbarHULib.core.results import GIVEN_CLASSES, LevelResult, PlacementTrials, RoiPlacement
from LumbarHULib.core.roi_shapes import RegionBounds, shapes_of_placements

# Coarser shapes suffice for displacements of about 1 mm: this precision of circle and oval, in mm, and every second
# corner of the inner outline, which changes it by about 0.02 mm.
_FINEST_MM = 0.01
_CORNER_STEP = 2

# Trials of one slice that end their search for circle and oval together, at most. Another number may change a trial's
# mean in the last digits.
_TOGETHER = 16

# Standard deviations and shares are rounded to the digits that are the same on every machine.
_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Displacements:
    """The displacements of a level's midline, one entry for each trial.

    Parameters
    ----------
    across_mm, along_mm : numpy.ndarray, shape (n,)
        Toward the patient's left and toward anterior, in the midline's frame: normal.
    turn_deg : numpy.ndarray, shape (n,)
        About the midline's midpoint, positive toward the left: normal.
    slices : numpy.ndarray of int, shape (n,)
        Toward cranial: uniform over the integers that the protocol allows.
    """

    across_mm: np.ndarray
    along_mm: np.ndarray
    turn_deg: np.ndarray
    slices: np.ndarray


def displacements(level: str, values: UncertaintyValues) -> Displacements:
    """Return the displacements of a level; they depend on the protocol and the level only."""
    random = np.random.default_rng([values.placement_seed, LEVELS.index(level)])
    across, along, turn = random.standard_normal((3, values.placement_trials))
    most = values.reader_error_slices
    return Displacements(
        values.reader_error_mm * across,
        values.reader_error_mm * along,
        values.reader_error_deg * turn,
        random.integers(-most, most, values.placement_trials, endpoint=True),
    )


def placement_trials(stack: AxialStack, level: LevelResult, protocol: Protocol) -> PlacementTrials:
    """Measure a level's regions once for each displacement of its midline.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : LevelResult
        The level as measured. A boundary that a reader moved keeps its fraction and its angle to the midline.
    protocol : Protocol

    Returns
    -------
    PlacementTrials
        A trial whose midline left the CT or the vertebral body has no number. Neither has a region edited by hand,
        because it does not follow the midline.
    """
    moves = displacements(level.level, protocol.uncertainty)
    means_hu = {roi: np.full(protocol.uncertainty.placement_trials, np.nan) for roi in ROIS}
    bones: list[_Bone] = []
    for offset in np.unique(moves.slices):
        try:
            bones.append(_bone_of_slice(stack, level, int(offset), np.flatnonzero(moves.slices == offset), protocol))
        except InputError:
            continue
    for bone, trials, bounds in _moved_bounds(bones, level, moves, protocol.roi):
        for roi, trial_means_hu in _moved_means_hu(bone, moves, trials, bounds, protocol.roi).items():
            means_hu[roi][trials] = trial_means_hu
    for roi, measured in level.rois.items():
        if measured.edited:
            means_hu[roi][:] = np.nan
    return PlacementTrials(level.level, means_hu, {roi: sd_of_trials(values) for roi, values in means_hu.items()})


def roi_placement(
    roi: str, levels: Sequence[LevelResult], cutoffs: RoiCutoffs | None, may_classify: bool
) -> RoiPlacement | None:
    """Return the spread of a region's mean and class over the levels' trials.

    Each level's midline is displaced independently. The first trials of all levels form the first trial of the mean,
    and so on. None without trials, or where a level has no trials for this region.
    """
    trials = [level.trials for level in levels if level.trials is not None]
    if not levels or len(trials) < len(levels):
        return None
    level_means_hu = np.array([level_trials.means_hu[roi] for level_trials in trials])
    means_hu = level_means_hu.mean(axis=0)
    means_hu = means_hu[np.isfinite(means_hu)]
    sd_hu = sd_of_trials(means_hu)
    if sd_hu is None:
        return None
    shares = _class_shares(means_hu, cutoffs) if may_classify and cutoffs is not None else None
    return RoiPlacement(len(means_hu), sd_hu, shares)


def sd_of_trials(means_hu: np.ndarray) -> float | None:
    """Return the standard deviation (n − 1) of the trials that gave a number; None with fewer than two."""
    known = means_hu[np.isfinite(means_hu)]
    return round(float(known.std(ddof=1)), _DECIMALS) if len(known) > 1 else None


def _class_shares(means_hu: np.ndarray, cutoffs: RoiCutoffs) -> Mapping[str, float]:
    classes = [classify(mean_hu, cutoffs) for mean_hu in means_hu.tolist()]
    return {name: round(classes.count(name) / len(classes), _DECIMALS) for name in GIVEN_CLASSES}


@dataclass(frozen=True, eq=False)
class _Bone:
    """The bone inside the inner outline over the slab around one slice, in the level's frame in that slice.

    Voxels at the same position in several slices belong to the same regions, so only their sum is needed.

    Parameters
    ----------
    trials : numpy.ndarray of int, shape (t,)
        The trials whose midline is in the slice.
    frame : Frame
    inner_outline_uv_mm : numpy.ndarray, shape (n, 2)
    places_uv_mm : numpy.ndarray, shape (m, 2)
        Positions of the voxels inside it.
    sums : numpy.ndarray, shape (m, 2)
        At each position, the sum of the voxels' values in HU, and their number.
    """

    trials: np.ndarray
    frame: Frame
    inner_outline_uv_mm: np.ndarray
    places_uv_mm: np.ndarray
    sums: np.ndarray


def _bone_of_slice(stack: AxialStack, level: LevelResult, offset: int, trials: np.ndarray, protocol: Protocol) -> _Bone:
    shift_ras_mm = offset * stack.slice_spacing_mm * stack.normal_ras
    landmarks = Landmarks(level.level, level.midline_ras_mm + shift_ras_mm)
    frame = frame_from_midline(stack, landmarks, protocol.frame)
    known_ras_mm = level.outline_ras_mm if offset == 0 else None
    try:
        outline = outline_of_level(stack, frame, landmarks, protocol.outline, known_ras_mm)
    except InputError:
        outline = outline_of_level(stack, frame, landmarks, protocol.outline, level.outline_ras_mm + shift_ras_mm)
    inner = inner_outline(frame, outline.curve, protocol.outline)
    slab = slab_around(stack, frame, protocol.roi)
    slices = range(slab.first, slab.last + 1)
    # Regions extend along the normal, so on a sheared volume the pixels shift under them from slice to slice.
    runs = [slices[n : n + 1] for n in range(len(slices))] if np.any(frame.uv_per_slice_mm.round(9)) else [slices]
    parts = [_bone_of_run(stack, level, frame, inner, run, protocol.plausible) for run in runs]
    places, sums = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return _Bone(trials, frame, inner[::_CORNER_STEP], places, sums)


def _bone_of_run(
    stack: AxialStack, level: LevelResult, frame: Frame, inner_uv_mm: np.ndarray, run: range, plausible: PlausibleValues
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and sums, as in `_Bone`, of the voxels in slices in which the pixels have the same position."""
    slide_uv_mm = (run[0] - frame.mid_slice) * frame.uv_per_slice_mm
    shifted_ij = frame.to_ij(inner_uv_mm - slide_uv_mm)
    low_ij = np.maximum(np.floor(shifted_ij.min(axis=0)).astype(int), 0)
    high_ij = np.minimum(np.ceil(shifted_ij.max(axis=0)).astype(int) + 1, stack.voxels_hu.shape[:0:-1])
    shape_ji = tuple(np.maximum(high_ij - low_ij, 0)[::-1])
    j, i = np.nonzero(polygons.rasterize(shifted_ij, tuple(low_ij), shape_ji, 0.0))
    in_run = slice(run[0], run[-1] + 1)
    values_hu = stack.voxels_hu[in_run, j + low_ij[1], i + low_ij[0]].astype(float)
    is_known = np.ones(values_hu.shape, dtype=bool)
    if level.lacks_voxels and values_hu.size:
        box = (in_run, slice(low_ij[1], high_ij[1]), slice(low_ij[0], high_ij[0]))
        is_known = ~not_scanned_in(stack, box, plausible)[:, j, i]
    places_uv_mm = (np.column_stack([i, j]) + low_ij) @ frame.uv_from_ij[:, :2].T + frame.uv_from_ij[:, 2] + slide_uv_mm
    sums = np.column_stack([(values_hu * is_known).sum(axis=0), np.count_nonzero(is_known, axis=0)])
    return places_uv_mm, sums


@dataclass(frozen=True, eq=False)
class _MovedFrames:
    """The frames of displaced midlines in the level's frame.

    Parameters
    ----------
    fronts_uv_mm : numpy.ndarray, shape (t, 1, 2)
        Their anterior ends.
    axes : numpy.ndarray, shape (t, 2, 2)
        Their u and v axes, in columns.
    """

    fronts_uv_mm: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, moves: Displacements, trials: np.ndarray, depth_mm: float) -> "_MovedFrames":
        turn = np.radians(moves.turn_deg[trials])
        # Positive toward the left: the anterior end moves to the left.
        v_axes = np.column_stack([np.sin(turn), np.cos(turn)])
        u_axes = np.column_stack([v_axes[:, 1], -v_axes[:, 0]])
        middles = np.column_stack([moves.across_mm[trials], moves.along_mm[trials] - depth_mm / 2])
        return cls((middles + v_axes * depth_mm / 2)[:, None, :], np.stack([u_axes, v_axes], axis=-1))

    def of_points(self, points_uv_mm: np.ndarray) -> np.ndarray:
        """Return points of the level's frame, shape (m, 2), in each of them, shape (t, m, 2)."""
        return (points_uv_mm - self.fronts_uv_mm) @ self.axes


def _moved_bounds(
    bones: Sequence[_Bone], level: LevelResult, moves: Displacements, values: RoiValues
) -> Iterator[tuple[_Bone, np.ndarray, RegionBounds]]:
    """Yield the trials in each slice with a part of the body anterior to the boundary, and their regions' bounds.

    The trials of slices in which the midline has the same depth, nearly always all of them, are computed at once.
    """
    for depth_mm in dict.fromkeys(bone.frame.depth_mm for bone in bones):
        alike = [bone for bone in bones if bone.frame.depth_mm == depth_mm]
        most = max(len(bone.inner_outline_uv_mm) for bone in alike)
        inner_uv_mm, groups, slices = [], [], []
        for number, bone in enumerate(alike):
            corners = np.minimum(np.arange(most), len(bone.inner_outline_uv_mm) - 1)  # a shorter one repeats its last
            frames = _MovedFrames.of(moves, bone.trials, depth_mm)
            inner_uv_mm.append(frames.of_points(bone.inner_outline_uv_mm[corners]))
            groups += [len(part) for part in np.array_split(bone.trials, -(-len(bone.trials) // _TOGETHER))]
            slices.append(np.full(len(bone.trials), number))
        possible, bounds = shapes_of_placements(
            np.concatenate(inner_uv_mm),
            moved_boundary(level.boundary, depth_mm),
            values,
            _FINEST_MM,
            np.repeat(np.arange(len(groups)), groups),
        )
        trials, of_slice = (np.concatenate(parts)[possible] for parts in ([bone.trials for bone in alike], slices))
        for number, bone in enumerate(alike):
            yield bone, trials[of_slice == number], bounds.of_placements(of_slice == number)


def _moved_means_hu(
    bone: _Bone, moves: Displacements, trials: np.ndarray, bounds: RegionBounds, values: RoiValues
) -> dict[str, np.ndarray]:
    """Return the means of each region, one for each of `trials`; NaN where it has fewer than two voxels."""
    places_uv_mm = _MovedFrames.of(moves, trials, bone.frame.depth_mm).of_points(bone.places_uv_mm)
    u_mm, v_mm = places_uv_mm[..., 0], places_uv_mm[..., 1]
    in_inner = np.ones(u_mm.shape, dtype=bool)
    means_hu = {}
    for roi, holds in bounds.hold(ROIS, u_mm, v_mm, in_inner, values.edge_tolerance_mm).items():
        sums_hu, counts = (holds.astype(float) @ bone.sums).T
        means_hu[roi] = np.where(counts > 1, sums_hu / np.maximum(counts, 1), np.nan)
    return means_hu


def moved_boundary(boundary: Boundary, depth_mm: float) -> Boundary:
    """Return a level's boundary in the frame of a moved midline, at the same fraction and angle."""
    return replace(boundary, offset_mm=float(boundary.normal_uv[1] * -boundary.fraction * depth_mm))
