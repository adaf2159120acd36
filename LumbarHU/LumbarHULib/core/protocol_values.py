"""The values of a measurement protocol, in one group for each stage that reads them.

Each field declares its unit, its valid range and its meaning. Protocol files, records and messages name a value by the
group's prefix and the field: `OutlineValues.cortex_hu` is ``outline_cortex_hu`` there.
"""

from dataclasses import dataclass

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.value_group import ValueGroup, level_names, number, word


@dataclass(frozen=True)
class FrameValues(ValueGroup):
    """Which slices are axial, and which lines are midlines."""

    INCREASING = (("midline_length_min_mm", "midline_length_max_mm"),)

    axial_tie_deg: float = number(
        "deg", 0.0, 10.0, "Smallest difference in angle at which one family of grid planes is the axial one."
    )
    midline_angle_limit_deg: float = number(
        "deg", 1.0, 89.0, "Largest angle between a midline and the patient's front-to-back axis."
    )
    midline_length_min_mm: float = number("mm", 1.0, 100.0, "Length of the shortest midline.")
    midline_length_max_mm: float = number("mm", 1.0, 200.0, "Length of the longest midline.")


@dataclass(frozen=True)
class BoundaryValues(ValueGroup):
    """Where the boundary of the anterior region is, and how far a reader may move it."""

    PREFIX = "boundary_"
    INCREASING = (("fraction_min", "fraction", "fraction_max"),)

    fraction: float = number(
        "1", 0.2, 0.95, "Fraction of the midline, from its anterior end, at which the boundary crosses it.", study=True
    )
    fraction_tolerance: float = number(
        "1", 0.0, 1.0, "Difference from the protocol's fraction above which a reader's boundary gets a finding."
    )
    fraction_min: float = number("1", 0.0, 1.0, "Smallest fraction at which a boundary may cross the midline.")
    fraction_max: float = number("1", 0.0, 1.0, "Largest fraction at which a boundary may cross the midline.")
    angle_tolerance_deg: float = number(
        "deg", 0.0, 90.0, "Angle from the perpendicular above which a reader's boundary gets a finding."
    )
    angle_limit_deg: float = number("deg", 1.0, 89.0, "Largest angle of a boundary from the perpendicular.")
    handle_distance_mm: float = number("mm", 0.0, 50.0, "Distance of the boundary's handles from the outline.")


@dataclass(frozen=True)
class OutlineValues(ValueGroup):
    """What the outline search assumes about a vertebral body in CT, when its result is doubtful, and the margin."""

    PREFIX = "outline_"
    INCREASING = (
        ("cortex_min_mm", "cortex_usual_mm", "cortex_max_mm"),
        ("blur_min_mm", "blur_max_mm"),
        ("half_width_min_mm", "half_width_max_mm"),
    )

    control_points: int = number("1", 12, 60, "Number of control points of a found outline.", integer=True)
    cortex_hu: float = number(
        "HU",
        200.0,
        3000.0,
        "HU of cortical bone without blur; it must be given because blur preserves only HU times thickness.",
    )
    cortex_min_mm: float = number("mm", 0.01, 5.0, "Thickness of the thinnest cortex.")
    cortex_usual_mm: float = number("mm", 0.01, 5.0, "Thickness of the usual cortex.")
    cortex_max_mm: float = number("mm", 0.01, 10.0, "Thickness of the thickest cortex.")
    blur_min_mm: float = number(
        "mm", 0.1, 10.0, "Smallest in-plane blur, as full width at half maximum without the pixel's own width."
    )
    blur_max_mm: float = number(
        "mm", 0.1, 10.0, "Largest in-plane blur, as full width at half maximum without the pixel's own width."
    )
    half_width_min_mm: float = number("mm", 1.0, 100.0, "Smallest distance of a side wall from the midline.")
    half_width_max_mm: float = number("mm", 1.0, 100.0, "Largest distance of a side wall from the midline.")
    end_tolerance_mm: float = number(
        "mm", 0.1, 50.0, "Largest distance of a midline's end from the body's edge in the CT."
    )
    noise_floor_hu: float = number(
        "HU", 0.1, 500.0, "Smallest deviation of a profile from the model that counts as noise."
    )
    support_min: float = number("1", 0.0, 1.0, "Smallest share of the perimeter on which a cortex must be visible.")
    gap_limit_mm: float = number(
        "mm", 0.0, 50.0, "Distance between a midline's end and the outline above which there is a finding."
    )
    end_sd_mm: float = number(
        "mm", 0.05, 10.0, "Standard deviation of the reader's midline ends, as evidence in addition to the image."
    )
    least_hu: float = number(
        "HU", -1024.0, 0.0, "HU to which lower values are raised, so that lung and bowel gas look like fat."
    )
    doubt_mm: float = number(
        "mm", 0.0, 20.0, "Standard deviation of the outline's error above which the report draws it dashed."
    )
    doubt_length_mm: float = number("mm", 0.0, 100.0, "Length of the shortest stretch that is drawn dashed.")
    doubt_hu: float = number(
        "HU", 0.0, 1000.0, "Change of a mean from which there is a note: the outline is found from the body's axis."
    )
    doubt_warning_hu: float = number(
        "HU", 0.0, 1000.0, "Change of a mean, with the outline found from the body's axis, that is a warning."
    )
    cortical_margin_mm: float = number(
        "mm",
        0.0,
        10.0,
        "Distance of the inner outline from the outline, which keeps the cortex out of the regions.",
        study=True,
        file_name="cortical_margin_mm",
    )


