"""The packages for Slicer and for pip contain exactly the existing files."""

import contextlib
import fnmatch
import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from LumbarHULib import __version__


def cmake_list(text: str, name: str) -> list[str]:
    """Return the words of `set(name …)` in a CMake file."""
    return re.search(rf"set\({name}\s([^)]*)\)", text).group(1).split()


@pytest.fixture(scope="module")
def module_folder(repository):
    return repository / "LumbarHU"


@pytest.mark.parametrize(
    ("list_name", "pattern"), [("MODULE_PYTHON_SCRIPTS", "*.py"), ("MODULE_PYTHON_RESOURCES", "Resources/*")]
)
def test_the_cmake_lists_name_exactly_the_existing_files(tracked_files, module_folder, list_name, pattern):
    text = (module_folder / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", "LumbarHU")
    listed = cmake_list(text, list_name)
    names = [path.relative_to(module_folder).as_posix() for path in tracked_files if module_folder in path.parents]
    assert listed == sorted(fnmatch.filter(names, pattern))


def test_the_version_is_the_same_everywhere(repository):
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (repository / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^## (\d\S*)", changelog, re.MULTILINE).group(1) == __version__
    assert re.search(r"^version: (\S+)", citation, re.MULTILINE).group(1) == __version__
    with contextlib.suppress(PackageNotFoundError):  # a checkout that is not installed is tested as well
        assert version("lumbarhu") == __version__


def test_every_requirement_has_a_lower_bound_and_every_package_one_pin(repository):
    pyproject = (repository / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(
        r"^(?:dependencies|scene|test|cluster|dicom|survival|browser) = \[(.*?)\](?:  #[^\n]*)?$",
        pyproject,
        re.MULTILINE | re.DOTALL,
    )
    requirements = [quoted for block in lists for quoted in re.findall(r'"([^"]+)"', block)]
    required = {re.split(r">=|\[", requirement)[0]: requirement for requirement in requirements}
    own = required.pop("lumbarhu")
    assert own == "lumbarhu[scene,cluster,dicom,survival]"
    assert len(required) > 15
    assert [requirement for requirement in required.values() if ">=" not in requirement] == []
    assert "==" not in " ".join(requirement.partition(";")[0] for requirement in required.values())
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("#")[0].strip() for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if "==" not in pin] == []
    assert set(required) <= {pin.partition("==")[0] for pin in pins}


def test_the_lower_bounds_are_those_of_the_oldest_slicer_that_is_tried(repository):
    pyproject = (repository / "pyproject.toml").read_text(encoding="utf-8")
    oldest = json.loads((repository / "Packaging" / "slicer_versions.json").read_text(encoding="utf-8"))["releases"][0]
    for package, lowest in {**oldest["packages"], "slicer-core": oldest["slicer_core"]}.items():
        assert f'"{package}>={lowest}"' in pyproject


@pytest.mark.parametrize(
    "layer",
    [
        "core",
        "placement",
        "phantom",
        "cohort",
        "files",
        "images",
        "audit",
        "cohort_files",
        "follow_up",
        "mrml",
        "api",
        "headless",
    ],
)
def test_a_layer_is_imported_with_every_warning_an_error(layer, module_folder):
    code = "import pkgutil, importlib, LumbarHULib.{0} as p; " + (
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.')]"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code.format(layer)],
        cwd=module_folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_the_extensions_index_lists_the_project_under_its_modules_category(repository):
    project = re.search(r"project\((\w+)\)", (repository / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
    entry = json.loads((repository / f"{project}.json").read_text(encoding="utf-8"))
    assert {"$schema", "category", "scm_url", "scm_revision", "build_dependencies", "tier"} <= entry.keys()
    assert re.fullmatch(rf"https://\S+/Slicer{project}\.git", entry["scm_url"])
    module = (repository / "LumbarHU" / "LumbarHU.py").read_text(encoding="utf-8")
    assert f'"{entry["category"]}"' in re.search(r"parent\.categories = (.*)", module)[1]
