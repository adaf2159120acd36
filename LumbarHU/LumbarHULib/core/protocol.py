"""The measurement protocol: every choice of the measurement, in groups that its stages read."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.protocol_values import (
    BoundaryValues,
    EndplateValues,
    FindingValues,
    FrameValues,
    OutlineValues,
    PatientValues,
    PlacementValues,
    PlausibleValues,
    RoiValues,
    UncertaintyValues,
)
from LumbarHULib.core.regions.definition import STUDY_REGIONS, Region
from LumbarHULib.core.value_group import Declaration, ValueGroup


@dataclass(frozen=True)
class Protocol:
    """Every choice of the measurement, in the units that the names state.

    The values come from a protocol file (see ``Resources/Protocols``), which gives each with its unit, source and
    note, under the name in `DECLARED`. `STUDY_VALUES` are the study's choices; all others are LumbarHU's tuning. The
    schema, the file reader and the panel take their checks from the declarations.
    """

    frame: FrameValues
    boundary: BoundaryValues
    outline: OutlineValues
    endplates: EndplateValues
    roi: RoiValues
    findings: FindingValues
    placement: PlacementValues
    patient: PatientValues
    uncertainty: UncertaintyValues
    plausible: PlausibleValues

    # The definitions of the regions, in the order of tables
    regions: tuple[Region, ...] = STUDY_REGIONS

    def __post_init__(self) -> None:
        names = self.region_names
        if not names:
            raise InputError("The protocol defines no region: define one, or omit “regions” for the study's five.")
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"The protocol defines the region {name} twice: give each region its own name.")

    @classmethod
    def from_values(cls, values: Mapping[str, Any], regions: tuple[Region, ...] = STUDY_REGIONS) -> "Protocol":
        """Return the protocol with all these values, by their names in files."""
        groups: dict[str, Any] = {
            group: kind(**{attribute: values[name] for attribute, name, _ in kind.declarations()})
            for group, kind in GROUPS.items()
        }
        return cls(**groups, regions=regions)

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
        """Every value by its name in files, without the regions."""
        return {name: getattr(getattr(self, group), attribute) for name, (group, attribute) in _PLACES.items()}

    def with_values(self, **values: Any) -> "Protocol":
        """Return a copy with `values`, by their names in files, in place of this protocol's."""
        changed: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            check_value(name, value)
            group, attribute = _PLACES[name]
            changed.setdefault(group, {})[attribute] = value
        return replace(self, **{group: replace(getattr(self, group), **own) for group, own in changed.items()})


# The groups of values by attribute of `Protocol`, in the order of protocol files.
GROUPS: dict[str, type[ValueGroup]] = {
    item.name: item.type
    for item in fields(Protocol)
    if isinstance(item.type, type) and issubclass(item.type, ValueGroup)
}

# Group and field of each value, by its name in files.
_PLACES: dict[str, tuple[str, str]] = {
    name: (group, attribute) for group, kind in GROUPS.items() for attribute, name, _ in kind.declarations()
}

# What each value may be, by its name in files.
DECLARED: dict[str, Declaration] = {
    name: declared for kind in GROUPS.values() for _, name, declared in kind.declarations()
}

STUDY_VALUES: tuple[str, ...] = tuple(name for name, declared in DECLARED.items() if declared.study)


def check_value(name: str, value: Any) -> None:
    """Raise InputError unless `value` is valid for the protocol value `name`."""
    if name not in DECLARED:
        raise InputError(f"Unknown protocol value “{name}”: remove it or correct its name.")
    DECLARED[name].check(name, value)