@dataclass(frozen=True)
class EndplateValues(ValueGroup):
    """What the endplate search assumes about a vertebral body and its discs."""

    PREFIX = "endplate_"
    INCREASING = (("height_min_mm", "height_usual_mm", "height_max_mm"),)

    bone_hu: float = number("HU", 1.0, 1000.0, "Expected HU of trabecular bone next to an endplate, and its SD.")
    disc_hu: float = number("HU", 1.0, 500.0, "Expected HU of a disc; its standard deviation is half of it.")
    misfit_hu: float = number(
        "HU", 0.1, 500.0, "Deviation of a voxel near an endplate from the model that is expected without noise."
    )
    layer_min_hu_mm: float = number(
        "HU·mm", 0.0, 5000.0, "HU times thickness of the thinnest dense layer that counts as a visible endplate."
    )
    support_min: float = number(
        "1", 0.0, 1.0, "Smallest share of the voxel columns in which an endplate must be visible."
    )
    height_min_mm: float = number("mm", 1.0, 100.0, "Height of the lowest body, between its endplates' middles.")
    height_usual_mm: float = number("mm", 1.0, 100.0, "Height of the usual body, between its endplates' middles.")
    height_max_mm: float = number("mm", 1.0, 100.0, "Height of the highest body, between its endplates' middles.")


@dataclass(frozen=True)
class RoiValues(ValueGroup):
    """How the study's five regions are drawn, and the slices that they cover."""

    front_width_fraction: float = number(
        "1", 0.05, 0.95, "Width of the front region as a fraction of the anterior region's width.", study=True
    )
    lateral_extent: str = word(
        "full",
        "anterior",
        meaning="Whether left and right extend over the full depth or only in front of the boundary.",
    )
    round_radius_fraction: float = number(
        "1", 0.0, 1.0, "Fraction of the study's circle's radius below which the round region gets a finding."
    )
    off_center_fraction: float = number(
        "1", 0.0, 1.0, "Difference of a body's two sides, as a fraction of its width, above which there is a finding."
    )
    edge_tolerance_mm: float = number(
        "mm", 0.0, 1e-3, "Distance outside a shape up to which a voxel's center still counts as inside."
    )
    slab_mm: float = number(
        "mm", 0.0, 50.0, "Thickness of the slab of slices that a region covers; 0 means one slice.", study=True
    )
    coarse_pixel_mm: float = number("mm", 0.1, 10.0, "Size of a pixel above which a CT gets a finding.")


