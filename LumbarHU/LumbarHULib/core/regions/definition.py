"""A region of interest as a protocol defines it: its shape, its slices and how its mean is formed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS


@dataclass(frozen=True)
class Parameter:
    """A number that a region's definition may contain.

    Parameters
    ----------
    unit : str
    low, high : float
        The valid range.
    meaning : str
    integer : bool
        Whether it must be a whole number.
    """

    unit: str
    low: float
    high: float
    meaning: str
    integer: bool = False


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        "area_mm2": Parameter("mm2", 10.0, 2000.0, "area of the circle"),
        "erosion_mm": Parameter("mm", 0.1, 20.0, "least distance from the surface of the body, or from its outline"),
        "endplate_distance_mm": Parameter("mm", 0.0, 15.0, "least distance of the slices from the endplates"),
        "half_height_mm": Parameter("mm", 0.0, 20.0, "half the height of the slices around the middle"),
        "center_share": Parameter(
            "1", 0.3, 0.8, "center of the ellipse from the posterior edge, per depth of the mask"
        ),
        "depth_share": Parameter("1", 0.1, 1.0, "depth of the ellipse per depth of the mask"),
        "width_share": Parameter("1", 0.1, 1.0, "width of the ellipse per width of the mask"),
        "erosion_steps": Parameter("1", 0.0, 10.0, "voxels by which the mask is eroded along each axis", True),
        "coarse_erosion_steps": Parameter(
            "1", 0.0, 10.0, "number of voxels in place of erosion_steps where slices are coarse", True
        ),
        "coarse_slice_mm": Parameter("mm", 0.1, 20.0, "slice spacing from which coarse_erosion_steps is used"),
        "sagittal_voxels_min": Parameter(
            "1", 0.0, 10000.0, "number of voxels that the mask's sagittal slice must exceed", True
        ),
    }
)

_OF_MASK = (
    *("half_height_mm", "center_share", "depth_share", "width_share"),
    *("erosion_steps", "coarse_erosion_steps", "coarse_slice_mm", "sagittal_voxels_min"),
)


@dataclass(frozen=True)
class _Shape:
    """What a shape's definition needs: parameters, whether it takes a part and a side, and the slices it can have."""

    parameters: tuple[str, ...] = ()
    takes_part: bool = False
    takes_side: bool = False
    slices: tuple[str, ...] = ("mid_slice", "around_mid_slice", "endplates_and_mid_slice")


SHAPES: Mapping[str, _Shape] = MappingProxyType(
    {
        # The largest circle or ellipse in a part of the inner outline, with its center, and an axis, on the midline.
        "largest_circle": _Shape(takes_part=True),
        "largest_ellipse": _Shape(takes_part=True),
        # A circle of given area at the centroid of the outline.
        "circle": _Shape(("area_mm2",)),
        # The part of the inner outline on one side of the longitudinal borders, or between them.
        "zone": _Shape(takes_side=True),
        # The points of the body at least a distance away from its surface.
        "eroded": _Shape(("erosion_mm",), slices=("body", "mid_slice", "around_mid_slice")),
        # An ellipse in each slice from the widths of a vertebra's mask.
        "mask_ellipse": _Shape(_OF_MASK, slices=("mask_middle",)),
    }
)

# Which slices a region covers, and the parameters that say how far they reach.
SLICE_RULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mid_slice": (),
        "around_mid_slice": ("half_height_mm",),
        "endplates_and_mid_slice": ("endplate_distance_mm",),
        "body": (),
        "mask_middle": (),
    }
)

PARTS: tuple[str, ...] = ("anterior", "body")
SIDES: tuple[str, ...] = ("front", "left", "right")
MEANS: tuple[str, ...] = ("voxels", "slices")

# The study's five names belong to the study's five shapes.
_STUDY_SHAPES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "round": ("largest_circle", "anterior", ""),
        "oval": ("largest_ellipse", "anterior", ""),
        "right": ("zone", "", "right"),
        "front": ("zone", "", "front"),
        "left": ("zone", "", "left"),
    }
)

_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
# Pages and pictures use these words for something else.
_TAKEN = frozenset(
    {"midline", "boundary", "outline", "doubtful", "slab", "slice", "scale", "excluded", "picture", "mean", "class"}
)
# Windows has no file of these names, whatever its suffix.
_NO_FILE = re.compile("con|prn|aux|nul|com[0-9]|lpt[0-9]")


