"""What makes a number doubtful but not impossible: said in the result, never in a log.

Every finding's code is here with what it means, for the documents and for people who read the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# From the mildest to the gravest. What is impossible is no finding but an InputError.
SEVERITIES: tuple[str, ...] = ("note", "warning", "severe")


@dataclass(frozen=True)
class Finding:
    """One thing a reader should know about a number.

    Parameters
    ----------
    code : str
        Stable name in lower case, such as ``"boundary_moved"``; it stands in the CSV files.
    sentence : str
        One sentence with the value, its unit and the limit.
    remedy : str
        What the reader can do.
    severity : str
        One of `SEVERITIES`.
    level : str
        The level concerned; empty for the whole reading or the scan.
    roi : str
        The region concerned; empty for all of them.
    """

    code: str
    sentence: str
    remedy: str = ""
    severity: str = "warning"
    level: str = ""
    roi: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"Severity “{self.severity}” is none of {', '.join(SEVERITIES)}.")
        if not self.code.replace("_", "").isalnum() or self.code != self.code.lower():
            raise ValueError(f"Finding code “{self.code}” is not lower_case_with_underscores.")


_PLACEMENT = "Placement by a segmentation or a click"

# By what the finding is about; in each group from the scan to the number.
MEANINGS_BY_SUBJECT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Files": {
            "files_left_aside": "Beside the CT series the folder held other files.",
            "markup_left_aside": "A markup's name names no level and role, so it was not used.",
            "labels_read_by_value": "The segments name no level; their label values were taken for levels.",
            "orientation_unknown": "The file does not say where left, anterior and superior are.",
            "two_geometries": "The file states two places for its voxels that contradict each other.",
            "mixed_series": "The slices of the series differ in how they were acquired.",
            "slices_uneven": "The slice spacing varies: only the even part around the levels was read.",
        },
        "Acquisition": {
            "modality_not_ct": "The headers state another modality than CT.",
            "values_not_hu": "The tissue around the bodies has values that soft tissue has not in HU.",
            "unit_unspecified": "The headers declare the unit of the values as unspecified.",
            "derived_images": "The slices were computed from other images, as in a reformat.",
            "monoenergetic_images": "The slices are virtual monoenergetic or otherwise made from a spectrum.",
            "lossy_compression": "The slices were compressed with loss.",
            "tube_voltage_off_protocol": "The tube voltage is not the one that the cutoffs hold for: no class.",
            "contrast_medium": "The headers tell of contrast medium, which the cutoffs do not hold for: no class.",
            "contrast_word_unknown": "The headers state a contrast agent by a word that LumbarHU does not know.",
            "contrast_seen": "A vessel beside a body is as bright as with contrast medium: no class.",
            "acquisition_unknown": "The CT does not tell its tube voltage or contrast medium.",
            "cutoffs_acquisition_unknown": "The cutoffs do not tell what acquisition they hold for.",
            "off_protocol_accepted": "The user asked for classes although the acquisition is off protocol.",
            "slices_thick": "The slices are thicker than the protocol's.",
            "slices_thin": "The slices are thinner than the protocol's; several are measured together.",
            "slices_overlap": "The slices are thicker than their spacing.",
            "slices_apart": "The slices are thinner than their spacing: what lies between was not scanned.",
            "sharp_kernel": "The reconstruction kernel is one for bone edges or lungs.",
            "gantry_tilt": "The gantry was tilted; the slices are kept where they lie.",
            "tilt_contradicted": "The headers state a tilt that the slices' positions do not show.",
            "coarse_pixels": "The pixels are coarser than those the outline was checked with.",
            "small_field_of_view": "The CT is narrow: vessels beside the spine may be out of view.",
        },
        _PLACEMENT: {
            "sixth_lumbar_vertebra": "The segmentation holds an L6: the levels may be counted otherwise elsewhere.",
            "thirteenth_thoracic_vertebra": "The segmentation holds a T13: the levels may be counted otherwise.",
            "vertebra_skipped": "The segmentation lacks L5 or T12 between its neighbors: the levels may be miscounted.",
            "segment_empty": "The segmentation names a level whose segment has no voxels.",
            "mask_in_pieces": "A vertebra's segment is in pieces.",
            "mask_with_holes": "A vertebra's segment has holes, which were filled.",
            "mask_coarse": "A segment's voxels are coarse.",
            "mask_and_ct_disagree": "The segment and the body that the CT shows differ.",
            "endplates_not_seen": "The CT does not show the endplates; the middle was taken from the segment.",
            "walls_disagree": "The midline found in the mid-slice is far from the walls above and below it.",
            "mid_height_ambiguous": "The CT shows a clicked body's endplates poorly: the mid-slice is uncertain.",
            "bridging_bone": "Bone bridges the disc above or below the body: outline and mid-height are less certain.",
            "mid_slice_ambiguous": "The body's middle lies between two slices that measure differently.",
            "click_off_center": "A click lies far off the middle of the body that was found.",
            "endplates_faint": "The CT shows the endplates of a clicked body on a small part of their extent.",
            "walls_faint": "The CT shows the walls of a clicked body on a small part of their extent.",
            "level_filled_in": "The level was not clicked but found between two that were.",
            "symmetry_doubtful": "The body's plane of symmetry is not sure.",
            "posterior_wall_not_seen": "No wall is seen at a midline's posterior end; severe if none above and below.",
            "outline_uneven": "The two sides of a proposed midline's outline are not mirror images.",
        },
        "Place of a level": {
            "levels_out_of_order": "Levels lie in another order than their names.",
            "levels_too_close": "Two midlines lie so close that they may stand in one vertebra.",
            "levels_too_far": "Two midlines lie so far apart that a vertebra may have been skipped.",
            "mid_slice_off_middle": "The mid-slice is off the middle between the endplates; severe if far off.",
            "midline_in_two_slices": "The midline's ends lie in different slices.",
            "midline_reversed": "The midline ran from back to front and was turned round.",
            "midline_rotated": "The midline is turned far against the patient's front.",
            "outline_doubtful": "A stretch of the outline follows no visible edge of the body, and a mean hangs on it.",
            "midline_off_outline": "An end of the midline does not stand on the outline.",
            "midline_off_center": "The midline stands off the middle of the body.",
            "outline_unlike_ct": "The outline that a reader drew is unlike the one in the CT.",
            "outline_found_anew": "Found anew at the same midline, the outline lies elsewhere than in its markup file.",
            "boundary_fraction": "A reader moved the boundary off the protocol's place.",
            "boundary_oblique": "A reader turned the boundary off the perpendicular.",
            "slab_cut": "The CT ends within the slices to be measured.",
        },
        "Regions": {
            "round_shrunk": "The round region is smaller than the study's circle.",
            "small_roi": "A region has little area or few voxels.",
            "leaves_bone": "Part of a region lies outside the bone.",
            "near_endplate": "A region comes near an endplate.",
            "padding_in_roi": "A region lacks voxels that were not scanned, or holds gas.",
            "implausible_voxels": "A region holds voxels that no trabecular bone has.",
            "uneven_bone": "A patch in a region is far denser or less dense than the rest.",
            "sides_differ": "Left and right differ by more than noise explains.",
        },
        "Levels beside each other": {
            "level_stands_out": "A level's mean lies far off those of the others.",
            "body_low": "A body is lower than its neighbors: it may be fractured.",
        },
        "Means and classes": {
            "too_few_levels": "Too few levels for a class.",
            "levels_missing": "The mean is over fewer levels than the study's.",
            "implausible_mean": "A mean is not that of trabecular bone: no class.",
            "cutoff_of_useless_curve": "The cutoff is of a ROC curve that does not show that low HU find anything.",
            "inside_cutoff_interval": "The mean lies inside the interval of its nearest cutoff.",
            "within_measurement_error": "The mean lies within measurement error of the cutoff.",
            "not_measured": "The level gave no number.",
            "changed_after_sign_off": "The reading was changed after it was signed off.",
        },
    }
)

MEANINGS: Mapping[str, str] = MappingProxyType(
    {code: meaning for of_subject in MEANINGS_BY_SUBJECT.values() for code, meaning in of_subject.items()}
)

# What is told when a midline is proposed, and no later measurement can find out again.
PLACEMENT_CODES = frozenset({*MEANINGS_BY_SUBJECT[_PLACEMENT], "labels_read_by_value"})

# Of these, what tells that the vertebrae may be counted otherwise: it concerns every level.
COUNT_CODES = frozenset({"sixth_lumbar_vertebra", "thirteenth_thoracic_vertebra", "vertebra_skipped"})

# Of the placement's, what no moving of the midline settles.
ABOUT_WHICH_BODY_CODES = frozenset({"level_filled_in", "labels_read_by_value", *COUNT_CODES})