@dataclass(frozen=True)
class FindingValues(ValueGroup):
    """When a position, a region or a CT is doubtful."""

    INCREASING = (
        ("level_spacing_min_mm", "level_spacing_max_mm"),
        ("tissue_median_min_hu", "tissue_median_max_hu"),
    )

    rotation_limit_deg: float = number(
        "deg", 1.0, 89.0, "Angle of a midline from the patient's front within the slice above which it gets a finding."
    )
    roi_area_min_mm2: float = number("mm2", 0.0, 2000.0, "Area below which a region gets a finding.")
    roi_voxels_min: int = number("1", 2, 10000, "Number of voxels below which a region gets a finding.", integer=True)
    endplate_distance_min_mm: float = number(
        "mm", 0.0, 20.0, "Distance from an endplate to a region's nearest voxel below which there is a finding."
    )
    endplate_trust_min: float = number(
        "1", 0.0, 1.0, "Share of the voxel columns in which an endplate must be visible to give a distance or height."
    )
    mid_slice_tolerance_mm: float = number(
        "mm",
        0.0,
        30.0,
        "Distance from mid-height, beyond half a slice spacing, above which a mid-slice gets a finding.",
    )
    roi_outside_share: float = number(
        "1", 0.0, 1.0, "Share of a region's voxels outside the bone above which it gets a finding."
    )
    outline_agreement_min: float = number(
        "1", 0.0, 1.0, "Dice overlap with the outline found in the CT below which a reader's outline gets a finding."
    )
    side_difference_hu: float = number(
        "HU", 1.0, 1000.0, "Difference of left and right above which there is a finding, if noise does not explain it."
    )
    noise_limit_sds: float = number(
        "1", 1.0, 10.0, "Number of standard errors above which noise does not explain a difference."
    )
    noise_patch_mm2: float = number("mm2", 0.1, 100.0, "Area that counts as one independent value in a standard error.")
    level_difference_hu: float = number(
        "HU", 1.0, 1000.0, "Difference of a level's oval from the other levels' median above which there is a finding."
    )
    height_share_min: float = number(
        "1", 0.1, 1.0, "Share of its neighbors' mean height below which a body gets a finding."
    )
    level_spacing_min_mm: float = number(
        "mm", 1.0, 100.0, "Distance of two neighboring levels below which there is a finding."
    )
    level_spacing_max_mm: float = number(
        "mm", 1.0, 200.0, "Distance of two neighboring levels above which there is a finding."
    )
    patch_radius_mm: float = number("mm", 0.5, 20.0, "Radius of the patches that are examined within the regions.")
    patch_difference_hu: float = number(
        "HU", 10.0, 2000.0, "Difference of a patch from the body's median above which there is a finding."
    )
    vessel_bright_hu: float = number(
        "HU", 60.0, 1000.0, "HU above which a vessel-sized piece of tissue contains contrast medium."
    )
    vessel_max_hu: float = number("HU", 60.0, 3071.0, "HU above which a bright piece of tissue is bone, not a vessel.")
    vessel_radius_mm: float = number("mm", 1.0, 20.0, "Radius of the piece of tissue that must be bright throughout.")
    vessel_distance_max_mm: float = number(
        "mm", 1.0, 100.0, "Largest distance from the body at which a bright piece of tissue is searched."
    )
    tissue_median_min_hu: float = number(
        "HU", -1024.0, 3071.0, "Median around a body below which the CT's values are not HU."
    )
    tissue_median_max_hu: float = number(
        "HU", -1024.0, 3071.0, "Median around a body above which the CT's values are not HU."
    )
    slice_thickness_tolerance_mm: float = number(
        "mm", 0.0, 10.0, "Difference of the slices' thickness from the slab's above which there is a finding."
    )
    field_of_view_min_mm: float = number(
        "mm", 1.0, 500.0, "Width of the field of view below which a CT gets a finding."
    )


@dataclass(frozen=True)
class PlacementValues(ValueGroup):
    """How midlines are proposed from a segmentation or from clicks, and when a proposal is doubtful."""

    PREFIX = "placement_"
    INCREASING = (("height_min_mm", "height_max_mm"),)

    height_min_mm: float = number("mm", 1.0, 50.0, "Height of the lowest body in a segment.")
    height_max_mm: float = number("mm", 1.0, 200.0, "Height of the highest body in a segment of one vertebra.")
    mask_flaw: float = number(
        "1", 0.0, 1.0, "Share of a segment that is detached or in holes above which it gets a finding."
    )
    coarse_mask_mm: float = number("mm", 0.1, 20.0, "Size of a voxel above which a segmentation gets a finding.")
    disagreement_mm: float = number(
        "mm", 0.0, 20.0, "Difference between segment and CT above which a proposal gets a finding."
    )
    tie_mm: float = number(
        "mm", 0.0, 2.0, "Distance of mid-height from halfway between two slices up to which both are equally near."
    )
    tie_slices: float = number(
        "1",
        0.0,
        0.5,
        "Distance of mid-height from halfway between two slices, in slices, up to which the choice is chance.",
    )
    tie_hu: float = number(
        "HU", 0.0, 100.0, "Difference of the means in two possible mid-slices above which the finding is a warning."
    )
    edge_mm: float = number(
        "mm", 0.0, 30.0, "Distance of a midline from the segment's edges or middle above which it gets a finding."
    )
    unlike: float = number(
        "1", 0.0, 1.0, "Dissimilarity of a vertebra's two sides, from 0 to 1, above which there is a finding."
    )
    symmetry_mm: float = number(
        "mm", 0.0, 10.0, "Distance between the planes of symmetry of body and vertebra above which there is a finding."
    )
    symmetry_deg: float = number(
        "deg", 0.0, 45.0, "Angle between the planes of symmetry of body and vertebra above which there is a finding."
    )
    depth_usual_mm: float = number("mm", 10.0, 60.0, "Depth of the usual body, where a click is the only evidence.")
    width_usual_mm: float = number("mm", 10.0, 100.0, "Width of the usual body, where a click is the only evidence.")
    click_off_mm: float = number(
        "mm", 0.0, 50.0, "Distance of a click from the body's middle above which the proposal gets a finding."
    )
    disc_min_mm: float = number("mm", 0.0, 20.0, "Thickness of the thinnest disc between two clicked bodies.")
    seen_min: float = number(
        "1", 0.0, 1.0, "Visible share of a clicked body's edge below which the proposal gets a finding."
    )
    click_seen_min: float = number("1", 0.0, 1.0, "Visible share of the walls below which a click is on no body.")
    pedicles_min: float = number(
        "1", 0.0, 1.0, "Share of the rows behind a body that must cross bone on both sides at the pedicles."
    )
    foramina_min: float = number(
        "1",
        0.0,
        1.0,
        "Difference by which the share of rows across bone must be smaller where the foramina open.",
    )
    canal_max_hu: float = number("HU", 0.0, 1000.0, "HU above which a structure behind a body is not its canal.")
    bridge_hu: float = number("HU", 100.0, 3000.0, "HU above which bone bridges a disc.")
    bridge_min_deg: float = number(
        "deg", 5.0, 230.0, "Part of a body's circumference from which a bridged disc gets a finding."
    )
    uneven_mm: float = number(
        "mm", 0.0, 10.0, "Mean distance of an outline from its mirror image above which a proposal gets a finding."
    )
    wall_min: float = number(
        "1", 0.0, 1.0, "Visible share of the posterior wall below which the wall above and below places the end."
    )


