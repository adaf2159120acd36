"""Read the acquisition facts of a sorted DICOM series from its headers, and derive findings from them."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import LEAST_KV, MOST_KV, ScanFacts, printable
from LumbarHULib.files.resources import resource_path
from LumbarHULib.images.contrast_words import contrast_said, is_known_word
from LumbarHULib.images.dicom_headers import DicomHeader, read_header
from LumbarHULib.images.dicom_one_ct import changing_names
from LumbarHULib.images.dicom_pixels import padding_of

# A smaller tilt is rounding in the header and moves the far end of a slice by less than a pixel.
_TILT_DEG = 0.1
_TILT_AGREES_DEG = 1.0
# Thickness and spacing are considered equal if they differ by less than this fraction of the spacing.
_THICKNESS_TOLERANCE = 0.1

# Transfer syntaxes with lossy compression, by UID (DICOM PS3.5, annex A): lossy JPEG, JPEG-LS near-lossless, and the
# kinds of JPEG 2000 and JPEG XL that may be lossy or lossless.
_LOSSY_SYNTAXES = {
    *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 52, 53, 54, 55, 56, 59, 60, 61, 62, 63, 64)),
    *(f"1.2.840.10008.1.2.4.{number}" for number in (81, 112)),
}
_MAYBE_LOSSY_SYNTAXES = {f"1.2.840.10008.1.2.4.{number}" for number in (91, 93, 203)}

# ImageType values of images computed from several energies: DICOM's for multi-energy CT, and those of scanners.
_SPECTRAL_WORDS = {"VMI", "MAT_MODIFIED", "MAT_REMOVED", "ENERGY_PROP_WT", "VNC", "GSI"}
_MONOENERGETIC = re.compile(r"(^|_)MONO(E|_|\d|$)|\d+_?KEV")


def facts_of_series(headers: list[DicomHeader], ras_from_ijk: np.ndarray) -> tuple[ScanFacts, tuple[Finding, ...]]:
    """Return the acquisition facts of a series, and the findings on it.

    Parameters
    ----------
    headers : list of DicomHeader
        The slices, sorted.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        The geometry given by the slices' positions.
    """
    row_step, column_step, slice_step = ras_from_ijk[:3, :3].T
    normal = np.cross(row_step, column_step) / np.linalg.norm(np.cross(row_step, column_step))
    spacing_mm = float(abs(slice_step @ normal))
    # The step's component along the normal excludes shear.
    shear_deg = float(np.degrees(np.arctan2(np.linalg.norm(slice_step - (slice_step @ normal) * normal), spacing_mm)))
    currents_ma = [current for header in headers if (current := header.number("XRayTubeCurrent")) is not None]
    header_tilt_deg = _usual_number(headers, "GantryDetectorTilt")
    facts = ScanFacts(
        tube_voltage_kv=_tube_voltage_kv(headers),
        tube_current_ma=float(np.median(currents_ma)) if currents_ma else None,
        slice_thickness_mm=_usual_number(headers, "SliceThickness"),
        slice_spacing_mm=round(spacing_mm, 6),
        gantry_tilt_deg=round(shear_deg, 3) if header_tilt_deg is None and shear_deg > _TILT_DEG else header_tilt_deg,
        contrast=_contrast(headers),
        kernel=_usual_text(headers, "ConvolutionKernel"),
        manufacturer=_usual_text(headers, "Manufacturer"),
        scanner_model=_usual_text(headers, "ManufacturerModelName"),
        modality=_usual_text(headers, "Modality"),
        series_uid=_usual_text(headers, "SeriesInstanceUID"),
        source="DICOM",
        acquired_on=_acquired_on(headers),
    )
    findings = [*_tilt_findings(shear_deg, header_tilt_deg), *_thickness_findings(facts.slice_thickness_mm, spacing_mm)]
    findings += _kernel_findings(facts)
    return facts, (*findings, *_mixed(headers), *_value_findings(headers))


def facts_of_files(paths: Iterable[Path], ras_from_ijk: np.ndarray) -> tuple[ScanFacts, tuple[Finding, ...]]:
    """Return the same for a series that another program has sorted and loaded.

    Raises
    ------
    InputError
        As `read_header`.
    """
    return facts_of_series([read_header(Path(path)) for path in paths], ras_from_ijk)


def padding_of_files(paths: Iterable[Path]) -> np.ndarray | None:
    """Return the padding that all files of a series declare, shape (1, 2); None if they declare none.

    Raises
    ------
    InputError
        If a file cannot be read, or the files differ: the order of the slices is unknown here.
    """
    padding_hu = padding_of([read_header(Path(path)) for path in paths])
    if padding_hu is None:
        return None
    if not np.array_equal(padding_hu, np.broadcast_to(padding_hu[0], padding_hu.shape), equal_nan=True):
        raise InputError(
            "The slices declare different padding values, which a loaded volume cannot assign to its slices: measure "
            "the series from its folder."
        )
    return padding_hu[:1]


def _usual_text(headers: list[DicomHeader], keyword: str) -> str | None:
    """Return the value that most slices state; None if no slice states one."""
    texts = Counter(text for header in headers if (text := header.text(keyword)))
    return texts.most_common(1)[0][0] if texts else None


def _usual_number(headers: list[DicomHeader], keyword: str) -> float | None:
    numbers = Counter(number for header in headers if (number := header.number(keyword)) is not None)
    return numbers.most_common(1)[0][0] if numbers else None


def _tube_voltage_kv(headers: list[DicomHeader]) -> float | None:
    """Return the tube voltage that most slices state; None if none does, as with the 0 of some anonymizers."""
    voltage_kv = _usual_number(headers, "KVP")
    return voltage_kv if voltage_kv is not None and LEAST_KV <= voltage_kv <= MOST_KV else None


def _acquired_on(headers: list[DicomHeader]) -> str | None:
    """Return the day of the acquisition as YYYY-MM-DD, or else that of the series or study; None if none is a date."""
    for keyword in ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate"):
        # A date and time begins with the date; files from before DICOM 3 have dots in it.
        text = (_usual_text(headers, keyword) or "").replace(".", "")[: 8 if keyword.endswith("Time") else None]
        try:
            # A date of DICOM is YYYYMMDD; fromisoformat of Python 3.10 reads only the form with hyphens.
            return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}").isoformat()
        except ValueError:
            continue
    return None


def _contrast(headers: list[DicomHeader]) -> bool | None:
    """Return whether contrast medium was given; None if the headers do not state it, as is common in unenhanced CTs."""
    said = {contrast_said(agent) for header in headers if (agent := header.text("ContrastBolusAgent"))}
    if True in said:
        return True
    if False in said:
        return False
    given = any(
        any(header.text(f"ContrastBolus{word}") for word in ("AgentSequence", "Ingredient", "Route"))
        or any(
            header.number(amount) for amount in ("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate")
        )
        for header in headers
    )
    return True if given else None


def _tilt_findings(shear_deg: float, header_tilt_deg: float | None) -> list[Finding]:
    if shear_deg > _TILT_DEG:
        return [
            Finding(
                "gantry_tilt",
                f"The gantry was tilted by {shear_deg:.1f}°: the slices keep their positions, each shifted relative to "
                "the one before.",
                "View the CT in a program that keeps the shear, such as 3D Slicer.",
                "note",
            )
        ]
    if header_tilt_deg is not None and abs(header_tilt_deg) > _TILT_AGREES_DEG:
        return [
            Finding(
                "tilt_contradicted",
                f"The headers state a gantry tilt of {header_tilt_deg:g}°, but the slices' positions show no tilt; the "
                "positions are used.",
                "Check on a sagittal view that the spine is not sheared.",
            )
        ]
    return []


def _thickness_findings(thickness_mm: float | None, spacing_mm: float) -> list[Finding]:
    if thickness_mm is None or abs(thickness_mm - spacing_mm) <= _THICKNESS_TOLERANCE * spacing_mm:
        return []
    spacing = f"The slices are {thickness_mm:g} mm thick and {spacing_mm:.4g} mm apart"
    if thickness_mm > spacing_mm:
        return [Finding("slices_overlap", f"{spacing}: neighboring slices overlap and share signal.", "", "note")]
    remedy = "Measure a series without gaps between its slices if available."
    return [Finding("slices_apart", f"{spacing}: the gaps between them are not measured.", remedy, "warning")]


def _kernel_findings(facts: ScanFacts) -> list[Finding]:
    if not is_sharp_kernel(facts.manufacturer, facts.kernel):
        return []
    return [
        Finding(
            "sharp_kernel",
            f"The slices were reconstructed with {facts.kernel}, a sharp kernel for bone edges or lungs: noise is "
            "higher, and dense edges overshoot into the regions.",
            "Measure a reconstruction with a standard kernel if available.",
        )
    ]


def _mixed(headers: list[DicomHeader]) -> list[Finding]:
    mixed = changing_names(headers)
    if not mixed:
        return []
    return [
        Finding(
            "mixed_series",
            f"The slices differ in {', '.join(mixed)}; the most frequent value is used for all.",
            "Check that the series is one scan.",
        )
    ]


def _is_spectral(word: str) -> bool:
    return word in _SPECTRAL_WORDS or _MONOENERGETIC.search(word) is not None


def _value_findings(headers: list[DicomHeader]) -> list[Finding]:
    findings = []
    if any(header.text("RescaleType").upper() == "US" for header in headers):
        findings.append(
            Finding(
                "unit_unspecified",
                "The headers declare the unit of the values as unspecified (US), not as HU.",
                "Check that air is near −1000 and fat near −100.",
                "severe",
            )
        )
    spectral = {word for header in headers for word in header.text("ImageType").upper().split() if _is_spectral(word)}
    if spectral:
        findings.append(
            Finding(
                "monoenergetic_images",
                f"The slices are spectral images (image type {', '.join(sorted(spectral))}), such as virtual "
                "monoenergetic images: their HU of bone differ from those of a conventional CT.",
                "Measure the conventional series if available.",
                "severe",
            )
        )
    if any("DERIVED" in header.text("ImageType").upper().split() for header in headers):
        findings.append(
            Finding(
                "derived_images",
                "The slices were computed from other images (image type DERIVED), for example by reformatting.",
                "Measure the original series if available.",
            )
        )
    return [*findings, *_compression_findings(headers), *_contrast_word_findings(headers)]


def _compression_findings(headers: list[DicomHeader]) -> list[Finding]:
    """Return a finding on slices with lossy compression, by their headers or their transfer syntax."""
    syntaxes = {header.transfer_syntax for header in headers}
    stated = any(
        header.text("LossyImageCompression") == "01" or header.text("LossyImageCompressionMethod") for header in headers
    )
    if stated or syntaxes & _LOSSY_SYNTAXES:
        sentence = "The slices had lossy compression, so their HU differ from the scanned values."
    elif syntaxes & _MAYBE_LOSSY_SYNTAXES and not all(
        header.text("LossyImageCompression") == "00" for header in headers
    ):
        sentence = (
            "The slices are stored in a form of JPEG 2000 that may be lossy, and their headers do not state whether it "
            "was."
        )
    else:
        return []
    return [Finding("lossy_compression", sentence, "Measure the original series if available.")]


def _contrast_word_findings(headers: list[DicomHeader]) -> list[Finding]:
    if _contrast(headers) is not None:
        return []  # another header states what this one leaves unknown
    words = sorted({word for header in headers if not is_known_word(word := header.text("ContrastBolusAgent"))})
    if not words:
        return []
    shown = ", ".join(f"“{printable(word)}”" for word in words[:3])
    return [
        Finding(
            "contrast_word_unknown",
            f"The headers state the contrast agent {shown}, which LumbarHU does not know: it is unknown whether "
            "contrast medium was given.",
            "Look at the aorta; do not use the class of a CT with contrast medium.",
        )
    ]


def is_sharp_kernel(manufacturer: str | None, kernel: str | None) -> bool:
    """Return whether a kernel, named as in the headers, is known to be sharp."""
    if not kernel:
        return False
    maker = (manufacturer or "").upper() + " "
    document = json.loads(resource_path("Kernels", "sharp-kernels.json").read_text(encoding="utf-8"))
    entry_of_maker = next(entry for entry in document["manufacturers"] if entry["manufacturer"] in maker)
    return re.search(entry_of_maker["pattern"], kernel.upper()) is not None
