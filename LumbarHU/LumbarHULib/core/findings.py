"""Findings: what makes a number doubtful but not impossible. A finding is part of the result, never a log line.

This module lists the code and the meaning of every finding, for the documents and for readers of the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# From mild to severe. Input that cannot be measured raises InputError instead.
SEVERITIES: tuple[str, ...] = ("note", "warning", "severe")


@dataclass(frozen=True)
class Finding:
    """One thing a reader should know about a number.

    Parameters
    ----------
    code : str
        Stable name in lower case, such as ``"boundary_oblique"``, as written to the CSV files.
    sentence : str
        One sentence with the value, its unit and the limit.
    remedy : str
        What the reader can do about it.
    severity : str
        One of `SEVERITIES`.
    level : str
        The vertebral level concerned; empty for the whole reading or the scan.
    roi : str
        The region concerned; empty for all regions.
    """

    code: str
    sentence: str
    remedy: str = ""
    severity: str = "warning"
    level: str = ""
    roi: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"Severity “{self.severity}” is not one of {', '.join(SEVERITIES)}.")
        if not self.code.replace("_", "").isalnum() or self.code != self.code.lower():
            raise ValueError(f"Finding code “{self.code}” is not lower_case_with_underscores.")


_PLACEMENT = "Placement by a segmentation or a click"

# Grouped by subject; within a group, from the scan to the number.
MEANINGS_BY_SUBJECT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Files": {
            "files_left_aside": "The folder contains other files in addition to the CT series; they were ignored.",
            "markup_left_aside": "A markup was ignored because its name does not state a level and a role.",
            "labels_read_by_value": "The segment names state no level; the levels were taken from the label values.",
            "orientation_unknown": "The file does not state the patient orientation.",
            "two_geometries": "The file states two image geometries that contradict each other.",
            "mixed_series": "The slices of the series differ in their acquisition.",
            "slices_uneven": "The slice spacing varies: only the evenly spaced part around the levels was read.",
        },
        "Acquisition": {
            "modality_not_ct": "The headers state a modality other than CT.",
            "values_not_hu": "The tissue around the vertebral bodies has values that are implausible in HU.",
            "unit_unspecified": "The headers declare the unit of the values as unspecified.",
            "derived_images": "The slices were computed from other images, for example as a reformat.",
            "monoenergetic_images": "The slices are virtual monoenergetic or other spectral images.",
            "lossy_compression": "The slices were stored with lossy compression.",
            "tube_voltage_off_protocol": "The tube voltage differs from that of the cutoffs: no class.",
            "contrast_medium": "By the headers, the CT and the cutoffs differ in contrast medium: no class.",
            "contrast_word_unknown": "The headers name a contrast agent that LumbarHU does not recognize.",
            "contrast_seen": "A vessel next to a vertebral body is as bright as with contrast medium: no class.",
            "acquisition_unknown": "The CT does not state its tube voltage or contrast medium.",
            "cutoffs_acquisition_unknown": "The cutoffs do not state the acquisition that they hold for.",
            "off_protocol_accepted": "The user requested classes although the acquisition is off protocol.",
            "slices_thick": "The slices are thicker than the protocol's.",
            "slices_thin": "The slices are thinner than the protocol's; several are measured together.",
            "slices_overlap": "The slices are thicker than their spacing.",
            "slices_apart": "The slices are thinner than their spacing: the gaps between them were not scanned.",
            "sharp_kernel": "The reconstruction kernel is a sharp one, for bone edges or lung.",
            "gantry_tilt": "The gantry was tilted; the slices keep their scanned positions.",
            "tilt_contradicted": "The headers state a gantry tilt that the slice positions do not show.",
            "coarse_pixels": "The pixels are larger than those the outline was tested with.",
            "small_field_of_view": "The field of view is small: vessels next to the spine may be outside it.",
        },
        _PLACEMENT: {
            "sixth_lumbar_vertebra": "The segmentation contains an L6: the levels may be numbered differently.",
            "thirteenth_thoracic_vertebra": "The segmentation contains a T13: the levels may be numbered differently.",
            "vertebra_skipped": "The segmentation lacks L5 or T12 between its neighbors: the levels may be misnamed.",
            "segment_empty": "The segment of a level has no voxels.",
            "mask_in_pieces": "A vertebra's segment is in pieces.",
            "mask_with_holes": "A vertebra's segment has holes, which were filled.",
            "mask_coarse": "The voxels of a segment are large.",
            "mask_and_ct_disagree": "The segment differs from the vertebral body that the CT shows.",
            "endplates_not_seen": "The endplates are not visible in the CT; mid-height was taken from the segment.",
            "walls_disagree": "The midline in the mid-slice is far from the body's walls above and below it.",
            "mid_height_ambiguous": "The endplates of a clicked body are poorly visible: the mid-slice is uncertain.",
            "bridging_bone": "Bone bridges the disc above or below the body: outline and mid-height are less certain.",
            "mid_slice_ambiguous": "Mid-height is between two slices that give different values.",
            "click_off_center": "A click is far from the center of the vertebral body that was found.",
            "endplates_faint": "Only a small part of a clicked body's endplates is visible.",
            "walls_faint": "Only a small part of a clicked body's walls is visible.",
            "level_filled_in": "The level was not clicked; it was found between two clicked levels.",
            "symmetry_doubtful": "The body's plane of symmetry is uncertain.",
            "posterior_wall_not_seen": "No wall is visible at the posterior end; severe if none above and below.",
            "outline_uneven": "The two sides of a proposed midline's outline are not symmetric.",
        },
        "Position of a level": {
            "levels_out_of_order": "The levels are in a different order in the CT than by name.",
            "levels_too_close": "Two midlines are so close that both may be in the same vertebra.",
            "levels_too_far": "Two midlines are so far apart that a vertebra may have been skipped.",
            "mid_slice_off_middle": "The mid-slice is off mid-height between the endplates; severe if far off.",
            "mid_slice_unchecked": "The body around the midline is not recognized, so its mid-height is unknown.",
            "midline_in_two_slices": "The two ends of the midline are in different slices.",
            "midline_reversed": "The midline ran from posterior to anterior; its ends were swapped.",
            "midline_rotated": "The midline is strongly rotated from the patient's anterior axis.",
            "outline_doubtful": "Found from the axis of the body instead of the midline, it gives another mean.",
            "bone_behind_wall": "Bone is behind the outline's posterior wall: it may cut a part of the body off.",
            "midline_off_outline": "An end of the midline is not on the outline.",
            "midline_off_center": "The midline is off the center of the body.",
            "outline_unlike_ct": "The outline that a reader drew differs from the body's edge in the CT.",
            "outline_found_anew": "A new search at the same midline finds an outline unlike that in the markup file.",
            "boundary_fraction": "A reader moved the boundary away from the protocol's position.",
            "boundary_oblique": "A reader turned the boundary away from the perpendicular to the midline.",
            "slab_cut": "The CT ends within the slices to be measured.",
        },
        "Regions": {
            "round_shrunk": "The round region is smaller than the study's circle.",
            "region_leaves_body": "A circle of given area does not fit into the body.",
            "mask_from_outline": "A region of a segmented vertebra was made from the outline and the endplates.",
            "small_roi": "A region has a small area or few voxels.",
            "leaves_bone": "Part of a region is outside the bone.",
            "near_endplate": "A region is close to an endplate.",
            "padding_in_roi": "Part of a region was not scanned, or contains gas.",
            "implausible_voxels": "A region contains voxels outside the range of trabecular bone.",
            "uneven_bone": "A patch in a region is much denser or less dense than the rest.",
            "sides_differ": "Left and right differ by more than noise explains.",
        },
        "Levels compared with each other": {
            "level_stands_out": "The mean of a level differs markedly from those of the other levels.",
            "body_low": "A vertebral body is lower than its neighbors: it may be fractured.",
        },
        "Densities by a calibration": {
            "calibration_other_scanner": "CT and calibration are from different scanners.",
            "calibration_other_kernel": "CT and calibration have different reconstruction kernels.",
            "calibration_contrast": "The CT has contrast medium, which a calibration counts as mineral.",
            "calibration_other_date": "The CT was acquired too many days before or after the phantom's scan.",
            "calibration_unchecked": "It is unknown whether CT and calibration agree in an acquisition fact.",
            "calibration_without_certificate": "The phantom file states no serial number or no certificate.",
            "calibration_without_interval": "The calibration has two rods, so densities have no interval.",
            "calibration_extrapolated": "A mean is outside the densities of the calibration's rods.",
            "calibration_phantomless": "The calibration is experimental: from air, fat and muscle, without a phantom.",
        },
        "Means and classes": {
            "too_few_levels": "Too few levels are measured for a class.",
            "levels_missing": "The mean is over fewer levels than the study's.",
            "implausible_mean": "A mean is outside the range of trabecular bone: no class.",
            "cutoff_of_useless_curve": "The cutoff comes from a ROC curve that does not show discrimination by HU.",
            "inside_cutoff_interval": "The mean is inside the interval of its nearest cutoff.",
            "within_measurement_error": "The mean is within measurement error of the cutoff.",
            "not_measured": "The level was not measured.",
            "changed_after_sign_off": "The reading was changed after it was signed off.",
        },
    }
)

MEANINGS: Mapping[str, str] = MappingProxyType(
    {code: meaning for subject_codes in MEANINGS_BY_SUBJECT.values() for code, meaning in subject_codes.items()}
)

# Findings made when a midline is proposed. A later measurement cannot make them again.
PLACEMENT_CODES = frozenset({*MEANINGS_BY_SUBJECT[_PLACEMENT], "labels_read_by_value"})

# Of these, the findings that the vertebrae may be numbered differently: they concern every level.
COUNT_CODES = frozenset({"sixth_lumbar_vertebra", "thirteenth_thoracic_vertebra", "vertebra_skipped"})

# Placement findings that remain when the reader moves the midline.
ABOUT_WHICH_BODY_CODES = frozenset({"level_filled_in", "labels_read_by_value", *COUNT_CODES})
