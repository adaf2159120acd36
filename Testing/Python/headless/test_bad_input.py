"""Bad input: one sentence on stderr, exit code 2, nothing written, existing files unchanged."""

import gzip
import json
import re
import shutil

import numpy as np
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import points_of, rows_of, write_curve, write_line

from LumbarHULib.images.ct_file import write_ct

LEFT_RAS, ANTERIOR_RAS, SUPERIOR_RAS = np.array([[-1.0, 0, 0], [0, 1, 0], [0, 0, 1]])


@pytest.fixture(scope="module")
def true(one_level):
    """Return the true midline: anterior and posterior end."""
    return one_level.phantom.truth["L3"].midline_ras_mm


def along(midline, start, end):
    """Return a line on the midline, from and to these shares of its depth."""
    return midline[0] + np.outer((start, end), midline[1] - midline[0])


MIDLINES = {
    "beyond the last slice": (lambda true: true + 500 * SUPERIOR_RAS, r"midline of L3 is 49\d\.\d mm beyond the CT"),
    "next to the CT": (
        lambda true: true + 200 * LEFT_RAS,
        r"anterior end of L3's midline is \d+\.\d pixels outside the CT",
    ),
    "in the muscle": (lambda true: true + 33 * LEFT_RAS, "L3: .*(vertebral body|edge)"),
    "in canal and arch": (lambda true: true - 28 * ANTERIOR_RAS, "L3: .*(vertebral body|edge)"),
    "too short": (lambda true: along(true, 0.4, 0.6), r"L3 is 6\.8 mm long .*too short"),
    "too long": (lambda true: along(true, -0.5, 1.5), r"L3 is 68\.0 mm long .*too long"),
    "with both ends at one point": (lambda true: true[[0, 0]], "two ends of L3's midline coincide"),
    "across": (
        lambda true: true.mean(axis=0) + np.outer((15, -15), LEFT_RAS),
        "off the patient's anteroposterior axis",
    ),
    "of one point": (lambda true: true[:1], "midline of L3 has 1 point"),
    "of three points": (lambda true: true[[0, 1, 1]], "midline of L3 has 3 points"),
    "without a number": (lambda true: true * np.nan, "L3"),
}


@pytest.mark.parametrize("where", MIDLINES)
def test_a_midline_is_refused(where, refused, one_level, true, tmp_path):
    make, says = MIDLINES[where]
    markup = write_line(tmp_path / "L3-midline.mrk.json", make(true))
    refused("measure", one_level.ct, "--markups", markup, says=says)


BOUNDARIES = {
    "before the body": (-0.2, 0.0, r"crosses its midline at -0\.200 of the depth"),
    "at the front edge": (0.05, 0.0, r"crosses its midline at 0\.050 of the depth"),
    "behind the body": (1.3, 0.0, r"crosses its midline at 1\.300 of the depth"),
    "along the midline": (0.6, 90.0, r"is 90° off the perpendicular"),
    "too oblique": (0.6, 50.0, r"is 50° off the perpendicular"),
}


@pytest.mark.parametrize("where", BOUNDARIES)
def test_a_boundary_is_refused(where, refused, one_level, true, tmp_path):
    fraction, angle_deg, says = BOUNDARIES[where]
    backward = (true[1] - true[0]) / np.linalg.norm(true[1] - true[0])
    left = np.cross(backward, SUPERIOR_RAS) * -1
    direction = np.cos(np.radians(angle_deg)) * left + np.sin(np.radians(angle_deg)) * backward
    line = along(true, fraction, fraction)[0] + np.outer((-30, 30), direction)
    write_line(tmp_path / "L3-boundary.mrk.json", line)
    write_line(tmp_path / "L3-midline.mrk.json", true)
    refused("measure", one_level.ct, "--markups", tmp_path, says=says)


