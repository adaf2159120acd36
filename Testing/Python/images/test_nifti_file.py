"""NIfTI files: read as SimpleITK reads them where it does, and as the file says where it does not."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct

SIZES = (7, 6, 5)
VOXELS_HU = np.random.default_rng(3).integers(-1000, 2000, SIZES[::-1]).astype(np.int16)
# Turned about two axes, to numbers that single precision holds.
OBLIQUE = [[0.375, -0.75, 1.0, 10.0], [0.5, 0.5, 0.25, -20.0], [-0.75, 0.25, 1.0, 300.0]]
UPRIGHT = [[-0.75, 0, 0, 10.0], [0, -0.75, 0, -20.0], [0, 0, 2.5, 300.0]]
SHEARED = [[-0.75, 0, 0, 10.0], [0, -0.75, -0.5, -20.0], [0, 0, 2.5, 300.0]]


def nifti_1(
    voxels=VOXELS_HU,
    datatype=4,
    sform=None,
    qform=None,
    slope=1.0,
    intercept=0.0,
    dimensions=(3, *SIZES, 1, 1, 1, 1),
    spacings=(0.75, 0.75, 2.5),
    handedness=1.0,
    units=2,
    byte_order="<",
) -> bytes:
    """Return a NIfTI-1 file, put together from the format's definition."""
    header = bytearray(352)

    def put(offset, format_, *values):
        struct.pack_into(byte_order + format_, header, offset, *values)

    put(0, "i", 348)
    put(40, "8h", *dimensions)
    put(70, "hh", datatype, voxels.dtype.itemsize * 8)
    put(76, "8f", handedness, *spacings, 0, 0, 0, 0)
    put(108, "fff", 352, slope, intercept)
    put(123, "B", units)
    if qform is not None:
        put(252, "h", 1)
        put(256, "6f", *qform)
    if sform is not None:
        put(254, "h", 2)
        put(280, "12f", *np.ravel(sform))
    header[344:348] = b"n+1\0"
    return bytes(header) + voxels.astype(voxels.dtype.newbyteorder(byte_order)).tobytes()


def nifti_2(voxels=VOXELS_HU, sform=SHEARED) -> bytes:
    """Return a NIfTI-2 file."""
    header = bytearray(544)
    struct.pack_into("<i8shh8q", header, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16, 3, *SIZES, 1, 1, 1, 1)
    struct.pack_into("<8d", header, 104, 1, 0.75, 0.75, 2.5, 0, 0, 0, 0)
    struct.pack_into("<qdd", header, 168, 544, 1, 0)
    struct.pack_into("<ii", header, 344, 0, 1)
    struct.pack_into("<12d", header, 400, *np.ravel(sform))
    struct.pack_into("<i", header, 500, 2)
    return bytes(header) + voxels.tobytes()


