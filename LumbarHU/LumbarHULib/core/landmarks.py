"""The markups of one level as plain values: the midline, and a boundary and an outline if a reader edited them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import parse_level

# Positions are rounded, because a scene that is saved and reopened moves its points by 1e-13 mm, and the same reading
# must give the same digits.
POSITION_DECIMALS = 6

ORIGINS: tuple[str, ...] = ("manual", "proposal_accepted", "proposal_corrected")

# How each end came to its position: on the edge that was found near the click; at the click, with snapping to the edge
# switched off, or with no edge near; by a proposal; or moved since.
END_ORIGINS: tuple[str, ...] = ("snapped", "free", "clicked", "proposed", "moved")


@dataclass(frozen=True)
class MidlineOrigin:
    """How a midline was placed.

    Parameters
    ----------
    kind : str
        ``manual``, ``proposal_accepted`` or ``proposal_corrected``.
    corrected_mm : float
        For a corrected proposal, the shift of the midline's center, in mm.
    corrected_deg : float
        For a corrected proposal, the rotation of the midline, in degrees.
    ends : tuple of str
        How the midline's two points were placed, of `END_ORIGINS`, in their order: the anterior end is first unless
        the finding ``midline_reversed`` is reported. Empty where that is unknown, and for an accepted proposal.
    """

    kind: str = "manual"
    corrected_mm: float = 0.0
    corrected_deg: float = 0.0
    ends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ORIGINS:
            raise InputError(f"Unknown midline origin “{self.kind}”: use one of {', '.join(ORIGINS)}.")
        object.__setattr__(self, "ends", tuple(self.ends))
        if self.ends and (len(self.ends) != 2 or not set(self.ends) <= {*END_ORIGINS}):
            raise InputError(
                f"Unknown origins of a midline's ends, “{', '.join(map(str, self.ends))}”: give two of "
                f"{', '.join(END_ORIGINS)}."
            )

    def __str__(self) -> str:
        if self.kind == "proposal_corrected":
            return f"{self.kind} ({self.corrected_mm:.2f} mm, {self.corrected_deg:.2f} deg)"
        return self.kind

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "MidlineOrigin":
        """Return the origin in a scene's plain values; scenes from before ends were recorded do not have them."""
        return cls(kept["kind"], kept["corrected_mm"], kept["corrected_deg"], kept.get("ends", ()))


MANUAL = MidlineOrigin()

# A smaller movement is rounding, not a reader's correction.
_MOVED_MM = 1e-3


def origin_of_proposal(proposed_ras_mm: np.ndarray, now_ras_mm: np.ndarray) -> MidlineOrigin:
    """Return the origin of a proposed midline: accepted where it is unchanged, otherwise corrected.

    Parameters
    ----------
    proposed_ras_mm, now_ras_mm : numpy.ndarray, shape (2, 3)
        Its two ends as proposed, and as they are now.
    """
    if now_ras_mm.shape != proposed_ras_mm.shape or np.abs(now_ras_mm - proposed_ras_mm).max() <= _MOVED_MM:
        return MidlineOrigin("proposal_accepted")
    along = [ends[0] - ends[1] for ends in (proposed_ras_mm, now_ras_mm)]
    directions = [vector / max(np.linalg.norm(vector), _MOVED_MM) for vector in along]
    turned_deg = float(np.degrees(np.arccos(np.clip(directions[0] @ directions[1], -1, 1))))
    shifted_mm = float(np.linalg.norm(now_ras_mm.mean(axis=0) - proposed_ras_mm.mean(axis=0)))
    ends = _ends_now(("proposed", "proposed"), proposed_ras_mm, now_ras_mm)
    return MidlineOrigin("proposal_corrected", round(shifted_mm, 6), round(turned_deg, 6), ends)


def origin_now(origin: MidlineOrigin, placed_ras_mm: np.ndarray, now_ras_mm: np.ndarray) -> MidlineOrigin:
    """Return the origin of a midline that may have been moved since it was placed.

    Parameters
    ----------
    origin : MidlineOrigin
        As it was placed.
    placed_ras_mm, now_ras_mm : numpy.ndarray, shape (2, 3)
        Its two ends as they were placed, and as they are now.
    """
    if origin.kind == "proposal_accepted":
        return origin_of_proposal(placed_ras_mm, now_ras_mm)
    return replace(origin, ends=_ends_now(origin.ends, placed_ras_mm, now_ras_mm)) if origin.ends else origin


def _ends_now(ends: tuple[str, ...], placed_ras_mm: np.ndarray, now_ras_mm: np.ndarray) -> tuple[str, ...]:
    if now_ras_mm.shape != placed_ras_mm.shape:
        return ()
    is_moved = np.abs(now_ras_mm - placed_ras_mm).max(axis=1) > _MOVED_MM
    return tuple("moved" if moved else end for moved, end in zip(is_moved, ends, strict=True))


@dataclass(frozen=True, eq=False)
class Landmarks:
    """One level's markups, in RAS mm.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    midline_ras_mm : array_like, shape (2, 3)
        Anterior end, then posterior end.
    boundary_ras_mm : array_like, shape (2, 3), optional
        The boundary that a reader moved; with None, the protocol places it.
    outline_ras_mm : array_like, shape (n >= 4, 3), optional
        Control points of the closed curve that a reader edited or drew; with None, it is found in the CT.
    origin : MidlineOrigin
        How the midline was placed.

    Raises
    ------
    InputError
        When the number of points or of coordinates is wrong, or a coordinate is not finite.
    """

    level: str
    midline_ras_mm: np.ndarray
    boundary_ras_mm: np.ndarray | None = None
    outline_ras_mm: np.ndarray | None = None
    origin: MidlineOrigin = MANUAL

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", parse_level(self.level))
        for role, least, most in (("midline", 2, 2), ("boundary", 2, 2), ("outline", 4, None)):
            name = f"{role}_ras_mm"
            value = getattr(self, name)
            if value is None and role != "midline":
                continue
            object.__setattr__(self, name, self._checked_points(role, value, least, most))

    def _checked_points(self, role: str, value: ArrayLike, least: int, most: int | None) -> np.ndarray:
        points = np.asarray(value, dtype=float)
        if points.size and (points.ndim != 2 or points.shape[1] != 3):
            raise InputError(
                f"The {role} of {self.level} has coordinates of shape {points.shape}: give three coordinates for each "
                "point.",
                self.level,
            )
        points = np.round(points.reshape(-1, 3), POSITION_DECIMALS) + 0.0
        if len(points) < least or (most is not None and len(points) > most):
            wanted = f"{least}" if most == least else f"at least {least}"
            raise InputError(
                f"The {role} of {self.level} has {len(points)} point{'s' if len(points) != 1 else ''}: place {wanted}.",
                self.level,
            )
        if not np.all(np.isfinite(points)):
            raise InputError(
                f"The {role} of {self.level} has a coordinate that is not a number: place it again.", self.level
            )
        points.flags.writeable = False
        return points


def missing_midline(level: str, remedy: str = "place its anterior and posterior ends") -> InputError:
    """Return the refusal of a level that has no midline.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    remedy : str
        What to do, if not to place the midline.
    """
    return InputError(f"{level} has no midline: {remedy}.", level)
