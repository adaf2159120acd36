"""A DICOM series: sorted by position, shear kept, exact HU, and everything that is no even stack of HU refused."""

import shutil
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK
from images.dicom_builder import save, slice_dataset, write_series
from pydicom.uid import RLELossless

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.dicom_facts import facts_of_files

SCRAMBLED = ["e", "a", "d", "b", "c"]


def hu(slices):
    return np.array([slice_.stored.astype(int) - 1024 for slice_ in slices])


def codes(ct_file):
    return [finding.code for finding in ct_file.findings]


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        read_ct(path)
    return str(caught.value)


def rewrite(slice_, **tags):
    for keyword, value in tags.items():
        setattr(slice_.dataset, keyword, value)
    save(slice_.dataset, slice_.path)


def test_slices_are_sorted_by_position_whatever_their_files_are_called(tmp_path):
    slices = write_series(tmp_path, names=SCRAMBLED)
    ct_file = read_ct(tmp_path)
    assert np.array_equal(ct_file.ct.voxels_hu, hu(slices))
    assert ct_file.ct.voxels_hu.dtype == np.int16
    expected = [[-0.5, 0, 0, 20], [0, -0.7, 0, 30], [0, 0, 2.5, 100], [0, 0, 0, 1]]
    assert np.array_equal(ct_file.ct.ras_from_ijk, expected)
    assert ct_file.findings == ()


def test_slices_stored_in_the_other_direction_have_the_same_positions(tmp_path):
    slices = write_series(tmp_path, step_lps_mm=(0, 0, -2.5))
    ct = read_ct(tmp_path).ct
    assert np.array_equal(ct.voxels_hu, hu(slices)[::-1])
    assert ct.ras_from_ijk[2, 3] == 90


def test_a_voxel_of_an_oblique_series_is_where_simpleitk_puts_it(tmp_path):
    row, column = np.array([0.8, 0.6, 0.0]), np.array([-0.36, 0.48, 0.8])
    normal = np.cross(row, column)
    slices = write_series(tmp_path, step_lps_mm=3 * normal, ImageOrientationPatient=[*row, *column])
    ct = read_ct(tmp_path).ct
    image = SimpleITK.ReadImage([str(slice_.path) for slice_ in slices])
    for ijk in [(0, 0, 0), (6, 0, 4), (3, 5, 2)]:
        lps = np.array(image.TransformIndexToPhysicalPoint(ijk))
        assert (ct.ras_from_ijk @ [*ijk, 1])[:3] == pytest.approx(lps * (-1, -1, 1), abs=1e-6)
    assert np.array_equal(ct.voxels_hu, SimpleITK.GetArrayFromImage(image))


def test_a_tilted_gantry_keeps_its_shear_and_gets_a_finding(tmp_path):
    tilt = np.radians(20)
    write_series(tmp_path, ImageOrientationPatient=[1, 0, 0, 0, np.cos(tilt), np.sin(tilt)], GantryDetectorTilt="20")
    ct_file = read_ct(tmp_path)
    assert ct_file.ct.ras_from_ijk[:3, 2] == pytest.approx([0, 0, 2.5], abs=1e-12)
    assert ct_file.ct.ras_from_ijk[:3, 1] == pytest.approx([0, -0.7 * np.cos(tilt), 0.7 * np.sin(tilt)], abs=1e-6)
    assert codes(ct_file) == ["gantry_tilt"]
    assert "20.0°" in ct_file.findings[0].sentence
    assert ct_file.scan_facts.slice_spacing_mm == pytest.approx(2.5 * np.cos(tilt), abs=1e-5)


def test_a_tilt_in_the_headers_that_the_positions_contradict_gets_a_finding(tmp_path):
    write_series(tmp_path, GantryDetectorTilt="-12")
    assert codes(read_ct(tmp_path)) == ["tilt_contradicted"]


def test_each_slice_has_its_own_rescale(tmp_path):
    slices = write_series(tmp_path)
    for k, slice_ in enumerate(slices):
        rewrite(slice_, RescaleSlope=k + 1, RescaleIntercept=-1000 - k)
    voxels_hu = read_ct(tmp_path).ct.voxels_hu
    assert voxels_hu.dtype == np.int16
    for k, slice_ in enumerate(slices):
        assert np.array_equal(voxels_hu[k], slice_.stored.astype(int) * (k + 1) - 1000 - k)


def test_whole_numbers_that_do_not_fit_16_bits_take_32(tmp_path):
    slices = write_series(tmp_path)
    rewrite(slices[3], RescaleSlope=100)
    voxels_hu = read_ct(tmp_path).ct.voxels_hu
    assert voxels_hu.dtype == np.int32
    assert np.array_equal(voxels_hu[3], slices[3].stored.astype(int) * 100 - 1024)
    assert np.array_equal(voxels_hu[0], slices[0].stored.astype(int) - 1024)


