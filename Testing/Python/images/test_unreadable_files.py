"""A file that the system or its content does not let be read is refused in one sentence that names it."""

import gzip
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import SimpleITK
from files.nobody import as_nobody
from images.dicom_builder import save, write_series

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.segmentation_file import read_segmentation

READERS = (read_ct, read_segmentation)


def refusal_of(read, path) -> str:
    """Return the only sentence with which a reader refuses a path."""
    with pytest.raises(InputError) as refusal:
        read(path)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def write_image(path: Path, voxels=None) -> Path:
    image = SimpleITK.GetImageFromArray(np.zeros((4, 5, 6), np.int16) if voxels is None else voxels)
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such permissions on Windows")
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_a_file_without_permission_is_named(read, suffix):
    with TemporaryDirectory() as folder:
        path = write_image(Path(folder) / f"image{suffix}")
        Path(folder).chmod(0o755)
        with suppress(InputError):  # whatever is imported only when needed is imported
            read(path)
        path.chmod(0)
        with as_nobody():
            sentence = refusal_of(read, path)
    assert sentence == f"You have no permission to read “{path}”: ask for it."


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such permissions on Windows")
def test_a_series_with_a_slice_or_a_folder_without_permission_is_refused():
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        slices = write_series(root / "series")
        (root / "series" / "more slices").mkdir()
        assert len(read_ct(root / "series").voxels_hu) == len(slices)
        for locked in (slices[2].path, root / "series" / "more slices", root / "series"):
            locked.chmod(0)
            with as_nobody():
                sentence = refusal_of(read_ct, root / "series")
            assert sentence == f"You have no permission to read “{locked}”: ask for it."
            locked.chmod(0o755)


@pytest.mark.parametrize("read", READERS)
def test_a_path_that_the_system_does_not_accept_is_refused(read, tmp_path):
    sentence = refusal_of(read, tmp_path / f"{300 * 'x'}.nrrd")
    assert sentence.startswith((f"“{tmp_path}", "There is no file"))


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_name_that_is_not_utf_8_is_refused_before_it_ends_the_program(read, suffix, tmp_path):
    path = write_image(tmp_path / f"image{suffix}").rename(tmp_path / f"image\udcff{suffix}")
    assert "is not UTF-8: rename the file or folder" in refusal_of(read, path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", gzip.compress(b"")], ids=["empty", "cut off", "nothing packed"])
def test_a_compressed_file_without_content_is_refused(read, content, tmp_path):
    path = tmp_path / "image.nii.gz"
    path.write_bytes(content)
    assert path.name in refusal_of(read, path)


def test_complex_numbers_are_refused(tmp_path):
    path = write_image(tmp_path / "image.mha", np.zeros((4, 5, 6), np.complex64))
    assert "image.mha" in refusal_of(read_ct, path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SamplesPerPixel": 3}, "has color pixels, not one value per pixel"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "has color pixels (PALETTE COLOR), not HU"),
        ({"RescaleType": "OD"}, "are declared as OD, not HU"),
        ({"RescaleSlope": None}, "states no rescale slope and intercept"),
        ({"RescaleSlope": 0}, "states no rescale slope and intercept"),
        ({"PixelSpacing": [0.5, 0]}, "states an impossible pixel spacing"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "states an impossible orientation"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "states an impossible orientation"),
    ],
)
def test_a_series_that_cannot_give_hu_is_refused(change, said, tmp_path):
    write_series(tmp_path / "series", **change)
    assert said in refusal_of(read_ct, tmp_path / "series")


def test_a_slice_of_another_size_than_its_header_states_is_refused(tmp_path):
    slices = write_series(tmp_path / "series")
    slices[2].dataset.PixelData = slices[2].dataset.PixelData[:20]
    save(slices[2].dataset, slices[2].path)
    assert slices[2].path.name in refusal_of(read_ct, tmp_path / "series")
