"""Remedies of what is wrong with markups."""

import json

import numpy as np
from headless.phantom_files import write_curve, write_line
from headless.remedies import ANTERIOR_RAS, LEFT_RAS, SUPERIOR_RAS, Bench, Remedy, independent, measure


def _along(midline: np.ndarray, start: float, end: float) -> np.ndarray:
    return midline[0] + np.outer((start, end), midline[1] - midline[0])


def _turned(midline: np.ndarray, angle_deg: float) -> np.ndarray:
    """Return the midline turned about its middle in the axial plane."""
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    rotation = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    return midline.mean(axis=0) + (midline - midline.mean(axis=0)) @ rotation


@independent
def _placed_again(bench: Bench) -> list[object]:
    """Measure with the midline from the anterior to the posterior edge of the body."""
    return measure(bench.files.ct, "--markups", bench.markups())


def _midline(says: str, change, code: str = "") -> Remedy:
    """Return a remedy of a midline: place it again where the sentence says."""

    def fault(bench: Bench) -> list[object]:
        return measure(bench.files.ct, "--markups", bench.markups(change(bench.midline)))

    return Remedy(says, fault, _placed_again, code)


def _boundary(fraction: float, angle_deg: float = 0.0, length_mm: float = 30.0):
    """Return a function that writes midline and boundary at a part of the depth, turned by an angle."""

    def fault(bench: Bench) -> list[object]:
        folder, true = bench.markups(), bench.midline
        backward = (true[1] - true[0]) / np.linalg.norm(true[1] - true[0])
        left = np.cross(SUPERIOR_RAS, backward)
        direction = np.cos(np.radians(angle_deg)) * left + np.sin(np.radians(angle_deg)) * backward
        ends = _along(true, fraction, fraction)[0] + np.outer((-length_mm, length_mm), direction)
        write_line(folder / "L3-boundary.mrk.json", ends)
        return measure(bench.files.ct, "--markups", folder)

    return fault


def _removed(name: str):
    """Return a function that removes a markup's file, so that it is automatic again, and measures."""

    def follow(bench: Bench) -> list[object]:
        (bench.folder / "markups" / name).unlink()
        return measure(bench.files.ct, "--markups", bench.folder / "markups")

    return follow


def _outline(change):
    def fault(bench: Bench) -> list[object]:
        folder = bench.markups()
        write_curve(folder / "L3-outline.mrk.json", change(bench.outline(), bench.midline))
        return measure(bench.files.ct, "--markups", folder)

    return fault


AUTOMATIC_BOUNDARY, AUTOMATIC_OUTLINE = _removed("L3-boundary.mrk.json"), _removed("L3-outline.mrk.json")


def _file(name: str, content: str | bytes):
    """Return a function that measures with a markup file of this content."""

    def fault(bench: Bench) -> list[object]:
        path = bench.folder / "markups" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return measure(bench.files.ct, "--markups", path.parent)

    return fault


def _edited(change):
    """Return a function that measures with the midline's file changed by `change(markup)`."""

    def fault(bench: Bench) -> list[object]:
        path = bench.markups() / "L3-midline.mrk.json"
        document = json.loads(path.read_text())
        change(document["markups"][0])
        path.write_text(json.dumps(document))
        return measure(bench.files.ct, "--markups", path)

    return fault


def _without_midline(bench: Bench) -> list[object]:
    _boundary(0.6)(bench)
    (bench.folder / "markups" / "L3-midline.mrk.json").unlink()
    return measure(bench.files.ct, "--markups", bench.folder / "markups")


def _twice(bench: Bench) -> list[object]:
    write_line(bench.markups() / "again.mrk.json", bench.midline + LEFT_RAS, "L3-midline")
    return measure(bench.files.ct, "--markups", bench.folder / "markups")


def _one_of_them(bench: Bench) -> list[object]:
    (bench.folder / "markups" / "again.mrk.json").unlink()
    return measure(bench.files.ct, "--markups", bench.folder / "markups")


def _called(name: str):
    def fault(bench: Bench) -> list[object]:
        path = write_line(bench.folder / "named" / f"{name}.mrk.json", bench.midline)
        return measure(bench.files.ct, "--markups", path)

    return fault


