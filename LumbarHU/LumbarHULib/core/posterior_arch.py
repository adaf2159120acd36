"""Recognize a vertebral body by what is behind it: two pedicles, the canal between them, and foramina below."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.protocol_values import PlacementValues

# The sampled box, in mm: to either side of the plane of symmetry, and behind the posterior wall.
_HALF_WIDTH_MM, _ACROSS_STEP_MM = 24.0, 1.5
_BEHIND_MM, _DEEP_MM, _BEHIND_STEP_MM = 1.0, 14.0, 1.5
_UP_STEP_MM = 2.0

# Distance of the pedicles from the plane of symmetry; the canal is closer to it, and a little behind the wall.
_PEDICLE_MM = (7.0, 23.0)
_CANAL_HALF_MM, _CANAL_BEHIND_MM = 6.0, (3.0, 9.0)

# Heights from mid-height, in units of the body's height: of the pedicles and of the foramina. The heights with the
# least bone, this many, count as the foramina.
_PEDICLES = (0.0, 0.4)
_FORAMINA = (-0.9, -0.2)
_BAREST = 2
_CANAL = (-0.2, 0.5)

# Bone is denser than contrast-filled veins and cord. A plane counts where at least this share of it is in the CT.
_BONE_HU = 200.0
_IN_CT_MIN = 0.8


@dataclass(frozen=True)
class PosteriorArch:
    """The structures behind a vertebral body in the CT.

    Parameters
    ----------
    pedicles : float
        Share of the rows behind the posterior wall, 0 to 1, that cross bone on both sides at the height of the
        pedicles.
    foramina : float
        The same share at the heights below with the least bone, where the foramina open; 0 where the CT ends above
        them.
    canal_hu : float
        Mean HU behind the middle of the posterior wall.
    """

    pedicles: float
    foramina: float
    canal_hu: float

    def is_of_vertebra(self, values: PlacementValues) -> bool:
        """Whether there are two pedicles, foramina below them, and a canal without bone or contrast medium."""
        return (
            self.pedicles >= values.pedicles_min
            and self.pedicles - self.foramina >= values.foramina_min
            and self.canal_hu <= values.canal_max_hu
        )


def posterior_arch(
    stack: AxialStack,
    center_ras_mm: np.ndarray,
    up_ras: np.ndarray,
    anterior_ras: np.ndarray,
    height_mm: float,
    depth_mm: float,
) -> PosteriorArch | None:
    """Return the structures behind a vertebral body; None where the CT does not cover them.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    center_ras_mm : array_like, shape (3,)
        The body's center.
    up_ras, anterior_ras : array_like, shape (3,)
        Unit vectors; the second in the plane of symmetry, roughly perpendicular to the first.
    height_mm, depth_mm : float
        Height and depth of the body, each to within a few mm.
    """
    from scipy import ndimage

    x = np.arange(-_HALF_WIDTH_MM, _HALF_WIDTH_MM + _ACROSS_STEP_MM / 2, _ACROSS_STEP_MM)
    y = -depth_mm / 2 - np.arange(_BEHIND_MM, _DEEP_MM, _BEHIND_STEP_MM)
    z = np.arange(_FORAMINA[0] * height_mm, _CANAL[1] * height_mm + _UP_STEP_MM, _UP_STEP_MM)
    up = np.asarray(up_ras, dtype=float)
    anterior = np.asarray(anterior_ras) - (np.asarray(anterior_ras) @ up) * up
    anterior = anterior / np.linalg.norm(anterior)
    left = np.cross(up, anterior)
    across, behind, above = np.meshgrid(x, y, z, indexing="ij")
    points = np.asarray(center_ras_mm) + np.stack([across, behind, above], axis=-1) @ np.stack([left, anterior, up])
    ijk = stack.to_ijk(points.reshape(-1, 3))
    last = np.array(stack.voxels_hu.shape[::-1]) - 1
    in_ct = np.all((ijk >= -0.5) & (ijk <= last + 0.5), axis=1).reshape(across.shape).mean(axis=(0, 1)) > _IN_CT_MIN
    if not np.all(in_ct[_within(z, _PEDICLES, height_mm)]):
        return None
    low = np.clip(np.floor(ijk.min(axis=0)).astype(int), 0, last)
    high = np.clip(np.ceil(ijk.max(axis=0)).astype(int), low, last)
    crop = stack.voxels_hu[low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1].astype(np.float32)
    hu = ndimage.map_coordinates(crop, (ijk - low)[:, ::-1].T, order=1, mode="nearest").reshape(across.shape)

    is_bone = hu > _BONE_HU
    near, far = _PEDICLE_MM
    sides = [is_bone[(side * x > near) & (side * x < far)].any(axis=0).mean(axis=0) for side in (-1, 1)]
    both = np.minimum(*sides)
    canal = (-y - depth_mm / 2 >= _CANAL_BEHIND_MM[0]) & (-y - depth_mm / 2 <= _CANAL_BEHIND_MM[1])
    in_canal = hu[np.abs(x) < _CANAL_HALF_MM][:, canal]
    barest = np.sort(both[_within(z, _FORAMINA, height_mm) & in_ct])[:_BAREST]
    return PosteriorArch(
        float(both[_within(z, _PEDICLES, height_mm)].mean()),
        float(barest.mean()) if len(barest) else 0.0,
        float(in_canal[..., _within(z, _CANAL, height_mm) & in_ct].mean()),
    )


def _within(z_mm: np.ndarray, parts: tuple[float, float], height_mm: float) -> np.ndarray:
    return (z_mm >= parts[0] * height_mm - 1e-6) & (z_mm <= parts[1] * height_mm + 1e-6)