@dataclass(frozen=True)
class PatientValues(ValueGroup):
    """Which levels make the patient's mean, and the error of that mean."""

    mean_levels: tuple[str, ...] = level_names("The levels whose mean is compared with cutoffs.")
    minimum_levels: int = number("1", 1, 6, "Number of levels that a class needs.", integer=True, study=True)
    lsc_hu: float = number(
        "HU",
        0.1,
        200.0,
        "Least significant change: the smallest change between two measurements that is not error.",
        study=True,
    )
    single_measurement_lsc_fraction: float = number(
        "1", 0.0, 2.0, "Fraction of the least significant change that is the error of one measurement at a cutoff."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum_levels > len(self.mean_levels):
            raise InputError(
                f"Protocol values minimum_levels = {self.minimum_levels} and mean_levels = "
                f"{', '.join(self.mean_levels)} contradict each other: the first must not exceed the number of levels."
            )


@dataclass(frozen=True)
class UncertaintyValues(ValueGroup):
    """How a reader's placement errs, and how often each level is measured again with such an error."""

    reader_error_mm: float = number("mm", 0.0, 10.0, "Standard deviation of a midline's shift, along and across.")
    reader_error_deg: float = number("deg", 0.0, 30.0, "Standard deviation of a midline's rotation.")
    reader_error_slices: int = number("1", 0, 5, "Largest shift of a midline in whole slices.", integer=True)
    placement_trials: int = number(
        "1", 0, 10000, "Number of times that each level is measured again; 0 omits it.", integer=True
    )
    placement_seed: int = number("1", 0, 1000000000, "Seed of the random errors.", integer=True)


@dataclass(frozen=True)
class PlausibleValues(ValueGroup):
    """Which values of voxels and means bone can have."""

    PREFIX = "plausible_"
    INCREASING = (("voxel_min_hu", "voxel_max_hu"), ("mean_min_hu", "mean_max_hu"))

    voxel_min_hu: float = number("HU", -1024.0, 3071.0, "HU below which a voxel is neither marrow nor bone.")
    voxel_max_hu: float = number("HU", -1024.0, 3071.0, "HU above which a voxel is not bone inside the cortex.")
    padding_hu: float = number(
        "HU", -10000.0, 0.0, "HU up to which a voxel inside a body was not scanned.", file_name="padding_hu"
    )
    not_scanned_share_max: float = number(
        "1",
        0.0,
        1.0,
        "Share of voxels that were not scanned above which a region gives no number.",
        file_name="not_scanned_share_max",
    )
    mean_min_hu: float = number("HU", -1024.0, 3071.0, "Mean below which a region is not vertebral bone.")
    mean_max_hu: float = number("HU", -1024.0, 3071.0, "Mean above which a region is not trabecular bone.")
