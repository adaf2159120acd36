"""The calibration of a reading to mg/cm³: stored with the reading, and applied to each of its results."""

from functools import lru_cache

from LumbarHULib.core.checks.calibration import is_in_time, require_same_voltage
from LumbarHULib.core.densities import with_densities
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import CalibrationDocument, calibration_from, fit_contradictions
from LumbarHULib.files.located_json import parse_located_json
from LumbarHULib.images.ct_identity import voxels_sha256
from LumbarHULib.mrml.ct_date import stated_date_of
from LumbarHULib.mrml.ct_node import voxels_of
from LumbarHULib.mrml.reading import Reading

_PARAMETER = "calibration"
# Whether the CT is within the calibration's days by its headers, and whether the phantom is in the CT itself. The
# scene stores the answers, and not the CT's date, from which the patient might be identified.
_FACTS = "calibration facts"


def calibration_of(reading: Reading) -> CalibrationDocument | None:
    """Return the calibration of a reading as it is applied to its CT; None if there is none.

    Raises
    ------
    InputError
        When what the scene stores is damaged.
    """
    text = reading.node.GetParameter(_PARAMETER)
    if not text:
        return None
    in_time = reading.value(_FACTS)["in_time"]
    if in_time is None:
        in_time = is_in_time(_from_text(text).calibration, ScanFacts(), stated_date_of(reading.ct_node) or None)
    return _from_text(text).applied(in_time)


def set_calibration(reading: Reading, calibration: CalibrationDocument | None, facts: ScanFacts | None = None) -> None:
    """Calibrate a reading from now on; None returns to HU alone.

    Parameters
    ----------
    reading : Reading
    calibration : CalibrationDocument or None
    facts : ScanFacts, optional
        The acquisition of the CT with its date, as read from its headers now.

    Raises
    ------
    InputError
        When the CT's tube voltage is known to differ from that of the calibration, or the reading is signed off.
    """
    reading.require_open()
    if calibration is None:
        for name in (_PARAMETER, _FACTS):
            reading.node.UnsetParameter(name)
        return
    require_same_voltage(calibration.calibration, reading.scan_facts)
    phantom_voxels = calibration.calibration.scan.voxels_sha256
    reading.keep(
        _FACTS,
        {
            "in_time": is_in_time(calibration.calibration, facts or reading.scan_facts),
            "is_same_scan": bool(phantom_voxels) and phantom_voxels == voxels_sha256(voxels_of(reading.ct_node)),
        },
    )
    reading.keep(_PARAMETER, calibration.document)


def with_calibration(reading: Reading, result: ReadingResult) -> ReadingResult:
    """Return a result with densities and the findings on them; without a calibration, as it is."""
    calibration = calibration_of(reading)
    if calibration is None:
        return result
    return with_densities(result, calibration.calibration, calibration.in_time, reading.value(_FACTS)["is_same_scan"])


def is_calibration_sound(reading: Reading) -> bool:
    """Return whether the stored calibration can be used; raises an error when it is damaged."""
    calibration = calibration_of(reading)
    if calibration is None:
        return True
    require_same_voltage(calibration.calibration, reading.scan_facts)
    facts = reading.value(_FACTS)
    return facts["in_time"] in (True, False, None) and isinstance(facts["is_same_scan"], bool)


# A document from a scene passes the same checks as one from a file.
@lru_cache(maxsize=8)
def _from_text(text: str) -> CalibrationDocument:
    document = calibration_from(parse_located_json(text, "calibration.json"))
    for _, sentence in fit_contradictions(document.calibration):
        raise InputError(f"The calibration in the scene was changed. {sentence} Choose the calibration again.")
    return document