@dataclass(frozen=True)
class Region:
    """The definition of one region of interest.

    Parameters
    ----------
    name : str
        As in tables and names of files: lower-case letters, digits and underscores.
    title : str
        As shown to users.
    shape : str
        One of `SHAPES`.
    slices : str
        One of `SLICE_RULES`.
    part : str
        ``anterior`` or ``body``: the part of the inner outline that contains a largest circle or ellipse; otherwise
        empty.
    side : str
        One of `SIDES` for a zone; otherwise empty.
    mean : str
        ``voxels``: the mean of all voxels; ``slices``: the mean of the means of each group of slices.
    parameters : mapping of str to float
        The numbers of shape and slices, as `PARAMETERS` describes them.

    Raises
    ------
    InputError
        When the name cannot be used, or the definition lacks something or contains something that its shape or its
        slices do not use.
    """

    name: str
    title: str
    shape: str
    slices: str = "mid_slice"
    part: str = ""
    side: str = ""
    mean: str = "voxels"
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"The region name “{self.name}” cannot be used: use up to 40 lower-case letters, digits and "
                "underscores, beginning with a letter."
            )
        if self.name in _TAKEN:
            raise InputError(
                f"The region name “{self.name}” cannot be used, because reports use the word for something else: use "
                "another."
            )
        if _NO_FILE.fullmatch(self.name):
            raise InputError(
                f"The region name “{self.name}” cannot be used, because Windows has no file of this name: use another."
            )
        self._check_choice("shape", self.shape, tuple(SHAPES))
        shape = SHAPES[self.shape]
        self._check_choice("slices", self.slices, shape.slices, f"a region of the shape {self.shape}")
        self._check_choice("mean", self.mean, MEANS)
        if self.mean == "slices" and self.slices != "endplates_and_mid_slice":
            raise InputError(
                f"The region {self.name} has the mean “slices”, which needs the slices endplates_and_mid_slice: use "
                "voxels."
            )
        for name, value, options, is_used in (
            ("part", self.part, PARTS, shape.takes_part),
            ("side", self.side, SIDES, shape.takes_side),
        ):
            if is_used and not value:
                raise InputError(f"The region {self.name} lacks its {name}: add “{name}”, one of {', '.join(options)}.")
            if is_used:
                self._check_choice(name, value, options)
            elif value:
                raise InputError(
                    f"The region {self.name} has the {name} “{value}”, which its shape does not use: remove it."
                )
        self._check_parameters((*shape.parameters, *SLICE_RULES[self.slices]))
        if self.name in ROIS and not self.is_of_study:
            raise InputError(
                f"The region {self.name} is not the study's region of this name: define it as the study does, or give "
                "it another name."
            )

    def _check_choice(self, what: str, value: str, options: tuple[str, ...], of: str = "") -> None:
        if value not in options:
            of = f" for {of}" if of else ""
            raise InputError(
                f"The region {self.name} has the {what} “{value}”: use {'one of ' if len(options) > 1 else ''}"
                f"{', '.join(options)}{of}."
            )

    def _check_parameters(self, needed: tuple[str, ...]) -> None:
        for name in needed:
            if name not in self.parameters:
                raise InputError(f"The region {self.name} lacks {name}, the {PARAMETERS[name].meaning}: add it.")
        for name, value in self.parameters.items():
            if name not in needed:
                raise InputError(
                    f"The region {self.name} has the value {name}, which its shape and slices do not use: remove it."
                )
            limits = PARAMETERS[name]
            if not limits.low <= value <= limits.high:
                unit = "" if limits.unit == "1" else f" {limits.unit}"
                raise InputError(
                    f"The value {name} of the region {self.name} is {value:g}{unit}: use {limits.low:g} to "
                    f"{limits.high:g}."
                )
            if limits.integer and value != int(value):
                raise InputError(f"The value {name} of the region {self.name} is {value:g}: use a whole number.")

    def __hash__(self) -> int:
        return hash((self.name, self.shape, self.slices, self.part, self.side, self.mean))

    def __getitem__(self, parameter: str) -> float:
        return self.parameters[parameter]

    @property
    def is_lateral(self) -> bool:
        """Whether it is a zone on the left or right of the body, which reaches the dense base of the pedicles."""
        return self.side in ("left", "right")

    def is_mirrored_by(self, other: "Region") -> bool:
        """Return whether `other` is the same zone on the opposite side."""
        sides = {self.side, other.side}
        own, others = ((one.shape, one.slices, one.mean, dict(one.parameters)) for one in (self, other))
        return sides == {"left", "right"} and own == others

    @property
    def is_of_study(self) -> bool:
        """Whether it is one of the study's five regions."""
        of_study = _STUDY_SHAPES.get(self.name)
        return (self.shape, self.part, self.side) == of_study and (self.slices, self.mean) == ("mid_slice", "voxels")


STUDY_REGIONS: tuple[Region, ...] = tuple(
    Region(name, name, shape, part=part, side=side) for name in ROIS for shape, part, side in (_STUDY_SHAPES[name],)
)
