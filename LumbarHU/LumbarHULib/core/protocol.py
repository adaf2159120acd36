"""The measurement protocol as values: protocol files set them, and every stage of the flow reads them."""

from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS, sorted_levels
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.core.regions.definition import STUDY_REGIONS, Region


def _number(unit: str, low: float, high: float, integer: bool = False, study: bool = False) -> Any:
    """Declare a protocol value with its unit and its valid range.

    With `study`, the value is a choice that a paper would state, and every protocol file must contain it. All other
    values tune how LumbarHU finds structures and raises findings; they keep their default in a file without them.
    """
    return field(metadata={"unit": unit, "low": low, "high": high, "integer": integer, "study": study})


def _tuned(value: float, unit: str, low: float, high: float, note: str) -> Any:
    """Declare a tuning value that is set here instead of in the protocol file; its note gives the reason."""
    chosen = {"value": value, "note": note}
    return field(metadata={"unit": unit, "low": low, "high": high, "integer": isinstance(value, int)} | chosen)


def _choice(*options: str) -> Any:
    return field(metadata={"unit": "", "options": options, "study": True})


def _level_names() -> Any:
    return field(metadata={"unit": "", "level_names": True, "study": True})


@dataclass(frozen=True)
class Protocol:
    """Every choice of the measurement, in the units that the names state.

    The values come from a protocol file (see ``Resources/Protocols``), which gives each with its unit, source and
    note. Values set here with `_tuned` may also be in the file. `STUDY_VALUES` are the study's choices; all others
    are LumbarHU's tuning. The metadata of each field give its unit and valid range; the schema, the file reader and
    the panel take their checks from them.
    """

    # The frame
    axial_tie_deg: float = _number("deg", 0.0, 10.0)
    midline_angle_limit_deg: float = _number("deg", 1.0, 89.0)
    midline_length_min_mm: float = _number("mm", 1.0, 100.0)
    midline_length_max_mm: float = _number("mm", 1.0, 200.0)

    # The boundary
    boundary_fraction: float = _number("1", 0.2, 0.95, study=True)
    boundary_fraction_tolerance: float = _number("1", 0.0, 1.0)
    boundary_fraction_min: float = _number("1", 0.0, 1.0)
    boundary_fraction_max: float = _number("1", 0.0, 1.0)
    boundary_angle_tolerance_deg: float = _number("deg", 0.0, 90.0)
    boundary_angle_limit_deg: float = _number("deg", 1.0, 89.0)
    boundary_handle_distance_mm: float = _number("mm", 0.0, 50.0)

    # The outline and the inner outline
    outline_control_points: int = _number("1", 12, 60, integer=True)
    outline_cortex_hu: float = _number("HU", 200.0, 3000.0)
    outline_cortex_min_mm: float = _number("mm", 0.01, 5.0)
    outline_cortex_usual_mm: float = _number("mm", 0.01, 5.0)
    outline_cortex_max_mm: float = _number("mm", 0.01, 10.0)
    outline_blur_min_mm: float = _number("mm", 0.1, 10.0)
    outline_blur_max_mm: float = _number("mm", 0.1, 10.0)
    outline_half_width_min_mm: float = _number("mm", 1.0, 100.0)
    outline_half_width_max_mm: float = _number("mm", 1.0, 100.0)
    outline_end_tolerance_mm: float = _number("mm", 0.1, 50.0)
    outline_noise_floor_hu: float = _number("HU", 0.1, 500.0)
    outline_support_min: float = _number("1", 0.0, 1.0)
    outline_gap_limit_mm: float = _number("mm", 0.0, 50.0)
    outline_end_sd_mm: float = _number("mm", 0.05, 10.0)
    outline_least_hu: float = _number("HU", -1024.0, 0.0)
    outline_doubt_mm: float = _number("mm", 0.0, 20.0)
    outline_doubt_length_mm: float = _number("mm", 0.0, 100.0)
    outline_doubt_hu: float = _number("HU", 0.0, 1000.0)
    outline_doubt_warning_hu: float = _number("HU", 0.0, 1000.0)
    cortical_margin_mm: float = _number("mm", 0.0, 10.0, study=True)

    # The endplates
    endplate_bone_hu: float = _number("HU", 1.0, 1000.0)
    endplate_disc_hu: float = _number("HU", 1.0, 500.0)
    endplate_misfit_hu: float = _number("HU", 0.1, 500.0)
    endplate_layer_min_hu_mm: float = _number("HU·mm", 0.0, 5000.0)
    endplate_support_min: float = _number("1", 0.0, 1.0)
    endplate_height_min_mm: float = _number("mm", 1.0, 100.0)
    endplate_height_usual_mm: float = _number("mm", 1.0, 100.0)
    endplate_height_max_mm: float = _number("mm", 1.0, 100.0)

    # The regions of interest
    front_width_fraction: float = _number("1", 0.05, 0.95, study=True)
    lateral_extent: str = _choice("full", "anterior")
    round_radius_fraction: float = _number("1", 0.0, 1.0)
    off_center_fraction: float = _number("1", 0.0, 1.0)
    edge_tolerance_mm: float = _number("mm", 0.0, 1e-3)
    slab_mm: float = _number("mm", 0.0, 50.0, study=True)
    coarse_pixel_mm: float = _number("mm", 0.1, 10.0)

    # When a position or a region is doubtful
    rotation_limit_deg: float = _number("deg", 1.0, 89.0)
    roi_area_min_mm2: float = _number("mm2", 0.0, 2000.0)
    roi_voxels_min: int = _number("1", 2, 10000, integer=True)
    endplate_distance_min_mm: float = _number("mm", 0.0, 20.0)
    endplate_trust_min: float = _number("1", 0.0, 1.0)
    mid_slice_tolerance_mm: float = _number("mm", 0.0, 30.0)
    roi_outside_share: float = _number("1", 0.0, 1.0)
    outline_agreement_min: float = _number("1", 0.0, 1.0)
    side_difference_hu: float = _number("HU", 1.0, 1000.0)
    noise_limit_sds: float = _number("1", 1.0, 10.0)
    noise_patch_mm2: float = _number("mm2", 0.1, 100.0)
    level_difference_hu: float = _number("HU", 1.0, 1000.0)
    height_share_min: float = _number("1", 0.1, 1.0)
    level_spacing_min_mm: float = _number("mm", 1.0, 100.0)
    level_spacing_max_mm: float = _number("mm", 1.0, 200.0)
    patch_radius_mm: float = _number("mm", 0.5, 20.0)
    patch_difference_hu: float = _number("HU", 10.0, 2000.0)
    vessel_bright_hu: float = _number("HU", 60.0, 1000.0)
    vessel_radius_mm: float = _number("mm", 1.0, 20.0)
    vessel_distance_max_mm: float = _number("mm", 1.0, 100.0)
    tissue_median_min_hu: float = _number("HU", -1024.0, 3071.0)
    tissue_median_max_hu: float = _number("HU", -1024.0, 3071.0)
    slice_thickness_tolerance_mm: float = _number("mm", 0.0, 10.0)
    field_of_view_min_mm: float = _number("mm", 1.0, 500.0)

    # Placement
    placement_height_min_mm: float = _number("mm", 1.0, 50.0)
    placement_height_max_mm: float = _number("mm", 1.0, 200.0)
    placement_mask_flaw: float = _number("1", 0.0, 1.0)
    placement_coarse_mask_mm: float = _number("mm", 0.1, 20.0)
    placement_disagreement_mm: float = _number("mm", 0.0, 20.0)
    placement_tie_mm: float = _number("mm", 0.0, 2.0)
    placement_tie_slices: float = _number("1", 0.0, 0.5)
    placement_tie_hu: float = _number("HU", 0.0, 100.0)
    placement_edge_mm: float = _number("mm", 0.0, 30.0)
    placement_unlike: float = _number("1", 0.0, 1.0)
    placement_symmetry_mm: float = _number("mm", 0.0, 10.0)
    placement_symmetry_deg: float = _number("deg", 0.0, 45.0)
    placement_depth_usual_mm: float = _number("mm", 10.0, 60.0)
    placement_width_usual_mm: float = _number("mm", 10.0, 100.0)
    placement_click_off_mm: float = _number("mm", 0.0, 50.0)
    placement_disc_min_mm: float = _number("mm", 0.0, 20.0)
    placement_seen_min: float = _number("1", 0.0, 1.0)
    placement_click_seen_min: float = _number("1", 0.0, 1.0)
    placement_pedicles_min: float = _number("1", 0.0, 1.0)
    placement_foramina_min: float = _number("1", 0.0, 1.0)
    placement_canal_max_hu: float = _number("HU", 0.0, 1000.0)
    placement_bridge_hu: float = _number("HU", 100.0, 3000.0)
    placement_bridge_min_deg: float = _number("deg", 5.0, 230.0)
    placement_uneven_mm: float = _number("mm", 0.0, 10.0)
    placement_wall_min: float = _number("1", 0.0, 1.0)

    # The patient
    mean_levels: tuple[str, ...] = _level_names()
    minimum_levels: int = _number("1", 1, 6, integer=True, study=True)
    lsc_hu: float = _number("HU", 0.1, 200.0, study=True)
    single_measurement_lsc_fraction: float = _number("1", 0.0, 2.0)

    # Uncertainty of the placement
    reader_error_mm: float = _number("mm", 0.0, 10.0)
    reader_error_deg: float = _number("deg", 0.0, 30.0)
    reader_error_slices: int = _number("1", 0, 5, integer=True)
    placement_trials: int = _number("1", 0, 10000, integer=True)
    placement_seed: int = _number("1", 0, 1000000000, integer=True)

    # Plausible values of bone
    plausible_voxel_min_hu: float = _number("HU", -1024.0, 3071.0)
    plausible_voxel_max_hu: float = _number("HU", -1024.0, 3071.0)
    padding_hu: float = _number("HU", -10000.0, 0.0)
    not_scanned_share_max: float = _number("1", 0.0, 1.0)
    plausible_mean_min_hu: float = _number("HU", -1024.0, 3071.0)
    plausible_mean_max_hu: float = _number("HU", -1024.0, 3071.0)

    # The definitions of the regions, in the order of tables
    regions: tuple[Region, ...] = STUDY_REGIONS

    def __post_init__(self) -> None:
        self._check_regions()
        for item in VALUE_FIELDS:
            check_value(item.name, getattr(self, item.name))
        for low, high in (
            ("midline_length_min_mm", "midline_length_max_mm"),
            ("plausible_voxel_min_hu", "plausible_voxel_max_hu"),
            ("plausible_mean_min_hu", "plausible_mean_max_hu"),
            ("boundary_fraction_min", "boundary_fraction"),
            ("boundary_fraction", "boundary_fraction_max"),
            ("outline_cortex_min_mm", "outline_cortex_usual_mm"),
            ("outline_cortex_usual_mm", "outline_cortex_max_mm"),
            ("outline_blur_min_mm", "outline_blur_max_mm"),
            ("outline_half_width_min_mm", "outline_half_width_max_mm"),
            ("level_spacing_min_mm", "level_spacing_max_mm"),
            ("placement_height_min_mm", "placement_height_max_mm"),
            ("tissue_median_min_hu", "tissue_median_max_hu"),
            ("endplate_height_min_mm", "endplate_height_usual_mm"),
            ("endplate_height_usual_mm", "endplate_height_max_mm"),
        ):
            if not getattr(self, low) < getattr(self, high):
                raise InputError(
                    f"Protocol values {low} = {getattr(self, low):g} and {high} = {getattr(self, high):g} contradict "
                    "each other: the first must be smaller than the second."
                )

        if self.minimum_levels > len(self.mean_levels):
            raise InputError(
                f"Protocol values minimum_levels = {self.minimum_levels} and mean_levels = "
                f"{', '.join(self.mean_levels)} contradict each other: the first must not exceed the number of levels."
            )

    def _check_regions(self) -> None:
        names = self.region_names
        if not names:
            raise InputError("The protocol defines no region: define one, or omit “regions” for the study's five.")
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"The protocol defines the region {name} twice: give each region its own name.")

    @property
    def region_names(self) -> tuple[str, ...]:
        """The regions' names, in the order of tables."""
        return tuple(region.name for region in self.regions)

    @property
    def is_of_study_regions(self) -> bool:
        """Whether its regions are the study's five."""
        return self.region_names == ROIS and all(region.is_of_study for region in self.regions)

    @property
    def values(self) -> dict[str, Any]:
        """Every value by its name, without the regions."""
        return {item.name: getattr(self, item.name) for item in VALUE_FIELDS}

    @property
    def outline_model(self) -> OutlineModel:
        """What the outline search assumes."""
        return OutlineModel(
            control_points=self.outline_control_points,
            cortex_hu=self.outline_cortex_hu,
            cortex_mm=(self.outline_cortex_min_mm, self.outline_cortex_usual_mm, self.outline_cortex_max_mm),
            blur_fwhm_mm=(self.outline_blur_min_mm, self.outline_blur_max_mm),
            depth_mm=(self.midline_length_min_mm, self.midline_length_max_mm),
            half_width_mm=(self.outline_half_width_min_mm, self.outline_half_width_max_mm),
            end_tolerance_mm=self.outline_end_tolerance_mm,
            noise_hu=self.outline_noise_floor_hu,
            least_support=self.outline_support_min,
            end_sd_mm=self.outline_end_sd_mm,
            least_hu=self.outline_least_hu,
        )

    def with_values(self, **values: Any) -> "Protocol":
        """Return a copy with `values` in place of this protocol's."""
        return replace(self, **values)


