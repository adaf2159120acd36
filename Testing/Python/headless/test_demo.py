"""lumbarhu demo: one command, and the whole of it is there, right and verified."""

import re
import shlex
import shutil
from functools import lru_cache

import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of
from mrml.scene_tools import load_scene

from LumbarHULib.headless import demo_command
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.reading import readings

TRUE_HU = {"L1": 104.0, "L2": 98.0, "L3": 92.0, "L4": 101.0}
NOISE_HU = 12.0


@pytest.fixture(scope="module", autouse=True)
def rendered_once():
    """Keep the phantom that was rendered for the runs that follow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_command, "demo_ct", lru_cache(demo_command.demo_ct))
        yield


@pytest.fixture(scope="module")
def demo(made_once):
    def make(place):
        run = lumbarhu("demo", "--out", place / "demo")
        assert (run.exit_code, run.err) == (0, "")
        return place / "demo", run.out

    return made_once("demo", make)


def test_everything_that_the_demonstration_names_exists(demo):
    folder, out = demo
    for name in ("ct.nrrd", "markups", "audit", "audit/scene.mrb"):
        assert str(folder / name) in out
        assert (folder / name).exists()
    assert "For research only; not a diagnosis." in out
    assert "Share of osteopenia that these cutoffs recognize: round 22 %, oval 5 %, right 2 %, " in out
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]


def test_the_means_are_those_of_the_phantom_except_for_noise(demo):
    folder, out = demo
    for row in rows_of(folder / "audit" / "results.csv"):
        # Noise smoothed over 1 mm leaves fewer independent voxels, about a third.
        error_hu = NOISE_HU / (int(row["voxels"]) / 3) ** 0.5
        assert float(row["mean_hu"]) == pytest.approx(TRUE_HU[row["level"]], abs=4 * error_hu)
        assert f"{float(row['mean_hu']):.1f}" in out


def test_the_five_regions_do_not_all_fall_into_one_class(demo):
    classes = [row["class"] for row in rows_of(demo[0] / "audit" / "summary.csv")]
    assert len(classes) == 5
    assert len(set(classes)) > 1
    assert "not_classified" not in classes


def test_the_command_that_it_suggests_passes(demo):
    folder, out = demo
    command = f"lumbarhu verify {folder / 'audit'} --ct {folder / 'ct.nrrd'}"
    assert command in out
    assert lumbarhu(*command.split()[1:]).exit_code == 0


def test_it_suggests_the_program_with_the_path_that_started_it(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["env/bin/lumbarhu"])
    run = lumbarhu("demo", "--out", tmp_path / "demo")
    assert f"Try next:        env/bin/lumbarhu verify {tmp_path / 'demo' / 'audit'} --ct " in run.out


def test_the_other_suggested_commands_find_their_files_and_measure_the_truth(demo, tmp_path):
    folder, out = demo
    seeds = f"measure {folder / 'ct.nrrd'} --seeds {folder / 'seeds.mrk.json'} --out my-audit"
    batch = f"batch {folder / 'CASES.csv'} --out my-cases"
    assert seeds in out
    assert batch in out
    command = [*batch.split()[:-1], str(tmp_path / "cases")]
    run = lumbarhu(*command, "--workers", "1")
    assert (run.exit_code, run.out.splitlines()[0]) == (0, "Measured 2, finished before 0, failed 0.")
    means = {}
    for row in rows_of(tmp_path / "cases" / "results.csv"):
        means.setdefault((row["level"], row["roi"]), []).append(float(row["mean_hu"]))
    assert all(abs(by_midline - by_seed) < 3 for by_midline, by_seed in means.values())


def test_the_true_means_come_first(demo):
    _, out = demo
    levels = ", ".join(f"{level} {hu:g}" for level, hu in TRUE_HU.items())
    first = out.splitlines()[0]
    assert levels in first
    assert f"mean {sum(TRUE_HU.values()) / 4:g} HU" in first


def test_measuring_it_by_hand_gives_the_same_bytes(demo, tmp_path):
    folder, _ = demo
    inputs = [folder / "ct.nrrd", "--markups", folder / "markups"]
    run = lumbarhu("measure", *inputs, "--out", tmp_path / "out", "--case", "phantom", "--reader", "phantom-truth")
    assert run.exit_code == 0
    by_hand, by_demo = files_of(tmp_path / "out"), files_of(folder / "audit")
    assert [name for name in by_hand if by_hand[name] != by_demo[name]] == ["record.json"]


def test_the_scene_holds_one_reading_of_a_ct_of_the_same_size(demo):
    folder, _ = demo
    with headless_scene() as scene:
        load_scene(scene, folder / "audit" / "scene.mrb")
        (reading,) = readings(scene)
        size = SimpleITK.ReadImage(str(folder / "ct.nrrd")).GetSize()
        display = reading.ct_node.GetDisplayNode()
        assert (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()) == (700, 200, 0)
        assert reading.ct_node.GetImageData().GetDimensions() == size
        assert (reading.case, reading.reader) == ("phantom", "phantom-truth")


def test_a_second_run_overwrites_nothing_unless_asked_to(demo):
    folder, _ = demo
    before = files_of(folder)
    run = lumbarhu("demo", "--out", folder)
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert files_of(folder) == before


def blocks_of(tutorial):
    """Return the tutorial's blocks in a row, each with the name under which readers should save it, if any."""
    named = re.findall(r"(?:Save this (?:one )?as `([^`]+)`:\n\n)?^```\n(.*?)^```", tutorial, re.MULTILINE | re.DOTALL)
    assert len(named) == tutorial.count("```") / 2
    return named


def test_the_commands_of_the_tutorial_give_its_output(
    demo, example_cohort, example_cohort_run, repository, tmp_path, monkeypatch
):
    shutil.copytree(demo[0], tmp_path / "demo")
    shutil.copytree(example_cohort, tmp_path / "demo-cohort")
    monkeypatch.chdir(tmp_path)
    tutorial = (repository / "Docs" / "tutorial.md").read_text(encoding="utf-8")
    out = ""
    for name, block in blocks_of(tutorial):
        if name:
            (tmp_path / name).write_text(block, encoding="utf-8")
        elif block.startswith(".venv/bin/lumbarhu "):
            arguments = shlex.split(block)[1:]
            if arguments == ["demo", "--cohort"]:  # what the fixture did
                continue
            if "--readings" in arguments:
                # The demonstration ran this very command, as test_cohort_command.py shows.
                assert " ".join(arguments[:-2]) in example_cohort_run[0].out.replace(f"{example_cohort.parent}/", "")
                shutil.copytree(example_cohort / "result", tmp_path / arguments[-1])
                continue
            run = lumbarhu(*arguments, *(["--no-figures"] if arguments[0] == "cohort" else []))
            assert (run.exit_code, run.err) == (0, ""), block
            out = run.out
        else:
            assert block in out
    for named in set(re.findall(r"`(my-work/[^`]+)`", tutorial)):
        assert (tmp_path / named).exists(), named
