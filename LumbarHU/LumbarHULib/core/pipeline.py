"""The whole flow on one screen: a CT and its markups become label maps, numbers and classes."""

from typing import Mapping

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import LevelRefusal, LevelResult, ReadingResult, RoiMask
from LumbarHULib.core.scan_facts import ScanFacts


def measure_level(
    stack: AxialStack,
    landmarks: Landmarks,
    protocol: Protocol,
    excluded: str = "",
    edited_masks: Mapping[str, RoiMask] | None = None,
) -> LevelResult:
    """Measure one level: raises InputError with its sentence where it cannot be."""
    raise NotImplementedError


def summarize(
    levels: tuple[LevelResult | LevelRefusal, ...],
    scan_facts: ScanFacts,
    protocol: Protocol,
    cutoffs: CutoffTable,
    accept_off_protocol: bool = False,
) -> ReadingResult:
    """Return means, classes and findings of a reading's levels."""
    raise NotImplementedError