def written(tmp_path, data: bytes, name="ct.nii"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        read_ct(path)
    return str(caught.value)


def ras_from_ijk_by_simpleitk(path) -> np.ndarray:
    image = SimpleITK.ReadImage(str(path))
    origin = np.array(image.TransformIndexToPhysicalPoint((0, 0, 0)))
    steps = [np.array(image.TransformIndexToPhysicalPoint(ijk)) - origin for ijk in np.eye(3, dtype=int).tolist()]
    matrix = np.eye(4)
    matrix[:3] = np.diag([-1, -1, 1]) @ np.column_stack([*steps, origin])
    return matrix


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize(
    ("datatype", "voxel_type"), [(256, "i1"), (4, "i2"), (8, "i4"), (16, "f4"), (64, "f8"), (1024, "i8")]
)
def test_voxels_and_type_are_simpleitks_in_either_byte_order(tmp_path, name, byte_order, datatype, voxel_type):
    voxels = (VOXELS_HU % 200 - 100).astype(voxel_type)
    path = written(tmp_path, nifti_1(voxels, datatype, sform=UPRIGHT, byte_order=byte_order), name)
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    ours = read_ct(path).ct.voxels_hu
    assert ours.dtype == theirs.dtype
    assert ours.dtype.isnative
    assert np.array_equal(ours, theirs)
    assert np.array_equal(ours, voxels)


@pytest.mark.parametrize("handedness", [1.0, -1.0])
def test_a_qform_gives_simpleitks_geometry(tmp_path, handedness):
    path = written(tmp_path, nifti_1(qform=(0.1, -0.3, 0.6, 10, -20, 300), handedness=handedness))
    ct_file = read_ct(path)
    assert ct_file.ct.ras_from_ijk == pytest.approx(ras_from_ijk_by_simpleitk(path), abs=1e-5)
    assert ct_file.findings == ()


def test_an_orthogonal_sform_gives_simpleitks_geometry(tmp_path):
    path = written(tmp_path, nifti_1(sform=[[0, 0, 2.5, -78], [-0.75, 0, 0, -135], [0, -0.75, 0, -34.25]]))
    assert read_ct(path).ct.ras_from_ijk == pytest.approx(ras_from_ijk_by_simpleitk(path), abs=1e-5)


@pytest.mark.parametrize("sform", [SHEARED, OBLIQUE])
def test_a_matrix_that_simpleitk_refuses_is_read_as_stored(tmp_path, sform):
    path = written(tmp_path, nifti_1(sform=sform))
    with pytest.raises(RuntimeError, match="orthonormal"):
        SimpleITK.ReadImage(str(path))
    ct_file = read_ct(path)
    assert np.array_equal(ct_file.ct.ras_from_ijk[:3], sform)
    assert np.array_equal(ct_file.ct.voxels_hu, VOXELS_HU)
    assert ct_file.findings == ()


def test_a_nifti_2_file_is_read(tmp_path):
    ct = read_ct(written(tmp_path, nifti_2())).ct
    assert np.array_equal(ct.voxels_hu, VOXELS_HU)
    assert np.array_equal(ct.ras_from_ijk[:3], SHEARED)


def test_a_sform_takes_precedence_over_a_different_qform_with_a_finding(tmp_path):
    path = written(tmp_path, nifti_1(sform=SHEARED, qform=(0, 0, 1, 10, -20, 300)))
    ct_file = read_ct(path)
    assert np.array_equal(ct_file.ct.ras_from_ijk[:3], SHEARED)
    (finding,) = ct_file.findings
    assert finding.code == "two_geometries"
    # The far corner of the last slice is 5 × 0.5 mm off.
    assert "by up to 2.5 mm" in finding.sentence


def test_without_qform_and_sform_the_orientation_is_unknown_and_the_axes_are_simpleitks(tmp_path):
    path = written(tmp_path, nifti_1())
    ct_file = read_ct(path)
    assert ct_file.ct.ras_from_ijk == pytest.approx(ras_from_ijk_by_simpleitk(path), abs=1e-6)
    assert not ct_file.scan_facts.orientation_known
    assert [(finding.code, finding.severity) for finding in ct_file.findings] == [("orientation_unknown", "severe")]


def test_units_other_than_millimeters_are_converted(tmp_path):
    meters = [[-0.00075, 0, 0, 0.01], [0, -0.00075, 0, -0.02], [0, 0, 0.0025, 0.3]]
    path = written(tmp_path, nifti_1(sform=meters, spacings=(0.00075, 0.00075, 0.0025), units=1))
    assert read_ct(path).ct.ras_from_ijk[:3] == pytest.approx(np.array(meters) * 1000, abs=1e-4)


def test_an_integer_slope_and_intercept_give_integers(tmp_path):
    stored = (VOXELS_HU + 1000).astype(np.uint16)
    path = written(tmp_path, nifti_1(stored, 512, sform=SHEARED, slope=2, intercept=-1024))
    voxels_hu = read_ct(path).ct.voxels_hu
    assert voxels_hu.dtype == np.int16
    assert np.array_equal(voxels_hu, stored.astype(int) * 2 - 1024)


def test_a_fractional_slope_gives_simpleitks_numbers(tmp_path):
    path = written(tmp_path, nifti_1(qform=(0, 0, 1, 0, 0, 0), slope=0.3, intercept=-7.7))
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    ours = read_ct(path).ct.voxels_hu
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.97])
def test_a_truncated_file_is_refused(tmp_path, name, kept):
    path = written(tmp_path, nifti_1(sform=SHEARED), name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "is cut off" in refusal(path)


def test_data_truncated_before_compression_are_refused(tmp_path):
    assert "is cut off" in refusal(written(tmp_path, nifti_1(sform=SHEARED)[:-2], "ct.nii.gz"))


@pytest.mark.parametrize("offset", [np.nan, -5.0, np.inf])
def test_an_invalid_offset_is_refused(tmp_path, offset):
    data = bytearray(nifti_1(sform=SHEARED))
    struct.pack_into("<f", data, 108, offset)
    assert "has a damaged header" in refusal(written(tmp_path, bytes(data)))


def test_damaged_compressed_data_are_refused(tmp_path):
    path = written(tmp_path, nifti_1(sform=SHEARED), "ct.nii.gz")
    data = bytearray(path.read_bytes())
    data[-6] ^= 0xFF  # in the checksum
    path.write_bytes(bytes(data))
    assert "data of “ct.nii.gz” are damaged" in refusal(path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dimensions": (2, 7, 30, 1, 1, 1, 1, 1)}, "has 2 dimensions"),
        ({"dimensions": (4, 7, 6, 1, 5, 1, 1, 1)}, "has 4 dimensions"),
        ({"dimensions": (5, 7, 2, 3, 1, 5, 1, 1)}, "colors or vectors"),
        ({"datatype": 128}, "colors or vectors"),
        ({"datatype": 32}, "complex numbers"),
        ({"datatype": 1536}, "NIfTI type 1536"),
        ({"dimensions": (3, 7, 6, 0, 1, 1, 1, 1)}, "7 × 6 × 0 voxels"),
        ({"sform": np.zeros((3, 4))}, "do not span a volume"),
    ],
)
def test_an_image_that_is_not_a_volume_of_numbers_is_refused(tmp_path, options, said):
    assert said in refusal(written(tmp_path, nifti_1(**options)))


