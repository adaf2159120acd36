"""lumbarhu protocols: the list of the shipped protocols, and each as a file to start from."""

import json

import pytest
from headless.command_runner import lumbarhu
from headless.protocol_files import REGIONS, SHIPPED

from LumbarHULib.files.protocol_file import load_protocol


def test_the_list_names_each_protocol_with_its_regions_and_the_levels_of_its_mean():
    run = lumbarhu("protocols")
    assert (run.exit_code, run.err) == (0, "")
    rows = [line.split() for line in run.out.split("\n\n")[0].splitlines()]
    assert [row[0] for row in rows[1:]] == list(SHIPPED)
    by_id = {row[0]: " ".join(row[1:]) for row in rows[1:]}
    assert by_id["lumbarhu-2022-study"] == "1.0.0 round, oval, right, front, left L1, L2, L3, L4 Shanghai 2022"
    for protocol, levels in (("circle-200mm2-2025", "L1"), ("three-slice", "L1, L2, L3, L4")):
        assert by_id[protocol] == f"1.0.0 {REGIONS[protocol]} {levels} none"
    assert by_id["eroded-7mm-2021"] == "1.0.0 eroded_7mm L1 none"


def test_the_list_names_the_source_of_each_protocol():
    text = lumbarhu("protocols").out
    for source in ("10.1186/s13018-022-03348-2", "10.1007/s00198-025-07529-7", "fa617e2", "Schreiber", "Deep learning"):
        assert source in text


@pytest.mark.parametrize("protocol", SHIPPED)
def test_a_printed_protocol_is_a_file_that_can_be_used_as_it_is(protocol, tmp_path):
    run = lumbarhu("protocols", protocol)
    assert (run.exit_code, run.err) == (0, "")
    own = tmp_path / "own.json"
    own.write_text(run.out, encoding="utf-8")
    assert load_protocol(own).document == load_protocol(protocol).document
    assert json.loads(run.out)["id"] == protocol


def test_a_number_of_each_protocol_is_the_one_that_its_source_states():
    documents = {protocol: load_protocol(protocol).document for protocol in SHIPPED[1:]}
    regions = {protocol: documents[protocol]["regions"][REGIONS[protocol]] for protocol in SHIPPED[1:]}
    assert regions["circle-200mm2-2025"]["area_mm2"]["value"] == 200
    assert regions["three-slice"]["endplate_distance_mm"]["value"] == 2
    assert regions["three-slice"]["mean"] == "slices"
    assert regions["eroded-7mm-2021"]["erosion_mm"]["value"] == 7
    prism = {name: entry["value"] for name, entry in regions["ellipse-prism"].items() if isinstance(entry, dict)}
    # 5 mm in slices, times 1.5, halved; 0.58, 0.5 and 0.65 of counts; two steps of erosion, one from 3 mm on.
    assert prism == {
        "half_height_mm": 5 * 1.5 / 2,
        "center_share": 0.58,
        "depth_share": 0.5,
        "width_share": 0.65,
        "erosion_steps": 2,
        "coarse_erosion_steps": 1,
        "coarse_slice_mm": 3,
        "sagittal_voxels_min": 200,
    }
    for document in documents.values():
        for entry in [*document["values"].values(), *document["regions"].values()]:
            assert entry["source"]


def test_an_unknown_id_is_refused_with_the_known_ones():
    for name in ("three-slices", "../three-slice", ""):
        run = lumbarhu("protocols", name)
        assert (run.exit_code, run.out) == (2, "")
        assert run.err == f"lumbarhu: There is no shipped protocol “{name}”: use one of {', '.join(SHIPPED)}.\n"
