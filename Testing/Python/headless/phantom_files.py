"""Small phantoms as a user has them: a CT file and markups placed in Slicer."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import PhantomCt, render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine, upright_spine

RAS_LPS = np.array([-1.0, -1.0, 1.0])
FIELD_OF_VIEW_MM = (92.0, 78.0)


@dataclass(frozen=True, eq=False)
class PhantomFiles:
    """A rendered phantom and the files that hold it."""

    phantom: PhantomCt
    ct: Path
    markups: Path


def one_level_phantom(pixel_mm=0.7, slice_mm=2.5, slices=5, noise_hu=0.0, blur_fwhm_mm=1.2, **spine) -> PhantomCt:
    """Return L3 alone, in endless fat, its mid-slice in the middle of the volume."""
    spec = upright_spine(("L3",), trunk=False, **spine)
    grid = axial_grid((0.0, -8.0, 0.0), (*FIELD_OF_VIEW_MM, slices * slice_mm), pixel_mm, slice_mm)
    return render_on_grid(spec, grid, blur_fwhm_mm=blur_fwhm_mm, noise_hu=noise_hu, noise_fwhm_mm=1.0, seed=11)


def four_level_phantom() -> PhantomCt:
    """Return L1–L4 of a spine with lordosis, slightly rotated, in coarse slices: quick to render and to measure."""
    spec = lumbar_spine(("L1", "L2", "L3", "L4"), table=False, rotation_deg={"L1": 4, "L2": 2, "L3": -1, "L4": -3})
    grid = axial_grid((0.0, -6.0, 16.0), (96.0, 92.0, 130.0), 0.8, 5.0)
    return render_on_grid(spec, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=5)


def write_midlines(folder: Path, phantom: PhantomCt, levels=None) -> Path:
    """Write the phantom's true midlines as Slicer would, one file each, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels or phantom.truth:
        write_line(folder / f"{level}-midline.mrk.json", phantom.truth[level].midline_ras_mm)
    return folder


def write_line(path: Path, points_ras_mm, name: str | None = None) -> Path:
    """Write a line markup with the least that Slicer's schema asks for."""
    return _write_markup(path, "Line", points_ras_mm, name)


def write_curve(path: Path, points_ras_mm, name: str | None = None) -> Path:
    """Write a closed curve markup with the least that Slicer's schema asks for."""
    return _write_markup(path, "ClosedCurve", points_ras_mm, name)


def _write_markup(path: Path, kind: str, points_ras_mm, name: str | None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    points = [{"id": str(n), "position": (RAS_LPS * point).tolist()} for n, point in enumerate(points_ras_mm, start=1)]
    markup = {
        "type": kind,
        "name": name or path.name.removesuffix(".mrk.json"),
        "coordinateSystem": "LPS",
        "controlPoints": points,
    }
    path.write_text(json.dumps({"markups": [markup]}))
    return path


def points_of(path: Path) -> np.ndarray:
    """Return a markup's control points, shape (n, 3), RAS mm, read by plain JSON."""
    (markup,) = json.loads(path.read_text())["markups"]
    assert markup["coordinateSystem"] == "LPS"
    return np.array([point["position"] for point in markup["controlPoints"]]) * RAS_LPS


def move_point(path: Path, index: int, by_ras_mm) -> np.ndarray:
    """Move one control point in a markup's file, as another program would, and return all points, RAS mm."""
    document = json.loads(path.read_text())
    point = document["markups"][0]["controlPoints"][index]
    point["position"] = (point["position"] + RAS_LPS * by_ras_mm).round(6).tolist()
    path.write_text(json.dumps(document))
    return points_of(path)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below `folder`, hidden ones too, by its path in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
