"""Check whether this machine can run the application's stand-in, and which system libraries are missing.

Run as a script it installs what is missing, where it may: on Debian and Ubuntu, as root.
"""

import os
import shutil
import subprocess
import sys

# What Qt's libraries and VTK's off-screen window want of the system: `objdump -p`, then `dpkg -S`, on Debian 12.
_PACKAGES = " ".join(
    (
        "libdbus-1-3 libegl1 libfontconfig1 libfreetype6 libgl1 libglib2.0-0 libx11-6 libxkbcommon0 libzstd1",
        "fonts-dejavu-core",
    )
)
INSTALLING = f"apt-get install --yes --no-install-recommends {_PACKAGES}"

# Without EGL, VTK ends the process: so it is tried in one that may end.
_TRIAL = """
import vtk
from PySide6 import QtUiTools, QtWidgets
application = QtWidgets.QApplication([])
window = vtk.vtkRenderWindow()
window.SetOffScreenRendering(1)
window.AddRenderer(vtk.vtkRenderer())
window.Render()
print("drawn")
"""


def what_is_missing() -> str:
    """Return why Qt or off-screen drawing do not work here; empty when they do."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", _TRIAL], capture_output=True, encoding="utf-8", env=environment, check=False
    )
    if "drawn" in done.stdout:
        return ""
    reported = [line for line in done.stderr.splitlines() if "Error" in line]
    return reported[-1] if reported else f"drawing off-screen ended the process ({done.returncode})"


def main() -> None:
    """Install the missing libraries or print the command to type; all other tests run either way."""
    missing = what_is_missing()
    if missing and sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"The panel's tests need system libraries ({missing}); installing them.")
        for command in ("apt-get update", INSTALLING):
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(command.split(), stdout=subprocess.DEVNULL, env=environment, check=False)
        missing = what_is_missing()
    if missing:
        print(f"The panel's tests will be left out: {missing}. On Debian and Ubuntu, as root: {INSTALLING}")


if __name__ == "__main__":
    main()
