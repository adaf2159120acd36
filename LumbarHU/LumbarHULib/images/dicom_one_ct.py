"""Decide which slices belong to one CT: some headers must agree, others may change only along the patient.

A SeriesInstanceUID alone does not suffice: tools that anonymize, merge or copy assign the same UID to slices of several
patients, acquisitions or reconstructions.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from LumbarHULib.images.dicom_headers import DicomHeader

# Patient, study and frame of reference. Only hashes are kept, because some elements are the patient's name, ID and
# birth date.
_IDENTITY_NAMES = MappingProxyType(
    {
        "PatientID": "patient ID",
        "PatientName": "patient name",
        "PatientBirthDate": "birth date",
        "StudyInstanceUID": "Study Instance UID",
        "FrameOfReferenceUID": "Frame of Reference UID",
    }
)

# Acquisition and reconstruction.
_ACQUISITION_NAMES = MappingProxyType(
    {
        "SeriesNumber": "series number",
        "ImageType": "image type",
        "KVP": "tube voltage",
        "ConvolutionKernel": "kernel",
        "ReconstructionDiameter": "reconstruction diameter",
        "ReconstructionAlgorithm": "reconstruction algorithm",
        "FilterType": "filter type",
        "Manufacturer": "manufacturer",
        "ManufacturerModelName": "scanner model",
        "DeviceSerialNumber": "scanner's serial number",
    }
)

# These may change from one part of the patient to the next, as in a step-and-shoot scan, but must not alternate:
# alternating slices are a mixture of two scans.
_ALONG_THE_PATIENT = MappingProxyType(
    {
        "AcquisitionNumber": "acquisition number",
        "AcquisitionTime": "acquisition time",
        "AcquisitionDate": "acquisition date",
        "TemporalPositionIdentifier": "temporal position",
        "NominalPercentageOfCardiacPhase": "cardiac phase",
        "SliceThickness": "slice thickness",
        "ContrastBolusAgent": "contrast medium",
    }
)

# Rotations of one scan follow each other within seconds, apart from pauses for breathing or tube cooling.
_LONGEST_PAUSE_S = 60.0
_DAY_S = 86400.0

# Elements that are read in addition to those of the measurement.
FINGERPRINT_KEYWORDS: tuple[str, ...] = tuple(_IDENTITY_NAMES)
KEYWORDS: tuple[str, ...] = (*_ACQUISITION_NAMES, *_ALONG_THE_PATIENT)

Slices = Sequence[Any]
Parts = list[list[Any]]


def fingerprint(text: str) -> str:
    """Return a hash of a text that does not reveal it; case, blanks and empty parts are ignored."""
    plain = " ".join(text.casefold().replace("^", " ").split())
    return hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=8).hexdigest() if plain else ""


def parts_alike(headers: Slices) -> tuple[Parts, tuple[str, ...]]:
    """Return the parts of a series whose headers agree, largest first, and the names of the differing headers.

    Parameters
    ----------
    headers : sequence of DicomHeader

    Returns
    -------
    tuple of list and tuple of str
        One part and no names if all slices belong to one CT.
    """
    named = {
        keyword: name for keyword, name in (_IDENTITY_NAMES | _ACQUISITION_NAMES).items() if _differs(headers, keyword)
    }
    return _grouped(headers, lambda header: tuple(_stated(header, keyword) for keyword in named)), tuple(named.values())


def parts_along(in_order: Slices) -> tuple[Parts, tuple[str, ...]]:
    """Group slices into parts that were acquired one after the other; return them and the header that differs.

    Parameters
    ----------
    in_order : sequence of DicomHeader
        Slices of one series, sorted by position; several may have the same position.

    Returns
    -------
    tuple of list and tuple of str
        One part and no name if nothing alternates and no pause is longer than a minute.
    """
    for keyword, name in _ALONG_THE_PATIENT.items():
        values = [value for header in in_order if (value := _stated(header, keyword))]
        if sum(one != other for one, other in pairwise(values)) >= max(len(set(values)), 1):
            return _grouped(in_order, partial(_stated, keyword=keyword)), (name,)
    times_s = [_time_s(header) for header in in_order]
    parts: Parts = [[in_order[0]]]
    for header, before_s, now_s in zip(in_order[1:], times_s, times_s[1:], strict=False):
        if before_s is not None and now_s is not None and abs(now_s - before_s) > _LONGEST_PAUSE_S:
            parts.append([])
        parts[-1].append(header)
    return parts, ((_ALONG_THE_PATIENT["AcquisitionTime"],) if len(parts) > 1 else ())


def changing_names(headers: Slices) -> tuple[str, ...]:
    """Return the headers that change along the patient without acquisition times that prove a single scan."""
    differing = {keyword: name for keyword, name in _ALONG_THE_PATIENT.items() if _differs(headers, keyword)}
    if all(_time_s(header) is not None for header in headers):
        for keyword in ("AcquisitionNumber", "AcquisitionTime", "AcquisitionDate"):
            differing.pop(keyword, None)
    return tuple(differing.values())


def _stated(header: "DicomHeader", keyword: str) -> str:
    """Return a slice's value as text, so that different spellings of one number are equal."""
    if keyword in _IDENTITY_NAMES:
        return header.fingerprints.get(keyword, "")
    number = header.number(keyword)
    return header.text(keyword).upper() if number is None else f"{number:.3f}"


def _differs(headers: Slices, keyword: str) -> bool:
    """Return whether slices state different values; a slice without a patient may belong to another patient."""
    stated = {_stated(header, keyword) for header in headers}
    return len(stated if keyword in _IDENTITY_NAMES else stated - {""}) > 1


def _grouped(headers: Slices, key: Callable[[Any], Any]) -> Parts:
    groups: dict[Any, list[Any]] = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    return sorted(groups.values(), key=len, reverse=True)


def _time_s(header: "DicomHeader") -> float | None:
    """Return a slice's acquisition time in seconds, including the day if stated; None if no time is stated."""
    time = header.text("AcquisitionTime").replace(":", "").partition(".")
    if not (time[0].isdecimal() and len(time[0]) in (2, 4, 6)):
        return None
    hours, minutes, seconds = (int(time[0].ljust(6, "0")[at : at + 2]) for at in (0, 2, 4))
    date = header.text("AcquisitionDate")
    # Approximate lengths of years and months suffice: only differences of a few days matter.
    days = int(date[:4]) * 372 + int(date[4:6]) * 31 + int(date[6:]) if date.isdecimal() and len(date) == 8 else 0
    return days * _DAY_S + hours * 3600 + minutes * 60 + seconds + float(f"0.{time[2]}" if time[2].isdecimal() else 0)
