"""The voxel grid of a phantom CT."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular grid of slices.

    Parameters
    ----------
    shape_kji : tuple of int
        Slices, rows, columns.
    ras_from_ijk : (4, 4) array
        From voxel indices (voxel centers) to RAS mm. The columns of i and j are perpendicular; that of k may be
        sheared, as with a tilted gantry.
    thickness_mm : float, optional
        Slice thickness along the normal; by default the distance between slices.
    """

    shape_kji: tuple[int, int, int]
    ras_from_ijk: np.ndarray
    thickness_mm: float | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.ras_from_ijk, dtype=float)
        matrix.setflags(write=False)
        object.__setattr__(self, "ras_from_ijk", matrix)
        object.__setattr__(self, "shape_kji", tuple(int(count) for count in self.shape_kji))
        if len(self.shape_kji) != 3 or min(self.shape_kji) < 1:
            raise InputError(f"A grid of {self.shape_kji} voxels cannot be rendered: give three numbers of at least 1.")
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
            raise InputError("The grid's matrix is not an invertible 4 × 4 matrix: give ras_from_ijk.")
        step_i, step_j = matrix[:3, 0], matrix[:3, 1]
        if abs(step_i @ step_j) > 1e-6 * np.linalg.norm(step_i) * np.linalg.norm(step_j):
            raise InputError("The grid's rows and columns are not perpendicular: shear only the slice axis.")
        if self.thickness_mm is None:
            object.__setattr__(self, "thickness_mm", self.slice_spacing_mm)
        if not self.slice_thickness_mm > 0:
            raise InputError(f"A slice thickness of {self.thickness_mm} mm cannot be rendered: give more than 0 mm.")

    @property
    def normal_ras(self) -> np.ndarray:
        """Return the (3,) unit normal of the slices, in the direction of increasing k."""
        step_i, step_j, step_k = self.ras_from_ijk[:3, :3].T
        normal = np.cross(step_i, step_j)
        normal /= np.linalg.norm(normal)
        return normal if normal @ step_k > 0 else -normal

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Return the spacing along i and along j."""
        along_i, along_j = (float(np.linalg.norm(self.ras_from_ijk[:3, axis])) for axis in (0, 1))
        return along_i, along_j

    @property
    def slice_spacing_mm(self) -> float:
        """Return the distance between neighboring slice planes, along their normal."""
        return float(self.normal_ras @ self.ras_from_ijk[:3, 2])

    @property
    def slice_thickness_mm(self) -> float:
        """Return the slice thickness along the normal: the distance between slices where none is given."""
        return self.slice_spacing_mm if self.thickness_mm is None else self.thickness_mm

    def slice_origin_ras(self, k: float) -> np.ndarray:
        """Return the (3,) center of the voxel i = j = 0 of slice `k`, RAS mm."""
        return self.ras_from_ijk[:3, 3] + k * self.ras_from_ijk[:3, 2]

    def slice_of(self, point_ras_mm: np.ndarray) -> float:
        """Return the index of the slice plane through a point, not rounded."""
        return float(self.normal_ras @ (point_ras_mm - self.ras_from_ijk[:3, 3])) / self.slice_spacing_mm

    def center_ras(self) -> np.ndarray:
        """Return the (3,) center of the volume, RAS mm."""
        middle_ijk = (np.array(self.shape_kji[::-1]) - 1) / 2
        return self.ras_from_ijk[:3, :3] @ middle_ijk + self.ras_from_ijk[:3, 3]

    def rotated(self, axis_ras: ArrayLike, angle_deg: float) -> "Grid":
        """Return the grid of an oblique acquisition, rotated right-handed about its center."""
        from scipy.spatial.transform import Rotation

        axis = np.asarray(axis_ras, dtype=float)
        turn = Rotation.from_rotvec(np.radians(angle_deg) * axis / np.linalg.norm(axis)).as_matrix()
        return self._around_center(turn @ self.ras_from_ijk[:3, :3])

    def sheared(self, gantry_tilt_deg: float) -> "Grid":
        """Return the grid of a tilted gantry: slices rotate about their rows, while the table still moves along k."""
        step_i, _, step_k = self.ras_from_ijk[:3, :3].T
        tilted = self.rotated(step_i, gantry_tilt_deg)
        return self._around_center(np.column_stack([step_i, tilted.ras_from_ijk[:3, 1], step_k]))

    def _around_center(self, steps: np.ndarray) -> "Grid":
        matrix = np.eye(4)
        matrix[:3, :3] = steps
        middle_ijk = (np.array(self.shape_kji[::-1]) - 1) / 2
        matrix[:3, 3] = self.center_ras() - steps @ middle_ijk
        return Grid(self.shape_kji, matrix, self.thickness_mm)


def axial_grid(
    center_ras_mm: ArrayLike,
    size_ras_mm: ArrayLike,
    pixel_mm: float,
    slice_mm: float,
    thickness_mm: float | None = None,
) -> Grid:
    """Return an axial grid as scanners store it: i to the patient's left, j backward, k upward.

    Parameters
    ----------
    center_ras_mm, size_ras_mm : (3,) sequences
        Center and extent of the field of view, in the order R, A, S.
    pixel_mm, slice_mm : float
        Pixel spacing and distance between slices.
    """
    steps_mm = np.array([pixel_mm, pixel_mm, slice_mm], dtype=float)
    if not (steps_mm > 0).all():
        raise InputError(f"Pixels of {pixel_mm} mm in slices of {slice_mm} mm cannot be rendered: give more than 0.")
    count_ijk = np.maximum(1, np.rint(np.asarray(size_ras_mm, dtype=float) / steps_mm).astype(int))
    matrix = np.diag([-pixel_mm, -pixel_mm, slice_mm, 1.0])
    matrix[:3, 3] = np.asarray(center_ras_mm, dtype=float) - matrix[:3, :3] @ ((count_ijk - 1) / 2)
    return Grid(tuple(count_ijk[::-1]), matrix, thickness_mm)
