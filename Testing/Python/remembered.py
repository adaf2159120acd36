"""Costly pure functions, computed once for equal arguments in all processes of a run of the tests.

Many tests measure the same few CTs. What a stage of the measurement returns for the same voxels, markups and protocol,
and what the renderer draws for the same phantom, is read from a folder that the processes share. The key is the content
of all arguments, so that anything different is computed. The tests of these functions themselves, those that patch
code or use `nothing_remembered`, and the processes that a test starts remember nothing: they compute. A test that
two computations give the same needs that, because what was remembered is always the same.
"""

import functools
import hashlib
import importlib
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = "LUMBARHU_REMEMBERED"
_HERE = Path(__file__).resolve().parent

# Modules in which a function is looked up when it is called, and the functions.
STAGES = {
    "LumbarHULib.core.pipeline": ("measure_level", "placement_trials", "region_trials", "height_of_level"),
    "LumbarHULib.api.midlines": ("guess_from_click", "guess_from_mask", "propose_midline"),
    "LumbarHULib.mrml.proposals": ("guess_from_click", "guess_from_mask", "propose_midline"),
    "LumbarHULib.placement.click_bodies": ("guess_from_click",),
}
PHANTOMS = {"LumbarHULib.phantom.render": ("render_on_grid",)}
# The folders whose tests are those of the functions themselves.
_OF_STAGES, _OF_PHANTOMS = ("core", "placement", "phantom"), ("phantom",)

_SMALL_BYTES = 4096

_on = {"stages": False, "phantoms": False, "process": os.getpid()}


def pytest_runtest_setup(item) -> None:
    """Choose what is remembered in a test."""
    ours = item.config._tmp_path_factory.getbasetemp()
    folder = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours
    if FOLDER not in os.environ:
        (folder / "remembered").mkdir(exist_ok=True)
        os.environ[FOLDER] = str(folder / "remembered")
    layer = item.path.relative_to(_HERE).parts[0]
    computes = not {"monkeypatch", "nothing_remembered"}.isdisjoint(item.fixturenames)
    _on["stages"] = layer not in _OF_STAGES and not computes
    _on["phantoms"] = layer not in _OF_PHANTOMS and not computes
    _on["process"] = os.getpid()


def pytest_configure(config) -> None:
    """Wrap the functions before any test file looks them up."""
    if "PYTEST_XDIST_WORKER" in os.environ or not config.getoption("numprocesses", None):
        wrap_all()


def wrap_all() -> None:
    """Make the functions remember."""
    for kind, modules in (("stages", STAGES), ("phantoms", PHANTOMS)):
        for module_name, names in modules.items():
            module = importlib.import_module(module_name)
            for name in names:
                function = getattr(module, name)
                if not hasattr(function, "__wrapped__"):
                    setattr(module, name, remembered(function, kind))


def remembered(function: Callable, kind: str) -> Callable:
    """Return a function that reads what `function` returned for equal arguments; what it raises it raises again."""

    @functools.wraps(function)
    def wrapped(*arguments, **named):
        is_here = os.getpid() == _on["process"] and threading.current_thread() is threading.main_thread()
        if not _on[kind] or not is_here:
            return function(*arguments, **named)
        path = Path(os.environ[FOLDER]) / digest_of((function.__module__, function.__name__, arguments, named))
        try:
            return pickle.loads(path.read_bytes())
        except FileNotFoundError:
            result = pickle.dumps(function(*arguments, **named), pickle.HIGHEST_PROTOCOL)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(result)
        unfinished.replace(path)
        # Not the computed object, but as each later call returns it: so it has their hash as an argument of a stage.
        return pickle.loads(result)

    return wrapped


def digest_of(value: Any) -> str:
    """Return a hash of a value's whole content."""
    sink = _Sink()
    _Pickler(sink, pickle.HIGHEST_PROTOCOL).dump(value)
    return sink.sha.hexdigest()


class _Sink:
    def __init__(self):
        self.sha = hashlib.sha1(usedforsecurity=False)

    def write(self, data) -> int:
        self.sha.update(data)
        return len(data)


class _Pickler(pickle.Pickler):
    """Pickles the hash of an array instead of its values."""

    def reducer_override(self, value):
        if isinstance(value, np.ndarray) and value.nbytes > _SMALL_BYTES and not value.dtype.hasobject:
            return bytes, (_digest_of_array(value),)
        return NotImplemented


def _digest_of_array(array: np.ndarray) -> bytes:
    # At each call, because a test may have changed the array in place.
    sha = hashlib.sha1(f"{array.dtype} {array.shape}".encode(), usedforsecurity=False)
    sha.update(np.ascontiguousarray(array).data.cast("B"))
    return sha.digest()
