"""lumbarhu measure --seeds: from a point in each body to midlines, measured and reported as proposals."""

import json

import numpy as np
import pytest
from files.test_seeds_file import write_seeds
from headless.batch_files import batch_here, write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import PhantomFiles, files_of, rows_of, write_midlines
from mrml.scene_tools import load_scene

from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.mrml.level_review import filled_in_levels
from LumbarHULib.mrml.reading import readings
from LumbarHULib.mrml.reading_markups import placement_findings
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine

LEVELS = ("L1", "L2", "L3", "L4")
OFF_LPS_MM = {"L1": (3, -4, 2), "L2": (-4, 2, -3), "L3": (0, 5, 2), "L4": (2, 2, -5)}


@pytest.fixture(scope="module")
def spine(tmp_path_factory) -> PhantomFiles:
    """Return L1–L4, whole in the scan, as files: to be read, not changed."""
    folder = tmp_path_factory.mktemp("spine")
    spec = lumbar_spine(LEVELS, table=False, rotation_deg={"L1": 4, "L2": 2, "L3": -1, "L4": -3})
    grid = axial_grid((0.0, -9.0, 17.0), (96.0, 96.0, 190.0), 0.8, 3.0)
    phantom = render_on_grid(spec, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=16)
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    return PhantomFiles(phantom, folder / "ct.nrrd", write_midlines(folder / "markups", phantom))


def seeds_of(spine, path, levels=LEVELS):
    points = {
        level: np.array(spine.phantom.spec.vertebra(level).center_ras_mm) * (-1, -1, 1) + OFF_LPS_MM[level]
        for level in levels
    }
    return write_seeds(path, [(level, points[level].tolist()) for level in levels])


@pytest.fixture(scope="module")
def audit(spine, tmp_path_factory):
    """Return the audit folder of the true midlines: to be read, not changed."""
    out = tmp_path_factory.mktemp("audit") / "out"
    assert lumbarhu("measure", spine.ct, "--markups", spine.markups, "--out", out).exit_code == 0
    return out


def assert_measures_what_true_midlines_do(out, audit):
    rows, true_rows = rows_of(out / "results.csv"), rows_of(audit / "results.csv")
    assert [(row["level"], row["roi"]) for row in rows] == [(row["level"], row["roi"]) for row in true_rows]
    for row, true_row in zip(rows, true_rows, strict=True):
        assert abs(float(row["mean_hu"]) - float(true_row["mean_hu"])) < 3
    assert {row["origin"] for row in rows} == {"proposal_accepted"}


