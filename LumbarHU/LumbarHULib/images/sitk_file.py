"""Read and write NRRD and MetaImage files with SimpleITK, without its console output."""

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.image_header import read_image_header

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# Messages of SimpleITK's libraries if the data end too early, and if a data file is missing.
_CUT_OFF_WORDS = ("not read completely", "expected", "fread got", "premature", "end of file", "hit eof")
# SimpleITK reads random memory if MetaImage data cannot be decompressed; only this message reveals it.
_DAMAGED_WORDS = "Uncompress failed"
_NO_DATA_WORDS = ("couldn't open", "cannot open data file", "can't open data file")


def read_with_sitk(path: Path) -> tuple[np.ndarray, np.ndarray, bool]:
    """Read the voxels and the geometry of a NRRD or MetaImage file.

    Returns
    -------
    tuple of numpy.ndarray, numpy.ndarray and bool
        Voxels of shape (K, J, I), as stored; the 4 × 4 matrix `ras_from_ijk`; whether the file states its orientation.

    Raises
    ------
    InputError
        If the file cannot be read, or does not have three dimensions and one number per voxel.
    """
    image, states_orientation = read_image_with_sitk(path)
    ras_from_ijk = ras_from_ijk_of(image)
    ras_from_ijk[:3] *= read_image_header(path).unit_mm
    return held_array(image), ras_from_ijk, states_orientation


def read_image_with_sitk(path: Path, layers: bool = False) -> tuple[Any, bool]:
    """Return the SimpleITK image in a NRRD or MetaImage file, and whether the file states its orientation.

    Parameters
    ----------
    path : pathlib.Path
    layers : bool
        Whether several numbers per voxel are allowed, as in a segmentation with overlapping segments.

    Raises
    ------
    InputError
        If the file cannot be read, or does not have three dimensions and one number per voxel (several with `layers`).
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(_file_name(path))
    header = read_image_header(path)
    header.check_values_are_final()
    words: list[str] = []
    try:
        with quiet_console(words):
            reader.ReadImageInformation()
            _check_kind(path, reader, layers)
            header.check_packed_size(_size_bytes(reader))
            image = reader.Execute()
            if image.GetDimension() == 4:  # one frame only: see `_check_kind`
                image = image[:, :, :, 0]
    except RuntimeError as error:
        header.check_compressed_data()
        raise _read_error(path, f"{error} {' '.join(words)}") from error
    if any(_DAMAGED_WORDS in text for text in words):
        raise _read_error(path, _DAMAGED_WORDS)
    header.check_unpacked(held_array(image))
    _convert_las(image, header.las_geometry)
    return image, header.states_orientation


def _convert_las(image: Any, stated: np.ndarray | None) -> None:
    """Convert a geometry in LAS space to LPS, where ITK mirrored the wrong axis, as that of Slicer 5.10 does.

    Parameters
    ----------
    image : SimpleITK.Image
    stated : numpy.ndarray, shape (4, 3), or None
        The header's origin and steps in LAS space; None for a file in another space.
    """
    if stated is None or image.GetDimension() != 3:
        return
    origin, *steps = stated * (1.0, -1.0, 1.0)
    spacings_mm = np.linalg.norm(steps, axis=1)
    direction = (np.array(steps) / spacings_mm[:, None]).T
    if not np.allclose(np.array(image.GetDirection()).reshape(3, 3), direction):
        image.SetDirection(direction.ravel().tolist())
        image.SetOrigin(origin.tolist())


def ras_from_ijk_of(image: Any) -> np.ndarray:
    """Return the 4 × 4 matrix from indices (i, j, k) to RAS mm of a three-dimensional SimpleITK image."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return _LPS_TO_RAS @ matrix + 0.0


def write_with_sitk(path: Path, voxels: np.ndarray, ras_from_ijk: np.ndarray) -> None:
    """Write voxels of shape (K, J, I) and their 4 × 4 geometry, compressed, in the format of the suffix.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    import SimpleITK

    lps_from_ijk = _LPS_TO_RAS @ ras_from_ijk
    spacings_mm = np.linalg.norm(lps_from_ijk[:3, :3], axis=0)
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(spacings_mm.tolist())
    image.SetDirection((lps_from_ijk[:3, :3] / spacings_mm).ravel().tolist())
    image.SetOrigin(lps_from_ijk[:3, 3].tolist())
    try:
        with quiet_console([]):
            SimpleITK.WriteImage(image, _file_name(path), useCompression=True)
    except RuntimeError as error:
        raise InputError(
            f"“{path.name}” cannot be written: check the folder's permissions and the free disk space."
        ) from error


class _ImageBuffer:
    """Keeps the image alive as long as the array: SimpleITK's own view would refer to freed memory."""

    def __init__(self, image: Any, view: np.ndarray) -> None:
        self.image = image
        self.__array_interface__ = view.__array_interface__


def held_array(image: Any) -> np.ndarray:
    """Return the voxels of a SimpleITK image without a copy; the array keeps the image alive."""
    import SimpleITK

    return np.asarray(_ImageBuffer(image, SimpleITK.GetArrayViewFromImage(image)))


@contextmanager
def quiet_console(words: list[str]) -> Iterator[None]:
    """Redirect the stderr output of C++ libraries from the console to `words`."""
    try:
        console = os.dup(2)
    except OSError:  # a program without a console
        yield
        return
    try:
        with tempfile.TemporaryFile() as caught:
            os.dup2(caught.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(console, 2)
                caught.seek(0)
                words.append(caught.read().decode(errors="replace"))
    finally:
        os.close(console)


def _file_name(path: Path) -> str:
    """Return the path as text; SimpleITK aborts the program on a path that is not valid UTF-8."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"The name of “{path}” is not UTF-8: rename the file or folder.") from error
    return str(path)


def _check_kind(path: Path, reader: Any, layers: bool) -> None:
    import SimpleITK

    is_one_frame = reader.GetDimension() == 4 and reader.GetSize()[3] == 1
    if reader.GetDimension() != 3 and not is_one_frame:
        raise InputError(f"“{path.name}” has {reader.GetDimension()} dimensions: choose a volume with three.")
    if reader.GetPixelID() in (SimpleITK.sitkComplexFloat32, SimpleITK.sitkComplexFloat64):
        raise InputError(f"“{path.name}” contains complex numbers, not one value per voxel: choose the original image.")
    components = reader.GetNumberOfComponents()
    if components != 1 and not layers:
        raise InputError(
            f"“{path.name}” has {components} numbers per voxel, such as colors, not one: choose the original image."
        )


def _size_bytes(reader: Any) -> int:
    import SimpleITK

    voxel_bytes = SimpleITK.Image([1, 1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    return math.prod(reader.GetSize()) * reader.GetNumberOfComponents() * voxel_bytes


def _read_error(path: Path, reason: str) -> InputError:
    reason = reason.replace(str(path), "").lower()
    if any(word in reason for word in _NO_DATA_WORDS):
        return InputError(f"The voxel file that “{path.name}” refers to cannot be opened: keep both in one folder.")
    if any(word in reason for word in _CUT_OFF_WORDS):
        return InputError(f"“{path.name}” is cut off before its last voxel: copy it again.")
    return InputError(f"“{path.name}” is damaged or not a valid {path.suffix[1:].upper()} file: copy it again.")
