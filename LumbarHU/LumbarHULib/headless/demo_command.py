"""lumbarhu demo: the main job on a CT of our own whose every Hounsfield unit is known."""

import argparse
from pathlib import Path

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.files.ct_file import write_ct
from LumbarHULib.files.markup_file import write_markup
from LumbarHULib.files.whole_folder import whole_folder
from LumbarHULib.headless import measure_job
from LumbarHULib.headless.console import result_text
from LumbarHULib.headless.progress import Progress
from LumbarHULib.phantom.demo import demo_ct
from LumbarHULib.phantom.render import PhantomCt

_DEMO_NAMES = frozenset({"ct.nrrd", "markups", "audit"})


def run_demo(options: argparse.Namespace) -> int:
    """Leave CT, markups, audit folder and scene in the folder that `options` name, and print the result; return 0.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    progress = Progress()
    try:
        with whole_folder(options.out, options.overwrite, _DEMO_NAMES) as folder:
            progress(0.0, "Rendering the phantom")
            phantom = demo_ct()
            _write_inputs(folder, phantom)
            job = measure_job.MeasureJob(
                ct=folder / "ct.nrrd",
                markups=[folder / "markups"],
                destination=folder / "audit",
                levels=MEAN_LEVELS,
                case="phantom",
                reader="truth",
                scene=True,
            )
            result = measure_job.run(job, progress)
    finally:
        progress.clear()
    print(f"A lumbar CT phantom with its true midlines, trabecular bone of {_true_hu(phantom)} HU.\n")
    print(result_text(result))
    print(_what_lies_where(options.out))
    return 0


def _write_inputs(folder: Path, phantom: PhantomCt) -> None:
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    (folder / "markups").mkdir()
    for level in MEAN_LEVELS:
        name = f"{level}-midline"
        write_markup(folder / "markups" / f"{name}.mrk.json", "midline", name, phantom.truth[level].midline_ras_mm)


def _true_hu(phantom: PhantomCt) -> str:
    return ", ".join(f"{level} {phantom.truth[level].trabecular_hu:g}" for level in MEAN_LEVELS)


def _what_lies_where(folder: Path) -> str:
    return f"""
CT and markups:  {folder / "ct.nrrd"}, {folder / "markups"}
Audit folder:    {folder / "audit"}
Slicer scene:    {folder / "audit" / "scene.mrb"}
Try next:        lumbarhu verify {folder / "audit"} --ct {folder / "ct.nrrd"}"""
