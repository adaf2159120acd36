"""What the headers of a series state about the acquisition."""

import pytest
from images.dicom_builder import write_series

from LumbarHULib.images.ct_file import read_ct


@pytest.mark.parametrize("voltage", ["0", "", "-1", "1000"])
def test_a_number_that_is_no_tube_voltage_is_unknown(tmp_path, voltage):
    """Some anonymizers write 0."""
    write_series(tmp_path, KVP=voltage)
    assert read_ct(tmp_path).scan_facts.tube_voltage_kv is None


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
@pytest.mark.parametrize(
    ("tags", "date"),
    [
        ({"AcquisitionDate": "20260301", "StudyDate": "20260201"}, "2026-03-01"),
        ({"AcquisitionDateTime": "20260301235959.50", "StudyDate": "20260302"}, "2026-03-01"),
        ({"AcquisitionDate": "2026.03.01"}, "2026-03-01"),
        ({"AcquisitionDate": "20261301", "SeriesDate": "20260302"}, "2026-03-02"),
        ({"StudyDate": ""}, None),
    ],
)
def test_the_day_of_the_scan_is_found_in_each_of_its_headers(tmp_path, tags, date):
    write_series(tmp_path, **tags)
    assert read_ct(tmp_path).scan_facts.acquired_on == date
