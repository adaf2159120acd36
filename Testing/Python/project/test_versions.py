"""`make versions` installs the stated versions, and its table shows them."""

import pytest


@pytest.fixture
def script(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "Packaging")
    import try_versions

    return try_versions


def test_a_release_replaces_the_pins_of_its_packages_alone(script, repository):
    ours = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (release, *_) = script.slicer_releases()
    theirs = script.constraints_with({**release.packages, "slicer-core": release.slicer_core}).splitlines()
    assert "numpy==2.0.2" in theirs
    assert [line for line in theirs if line.startswith(("numpy==", "vtk=="))] == ["numpy==2.0.2"]
    left_out = {line.partition("==")[0] for line in ours if line not in theirs}
    assert left_out == {"numpy", "scipy", "SimpleITK", "pydicom", "slicer-core", "vtk"}


def test_the_newest_versions_are_not_pinned(script):
    lines = script.constraints_with({}, is_newest=True).splitlines()
    assert [line for line in lines if line.partition("==")[0] in script.PACKAGES] == []
    assert any(line.startswith("pytest==") for line in lines)


def test_the_table_shows_a_row_for_each_trial(script):
    trial = script.Trial("5.10", {"numpy": "2.0.2"}, 100, 1, 90)
    header, rule, row = script.table([trial]).splitlines()
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["5.10", "2.0.2", *["–"] * 5, "100", "1", "1.5"]
    assert len(header) == len(rule) == len(row)


def test_the_tests_that_are_left_out_and_the_rooms_exist(script, repository):
    folder = repository / script.TESTS
    assert [name for name in (*script.SUBSET, *script.HIGHDICOM_TESTS) if not (folder / name).exists()] == []
