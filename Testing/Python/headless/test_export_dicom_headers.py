"""What DICOM export takes over from a CT's headers, and which it refuses."""

import pydicom
import pytest
from headless.command_runner import lumbarhu
from headless.dicom_export_files import IDENTITY, READER, refusal, with_headers
from headless.test_dicom_phantom import write_series


@pytest.fixture(scope="module")
def series(spine, tmp_path_factory):
    return write_series(tmp_path_factory.mktemp("dicom") / "series", spine.phantom, **IDENTITY)


CHARACTER_SETS = {
    "as the CT's, where it holds all letters": ("ISO_IR 100", "Müller^Jürgen", "AB", "ISO_IR 100"),
    "that of all letters, where the reader's name needs others": ("ISO_IR 100", "Müller^Jürgen", READER, "ISO_IR 192"),
    "that of all letters, where the CT names none": (None, "Miller^George", "AB", "ISO_IR 192"),
}


@pytest.mark.parametrize("which", CHARACTER_SETS)
def test_the_character_set_is(which, series, one_level_of, tmp_path):
    stated, patient, reader, wanted = CHARACTER_SETS[which]
    own = with_headers(series, tmp_path / "series", SpecificCharacterSet=stated, PatientName=patient)
    audit = one_level_of(own, reader)
    assert lumbarhu("export-dicom", audit, "--ct", own, "--out", tmp_path / "dicom").exit_code == 0
    for name in ("segmentation.dcm", "report.dcm"):
        dataset = pydicom.dcmread(tmp_path / "dicom" / name)
        assert (dataset.SpecificCharacterSet, str(dataset.PatientName)) == (wanted, patient)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        *[("PatientBirthDate", date) for date in ("17.04.1953", "1953.04.17", "19530230")],
        *[("StudyDate", "20241301"), ("StudyTime", "noon"), ("PatientSex", "W")],
        *[("StudyInstanceUID", uid) for uid in ("1.2.abc", "1.2.826.007")],
    ],
)
def test_a_header_that_dicom_does_not_allow_is_refused(keyword, value, audit, series, tmp_path):
    own = with_headers(series, tmp_path / "series", **{keyword: value})
    reported = refusal("export-dicom", audit, "--ct", own, "--out", tmp_path / "dicom")
    assert f"states the {keyword} “{value}”, which DICOM does not allow" in reported
    assert not (tmp_path / "dicom").exists()


def test_an_oddity_that_archives_accept_is_copied_without_a_finding(series, one_level_of, tmp_path):
    odd = {"PatientID": "7" * 70, "StudyTime": "0815", "StudyInstanceUID": "1.2.0.826"}
    own = with_headers(series, tmp_path / "series", **odd)
    run = lumbarhu("export-dicom", one_level_of(own, "AB"), "--ct", own, "--out", tmp_path / "dicom")
    assert (run.exit_code, run.err) == (0, "")
    for name in ("segmentation.dcm", "report.dcm"):
        dataset = pydicom.dcmread(tmp_path / "dicom" / name)
        with pytest.warns(UserWarning, match="exceeds the maximum length of 64"):
            assert {keyword: dataset[keyword].value for keyword in odd} == odd
