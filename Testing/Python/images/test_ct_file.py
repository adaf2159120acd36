"""NRRD and MetaImage files, and the common behavior of all CT formats."""

import gc
import gzip
import zlib

import numpy as np
import pytest
import SimpleITK

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct, write_ct
from LumbarHULib.images.sitk_file import write_with_sitk

VOXELS_HU = np.random.default_rng(5).integers(-1000, 2000, (5, 6, 7)).astype(np.int16)
SHEARED = np.array([[-0.7, 0, 0.1, 10.0], [0, -0.7, -0.6, -20.0], [0, 0.05, 2.5, 300.0], [0, 0, 0, 1]])


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        read_ct(path)
    return str(caught.value)


def image(voxels=VOXELS_HU, is_vector=False):
    made = SimpleITK.GetImageFromArray(voxels, isVector=is_vector)
    if made.GetDimension() == 3:
        made.SetSpacing((0.5, 0.75, 2.5))
        made.SetOrigin((1.5, -20, 33))
    return made


def with_header(path, old: bytes, new: bytes):
    """Replace a piece of a file's header, which must be there."""
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("voxel_type", ["i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("suffix", ["nrrd", "nhdr", "mha", "mhd", "NRRD"])
def test_voxels_type_and_position_are_as_written(tmp_path, suffix, voxel_type, compressed):
    voxels = (VOXELS_HU % 200 - 100).astype(voxel_type)
    path = tmp_path / f"ct.{suffix}"
    SimpleITK.WriteImage(image(voxels), str(path), compressed)
    ct_file = read_ct(path)
    assert ct_file.ct.voxels_hu.dtype == voxels.dtype
    assert np.array_equal(ct_file.ct.voxels_hu, voxels)
    assert np.array_equal(ct_file.ct.ras_from_ijk[:3], [[-0.5, 0, 0, -1.5], [0, -0.75, 0, 20], [0, 0, 2.5, 33]])
    assert ct_file.scan_facts.orientation_known
    assert ct_file.findings == ()
    assert ct_file.name == f"ct.{suffix}"


def test_the_voxels_outlive_the_image_they_were_read_into(tmp_path):
    SimpleITK.WriteImage(image(), str(tmp_path / "ct.nrrd"))
    voxels_hu = read_ct(tmp_path / "ct.nrrd").ct.voxels_hu[::-1]
    gc.collect()
    _others = [np.full(VOXELS_HU.shape, 7, np.int16) for _ in range(100)]
    assert np.array_equal(voxels_hu, VOXELS_HU[::-1])


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_a_sheared_ct_is_written_and_read_with_its_shear(tmp_path, suffix):
    path = tmp_path / f"ct.{suffix}"
    write_ct(path, VOXELS_HU, SHEARED)
    ct = read_ct(path).ct
    assert ct.ras_from_ijk == pytest.approx(SHEARED, abs=1e-9)
    assert np.array_equal(ct.voxels_hu, VOXELS_HU)


@pytest.mark.parametrize(
    ("space", "signs"),
    [("right-anterior-superior", (1, 1)), ("LAS", (-1, 1)), ("left-posterior-superior", (-1, -1))],
)
def test_the_space_of_a_nrrd_file_is_respected(tmp_path, space, signs):
    path = tmp_path / "ct.nrrd"
    SimpleITK.WriteImage(image(), str(path))
    if space != "left-posterior-superior":
        with_header(path, b"space: left-posterior-superior", f"space: {space}".encode())
    ct_file = read_ct(path)
    assert ct_file.ct.ras_from_ijk[:2, 3] == pytest.approx(np.multiply(signs, (1.5, -20)))
    assert ct_file.findings == ()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ct.nrrd", b"space: left-posterior-superior", b"space: scanner-xyz"),
        ("ct.nrrd", b"space: left-posterior-superior", b"space dimension: 3"),
        ("ct.mha", b"TransformMatrix = 1 0 0 0 1 0 0 0 1\n", b""),
    ],
)
def test_a_file_without_an_orientation_gets_a_severe_finding(tmp_path, name, old, new):
    path = tmp_path / name
    SimpleITK.WriteImage(image(), str(path))
    with_header(path, old, new)
    if name == "ct.mha":
        with_header(path, b"AnatomicalOrientation = RAI\n", b"")
    ct_file = read_ct(path)
    assert not ct_file.scan_facts.orientation_known
    assert [(finding.code, finding.severity) for finding in ct_file.findings] == [("orientation_unknown", "severe")]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_a_truncated_file_is_refused_and_only_our_sentence_is_printed(tmp_path, capfd, suffix, compressed):
    path = tmp_path / f"ct.{suffix}"
    SimpleITK.WriteImage(image(), str(path), compressed)
    path.write_bytes(path.read_bytes()[:-100])
    assert "is cut off" in refusal(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("place", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("suffix", ["nrrd", "nhdr", "mha"])
def test_damaged_compressed_voxels_are_refused_even_if_simpleitk_reads_them(tmp_path, capfd, suffix, place):
    path = tmp_path / f"ct.{suffix}"
    SimpleITK.WriteImage(image(), str(path), True)
    data_path = tmp_path / "ct.raw.gz" if suffix == "nhdr" else path
    data = bytearray(data_path.read_bytes())
    start = max(data.find(b"\n\n"), data.find(b"LOCAL")) + 6 if suffix != "nhdr" else 0
    data[start + int((len(data) - start) * place)] ^= 0xFF
    data_path.write_bytes(bytes(data))
    sentence = refusal(path)
    assert "damaged" in sentence or "cut off" in sentence
    assert capfd.readouterr() == ("", "")


PACKED = {
    "in one piece": gzip.compress(VOXELS_HU.tobytes()),
    "in two pieces": gzip.compress(VOXELS_HU[:2].tobytes()) + gzip.compress(VOXELS_HU[2:].tobytes()),
    "with more behind them": gzip.compress(VOXELS_HU.tobytes() + b"more"),
    "high bytes first": gzip.compress(VOXELS_HU.astype(">i2").tobytes()),
}


@pytest.mark.parametrize("how", PACKED)
def test_complete_voxels_are_read_in_any_compression(tmp_path, how):
    path = tmp_path / "ct.nrrd"
    SimpleITK.WriteImage(image(), str(path), True)
    header = path.read_bytes().partition(b"\n\n")[0]
    if how == "high bytes first":
        header = header.replace(b"endian: little", b"endian: big")
    path.write_bytes(header + b"\n\n" + PACKED[how])
    assert np.array_equal(read_ct(path).ct.voxels_hu, VOXELS_HU)
    # The last eight bytes contain the checksum and the length.
    damaged = bytearray(path.read_bytes())
    damaged[-6] ^= 1
    path.write_bytes(damaged)
    assert "voxels of “ct.nrrd” are damaged" in refusal(path)


@pytest.mark.parametrize("suffix", ["mha", "mhd"])
@pytest.mark.parametrize("as_gzip", [False, True])
def test_intact_compressed_data_with_too_few_voxels_are_refused(tmp_path, capfd, suffix, as_gzip):
    path = tmp_path / f"ct.{suffix}"
    pack = gzip.compress if as_gzip else zlib.compress
    for slices in (5, 4):
        packed = pack(VOXELS_HU[:slices].tobytes())
        header = (
            "ObjectType = Image\nNDims = 3\nDimSize = 7 6 5\nElementType = MET_SHORT\n"
            "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"
            f"CompressedData = True\nCompressedDataSize = {len(packed)}\nElementDataFile = "
        )
        path.write_bytes(header.encode() + (b"LOCAL\n" + packed if suffix == "mha" else b"ct.zraw\n"))
        (tmp_path / "ct.zraw").write_bytes(packed)
        if slices == 5:
            assert np.array_equal(read_ct(path).ct.voxels_hu, VOXELS_HU)
    assert "is cut off" in refusal(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        (b"ElementToIntensityFunctionSlope = 2", True),
        (b"ElementToIntensityFunctionOffset = -1024", True),
        (b"ElementToIntensityFunctionSlope = much", True),
        (b"ElementToIntensityFunctionSlope = 1.0", False),
        (b"ElementToIntensityFunctionOffset = 0", False),
    ],
)
def test_a_metaimage_with_voxels_still_to_be_rescaled_is_refused(tmp_path, line, is_refused):
    SimpleITK.WriteImage(image(), str(tmp_path / "ct.mha"))
    path = with_header(tmp_path / "ct.mha", b"\nElementDataFile", b"\n" + line + b"\nElementDataFile")
    if is_refused:
        assert "states an intensity slope or offset" in refusal(path)
    else:
        assert np.array_equal(read_ct(path).ct.voxels_hu, VOXELS_HU)


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_a_header_that_is_not_text_is_refused(tmp_path, suffix):
    path = tmp_path / f"ct.{suffix}"
    SimpleITK.WriteImage(image(), str(path))
    data = bytearray(path.read_bytes())
    data[100] = 0
    path.write_bytes(bytes(data))
    assert "has a damaged header" in refusal(path)


@pytest.mark.parametrize("suffix", ["nhdr", "mhd"])
def test_a_header_whose_data_file_is_missing_is_refused(tmp_path, capfd, suffix):
    SimpleITK.WriteImage(image(), str(tmp_path / f"ct.{suffix}"))
    (tmp_path / "ct.raw").unlink()
    assert "The voxel file that" in refusal(tmp_path / f"ct.{suffix}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["nrrd", "nhdr", "mha", "mhd", "nii", "nii.gz"])
@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"hello world\n" * 60, "“ct.")])
def test_an_empty_file_and_a_file_of_another_kind_are_refused(tmp_path, capfd, suffix, content, said):
    path = tmp_path / f"ct.{suffix}"
    path.write_bytes(content)
    assert said in refusal(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
@pytest.mark.parametrize(
    ("voxels", "is_vector", "said"),
    [
        (VOXELS_HU[0], False, "has 2 dimensions"),
        (np.stack([VOXELS_HU, VOXELS_HU]), False, "has 4 dimensions"),
        (np.zeros((5, 6, 7, 3), np.uint8), True, "has 3 numbers per voxel"),
    ],
)
def test_an_image_that_is_not_a_scalar_volume_is_refused(tmp_path, suffix, voxels, is_vector, said):
    path = tmp_path / f"ct.{suffix}"
    SimpleITK.WriteImage(image(voxels, is_vector), str(path))
    assert said in refusal(path)


@pytest.mark.parametrize(
    ("voxels", "said"),
    [
        (np.where(VOXELS_HU > 1900, np.nan, VOXELS_HU).astype(np.float32), "not finite numbers"),
        ((VOXELS_HU + 1000).astype(np.uint16), "no negative values"),
        (np.where(VOXELS_HU > 0, 0, VOXELS_HU), "exactly 0"),
    ],
)
def test_values_that_are_not_hu_are_refused(tmp_path, voxels, said):
    SimpleITK.WriteImage(image(voxels), str(tmp_path / "ct.nrrd"))
    assert said in refusal(tmp_path / "ct.nrrd")


def test_a_missing_file_and_an_unknown_format_are_refused(tmp_path):
    assert "There is no file or folder" in refusal(tmp_path / "ct.nrrd")
    (tmp_path / "ct.png").write_bytes(b"\x89PNG")
    assert "has an unsupported format: choose .nrrd" in refusal(tmp_path / "ct.png")
    assert "only 1 file that is not DICOM" in refusal(tmp_path)


def test_a_folder_that_is_not_writable_is_reported(tmp_path, capfd):
    with pytest.raises(InputError, match=r"“ct\.nrrd” cannot be written"):
        write_with_sitk(tmp_path / "missing" / "ct.nrrd", VOXELS_HU, SHEARED)
    assert capfd.readouterr() == ("", "")


def test_progress_is_reported_for_every_format(tmp_path):
    write_ct(tmp_path / "ct.nrrd", VOXELS_HU, SHEARED)
    reported = []
    read_ct(tmp_path / "ct.nrrd", lambda share, text: reported.append(share))
    assert reported == [0, 1]
