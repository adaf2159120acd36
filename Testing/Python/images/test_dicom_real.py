"""Real DICOM series: a tilted head, oddities that are no CT, and a contrast series in JPEG 2000."""

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import JPEG2000Lossless

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.images.ct_file import read_ct


def codes(ct_file):
    return [finding.code for finding in ct_file.findings]


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        read_ct(path)
    return str(caught.value)


def test_the_tilted_plastic_head_keeps_its_shear_and_its_values(real_data):
    folder = real_data("dicom-oddities") / "philips_tilt_-18.5_plastic_head"
    ct_file = read_ct(folder)
    assert codes(ct_file) == ["gantry_tilt"]
    assert "18.5°" in ct_file.findings[0].sentence
    for k, file in enumerate(sorted(folder.iterdir())):
        image = SimpleITK.ReadImage(str(file))
        assert np.array_equal(ct_file.ct.voxels_hu[k], SimpleITK.GetArrayViewFromImage(image)[0])
        corner = np.array(image.TransformIndexToPhysicalPoint((511, 511, 0))) * (-1, -1, 1)
        assert (ct_file.ct.ras_from_ijk @ [511, 511, k, 1])[:3] == pytest.approx(corner, abs=1e-3)


def test_each_other_oddity_gets_its_sentence(real_data):
    folder = real_data("dicom-oddities")
    assert "map (perfusion) whose values are not HU" in refusal(folder / "enhanced_ct_multiframe_not_hu")
    assert "3 × screen capture" in refusal(folder / "philips_localizer_and_summary")
    assert "2 CT series" in refusal(folder)
    three = read_ct(folder / "dcmqi_ct3slice_spine_seg")
    assert three.ct.voxels_hu.shape == (3, 512, 512)
    assert codes(three) == ["files_left_aside", "slices_overlap"]


def test_a_contrast_series_in_jpeg_2000_with_empty_identifiers_is_read(real_data):
    folder = real_data("t11-t12-contrast-dicom") / "dicom"
    ct_file = read_ct(folder)
    files = sorted(folder.iterdir(), reverse=True)
    assert pydicom.dcmread(files[0]).file_meta.TransferSyntaxUID == JPEG2000Lossless
    for k, file in enumerate(files):
        assert np.array_equal(ct_file.ct.voxels_hu[k], SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file)))[0])
    assert ct_file.scan_facts.contrast is True
    assert ct_file.scan_facts.series_uid is None
    assert codes(ct_file) == ["slices_overlap"]


def test_contrast_is_detected_in_the_pixels_of_an_arterial_ct_without_headers(real_data):
    ct_file = read_ct(real_data("t12-arterial-nifti") / "ct_cropped.nii.gz")
    protocol = load_protocol().protocol.with_values(placement_trials=0)
    # Where T12's mask has its middle.
    midline = Landmarks("T12", [(5.1, 121.1, 568.7), (4.0, 96.5, 568.7)])
    result = measure_ct(ct_file.ct, [midline], protocol, load_cutoffs().cutoffs, ct_file.scan_facts)
    assert not result.refusals
    assert "contrast_seen" in [finding.code for finding in result.findings]
