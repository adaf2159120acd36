"""Scenes with a CT of four plain vertebral bodies, and a check of VTK's output."""

import copy

import pytest
import vtk
from mrml.plain_bodies import Bodies, plain_bodies

from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import Reading, create_reading
from LumbarHULib.mrml.reading_markups import set_midline

LEVELS = ("L1", "L2", "L3", "L4")
# Few trials of the midlines' places: their number is no matter of the scene.
PROTOCOL_DOCUMENT = copy.deepcopy(load_protocol().document)
PROTOCOL_DOCUMENT["name"] += " with few trials"
PROTOCOL_DOCUMENT["values"]["placement_trials"]["value"] = 6
DOCUMENTS = PROTOCOL_DOCUMENT, load_cutoffs().document


@pytest.fixture(scope="session")
def bodies() -> Bodies:
    return plain_bodies()


@pytest.fixture
def scene():
    with headless_scene() as scene:
        yield scene


@pytest.fixture
def ct_node(scene, bodies):
    return volume_node_from_ct(scene, bodies.ct, "CT")


@pytest.fixture
def start_reading(ct_node, bodies):
    """Return a function that starts a reading with the midlines of some levels placed."""

    def start(reader="Reader A", levels=LEVELS, node=ct_node, **arguments) -> Reading:
        reading = create_reading(node, reader, *DOCUMENTS, **arguments)
        for level in levels:
            set_midline(reading, level, bodies.midlines_ras_mm[level])
        return reading

    return start


@pytest.fixture
def reading(start_reading) -> Reading:
    return start_reading()


@pytest.fixture
def measurer(reading) -> ReadingMeasurer:
    return ReadingMeasurer(reading)


@pytest.fixture(autouse=True)
def vtk_messages(capfd):
    """Fail a test in which VTK printed an error or a warning; return the output to a test that expects some."""
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_WARNING)

    def printed() -> str:
        return capfd.readouterr().err

    yield printed
    reported = [line for line in printed().splitlines() if "ERR|" in line or "WARN|" in line]
    assert not reported, f"VTK printed {len(reported)} messages; the first: {reported[0]}"
