"""What people read for the names that files bear."""

from slicer.i18n import tr as _


def roi_title(roi: str) -> str:
    """Return what people call a region."""
    titles = {
        "round": _("round"),
        "oval": _("oval"),
        "right": _("right"),
        "front": _("front"),
        "left": _("left"),
    }
    return titles[roi]


def class_title(class_name: str) -> str:
    """Return what people read for a class; never that something is ruled out."""
    titles = {
        "osteoporosis": _("at or below the study's osteoporosis cutoff"),
        "osteopenia": _("between the study's cutoffs"),
        "normal": _("at or above the study's upper cutoff"),
        "not_classified": _("not classified"),
    }
    return titles[class_name]
