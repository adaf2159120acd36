"""The measured data: an abdominal CT with slices of 512 × 512 voxels, its markups, and a drag of one of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelResult
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import demo_spine

SLICE_COUNTS = (120, 600)
DRAGGED_LEVEL = "L3"

_PIXEL_MM, _SLICE_MM = 0.7, 2.5
_CENTER_RAS_MM = (0.0, 7.0, -12.5)

# The drag circles around the original position, and never repeats a position.
_DRAG_MM = 0.6
_GOLDEN_ANGLE = 2.39996


@dataclass(frozen=True, eq=False)
class Workload:
    """A CT, its markups and the choices of the measurement."""

    ct: CtVolume
    landmarks: dict[str, Landmarks]
    protocol: Protocol

    @property
    def slice_count(self) -> int:
        """Slices of the CT."""
        return self.ct.voxels_hu.shape[0]

    def stack(self) -> AxialStack:
        """Return the CT as axial slices."""
        return axial_stack(self.ct, self.protocol.frame)

    def measured(self, level: str = DRAGGED_LEVEL) -> LevelResult:
        """Measure a level at its markups."""
        return measure_level(self.stack(), self.landmarks[level], self.protocol)

    def update_with_known_outline(self) -> Callable[[int], LevelResult]:
        """Return a job: the core's part of an update after the boundary was moved."""
        stack, placed, before = self.stack(), self.landmarks[DRAGGED_LEVEL], self.measured()

        def update(index: int) -> LevelResult:
            moved = Landmarks(DRAGGED_LEVEL, placed.midline_ras_mm, dragged(before.boundary.points_ras_mm, index))
            return measure_level(stack, moved, self.protocol, known_outline_ras_mm=before.outline_ras_mm)

        return update

    def update_with_new_outline(self) -> Callable[[int], LevelResult]:
        """Return a job: the core's part of an update after the midline was moved."""
        stack, placed = self.stack(), self.landmarks[DRAGGED_LEVEL]
        return lambda index: measure_level(
            stack, Landmarks(DRAGGED_LEVEL, dragged(placed.midline_ras_mm, index)), self.protocol
        )


def dragged(points_ras_mm: np.ndarray, index: int) -> np.ndarray:
    """Return the points of a line with its first end moved within the slice, differently for each index."""
    offset_mm = _DRAG_MM * np.array([np.cos(_GOLDEN_ANGLE * index), np.sin(_GOLDEN_ANGLE * index), 0.0])
    return points_ras_mm + np.stack([offset_mm, np.zeros(3)])


def workloads() -> dict[int, Workload]:
    """Return the same spine in a CT of each of `SLICE_COUNTS`; the larger CT repeats the volume along the body."""
    few = SLICE_COUNTS[0]
    size_mm = (512 * _PIXEL_MM, 512 * _PIXEL_MM, few * _SLICE_MM)
    grid = axial_grid(_CENTER_RAS_MM, size_mm, _PIXEL_MM, _SLICE_MM)
    phantom = render_on_grid(demo_spine(), grid, noise_hu=12.0, noise_fwhm_mm=1.0, seed=2022)
    landmarks = {level: Landmarks(level, phantom.truth[level].midline_ras_mm) for level in MEAN_LEVELS}
    protocol = load_protocol().protocol
    return {
        count: Workload(_repeated(phantom.voxels_hu, phantom.ras_from_ijk, count // few), landmarks, protocol)
        for count in SLICE_COUNTS
    }


def _repeated(voxels_hu: np.ndarray, ras_from_ijk: np.ndarray, times: int) -> CtVolume:
    """Return the volume repeated several times, one above the other; the middle one keeps its position."""
    if times % 2 == 0:
        raise InputError(f"A volume repeated {times} times has no middle one: repeat it an odd number of times.")
    matrix = ras_from_ijk.copy()
    matrix[:3, 3] -= times // 2 * voxels_hu.shape[0] * matrix[:3, 2]
    return CtVolume(np.tile(voxels_hu, (times, 1, 1)), matrix)