def test_seeds_measure_what_true_midlines_do(spine, audit, tmp_path):
    seeds, out = seeds_of(spine, tmp_path / "seeds.mrk.json"), tmp_path / "out"
    run = lumbarhu("measure", spine.ct, "--seeds", seeds, "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    assert_measures_what_true_midlines_do(out, audit)
    assert lumbarhu("verify", out, "--ct", spine.ct).exit_code == 0


def test_two_seeds_fill_in_the_levels_between_and_the_record_states_it(spine, audit, tmp_path):
    seeds, out = seeds_of(spine, tmp_path / "seeds.mrk.json", ("L1", "L4")), tmp_path / "out"
    run = lumbarhu("measure", spine.ct, "--seeds", seeds, "--fill-levels", "--out", out)
    assert (run.exit_code, run.err) == (0, "")
    assert_measures_what_true_midlines_do(out, audit)
    record = json.loads((out / "record.json").read_text())
    reported = {
        level["level"] for level in record["levels"] for one in level["findings"] if one["code"] == "level_filled_in"
    }
    assert reported == {"L2", "L3"}


def test_the_scene_keeps_the_findings_on_a_proposal(spine, tmp_path):
    seeds, outs = seeds_of(spine, tmp_path / "seeds.mrk.json", ("L1", "L4")), [tmp_path / "plain", tmp_path / "scene"]
    for out, options in zip(outs, ([], ["--scene"]), strict=True):
        run = lumbarhu("measure", spine.ct, "--seeds", seeds, "--fill-levels", "--out", out, *options)
        assert (run.exit_code, run.err) == (0, "")
    plain, with_scene = map(files_of, outs)
    assert [name for name in plain if plain[name] != with_scene[name]] == ["record.json"]
    assert level_findings(outs[0]) == level_findings(outs[1])
    with headless_scene() as scene:
        load_scene(scene, outs[1] / "scene.mrb")
        (reading,) = readings(scene)
        assert filled_in_levels(reading) == ("L2", "L3")
        kept = {level: [one.code for one in placement_findings(reading, level)] for level in LEVELS}
    reported = {name: [finding["code"] for finding in findings] for name, findings in level_findings(outs[0]).items()}
    assert all(set(kept[level]) <= set(reported[level]) for level in LEVELS)


def test_the_markups_of_proposals_give_their_audit_folder_and_their_findings_again(spine, tmp_path):
    seeds = seeds_of(spine, tmp_path / "seeds.mrk.json", ("L1", "L4"))
    for out, source in (("first", ["--seeds", seeds, "--fill-levels"]), ("again", ["--markups", "MARKUPS"])):
        options = [tmp_path / "first" / "markups" if one == "MARKUPS" else one for one in source]
        run = lumbarhu("measure", spine.ct, *options, "--out", tmp_path / out)
        assert (run.exit_code, run.err) == (0, "")
    assert "level_filled_in" in {one["code"] for one in level_findings(tmp_path / "again")["L2"]}
    assert files_of(tmp_path / "again") == files_of(tmp_path / "first")


def level_findings(out):
    record = json.loads((out / "record.json").read_text())
    return {level["level"]: level["findings"] for level in record["levels"]}


def test_only_the_levels_with_a_seed_are_measured(spine, tmp_path):
    seeds, out = seeds_of(spine, tmp_path / "seeds.mrk.json", ("L3", "L2")), tmp_path / "out"
    assert lumbarhu("measure", spine.ct, "--seeds", seeds, "--out", out).exit_code == 0
    assert [row["level"] for row in rows_of(out / "results.csv")[::5]] == ["L2", "L3"]


@pytest.mark.parametrize(
    ("levels", "arguments", "sentence"),
    [
        (LEVELS, ["--markups", "MARKUPS"], "--markups and --seeds each place the midlines: give only one of the two."),
        (("L1", "L4"), ["--levels", "L1,L2"], "L2 has no seed: add a point named L2"),
        (LEVELS, ["--levels", "L1", "--exclude", "L2=fracture"], "not among the levels"),
    ],
)
def test_contradictory_input_is_reported_in_one_sentence(levels, arguments, sentence, spine, tmp_path):
    seeds = seeds_of(spine, tmp_path / "seeds.mrk.json", levels)
    given = [spine.markups if one == "MARKUPS" else one for one in arguments]
    run = lumbarhu("measure", spine.ct, "--seeds", seeds, *given, "--out", tmp_path / "out")
    assert (run.exit_code, run.out) == (2, "")
    assert sentence in run.err
    assert run.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_filling_levels_needs_seeds(spine, tmp_path):
    run = lumbarhu("measure", spine.ct, "--markups", spine.markups, "--fill-levels", "--out", tmp_path / "out")
    assert run.exit_code == 2
    assert "give --seeds as well" in run.err


def test_a_seed_in_muscle_is_refused_unless_its_level_is_excluded(spine, tmp_path):
    seeds, out = seeds_of(spine, tmp_path / "seeds.mrk.json"), tmp_path / "out"
    document = json.loads(seeds.read_text())
    document["markups"][0]["controlPoints"][0]["position"] = [44.0, 20.0, 70.0]
    seeds.write_text(json.dumps(document))
    refused = lumbarhu("measure", spine.ct, "--seeds", seeds, "--out", tmp_path / "refused")
    assert refused.exit_code == 3
    assert "L1" in refused.out.partition("Not measured:\n")[2].partition("\n")[0]
    run = lumbarhu("measure", spine.ct, "--seeds", seeds, "--out", out, "--exclude", "L1=metal")
    assert (run.exit_code, run.err) == (0, "")
    assert {row["excluded"] for row in rows_of(out / "results.csv") if row["level"] == "L1"} == {"metal"}


def test_a_batch_measures_from_seeds_and_again_when_they_change(spine, tmp_path):
    seeds_of(spine, tmp_path / "seeds.mrk.json", ("L2", "L3"))
    table = write_cases(
        tmp_path / "cases.csv", [["a", str(spine.ct), "seeds.mrk.json"]], columns=("case", "ct", "seeds")
    )
    assert batch_here(table, tmp_path / "out").counts == {"measured": 1}
    assert {row["level"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"L2", "L3"}
    assert batch_here(table, tmp_path / "out").counts == {"finished": 1}
    seeds_of(spine, tmp_path / "seeds.mrk.json", ("L3",))
    assert batch_here(table, tmp_path / "out").repeated == {"the seeds": 1}


def test_a_batch_fills_in_the_levels_between_seeds_where_a_row_asks_for_it(spine, tmp_path):
    seeds_of(spine, tmp_path / "seeds.mrk.json", ("L2", "L4"))
    columns, row = ("case", "ct", "seeds", "fill_levels"), ["a", str(spine.ct), "seeds.mrk.json"]
    table = write_cases(tmp_path / "cases.csv", [[*row, "no"]], columns=columns)
    assert batch_here(table, tmp_path / "out").counts == {"measured": 1}
    assert {row["level"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"L2", "L4"}
    write_cases(tmp_path / "cases.csv", [[*row, "yes"]], columns=columns)
    assert batch_here(table, tmp_path / "out").repeated == {"the fill levels": 1}
    assert {row["level"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"L2", "L3", "L4"}