def test_a_fractional_slope_gives_exact_doubles(tmp_path):
    slices = write_series(tmp_path)
    rewrite(slices[2], RescaleSlope="0.3125")
    voxels_hu = read_ct(tmp_path).ct.voxels_hu
    assert voxels_hu.dtype == np.float64
    assert np.array_equal(voxels_hu[2], slices[2].stored * 0.3125 - 1024)


def test_signed_pixels_of_12_bits_keep_their_sign(tmp_path):
    slices = write_series(tmp_path)
    for slice_ in slices:
        stored = slice_.stored.astype(np.int16) % 2048 - 1024
        # Bits above the stored ones do not count.
        rewrite(slice_, PixelRepresentation=1, BitsStored=12, HighBit=11, PixelData=(stored & 0x0FFF).tobytes())
    rewrite_expected = [slice_.stored.astype(int) % 2048 - 1024 - 1024 for slice_ in slices]
    assert np.array_equal(read_ct(tmp_path).ct.voxels_hu, rewrite_expected)


def test_run_length_encoded_slices_are_unpacked(tmp_path):
    slices = write_series(tmp_path)
    for slice_ in slices:
        slice_.dataset.compress(RLELossless, generate_instance_uid=False)
        save(slice_.dataset, slice_.path)
    assert np.array_equal(read_ct(tmp_path).ct.voxels_hu, hu(slices))


def compressed_by_simpleitk(slices, compressor: str) -> None:
    """Let SimpleITK compress the pixels, and put them back into the slices' own headers."""
    for slice_ in slices:
        writer = SimpleITK.ImageFileWriter()
        packed = slice_.path.with_name("packed.dcm")
        writer.SetFileName(str(packed))
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        writer.Execute(SimpleITK.GetImageFromArray(slice_.stored[None]))
        dataset = pydicom.dcmread(packed)
        packed.unlink()
        slice_.dataset.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
        slice_.dataset.PixelData = dataset.PixelData
        slice_.dataset["PixelData"].is_undefined_length = True
        save(slice_.dataset, slice_.path)


@pytest.mark.parametrize("voxel_type", [np.uint16, np.int16])
@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEG"])
def test_losslessly_compressed_slices_are_unpacked(tmp_path, compressor, voxel_type):
    slices = write_series(tmp_path, shape=(32, 40), RescaleSlope=2, RescaleIntercept=-1100)
    slices = [replace(slice_, stored=slice_.stored.astype(voxel_type)) for slice_ in slices]
    if voxel_type is np.int16:
        slices = [replace(slice_, stored=slice_.stored - np.int16(1500)) for slice_ in slices]
        for slice_ in slices:
            slice_.dataset.PixelRepresentation = 1
    compressed_by_simpleitk(slices, compressor)
    assert slices[0].dataset.file_meta.TransferSyntaxUID.is_compressed
    expected = np.array([slice_.stored.astype(int) * 2 - 1100 for slice_ in slices])
    assert np.array_equal(read_ct(tmp_path).ct.voxels_hu, expected)


def test_files_without_preamble_are_read(tmp_path):
    slices = write_series(tmp_path)
    for slice_ in slices:
        whole = slice_.path.read_bytes()
        meta_length = int.from_bytes(whole[140:144], "little")
        slice_.path.write_bytes(whole[144 + meta_length :])
    assert np.array_equal(read_ct(tmp_path).ct.voxels_hu, hu(slices))


def test_a_missing_slice_is_refused_with_its_position(tmp_path):
    slices = write_series(tmp_path, count=8)
    slices[4].path.unlink()
    sentence = refusal(tmp_path)
    assert "Between “003.dcm” and “005.dcm” a slice is missing" in sentence
    assert "5.00 mm" in sentence


def test_several_missing_slices_are_counted(tmp_path):
    slices = write_series(tmp_path, count=12)
    for slice_ in slices[4:7]:
        slice_.path.unlink()
    assert "3 slices are missing" in refusal(tmp_path)


def test_uneven_spacing_is_refused(tmp_path):
    slices = write_series(tmp_path)
    rewrite(slices[2], ImagePositionPatient=[-20, -30, 105.6])
    assert "slice spacing varies from 1.90 to 3.10 mm" in refusal(tmp_path)


def test_positions_rounded_to_a_tenth_of_a_millimeter_are_even(tmp_path):
    slices = write_series(tmp_path, count=9, step_lps_mm=(0, 0, 0.625))
    for slice_ in slices:
        x, y, z = slice_.dataset.ImagePositionPatient
        rewrite(slice_, ImagePositionPatient=[x, y, round(z, 1)])
    assert read_ct(tmp_path).ct.ras_from_ijk[2, 2] == pytest.approx(0.625, abs=0.01)


