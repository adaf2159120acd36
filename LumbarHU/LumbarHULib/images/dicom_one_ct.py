"""What one CT is: the headers that all of its slices share, and those that may change along the patient only.

A SeriesInstanceUID alone does not tell: tools that anonymize, merge or copy give one to slices of several patients,
acquisitions or reconstructions. Every question whether two slices belong together is answered here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

# Who and where: only a fingerprint of these is kept, for some are a patient's name, number and date.
_WHO_AND_WHERE = MappingProxyType(
    {
        "PatientID": "patient ID",
        "PatientName": "patient name",
        "PatientBirthDate": "birth date",
        "StudyInstanceUID": "Study Instance UID",
        "FrameOfReferenceUID": "Frame of Reference UID",
    }
)

# How the slices were acquired and reconstructed.
_HOW = MappingProxyType(
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

# These may change from one part of the patient to the next, as in a scan of one rotation after another, but not to and
# fro: slices that alternate are two scans that were mixed.
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

# Rotations of one scan follow each other within seconds, with a pause to breathe or to let the tube cool.
_LONGEST_PAUSE_S = 60.0
_DAY_S = 86400.0

# What a file is read for besides what concerns the measurement.
FINGERPRINT_KEYWORDS: tuple[str, ...] = tuple(_WHO_AND_WHERE)
KEYWORDS: tuple[str, ...] = (*_HOW, *_ALONG_THE_PATIENT)

Slices = Sequence[Any]
Parts = list[list[Any]]


def fingerprint(text: str) -> str:
    """Return what tells one text from another but not what it says; case, blanks and empty parts do not count."""
    plain = " ".join(text.casefold().replace("^", " ").split())
    return hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=8).hexdigest() if plain else ""


def parts_alike(headers: Slices) -> tuple[Parts, tuple[str, ...]]:
    """Return slices of one series in parts whose headers agree, the largest first, and which headers differ.

    Parameters
    ----------
    headers : sequence of DicomHeader

    Returns
    -------
    tuple of list and tuple of str
        One part and no names where the slices are of one CT.
    """
    named = {keyword: name for keyword, name in (_WHO_AND_WHERE | _HOW).items() if _differs(headers, keyword)}
    return _grouped(headers, lambda header: tuple(_stated(header, keyword) for keyword in named)), tuple(named.values())


def parts_along(in_order: Slices) -> tuple[Parts, tuple[str, ...]]:
    """Return slices in parts that were acquired one after the other, and the header that tells the parts apart.

    Parameters
    ----------
    in_order : sequence of DicomHeader
        Slices of one series, by position; several may be in one place.

    Returns
    -------
    tuple of list and tuple of str
        One part and no name where nothing alternates and no pause is longer than a minute.
    """
    for keyword, name in _ALONG_THE_PATIENT.items():
        values = [value for header in in_order if (value := _stated(header, keyword))]
        if sum(one != other for one, other in pairwise(values)) >= max(len(set(values)), 1):
            return _grouped(in_order, lambda header, keyword=keyword: _stated(header, keyword)), (name,)
    times_s = [_time_s(header) for header in in_order]
    parts: Parts = [[in_order[0]]]
    for header, before_s, now_s in zip(in_order[1:], times_s, times_s[1:], strict=False):
        if before_s is not None and now_s is not None and abs(now_s - before_s) > _LONGEST_PAUSE_S:
            parts.append([])
        parts[-1].append(header)
    return parts, ((_ALONG_THE_PATIENT["AcquisitionTime"],) if len(parts) > 1 else ())


def changing_names(headers: Slices) -> tuple[str, ...]:
    """Return the headers that change along the patient without a time that tells that it was one scan."""
    differing = {keyword: name for keyword, name in _ALONG_THE_PATIENT.items() if _differs(headers, keyword)}
    if all(_time_s(header) is not None for header in headers):
        for keyword in ("AcquisitionNumber", "AcquisitionTime", "AcquisitionDate"):
            differing.pop(keyword, None)
    return tuple(differing.values())


def _stated(header, keyword: str) -> str:
    """Return what a slice states, so that two ways of writing one number are the same."""
    if keyword in _WHO_AND_WHERE:
        return header.fingerprints.get(keyword, "")
    number = header.number(keyword)
    return header.text(keyword).upper() if number is None else f"{number:.3f}"


def _differs(headers: Slices, keyword: str) -> bool:
    """Tell whether slices state different things; one that names no patient is not known to be of the others'."""
    stated = {_stated(header, keyword) for header in headers}
    return len(stated if keyword in _WHO_AND_WHERE else stated - {""}) > 1


def _grouped(headers: Slices, key: Callable[[Any], Any]) -> Parts:
    groups: Mapping[Any, list[Any]] = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    return sorted(groups.values(), key=len, reverse=True)


def _time_s(header) -> float | None:
    """Return when a slice was acquired in seconds, the day counted where it is stated; None where the time is not."""
    time = header.text("AcquisitionTime").replace(":", "").partition(".")
    if not (time[0].isdecimal() and len(time[0]) in (2, 4, 6)):
        return None
    hours, minutes, seconds = (int(time[0].ljust(6, "0")[at : at + 2]) for at in (0, 2, 4))
    date = header.text("AcquisitionDate")
    # Days of a year and a month are counted roughly: only a few days' difference matters.
    days = int(date[:4]) * 372 + int(date[4:6]) * 31 + int(date[6:]) if date.isdecimal() and len(date) == 8 else 0
    return days * _DAY_S + hours * 3600 + minutes * 60 + seconds + float(f"0.{time[2]}" if time[2].isdecimal() else 0)
