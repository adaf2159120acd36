"""A site's own measurement error, used by a reading in one step."""

import copy

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.protocol_edit import is_protocol_modified, set_protocol_value, use_measurement_error
from LumbarHULib.mrml.reading_lifecycle import sign_off


@pytest.fixture
def open_reading(start_reading):
    return start_reading(levels=())


@pytest.fixture
def site_document(open_reading):
    document = copy.deepcopy(open_reading.protocol_document.document)
    document["name"] = "study, measurement error of our site"
    document["values"]["lsc_hu"] |= {"value": 5.5, "source": "our site"}
    return document


def test_a_reading_with_the_studys_protocol_adopts_the_sites_completely(open_reading, site_document):
    use_measurement_error(open_reading, site_document)
    assert open_reading.protocol.patient.lsc_hu == 5.5
    assert open_reading.protocol_document.document == site_document
    assert not is_protocol_modified(open_reading)


def test_values_modified_by_the_reader_stay(open_reading, site_document):
    set_protocol_value(open_reading, "cortical_margin_mm", 3.5)
    use_measurement_error(open_reading, site_document)
    assert (open_reading.protocol.patient.lsc_hu, open_reading.protocol.outline.cortical_margin_mm) == (5.5, 3.5)
    assert open_reading.protocol_document.document["values"]["lsc_hu"]["source"] == "our site"
    assert is_protocol_modified(open_reading)


def test_a_signed_off_reading_keeps_its_own(open_reading, site_document):
    sign_off(open_reading, "A", "2026-01-01")
    with pytest.raises(InputError, match="signed off"):
        use_measurement_error(open_reading, site_document)
