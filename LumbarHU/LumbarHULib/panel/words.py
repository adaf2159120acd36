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


def class_title(class_name: str, whose: str) -> str:
    """Return what people read for a class, by whose cutoffs; never that something is ruled out."""
    titles = {
        "osteoporosis": _("at or below {whose} osteoporosis cutoff"),
        "osteopenia": _("between {whose} cutoffs"),
        "normal": _("at or above {whose} upper cutoff"),
        "not_classified": _("not classified"),
    }
    return titles[class_name].format(whose=whose)
