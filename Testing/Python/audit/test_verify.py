"""Every change in an audit folder or its CT is found and named, and nothing else."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from audit.forger import rehash
from audit.plain_numbers import FORMULAS, OF_THE_GRID
from audit.readings import SHEARED_STEPS_RAS_MM, example_audit, random_ct, stored_otherwise

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.audit.verify_numbers import LabelVoxels, measured_again
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.quantities import QUANTITIES
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.images.ct_file import read_ct, write_ct


def test_every_quantity_is_measured_a_second_time():
    voxels = LabelVoxels(np.array([1, 2, 4]), slices=1, pixel_area_mm2=1.0)
    names = [quantity.name for quantity in QUANTITIES]
    assert list(measured_again(voxels)) == names, "add the quantity to measured_again in audit/verify_numbers.py"
    assert [*FORMULAS, *OF_THE_GRID] == names, "add the quantity to the tests' own formulas in audit/plain_numbers.py"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    destination = tmp_path_factory.mktemp("verify") / "out"
    write_audit_folder(destination, example_audit())
    return destination


@pytest.fixture
def folder(original, tmp_path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(original, tmp_path / "out"))


def but_for_the_report(differences: list[str]) -> list[str]:
    """Return the differences without that of the report, which shows the hashes of all other files."""
    return [one for one in differences if not one.startswith("report.html")]


def change_cell(path: Path, row: int, column: str, change) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.reader(stream))
    index = lines[0].index(column)
    lines[row + 1][index] = change(lines[row + 1][index])
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


def change_label_map(path: Path, change) -> None:
    image = SimpleITK.ReadImage(str(path))
    labels = SimpleITK.GetArrayFromImage(image)
    changed = SimpleITK.GetImageFromArray(change(labels))
    if changed.GetSize() == image.GetSize():
        changed.CopyInformation(image)
    SimpleITK.WriteImage(changed, str(path), True)


# Of each type of voxels: whether the grid is sheared, and how its axes are stored.
TYPES = (np.int16, np.int32, np.float32, np.float64)
GRIDS = dict(zip(TYPES, ((False, (0, 1, 2)), (True, (2, 0, 1)), (True, (0, 1, 2)), (False, (2, 0, 1))), strict=True))


@pytest.mark.parametrize("kind", GRIDS)
def test_an_untouched_folder_does_not_differ(tmp_path, kind):
    sheared, axes = GRIDS[kind]
    ct = random_ct(SHEARED_STEPS_RAS_MM, kind) if sheared else random_ct(kind=kind)
    stored = stored_otherwise(ct, axes)
    write_audit_folder(tmp_path / "out", example_audit(ct, stored))
    assert verify_audit_folder(tmp_path / "out", stored) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_a_pipe_is_refused_instead_of_waited_for(folder):
    (folder / "results.csv").unlink()
    os.mkfifo(folder / "results.csv")
    with pytest.raises(InputError, match=r"results\.csv” is neither a file nor a folder"):
        verify_audit_folder(folder, random_ct())


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_the_ct_may_come_from_a_file(original, tmp_path, suffix):
    ct = random_ct()
    write_ct(tmp_path / f"ct{suffix}", ct.voxels_hu, ct.ras_from_ijk)
    assert verify_audit_folder(original, read_ct(tmp_path / f"ct{suffix}").ct) == []


def test_the_ct_may_come_in_another_type_that_holds_its_values(original):
    ct = random_ct()
    assert verify_audit_folder(original, CtVolume(ct.voxels_hu.astype(np.float32), ct.ras_from_ijk)) == []


@pytest.mark.parametrize("accept", [False, True])
def test_a_ct_off_the_protocol_is_classified_by_the_same_rule(tmp_path, accept):
    facts = ScanFacts(tube_voltage_kv=80.0, contrast=False)
    write_audit_folder(tmp_path / "out", example_audit(scan_facts=facts, accept_off_protocol=accept))
    assert verify_audit_folder(tmp_path / "out", random_ct()) == []
    assert ("not_classified" in (tmp_path / "out" / "summary.csv").read_text(encoding="utf-8")) is not accept


def test_texts_that_were_guarded_against_spreadsheets_do_not_differ(tmp_path):
    write_audit_folder(tmp_path / "out", example_audit(case="=1+1", reader='-"A", B'))
    assert verify_audit_folder(tmp_path / "out", random_ct()) == []


def test_every_changed_missing_and_added_file_is_named(folder):
    with (folder / "markups" / "L1-midline.mrk.json").open("a", encoding="utf-8") as stream:
        stream.write(" ")
    (folder / "markups" / "L2-outline.mrk.json").unlink()
    (folder / "labelmaps" / "oval.nrrd").unlink()
    (folder / "note.txt").write_text("x", encoding="utf-8")
    differences = verify_audit_folder(folder, random_ct())
    assert [difference.partition(":")[0] for difference in differences] == [
        "labelmaps/oval.nrrd",
        "markups/L1-midline.mrk.json",
        "markups/L2-outline.mrk.json",
        "note.txt",
    ]
    assert "missing" in differences[0]
    assert "was changed" in differences[1]
    assert "not in the record" in differences[3]


@pytest.mark.parametrize("column", [*FORMULAS, "area_mm2"])
@pytest.mark.parametrize("row", [0, 8, 14])
def test_a_number_changed_by_a_millionth_is_named_even_when_the_hashes_fit(folder, column, row):
    change_cell(folder / "results.csv", row, column, lambda text: repr(float(text) * (1 + 1e-6) + 1e-5))
    rehash(folder)
    level, roi = ("L1", "L2", "L3")[row // 5], ROIS[row % 5]
    named = [text for text in verify_audit_folder(folder, random_ct()) if text.startswith("results.csv")]
    assert len(named) == 1
    assert named[0].startswith(f"results.csv, {level} {roi}, {column}: expected ")
    assert ", found " in named[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("case", "another"),
        ("reader", "CD"),
        ("reading", "1"),
        ("min_hu", "-51.0"),
        ("max_hu", "nan"),
        ("voxels", "12"),
        ("slices", ""),
        ("label_value", "21"),
        ("origin", "proposal_accepted"),
        *(("outline_edited", "false"), ("boundary_moved", "true"), ("edited", "true")),
        ("excluded", "metal"),
        ("findings", "none"),
        ("placement_sd_hu", "0.0"),
    ],
)
def test_every_other_cell_of_the_results_is_compared_as_well(folder, column, value):
    change_cell(folder / "results.csv", 3, column, lambda text: value)
    rehash(folder)
    differences = verify_audit_folder(folder, random_ct())
    assert f"results.csv, L1 front, {column}: expected " in differences[0]
    assert f", found {value or 'nothing'}." in differences[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"placement_sd_hu": ', '"placement_sd_hu": 1', "L1, round, placement_sd_hu: expected "),
        ('      "placement": {\n        "trials": ', '      "placement": {\n        "trials": 9', "placement.trials"),
        ('"osteopenia": 0.', '"osteopenia": 0.09', "placement.class_shares.osteopenia: expected "),
    ],
)
def test_standard_deviations_and_shares_in_the_record_are_computed_again(folder, old, new, words):
    record = folder / "record.json"
    text = record.read_text(encoding="utf-8")
    assert old in text
    record.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(words in difference for difference in verify_audit_folder(folder, random_ct()))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("levels", "L1;L2;L3"),
        ("mean_hu", "100.0"),
        ("class", "not_classified"),
        ("osteoporosis_cutoff_hu", "87.7"),
        ("normal_cutoff_hu", ""),
        ("cutoff_low_hu", "61.0"),
        ("nearest_cutoff_hu", "1.0"),
        ("distance_hu", "0.0"),
        ("distance_lsc", "x"),
        ("placement_sd_hu", "0.5"),
        ("share_normal", "0.33"),
        ("findings", ""),
        ("case", "case 8"),
    ],
)
def test_every_cell_of_the_summary_is_computed_again(folder, column, value):
    change_cell(folder / "summary.csv", 0, column, lambda text: value)
    rehash(folder)
    (difference,) = but_for_the_report(verify_audit_folder(folder, random_ct()))
    assert difference.startswith(f"summary.csv, round, {column}: expected ")
    assert difference.endswith(f", found {value or 'nothing'}.")


def test_a_changed_value_in_the_ct_is_named(original):
    ct = random_ct()
    ct.voxels_hu[0, 0, 0] += 1
    (difference,) = verify_audit_folder(original, ct)
    assert difference.startswith("CT: expected voxels of SHA-256 ")


def test_a_changed_value_inside_a_region_is_named_with_its_effects(original):
    ct = random_ct()
    stack_slice = ct.voxels_hu[20]
    stack_slice[stack_slice.shape[0] // 2 - 4, stack_slice.shape[1] // 2] += 1000
    differences = verify_audit_folder(original, ct)
    assert differences[0].startswith("CT: ")
    assert [text.partition(":")[0] for text in differences if "max_hu" in text] == [
        f"results.csv, L1 {roi}, max_hu" for roi in ("round", "oval", "front")
    ]


def test_a_ct_whose_geometry_went_through_single_precision_is_the_same_ct(original):
    ct = random_ct()
    rounded = CtVolume(ct.voxels_hu, ct.ras_from_ijk.astype(np.float32).astype(float))
    assert verify_audit_folder(original, rounded) == []


@pytest.mark.parametrize("offset_mm", [2e-3, 3.0])
def test_a_ct_at_another_position_is_named(original, offset_mm):
    ct = random_ct()
    matrix = ct.ras_from_ijk.copy()
    matrix[2, 3] += offset_mm
    differences = verify_audit_folder(original, CtVolume(ct.voxels_hu, matrix))
    assert differences[0].startswith("CT: its geometry differs")
    assert "found one with a corner" in differences[1]


def test_a_ct_of_another_size_or_with_values_that_its_type_cannot_hold_is_named(original):
    ct = random_ct()
    assert (
        "expected 64 × 60 × 24 voxels, found 64 × 60 × 23"
        in verify_audit_folder(original, CtVolume(ct.voxels_hu[:-1], ct.ras_from_ijk))[0]
    )
    differences = verify_audit_folder(original, CtVolume(ct.voxels_hu + 0.25, ct.ras_from_ijk))
    assert differences[0].startswith("CT: expected values of the type int16, found float64")


def one_voxel_more(labels):
    labels = labels.copy()
    k, j, i = np.argwhere(labels == 22)[0]
    labels[k, j, i - 1] = 22
    return labels


def with_value(value):
    def change(labels):
        labels = labels.astype(np.int16) if value > 255 else labels.copy()
        labels[0, 0, 0] = value
        return labels

    return change


def test_an_additional_voxel_in_a_label_map_is_counted(folder):
    change_label_map(folder / "labelmaps" / "left.nrrd", one_voxel_more)
    rehash(folder)
    differences = verify_audit_folder(folder, random_ct())
    (count,) = (text for text in differences if ", voxels" in text)
    assert count.startswith("results.csv, L3 left, voxels: expected ")
    assert any(text.startswith("labelmaps/left.nrrd, L3: 1 voxels differ from the region") for text in differences)
    assert all("L3" in text and "left" in text for text in but_for_the_report(differences))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_value(7), "labelmaps/round.nrrd: expected label values 19 to 24, found 7."),
        (with_value(300), "labelmaps/round.nrrd: expected voxels that are uint8, found int16."),
        (lambda labels: labels + 0.4, "labelmaps/round.nrrd: expected whole numbers, found fractions."),
        (
            lambda labels: np.where(labels, labels, np.nan),
            "labelmaps/round.nrrd: expected whole numbers, found fractions.",
        ),
        (with_value(23), "labelmaps/round.nrrd: contains 1 voxels of L4, but results.csv has no row for L4 round."),
        (with_value(24), "results.csv, L5 round, voxels: expected 1, found nothing."),
        (
            lambda labels: labels[:-1],
            "labelmaps/round.nrrd: expected the CT's grid of 64 × 60 × 24 voxels, found 64 × 60 × 23.",
        ),
        (
            lambda labels: np.where(labels == 20, 0, labels),
            "results.csv, L1 round: the row has numbers, but the label map",
        ),
    ],
)
def test_a_label_map_that_does_not_fit_is_named(folder, change, words):
    change_label_map(folder / "labelmaps" / "round.nrrd", change)
    rehash(folder)
    differences = verify_audit_folder(folder, random_ct())
    assert any(text.startswith(words) for text in differences), differences


def test_a_label_map_at_another_position_is_named(folder):
    path = folder / "labelmaps" / "round.nrrd"
    image = SimpleITK.ReadImage(str(path))
    image.SetOrigin([coordinate + 0.001 for coordinate in image.GetOrigin()])
    SimpleITK.WriteImage(image, str(path), True)
    rehash(folder)
    (difference,) = but_for_the_report(verify_audit_folder(folder, random_ct()))
    assert difference.endswith(": expected the CT's grid, found one with a corner 0.00173205 mm away.")


def test_a_truncated_label_map_is_named(folder):
    path = folder / "labelmaps" / "round.nrrd"
    path.write_bytes(path.read_bytes()[:-300])
    rehash(folder)
    (difference,) = but_for_the_report(verify_audit_folder(folder, random_ct()))
    assert difference.startswith("labelmaps/round.nrrd: cannot be read: ")


@pytest.mark.parametrize("name", ["results.csv", "summary.csv"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("mean_hu", "mean", 1), "expected the columns case, reader,"),
        (lambda text: text.replace("\ncase 7,", "\n", 1), "line 2: expected"),
        (lambda text: "", "expected the columns"),
        (lambda text: text.encode() + b"\xff", "cannot be read as CSV in UTF-8"),
        (lambda text: text + 'case 7,"AB', "cannot be read as CSV"),
    ],
)
def test_an_invalid_table_is_named(folder, name, change, words):
    path = folder / name
    changed = change(path.read_text(encoding="utf-8"))
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    rehash(folder)
    differences = verify_audit_folder(folder, random_ct())
    assert [text for text in differences if text.startswith(name) and words in text]


def test_missing_additional_and_duplicate_rows_are_named(folder):
    path = folder / "results.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    strange = lines[2].replace(",L1,", ",L4,")
    path.write_text("\n".join([lines[0], *lines[2:], lines[3], strange]) + "\n", encoding="utf-8")
    rehash(folder)
    differences = verify_audit_folder(folder, random_ct())
    assert "results.csv, L1 right: the row occurs twice." in differences
    assert "results.csv, L1 round: expected a row, found none." in differences
    assert "results.csv, L4 oval: not in the record, so the row was added later." in differences


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("", None, "it is not an audit folder"),
        ('"case"', '"name"', "“name” is not a known name"),
        ('"int16"', '"text"', "“ct.voxels_type” is"),
        ('"lsc_hu": 16.0', '"lsc_hu": 0', "“protocol_values.lsc_hu” is 0"),
        ('"value": 87.75', '"value": "87.75"', "not a number"),
    ],
)
def test_a_folder_whose_record_cannot_be_read_is_refused(folder, old, new, words):
    path = folder / "record.json"
    if new is None:
        path.unlink()
    else:
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        verify_audit_folder(folder, random_ct())


def test_a_truncated_record_is_refused(folder):
    path = folder / "record.json"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(InputError, match=r"record\.json, line 1: the { of this line is never closed"):
        verify_audit_folder(folder, random_ct())


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        verify_audit_folder(tmp_path / "none", random_ct())


def test_progress_runs_from_0_to_1(original):
    shares = []
    verify_audit_folder(original, random_ct(), lambda share, text: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
