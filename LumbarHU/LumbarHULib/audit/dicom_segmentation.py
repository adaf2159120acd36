"""Write a reading's regions as a DICOM Segmentation object, with coded vertebra and side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.audit.coded_terms import ANATOMICAL_STRUCTURE, EDGE_DETECTION, REGION_SIDE_CODES, VERTEBRA_CODES

if TYPE_CHECKING:
    from highdicom.content import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation, SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom import Dataset

MANUFACTURER = "LumbarHU contributors"
MODEL = "LumbarHU"
SERIAL_NUMBER = "0"
_LONGEST_NAME = 63  # bytes; DICOM counts letters, its checker bytes
SEGMENTATION_SERIES, REPORT_SERIES = 901, 902

# Name of the algorithm that made the object.
ALGORITHM = "LumbarHU regions of interest"


def _new_uid() -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(prefix=None))


@dataclass(frozen=True)
class Region:
    """One region at one level, with the identifiers that Segmentation and report share.

    Parameters
    ----------
    level, roi : str
        Level and region.
    tracking_uid : str
        New for each export.
    """

    level: str
    roi: str
    tracking_uid: str = field(default_factory=_new_uid)

    @property
    def label(self) -> str:
        """Return the segment's label, such as “L1 round”, by which `read_dicom_segments` finds it."""
        return f"{self.level} {self.roi}"


def coded(code: tuple[str, str, str]) -> "CodedConcept":
    """Return a code of `coded_terms` as a highdicom object."""
    from highdicom.sr import CodedConcept

    value, scheme, meaning = code
    return CodedConcept(value, scheme, meaning)


def segmentation_of(
    slices: Sequence["Dataset"], slice_spacing_mm: float, masks: np.ndarray, regions: Sequence[Region], reader: str
) -> "Segmentation":
    """Return the Segmentation object.

    Parameters
    ----------
    slices : sequence of pydicom.Dataset
        Headers of the CT slices with voxels of a region, without pixels.
    slice_spacing_mm : float
        Distance between neighboring CT slices, along their normal.
    masks : numpy.ndarray of bool, shape (n_slices, rows, columns, n_regions)
        The voxels of each region.
    regions : sequence of Region
        Regions along the last axis of `masks`.
    reader : str
        Name of the reader.

    Returns
    -------
    highdicom.seg.Segmentation
    """
    from highdicom.content import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation

    algorithm = AlgorithmIdentificationSequence(ALGORITHM, coded(EDGE_DETECTION), __version__)
    segmentation = Segmentation(
        source_images=list(slices),
        pixel_array=masks,
        segmentation_type="BINARY",
        segment_descriptions=[
            _description(number, region, algorithm) for number, region in enumerate(regions, start=1)
        ],
        series_instance_uid=_new_uid(),
        series_number=SEGMENTATION_SERIES,
        sop_instance_uid=_new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        content_label="LUMBAR_ROIS",
        content_description="Regions of interest in lumbar vertebrae",
        content_creator_name=person_name(reader),
        series_description="LumbarHU regions, for research only",
    )
    # highdicom uses the distance between slices with regions as slice spacing, or omits it; other programs then
    # misplace the slices.
    (measures,) = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    measures.SpacingBetweenSlices = slice_spacing_mm
    return segmentation


def person_name(reader: str) -> str:
    """Return a reader's name as a DICOM person name, without DICOM's separators."""
    one_part = "".join(" " if letter in "^=\\" else letter for letter in reader).strip()
    one_part = one_part.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{one_part}^"  # family name, the others empty


def _description(number: int, region: Region, algorithm: "AlgorithmIdentificationSequence") -> "SegmentDescription":
    from highdicom.seg import SegmentDescription

    description = SegmentDescription(
        segment_number=number,
        segment_label=region.label,
        segmented_property_category=coded(ANATOMICAL_STRUCTURE),
        segmented_property_type=coded(VERTEBRA_CODES[region.level]),
        algorithm_type="SEMIAUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=region.tracking_uid,
        tracking_id=region.label,
        anatomic_regions=[coded(VERTEBRA_CODES[region.level])],
    )
    if region.roi in REGION_SIDE_CODES:
        side = coded(REGION_SIDE_CODES[region.roi])
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [side]
    return description
