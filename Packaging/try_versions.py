"""Run the tests with the packages of each release of 3D Slicer, and print a table: run it with ``make versions``.

For each release of `slicer_versions.json`, and for the newest packages that pip finds, it makes an environment of its
own below ``build/versions``, installs exactly those versions of the packages that the release brings, and of
slicer-core, and runs the tests that depend on them; with --full all. A package that a release does not bring, such as
highdicom in 5.10, is not installed, and its tests are left out.
"""

import argparse
import re
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slicer_releases import slicer_releases

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS = "Testing/Python"
# The rooms whose code calls these packages; a full run takes a multiple of the time.
SUBSET = ("core", "files", "images", "audit", "placement", "mrml", "api")
PACKAGES = ("numpy", "scipy", "SimpleITK", "pydicom", "highdicom", "slicer-core")
TOOLS = ("pytest", "pytest-xdist", "jsonschema", "Pillow", "pandas", "matplotlib")
# What tests compare with, and what survival analysis needs.
REFERENCES = ("scikit-learn", "statsmodels", "lifelines")
TOOLS_OF_ALL = ("distributed", "PySide6-Essentials", "mypy", "ruff")
# What imports highdicom at once.
HIGHDICOM_TESTS = ("headless/test_export_dicom.py", "headless/test_export_dicom_headers.py")
NEWEST = "newest"


@dataclass(frozen=True)
class Trial:
    """One set of versions, and what became of the tests.

    Parameters
    ----------
    name : str
        Slicer's version, or ``newest``.
    versions : mapping of str to str
        By package, as installed.
    passed, failed : int
        Tests; an error counts as failed.
    seconds : float
        What the tests took.
    """

    name: str
    versions: Mapping[str, str]
    passed: int
    failed: int
    seconds: float


def main() -> int:
    """Try every set of versions and print the table; return 1 when a test failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="run every test")
    parser.add_argument("--only", metavar="VERSION", help="try one set of versions, such as 5.10 or newest")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "versions")
    parser.add_argument("tests", nargs="*", metavar="PATH", help=f"tests to run in place of {', '.join(SUBSET)}")
    options = parser.parse_args()
    sets = {release.version: {**release.packages, "slicer-core": release.slicer_core} for release in slicer_releases()}
    sets[NEWEST] = {}
    if options.only is not None:
        if options.only not in sets:
            parser.error(f"--only {options.only} is none of {', '.join(sets)}.")
        sets = {options.only: sets[options.only]}
    trials = []
    for name, pinned in sets.items():
        trials.append(_try(name, pinned, options))
        print(table(trials), flush=True)
    return int(any(trial.failed or not trial.passed for trial in trials))


def table(trials: Sequence[Trial]) -> str:
    """Return the trials as a table in Markdown."""
    rows = [("Slicer", *PACKAGES, "passed", "failed", "minutes")]
    rows += [
        (
            trial.name,
            *(trial.versions.get(package, "–") for package in PACKAGES),
            str(trial.passed),
            str(trial.failed),
            f"{trial.seconds / 60:.1f}",
        )
        for trial in trials
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _try(name: str, pinned: Mapping[str, str], options: argparse.Namespace) -> Trial:
    folder = options.out / name
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    constraints = folder / "constraints.txt"
    constraints.write_text(constraints_with(pinned, is_newest=name == NEWEST), encoding="utf-8")
    wanted = [package for package in PACKAGES if package in pinned or name == NEWEST]
    tools = [*TOOLS, *REFERENCES, *(TOOLS_OF_ALL if options.full else ())]
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", constraints]
    subprocess.run([*install, "--editable", REPOSITORY, *wanted, *tools], check=True)
    tests = options.tests or ([TESTS] if options.full else [f"{TESTS}/{room}" for room in SUBSET])
    ignored = [] if "highdicom" in wanted else [f"--ignore={TESTS}/{path}" for path in HIGHDICOM_TESTS]
    began = time.monotonic()
    run = subprocess.run(
        [python, "-m", "pytest", "-q", "--numprocesses=auto", "--maxprocesses=4", *ignored, *tests],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    print(run.stdout[-3000:], flush=True)
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error)", run.stdout[-400:])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return Trial(name, _installed(python), counts.get("passed", 0), failed, time.monotonic() - began)


def constraints_with(pinned: Mapping[str, str], is_newest: bool = False) -> str:
    """Return the project's constraints with these versions in place of its own; for the newest none of `PACKAGES`."""
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    # slicer-core brings the VTK that it was built with.
    replaced = {*pinned, "vtk"} | (set(PACKAGES) if is_newest else set())
    kept = [line for line in lines if line.partition("==")[0].lower() not in {name.lower() for name in replaced}]
    return "\n".join([*kept, *(f"{package}=={version}" for package, version in pinned.items())]) + "\n"


def _installed(python: Path) -> dict[str, str]:
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    found = {line.partition("==")[0].lower(): line.partition("==")[2] for line in listed.splitlines()}
    return {package: found[package.lower()] for package in PACKAGES if package.lower() in found}


if __name__ == "__main__":
    sys.exit(main())