OUTLINES = {
    "crosses itself": (lambda outline, _: outline[[*range(0, 12), *range(23, 11, -1)]], "outline of L3 crosses itself"),
    "is elsewhere": (lambda outline, _: outline + 60 * LEFT_RAS, "outline of L3 does not enclose"),
    "is in another slice": (
        lambda outline, _: outline + 2.6 * SUPERIOR_RAS,
        "outline of L3 is in another slice, 2.6 mm",
    ),
    "is askew": (
        lambda outline, true: outline + np.outer((outline - true[0]) @ ANTERIOR_RAS, 0.3 * SUPERIOR_RAS),
        "slice",
    ),
    "has three points": (lambda outline, _: outline[::8], "outline of L3 has 3 points"),
    "is a point": (lambda outline, _: outline * 0 + outline[0], "outline of L3"),
    "is smaller than the margin": (lambda outline, true: true.mean(axis=0) + 0.1 * (outline - true.mean(axis=0)), "L3"),
}


@pytest.mark.parametrize("how", OUTLINES)
def test_an_outline_is_refused(how, refused, one_level, true, tmp_path):
    make, says = OUTLINES[how]
    first = tmp_path / "first"
    lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", first)
    outline = points_of(first / "markups" / "L3-outline.mrk.json")
    write_curve(tmp_path / "L3-outline.mrk.json", make(outline, true))
    write_line(tmp_path / "L3-midline.mrk.json", true)
    files = [tmp_path / "L3-outline.mrk.json", tmp_path / "L3-midline.mrk.json"]
    refused("measure", one_level.ct, "--markups", *files, says=says)


def test_a_reversed_midline_is_swapped_and_gives_the_same_numbers(one_level, true, tmp_path):
    plain, turned = measured_with(one_level, true, tmp_path / "a"), measured_with(one_level, true[::-1], tmp_path / "b")
    assert [row["mean_hu"] for row in plain] == [row["mean_hu"] for row in turned]
    assert {row["findings"] for row in plain} == {""}
    assert {row["findings"] for row in turned} == {"midline_reversed"}


def test_a_midline_in_two_slices_is_measured_with_a_finding_that_states_the_distance(one_level, true, tmp_path):
    rows = measured_with(one_level, true + np.outer((1.5, -1.5), SUPERIOR_RAS), tmp_path / "a")
    assert {row["findings"] for row in rows} == {"midline_in_two_slices"}
    record = json.loads((tmp_path / "a" / "out" / "record.json").read_text())
    assert "3.0 mm apart" in record["levels"][0]["findings"][0]["sentence"]
    plain = measured_with(one_level, true, tmp_path / "b")
    assert [row["mean_hu"] for row in rows] == [row["mean_hu"] for row in plain]


def measured_with(files, midline, folder):
    folder.mkdir()
    markup = write_line(folder / "L3-midline.mrk.json", midline)
    outcome = lumbarhu("measure", files.ct, "--markups", markup, "--out", folder / "out")
    assert (outcome.exit_code, outcome.err) == (0, "")
    return rows_of(folder / "out" / "results.csv")


def nan_ct(folder, phantom):
    voxels = phantom.voxels_hu.astype(np.float32)
    voxels[1, 40, 50] = np.nan
    write_ct(folder / "ct.nrrd", voxels, phantom.ras_from_ijk)
    return folder / "ct.nrrd"


def unsigned_ct(folder, phantom):
    write_ct(folder / "ct.nrrd", (phantom.voxels_hu.astype(np.int32) + 1024).astype(np.uint16), phantom.ras_from_ijk)
    return folder / "ct.nrrd"


def constant_ct(folder, phantom):
    write_ct(folder / "ct.nrrd", phantom.voxels_hu * 0 - 1000, phantom.ras_from_ijk)
    return folder / "ct.nrrd"


def flat_ct(folder, phantom):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(phantom.voxels_hu[0]), str(folder / "ct.nrrd"))
    return folder / "ct.nrrd"


def four_dimensional_ct(folder, phantom):
    image = SimpleITK.GetImageFromArray(np.stack([phantom.voxels_hu] * 2), isVector=False)
    SimpleITK.WriteImage(image, str(folder / "ct.nrrd"))
    return folder / "ct.nrrd"


def color_ct(folder, phantom):
    voxels = np.stack([phantom.voxels_hu] * 3, axis=-1)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels, isVector=True), str(folder / "ct.mha"))
    return folder / "ct.mha"


