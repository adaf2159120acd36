"""Find LumbarHU's data files."""

from pathlib import Path

_LIBRARY = Path(__file__).resolve().parents[1]


def resource_path(*parts: str) -> Path:
    """Return the path of a data file, such as ``resource_path("Schemas", "record.schema.json")``.

    In a checkout and in Slicer the folder Resources is next to LumbarHULib; in an installed package it is inside.
    """
    inside = _LIBRARY / "Resources"
    return (inside if inside.is_dir() else _LIBRARY.parent / "Resources").joinpath(*parts)
