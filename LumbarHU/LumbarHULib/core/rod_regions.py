"""Measure the rods of a phantom in its CT: in cylinders around points or lines, or in a label map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from LumbarHULib.core.calibration import RodSample
from LumbarHULib.core.calibration_phantom import CalibrationPhantom
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class RodLimits:
    """Limits outside which a rod is refused; the values are in Resources/Calibration.

    Parameters
    ----------
    least_voxels : int
        Fewest voxels of a rod.
    air_hu : float
        A mean below this is that of air.
    air_voxel_hu, most_air_share : float
        At most this share of a rod's voxels may be below this value.
    saturated_hu, most_saturated_share : float
        At most this share of a rod's voxels may be at or above this value.
    edge_hu : float
        Largest difference between the outer and the inner half of a cylinder.
    """

    least_voxels: int
    air_hu: float
    air_voxel_hu: float
    most_air_share: float
    saturated_hu: float
    most_saturated_share: float
    edge_hu: float


@dataclass(frozen=True, eq=False)
class RodPlace:
    """Where a rod is.

    Parameters
    ----------
    name : str
    center_ras_mm : numpy.ndarray, shape (3,)
        Middle of the cylinder to measure.
    axis_ras : numpy.ndarray, shape (3,)
        Its direction, of length 1.
    length_mm : float
        Its length.
    """

    name: str
    center_ras_mm: np.ndarray
    axis_ras: np.ndarray
    length_mm: float


@dataclass(frozen=True, eq=False)
class _Cylinder:
    """Voxels of a cylinder: their indices in the CT, shape (n, 3), as (k, j, i), and their distance from the axis."""

    indices_kji: np.ndarray
    distances_mm: np.ndarray


def samples_at(
    ct: CtVolume, places: Sequence[RodPlace], phantom: CalibrationPhantom, radius_mm: float, limits: RodLimits
) -> dict[str, RodSample]:
    """Return what is measured in a cylinder at each rod, by the name in `phantom`.

    Raises
    ------
    InputError
        When a name is unknown or occurs twice, cylinders overlap, or a rod is outside the scan, too small, off its
        middle, or filled with air or saturated.
    """
    cylinders: dict[str, _Cylinder] = {}
    for place in places:
        name = _known_name(place.name, phantom)
        if name in cylinders:
            raise InputError(f"The rod {name} is marked twice: keep one of the marks.")
        cylinders[name] = _cylinder(ct, name, place, radius_mm)
    _require_apart(cylinders, radius_mm)
    samples = {}
    for name, cylinder in cylinders.items():
        values_hu = ct.voxels_hu[tuple(cylinder.indices_kji.T)].astype(float)
        _require_scanned(ct, name, values_hu, cylinder.indices_kji[:, 0])
        samples[name] = _sample(name, values_hu, limits, phantom.is_phantomless)
        outer = cylinder.distances_mm > radius_mm / np.sqrt(2)
        if outer.any() and not outer.all():
            difference_hu = float(values_hu[outer].mean() - values_hu[~outer].mean())
            if abs(difference_hu) > limits.edge_hu:
                raise InputError(
                    f"The cylinder at the rod {name} leaves the rod: its outer half differs by {difference_hu:+.0f} HU "
                    f"from its inner half (limit {limits.edge_hu:g} HU): place the mark in the middle of the rod, or "
                    f"choose a radius below {radius_mm:g} mm."
                )
    return samples


def samples_of_labels(
    ct: CtVolume, labels: np.ndarray, phantom: CalibrationPhantom, limits: RodLimits
) -> dict[str, RodSample]:
    """Return what is measured under each label of a label map on the CT's grid, by the rod's name.

    Parameters
    ----------
    ct : CtVolume
    labels : numpy.ndarray, shape (K, J, I)
        Whole numbers; 0 is background.
    phantom : CalibrationPhantom
    limits : RodLimits

    Raises
    ------
    InputError
        When a rod of the phantom has no label value, the map contains another value, or a rod is too small, filled with
        air or saturated.
    """
    without = [rod.name for rod in phantom.rods if rod.label_value is None]
    if without:
        raise InputError(
            f"The rod {without[0]} of “{phantom.name}” has no label_value, by which a label map is read: add it to the "
            "phantom file."
        )
    names = {rod.label_value: rod.name for rod in phantom.rods}
    found = [int(value) for value in np.unique(labels[labels != 0])]
    unknown = [value for value in found if value not in names]
    if unknown or not found:
        listed = ", ".join(f"{value} for {name}" for value, name in names.items())
        wrong = f"contains the value {unknown[0]}" if unknown else "is empty"
        raise InputError(f"The label map {wrong}, but “{phantom.name}” has {listed}: correct the map or the file.")
    samples = {}
    for value in found:
        inside = labels == value
        values_hu = ct.voxels_hu[inside].astype(float)
        _require_scanned(ct, names[value], values_hu, np.nonzero(inside)[0])
        samples[names[value]] = _sample(names[value], values_hu, limits, phantom.is_phantomless)
    return samples


def _known_name(name: str, phantom: CalibrationPhantom) -> str:
    rod = phantom.rod(name)
    if rod is None:
        raise InputError(
            f"“{name}” is not a rod of “{phantom.name}”: name each mark after its rod, one of "
            f"{', '.join(rod.name for rod in phantom.rods)}."
        )
    return rod.name


def _cylinder(ct: CtVolume, name: str, place: RodPlace, radius_mm: float) -> _Cylinder:
    ijk_from_ras = np.linalg.inv(ct.ras_from_ijk)
    # The box around the cylinder in indices, from the corners of a box around it in RAS.
    reach_mm = np.abs(place.axis_ras) * place.length_mm / 2 + radius_mm
    signs = np.array([[r, a, s] for r in (-1, 1) for a in (-1, 1) for s in (-1, 1)])
    corners = (place.center_ras_mm + signs * reach_mm) @ ijk_from_ras[:3, :3].T + ijk_from_ras[:3, 3]
    first, last = np.ceil(corners.min(axis=0)).astype(int), np.floor(corners.max(axis=0)).astype(int)
    shape_ijk = np.array(ct.voxels_hu.shape[::-1])
    center_ijk = ijk_from_ras[:3, :3] @ place.center_ras_mm + ijk_from_ras[:3, 3]
    if np.any(center_ijk < -0.5) or np.any(center_ijk > shape_ijk - 0.5):
        raise InputError(f"The rod {name} is outside the scan: place its mark in the CT of the phantom.")
    grids = np.meshgrid(*(np.arange(low, high + 1) for low, high in zip(first, last, strict=True)), indexing="ij")
    indices_ijk = np.stack([grid.ravel() for grid in grids], axis=1)
    offsets_mm = indices_ijk @ ct.ras_from_ijk[:3, :3].T + ct.ras_from_ijk[:3, 3] - place.center_ras_mm
    along_mm = offsets_mm @ place.axis_ras
    distances_mm = np.linalg.norm(offsets_mm - along_mm[:, None] * place.axis_ras, axis=1)
    inside = (np.abs(along_mm) <= place.length_mm / 2) & (distances_mm <= radius_mm)
    indices_ijk, distances_mm = indices_ijk[inside], distances_mm[inside]
    outside = np.any((indices_ijk < 0) | (indices_ijk >= shape_ijk), axis=1)
    if outside.any():
        raise InputError(
            f"{100 * outside.mean():.0f} % of the cylinder at the rod {name} is outside the scan: move its mark, or "
            f"choose a length below {place.length_mm:g} mm."
        )
    return _Cylinder(indices_ijk[:, ::-1], distances_mm)


def _require_apart(cylinders: Mapping[str, _Cylinder], radius_mm: float) -> None:
    voxels = {name: set(map(tuple, cylinder.indices_kji.tolist())) for name, cylinder in cylinders.items()}
    for first, second in combinations(voxels, 2):
        if shared := len(voxels[first] & voxels[second]):
            raise InputError(
                f"The cylinders at the rods {first} and {second} overlap in {shared} voxels: place each mark in its "
                f"own rod, or choose a radius below {radius_mm:g} mm."
            )


def _require_scanned(ct: CtVolume, name: str, values_hu: np.ndarray, stored_slices: np.ndarray) -> None:
    if ct.padding_hu is None:
        return
    low_hu, high_hu = ct.padding_hu[stored_slices].T
    share = float(np.mean((values_hu >= low_hu) & (values_hu <= high_hu)))
    if share > 0:
        raise InputError(
            f"{100 * share:.0f} % of the rod {name} was not scanned (padding): use a CT with the whole phantom in its "
            "field of view."
        )


def _sample(name: str, values_hu: np.ndarray, limits: RodLimits, is_tissue: bool) -> RodSample:
    if values_hu.size < limits.least_voxels:
        raise InputError(
            f"The rod {name} has {values_hu.size} voxels, fewer than {limits.least_voxels}: choose a larger radius or "
            "length, or draw a larger label."
        )
    mean_hu = float(values_hu.mean())
    saturated = float(np.mean(values_hu >= limits.saturated_hu))
    if saturated > limits.most_saturated_share:
        raise InputError(
            f"{100 * saturated:.0f} % of the rod {name} is saturated, at or above {limits.saturated_hu:g} HU (mean "
            f"{mean_hu:.0f} HU): check that its mark is in a rod and not in metal."
        )
    air = float(np.mean(values_hu < limits.air_voxel_hu))
    # Air is one of the tissues of a phantomless calibration.
    if not is_tissue and (mean_hu < limits.air_hu or air > limits.most_air_share):
        raise InputError(
            f"The rod {name} contains air: its mean is {mean_hu:.0f} HU, and {100 * air:.0f} % of its voxels are below "
            f"{limits.air_voxel_hu:g} HU: check its mark, and that the rod is filled."
        )
    return RodSample(mean_hu, float(values_hu.std(ddof=1)), int(values_hu.size))
