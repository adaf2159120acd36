"""The notebook runs from its first cell to its last, and shows pictures."""

import importlib.util
import json

import pytest
from headless.phantom_files import write_line

from LumbarHULib.api import measurement
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.images.ct_file import write_ct


@pytest.fixture
def script(repository):
    """Return the script that runs the notebook."""
    path = repository / "Docs" / "draw_notebook.py"
    spec = importlib.util.spec_from_file_location("draw_notebook", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small_demo(bodies, midlines, few_trials, tmp_path, monkeypatch):
    """Work in a folder with a small CT in place of the demo's."""
    monkeypatch.chdir(tmp_path)
    for level, points in midlines.items():
        write_line(tmp_path / "demo" / "markups" / f"{level}-midline.mrk.json", points)
    write_ct(tmp_path / "demo" / "ct.nrrd", bodies.ct.voxels_hu, bodies.ct.ras_from_ijk)
    document = load_protocol(few_trials)
    monkeypatch.setattr(measurement, "load_protocol", lambda path: document)


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
