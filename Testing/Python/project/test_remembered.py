"""What the tests share between processes is what the functions return: nothing stale, nothing of other arguments."""

import os
import threading

import numpy as np
import pytest
import remembered
from core.builders import PROTOCOL, UPRIGHT, control_points, kidney, upright_stack

from LumbarHULib.core import pipeline


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Return a function that is remembered in a folder of its own, and the arguments of its calls."""
    calls = []

    def total(array, factor=1):
        calls.append((array.sum(), factor))
        return {"total": float(array.sum() * factor)}

    monkeypatch.setenv(remembered.FOLDER, str(tmp_path))
    monkeypatch.setitem(remembered._on, "stages", True)
    return remembered.remembered(total, "stages"), calls


@pytest.mark.parametrize("size", [3, 3000, 10_000_000])
def test_equal_arguments_are_computed_once_and_any_other_ones_again(counted, size):
    function, calls = counted
    array = np.arange(size, dtype=np.int16)
    assert function(array) == function(array) == function(array.copy()) == {"total": float(array.sum())}
    assert len(calls) == 1
    array[1] += 1  # in place, as a test changes the voxels of a CT
    assert function(array) == {"total": float(array.sum())}
    assert function(array.astype(np.int32)) == function(array)
    assert function(array.reshape(-1, 1)) == function(array)
    assert function(array, factor=2) == {"total": float(2 * array.sum())}
    assert len(calls) == 5


def test_a_result_that_a_test_changes_is_not_that_of_the_next(counted):
    function, _ = counted
    function(np.ones(3))["total"] = 7.0
    assert function(np.ones(3)) == {"total": 3.0}


def test_what_is_raised_is_raised_each_time(monkeypatch, tmp_path):
    monkeypatch.setenv(remembered.FOLDER, str(tmp_path))
    monkeypatch.setitem(remembered._on, "stages", True)

    def refuse(what):
        raise ValueError(what)

    for _ in range(2):
        with pytest.raises(ValueError, match="no body"):
            remembered.remembered(refuse, "stages")("no body")
    assert list(tmp_path.iterdir()) == []


def test_other_threads_and_processes_compute(counted, monkeypatch):
    function, calls = counted
    function(np.ones(3))
    thread = threading.Thread(target=function, args=[np.ones(3)])
    thread.start()
    thread.join()
    assert len(calls) == 2
    monkeypatch.setitem(remembered._on, "process", os.getpid() + 1)  # as in one forked from this
    function(np.ones(3))
    assert len(calls) == 3


def test_nothing_is_remembered_for_a_test_that_patches_code(monkeypatch):
    assert not remembered._on["stages"]
    assert not remembered._on["phantoms"]


def test_nothing_is_remembered_for_a_test_that_asks_for_computations(nothing_remembered):
    assert not remembered._on["stages"]
    assert not remembered._on["phantoms"]


def test_a_remembered_level_has_every_number_of_a_computed_one():
    assert remembered._on["stages"]
    stack = upright_stack()
    landmarks = UPRIGHT.landmarks(control_points(kidney()), "L3")
    computed = pipeline.measure_level.__wrapped__(stack, landmarks, PROTOCOL)
    for _ in range(2):
        level = pipeline.measure_level(stack, landmarks, PROTOCOL)
        for name in ("midline_ras_mm", "outline_ras_mm", "outline_doubt_mm"):
            assert np.array_equal(getattr(level, name), getattr(computed, name))
        assert (level.slices, level.covered_mm, level.excluded) == (computed.slices, computed.covered_mm, "")
        assert [finding.code for finding in level.findings] == [finding.code for finding in computed.findings]
        for roi, measured in level.rois.items():
            assert measured.values == computed.rois[roi].values
            assert np.array_equal(measured.mask.inside, computed.rois[roi].mask.inside)
