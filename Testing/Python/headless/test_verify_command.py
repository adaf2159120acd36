"""lumbarhu verify: an unchanged folder passes, and every change in it is named."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
import SimpleITK
from audit.plain_numbers import FORMULAS, OF_THE_GRID
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of

from LumbarHULib.images.ct_file import write_ct


@pytest.fixture
def copy(audit, tmp_path):
    """Return a copy of an audit folder, to be tampered with."""
    return shutil.copytree(audit, tmp_path / "copy")


@pytest.fixture
def differences(spine):
    """Return a function that verifies a changed folder and returns the lines on its differences."""

    def verify(folder, ct=spine.ct):
        before = files_of(folder)
        outcome = lumbarhu("verify", folder, "--ct", ct)
        assert (outcome.exit_code, outcome.err) == (1, "")
        assert files_of(folder) == before
        *lines, count = outcome.out.splitlines()
        assert count.startswith(f"{folder}: {len(lines)} difference")
        return lines

    return verify


def test_an_untouched_folder_passes(spine, audit):
    outcome = lumbarhu("verify", audit, "--ct", spine.ct)
    assert (outcome.exit_code, outcome.err) == (0, "")
    assert outcome.out.count("\n") == 1


def test_a_copy_of_the_folder_with_the_ct_in_another_format_and_type_passes(spine, copy, tmp_path):
    phantom = spine.phantom
    for name, dtype in (("ct.mha", np.int16), ("ct.nrrd", np.float32), ("other.nrrd", np.int32)):
        write_ct(tmp_path / name, phantom.voxels_hu.astype(dtype), phantom.ras_from_ijk)
        assert lumbarhu("verify", copy, "--ct", tmp_path / name).exit_code == 0


NUMBERS = (*FORMULAS, *OF_THE_GRID)
TEXTS = ("label_value", "level", "case", "reader", "reading", "findings", "excluded")


@pytest.mark.parametrize("column", [*NUMBERS, *TEXTS])
def test_one_changed_cell_of_the_results_is_named(column, copy, differences):
    change_cell(copy / "results.csv", 7, column, changed)
    lines = differences(copy)
    assert any(line.startswith("results.csv: expected SHA-256") for line in lines)
    # Level and ROI of the row, the column, what was expected and found.
    assert any(line.startswith("results.csv, L2 right") and (column in line or column == "level") for line in lines)
    # The summary was not touched.
    assert not any(line.startswith("summary.csv") for line in lines)


def test_a_summary_and_results_changed_together_are_compared_with_the_label_maps(copy, differences):
    reported = []
    change_cell(copy / "summary.csv", 1, "mean_hu", lambda text: reported.append(text) or changed(text))
    change_cell(copy / "results.csv", 1, "mean_hu", changed)
    start = f"summary.csv, oval, mean_hu: expected {reported[0]}, found "
    assert len([line for line in differences(copy) if line.startswith(start)]) == 1
    # Without the label map there is nothing better than the table, which is wrong.
    (copy / "labelmaps" / "oval.nrrd").unlink()
    lines = [line for line in differences(copy) if line.startswith("summary.csv, oval, mean_hu: expected ")]
    assert len(lines) == 1
    assert not lines[0].startswith(start)


@pytest.mark.parametrize(
    "column", ["mean_hu", "class", "levels", "normal_cutoff_hu", "nearest_cutoff_hu", "distance_hu"]
)
def test_one_changed_cell_of_the_summary_is_named(column, copy, differences):
    change_cell(copy / "summary.csv", 1, column, changed)
    lines = differences(copy)
    assert len(lines) == 2
    assert lines[0].startswith("summary.csv: expected SHA-256")
    assert lines[1].startswith(f"summary.csv, oval, {column}: expected ")


def test_a_change_in_the_last_digit_of_a_mean_is_found(copy, differences):
    change_cell(copy / "results.csv", 0, "mean_hu", lambda text: repr(float(np.nextafter(float(text), 1e9))))
    assert any("results.csv, L1 round, mean_hu: expected" in line for line in differences(copy))


def test_a_table_forged_together_with_its_hash_is_detected_by_its_numbers(copy, differences):
    change_cell(copy / "results.csv", 7, "mean_hu", changed)
    forge_hash(copy, "results.csv")
    lines = differences(copy)
    assert lines[0].startswith("results.csv, L2 right, mean_hu: expected ")


@pytest.mark.parametrize("value", [0, 20, 7])
def test_one_changed_voxel_of_a_label_map_is_named(value, copy, differences):
    path = copy / "labelmaps" / "front.nrrd"
    image = SimpleITK.ReadImage(str(path))
    labels = SimpleITK.GetArrayFromImage(image)
    k, j, i = np.argwhere(labels == 22)[0]
    image[int(i), int(j), int(k)] = value
    SimpleITK.WriteImage(image, str(path), useCompression=True)
    forge_hash(copy, "labelmaps/front.nrrd")
    lines = differences(copy)
    assert any("results.csv, L3 front, voxels" in line for line in lines)
    assert any("labelmaps/front.nrrd" in line and "7" in line for line in lines) or value != 7


def test_another_ct_is_named(spine, copy, differences, tmp_path):
    phantom = spine.phantom
    one_voxel, moved, smaller = phantom.voxels_hu.copy(), phantom.ras_from_ijk.copy(), phantom.voxels_hu[1:]
    one_voxel[0, 0, 0] += 1
    moved[0, 3] += 0.01
    for name, voxels, matrix, says in (
        ("value.nrrd", one_voxel, phantom.ras_from_ijk, "values differ"),
        ("moved.nrrd", phantom.voxels_hu, moved, "0.01 mm"),
        ("smaller.nrrd", smaller, phantom.ras_from_ijk, "voxels, found"),
    ):
        write_ct(tmp_path / name, voxels, matrix)
        lines = differences(copy, tmp_path / name)
        assert any(line.startswith("CT: ") and says in line for line in lines)


def test_a_label_map_on_another_grid_is_named(copy, differences):
    path = copy / "labelmaps" / "oval.nrrd"
    image = SimpleITK.ReadImage(str(path))
    image.SetOrigin([coordinate + 0.4 for coordinate in image.GetOrigin()])
    SimpleITK.WriteImage(image, str(path), useCompression=True)
    assert any("oval.nrrd: expected the CT's grid, found one with a corner" in line for line in differences(copy))
    SimpleITK.WriteImage(image[:, :, 1:], str(path), useCompression=True)
    assert any("labelmaps/oval.nrrd: expected the CT's grid of" in line for line in differences(copy))


@pytest.mark.parametrize("name", ["results.csv", "summary.csv", "labelmaps/left.nrrd", "markups/L1-outline.mrk.json"])
def test_a_missing_file_is_named(name, copy, differences):
    (copy / name).unlink()
    assert f"{name}: expected by the record, but the file is missing." in differences(copy)


def test_an_added_file_is_named(copy, differences):
    (copy / "labelmaps" / "more.nrrd").touch()
    assert differences(copy) == ["labelmaps/more.nrrd: not in the record, so the file was added later."]


def test_a_moved_markup_is_named(copy, differences):
    path = copy / "markups" / "L3-midline.mrk.json"
    markup = json.loads(path.read_text())
    markup["markups"][0]["controlPoints"][0]["position"][0] += 1
    path.write_text(json.dumps(markup))
    assert any(line.startswith("markups/L3-midline.mrk.json: expected SHA-256") for line in differences(copy))


RECORD_EDITS = {
    "case": lambda record: record.update(case="other"),
    "a finding": lambda record: record["levels"][0]["findings"].append(
        {"code": "midline_reversed", "sentence": "S.", "remedy": "", "severity": "note", "level": "L1", "roi": ""}
    ),
    "an exclusion": lambda record: record["levels"][1].update(excluded="fracture"),
    "a cutoff": lambda record: record["cutoffs"]["rois"]["round"]["normal"].update(value=150.0),
    "the CT's voxels": lambda record: record["ct"].update(voxels_sha256="0" * 64),
    "a hash": lambda record: record["files"].update({"results.csv": "0" * 64}),
    "a level left out": lambda record: record["levels"].pop(),
    "the margin in use": lambda record: record["protocol_values"].update(cortical_margin_mm=1.0),
    "a midline": lambda record: record["levels"][0]["midline"]["points_ras_mm"][0].__setitem__(0, 3.0),
    "a class": lambda record: record["summaries"][0].update({"class": "normal"}),
    "the slices": lambda record: record["levels"][0]["slices"].update(count=3),
    "the shapes": lambda record: record["levels"][0]["shapes"]["round"].update(radius_mm=3.0),
    "the boundary": lambda record: record["levels"][0]["boundary"].update(fraction=0.5),
}


@pytest.mark.parametrize("what", RECORD_EDITS)
def test_an_edited_record_is_found(what, copy, differences):
    record = json.loads((copy / "record.json").read_text(encoding="utf-8"))
    RECORD_EDITS[what](record)
    (copy / "record.json").write_text(json.dumps(record), encoding="utf-8")
    assert differences(copy)


def changed(text):
    """Return another possible text of the same cell."""
    try:
        return repr(float(text) + 0.001) if "." in text else str(int(text) + 1)
    except ValueError:
        return {"L2": "L4", "osteoporosis": "normal", "osteopenia": "normal", "normal": "osteopenia"}.get(
            text, text + "x"
        )


def change_cell(path, row, column, change):
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[row][column] = change(rows[row][column])
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="\n")


def forge_hash(folder, name):
    """Write the file's current hash into the record."""
    from hashlib import sha256

    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    record["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
