"""What people read for the names that files bear."""

from slicer.i18n import tr as _

_BUTTON_LETTERS = 16


def short_name(name: str) -> str:
    """Return a name that fits in a button: a button with a long one makes the panel wider and the views smaller."""
    return name if len(name) <= _BUTTON_LETTERS else name[: _BUTTON_LETTERS - 1] + "…"


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
