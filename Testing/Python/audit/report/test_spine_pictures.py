"""The pictures of the spine show the CT's own voxels, and each level's line in the slice that was measured."""

import base64
import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from audit.readings import SHEARED_STEPS_RAS_MM, STEPS_RAS_MM, example_audit, random_ct, stored_otherwise
from PIL import Image

from LumbarHULib.audit.report.spine_pictures import spine_pictures

# By the heights at which `example_landmarks` places them in slices of 2.5 mm, counted from caudal.
SLICES = {"L1": 20, "L2": 12, "L3": 4}
BEYOND_MM, HALF_WIDTH_MM = 8.0, 30.0


def drawings(audit, **options):
    found = spine_pictures(audit.result.levels, audit.stack, **options)
    return {name: ElementTree.fromstring(svg) for name, svg in found.items()}


def pixels_of(drawing):
    """Return the picture's gray values, and the matrix from corners of its pixels to the drawing."""
    image = drawing.find("image")
    with Image.open(io.BytesIO(base64.b64decode(image.get("href").partition(",")[2]))) as picture:
        pixels = np.asarray(picture).astype(int)
    a, b, c, d, e, f = map(float, image.get("transform").removeprefix("matrix(").removesuffix(")").split())
    return pixels, np.array([[a, c, e], [b, d, f], [0, 0, 1]])


def lines_of(drawing):
    """Return each level's line as (x from, x to, y), by the text next to it."""
    names = [text.text for text in drawing.iter("text")]
    paths = [re.fullmatch(r"M(.+),(.+)H(.+)", path.get("d")).groups() for path in drawing.iter("path")]
    return {name: (float(x), float(to), float(y)) for name, (x, y, to) in zip(names, paths, strict=False)}


def windowed(values_hu):
    return np.round(255 * np.clip((values_hu + 150.0) / 500.0, 0, 1))


@pytest.mark.parametrize("steps_ras_mm", [STEPS_RAS_MM, SHEARED_STEPS_RAS_MM])
@pytest.mark.parametrize("view", ["Sagittal", "Coronal"])
def test_each_line_is_in_the_row_of_its_slice_and_spans_the_midline(steps_ras_mm, view):
    ct = random_ct(steps_ras_mm)
    audit = example_audit(ct)
    drawing = drawings(audit)[view]
    pixels, matrix = pixels_of(drawing)
    lines = lines_of(drawing)
    assert list(lines) == list(SLICES)
    for name, k in SLICES.items():
        x_from, x_to, y = lines[name]
        ends_px = np.linalg.solve(matrix, [[x_from, x_to], [y, y], [1, 1]])
        row = int(ends_px[1, 0])
        assert ends_px[1] == pytest.approx([row + 0.5] * 2, abs=0.01)
        (level,) = (one for one in audit.result.levels if one.level == name)
        ends_ijk = np.linalg.solve(ct.ras_from_ijk, np.column_stack([level.midline_ras_mm, [1, 1]]).T)[:3]
        across, through = (1, 0) if view == "Sagittal" else (0, 1)
        reach = [ends_ijk[across].min() - BEYOND_MM, ends_ijk[across].max() + BEYOND_MM]
        if view == "Coronal":
            middle = ends_ijk[across].mean()
            reach = [middle - HALF_WIDTH_MM, middle + HALF_WIDTH_MM]
        assert ends_px[0] - 0.5 == pytest.approx(reach, abs=0.02)
        near = round(ends_ijk[through].mean())
        shown = [windowed(ct.voxels_hu[k].take(at, axis=1 - through)) for at in (near - 1, near, near + 1)]
        assert any(np.array_equal(pixels[row], values) for values in shown)


def test_how_the_ct_is_stored_changes_no_picture():
    ct = random_ct()
    plain, other = example_audit(ct), example_audit(ct, stored_otherwise(ct))
    assert spine_pictures(plain.result.levels, plain.stack) == spine_pictures(other.result.levels, other.stack)


def test_an_excluded_level_is_drawn_dashed():
    drawing = drawings(example_audit())["Sagittal"]
    kinds = [path.get("class") for path in drawing.iter("path")]
    assert kinds == ["slice", "slice excluded", "slice"]


def test_sides_are_named_and_marked_doubtful_where_the_ct_does_not_define_them():
    audit = example_audit()
    for known, doubt in ((True, ""), (False, "?")):
        found = drawings(audit, sides_known=known)
        marks = {name: [text.text for text in drawing.iter("text")][-2:] for name, drawing in found.items()}
        assert marks == {"Sagittal": [f"A{doubt}", f"P{doubt}"], "Coronal": [f"R{doubt}", f"L{doubt}"]}


def test_without_a_level_there_is_no_picture():
    audit = example_audit()
    assert spine_pictures((), audit.stack) == {}


def test_one_level_alone_is_drawn():
    audit = example_audit()
    one = replace(audit, result=replace(audit.result, levels=audit.result.levels[:1]))
    assert list(lines_of(drawings(one)["Sagittal"])) == ["L1"]
