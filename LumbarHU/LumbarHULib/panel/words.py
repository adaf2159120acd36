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


def class_word(class_name: str) -> str:
    """Return the study's own word for a class."""
    words = {
        "osteoporosis": _("osteoporosis"),
        "osteopenia": _("osteopenia"),
        "normal": _("normal"),
        "not_classified": _("not classified"),
    }
    return words[class_name]