def test_a_slice_shifted_sideways_is_refused(tmp_path):
    slices = write_series(tmp_path)
    rewrite(slices[2], ImagePositionPatient=[-15, -30, 105])
    assert "shifted sideways relative to each other by up to 5.0 mm" in refusal(tmp_path)


def test_two_slices_at_one_position_are_refused_and_a_plain_copy_is_ignored(tmp_path):
    slices = write_series(tmp_path)
    shutil.copy(slices[1].path, tmp_path / "copy.dcm")
    ct_file = read_ct(tmp_path)
    assert np.array_equal(ct_file.ct.voxels_hu, hu(slices))
    assert codes(ct_file) == ["files_left_aside"]
    second_phase = slice_dataset(slices[1].stored + 1, slices[1].dataset.ImagePositionPatient, 99)
    save(second_phase, tmp_path / "copy.dcm")
    sentence = refusal(tmp_path)
    assert "“001.dcm” and “copy.dcm”" in sentence
    assert "two phases or reconstructions" in sentence


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "differ in orientation"),
        ({"PixelSpacing": [0.7, 0.6]}, "differ in pixel spacing"),
        ({"RescaleIntercept": None}, "no rescale slope and intercept"),
        ({"RescaleSlope": 0}, "no rescale slope and intercept"),
        ({"RescaleType": "MGML"}, "declared as MGML, not HU"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "color pixels (PALETTE COLOR)"),
        ({"ImagePositionPatient": None}, "does not state its position"),
        ({"PixelData": b"\x00\x00"}, "damaged or cut off"),
    ],
)
def test_a_series_with_one_odd_slice_is_refused_and_the_slice_is_named(tmp_path, tags, said):
    slices = write_series(tmp_path)
    rewrite(slices[3], **tags)
    sentence = refusal(tmp_path)
    assert said in sentence
    assert "“003.dcm”" in sentence


def test_a_truncated_slice_is_named(tmp_path):
    slices = write_series(tmp_path)
    slices[2].path.write_bytes(slices[2].path.read_bytes()[:-20])
    assert "The pixels of “002.dcm” cannot be read" in refusal(tmp_path)


def test_a_truncated_compressed_slice_is_named(tmp_path, capfd):
    slices = write_series(tmp_path, shape=(32, 40))
    compressed_by_simpleitk(slices, "JPEG2000")
    data = bytearray(slices[2].dataset.PixelData)
    data[len(data) // 3 :] = bytes(len(data) - len(data) // 3)
    slices[2].dataset.PixelData = bytes(data)
    save(slices[2].dataset, slices[2].path)
    assert "The pixels of “002.dcm” cannot be read" in refusal(tmp_path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"Modality": "MR"}, "5 × file of modality MR"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "5 localizers"),
        ({"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "RCBF"]}, "5 × map (perfusion) whose values are not HU"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "5 × screen capture"),
        ({"NumberOfFrames": 40}, "5 × image of several frames"),
        ({"Modality": ""}, "5 × file without a modality"),
    ],
)
def test_an_object_that_is_not_a_ct_slice_is_named(tmp_path, tags, said):
    write_series(tmp_path, **tags)
    assert said in refusal(tmp_path)


def test_localizer_and_report_next_to_the_series_are_ignored_with_a_note(tmp_path):
    slices = write_series(tmp_path / "deeper")
    tmp_path.joinpath("readme.txt").write_text("hello")
    localizer = slice_dataset(slices[0].stored, (0, 0, 0), 50)
    localizer.SeriesInstanceUID = "1.2.826.0.1.2"
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    save(localizer, tmp_path / "localizer.dcm")
    ct_file = read_ct(tmp_path)
    assert np.array_equal(ct_file.ct.voxels_hu, hu(slices))
    (finding,) = ct_file.findings
    assert "1 file that is not DICOM, 1 localizer" in finding.sentence


def test_two_series_are_refused_by_name_and_one_file_chooses(tmp_path):
    first = write_series(tmp_path / "a")
    second = write_series(tmp_path / "b", SeriesInstanceUID="1.2.826.0.1.9", SeriesNumber=4, RescaleIntercept=-1000)
    sentence = refusal(tmp_path)
    assert "2 CT series" in sentence
    assert "number 3, 5 slices, 2.5 mm, kernel B30" in sentence
    for slices in (first, second):
        shutil.copytree(slices[0].path.parent, tmp_path / "both" / slices[0].path.parent.name)
    for folder in ("a", "b"):
        for file in (tmp_path / "both" / folder).iterdir():
            file.rename(tmp_path / "both" / f"{folder}{file.name}")
    ct_file = read_ct(tmp_path / "both" / "b000.dcm")
    assert np.array_equal(ct_file.ct.voxels_hu, hu(second) + 24)
    assert ct_file.scan_facts.series_uid == "1.2.826.0.1.9"


