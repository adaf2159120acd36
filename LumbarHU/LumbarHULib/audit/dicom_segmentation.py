"""The regions of a reading as a DICOM Segmentation object, each with its vertebra and side coded."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.audit.coded_terms import ANATOMICAL_STRUCTURE, EDGE_DETECTION, REGION_SIDE_CODES, VERTEBRA_CODES

MANUFACTURER = "LumbarHU contributors"
MODEL = "LumbarHU"
SERIAL_NUMBER = "0"
_LONGEST_NAME = 63  # bytes; DICOM counts letters, its checker bytes
SEGMENTATION_SERIES, REPORT_SERIES = 901, 902

# Of LumbarHU as a piece of software, in the records of those who ask which program made an object.
ALGORITHM = "LumbarHU regions of interest"


def _new_uid() -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(prefix=None))


@dataclass(frozen=True)
class Region:
    """One region at one level, under the identifiers that Segmentation and report share.

    Parameters
    ----------
    level, roi : str
        Which one.
    tracking_uid : str
        New for each export.
    """

    level: str
    roi: str
    tracking_uid: str = field(default_factory=_new_uid)

    @property
    def label(self) -> str:
        """The segment's label, such as “L1 round”, by which `read_segmentation` finds it again."""
        return f"{self.level} {self.roi}"


def coded(code: tuple[str, str, str]):
    """Return a code of `coded_terms` as highdicom wants it."""
    from highdicom.sr import CodedConcept

    value, scheme, meaning = code
    return CodedConcept(value, scheme, meaning)


def segmentation_of(
    slices: Sequence, slice_spacing_mm: float, masks: np.ndarray, regions: Sequence[Region], reader: str
):
    """Return the Segmentation object.

    Parameters
    ----------
    slices : sequence of pydicom.Dataset
        The CT slices that hold voxels of a region, without their pixels.
    slice_spacing_mm : float
        From one slice of the CT to the next, along their normal.
    masks : numpy.ndarray of bool, shape (n_slices, rows, columns, n_regions)
        The voxels of each region.
    regions : sequence of Region
        What the last axis of `masks` counts.
    reader : str
        Who measured.

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
    # highdicom takes the distance between the slices that hold regions for it, or leaves it out: other readers then
    # put the slices where they do not lie.
    (measures,) = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    measures.SpacingBetweenSlices = slice_spacing_mm
    return segmentation


def person_name(reader: str) -> str:
    """Return a reader's name as a DICOM person name, whose parts no sign of DICOM's own may break."""
    one_part = "".join(" " if letter in "^=\\" else letter for letter in reader).strip()
    one_part = one_part.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{one_part}^"  # family name, the others empty


def _description(number: int, region: Region, algorithm):
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
