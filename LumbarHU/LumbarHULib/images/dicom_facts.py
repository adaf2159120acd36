"""What the headers of a sorted DICOM series say about the acquisition, and what is to be told of it."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.scan_facts import ScanFacts, printable
from LumbarHULib.images.contrast_words import contrast_said, is_known_word
from LumbarHULib.images.dicom_headers import DicomHeader, read_header
from LumbarHULib.images.dicom_one_ct import changing_names
from LumbarHULib.images.dicom_pixels import padding_of
from LumbarHULib.images.kernels import is_sharp_kernel

# Less than this is rounding of a header, and moves a slice's far end by less than a pixel.
_TILT_DEG = 0.1
_TILT_AGREES_DEG = 1.0
# Thickness and spacing closer than this, as a share of the spacing, are the same.
_THICKNESS_SHARE = 0.1

# Ways of storing pixels that lose some of their values, by UID (DICOM PS3.5, annex A): JPEG of the lossy processes,
# JPEG-LS near-lossless, and the kinds of JPEG 2000 and JPEG XL that may be either.
_LOSSY_SYNTAXES = {
    *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 52, 53, 54, 55, 56, 59, 60, 61, 62, 63, 64)),
    *(f"1.2.840.10008.1.2.4.{number}" for number in (81, 112)),
}
_MAYBE_LOSSY_SYNTAXES = {f"1.2.840.10008.1.2.4.{number}" for number in (91, 93, 203)}

# Words of ImageType for images made from several energies: DICOM's for multi-energy CT, and as scanners write them.
_SPECTRAL_WORDS = {"VMI", "MAT_MODIFIED", "MAT_REMOVED", "ENERGY_PROP_WT", "VNC", "GSI"}
_MONOENERGETIC = re.compile(r"(^|_)MONO(E|_|\d|$)|\d+_?KEV")


def facts_of_series(headers: list[DicomHeader], ras_from_ijk: np.ndarray) -> tuple[ScanFacts, tuple[Finding, ...]]:
    """Return the acquisition facts of a series and the findings of reading it.

    Parameters
    ----------
    headers : list of DicomHeader
        The slices, sorted.
    ras_from_ijk : numpy.ndarray, shape (4, 4)
        The geometry that their positions make up.
    """
    row_step, column_step, slice_step = ras_from_ijk[:3, :3].T
    normal = np.cross(row_step, column_step) / np.linalg.norm(np.cross(row_step, column_step))
    spacing_mm = float(abs(slice_step @ normal))
    # Along the normal, the step is free of shear.
    shear_deg = float(np.degrees(np.arctan2(np.linalg.norm(slice_step - (slice_step @ normal) * normal), spacing_mm)))
    currents_ma = [current for header in headers if (current := header.number("XRayTubeCurrent")) is not None]
    header_tilt_deg = _usual_number(headers, "GantryDetectorTilt")
    facts = ScanFacts(
        tube_voltage_kv=_usual_number(headers, "KVP"),
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
    )
    findings = [*_tilt_findings(shear_deg, header_tilt_deg), *_thickness_findings(facts.slice_thickness_mm, spacing_mm)]
    findings += _kernel_findings(facts)
    return facts, (*findings, *_mixed(headers), *_value_findings(headers))


def facts_of_files(paths: Iterable[Path], ras_from_ijk: np.ndarray) -> tuple[ScanFacts, tuple[Finding, ...]]:
    """Return the same of a series that another program has sorted and loaded; raises InputError as `read_header`."""
    return facts_of_series([read_header(Path(path)) for path in paths], ras_from_ijk)


def padding_of_files(paths: Iterable[Path]) -> np.ndarray | None:
    """Return the padding that all files of a series declare alike, shape (1, 2); None where they declare none.

    Raises
    ------
    InputError
        When a file cannot be read, or they differ: in what order the files are is not known here.
    """
    padding_hu = padding_of([read_header(Path(path)) for path in paths])
    if padding_hu is None:
        return None
    if not np.array_equal(padding_hu, np.broadcast_to(padding_hu[0], padding_hu.shape), equal_nan=True):
        raise InputError(
            "The slices declare different padding values, and which slice has which is not known in the scene: measure "
            "the series from its folder."
        )
    return padding_hu[:1]


def _usual_text(headers: list[DicomHeader], keyword: str) -> str | None:
    """Return what most slices state; None where none states anything."""
    texts = Counter(text for header in headers if (text := header.text(keyword)))
    return texts.most_common(1)[0][0] if texts else None


def _usual_number(headers: list[DicomHeader], keyword: str) -> float | None:
    numbers = Counter(number for header in headers if (number := header.number(keyword)) is not None)
    return numbers.most_common(1)[0][0] if numbers else None


def _contrast(headers: list[DicomHeader]) -> bool | None:
    """Tell whether contrast medium was given; None where the headers are silent, as many are when it was not."""
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
                f"The gantry was tilted by {shear_deg:.1f}°: the slices are kept where they lie, each shifted against "
                "the last.",
                "Open the CT in a program that keeps the shear, as 3D Slicer does.",
                "note",
            )
        ]
    if header_tilt_deg is not None and abs(header_tilt_deg) > _TILT_AGREES_DEG:
        return [
            Finding(
                "tilt_contradicted",
                f"The headers state a gantry tilt of {header_tilt_deg:g}°, but the slices' positions show none; the "
                "positions were followed.",
                "Check on a sagittal view that the spine is not sheared.",
            )
        ]
    return []


def _thickness_findings(thickness_mm: float | None, spacing_mm: float) -> list[Finding]:
    if thickness_mm is None or abs(thickness_mm - spacing_mm) <= _THICKNESS_SHARE * spacing_mm:
        return []
    figures = f"The slices are {thickness_mm:g} mm thick and {spacing_mm:.4g} mm apart"
    if thickness_mm > spacing_mm:
        return [
            Finding("slices_overlap", f"{figures}: they overlap, so neighbors share part of their signal.", "", "note")
        ]
    return [Finding("slices_apart", f"{figures}: what lies between them was not measured.", "", "warning")]


def _kernel_findings(facts: ScanFacts) -> list[Finding]:
    if not is_sharp_kernel(facts.manufacturer, facts.kernel):
        return []
    return [
        Finding(
            "sharp_kernel",
            f"The slices were reconstructed with the sharp kernel {facts.kernel}, one for bone edges or lungs: noise "
            "is higher, and dense edges overshoot into the regions.",
            "Measure a reconstruction with a standard kernel where there is one.",
        )
    ]


def _mixed(headers: list[DicomHeader]) -> list[Finding]:
    mixed = changing_names(headers)
    if not mixed:
        return []
    return [
        Finding(
            "mixed_series",
            f"The slices differ in {', '.join(mixed)}; what most of them state is taken for all.",
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
                f"The slices were computed from a spectrum (image type {', '.join(sorted(spectral))}), as virtual "
                "monoenergetic images are: bone has other values in them than at a tube voltage.",
                "Measure the conventional series where there is one.",
                "severe",
            )
        )
    if any("DERIVED" in header.text("ImageType").upper().split() for header in headers):
        findings.append(
            Finding(
                "derived_images",
                "The slices were computed from other images (image type DERIVED), as in a reformat.",
                "Measure the original series where there is one.",
            )
        )
    return [*findings, *_compression_findings(headers), *_contrast_word_findings(headers)]


def _compression_findings(headers: list[DicomHeader]) -> list[Finding]:
    """Tell of slices that lost some of their values, by what they state or by how they are stored."""
    syntaxes = {header.transfer_syntax for header in headers}
    stated = any(
        header.text("LossyImageCompression") == "01" or header.text("LossyImageCompressionMethod") for header in headers
    )
    if stated or syntaxes & _LOSSY_SYNTAXES:
        sentence = "The slices were compressed with loss, so their values are not those that were scanned."
    elif syntaxes & _MAYBE_LOSSY_SYNTAXES and not all(
        header.text("LossyImageCompression") == "00" for header in headers
    ):
        sentence = (
            "The slices are stored in a form of JPEG 2000 that may lose values, and their headers do not say whether "
            "it did."
        )
    else:
        return []
    return [Finding("lossy_compression", sentence, "Measure the original series where there is one.")]


def _contrast_word_findings(headers: list[DicomHeader]) -> list[Finding]:
    words = sorted({word for header in headers if not is_known_word(word := header.text("ContrastBolusAgent"))})
    if not words:
        return []
    shown = ", ".join(f"“{printable(word)}”" for word in words[:3])
    return [
        Finding(
            "contrast_word_unknown",
            f"The headers state the contrast agent {shown}, which LumbarHU does not know: whether contrast medium was "
            "given is unknown.",
            "Look at the aorta; do not take the class of a CT with contrast medium.",
        )
    ]
