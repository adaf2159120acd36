"""Write and read label maps as NRRD files in the full geometry of their CT.

This module replaces SimpleITK for two reasons. If the disk fills up with the last bytes, SimpleITK 2.5 reports success
for a file that is cut off. And this module holds only one slice in memory, not the volume.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.results import RoiMask
from LumbarHULib.images.packed_slices import PackedSlices, unpacked_slices

_LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])

# A label's value, its pixels in one slice, and the row and column of the first one.
_Crop = tuple[int, np.ndarray, tuple[int, int]]


def write_label_map(
    path: Path, stack: AxialStack, ras_from_ijk: np.ndarray, masks: Iterable[tuple[int, RoiMask]]
) -> None:
    """Write one label map, uint8, compressed, with the same bytes for the same voxels.

    Parameters
    ----------
    path : pathlib.Path
        The .nrrd file.
    stack : AxialStack
        The CT that the masks are crops of.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        Geometry of the CT as stored: from indices (i, j, k) to RAS mm.
    masks : iterable of (int, RoiMask)
        Value and voxels of each label. They must not overlap.

    Raises
    ------
    InputError
        If two labels share a voxel.
    OSError
        If the file cannot be written.
    """
    crops = [(value, *stack.stored_crop(mask.inside, mask.offset_kji)) for value, mask in masks]
    slices, rows, columns = np.array(stack.voxels_hu.shape)[np.argsort(stack.stored_axes)].tolist()
    shape_kji = slices, rows, columns
    with path.open("wb") as stream:
        stream.write(_header(shape_kji, ras_from_ijk))
        packed = PackedSlices(stream, shape_kji[1] * shape_kji[2])
        before: list[_Crop] = []
        content, begin, end = packed.empty, 0, 0
        for k in range(shape_kji[0]):
            here = [
                (value, crop[k - offset[0]], offset[1:])
                for value, crop, offset in crops
                if offset[0] <= k < offset[0] + crop.shape[0]
            ]
            # Most regions are the same in all slices of their level.
            if here and not _are_same(here, before):
                content, before = _slice((rows, columns), here), here
                begin = columns * min(row for _, _, (row, _) in here)
                end = columns * max(row + len(inside) for _, inside, (row, _) in here)
            if here:
                packed.write(content, begin, end)
            else:
                packed.write(packed.empty)
        packed.close()


def read_label_boxes(
    path: Path, stack: AxialStack, boxes_kji: Sequence[tuple[slice, slice, slice]]
) -> list[np.ndarray]:
    """Return boxes of a label map that `write_label_map` wrote, from the bytes of its file.

    Only one stored slice is in memory at a time, and slices after the last box are not decompressed.

    Parameters
    ----------
    path : pathlib.Path
        The .nrrd file.
    stack : AxialStack
        The CT that the label map is of.
    boxes_kji : sequence of three slices each
        The boxes, in the axis order of `stack`.

    Returns
    -------
    list of numpy.ndarray of uint8
        The labels of each box, in the axis order of `stack`.
    """
    places = []
    for box in boxes_kji:
        labels = np.zeros([part.stop - part.start for part in box], np.uint8)
        places.append(stack.stored_crop(labels, [part.start for part in box]))
    _, rows, columns = np.array(stack.voxels_hu.shape)[np.argsort(stack.stored_axes)]
    end = max(offset[0] + labels.shape[0] for labels, offset in places)
    with path.open("rb") as stream:
        while stream.readline().strip():
            pass
        slices = unpacked_slices(stream.read(), int(rows * columns))
    for k, content in enumerate(islice(slices, end)):
        whole = np.frombuffer(content, np.uint8).reshape(rows, columns)
        for labels, (first, j, i) in places:
            if first <= k < first + labels.shape[0]:
                labels[k - first] = whole[j : j + labels.shape[1], i : i + labels.shape[2]]
    return [stack.canonical_crop(labels, offset)[0] for labels, offset in places]


def _are_same(crops: list[_Crop], others: list[_Crop]) -> bool:
    return len(crops) == len(others) and all(
        (value, corner) == (other_value, other_corner) and np.array_equal(inside, other_inside)
        for (value, inside, corner), (other_value, other_inside, other_corner) in zip(crops, others, strict=True)
    )


def _slice(shape_ji: tuple[int, int], crops: list[_Crop]) -> bytes:
    labels = np.zeros(shape_ji, np.uint8)
    for value, inside, (j, i) in crops:
        part = labels[j : j + inside.shape[0], i : i + inside.shape[1]]
        if np.any(part[inside]):
            taken = part[inside].max()
            first, second = (name for name, level_value in LABEL_VALUES.items() if level_value in (taken, value))
            raise InputError(
                f"The regions of {first} and {second} overlap: place each midline on its own vertebral body."
            )
        part[inside] = value
    return labels.tobytes()


def _header(shape_kji: tuple[int, int, int], ras_from_ijk: np.ndarray) -> bytes:
    steps = [_vector(ras_from_ijk[:3, axis]) for axis in range(3)]
    lines = [
        "NRRD0004",
        "type: unsigned char",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in reversed(shape_kji))}",
        f"space directions: {' '.join(steps)}",
        "kinds: domain domain domain",
        "encoding: gzip",
        f"space origin: {_vector(ras_from_ijk[:3, 3])}",
    ]
    return ("\n".join(lines) + "\n\n").encode("ascii")


def _vector(vector_ras_mm: np.ndarray) -> str:
    return "({})".format(",".join(repr(number) for number in (vector_ras_mm * _LPS_FROM_RAS + 0.0).tolist()))
