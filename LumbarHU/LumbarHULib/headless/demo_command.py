"""lumbarhu demo: measure a phantom CT in which every Hounsfield unit is known."""

import argparse
import os
import sys
from pathlib import Path

from LumbarHULib.audit.folder import RECORD
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder
from LumbarHULib.files.csv_text import csv_text
from LumbarHULib.files.markup_file import write_markup
from LumbarHULib.files.seeds_file import write_seeds
from LumbarHULib.headless import measure_job
from LumbarHULib.headless.console import audit_text
from LumbarHULib.headless.progress import Progress
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.demo import demo_ct
from LumbarHULib.phantom.render import PhantomCt

_CASE = "phantom"
_SEEDS, _CASES = "seeds.mrk.json", "CASES.csv"
_OWN_FOLDER = OwnFolder(frozenset({"ct.nrrd", "markups", _SEEDS, _CASES, "audit"}), sign=f"audit/{RECORD}")


def run_demo(options: argparse.Namespace) -> int:
    """Write inputs, audit folder and scene to the output folder, print the result, and return 0.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    _check_is_no_case(options.out)
    progress = Progress()
    try:
        with atomic_folder(options.out, options.overwrite, _OWN_FOLDER) as folder:
            progress(0.0, "Rendering the phantom")
            phantom = demo_ct()
            _write_inputs(folder, phantom)
            job = measure_job.MeasureJob(
                ct=folder / "ct.nrrd",
                markups=[folder / "markups"],
                destination=folder / "audit",
                levels=MEAN_LEVELS,
                case=_CASE,
                reader="phantom-truth",
                scene=measure_job.can_make_scene(),
            )
            audit = measure_job.run(job, progress)
    finally:
        progress.clear()
    print(f"A lumbar CT phantom with its true midlines, trabecular bone of {_true_hu(phantom)} HU.\n")
    print(audit_text(audit, job.ct))
    print(_paths_text(options.out))
    return 0


def _check_is_no_case(folder: Path) -> None:
    """Raise InputError when a folder that looks like the demonstration's contains a measurement of the user's CT."""
    record = folder / "audit" / RECORD
    if record.is_file() and f'"case": "{_CASE}"' not in record.read_text(encoding="utf-8", errors="replace"):
        raise InputError(
            f"“{folder}” was not made by lumbarhu demo (its audit folder is of another case), so it is not "
            "overwritten: choose another folder."
        )


def _write_inputs(folder: Path, phantom: PhantomCt) -> None:
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    (folder / "markups").mkdir()
    for level in MEAN_LEVELS:
        name = f"{level}-midline"
        write_markup(folder / "markups" / f"{name}.mrk.json", "midline", name, phantom.truth[level].midline_ras_mm)
    write_seeds(folder / _SEEDS, {level: phantom.spec.vertebra(level).center_ras_mm for level in MEAN_LEVELS})
    cases = [(_CASE, "ct.nrrd", "markups", ""), (f"{_CASE}-from-seeds", "ct.nrrd", "", _SEEDS)]
    text = csv_text(("case", "ct", "markups", "seeds"), cases)
    (folder / _CASES).write_text(text, encoding="utf-8", newline="\n")


def _true_hu(phantom: PhantomCt) -> str:
    true_hu = [phantom.truth[level].trabecular_hu for level in MEAN_LEVELS]
    levels = ", ".join(f"{level} {hu:g}" for level, hu in zip(MEAN_LEVELS, true_hu, strict=True))
    return f"{levels}, mean {sum(true_hu) / len(true_hu):g}"


def _program() -> str:
    """Return the command for this program: the path that started it, otherwise its path in the make environment."""
    if os.path.dirname(sys.argv[0]) and Path(sys.argv[0]).stem == "lumbarhu":
        return sys.argv[0]
    return str(Path(".venv", "Scripts" if os.name == "nt" else "bin", "lumbarhu"))


def _paths_text(folder: Path) -> str:
    ct, bundle = folder / "ct.nrrd", folder / "audit" / "scene.mrb"
    scene = str(bundle) if bundle.is_file() else "none; it needs lumbarhu[scene]"
    return f"""
CT and markups:  {ct}, {folder / "markups"}
Audit folder:    {folder / "audit"}
Slicer scene:    {scene}
Try next:        {_program()} verify {folder / "audit"} --ct {ct}
                 {_program()} measure {ct} --seeds {folder / _SEEDS} --out my-audit
                 {_program()} batch {folder / _CASES} --out my-cases"""
