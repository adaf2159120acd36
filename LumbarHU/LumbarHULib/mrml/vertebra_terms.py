"""The SNOMED CT terms of the vertebrae, in the form in which Slicer stores the terminology of a segment."""

from LumbarHULib.audit.coded_terms import SLICER_ANATOMICAL_STRUCTURE, VERTEBRA_CODES


def terminology_entry(level: str) -> str:
    """Return the terminology entry of a level: context, category, type, modifier, region context, region, modifier."""
    value, scheme, meaning = VERTEBRA_CODES[level]
    category_value, category_scheme, category_meaning = SLICER_ANATOMICAL_STRUCTURE
    return (
        f"Segmentation category and type - DICOM master list~{category_scheme}^{category_value}^{category_meaning}"
        f"~{scheme}^{value}^{meaning}~^^~Anatomic codes - DICOM master list~^^~^^"
    )