def test_a_single_slice_is_refused(tmp_path):
    write_series(tmp_path, count=1)
    assert "only one slice" in refusal(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    assert "is empty" in refusal(tmp_path)


def test_empty_identifiers_and_letters_for_a_number_do_no_harm(tmp_path):
    slices = write_series(tmp_path, SeriesInstanceUID="", SOPInstanceUID="1.2.3", SliceThickness=None)
    ct_file = read_ct(tmp_path)
    assert np.array_equal(ct_file.ct.voxels_hu, hu(slices))
    assert ct_file.scan_facts.series_uid is None
    assert ct_file.scan_facts.slice_thickness_mm is None


def test_the_facts_are_those_of_the_headers_and_name_no_patient(tmp_path):
    write_series(tmp_path, KVP="100", ConvolutionKernel=["Br38f", "3"], ManufacturerModelName="M1")
    ct_file = read_ct(tmp_path)
    facts = ct_file.scan_facts
    assert (facts.tube_voltage_kv, facts.tube_current_ma, facts.kernel) == (100.0, 203.0, "Br38f 3")
    assert (facts.slice_thickness_mm, facts.slice_spacing_mm, facts.modality) == (2.5, 2.5, "CT")
    assert (facts.manufacturer, facts.scanner_model, facts.source) == ("MAKER", "M1", "DICOM")
    assert "DOE" not in repr(facts)


@pytest.mark.parametrize(
    ("tags", "contrast"),
    [
        ({}, None),
        ({"ContrastBolusAgent": ""}, None),
        ({"ContrastBolusAgent": "NONE"}, False),
        ({"ContrastBolusAgent": "APPLIED"}, True),
        ({"ContrastBolusVolume": "80"}, True),
        ({"ContrastBolusVolume": "0"}, None),
        ({"ContrastBolusRoute": "IV"}, True),
        ({"ContrastBolusAgent": "none", "ContrastBolusRoute": "IV"}, False),
    ],
)
def test_contrast_is_known_only_where_the_headers_state_it(tmp_path, tags, contrast):
    write_series(tmp_path, **tags)
    assert read_ct(tmp_path).scan_facts.contrast is contrast


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"SliceThickness": "5"}, "slices_overlap"),
        ({"SliceThickness": "1"}, "slices_apart"),
        ({"RescaleType": "US"}, "unit_unspecified"),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}, "derived_images"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "VMI"]}, "monoenergetic_images"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "MONO_70KEV"]}, "monoenergetic_images"),
        ({"Manufacturer": "SIEMENS", "ConvolutionKernel": ["Br64f", "3"]}, "sharp_kernel"),
        ({"LossyImageCompression": "01"}, "lossy_compression"),
    ],
)
def test_doubtful_values_get_a_finding(tmp_path, tags, code):
    write_series(tmp_path, **tags)
    assert codes(read_ct(tmp_path)) == [code]


@pytest.mark.parametrize("number", [50, 51, 81, 91, 203])
def test_lossy_compression_is_reported_even_if_no_header_states_it(tmp_path, number):
    if not pydicom.uid.UID(f"1.2.840.10008.1.2.4.{number}").is_transfer_syntax:
        pytest.skip(f"pydicom {pydicom.__version__} cannot write this compression")
    slices = write_series(tmp_path)
    for slice_ in slices:
        slice_.dataset.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{number}"
        slice_.dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
        slice_.dataset["PixelData"].is_undefined_length = True
        save(slice_.dataset, slice_.path)
    _, findings = facts_of_files([slice_.path for slice_ in slices], np.eye(4) * 2.5)
    assert [finding.code for finding in findings] == ["lossy_compression"]


def test_a_series_sorted_by_another_program_gives_the_same_facts(tmp_path):
    slices = write_series(tmp_path, KVP="80", SliceThickness="5")
    ct_file = read_ct(tmp_path)
    assert facts_of_files([of.path for of in slices], ct_file.ct.ras_from_ijk) == (ct_file.scan_facts, ct_file.findings)


def test_slices_of_two_tube_voltages_are_not_one_ct(tmp_path):
    slices = write_series(tmp_path)
    rewrite(slices[0], KVP="80")
    assert "2 CTs with the same SeriesInstanceUID that differ in tube voltage" in refusal(tmp_path)
    assert read_ct(slices[1].path).scan_facts.tube_voltage_kv == 120


def test_progress_rises_from_0_to_1(tmp_path):
    write_series(tmp_path)
    shares = []
    read_ct(tmp_path, lambda share, text: shares.append(share))
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(shares)
