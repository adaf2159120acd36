"""The archives of the extension, which Slicer's Extensions Manager installs from a file.

`installed` does what qSlicerExtensionsManagerModel::installExtension does with a file.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import slicer


@pytest.fixture(scope="module")
def built(repository, tmp_path_factory):
    """Return the script that builds the archives, and the archives by version and operating system."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "Packaging")
        import build_extension
        import slicer_releases

        archives = build_extension.build_all(tmp_path_factory.mktemp("dist"), slicer_releases.slicer_releases())
        keys = [
            (release.version, system)
            for release in slicer_releases.slicer_releases()
            for system in build_extension.PLATFORMS
        ]
        return build_extension, dict(zip(keys, archives, strict=True)), slicer_releases.slicer_releases()


def installed(archive, destination, mac_revision=None):
    """Install an archive as the manager does: by the description in it, unpacked and moved up by its top folder."""
    listed = []
    assert slicer.vtkArchive.ListArchive(str(archive), listed)
    description = next(name for name in listed if name.endswith(".s4ext"))
    extension = os.path.basename(description).removesuffix(".s4ext")
    if archive.suffix == ".zip":
        (destination / "unpacked").mkdir(parents=True)
        assert slicer.vtkArchive.UnZip(str(archive), str(destination / "unpacked"))
    else:
        shutil.unpack_archive(archive, destination / "unpacked", filter="data")
    (top,) = (destination / "unpacked").iterdir()
    source = top if mac_revision is None else top / "Slicer.app" / "Contents" / f"Extensions-{mac_revision}" / extension
    shutil.copytree(source, destination / extension)
    return destination / extension


def parsed(description):
    """Return a description's fields as Slicer parses them."""
    fields = {}
    for line in description.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, *words = line.split(" ")
            fields[key] = " ".join(words)
    return fields


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def listed_in_cmake(repository):
    text = (repository / "LumbarHU" / "CMakeLists.txt").read_text(encoding="utf-8")
    lists = re.findall(r"set\(MODULE_PYTHON_(?:SCRIPTS|RESOURCES)\s([^)]*)\)", text)
    return sorted(" ".join(lists).replace("${MODULE_NAME}", "LumbarHU").split())


@pytest.mark.parametrize(("version", "system"), [("5.10", "linux"), ("5.12", "macos"), ("5.12", "windows")])
def test_the_installed_files_are_those_in_the_cmake_lists(built, repository, tmp_path, version, system):
    _, archives, releases = built
    (release,) = (one for one in releases if one.version == version)
    for revision in list(release.revisions.values())[::3] if system == "macos" else [None]:
        folder = installed(archives[version, system], tmp_path / str(revision), revision)
        modules = folder / "lib" / f"Slicer-{version}" / "qt-scripted-modules"
        assert files_below(modules) == listed_in_cmake(repository)
        assert files_below(folder / "share") == [f"Slicer-{version}/LumbarHU.s4ext"]
        for name in ("LumbarHU.py", "LumbarHULib/core/pipeline.py", "Resources/UI/LumbarHU.ui"):
            assert (modules / name).read_bytes() == (repository / "LumbarHU" / name).read_bytes()


def test_the_names_of_the_archives_begin_with_slicers_version_and_the_system(built):
    _, archives, _ = built
    pattern = r"Slicer-(.*)-LumbarHU-git(\w+)-\d{4}-\d\d-\d\d(\.tar\.gz|\.zip)"
    matches = {key: re.fullmatch(pattern, path.name) for key, path in archives.items()}
    assert {key: (match[1], match[3]) for key, match in matches.items()} == {
        ("5.10", "linux"): ("5.10-linux", ".tar.gz"),
        ("5.10", "macos"): ("5.10-macos-r34045", ".tar.gz"),
        ("5.10", "windows"): ("5.10-windows", ".zip"),
        ("5.12", "linux"): ("5.12-linux", ".tar.gz"),
        ("5.12", "macos"): ("5.12-macos-r34621-r34627", ".tar.gz"),
        ("5.12", "windows"): ("5.12-windows", ".zip"),
    }


def test_the_documents_state_the_versions_and_names_of_the_archives(built, repository):
    _, archives, releases = built
    readme = (repository / "README.md").read_text(encoding="utf-8")
    page = (repository / "Docs" / "reading-in-slicer.md").read_text(encoding="utf-8")
    starts = re.findall(r"`(Slicer-[^`…]*)…", readme + page)
    assert len(starts) == 7
    for start in starts:
        assert any(path.name.startswith(start) for path in archives.values()), start
    assert f"version of 3D Slicer ({', '.join(release.version for release in releases)})" in " ".join(readme.split())
    for release in releases:
        revisions = ", ".join(f"{patch} r{revision}" for patch, revision in release.revisions.items())
        assert f"| {revisions} | `Slicer-{release.version}-" in page


