"""Clicks, keys and seconds of one patient in the panel, and the speed of a drag, by real input events.

.venv/bin/python Testing/Benchmarks/panel_clicks.py                          in the tests' stand-in for 3D Slicer
python Testing/Benchmarks/panel_clicks.py --slicer /path/to/Slicer           in 3D Slicer itself (X11, with xdotool)

Seconds are the program's own, from *New reading* to the written export, as the machine is: close everything else.
Without the module, a drag is that of a plain line in the same views. The exit code is 1 when something takes too many
clicks or too long.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

# Slicer runs the file without telling where it is.
_FOLDER = "LUMBARHU_CLICKS_FOLDER"
HERE = Path(os.environ.get(_FOLDER) or Path(__file__).resolve().parent)
ROOT = HERE.parents[1]
MODULE = ROOT / "LumbarHU" / "LumbarHU.py"
_OUTPUT, _PATIENTS = "LUMBARHU_CLICKS_OUTPUT", "LUMBARHU_CLICKS_PATIENTS"
_FAILED, _GOOD = "FAILED", "Every way is within its limits."
_SECONDS = 3600


def main():
    """Run here, or start 3D Slicer, which runs this file again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slicer", type=Path, help="3D Slicer's executable; by default, the stand-in of the tests")
    parser.add_argument("--patients", type=int, default=2, help="patients for each way (default 2; the first warms up)")
    options = parser.parse_args()
    if options.slicer is None:
        sys.path[:0] = [str(ROOT / "LumbarHU"), str(ROOT / "Testing" / "Python"), str(HERE)]
        from harness.application import start
        from panel_hands import QtHands

        start()
        return int(not measure(QtHands, lambda line: print(line, flush=True), options.patients))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.txt"
        output.touch()
        environment = os.environ | {_OUTPUT: str(output), _PATIENTS: str(options.patients), _FOLDER: str(HERE)}
        environment |= {"SLICER_MODULES": str(MODULE.parent)}  # for wrappers that pass module paths themselves
        command = [str(options.slicer), "--no-splash", "--python-script", str(HERE / "panel_clicks.py")]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as slicer:
            try:
                slicer.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                slicer.kill()
        text = output.read_text(encoding="utf-8")
    print(text, end="")
    return 0 if text.rstrip().endswith(_GOOD) else 1


def measure(make_hands, say, patients):
    """Measure every way and the drag; return whether all is within its limits."""
    from panel_ways import measure_drag, measure_ways

    is_good = measure_ways(make_hands, say, patients)
    is_good &= measure_drag(say)
    say(_GOOD if is_good else "Something takes too many clicks or too long.")
    return is_good


def run_in_slicer():
    """Measure inside 3D Slicer, write what is found, and end it."""
    import qt
    import slicer

    sys.path[:0] = [str(HERE)]

    def say(line):
        with open(os.environ[_OUTPUT], "a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def run():
        try:
            load_module()
            window = slicer.util.mainWindow()
            window.showMaximized()
            window.activateWindow()
            slicer.app.processEvents()
            from panel_hands import XHands

            measure(XHands, say, int(os.environ[_PATIENTS]))
        except BaseException:
            say(f"{_FAILED}\n{traceback.format_exc()}")
        slicer.util.exit(0)

    qt.QTimer.singleShot(2000, run)


def load_module():
    """Load the module of this checkout, unless a module path has loaded it already."""
    import qt
    import slicer

    if not hasattr(slicer.modules, "lumbarhu"):
        factory = slicer.app.moduleManager().factoryManager()
        factory.registerModule(qt.QFileInfo(str(MODULE)))
        factory.loadModules(["LumbarHU"])
    found = Path(slicer.modules.lumbarhu.path).resolve()
    if found != MODULE:
        raise RuntimeError(f"Slicer has loaded {found}: remove it from the module paths, or measure that checkout.")


if __name__ == "__main__":
    if os.environ.get(_OUTPUT):
        run_in_slicer()
    else:
        sys.exit(main())
