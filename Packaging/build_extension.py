"""Build the archives that Slicer's Extensions Manager installs from a file: run it with ``make extension``.

LumbarHU is Python alone, so nothing is compiled and every archive is made on any machine. Folders and the description
file are those that Slicer's own packaging makes (CMake/SlicerExtensionCPack.cmake and
Extensions/CMake/SlicerFunctionGenerateExtensionDescription.cmake): a .tar.gz for Linux and macOS, a .zip for Windows.
Names are not, because the manager does not read them and a user chooses by them: they begin with Slicer's version and
the system, since file dialogs leave out the middle of long names. On macOS the manager looks in a folder that bears
Slicer's revision, so that archive holds the files once for each, and its name states the first and the last.
"""

import argparse
import gzip
import io
import json
import re
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slicer_releases import SlicerRelease, slicer_releases

REPOSITORY = Path(__file__).resolve().parents[1]
NAME = "LumbarHU"
# The ending of Slicer's packages on each operating system.
PLATFORMS = {"linux": ".tar.gz", "macos": ".tar.gz", "windows": ".zip"}

_DESCRIPTION = """\
#
# First token of each non-comment line is the keyword and the rest of the line
# (including spaces) is the value.
# - the value can be blank
#

# This is source code manager
scm git
scmurl {scm_url}
scmrevision {revision}

# list dependencies
# - These should be names of other modules that have .s4ext files
# - The dependencies will be built first
depends {EXTENSION_DEPENDS}

# list recommendations
# - These should be names of other modules that have .s4ext files
# - The user is recommended to install the extensions
recommends NA

# Inner build directory (default is ".")
build_subdirectory {build_subdirectory}

# homepage
homepage {EXTENSION_HOMEPAGE}

# Firstname1 Lastname1 ([SubOrg1, ]Org1), Firstname2 Lastname2 ([SubOrg2, ]Org2)
# For example: Jane Roe (Superware), John Doe (Lab1, Nowhere), Joe Bloggs (Noware)
contributors {EXTENSION_CONTRIBUTORS}

# Match category in the xml description of the module (where it shows up in Modules menu)
category {category}

# url to icon (png, size 128x128 pixels)
iconurl {EXTENSION_ICONURL}

# Give people an idea what to expect from this code
#  - Is it just a test or something you stand behind?
status {EXTENSION_STATUS}

# Extension tier: 1 to 5
# See https://slicer.readthedocs.io/en/latest/developer_guide/extensions.html
tier {tier}

# One line stating what the module does
description {EXTENSION_DESCRIPTION}

# Space separated list of urls
screenshoturls {EXTENSION_SCREENSHOTURLS}

# 0 or 1: Define if the extension should be enabled after its installation.
enabled 1

# Rule expression to determine if extension should handle specific DICOM data
dicom_support_rule {EXTENSION_DICOM_SUPPORT_RULE}

# Space separated list of keywords to help when searching for extensions
keywords {EXTENSION_KEYWORDS}
"""


@dataclass(frozen=True)
class Source:
    """What is packaged.

    Parameters
    ----------
    files : mapping of str to bytes
        Every script and resource that the CMake lists name, by its path below the module's folder.
    description : bytes
        The .s4ext file.
    revision : str
        Commit, shortened; ``NA`` without Git.
    date : str
        Day of that commit, or today.
    """

    files: Mapping[str, bytes]
    description: bytes
    revision: str
    date: str


def main() -> None:
    """Build every archive into a folder, and print where they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("dist"))
    parser.add_argument(
        "--revision", type=_revision, help="build for this revision of Slicer alone, as its About box shows it: r35000"
    )
    parser.add_argument("--version", type=_version, help="that Slicer's version, such as 5.14 or 5.14.0")
    options = parser.parse_args()
    if (options.revision is None) != (options.version is None):
        parser.error("give --revision and --version together.")
    releases = slicer_releases()
    if options.revision is not None:
        releases = (SlicerRelease(options.version, {options.version: options.revision}, {}, ""),)
    for archive in build_all(options.out, releases):
        print(f"{archive}  {archive.stat().st_size / 1e6:.1f} MB")
    print("Install the one for your Slicer and system: View > Extensions Manager > Install from file.")


def _revision(text: str) -> int:
    return int(text.removeprefix("r"))


def _version(text: str) -> str:
    """Return major and minor version, which are in the names of Slicer's folders, without what follows them."""
    match = re.match(r"\d+\.\d+(?![^.-])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a version of Slicer, such as 5.14.")
    return match[0]