def test_the_description_states_what_cmake_and_the_index_state(built, repository, tmp_path):
    script, archives, _ = built
    folder = installed(archives["5.12", "linux"], tmp_path / "a")
    fields = parsed(folder / "share" / "Slicer-5.12" / "LumbarHU.s4ext")
    project = (repository / "CMakeLists.txt").read_text(encoding="utf-8")
    entry = json.loads((repository / "LumbarHU.json").read_text(encoding="utf-8"))
    in_cmake = dict(re.findall(r'^set\(EXTENSION_(\w+) "([^"]*)"\)', project, re.MULTILINE))
    # The keys of Slicer's own template, in its order, with its defaults.
    expected = {
        "scm": "git",
        "scmurl": entry["scm_url"],
        "scmrevision": script.read_source().revision,
        "depends": in_cmake["DEPENDS"],
        "recommends": "NA",
        "build_subdirectory": entry["build_subdirectory"],
        "homepage": in_cmake["HOMEPAGE"],
        "contributors": in_cmake["CONTRIBUTORS"],
        "category": entry["category"],
        "iconurl": in_cmake["ICONURL"],
        "status": "",
        "tier": str(entry["tier"]),
        "description": in_cmake["DESCRIPTION"],
        "screenshoturls": in_cmake["SCREENSHOTURLS"],
        "enabled": "1",
        "dicom_support_rule": "",
        "keywords": "",
    }
    assert list(fields.items()) == list(expected.items())


def test_homepage_icon_and_screenshots_are_in_the_repository_of_the_index(repository):
    project = (repository / "CMakeLists.txt").read_text(encoding="utf-8")
    entry = json.loads((repository / "LumbarHU.json").read_text(encoding="utf-8"))
    # As the Extensions Index reads them, in scripts/check_description_files.py.
    homepage, icon, screenshots = (
        re.search(rf'set\s*\(EXTENSION_{name}\s*"([^"]+)"\)', project)[1]
        for name in ("HOMEPAGE", "ICONURL", "SCREENSHOTURLS")
    )
    assert homepage == entry["scm_url"].removesuffix(".git")
    raw = homepage.replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
    urls = [icon, *screenshots.split()]
    assert [url for url in urls if not url.startswith(raw)] == []
    signature = b"\x89PNG\r\n\x1a\n"
    heads = {url: (repository / url.removeprefix(raw)).read_bytes()[:24] for url in urls}
    assert [url for url, head in heads.items() if not head.startswith(signature)] == []
    assert [int.from_bytes(heads[icon][at : at + 4], "big") for at in (16, 20)] == [128, 128]


def test_another_slicer_is_named_as_its_about_box_names_it(built, tmp_path, monkeypatch):
    script, _, _ = built
    names = {}
    for version, revision in (("5.13", "34908"), ("5.13.0-2026-08-21", "r34908")):
        out = tmp_path / version
        monkeypatch.setattr(sys, "argv", ["build", "--out", str(out), "--version", version, "--revision", revision])
        script.main()
        names[version] = sorted(path.name.partition("-LumbarHU")[0] for path in out.iterdir())
    expected = ["Slicer-5.13-linux", "Slicer-5.13-macos-r34908", "Slicer-5.13-windows"]
    assert list(names.values()) == [expected, expected]
    monkeypatch.setattr(sys, "argv", ["build", "--out", str(tmp_path), "--version", "5", "--revision", "34908"])
    with pytest.raises(SystemExit):
        script.main()


def test_built_again_the_archives_are_the_same_bytes(built, tmp_path):
    script, archives, releases = built
    again = script.build(script.read_source(), releases[0], "linux", tmp_path)
    assert again.read_bytes() == archives["5.10", "linux"].read_bytes()
    zipped = script.build(script.read_source(), releases[0], "windows", tmp_path)
    assert zipped.read_bytes() == archives["5.10", "windows"].read_bytes()


def test_the_installed_extension_reads_its_resources_and_measures(built, tmp_path):
    _, archives, _ = built
    folder = installed(archives["5.12", "windows"], tmp_path / "a")
    program = (
        "import lumbarhu, LumbarHULib; from LumbarHULib.files.protocol_file import load_protocol; "
        "from LumbarHULib.files.cutoffs_file import load_cutoffs; lumbarhu.measure; load_cutoffs(); "
        "print(load_protocol().name, LumbarHULib.__file__)"
    )
    modules = folder / "lib" / "Slicer-5.12" / "qt-scripted-modules"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(modules)},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(modules) in done.stdout
