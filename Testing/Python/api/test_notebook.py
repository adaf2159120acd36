"""The notebook and the walk-through in Python run from their first cell to their last, and show pictures."""

import importlib.util
import json

import pytest
from headless.phantom_files import write_line

from LumbarHULib.api import measuring
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.files.seeds_file import write_seeds
from LumbarHULib.images.ct_file import write_ct


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(repository):
    """Return the script that runs the notebook."""
    return loaded(repository / "Docs" / "draw_notebook.py")


@pytest.fixture
def small_demo(bodies, midlines, few_trials, tmp_path, monkeypatch):
    """Work in a folder with a small CT in place of the demo's."""
    monkeypatch.chdir(tmp_path)
    for level, points in midlines.items():
        write_line(tmp_path / "demo" / "markups" / f"{level}-midline.mrk.json", points)
    write_ct(tmp_path / "demo" / "ct.nrrd", bodies.ct.voxels_hu, bodies.ct.ras_from_ijk)
    centers_ras_mm = {level: points.mean(axis=0) for level, points in midlines.items()}
    write_seeds(tmp_path / "demo" / "seeds.mrk.json", centers_ras_mm)
    document = load_protocol(few_trials)
    monkeypatch.setattr(measuring, "load_protocol", lambda path: document)
    return tmp_path


def test_every_cell_runs_and_pictures_are_drawn(script, small_demo, measured):
    notebook = json.loads(script.NOTEBOOK.read_text(encoding="utf-8"))
    names = script.run_cells(notebook)
    assert names["measured"].means["round"].mean_hu == measured.means["round"].mean_hu
    assert names["verification"].differences == ()
    pictures = [out for cell in notebook["cells"] for out in cell.get("outputs", ()) if "data" in out]
    assert len(pictures) == 2


def test_the_notebook_holds_the_outputs_of_its_cells(script):
    cells = json.loads(script.NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    drawn = [out for cell in cells for out in cell.get("outputs", ()) if "data" in out]
    printed = "".join("".join(out["text"]) for cell in cells for out in cell.get("outputs", ()) if "text" in out)
    assert [set(out["data"]) for out in drawn] == [{"image/png"}] * 2
    assert "differences: 0" in printed


def test_the_walk_through_in_python_runs_as_it_is_printed(repository, small_demo, measured, capsys):
    script = loaded(repository / "Docs" / "draw_walkthrough.py")
    measured.write_audit(small_demo / "my-cases")  # its results.csv is what a batch's table of one case is
    names = {}
    for block in script.python_blocks():
        exec(compile(block, script.PAGE.name, "exec"), names)
    assert (small_demo / script.PICTURE).stat().st_size > 10_000
    names["plt"].close("all")
    out = capsys.readouterr().out
    assert f"L1 {{'round': {measured.levels['L1'].rois['round'].mean_hu:.1f}, " in out
    assert out.count(" HU with the proposed midline") == len(names["proposed"].levels) == 2
    assert [row["level"] for row in names["rows"]] == ["L1", "L2"]
