"""Voxels that were not scanned: padding declared in the file's headers, or an area that software filled with one value.

Such voxels are not measurements, whatever their value. They are removed from every region, with a finding.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.label_maps import trimmed_mask
from LumbarHULib.core.protocol_values import PlausibleValues
from LumbarHULib.core.results import RoiMask, RoiResult

# In the noise of a scan, this many neighboring pixels never have exactly one value: see Testing/Python/core.
_FEWEST_FILLED = 25
# In an image without noise, such as a rendered one, they do. Such an image also has patches of other values, or a
# larger share of equal neighbors than this.
_EQUAL_NEIGHBORS_MAX = 0.25
# Margin around the regions, wide enough to include soft tissue.
_MARGIN_MM = 15.0

# A region that lacks less than this share gets a warning instead of a severe finding.
_SEVERE_SHARE = 0.01

_Box = tuple[slice, ...]


def not_scanned_in(stack: AxialStack, box: _Box, values: PlausibleValues) -> np.ndarray:
    """Return which voxels in a box of the stack were not scanned, as an array of bool of the box's shape."""
    margins = (0, *(int(np.ceil(_MARGIN_MM / spacing_mm)) for spacing_mm in stack.pixel_spacings_mm[::-1]))
    wide = tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size, margin in zip(box, stack.voxels_hu.shape, margins, strict=True)
    )
    inner = tuple(
        slice(part.start - around.start, part.stop - around.start) for part, around in zip(box, wide, strict=True)
    )
    values_hu = stack.voxels_hu[wide]
    missing = _filled(values_hu, inner, values)
    if stack.padding_hu is not None:
        low_hu, high_hu = (limits[wide] for limits in stack.padding_hu)
        missing |= (values_hu >= low_hu) & (values_hu <= high_hu)  # NaN limits, no declaration, match no value
    return missing[inner]


def without_unscanned(stack: AxialStack, masks: Mapping[str, RoiMask], values: PlausibleValues) -> dict[str, RoiMask]:
    """Return the regions without the voxels that were not scanned; each region counts the voxels that it lost.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    masks : mapping of str to RoiMask
        The regions by name.
    values : PlausibleValues

    Raises
    ------
    InputError
        When a region lacks more than the protocol allows.
    """
    starts = np.min([mask.offset_kji for mask in masks.values()], axis=0)
    stops = np.max([np.add(mask.offset_kji, mask.inside.shape) for mask in masks.values()], axis=0)
    box = tuple(slice(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True))
    missing = not_scanned_in(stack, box, values)
    if not missing.any():
        return dict(masks)
    kept = {}
    for roi, mask in masks.items():
        crop = tuple(
            slice(offset - start, offset - start + size)
            for offset, start, size in zip(mask.offset_kji, starts, mask.inside.shape, strict=True)
        )
        lost = int(np.count_nonzero(mask.inside & missing[crop]))
        kept[roi] = mask
        if lost:
            trimmed = trimmed_mask(mask.inside & ~missing[crop], mask.offset_kji)
            kept[roi] = replace(trimmed, not_scanned=lost)
    return kept


def require_scanned(level: str, masks: Mapping[str, RoiMask], values: PlausibleValues) -> None:
    """Raise InputError where a region of a level lacks more voxels than the protocol allows."""
    for roi, mask in masks.items():
        if mask.not_scanned_share > values.not_scanned_share_max:
            raise InputError(
                f"{100 * mask.not_scanned_share:.0f} % of the voxels of the {roi} ROI of {level} were not scanned, "
                f"more than {100 * values.not_scanned_share_max:g} %: use a CT that shows the whole vertebral body, "
                f"or exclude {level}.",
                level,
            )


def not_scanned_findings(measured: RoiResult) -> tuple[Finding, ...]:
    """Return the finding that part of a region was not scanned; empty where all of it was."""
    share = measured.mask.not_scanned_share
    if not share:
        return ()
    return (
        Finding(
            "padding_in_roi",
            f"{_percent(share)} of the voxels ({measured.mask.not_scanned}) of the {measured.roi} ROI of "
            f"{measured.level} were not scanned: the CT has padding or one constant value there. The numbers are from "
            "the other voxels.",
            "Use a CT that shows the whole vertebral body, or exclude the level.",
            "severe" if share >= _SEVERE_SHARE else "warning",
            measured.level,
            measured.roi,
        ),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= _SEVERE_SHARE else f"{100 * share:.1f} %"


def _filled(values_hu: np.ndarray, inner: _Box, limits: PlausibleValues) -> np.ndarray:
    """Return the voxels in a patch of exactly one value that is surrounded by noise."""
    filled = np.zeros(values_hu.shape, dtype=bool)
    along_i = values_hu[:, :, 1:] == values_hu[:, :, :-1]
    along_j = values_hu[:, 1:] == values_hu[:, :-1]
    squares = along_i[:, 1:] & along_i[:, :-1] & along_j[:, :, 1:]
    if np.count_nonzero(squares[inner]) < _FEWEST_FILLED // 3:
        return filled
    values = set()
    for k, value, patch in _patches(values_hu, squares):
        values.add(value)
        if value < limits.voxel_max_hu:  # a constant value above it is clipped metal
            filled[k] |= patch
    if len(values) > 1:
        filled[:] = False
        return filled
    apart_i, apart_j = ~(filled[:, :, 1:] | filled[:, :, :-1]), ~(filled[:, 1:] | filled[:, :-1])
    pairs = np.count_nonzero(apart_i) + np.count_nonzero(apart_j)
    equal = np.count_nonzero(along_i & apart_i) + np.count_nonzero(along_j & apart_j)
    if not pairs or equal > _EQUAL_NEIGHBORS_MAX * pairs:
        filled[:] = False
    return filled


def _patches(values_hu: np.ndarray, squares: np.ndarray) -> Iterator[tuple[int, float, np.ndarray]]:
    """Yield slice, value and pixels of each patch of one value."""
    from scipy import ndimage

    for k in np.flatnonzero(squares.any(axis=(1, 2))).tolist():
        corners = np.pad(squares[k], ((0, 1), (0, 1)))
        in_squares = corners | np.roll(corners, 1, axis=0) | np.roll(corners, 1, axis=1)
        in_squares |= np.roll(np.roll(corners, 1, axis=0), 1, axis=1)
        values, counts = np.unique(values_hu[k][in_squares], return_counts=True)
        for value in values[counts >= _FEWEST_FILLED]:
            numbers, _ = ndimage.label(in_squares & (values_hu[k] == value))
            sizes = np.bincount(numbers.ravel())
            sizes[0] = 0
            if sizes.max() >= _FEWEST_FILLED:
                yield k, float(value), (sizes >= _FEWEST_FILLED)[numbers]
