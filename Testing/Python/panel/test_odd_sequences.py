"""Sequences of odd actions, with CTs loaded, deleted and swapped: a few in `make test`, a hundred in `make sequences`.

No error, no orphan, no number of another CT than the reading's, no export that is replaced unasked, and a scene that
comes back with the same numbers.
"""

import csv
import json
import os
from types import SimpleNamespace

import pytest
from panel.orphans import orphans
from panel.watched_exports import WatchedExports

from LumbarHULib.headless.scene import headless_scene

TOGETHER = 4
SEQUENCES = os.environ.get("LUMBARHU_SEQUENCES")
FIRST = range(0, int(SEQUENCES), TOGETHER) if SEQUENCES else (0, pytest.param(TOGETHER, marks=pytest.mark.proof))
ACTIONS = 6


@pytest.mark.parametrize("first", FIRST)
def test_odd_doings_break_nothing(application, tmp_path, monkeypatch, first):
    import slicer
    from panel.driver import Driver, means_of
    from panel.odd_actions import OddReader

    from LumbarHULib.mrml.measure_reading import ReadingMeasurer
    from LumbarHULib.mrml.reading import readings
    from LumbarHULib.self_test.synthetic_mouse import settle

    def measured() -> dict:
        return {
            reading.uid: means_of(ReadingMeasurer(reading).measure())
            for reading in readings(slicer.mrmlScene)
            if reading.ct_node is not None
        }

    unseen, problems = [], []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, traceback: unseen.append((error, traceback)))
    driver = Driver(tmp_path)
    driver.ui.huExportPath.currentPath = str(tmp_path / "export")
    exports = WatchedExports(driver, tmp_path / "export")
    for seed in range(first, first + TOGETHER):
        reader = OddReader(driver, seed)
        reader.begin()
        exported = []
        for _ in range(ACTIONS):
            reader.act()
            exported += exports.faults()
        driver.panel.placing.cancel()
        settle()
        driver.ui.huExportButton.click()
        settle()
        exported += exports.faults()
        left = orphans(slicer.mrmlScene)
        is_open = driver.session.is_open and driver.session.reading.ct_node is not None
        shown = {driver.session.reading.uid: driver.shown()} if is_open else {}
        before, path = measured(), str(tmp_path / f"{seed}.mrb")
        settle()
        saved = slicer.util.saveScene(path)
        slicer.mrmlScene.Clear(0)
        settle()
        slicer.util.loadScene(path)
        settle()
        after = measured()
        reported = [_reported(*item) for item in unseen]
        if reported or left or exported or not saved or after != before or not shown.items() <= before.items():
            states = f"{reported=} {left=} {exported=} {saved=} {shown=} {before=} {after=}"
            problems.append(f"seed {seed}: {reader.done}: {states}")
        unseen.clear()
    assert problems == []


def _reported(error, traceback) -> str:
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{error!r} in {traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"


def test_what_is_left_behind_is_found():
    with headless_scene() as scene:
        assert orphans(scene) == []
        line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
        line.CreateDefaultDisplayNodes()
        assert orphans(scene) == [line.GetID()]
        display = line.GetDisplayNode()
        line.SetAndObserveDisplayNodeID(None)
        assert display.GetID() in orphans(scene)


def test_a_replaced_export_is_found(tmp_path):
    reading, asked = SimpleNamespace(uid="first", number=1), []
    driver = SimpleNamespace(
        session=SimpleNamespace(reading=reading),
        panel=SimpleNamespace(questions=SimpleNamespace(asked=asked)),
        shown=lambda: {"L1": {"round": 120.25}},
    )
    exports, folder = WatchedExports(driver, tmp_path), tmp_path / "case 1" / "Reader A" / "1"
    folder.mkdir(parents=True)

    def write(voxels, mean_hu):
        with (folder / "results.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows((("level", "roi", "mean_hu"), ("L1", "round", mean_hu), ("L2", "round", "")))
        record = folder / "record.json"
        written = record.stat().st_mtime_ns if record.exists() else 0
        record.write_text(json.dumps({"ct": {"voxels_sha256": voxels}}), encoding="utf-8")
        os.utime(record, ns=(written + 1, written + 1))
        return [fault.rpartition(": ")[2] for fault in exports.faults()]

    assert write("one CT", 120.25) == write("one CT", 120.25) == []
    assert write("one CT", 120.5) == ["other numbers than shown"]
    reading.uid = "second"
    asked.append("There is an export already. Replace it?")
    assert write("one CT", 120.25) == []
    reading.uid = "first"
    assert write("one CT", 120.25) == ["a folder of another reading was replaced unasked"]
    assert write("another CT", 120.25) == ["a folder of another CT was replaced"]
    (folder / "record.json").unlink()
    assert exports.faults() == [f"{folder}: the folder is gone"]
