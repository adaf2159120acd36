"""Codes of vertebrae and regions in DICOM's coding schemes."""

from types import MappingProxyType

Code = tuple[str, str, str]  # value, scheme, meaning

# DICOM PS3.16, CID 7602; Slicer's own lists contain only “Vertebra”.
VERTEBRA_CODES: MappingProxyType[str, Code] = MappingProxyType(
    {
        "T12": ("23215003", "SCT", "T12 vertebra"),
        "L1": ("66794005", "SCT", "L1 vertebra"),
        "L2": ("14293000", "SCT", "L2 vertebra"),
        "L3": ("36470004", "SCT", "L3 vertebra"),
        "L4": ("11994002", "SCT", "L4 vertebra"),
        "L5": ("49668003", "SCT", "L5 vertebra"),
    }
)

# DICOM PS3.16, CID 7150; Slicer's lists use another code for the same term.
ANATOMICAL_STRUCTURE: Code = ("91723000", "SCT", "Anatomical Structure")
SLICER_ANATOMICAL_STRUCTURE: Code = ("123037004", "SCT", "Anatomical Structure")

# Side of a region, DICOM PS3.16, CID 2; round and oval have no side.
REGION_SIDE_CODES: MappingProxyType[str, Code] = MappingProxyType(
    {
        "right": ("24028007", "SCT", "Right"),
        "left": ("7771000", "SCT", "Left"),
        "front": ("255549009", "SCT", "Anterior"),
    }
)

# Method that finds the regions, DICOM PS3.16, CID 7162.
EDGE_DETECTION: Code = ("123103", "DCM", "Edge Detection")

ATTENUATION: Code = ("112031", "DCM", "Attenuation Coefficient")

# A private scheme: the classes are those of a study, not SNOMED's diagnoses.
PRIVATE_SCHEME = "99LUMBARHU"
REGION_METHOD_CODES: MappingProxyType[str, Code] = MappingProxyType(
    {
        "round": ("roi-round", PRIVATE_SCHEME, "Largest circle on the midline"),
        "oval": ("roi-oval", PRIVATE_SCHEME, "Largest ellipse on the midline"),
        "right": ("roi-right", PRIVATE_SCHEME, "Right lateral region"),
        "front": ("roi-front", PRIVATE_SCHEME, "Anterior middle region"),
        "left": ("roi-left", PRIVATE_SCHEME, "Left lateral region"),
    }
)
CLASS_NAME: Code = ("class", PRIVATE_SCHEME, "Class by the cutoffs")
CUTOFF_SOURCE: Code = ("cutoff-source", PRIVATE_SCHEME, "Source of the cutoffs")
MEAN_OF_LEVELS: Code = ("mean-of-levels", PRIVATE_SCHEME, "Mean over vertebral levels")
COMMENT: Code = ("121106", "DCM", "Comment")

# Meanings of the classes, for readers of the code without the cutoffs.
CLASS_MEANINGS = MappingProxyType(
    {
        "osteoporosis": "at or below the osteoporosis cutoff",
        "osteopenia": "between the cutoffs",
        "normal": "at or above the upper cutoff",
        "not_classified": "not classified",
    }
)