def _as_curve(bench: Bench) -> list[object]:
    path = write_curve(bench.folder / "markups" / "L3-midline.mrk.json", bench.midline)
    return measure(bench.files.ct, "--markups", path)


def _contradicting_name(bench: Bench) -> list[object]:
    write_line(bench.folder / "markups" / "L3-midline.mrk.json", bench.midline, "L2-midline")
    return measure(bench.files.ct, "--markups", bench.folder / "markups")


def _with_stranger(bench: Bench) -> list[object]:
    write_line(bench.markups() / "F.mrk.json", bench.midline)
    return measure(bench.files.ct, "--markups", bench.folder / "markups")


def _without_stranger(bench: Bench) -> list[object]:
    folder = bench.folder / "markups"
    (folder / "F.mrk.json").rename(folder / "L3-boundary.mrk.json")
    _boundary(0.667)(bench)
    return measure(bench.files.ct, "--markups", folder)


def _nothing_there(bench: Bench) -> list[object]:
    (bench.folder / "bare").mkdir()
    return measure(bench.files.ct, "--markups", bench.folder / "bare")


MARKUPS = (
    _midline("beyond the CT's last slice: place it inside the CT", lambda true: true + 500 * SUPERIOR_RAS),
    _midline("pixels outside the CT: place it inside the CT", lambda true: true + 200 * LEFT_RAS),
    _midline("mm long in its slice, too short.*: place its ends on the", lambda true: _along(true, 0.4, 0.6)),
    _midline("mm long in its slice, too long.*: place its ends on the", lambda true: _along(true, -0.5, 1.5)),
    _midline("ends of L3's midline coincide: place the second on the posterior edge", lambda true: true[[0, 0]]),
    _midline(
        "off the patient's anteroposterior axis.*: place it from the anterior",
        lambda true: true.mean(axis=0) + np.outer((15, -15), LEFT_RAS),
    ),
    _midline("midline of L3 has 1 point: place", lambda true: true[:1]),
    _midline("midline of L3 has 3 points: place", lambda true: true[[0, 1, 1]]),
    _midline(r"coordinate that is not a number \(NaN\): place the point again", lambda true: true * np.nan),
    _midline("coordinate of more than .* mm: place it again", lambda true: true * 1e9),
    _midline("L3: .*: (place|move)", lambda true: true + 33 * LEFT_RAS),
    _midline("L3: .*: (place|move)", lambda true: true - 28 * ANTERIOR_RAS),
    _midline("end is .* mm (out|in)side the .* edge.*: move it onto the edge", lambda true: _along(true, -0.25, 1.0)),
    _midline("ran from posterior to anterior.*", lambda true: true[::-1], "midline_reversed"),
    _midline(
        "apart along the slice normal.*Place both ends in one axial slice",
        lambda true: true + np.outer((1.5, -1.5), SUPERIOR_RAS),
        "midline_in_two_slices",
    ),
    _midline(
        "rotated by .*Check that it follows the body's plane of symmetry",
        lambda true: _turned(true, 17.0),
        "midline_rotated",
    ),
    Remedy("two ends of L3's boundary coincide: place one", _boundary(0.6, 0, 0.0), AUTOMATIC_BOUNDARY),
    Remedy("boundary of L3 is 90° off .*or return it to automatic", _boundary(0.6, 90.0), AUTOMATIC_BOUNDARY),
    Remedy("boundary of L3 is 50° off .*: draw it from the patient's right", _boundary(0.6, 50.0), _boundary(0.6)),
    Remedy("crosses its midline at 1.300.*: move it into the vertebral body", _boundary(1.3), _boundary(0.6)),
    Remedy("crosses its midline at -0.200.*return it to automatic", _boundary(-0.2), AUTOMATIC_BOUNDARY),
    Remedy("is at 0.600 of the depth.*Return it to automatic", _boundary(0.6), AUTOMATIC_BOUNDARY, "boundary_fraction"),
    Remedy("off the perpendicular.*to automatic", _boundary(0.667, 20.0), AUTOMATIC_BOUNDARY, "boundary_oblique"),
    Remedy(
        "outline of L3 crosses itself: .*return it to automatic",
        _outline(lambda outline, _: outline[[*range(0, 12), *range(23, 11, -1)]]),
        AUTOMATIC_OUTLINE,
    ),
    Remedy(
        "outline of L3 does not enclose .*return the outline to automatic",
        _outline(lambda outline, _: outline + 60 * LEFT_RAS),
        AUTOMATIC_OUTLINE,
    ),
    Remedy(
        "outline of L3 is in another slice, 2.6 mm.*or draw it again",
        _outline(lambda outline, _: outline + 2.6 * SUPERIOR_RAS),
        lambda bench: _outline(lambda outline, _: outline)(bench),
    ),
    Remedy("outline of L3 has 3 points: place", _outline(lambda outline, _: outline[::8]), AUTOMATIC_OUTLINE),
    Remedy(
        "overlaps the one found in the CT.*return it to automatic",
        _outline(lambda outline, true: true.mean(axis=0) + 0.8 * (outline - true.mean(axis=0))),
        AUTOMATIC_OUTLINE,
        "outline_unlike_ct",
    ),
    Remedy(
        "does not reach 67 % of its midline's depth: correct the midline or the outline",
        _outline(lambda outline, true: true.mean(axis=0) + 0.1 * (outline - true.mean(axis=0))),
        AUTOMATIC_OUTLINE,
    ),
    Remedy(r"L3 has a boundary .* but no midline: add L3-midline\.mrk\.json", _without_midline, _placed_again),
    Remedy("midline of L3 is given twice.*: keep one of them", _twice, _one_of_them),
    Remedy("Unknown level “L7”: use one of", _called("L7-midline"), _called("L3-midline")),
    Remedy("contains no markup of a level: name the files L1-midline", _called("F"), _called("L3-midline")),
    Remedy("is a ClosedCurve markup: draw it as a Line", _as_curve, _placed_again),
    Remedy("give file and markup the same level and role", _contradicting_name, _placed_again),
    Remedy(
        "Name each markup to be used L3-midline, L3-boundary", _with_stranger, _without_stranger, "markup_left_aside"
    ),
    Remedy(
        "not valid JSON in line 3.*: save the markup from Slicer again",
        _file("L3-midline.mrk.json", '{\n"markups": [\n}'),
        _placed_again,
    ),
    Remedy("is empty: save the markup from Slicer again", _file("L3-midline.mrk.json", ""), _placed_again),
    Remedy("is not a text file: save the markup from", _file("L3-midline.mrk.json", b"\xff\xfe\x00"), _placed_again),
    Remedy("is not a Slicer markup file: save", _file("L3-midline.mrk.json", "[]"), _placed_again),
    Remedy("has no list of markups.*: save it from Slicer again", _file("L3-midline.mrk.json", "{}"), _placed_again),
    Remedy(
        "contains no markup: save it from Slicer again", _file("L3-midline.mrk.json", '{"markups": []}'), _placed_again
    ),
    Remedy("nested too deeply: save", _file("L3-midline.mrk.json", "[" * 100000), _placed_again),
    Remedy("thousands of digits: save", _file("L3-midline.mrk.json", "9" * 9999), _placed_again),
    Remedy("in units of m: save it in mm", _edited(lambda markup: markup.update(coordinateUnits="m")), _placed_again),
    Remedy(
        'coordinate system XYZ: write it as "LPS" or "RAS"',
        _edited(lambda markup: markup.update(coordinateSystem="XYZ")),
        _edited(lambda markup: markup.update(coordinateSystem="LPS")),
    ),
    Remedy(
        "point without three coordinates: save it from Slicer again",
        _edited(lambda markup: markup["controlPoints"][0].update(position=[1, 2])),
        _placed_again,
    ),
    Remedy(r"contains no \.mrk\.json file: ", _nothing_there, _placed_again),
    Remedy(
        "There is no markup file or folder .*: check the path",
        lambda bench: measure(bench.files.ct, "--markups", bench.folder / "nowhere"),
        _placed_again,
    ),
)
