"""Draw the picture of the report from the demo, in a Chromium: run it with ``make pictures``."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from LumbarHULib.headless.command_line import main as lumbarhu

PROGRAM = "chromium"
WIDTH_PX, HEIGHT_PX = 1160, 2080


def main() -> None:
    """Measure the demo into a temporary folder, and draw the upper part of its report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "figures")
    folder_out = parser.parse_args().out
    program = shutil.which(PROGRAM)
    if program is None:
        print(f"There is no {PROGRAM} here: report.png stays as it is.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        if lumbarhu(["demo", "--out", str(demo)]) != 0:
            raise SystemExit("The demo failed: see its sentence above.")
        draw_report(program, demo / "audit" / "report.html", Path(folder), folder_out / "report.png")


def draw_report(program: str, page: Path, folder: Path, picture: Path) -> None:
    """Draw a page as a browser shows it."""
    arguments = [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--hide-scrollbars",
        "--disable-background-networking",
    ]
    arguments += ["--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}"]
    # As root it does not start with its sandbox.
    arguments += ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    drawn = folder / "report.png"
    arguments += [f"--window-size={WIDTH_PX},{HEIGHT_PX}", f"--screenshot={drawn}", page.as_uri()]
    subprocess.run([program, *arguments], check=True, capture_output=True)
    with Image.open(drawn) as image:
        # All its colors: in a palette of fewer, those of classes and markups give way to the many grays.
        image.convert("RGB").save(picture, optimize=True)


if __name__ == "__main__":
    main()
