"""Read label maps: those of an audit folder, manually corrected ones, or a DICOM Segmentation object."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.label_maps import trimmed_mask
from LumbarHULib.core.levels import LABEL_VALUES, LEVELS, ROIS
from LumbarHULib.core.results import RoiMask
from LumbarHULib.files.suggest_subfolder import suggest_subfolder
from LumbarHULib.images.ct_identity import GEOMETRY_TOLERANCE_MM, largest_offset_mm
from LumbarHULib.images.dicom_file import is_dicom
from LumbarHULib.images.dicom_segments import read_dicom_segments
from LumbarHULib.images.sitk_file import read_with_sitk

# By level, then by region.
RegionMasks = dict[str, dict[str, RoiMask]]


def read_label_maps(path: Path, ct: CtVolume, stack: AxialStack) -> RegionMasks:
    """Read the regions' voxels.

    Parameters
    ----------
    path : pathlib.Path
        A folder with ``round.nrrd`` … ``left.nrrd`` (or some of them), one such file, or a DICOM Segmentation object
        with segments named like “L1 round”.
    ct : CtVolume
        Their CT, as stored.
    stack : AxialStack
        The same CT in canonical axis order.

    Returns
    -------
    dict of str to dict of str to RoiMask
        By level and region; each mask is a crop of `stack`.

    Raises
    ------
    InputError
        If there is nothing to read, the grid differs from the CT's, or a label is not a level's.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder “{path}”: check the path.")
    masks: RegionMasks = {}
    for level, roi, inside, offset_kji in _found(path, ct):
        if inside.any():
            trimmed = trimmed_mask(inside, offset_kji)
            masks.setdefault(level, {})[roi] = RoiMask(*stack.canonical_crop(trimmed.inside, trimmed.offset_kji))
    if not masks:
        raise InputError(f"The label maps in “{path.name}” are empty: choose the label maps of this CT.")
    return masks


def without_unchanged(masks: RegionMasks, measured: Mapping[str, Mapping[str, RoiMask]]) -> RegionMasks:
    """Return those of `masks` that differ from the measured ones; the others have not been edited."""
    return {
        level: {roi: mask for roi, mask in level_masks.items() if not _same(mask, measured.get(level, {}).get(roi))}
        for level, level_masks in masks.items()
    }


def check_places(called: str, masks: RegionMasks, measured: Mapping[str, Mapping[str, RoiMask]]) -> None:
    """Raise InputError if a label map overlaps another region or level more than the one it is named after.

    Parameters
    ----------
    called : str
        Name of the label maps in messages.
    masks : dict of str to dict of str to RoiMask
        The masks that were read, by level and region.
    measured : mapping of str to mapping of str to RoiMask
        The same masks, computed from the markups.

    Raises
    ------
    InputError
        If left and right are exchanged, a map belongs to another level, or it is elsewhere.
    """
    given = {(level, roi): mask for level, level_masks in masks.items() for roi, mask in level_masks.items()}
    own = {(level, roi): mask for level, level_masks in measured.items() for roi, mask in level_masks.items()}
    for (level, roi), mask in given.items():
        if (level, roi) not in own:
            continue
        shares = {key: _shared(mask, other) for key, other in own.items()}
        likest = max(shares, key=lambda key: shares[key])
        if shares[likest] > shares[level, roi]:
            other = f"the {likest[1]} ROI of {likest[0]}" if likest[0] != level else f"the {likest[1]} ROI"
            raise InputError(
                f"The {roi} ROI of {level} in “{called}” shares {_percent(shares[likest])} of its voxels with {other} "
                f"from the markups, but {_percent(shares[level, roi])} with its own: check that left and right, "
                "regions and levels are not exchanged.",
                level,
            )
        if not shares[level, roi]:
            raise InputError(
                f"The {roi} ROI of {level} in “{called}” shares no voxel with the region from the markups: choose the "
                "label maps of these markups, or move the midline.",
                level,
            )


def _shared(first: RoiMask, second: RoiMask) -> float:
    """Return the overlap of two masks as their Jaccard index."""
    starts = np.maximum(first.offset_kji, second.offset_kji)
    stops = np.minimum(*(np.add(mask.offset_kji, mask.inside.shape) for mask in (first, second)))
    if np.any(starts >= stops):
        return 0.0
    crops = [
        mask.inside[tuple(slice(a - o, b - o) for a, b, o in zip(starts, stops, mask.offset_kji, strict=True))]
        for mask in (first, second)
    ]
    both = int(np.count_nonzero(crops[0] & crops[1]))
    return both / (int(np.count_nonzero(first.inside)) + int(np.count_nonzero(second.inside)) - both)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _same(first: RoiMask, second: RoiMask | None) -> bool:
    return second is not None and first.offset_kji == second.offset_kji and np.array_equal(first.inside, second.inside)


def _found(path: Path, ct: CtVolume) -> Iterator[tuple[str, str, np.ndarray, tuple[int, int, int]]]:
    """Yield level, region, voxels in the CT's stored order, and the index of the first voxel."""
    if path.is_file() and is_dicom(path):
        yield from read_dicom_segments(path, ct)
        return
    files = _files_in(path) if path.is_dir() else [path]
    if not files and (advice := suggest_subfolder(path, lambda folder: bool(_files_in(folder)))):
        raise InputError(f"“{path.name}” contains no label map of a region: {advice}")
    if not files or files[0].stem not in ROIS:
        raise InputError(
            f"“{path.name}” contains no label map of a region: choose a folder with {ROIS[0]}.nrrd and so on, one of "
            "these files, or a DICOM Segmentation object."
        )
    for file in files:
        labels = _read_labels(file, ct)
        if not labels.any():
            raise InputError(
                f"“{file.name}” contains no voxel of any level: draw the region, or remove the file to measure the "
                "region from the markups."
            )
        for level in LEVELS:
            yield level, file.stem, labels == LABEL_VALUES[level], (0, 0, 0)


def _files_in(folder: Path) -> list[Path]:
    return [folder / f"{roi}.nrrd" for roi in ROIS if (folder / f"{roi}.nrrd").exists()]


def _read_labels(file: Path, ct: CtVolume) -> np.ndarray:
    labels, ras_from_ijk, _ = read_with_sitk(file)
    if (
        labels.shape != ct.voxels_hu.shape
        or largest_offset_mm(ras_from_ijk, ct.ras_from_ijk, labels.shape) > GEOMETRY_TOLERANCE_MM
    ):
        raise InputError(f"“{file.name}” is not on the CT's grid: resample it to the CT, or choose its own CT.")
    strange = sorted(set(np.unique(labels).tolist()) - {0, *LABEL_VALUES.values()})
    if strange:
        raise InputError(
            f"“{file.name}” contains the label value {strange[0]:g}: use {LABEL_VALUES[LEVELS[0]]} for {LEVELS[0]} to "
            f"{LABEL_VALUES[LEVELS[-1]]} for {LEVELS[-1]}."
        )
    return labels