def test_a_fourth_dimension_of_size_one_is_ignored(tmp_path):
    path = written(tmp_path, nifti_1(sform=SHEARED, dimensions=(4, *SIZES, 1, 1, 1, 1)))
    assert read_ct(path).ct.voxels_hu.shape == SIZES[::-1]


@pytest.mark.parametrize("content", [b"hello\n" * 100, b"\x5c\x01\x00\x00" + bytes(400)])
def test_a_file_that_is_not_nifti_is_refused(tmp_path, content):
    assert "is not a single-file NIfTI image" in refusal(written(tmp_path, content))


def test_values_that_are_not_numbers_are_refused(tmp_path):
    voxels = VOXELS_HU.astype(np.float32)
    voxels[2, 3, 4] = np.nan
    assert "1 voxels that are not finite" in refusal(written(tmp_path, nifti_1(voxels, 16, sform=SHEARED)))


def test_the_real_nifti_files_are_read_as_simpleitk_reads_them(real_data):
    for name in ("l3-crop-nifti/sub-ct_label-22_ct", "t12-s1-3mm-nifti/example_ct", "t12-arterial-nifti/ct_cropped"):
        folder, stem = name.split("/")
        path = real_data(folder) / f"{stem}.nii.gz"
        ct_file = read_ct(path)
        theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
        assert ct_file.ct.voxels_hu.dtype == theirs.dtype
        assert np.array_equal(ct_file.ct.voxels_hu, theirs)
        assert ct_file.ct.ras_from_ijk == pytest.approx(ras_from_ijk_by_simpleitk(path), abs=1e-4)
        assert ct_file.findings == ()


def test_a_density_map_is_not_accepted_as_a_ct(real_data):
    path = real_data("l2-density-not-hu") / "sub-verse004_0000_vertebra_21_im.nii.gz"
    assert "values are not HU" in refusal(path)


@pytest.mark.parametrize("slope", [1e30, -(2.0**60), 2.0**62])
def test_a_slope_too_large_for_whole_numbers_neither_fails_nor_wraps_around(tmp_path, slope):
    path = written(tmp_path, nifti_1(sform=UPRIGHT, slope=slope))
    assert np.allclose(read_ct(path).ct.voxels_hu, VOXELS_HU * float(slope), rtol=1e-6, atol=0)


def test_a_qform_without_numbers_is_ignored_with_a_finding(tmp_path):
    path = written(tmp_path, nifti_1(sform=UPRIGHT, qform=(float("nan"), 0, 1, 10, -20, 300)))
    ct_file = read_ct(path)
    assert np.array_equal(ct_file.ct.ras_from_ijk[:3], UPRIGHT)
    assert [finding.code for finding in ct_file.findings] == ["two_geometries"]
    assert "nan" not in ct_file.findings[0].sentence
