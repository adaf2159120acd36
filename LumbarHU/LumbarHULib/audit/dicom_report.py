"""Write a reading's numbers as a DICOM structured report (TID 1500) on the segments of its Segmentation object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from LumbarHULib import __version__
from LumbarHULib.audit.coded_terms import (
    ATTENUATION,
    CLASS_MEANINGS,
    CLASS_NAME,
    COMMENT,
    CUTOFF_SOURCE,
    MEAN_OF_LEVELS,
    PRIVATE_SCHEME,
    REGION_METHOD_CODES,
    REGION_SIDE_CODES,
    VERTEBRA_CODES,
)
from LumbarHULib.audit.dicom_segmentation import (
    MANUFACTURER,
    MODEL,
    REPORT_SERIES,
    SERIAL_NUMBER,
    Region,
    coded,
    person_name,
)
from LumbarHULib.core.quantities import QUANTITIES, Quantity

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.sr import (
        ComprehensiveSR,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )
    from pydicom import Dataset

# Quantities of a region in the report; results.csv has all quantities.
REPORTED = ("mean_hu", "sd_hu", "area_mm2")

_HU = ("[hnsf'U]", "UCUM", "Hounsfield unit")
_MM2 = ("mm2", "UCUM", "square millimeter")


@dataclass(frozen=True)
class ReportedMean:
    """A region's mean over the levels, and its class.

    Parameters
    ----------
    roi : str
        Name of the region.
    levels : tuple of str
        Levels in the mean.
    mean_hu : float
        The mean.
    class_name : str
        One of `CLASSES`.
    """

    roi: str
    levels: tuple[str, ...]
    mean_hu: float
    class_name: str


def report_of(
    segmentation: "Segmentation",
    slices: Sequence["Dataset"],
    regions: Sequence[Region],
    values: Mapping[tuple[str, str], Mapping[str, float]],
    means: Sequence[ReportedMean],
    cutoff_source: str,
    notice: str,
    reader: str,
) -> "ComprehensiveSR":
    """Return the structured report.

    Parameters
    ----------
    segmentation : highdicom.seg.Segmentation
        The object with the segments.
    slices : sequence of pydicom.Dataset
        The CT slices of the segments.
    regions : sequence of Region
        The segments, in the order of their numbers.
    values : mapping of (level, roi) to mapping of str to float
        The quantities of each region by name.
    means : sequence of ReportedMean
        Means over levels, with their classes.
    cutoff_source : str
        Publication or cohort of the cutoffs.
    notice : str
        Limits of use.
    reader : str
        Name of the reader.

    Returns
    -------
    highdicom.sr.ComprehensiveSR
    """
    from highdicom import sr
    from pydicom.sr.codedict import codes

    person = sr.PersonObserverIdentifyingAttributes(name=person_name(reader))
    context = sr.ObservationContext(
        observer_person_context=sr.ObserverContext(codes.DCM.Person, person),
    )
    groups: list[VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations] = [
        _region_group(segmentation, number, region, values[region.level, region.roi])
        for number, region in enumerate(regions, start=1)
    ]
    groups += [_mean_group(mean, cutoff_source, notice) for mean in means]
    content = sr.MeasurementReport(
        observation_context=context,
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    report = sr.ComprehensiveSR(
        evidence=[segmentation, *slices],
        content=content[0],
        series_instance_uid=_uid(),
        series_number=REPORT_SERIES,
        sop_instance_uid=_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="LumbarHU measurements, for research only",
    )
    report.CodingSchemeIdentificationSequence = [_private_scheme()]
    return report


def _private_scheme() -> "Dataset":
    import pydicom

    scheme = pydicom.Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeName = "LumbarHU"
    scheme.CodingSchemeVersion = __version__
    scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
    return scheme


def _uid() -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(prefix=None))


def _region_group(
    segmentation: "Segmentation", number: int, region: Region, values: Mapping[str, float]
) -> "VolumetricROIMeasurementsAndQualitativeEvaluations":
    from highdicom import sr

    site = sr.FindingSite(
        anatomic_location=coded(VERTEBRA_CODES[region.level]),
        topographical_modifier=coded(REGION_SIDE_CODES[region.roi]) if region.roi in REGION_SIDE_CODES else None,
    )
    quantities = {quantity.name: quantity for quantity in QUANTITIES}
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=region.tracking_uid, identifier=region.label),
        referenced_segment=sr.ReferencedSegment.from_segmentation(segmentation, segment_number=number),
        finding_type=coded(VERTEBRA_CODES[region.level]),
        method=coded(REGION_METHOD_CODES[region.roi]),
        finding_sites=[site],
        measurements=[_measurement(quantities[name], values[name]) for name in REPORTED],
    )


def _measurement(quantity: Quantity, value: float) -> "Measurement":
    """Return a number with its own code, or for HU as a statistic of the attenuation."""
    from highdicom import sr

    if quantity.unit == "[hnsf'U]":
        return sr.Measurement(coded(ATTENUATION), value, coded(_HU), derivation=coded(quantity.code))
    return sr.Measurement(coded(quantity.code), value, coded(_MM2))


def _mean_group(mean: ReportedMean, cutoff_source: str, notice: str) -> "MeasurementsAndQualitativeEvaluations":
    from highdicom import sr
    from highdicom.sr import RelationshipTypeValues, TextContentItem
    from pydicom.sr.codedict import codes

    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=_uid(), identifier=f"{', '.join(mean.levels)} {mean.roi}"),
        finding_type=coded(MEAN_OF_LEVELS),
        method=coded(REGION_METHOD_CODES[mean.roi]),
        finding_sites=[sr.FindingSite(coded(VERTEBRA_CODES[level])) for level in mean.levels],
        measurements=[
            sr.Measurement(coded(ATTENUATION), mean.mean_hu, coded(_HU), derivation=codes.SCT.Mean),
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(
                coded(CLASS_NAME), coded((mean.class_name.upper(), PRIVATE_SCHEME, CLASS_MEANINGS[mean.class_name]))
            )
        ],
    )
    for name, text in ((CUTOFF_SOURCE, cutoff_source), (COMMENT, notice)):
        group[0].ContentSequence.append(
            TextContentItem(coded(name), text, relationship_type=RelationshipTypeValues.CONTAINS)
        )
    return group