def build_all(out: Path, releases: Sequence[SlicerRelease]) -> list[Path]:
    """Build an archive for each release and platform into a folder, and return them."""
    source = read_source()
    out.mkdir(parents=True, exist_ok=True)
    return [build(source, release, system, out) for release in releases for system in PLATFORMS]


def build(source: Source, release: SlicerRelease, system: str, out: Path) -> Path:
    """Build the archive for one release and one operating system, and return it."""
    folders, place = [""], system
    if system == "macos":
        revisions = list(release.revisions.values())
        folders = [f"Slicer.app/Contents/Extensions-{revision}/{NAME}/" for revision in revisions]
        place = "-".join([system, *(f"r{revision}" for revision in dict.fromkeys((revisions[0], revisions[-1])))])
    base = f"Slicer-{release.version}-{place}-{NAME}-git{source.revision}-{source.date}"
    content = {}
    for folder in folders:
        root = f"{base}/{folder}"
        content[f"{root}share/Slicer-{release.version}/{NAME}.s4ext"] = source.description
        for name, data in source.files.items():
            content[f"{root}lib/Slicer-{release.version}/qt-scripted-modules/{name}"] = data
    path = out / f"{base}{PLATFORMS[system]}"
    path.write_bytes(_zip(content, source.date) if path.suffix == ".zip" else _tar_gz(content, source.date))
    return path


def read_source() -> Source:
    """Read what the CMake lists name."""
    module = REPOSITORY / NAME
    text = (module / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", NAME)
    names = [*_cmake_list(text, "MODULE_PYTHON_SCRIPTS"), *_cmake_list(text, "MODULE_PYTHON_RESOURCES")]
    revision, date = _commit()
    return Source({name: (module / name).read_bytes() for name in names}, _description(revision), revision, date)


def _description(revision: str) -> bytes:
    project = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    entry = json.loads((REPOSITORY / f"{NAME}.json").read_text(encoding="utf-8"))
    names = re.findall(r"\{(EXTENSION_\w+)\}", _DESCRIPTION)
    values = {name: " ".join(_cmake_list(project, name)) for name in names}
    return _DESCRIPTION.format(**entry, **values, revision=revision).encode("utf-8")


def _cmake_list(text: str, name: str) -> list[str]:
    """Return the words of ``set(name …)``, of which one may be quoted; none where it is not set."""
    match = re.search(rf"^set\({name}\s+(?:\"([^\"]*)\"|([^)]*))\s*[^)]*\)", text, re.MULTILINE)
    return [] if match is None else [match[1]] if match[1] is not None else match[2].split()


def _commit() -> tuple[str, str]:
    command = ["git", "log", "-1", "--format=%h %cs", "--abbrev=7"]
    try:
        run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, encoding="utf-8")
        commit, date = run.stdout.split()
        return commit, date
    except (OSError, subprocess.CalledProcessError, ValueError):
        return "NA", time.strftime("%Y-%m-%d")


def _tar_gz(content: Mapping[str, bytes], date: str) -> bytes:
    seconds = int(time.mktime(time.strptime(date, "%Y-%m-%d")))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(data), seconds, 0o644
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(tar.getvalue(), mtime=0)


def _zip(content: Mapping[str, bytes], date: str) -> bytes:
    year, month, day = map(int, date.split("-"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            member = zipfile.ZipInfo(name, (year, month, day, 0, 0, 0))
            member.external_attr, member.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return packed.getvalue()


if __name__ == "__main__":
    main()
