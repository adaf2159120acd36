"""The vertebral body of one level as regions need it: endplates, and the outline in slices other than the mid-slice."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.body_height import body_height
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.endplates import Endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import Frame, frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.label_maps import Slab
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.level import LevelOutline, outline_of_level
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import RoiMask


@dataclass(eq=False)
class BodyCache:
    """What does not change when the midline moves by less than a reader's error.

    Parameters
    ----------
    endplates : Endplates or None
        None until they were searched.
    outlines_ras_mm : dict of int to numpy.ndarray, shape (n, 3)
        Control points of the outline in other slices, by index k.
    """

    endplates: Endplates | None = None
    outlines_ras_mm: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Cut:
    """The body in one slice.

    Parameters
    ----------
    frame : Frame
        The level's frame in this slice.
    outline : Outline
        In that frame.
    """

    frame: Frame
    outline: Outline


@dataclass(frozen=True, eq=False)
class LevelBody:
    """The body of one level.

    Parameters
    ----------
    stack : AxialStack
    landmarks : Landmarks
    frame : Frame
        In the mid-slice.
    outline : LevelOutline
        In the mid-slice.
    inner_uv_mm : numpy.ndarray, shape (n, 2)
        The inner outline in the mid-slice.
    boundary : Boundary
    protocol : Protocol
    vertebra : RoiMask or None
        The segmented vertebra, if there is one.
    cache : BodyCache
        Shared by bodies of one level whose midlines differ by a reader's error.
    """

    stack: AxialStack
    landmarks: Landmarks
    frame: Frame
    outline: LevelOutline
    inner_uv_mm: np.ndarray
    boundary: Boundary
    protocol: Protocol
    vertebra: RoiMask | None = None
    cache: BodyCache = field(default_factory=BodyCache)

    @property
    def level(self) -> str:
        """One of `LEVELS`."""
        return self.frame.level

    @cached_property
    def endplates(self) -> Endplates:
        """The two endplates.

        Raises
        ------
        InputError
            When the CT does not clearly show both around the midline.
        """
        if self.cache.endplates is None:
            size_mm = self.frame.depth_mm, float(np.ptp(self.outline.curve.polygon_uv_mm[:, 0]))
            middle_ras_mm = self.frame.midline_ras_mm.mean(axis=0)
            found = body_height(self.stack, self.level, middle_ras_mm, self.frame.v_ras, size_mm, self.protocol)
            if found is None or not found.is_clear or found.inside_mm <= 0:
                raise InputError(
                    f"The CT does not clearly show both endplates of {self.level}, from which this protocol's regions "
                    "are placed: check the midline, or exclude the level.",
                    self.level,
                )
            self.cache.endplates = found.endplates
        return self.cache.endplates

    def cut(self, k: int) -> Cut:
        """Return the body in slice `k`, with the outline found there, or else that of the mid-slice."""
        if k == self.frame.mid_slice:
            return Cut(self.frame, self.outline.curve)
        shift_ras_mm = (k - self.frame.mid_slice) * self.stack.slice_spacing_mm * self.stack.normal_ras
        landmarks = Landmarks(self.level, self.frame.midline_ras_mm + shift_ras_mm)
        frame = frame_from_midline(self.stack, landmarks, self.protocol.frame)
        if k not in self.cache.outlines_ras_mm:
            try:
                points_ras_mm = outline_of_level(self.stack, frame, landmarks, self.protocol.outline).points_ras_mm
            except InputError:
                points_ras_mm = self.outline.points_ras_mm + shift_ras_mm
            self.cache.outlines_ras_mm[k] = points_ras_mm
        return Cut(frame, Outline(frame.to_uv_mm(self.cache.outlines_ras_mm[k])))

    def inner_of(self, cut: Cut) -> np.ndarray:
        """Return the inner outline of a cut, shape (n, 2), in its frame."""
        return (
            self.inner_uv_mm
            if cut.frame is self.frame
            else inner_outline(cut.frame, cut.outline, self.protocol.outline)
        )

    def slices_between_endplates(self) -> Slab:
        """Return the slices whose centers are between the endplates' most distant points."""
        ends = [
            float(self.stack.slice_heights(endplate.center_ras_mm + side * reach_mm * self.stack.normal_ras))
            for endplate, side in ((self.endplates.lower, -1), (self.endplates.upper, 1))
            # A tilted endplate rises beyond its center.
            for reach_mm in (np.hypot(*self.endplates.slopes) * self.frame.depth_mm,)
        ]
        first = max(int(np.ceil(ends[0])), 0)
        last = min(int(np.floor(ends[1])), len(self.stack.voxels_hu) - 1)
        return Slab(first, last, round((last - first + 1) * self.stack.slice_spacing_mm, 6))
