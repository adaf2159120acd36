"""Remedies of what is wrong with options and output paths."""

import shutil
from pathlib import Path

from headless.remedies import Bench, Remedy, measure


def _with(*options: object):
    """Return a function that measures L3 with these options."""
    return lambda bench: measure(bench.files.ct, "--markups", bench.files.markups, *options)


OPTIONS = (
    Remedy("Unknown level “L9”: use one of", _with("--levels", "L3,L9"), _with("--levels", "L3")),
    Remedy("names L3 twice: name each level once", _with("--levels", "L3, l3"), _with("--levels", "L3")),
    Remedy("names no level: give levels such as", _with("--levels", ","), _with("--levels", "L3")),
    Remedy(
        "L2 has no midline: give .*exclude it with a reason",
        _with("--levels", "L2,L3"),
        _with("--levels", "L2,L3", "--exclude", "L2=out of the scan"),
    ),
    Remedy("L2 has no midline: .*omit L2 from the levels", _with("--levels", "L2,L3"), _with("--levels", "L3")),
    Remedy(
        "gives no reason: write for example --exclude L2=fracture",
        _with("--exclude", "L2="),
        _with("--levels", "L2,L3", "--exclude", "L2=fracture"),
    ),
    Remedy(
        "L4 is excluded but is not among the levels L3: add it to the levels",
        _with("--levels", "L3", "--exclude", "L4=a"),
        _with("--levels", "L3,L4", "--exclude", "L4=a"),
    ),
    Remedy(
        "names L3 twice: give one reason",
        _with("--exclude", "L3=a", "--exclude", "L3=b"),
        _with("--levels", "L3,L4", "--exclude", "L4=b"),
    ),
    Remedy("printable characters on one line", _with("--exclude", "L3=a\n=1+1"), _with("--exclude", "L3=a 1+1")),
    Remedy("--reading 0 is not a reading number: give a whole", _with("--reading", "0"), _with("--reading", "1")),
    Remedy("--case is empty: give a name, or omit --case", _with("--case", " "), _with()),
    Remedy("--reader is .*: give a name in printable", _with("--reader", "A\nB"), _with("--reader", "A B")),
    Remedy(
        "Unrecognized arguments: --fast: see lumbarhu measure --help", _with("--fast"), lambda _: ["measure", "--help"]
    ),
    Remedy(
        "position of the vertebrae is missing: give --markups",
        lambda bench: measure(bench.files.ct),
        _with(),
    ),
    Remedy(
        "each place the midlines: give only one of the two",
        lambda bench: measure(bench.files.ct, "--markups", bench.files.markups, "--seeds", bench.files.markups),
        _with(),
    ),
)


def _out(name: str, make=None, *options: object):
    """Return a function that measures into a path in the bench's folder, after `make(bench, path)` was called."""

    def command(bench: Bench) -> list[object]:
        path = bench.folder / name
        if make is not None:
            make(bench, path)
        return ["measure", bench.files.ct, "--markups", bench.files.markups, "--out", path, *options]

    return command


def _audit(bench: Bench, path: Path) -> None:
    shutil.copytree(bench.honest.audit, path)


def _audit_with_notes(bench: Bench, path: Path) -> None:
    _audit(bench, path)
    (path / "notes.txt").write_text("mine")


def _other_folder(bench: Bench, path: Path) -> None:
    path.mkdir()
    (path / "results.csv").write_text("mine")


def _file(bench: Bench, path: Path) -> None:
    while path.parent != bench.folder:
        path = path.parent
    path.write_text("mine")


def _input_inside(bench: Bench) -> list[object]:
    folder = bench.folder / "there"
    _audit(bench, folder)
    return ["measure", bench.files.ct, "--markups", folder / "markups", "--out", folder, "--overwrite"]


def _input_elsewhere(bench: Bench) -> list[object]:
    return ["measure", bench.files.ct, "--markups", bench.folder / "there" / "markups", "--out", bench.folder / "new"]


OUTPUT = (
    Remedy(
        r"already exists: choose another folder, or overwrite it \(--overwrite\)",
        _out("there", _audit),
        _out("there", None, "--overwrite"),
    ),
    Remedy("already exists: choose another folder", _out("there", _audit), _out("elsewhere")),
    Remedy(
        "contains “notes.txt”.* not overwritten: choose another folder",
        _out("there", _audit_with_notes, "--overwrite"),
        _out("elsewhere", None, "--overwrite"),
    ),
    Remedy(
        r"contains no record.json\) and is not overwritten: choose another folder",
        _out("there", _other_folder, "--overwrite"),
        _out("elsewhere", None, "--overwrite"),
    ),
    Remedy("is a file: choose another name for the folder", _out("there", _file), _out("elsewhere")),
    Remedy("is a file: choose another folder", _out("there/below/audit", _file), _out("elsewhere/below/audit")),
    Remedy(
        "the same name on macOS and Windows: choose another name",
        _out("There", lambda b, p: _audit(b, b.folder / "there")),
        _out("other"),
    ),
    Remedy("contains the input .* not overwritten: choose another folder", _input_inside, _input_elsewhere),
)
