"""The shared test fixtures work as documented, tested with small test suites."""

import os

import pytest


@pytest.fixture
def suite(pytester, repository, monkeypatch):
    """Return a function that runs a test file next to a copy of our conftest.py, with or without parallel workers."""
    monkeypatch.delenv("LUMBARHU_DATA", raising=False)
    pytester.makeconftest((repository / "Testing" / "Python" / "conftest.py").read_text(encoding="utf-8"))

    def run(source: str, *arguments: str):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return run


def test_an_exception_inside_an_observer_fails_the_test(suite):
    outcome = suite(
        """
        import vtk

        def test_something():
            thing = vtk.vtkObject()
            thing.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: 1 / 0)
            thing.Modified()
        """
    )
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*raised inside observers*ZeroDivisionError*"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_test_without_its_real_data_is_skipped_with_a_warning(suite, workers):
    outcome = suite(
        """
        def test_on_a_real_ct(real_data):
            assert real_data("no-such-ct")

        def test_on_a_phantom():
            pass
        """,
        f"--numprocesses={workers}",
    )
    outcome.assert_outcomes(passed=1, skipped=1)
    assert outcome.ret == 0
    outcome.stdout.fnmatch_lines(["*LEFT OUT*", "1 tests on real CT data did not run, for want of: no-such-ct.*"])


def test_a_test_without_its_external_program_is_skipped_with_a_warning(suite, monkeypatch):
    monkeypatch.setenv("PATH", "")
    outcome = suite("def test_by_a_checker(outside_program): assert outside_program('dciodvfy')")
    outcome.assert_outcomes(skipped=1)
    outcome.stdout.fnmatch_lines(
        ["*LEFT OUT*", "1 tests did not run, for want of: dciodvfy.*apt-get install dicom3tools"]
    )


def test_a_configured_but_missing_real_data_folder_is_an_error(suite, monkeypatch):
    monkeypatch.setenv("LUMBARHU_DATA", os.path.join("no", "such", "folder"))
    outcome = suite("def test_something(): pass")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["*LUMBARHU_DATA is *which is no folder*"])
