"""A phantom that the tests of placement share, and how far a guess or a proposal is from its truth."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from placement.phantom_masks import vertebra_mask

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.render import PhantomCt, render
from LumbarHULib.phantom.spines import upright_spine
from LumbarHULib.phantom.truth import true_midline_in_slice
from LumbarHULib.placement.body_guess import BodyGuess


@lru_cache
def study_protocol() -> Protocol:
    return load_protocol(None).protocol


def stack_of(phantom: PhantomCt):
    return axial_stack(CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), study_protocol().frame)


COMMON_SPEC = upright_spine(("L2", "L3", "L4"), tilt_deg=8, rotation_deg={"L2": 6, "L3": -4, "L4": 0})


@lru_cache
def common_phantom() -> PhantomCt:
    # Rendered when a test first needs it, not when the test files are collected.
    return render(COMMON_SPEC, noise_hu=12, seed=41)


@lru_cache
def common_stack() -> AxialStack:
    return stack_of(common_phantom())


@lru_cache
def whole_mask(level: str) -> np.ndarray:
    return vertebra_mask(common_phantom().spec.vertebra(level), common_phantom().grid)


@lru_cache
def voxels_in_vertebra_mm(level: str) -> tuple[np.ndarray, ...]:
    """Return x, y and z of the phantom's voxels in a vertebra's own frame, each of shape (k, j, i)."""
    k, j, i = np.indices(common_phantom().grid.shape_kji)
    points = (
        np.stack([i, j, k], axis=-1) @ common_phantom().ras_from_ijk[:3, :3].T + common_phantom().ras_from_ijk[:3, 3]
    )
    return tuple(np.moveaxis(common_phantom().spec.vertebra(level).to_vertebra(points), -1, 0))


def altered_stack(where: np.ndarray, hu: int):
    """Return the phantom's CT with other values in chosen voxels."""
    phantom = common_phantom()
    return stack_of(replace(phantom, voxels_hu=np.where(where, np.int16(hu), phantom.voxels_hu)))


def body_errors(guess: BodyGuess, vertebra):
    """Return the middle in the vertebra's own frame (mm), how far up and front are off (deg), and the size (mm)."""
    up_deg = np.degrees(np.arccos(np.clip(guess.up_ras @ vertebra.axes_ras[2], -1, 1)))
    front_deg = abs(np.degrees(np.arcsin(guess.anterior_ras @ vertebra.axes_ras[0])))
    size = np.array([guess.width_mm, guess.depth_mm, guess.height_mm])
    truth = np.array([vertebra.width_mm, vertebra.depth_mm, vertebra.height_mm])
    return vertebra.to_vertebra(guess.center_ras_mm), up_deg, front_deg, size - truth


def midline_errors(midline_ras_mm, vertebra, stack) -> tuple[float, float, float]:
    """Return how far a midline's slice is from mid-height, its ends from the true ones (mm), its rotation (deg)."""
    frame = frame_from_midline(stack, Landmarks(vertebra.level, midline_ras_mm), study_protocol().frame)
    height_mm = abs(float((frame.origin_ras_mm - np.array(vertebra.center_ras_mm)) @ stack.normal_ras))
    true = true_midline_in_slice(vertebra, frame.origin_ras_mm, stack.normal_ras)
    front = (true[0] - true[1]) / np.linalg.norm(true[0] - true[1])
    turned_deg = float(np.degrees(np.arcsin(np.clip(front @ frame.u_ras, -1, 1))))
    return height_mm, float(np.linalg.norm(frame.midline_ras_mm - true, axis=1).max()), turned_deg
