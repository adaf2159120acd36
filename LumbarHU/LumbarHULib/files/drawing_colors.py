"""Colors of regions and markups, the same in Slicer, in the report and in the documentation."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

Color = tuple[float, float, float]

# Five of the colors of Okabe and Ito (Color Universal Design, 2008), which color-blind readers can distinguish.
ROI_COLORS: Mapping[str, Color] = MappingProxyType(
    {
        "round": (230 / 255, 159 / 255, 0 / 255),
        "oval": (86 / 255, 180 / 255, 233 / 255),
        "right": (240 / 255, 228 / 255, 66 / 255),
        "front": (0 / 255, 158 / 255, 115 / 255),
        "left": (204 / 255, 121 / 255, 167 / 255),
    }
)

# Two more of these colors, for the regions of other protocols.
_OTHER_COLORS: tuple[Color, ...] = ((213 / 255, 94 / 255, 0 / 255), (0 / 255, 114 / 255, 178 / 255))

# The round and the oval region overlap the other three: five overlapping fills could not be distinguished.
FILLED_ROIS: tuple[str, ...] = ("right", "front", "left")
CONTOUR_ROIS: tuple[str, ...] = ("round", "oval")

MARKUP_COLORS: Mapping[str, Color] = MappingProxyType(
    {"midline": (1.0, 0.2, 0.9), "boundary": (1.0, 0.75, 0.0), "outline": (0.2, 0.8, 1.0)}
)


def colors_of(rois: Sequence[str]) -> dict[str, Color]:
    """Return a color for each region, by name; the study's regions keep theirs."""
    others = [roi for roi in rois if roi not in ROI_COLORS]
    return {
        roi: ROI_COLORS[roi] if roi in ROI_COLORS else _OTHER_COLORS[others.index(roi) % len(_OTHER_COLORS)]
        for roi in rois
    }


def hex_color(color: Color) -> str:
    """Return a color, given as red, green and blue from 0 to 1, in hexadecimal notation for web pages."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)
