"""Find a vertebra's plane of symmetry: the plane about which body, canal and arch match their mirror image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.placement.body_box import BodyAxes, sample_box_hu
from LumbarHULib.placement.body_guess import BodyGuess

_STEP_MM = 1.0

# Interpolation between pixels averages out noise, which would favor planes that do not map pixels onto pixels. In
# images blurred by this many pixels (one standard deviation), no plane is favored.
_BLUR = 1.0

# The CT is averaged over these fractions of the body's height, which removes noise and keeps edges: pedicles above,
# foramina below, laminae and spinous process below the body's lower half.
_BANDS = ((0.02, 0.4), (-0.4, -0.02), (-0.85, -0.45))
_PLANES = 5

# The part of a vertebra that is compared: the body with its walls, and behind it the canal and the arch.
_WALL_MM = 3.0
_BACK_MM = 2.0
_ARCH_DEPTH_MM = 38.0
_ARCH_HALF_WIDTH_MM = 27.0

# HU range from fat to cortex; contrast beyond it does not make an edge more precise.
_HU_RANGE = (-100.0, 450.0)
# Where the sides differ by more, an osteophyte, a vessel or a screw is on one side.
_ROBUST_HU = 90.0

_SEARCH_DEG = np.arange(-24.0, 25.0, 4.0)
_SEARCH_MM = np.arange(-6.0, 7.0, 2.0)
_COARSE = 3
_ITERATIONS = 12
_TINY_STEPS = np.array([0.1, 0.25])
_LARGEST_STEPS = 8 * _TINY_STEPS


@dataclass(frozen=True)
class MirrorPlane:
    """A plane of symmetry in a body's coordinates, parallel to z.

    Parameters
    ----------
    offset_mm : float
        Where it crosses the x axis.
    angle_deg : float
        Angle from y toward x.
    unlike : float
        Difference of the two sides, from 0 (mirror images) to 1.
    body_off_mm, body_off_deg : float
        Distance, at the body's center, and angle from this plane to the plane of symmetry of the body alone, positive
        toward the body's left.
    """

    offset_mm: float
    angle_deg: float
    unlike: float
    body_off_mm: float
    body_off_deg: float


def mirror_plane(stack: AxialStack, axes: BodyAxes, guess: BodyGuess, near: bool = False) -> MirrorPlane:
    """Return the plane about which the CT around a body best matches its mirror image.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    axes : BodyAxes
        The body's approximate axes.
    guess : BodyGuess
        For the body's size.
    near : bool
        Whether the plane is known to be near x = 0; otherwise it is searched within several mm and degrees.
    """
    from scipy import ndimage

    images, x_mm, y_mm = _band_images(stack, axes, guess)
    blurred = [ndimage.gaussian_filter(image, _BLUR) for image in images]
    places = np.stack(np.meshgrid(x_mm[x_mm > 0], y_mm), axis=-1).reshape(-1, 2)
    arch, body = _seen(places, guess)
    whole = [places[arch | body], places[arch | body], places[arch]]

    def differences(
        chosen: list[np.ndarray], planes: np.ndarray, step: int = 1, among: Sequence[np.ndarray] = blurred
    ) -> np.ndarray:
        """Return the difference in HU between points and their mirror images, one row for each plane."""
        offset_mm, angle = planes[:, 0], np.radians(planes[:, 1])
        across = np.column_stack([np.cos(angle), -np.sin(angle)])[:, None]
        along = np.column_stack([np.sin(angle), np.cos(angle)])[:, None]
        result = []
        for image, band_points in zip(among, chosen, strict=False):
            middle = np.column_stack([offset_mm, np.zeros(len(planes))])[:, None] + band_points[::step, 1:] * along
            away = band_points[::step, :1] * across
            left_hu, right_hu = _looked_up(image, np.stack([middle + away, middle - away]), x_mm, y_mm)
            result.append(left_hu - right_hu)
        return np.concatenate(result, axis=1)

    start = np.zeros(2)
    if not near:
        tries = np.array([(offset, angle) for offset in _SEARCH_MM for angle in _SEARCH_DEG])
        start = tries[np.argmin(_cost(differences(whole, tries, _COARSE)))]
    best = _settled(lambda planes: differences(whole, planes), start)
    # The original images are used here: a body alone is nearly round, so without its sharp edges its plane turns by
    # degrees. The protocol's limit on the difference of the sides was also determined in the original images.
    alone = _settled(lambda planes: differences([places[body], places[body]], planes, among=images), best)
    unlike = float(_cost(differences(whole, best[None], among=images))[0])
    offset_mm, angle_deg = best.tolist()
    alone_mm, alone_deg = (alone - best).tolist()
    return MirrorPlane(offset_mm, angle_deg, unlike, alone_mm, alone_deg)


def _settled(differences: Callable[[np.ndarray], np.ndarray], plane: np.ndarray) -> np.ndarray:
    """Return the offset and angle with the smallest differences, by robust Gauss-Newton steps."""
    for _ in range(_ITERATIONS):
        now, *moved = differences(plane + np.vstack([np.zeros(2), np.diag(_TINY_STEPS)]))
        slopes = np.stack([(after - now) / step for after, step in zip(moved, _TINY_STEPS, strict=True)], axis=1)
        pull = slopes.T / (1 + (now / _ROBUST_HU) ** 2) ** 2
        change = -np.linalg.lstsq(pull @ slopes, pull @ now, rcond=None)[0]
        change = np.clip(change, -_LARGEST_STEPS, _LARGEST_STEPS)
        plane = plane + change
        if np.all(np.abs(change) < _TINY_STEPS / 10):
            break
    return plane


def symmetry_findings(level: str, mirror: MirrorPlane, values: PlacementValues) -> tuple[Finding, ...]:
    """Return a finding where the two sides differ too much, or body and arch have different planes of symmetry."""
    off_mm, off_deg = abs(mirror.body_off_mm), abs(mirror.body_off_deg)
    if mirror.unlike > values.unlike:
        sentence = f"The two sides of {level} differ by {mirror.unlike:.2f} on a scale from 0 to 1, more than "
        sentence += f"{values.unlike:g}"
    elif off_mm > values.symmetry_mm or off_deg > values.symmetry_deg:
        sentence = f"The plane of symmetry of {level}'s body alone differs by {off_mm:.1f} mm and {off_deg:.1f}° from "
        sentence += f"that of body, canal and arch, more than {values.symmetry_mm:g} mm or "
        sentence += f"{values.symmetry_deg:g}°"
    else:
        return ()
    remedy = "Check in the images that the midline halves the body."
    return (Finding("symmetry_doubtful", f"{sentence}.", remedy, "warning", level),)


def _cost(differences_hu: np.ndarray) -> np.ndarray:
    """Return the difference of the sides, 0 to 1, for each row of differences in HU."""
    squares = (differences_hu / _ROBUST_HU) ** 2
    return np.mean(squares / (1 + squares), axis=-1)


def _band_images(
    stack: AxialStack, axes: BodyAxes, guess: BodyGuess
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return images [y, x] of the bands, and their coordinates in mm."""
    reach_mm = max(_ARCH_HALF_WIDTH_MM, guess.width_mm / 2 + _WALL_MM) + 8
    x_mm = np.arange(-np.ceil(reach_mm), np.ceil(reach_mm) + 1, _STEP_MM)
    y_mm = np.arange(-np.ceil(guess.depth_mm / 2 + _ARCH_DEPTH_MM), np.ceil(guess.depth_mm / 2) + 8, _STEP_MM)
    images = []
    for low, high in _BANDS:
        apart_mm = (high - low) / _PLANES * guess.height_mm
        first_mm = x_mm[0], y_mm[0], low * guess.height_mm + apart_mm / 2
        steps_mm = _STEP_MM, _STEP_MM, apart_mm
        box_hu = sample_box_hu(stack, axes, first_mm, steps_mm, (_PLANES, len(y_mm), len(x_mm)))
        images.append(np.clip(box_hu, *_HU_RANGE).mean(axis=0))
    return images, x_mm, y_mm


def _seen(places_mm: np.ndarray, guess: BodyGuess) -> tuple[np.ndarray, np.ndarray]:
    """Return which points are in the region of the arch, and which in that of the body."""
    x_mm, y_mm = places_mm.T
    back_mm = -guess.depth_mm / 2 + _BACK_MM
    half = np.array([guess.width_mm, guess.depth_mm]) / 2 + _WALL_MM
    arch = (y_mm < back_mm) & (x_mm < _ARCH_HALF_WIDTH_MM) & (y_mm > back_mm - _ARCH_DEPTH_MM)
    body = (y_mm >= back_mm) & ((x_mm / half[0]) ** 2 + (y_mm / half[1]) ** 2 < 1)
    return arch, body


def _looked_up(image: np.ndarray, places_mm: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    index = (places_mm - (x_mm[0], y_mm[0])) / _STEP_MM
    return ndimage.map_coordinates(image, np.moveaxis(index[..., ::-1], -1, 0), order=1, mode="nearest")
