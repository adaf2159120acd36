"""Draw the picture of the walk-through in Python by running the page's own code: run it with ``make pictures``."""

import argparse
import os
import re
import shutil
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from LumbarHULib.headless.command_line import main as lumbarhu

PAGE = Path(__file__).parent / "walkthrough-python.md"
PICTURE = "walkthrough.png"


def main() -> None:
    """Run the page's blocks up to the one that saves the picture, in a folder with the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE.parent / "figures")
    parser.add_argument("--demo", type=Path, help="a folder that lumbarhu demo made; without it one is made")
    options = parser.parse_args()
    destination, given = options.out.absolute(), options.demo and options.demo.absolute()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            if given:
                shutil.copytree(given, "demo")
            elif lumbarhu(["demo", "--out", "demo"]):
                raise SystemExit("The demo failed: see its sentence above.")
            names: dict = {}
            for block in python_blocks():
                exec(compile(block, PAGE.name, "exec"), names)
                if Path(PICTURE).is_file():
                    shutil.copy(PICTURE, destination / PICTURE)
                    return
        finally:
            os.chdir(before)


def python_blocks() -> list[str]:
    """Return the page's Python, block by block."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    main()
