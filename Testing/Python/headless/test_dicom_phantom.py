"""A phantom as a DICOM series: the acquisition in its headers decides whether there is a class."""

import json

import numpy as np
import pydicom
import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from LumbarHULib.images.dicom_file import write_dataset

SECRETS = {
    "PatientName": "GEHEIM^ERIKA",
    "PatientID": "4711-X",
    "PatientBirthDate": "19530417",
    "StudyDate": "20240229",
}
SERIES_UID = "1.2.826.0.1.3680043.8.498.7"


def write_series(folder, phantom, kvp="120", **tags):
    """Write a phantom as a scanner would: one file a slice, unsigned values with an intercept, in no order."""
    folder.mkdir()
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ phantom.ras_from_ijk
    count = len(phantom.voxels_hu)
    for number, k in enumerate(np.random.default_rng(1).permutation(count), start=1):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = f"{SERIES_UID}.{k + 1}"
        dataset.SeriesInstanceUID = SERIES_UID
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.InstanceNumber = int(k) + 1
        dataset.KVP = kvp
        dataset.SliceThickness = "5.0"
        dataset.Rows, dataset.Columns = phantom.voxels_hu.shape[1:]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        dataset.PixelRepresentation = 0
        dataset.PixelSpacing = [0.8, 0.8]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [round(float(one), 6) for one in matrix[:3, 3] + k * matrix[:3, 2]]
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelData = (phantom.voxels_hu[k].astype(np.int32) + 1024).astype(np.uint16).tobytes()
        for keyword, value in (SECRETS | tags).items():
            setattr(dataset, keyword, value)
        write_dataset(folder / f"IM{number:04d}", dataset)
    return folder


def classes_and_findings(folder):
    rows = rows_of(folder / "summary.csv")
    return {row["class"] for row in rows}, set.intersection(*(set(row["findings"].split(";")) for row in rows))


def test_a_series_at_120_kv_gives_the_same_numbers_as_the_nrrd_and_its_classes(spine, audit, tmp_path):
    series = write_series(tmp_path / "series", spine.phantom)
    out = tmp_path / "out"
    run = lumbarhu(
        *("measure", series, "--markups", spine.markups, "--out", out, "--reader", "AB", "--case", "phantom")
    )
    assert (run.exit_code, run.err) == (0, "")
    assert (out / "results.csv").read_bytes() == (audit / "results.csv").read_bytes()
    assert "The CT: 120 kV, slices 5 mm thick, 5 mm from slice to slice.\n" in run.out
    classes, findings = classes_and_findings(out)
    assert "not_classified" not in classes
    assert not findings & {"tube_voltage_off_protocol", "contrast_medium"}
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    assert record["ct"]["series_uid"] == SERIES_UID
    assert record["ct"]["headers"]["tube_voltage_kv"] == 120
    assert lumbarhu("verify", out, "--ct", series).exit_code == 0


OFF_PROTOCOL = {
    "100 kV": ({"kvp": "100"}, "tube_voltage_off_protocol", "acquired at 100 kV; the cutoffs hold for 120 kV"),
    "contrast medium": ({"ContrastBolusAgent": "IOMERON 350"}, "contrast_medium", "acquired with contrast medium"),
}


@pytest.mark.parametrize("what", OFF_PROTOCOL)
def test_an_acquisition_that_differs_from_the_studys_gives_no_class_unless_accepted(what, spine, audit, tmp_path):
    tags, code, sentence = OFF_PROTOCOL[what]
    series = write_series(tmp_path / "series", spine.phantom, **tags)
    common = ["measure", series, "--markups", spine.markups, "--out"]
    run = lumbarhu(*common, tmp_path / "out")
    assert (run.exit_code, run.err) == (0, "")
    assert sentence in run.out
    assert "Add --accept-off-protocol to classify anyway." in run.out
    classes, findings = classes_and_findings(tmp_path / "out")
    assert classes == {"not_classified"}
    assert code in findings
    run = lumbarhu(*common, tmp_path / "accepted", "--accept-off-protocol")
    assert sentence in run.out
    assert "Add --accept-off-protocol" not in run.out
    classes, findings = classes_and_findings(tmp_path / "accepted")
    assert "not_classified" not in classes
    assert {code, "off_protocol_accepted"} <= findings
    for name in ("out", "accepted"):
        numbers = [row["mean_hu"] for row in rows_of(tmp_path / name / "results.csv")]
        assert numbers == [row["mean_hu"] for row in rows_of(audit / "results.csv")]
        assert lumbarhu("verify", tmp_path / name, "--ct", series).exit_code == 0


def test_the_folder_contains_nothing_that_identifies_the_patient(spine, tmp_path):
    series = write_series(tmp_path / "series", spine.phantom, StudyDate="20240229", InstitutionName="GEHEIM CLINIC")
    run = lumbarhu("measure", series, "--markups", spine.markups, "--out", tmp_path / "out")
    assert run.exit_code == 0
    texts = [text for name, text in files_of(tmp_path / "out").items() if not name.endswith(".nrrd")]
    for secret in (b"GEHEIM", b"ERIKA", b"4711-X", b"19530417", b"20240229"):
        assert [text for text in texts if secret in text] == []
        assert secret.decode() not in run.out


def test_a_series_with_a_slice_missing_is_refused(spine, tmp_path):
    series = write_series(tmp_path / "series", spine.phantom)
    next(path for path in series.iterdir() if pydicom.dcmread(path).InstanceNumber == 9).unlink()
    run = lumbarhu("measure", series, "--markups", spine.markups, "--out", tmp_path / "out")
    assert run.exit_code == 2
    assert run.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
