"""Several protocols at once: the same folders as each alone, and one sentence where they cannot be."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from headless.batch_files import assert_same_files, write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of
from headless.protocol_files import SHIPPED, by, write_vertebra

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.protocol_choice import chosen_protocols


@pytest.fixture(scope="module")
def vertebra(tmp_path_factory):
    """Return L1 in slices of 3 mm, mid-height almost halfway between two of them."""
    return write_vertebra(tmp_path_factory.mktemp("vertebra"), slice_mm=3.0, off_mm=1.4)


@pytest.fixture(scope="module")
def place(vertebra):
    """Return the options that place midlines from the segmentation."""
    return ["--segmentation", vertebra.segmentation, "--segment", "L1=vertebrae"]


@pytest.fixture(scope="module")
def together(vertebra, place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("together") / "out"
    run = lumbarhu("measure", vertebra.ct, *place, "--case", "c", "--out", folder, *by(*SHIPPED))
    assert (run.exit_code, run.err) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == sorted(SHIPPED)
    return folder


@pytest.mark.parametrize("protocol", SHIPPED)
def test_each_of_several_protocols_writes_what_it_writes_alone(protocol, vertebra, place, together, tmp_path):
    run = lumbarhu("measure", vertebra.ct, *place, "--case", "c", "--out", tmp_path / "out", *by(protocol))
    assert (run.exit_code, run.err) == (0, "")
    assert_same_files(tmp_path / "out", together / protocol)


def test_the_order_of_the_protocols_changes_nothing(vertebra, place, together, tmp_path):
    run = lumbarhu("measure", vertebra.ct, *place, "--case", "c", "--out", tmp_path / "out", *by(*SHIPPED[:3:2][::-1]))
    assert (run.exit_code, run.err) == (0, "")
    for protocol in SHIPPED[:3:2]:
        assert_same_files(tmp_path / "out" / protocol, together / protocol)


def test_the_choice_of_the_mid_slice_is_judged_by_each_protocols_own_regions(together):
    sentences = {}
    for protocol in SHIPPED:
        record = json.loads((together / protocol / "record.json").read_text(encoding="utf-8"))
        found = [one["sentence"] for one in record["levels"][0]["findings"] if one["code"] == "mid_slice_ambiguous"]
        sentences[protocol] = re.findall(r"([a-z][a-z0-9_]*) [+-]\d", " ".join(found))
    assert sentences["lumbarhu-2022-study"] == ["round", "oval", "right", "front", "left"]
    assert sentences["circle-200mm2-2025"] == ["circle_200mm2"]
    assert sentences["three-slice"] == ["three_ellipses"]
    # These are made from the segmentation, wherever the midline is.
    assert sentences["ellipse-prism"] == sentences["eroded-7mm-2021"] == []


@pytest.fixture
def two_refused(vertebra, place, tmp_path):
    """Return a function that measures by two protocols, expects one sentence, and that nothing was written."""

    def run(*options, says, protocols=SHIPPED[:2]):
        before = files_of(tmp_path)
        outcome = lumbarhu("measure", vertebra.ct, *place, "--out", tmp_path / "out", *by(*protocols), *options)
        assert (outcome.exit_code, outcome.out) == (2, "")
        assert re.fullmatch(r"lumbarhu: [^\n]+[.]\n", outcome.err)
        assert re.search(says, outcome.err), outcome.err
        assert files_of(tmp_path) == before

    return run


def test_an_audit_folder_cannot_hold_one_for_each_protocol(two_refused, together, tmp_path):
    shutil.copytree(together / "three-slice", tmp_path / "out")
    two_refused(says="“.*out” is an audit folder, so it cannot contain a folder for each protocol: choose another")
    two_refused("--overwrite", says="“.*out” is an audit folder, so it cannot contain a folder for each protocol")


def test_a_folder_of_one_protocol_that_exists_stops_all_of_them(two_refused, together, tmp_path):
    shutil.copytree(together / SHIPPED[1], tmp_path / "out" / SHIPPED[1])
    two_refused(says=rf"“.*{SHIPPED[1]}” .*--overwrite")


def test_a_folder_that_is_not_ours_is_never_replaced(two_refused, tmp_path):
    (tmp_path / "out" / SHIPPED[1]).mkdir(parents=True)
    (tmp_path / "out" / SHIPPED[1] / "thesis.txt").write_text("years")
    two_refused("--overwrite", says=SHIPPED[1])


def test_overwrite_replaces_the_folders_of_these_protocols_and_no_other(vertebra, place, together, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(together / "three-slice", out / "three-slice")
    shutil.copytree(together / "eroded-7mm-2021", out / "circle-200mm2-2025")
    (out / "notes.txt").write_text("mine")
    options = ["--case", "c", "--out", out, *by(*SHIPPED[:2]), "--overwrite"]
    assert lumbarhu("measure", vertebra.ct, *place, *options).exit_code == 0
    for protocol in (*SHIPPED[:2], "three-slice"):
        assert_same_files(out / protocol, together / protocol)
    assert (out / "notes.txt").read_text() == "mine"


def test_one_id_twice_is_refused_also_where_one_is_a_file(two_refused, tmp_path):
    two_refused(says="Two of the protocols have the id three-slice, which names", protocols=["three-slice"] * 2)
    own = tmp_path / "own.json"
    own.write_text(lumbarhu("protocols", "three-slice").out, encoding="utf-8")
    two_refused(says="Two of the protocols have the id three-slice", protocols=["three-slice", own])


def test_a_protocol_that_does_not_exist_is_refused_with_the_ids_that_do(two_refused):
    for name in ("three-slices", "Three-Slice", "", str(Path.home())):
        two_refused(says=rf"“{name}”.* {', '.join(SHIPPED)}", protocols=["three-slice", name])


def test_a_folder_with_the_id_as_its_name_does_not_hide_the_protocol(tmp_path, monkeypatch):
    # As the folders are named that several protocols leave in the current one.
    (tmp_path / "three-slice").mkdir()
    monkeypatch.chdir(tmp_path)
    (chosen,) = chosen_protocols(["three-slice"], None, tmp_path / "out")
    assert chosen.document.protocol.region_names == ("three_ellipses",)


@pytest.mark.parametrize("name", ["../out-of-it", "a/b", ".", "CON", "x" * 300])
def test_an_id_that_cannot_name_a_folder_is_refused(name, two_refused, tmp_path):
    document = json.loads(lumbarhu("protocols", "three-slice").out) | {"id": name}
    own = tmp_path / "own.json"
    own.write_text(json.dumps(document), encoding="utf-8")
    two_refused(says="own.json, line 1: .*id", protocols=["circle-200mm2-2025", own])


def test_options_for_the_studys_regions_name_the_protocol_that_has_others(two_refused):
    for option in (["--scene"], ["--label-maps", "somewhere"]):
        two_refused(*option, says=f"{option[0]} needs the study's five regions.*circle-200mm2-2025")


@pytest.fixture
def too_deep(tmp_path):
    """Return a protocol that erodes more than a body has."""
    document = json.loads(lumbarhu("protocols", "eroded-7mm-2021").out) | {"id": "eroded-19mm"}
    document["regions"]["eroded_7mm"]["erosion_mm"]["value"] = 19
    own = tmp_path / "own.json"
    own.write_text(json.dumps(document), encoding="utf-8")
    return own


@pytest.mark.parametrize("is_first", [True, False])
def test_a_protocol_by_which_nothing_can_be_measured_stops_no_other(vertebra, too_deep, tmp_path, is_first):
    out = tmp_path / "out"
    measure = ["measure", vertebra.ct, "--markups", vertebra.markups, "--case", "c"]
    protocols = [too_deep, "circle-200mm2-2025"][:: 1 if is_first else -1]
    run = lumbarhu(*measure, "--out", out, *by(*protocols))
    assert run.exit_code == 3
    assert run.err.count("\n") == 1
    assert run.err.startswith(
        "lumbarhu: The protocol eroded-19mm gives no number and is not written: No point of L1 is"
    )
    assert [path.name for path in out.iterdir()] == ["circle-200mm2-2025"]
    lumbarhu(*measure, "--out", tmp_path / "alone", *by("circle-200mm2-2025"))
    assert_same_files(out / "circle-200mm2-2025", tmp_path / "alone")
    assert lumbarhu("verify", out / "circle-200mm2-2025", "--ct", vertebra.ct).exit_code == 0


def test_the_folder_of_a_refused_protocol_from_an_earlier_run_is_named(vertebra, too_deep, tmp_path):
    out = tmp_path / "out"
    measure = ["measure", vertebra.ct, "--markups", vertebra.markups, "--out", out, "--overwrite"]
    text = too_deep.read_text(encoding="utf-8")
    too_deep.write_text(text.replace(": 19", ": 6"), encoding="utf-8")
    assert lumbarhu(*measure[:-1], *by("circle-200mm2-2025", too_deep)).exit_code == 0
    before = files_of(out / "eroded-19mm")
    too_deep.write_text(text, encoding="utf-8")
    run = lumbarhu(*measure, *by("circle-200mm2-2025", too_deep))
    assert run.exit_code == 3
    assert run.err.endswith("eroded-19mm” is from an earlier run.\n")
    assert files_of(out / "eroded-19mm") == before


def test_without_a_number_by_any_protocol_nothing_is_written_and_each_reason_is_given(vertebra, too_deep, tmp_path):
    document = json.loads(too_deep.read_text(encoding="utf-8")) | {"id": "eroded-18mm"}
    document["regions"]["eroded_7mm"]["erosion_mm"]["value"] = 18
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document), encoding="utf-8")
    options = ["--markups", vertebra.markups, "--out", tmp_path / "out", *by(too_deep, other)]
    run = lumbarhu("measure", vertebra.ct, *options)
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert run.err.startswith(
        "lumbarhu: Nothing is written, because none of the 2 protocols gives a number. eroded-19mm:"
    )
    assert "eroded-18mm: No point of L1 is 18 mm inside its outline" in run.err
    assert not (tmp_path / "out").exists()


def test_cutoffs_of_a_protocol_that_is_not_measured_are_refused(tmp_path):
    cutoffs = tmp_path / "cutoffs.json"
    document = {"schema": "lumbarhu-cutoffs-1", "name": "Mine", "version": "1", "citation": "me", "rois": {}}
    cutoffs.write_text(json.dumps(document | {"protocol": {"id": "three-slice", "version": "1.0.0"}}))
    with pytest.raises(InputError, match="“Mine” belong to the protocol three-slice, which is not among lumbarhu-2022"):
        chosen_protocols(SHIPPED[:2], cutoffs, tmp_path / "out")
    # Among several, they are those of their own protocol only.
    chosen = chosen_protocols((*SHIPPED[:2], "three-slice"), cutoffs, tmp_path / "out")
    assert [one.cutoffs_path for one in chosen] == [None, None, cutoffs]
    assert [one.cutoffs.name for one in chosen][1:] == ["No cutoffs", "Mine"]
    assert [one.folder for one in chosen] == [tmp_path / "out" / protocol for protocol in (*SHIPPED[:2], "three-slice")]


def test_one_protocol_has_the_folder_itself(tmp_path):
    for sources in ([], ["three-slice"]):
        (chosen,) = chosen_protocols(sources, None, tmp_path / "out")
        assert chosen.folder == tmp_path / "out"


def test_a_batch_by_two_protocols_writes_the_tables_and_folders_of_each(vertebra, tmp_path):
    table = write_cases(
        tmp_path / "cases.csv", [["a", vertebra.ct, vertebra.markups]], columns=("case", "ct", "markups")
    )
    two = ["circle-200mm2-2025", "three-slice"]
    run = lumbarhu("batch", table, "--out", tmp_path / "out", "--workers", 1, *by(*two))
    assert (run.exit_code, run.err) == (0, "")
    for protocol, roi in zip(two, ("circle_200mm2", "three_ellipses"), strict=True):
        options = ["--case", "a", "--out", tmp_path / protocol, *by(protocol)]
        assert lumbarhu("measure", vertebra.ct, "--markups", vertebra.markups, *options).exit_code == 0
        # The record of a case in a batch also contains the hashes of its inputs.
        for folder in (tmp_path / "out" / protocol / "a", tmp_path / protocol):
            record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
            (folder / "record.json").write_text(json.dumps(record | {"extra": {}}))
        assert_same_files(tmp_path / "out" / protocol / "a", tmp_path / protocol)
        with (tmp_path / "out" / protocol / "results.csv").open(encoding="utf-8", newline="") as stream:
            assert [row["roi"] for row in csv.DictReader(stream)] == [roi]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == two


def test_a_batch_refuses_what_a_measurement_refuses_before_it_begins(vertebra, together, tmp_path):
    table = write_cases(
        tmp_path / "cases.csv", [["a", vertebra.ct, vertebra.markups]], columns=("case", "ct", "markups")
    )
    shutil.copytree(together / "three-slice", tmp_path / "audit")
    for options, says in (
        (
            ["--out", tmp_path / "out", *by("three-slice", "three-slice")],
            "Two of the protocols have the id three-slice",
        ),
        (["--out", tmp_path / "audit", *by("three-slice", "ellipse-prism")], "is an audit folder"),
        (["--out", tmp_path / "out", *by("three-slice", "nothing")], "no protocol file “.*nothing”"),
    ):
        before = files_of(tmp_path)
        run = lumbarhu("batch", table, *options)
        assert (run.exit_code, run.out) == (2, "")
        assert re.fullmatch(rf"lumbarhu: [^\n]*{says}[^\n]*\n", run.err)
        assert files_of(tmp_path) == before


def test_a_segment_outside_the_ct_does_not_stop_the_other_levels(vertebra, tmp_path):
    image = SimpleITK.ReadImage(str(vertebra.segmentation))
    array = SimpleITK.GetArrayFromImage(image)
    # The label map goes on below the CT, where L2 is.
    labels = np.concatenate([array // 20 * 21, np.zeros_like(array[:2]), array])
    larger = SimpleITK.GetImageFromArray(labels)
    larger.SetSpacing(image.GetSpacing())
    larger.SetDirection(image.GetDirection())
    origin = image.TransformIndexToPhysicalPoint((0, 0, -len(array) - 2))
    larger.SetOrigin(origin)
    path = tmp_path / "two.nrrd"
    SimpleITK.WriteImage(larger, str(path), True)
    for protocol in ("lumbarhu-2022-study", "eroded-7mm-2021"):
        options = ["--segmentation", path, "--levels", "L1,L2", "--out", tmp_path / protocol, *by(protocol)]
        run = lumbarhu("measure", vertebra.ct, *options)
        assert (run.exit_code, run.err) == (3, "")
        assert "Not measured:\n- " in run.out
        record = json.loads((tmp_path / protocol / "record.json").read_text(encoding="utf-8"))
        assert [level["level"] for level in record["levels"]] == ["L1"]
        assert [level["level"] for level in record["not_measured"]] == ["L2"]
