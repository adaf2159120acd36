"""Voxels that were not scanned: declared as padding by the file's headers, or filled with one value by a program.

Such voxels hold no measurement, whatever their value is. They are left out of every region, and the region says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.label_maps import trimmed_mask
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import RoiMask, RoiResult

# In the noise of a scan, so many pixels of exactly one value never lie together: see Testing/Python/core.
_FEWEST_FILLED = 25
# In an image without noise, as a rendered one, they do. It is known by patches of other values around, or by its
# neighbors, a large share of which are equal.
_EQUAL_NEIGHBORS_MAX = 0.25
# Around the regions, so far that soft tissue is seen.
_MARGIN_MM = 15.0

# A region that lacks less is told of mildly.
_SEVERE_SHARE = 0.01

_Box = tuple[slice, ...]


def not_scanned_in(stack: AxialStack, box: _Box, protocol: Protocol) -> np.ndarray:
    """Return which voxels of a box of the stack were not scanned, as an array of bool of the box's shape."""
    margins = (0, *(int(np.ceil(_MARGIN_MM / spacing_mm)) for spacing_mm in stack.pixel_spacings_mm[::-1]))
    wide = tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size, margin in zip(box, stack.voxels_hu.shape, margins, strict=True)
    )
    inner = tuple(
        slice(part.start - around.start, part.stop - around.start) for part, around in zip(box, wide, strict=True)
    )
    values_hu = stack.voxels_hu[wide]
    missing = _filled(values_hu, inner, protocol)
    if stack.padding_hu is not None:
        low_hu, high_hu = (limits[wide] for limits in stack.padding_hu)
        missing |= (values_hu >= low_hu) & (values_hu <= high_hu)  # NaN, which declares nothing, holds no value
    return missing[inner]


def without_unscanned(stack: AxialStack, masks: Mapping[str, RoiMask], protocol: Protocol) -> dict[str, RoiMask]:
    """Return the regions without the voxels that were not scanned; each counts those that it lost.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    masks : mapping of str to RoiMask
        By region.
    protocol : Protocol

    Raises
    ------
    InputError
        When a region lacks more than the protocol allows.
    """
    starts = np.min([mask.offset_kji for mask in masks.values()], axis=0)
    stops = np.max([np.add(mask.offset_kji, mask.inside.shape) for mask in masks.values()], axis=0)
    box = tuple(slice(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True))
    missing = not_scanned_in(stack, box, protocol)
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


def require_scanned(level: str, masks: Mapping[str, RoiMask], protocol: Protocol) -> None:
    """Raise InputError where a region of a level lacks more than the protocol allows."""
    for roi, mask in masks.items():
        if mask.not_scanned_share > protocol.not_scanned_share_max:
            raise InputError(
                f"Of the {roi} ROI of {level} {100 * mask.not_scanned_share:.0f} % of the voxels were not scanned, "
                f"more than {100 * protocol.not_scanned_share_max:g} %: use a CT that shows the whole body, or exclude "
                f"{level}.",
                level,
            )


def not_scanned_findings(measured: RoiResult) -> tuple[Finding, ...]:
    """Return how much of a region was not scanned."""
    share = measured.mask.not_scanned_share
    if not share:
        return ()
    return (
        Finding(
            "padding_in_roi",
            f"Of the {measured.roi} ROI of {measured.level} {_percent(share)} of the voxels "
            f"({measured.mask.not_scanned}) were not scanned: the CT holds padding or one constant value there. The "
            "numbers are those of the rest.",
            "Use a CT that shows the whole body, or exclude the level.",
            "severe" if share >= _SEVERE_SHARE else "warning",
            measured.level,
            measured.roi,
        ),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= _SEVERE_SHARE else f"{100 * share:.1f} %"


def _filled(values_hu: np.ndarray, inner: _Box, protocol: Protocol) -> np.ndarray:
    """Return which voxels lie in a patch of exactly one value, in an image that has noise around it."""
    filled = np.zeros(values_hu.shape, dtype=bool)
    along_i = values_hu[:, :, 1:] == values_hu[:, :, :-1]
    along_j = values_hu[:, 1:] == values_hu[:, :-1]
    squares = along_i[:, 1:] & along_i[:, :-1] & along_j[:, :, 1:]
    if np.count_nonzero(squares[inner]) < _FEWEST_FILLED // 3:
        return filled
    values = set()
    for k, value, patch in _patches(values_hu, squares):
        values.add(value)
        if value < protocol.plausible_voxel_max_hu:  # above it is metal, clipped
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
    """Yield slice, value and pixels of the patches of one value."""
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