# The fields that are values with a unit, in contrast to the regions.
VALUE_FIELDS: tuple[Field[Any], ...] = tuple(item for item in fields(Protocol) if item.metadata)

STUDY_VALUES: tuple[str, ...] = tuple(item.name for item in VALUE_FIELDS if item.metadata.get("study"))


def check_value(name: str, value: Any) -> None:
    """Raise InputError unless `value` is valid for the protocol value `name`."""
    declared = {item.name: item.metadata for item in VALUE_FIELDS}.get(name)
    if declared is None:
        raise InputError(f"Unknown protocol value “{name}”: remove it or correct its name.")
    if "options" in declared:
        if value not in declared["options"]:
            raise InputError(f"Protocol value {name} is “{value}”: use one of {', '.join(declared['options'])}.")
        return
    if "level_names" in declared:
        _check_level_names(name, value)
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or (declared["integer"] and not isinstance(value, int)):
        kind = "a whole number" if declared["integer"] else "a number"
        raise InputError(f"Protocol value {name} is “{value}”: use {kind}.")
    if not declared["low"] <= value <= declared["high"]:
        raise InputError(
            f"Protocol value {name} is {value:g} {declared['unit'].replace('1', '')}".rstrip()
            + f": use {declared['low']:g} to {declared['high']:g}."
        )


def _check_level_names(name: str, value: Any) -> None:
    if not isinstance(value, tuple) or not value or any(level not in MEAN_LEVELS for level in value):
        raise InputError(f"Protocol value {name} is “{value}”: use levels among {', '.join(MEAN_LEVELS)}.")
    if len(set(value)) != len(value) or value != sorted_levels(value):
        raise InputError(f"Protocol value {name} is “{value}”: name each level once, from cranial to caudal.")
