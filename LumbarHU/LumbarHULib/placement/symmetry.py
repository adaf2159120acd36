"""A vertebra's plane of symmetry: where body, canal and arch are their own mirror image in the CT."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.placement.body_box import BodyAxes, sample_hu
from LumbarHULib.placement.body_guess import BodyGuess

_STEP_MM = 1.0

# Averaged over these parts of the body's height, the CT keeps its edges and loses its noise: pedicles above, foramina
# below, laminae and spinous process below the body's lower half.
_BANDS = ((0.02, 0.4), (-0.4, -0.02), (-0.85, -0.45))
_PLANES = 5

# What is seen of a vertebra: the body with its walls, behind it canal and arch.
_WALL_MM = 3.0
_ARCH_DEPTH_MM = 36.0
_ARCH_HALF_WIDTH_MM = 27.0

# Between fat and cortex; beyond, more contrast says no more about where an edge lies.
_HU_RANGE = (-100.0, 450.0)
# Where the sides differ by more, an osteophyte, a vessel or a screw is on one of them.
_ROBUST_HU = 90.0

_SEARCH_DEG = np.arange(-24.0, 25.0, 4.0)
_SEARCH_MM = np.arange(-6.0, 7.0, 2.0)
_COARSE = 3
_ITERATIONS = 12
_TINY_STEPS = np.array([0.1, 0.25])


@dataclass(frozen=True)
class MirrorPlane:
    """A plane of symmetry in a body's coordinates, parallel to z.

    Parameters
    ----------
    offset_mm : float
        Where it crosses x.
    angle_deg : float
        From y toward x.
    unlike : float
        How unlike the two sides are, 0 (mirror images) to 1.
    """

    offset_mm: float
    angle_deg: float
    unlike: float


def mirror_plane(stack: AxialStack, axes: BodyAxes, guess: BodyGuess) -> MirrorPlane:
    """Return the plane about which the CT around a body is most like its mirror image."""
    images, x_mm, y_mm = _band_images(stack, axes, guess)
    places = np.stack(np.meshgrid(x_mm[x_mm > 0], y_mm), axis=-1).reshape(-1, 2)
    seen = [_seen(places, guess, band) for band in range(len(_BANDS))]

    def differences(offset_mm: float, angle_deg: float, step: int = 1) -> np.ndarray:
        angle = np.radians(angle_deg)
        across, along = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
        result = []
        for image, here in zip(images, seen, strict=True):
            chosen = places[here][::step]
            middle = np.array([offset_mm, 0.0]) + chosen[:, 1:] * along
            sides = [_looked_up(image, middle + sign * chosen[:, :1] * across, x_mm, y_mm) for sign in (1, -1)]
            result.append(sides[0] - sides[1])
        return np.concatenate(result)

    tries = [(offset, angle) for offset in _SEARCH_MM for angle in _SEARCH_DEG]
    best = np.array(min(tries, key=lambda one: _cost(differences(*one, _COARSE))))
    for _ in range(_ITERATIONS):
        now = differences(*best)
        slopes = np.stack([(differences(*(best + step)) - now) / step.sum() for step in np.diag(_TINY_STEPS)], axis=1)
        weights = 1 / (1 + (now / _ROBUST_HU) ** 2) ** 2
        pull = slopes.T * weights
        change = -np.linalg.solve(pull @ slopes, pull @ now)
        change = np.clip(change, -_TINY_STEPS * 8, _TINY_STEPS * 8)
        best = best + change
        if np.all(np.abs(change) < _TINY_STEPS / 10):
            break
    return MirrorPlane(float(best[0]), float(best[1]), _cost(differences(*best)))


def _cost(differences_hu: np.ndarray) -> float:
    squares = (differences_hu / _ROBUST_HU) ** 2
    return float(np.mean(squares / (1 + squares)))


def _band_images(stack: AxialStack, axes: BodyAxes, guess: BodyGuess):
    """Return images [y, x] of the bands, and their coordinates in mm."""
    reach_mm = max(_ARCH_HALF_WIDTH_MM, guess.width_mm / 2 + _WALL_MM) + 8
    x_mm = np.arange(-np.ceil(reach_mm), np.ceil(reach_mm) + 1, _STEP_MM)
    y_mm = np.arange(-np.ceil(guess.depth_mm / 2 + _ARCH_DEPTH_MM), np.ceil(guess.depth_mm / 2) + 8, _STEP_MM)
    images = []
    for low, high in _BANDS:
        z_mm = (low + (high - low) * (np.arange(_PLANES) + 0.5) / _PLANES) * guess.height_mm
        points = np.stack(np.meshgrid(z_mm, y_mm, x_mm, indexing="ij")[::-1], axis=-1)
        images.append(np.clip(sample_hu(stack, axes.to_ras_mm(points)), *_HU_RANGE).mean(axis=0))
    return images, x_mm, y_mm


def _seen(places_mm: np.ndarray, guess: BodyGuess, band: int) -> np.ndarray:
    x_mm, y_mm = places_mm.T
    back_mm = -guess.depth_mm / 2
    arch = (y_mm < back_mm + 2) & (x_mm < _ARCH_HALF_WIDTH_MM) & (y_mm > back_mm - _ARCH_DEPTH_MM)
    half = np.array([guess.width_mm, guess.depth_mm]) / 2 + _WALL_MM
    body = ((x_mm / half[0]) ** 2 + (y_mm / half[1]) ** 2 < 1) & (y_mm >= back_mm + 2)
    return arch | body if _BANDS[band][0] > -0.45 else arch


def _looked_up(image: np.ndarray, places_mm: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    index = (places_mm - (x_mm[0], y_mm[0])) / _STEP_MM
    return ndimage.map_coordinates(image, index[:, ::-1].T, order=1, mode="nearest")
