"""What the vertebrae are called in SNOMED CT, written as Slicer keeps the meaning of a segment."""

from types import MappingProxyType

# DICOM PS3.16, CID 7602; Slicer's own lists go no further than “Vertebra”.
VERTEBRA_CODES = MappingProxyType(
    {
        "T12": ("23215003", "SCT", "T12 vertebra"),
        "L1": ("66794005", "SCT", "L1 vertebra"),
        "L2": ("14293000", "SCT", "L2 vertebra"),
        "L3": ("36470004", "SCT", "L3 vertebra"),
        "L4": ("11994002", "SCT", "L4 vertebra"),
        "L5": ("49668003", "SCT", "L5 vertebra"),
    }
)


def terminology_entry(level: str) -> str:
    """Return the terminology entry of a level: context, category, type, modifier, region context, region, modifier."""
    value, scheme, meaning = VERTEBRA_CODES[level]
    category = "SCT^123037004^Anatomical Structure"
    return (
        f"Segmentation category and type - DICOM master list~{category}~{scheme}^{value}^{meaning}~^^"
        "~Anatomic codes - DICOM master list~^^~^^"
    )
