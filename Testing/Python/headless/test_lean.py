"""The program imports packages only when it needs them: help appears at once, and a scene is optional."""

import json
import os
import subprocess
import sys

import pytest
from headless.command_runner import PACKAGE_ROOT, lumbarhu

COMMANDS = ("demo", "measure", "batch", "verify", "export-dicom", "index", "cohort", "study")
HEAVY = ("numpy", "scipy", "SimpleITK", "pydicom", "matplotlib", "pandas", "vtk", "vtkmodules", "slicer", "distributed")
SCENE = ("vtk", "vtkmodules", "slicer", "slicer_core")
# Runs a program and reports which packages it imported.
TELL = """
import json, sys
{program}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
HELP = """
from LumbarHULib.headless.command_line import main
for command in {commands}:
    try:
        main([*command, "--help"])
    except SystemExit as end:
        assert end.code == 0
"""


def imported(program, *, blocked=()):
    """Return the packages that a program imports, in a process in which some packages are blocked."""
    block = f"import sys\nsys.modules.update(dict.fromkeys({blocked!r}))" if blocked else ""
    done = subprocess.run(
        [sys.executable, "-c", f"{block}\n{TELL.format(program=program)}"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_heavy_package():
    commands = [[], *([command] for command in COMMANDS)]
    assert imported(HELP.format(commands=commands)) & set(HEAVY) == set()


def test_importing_the_api_imports_no_heavy_package():
    assert imported("import lumbarhu; dir(lumbarhu)") & set(HEAVY) == set()


def test_the_measurement_imports_neither_scene_nor_figures_nor_dicom():
    heavy = imported("import lumbarhu; lumbarhu.measure; lumbarhu.propose_from_points; lumbarhu.verify") & set(HEAVY)
    assert heavy <= {"numpy", "scipy"}


def test_a_worker_of_a_batch_imports_no_statistics():
    # scipy.stats takes a second to import, which every worker, every measure and every verify would spend.
    modules = "LumbarHULib.headless.batch_case, LumbarHULib.audit.verify, sys"
    assert imported(f"import {modules}; assert 'scipy.stats' not in sys.modules")


def test_measuring_markups_imports_no_geometry_of_scipy(one_level, tmp_path):
    # Its import would add a tenth to the time that importing takes.
    command = ["measure", str(one_level.ct), "--markups", str(one_level.markups), "--out", str(tmp_path / "a")]
    program = f"import sys; from LumbarHULib.headless.command_line import main; assert main({command}) == 0"
    assert imported(f"{program}; assert 'scipy.spatial' not in sys.modules")
    assert (tmp_path / "a" / "record.json").is_file()


def test_without_slicer_a_scene_is_refused_in_one_sentence(one_level, tmp_path, monkeypatch):
    monkeypatch.setattr("LumbarHULib.headless.measure_job.find_spec", lambda name: None)
    command = ["measure", one_level.ct, "--markups", one_level.markups, "--out", tmp_path / "a", "--scene"]
    run = lumbarhu(*command)
    assert run.exit_code == 2
    assert "A scene needs the package slicer-core, which is not installed: install lumbarhu[scene]" in run.err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("module", ["lumbarhu", "LumbarHULib.headless.demo_command", "LumbarHULib.api.measuring"])
def test_without_slicer_everything_else_is_imported(module):
    assert imported(f"import {module}", blocked=SCENE) is not None