def garbage_ct(folder, _phantom):
    (folder / "ct.nrrd").write_bytes(bytes(range(256)) * 40)
    return folder / "ct.nrrd"


def cut_off_ct(folder, phantom):
    write_ct(folder / "whole.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    whole = (folder / "whole.nrrd").read_bytes()
    (folder / "ct.nrrd").write_bytes(whole[: len(whole) // 2])
    return folder / "ct.nrrd"


def cut_off_nifti(folder, phantom):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(phantom.voxels_hu), str(folder / "whole.nii.gz"))
    plain = gzip.decompress((folder / "whole.nii.gz").read_bytes())
    (folder / "ct.nii").write_bytes(plain[: len(plain) // 2])
    return folder / "ct.nii"


def empty_ct(folder, _phantom):
    (folder / "ct.nrrd").touch()
    return folder / "ct.nrrd"


def empty_folder(folder, _phantom):
    (folder / "series").mkdir()
    return folder / "series"


def text_file(folder, _phantom):
    (folder / "ct.txt").write_text("-1000")
    return folder / "ct.txt"


CTS = {
    "with a voxel that is no number": (nan_ct, "1 voxels? that (is|are) not finite"),
    "with the intercept not applied": (unsigned_ct, "no negative value.*rescale intercept"),
    "of one value": (constant_ct, "Every voxel of the CT is -1000"),
    "of two dimensions": (flat_ct, "2 dimensions"),
    "of four dimensions": (four_dimensional_ct, "4 dimensions"),
    "of colors": (color_ct, "3 numbers per voxel"),
    "that is unreadable": (garbage_ct, "damaged header"),
    "that is cut off": (cut_off_ct, "cut off|damaged"),
    "that is a cut-off NIfTI": (cut_off_nifti, "cut off"),
    "that is empty": (empty_ct, "is empty"),
    "that is an empty folder": (empty_folder, "series.*DICOM"),
    "of no known format": (text_file, "an unsupported"),
    "that is not there": (lambda folder, _: folder / "nowhere.nrrd", "There is no file or folder"),
}


@pytest.mark.parametrize("kind", CTS)
def test_a_ct_is_refused(kind, refused, one_level, tmp_path):
    make, says = CTS[kind]
    refused("measure", make(tmp_path, one_level.phantom), "--markups", one_level.markups, says=says)


def test_a_ct_in_density_units_is_refused(refused, real_data, one_level):
    ct = real_data("l2-density-not-hu") / "sub-verse004_0000_vertebra_21_im.nii.gz"
    refused("measure", ct, "--markups", one_level.markups, says="not HU")


def no_midline(folder, _true):
    return write_line(folder / "L3-boundary.mrk.json", np.eye(3)[:2]), "L3 has a boundary .* but no midline"


def level_twice(folder, true):
    write_line(folder / "L3-midline.mrk.json", true)
    write_line(folder / "again.mrk.json", true + LEFT_RAS, "L3-midline")
    return folder, "midline of L3 is given twice"


def unknown_level(folder, true):
    return write_line(folder / "L7-midline.mrk.json", true), "Unknown level “L7”"


def curve_for_a_line(folder, true):
    return write_curve(folder / "L3-midline.mrk.json", true), "is a ClosedCurve markup: draw it as a Line"


def no_name(folder, true):
    return write_line(folder / "F.mrk.json", true), "contains no markup of a level"


def broken_json(folder, _true):
    (folder / "L3-midline.mrk.json").write_text('{\n"markups": [\n}')
    return folder / "L3-midline.mrk.json", "not valid JSON in line 3"


def bare_folder(folder, _true):
    (folder / "bare").mkdir()
    return folder / "bare", "contains no .mrk.json file"


def missing(folder, _true):
    return folder / "nowhere", "There is no markup file or folder"


@pytest.mark.parametrize(
    "make", [no_midline, level_twice, unknown_level, curve_for_a_line, no_name, broken_json, bare_folder, missing]
)
def test_markups_are_refused(make, refused, one_level, true, tmp_path):
    markups, says = make(tmp_path, true)
    refused("measure", one_level.ct, "--markups", markups, says=says)


OPTIONS = {
    "an unknown level": (["--levels", "L3,L9"], "Unknown level “L9”"),
    "a level twice": (["--levels", "L3, l3"], "names L3 twice"),
    "no level": (["--levels", ","], "names no level"),
    "a level without midline": (["--levels", "L2,L3"], "L2 has no midline"),
    "an exclusion without reason": (["--exclude", "L3="], "gives no reason"),
    "an exclusion without level": (["--exclude", "fracture"], "gives no reason"),
    "an exclusion of an unknown level": (["--exclude", "S1=lysis"], "Unknown level “S1”"),
    "two exclusions of a level": (["--exclude", "L3=a", "--exclude", "L3=b"], "names L3 twice"),
    "an exclusion of another level": (["--levels", "L3", "--exclude", "L4=a"], "L4 is excluded but is not among"),
    "a reading of zero": (["--reading", "0"], "--reading 0 is not a reading number"),
    "a reading in words": (["--reading", "two"], "--reading two is not a reading number"),
    "a case without a name": (["--case", " "], "--case is empty: give a name"),
    "a reader with a line break": (["--reader", "A\nB"], "--reader"),
    "an exclusion with a line break": (["--exclude", "L3=a\n=1+1"], "L3.*printable"),
    "an unknown option": (["--fast"], "Unrecognized arguments: --fast: see lumbarhu measure --help"),
    "a missing value": (["--case"], "expected one argument"),
    "a missing protocol": (["--protocol", "nowhere.json"], "nowhere.json"),
    "missing cutoffs": (["--cutoffs", "nowhere.json"], "nowhere.json"),
}


@pytest.mark.parametrize("what", OPTIONS)
def test_options_are_refused(what, refused, one_level):
    options, says = OPTIONS[what]
    refused("measure", one_level.ct, "--markups", one_level.markups, *options, says=says)


def test_the_working_folder_is_named_by_its_path(one_level, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "more.txt").write_text("mine")
    for inputs, says in (
        ([one_level.ct, "--markups", "."], "“.” contains no "),
        ([".", "--markups", one_level.markups], "“.” contains no CT slices, only 2 files that are not DICOM"),
    ):
        outcome = lumbarhu("measure", *inputs, "--out", "out")
        assert outcome.exit_code == 2
        assert says in outcome.err


def test_an_invalid_protocol_is_refused_with_the_line(refused, one_level, repository, tmp_path):
    source = repository / "LumbarHU" / "Resources" / "Protocols" / "lumbarhu-2022-study.json"
    lines = source.read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines) if '"cortical_margin_mm"' in line) + 1
    lines[number] = '      "value": "wide",'
    (tmp_path / "own.json").write_text("\n".join(lines), encoding="utf-8")
    arguments = [one_level.ct, "--markups", one_level.markups, "--protocol", tmp_path / "own.json"]
    refused(
        "measure", *arguments, says=rf"line {number + 1}\b.*cortical_margin_mm|cortical_margin_mm.*line {number + 1}\b"
    )


@pytest.mark.parametrize(
    "arguments", [[], ["mesure"], ["measure"], ["measure", "ct.nrrd"], ["verify"], ["verify", "folder"], ["--fast"]]
)
def test_an_incomplete_command_is_refused_in_one_sentence(arguments):
    outcome = lumbarhu(*arguments)
    assert (outcome.exit_code, outcome.out) == (2, "")
    assert re.fullmatch(r"lumbarhu: [^\n]+[.]\n", outcome.err)


def test_verify_refuses_a_folder_that_is_not_an_audit_folder(refused, audit, spine, tmp_path):
    bare, broken = tmp_path / "bare", tmp_path / "broken"
    bare.mkdir()
    shutil.copytree(audit, broken)
    record = (broken / "record.json").read_text()
    (broken / "record.json").write_text(record[: len(record) // 2])
    refused("verify", tmp_path / "nowhere", "--ct", spine.ct, says="There is no folder")
    refused("verify", bare, "--ct", spine.ct, says="not an audit folder")
    refused("verify", broken, "--ct", spine.ct, says=r"record\.json.*line \d+")
    refused("verify", audit, "--ct", tmp_path / "nowhere.nrrd", says="There is no file or folder")
