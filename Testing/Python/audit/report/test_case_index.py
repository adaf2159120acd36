"""The index links to every report, for any case name, and changes only its own files."""

import csv
import os
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from audit.forger import in_table
from audit.readings import example_audit
from audit.report.html_page import Page
from headless.command_runner import lumbarhu

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.report.case_index import write_index
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS

HOSTILE = "<script>alert(1)</script>\"'& =1+1"


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "audit"
    write_audit_folder(folder, example_audit())
    return folder


def put_case(folder: Path, one: Path, **changes) -> None:
    """Leave a copy of the audit folder `one` with other values in each row of its summary."""
    folder.mkdir(parents=True)
    for name in ("record.json", "report.html"):
        shutil.copy(one / name, folder / name)
    with (one / "summary.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row | changes for row in csv.DictReader(stream)]
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def page_of(root: Path) -> Page:
    return Page((root / "index.html").read_text(encoding="utf-8"))


def links(page: Page) -> list[str]:
    return [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]


def test_each_reading_is_a_row_with_its_numbers_and_a_link_to_its_report(tmp_path, one):
    put_case(tmp_path / "b" / "AB" / "1", one, case="b")
    put_case(tmp_path / "a", one, case="a", findings="levels_missing;inside_cutoff_interval")
    assert write_index(tmp_path).readings == 2
    page = page_of(tmp_path)
    header, first, second = page.tables["Readings"]
    assert header == ["Case", "Reader", "Reading", "Levels", *(f"{roi} HU" for roi in ROIS), "Agree", "Findings"]
    assert (first[0], second[0]) == ("a", "b")
    assert links(page) == ["a/report.html", "b/AB/1/report.html"]
    with (one / "summary.csv").open(encoding="utf-8", newline="") as stream:
        means = [f"{float(row['mean_hu']):.1f}" for row in csv.DictReader(stream)]
    assert [cell.split()[0] for cell in first[4:9]] == means
    assert first[10] == "levels missing"
    assert page.unclosed == []


def test_cases_are_in_natural_order(tmp_path, one):
    for case in ("case 10", "case 9", "Case 1"):
        put_case(tmp_path / case, one, case=case)
    write_index(tmp_path)
    assert [row[0] for row in page_of(tmp_path).tables["Readings"][1:]] == ["Case 1", "case 9", "case 10"]


def test_names_of_cases_and_folders_are_text_and_link_nowhere_else(tmp_path, one):
    names = ["javascript:alert(1)", "a b#c?d%41é"]
    if sys.platform != "win32":
        names += ['"><img src=x onerror=alert(1)>', "line\nbreak"]
    for name in names:
        put_case(tmp_path / name, one, case=HOSTILE, reader="W" * 10_000)
    write_index(tmp_path)
    page = page_of(tmp_path)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert sorted(unquote(link) for link in links(page)) == sorted(f"{name}/report.html" for name in names)
    assert not [link for link in links(page) if ":" in link]
    assert sorted(row[0] for row in page.tables["Readings"][1:]) == sorted(f"{HOSTILE} {name}" for name in names)


def test_the_only_script_is_the_one_that_the_page_allows(tmp_path, one):
    put_case(tmp_path / "a", one)
    write_index(tmp_path)
    page = page_of(tmp_path)
    (policy,) = [value for tag, name, value in page.attributes if name == "content" and "default-src" in value]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe-eval" not in policy
    assert not [name for _, name, _ in page.attributes if name == "src" or name.startswith("on")]


def test_an_unreadable_summary_is_named_and_stops_nothing(tmp_path, one):
    put_case(tmp_path / "good", one)
    put_case(tmp_path / "bad", one)
    (tmp_path / "bad" / "summary.csv").write_text("case\n1\n", encoding="utf-8")
    put_case(tmp_path / "numberless", one)
    in_table("summary.csv", "mean_hu", "nan", roi="oval")(tmp_path / "numberless")
    outcome = write_index(tmp_path)
    assert outcome.readings == 1
    assert "summary.csv is not as LumbarHU writes it (mean_hu is nan)" in outcome.problems[1]
    page = page_of(tmp_path)
    assert "Left out" in page.text
    assert "bad : summary.csv is not as LumbarHU writes it" in page.text.replace("bad:", "bad :")


def test_omitted_readings_are_named_on_the_terminal(tmp_path, one):
    put_case(tmp_path / "good", one)
    for number in range(23):
        (tmp_path / f"bad {number:02}").mkdir()
        for name in ("record.json", "summary.csv"):
            (tmp_path / f"bad {number:02}" / name).write_text("no table", encoding="utf-8")
    run = lumbarhu("index", tmp_path)
    assert (run.exit_code, run.err) == (0, "")
    reported = run.out.splitlines()
    assert reported[:2] == [f"{tmp_path / 'index.html'}: 1 reading.", "Omitted folders, listed on the page: 23."]
    assert reported[2].startswith("- bad 00: summary.csv is not as LumbarHU writes it")
    assert reported[-1] == "- … and 3 more."
    assert len(reported) == 23


def test_readings_of_the_same_name_are_distinguished_by_their_folders(tmp_path, one):
    for place, case in (("a/first", "P1"), ("a/second", "P1"), ("b", "P2")):
        put_case(tmp_path / place, one, case=case)
    write_index(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert [place for place in ("a/first", "a/second", "b") if f"<small><bdi>{place}</bdi></small>" in page] == [
        "a/first",
        "a/second",
    ]


def test_a_folder_that_lost_its_summary_is_named(tmp_path, one):
    put_case(tmp_path / "good", one)
    put_case(tmp_path / "lost", one)
    (tmp_path / "lost" / "summary.csv").unlink()
    (tmp_path / "lost" / "report.html").write_text("")
    assert write_index(tmp_path).readings == 1
    page = page_of(tmp_path)
    assert "Left out" in page.text
    assert "lost" in page.text


def test_the_same_folders_give_the_same_bytes_and_unfinished_ones_are_skipped(tmp_path, one):
    put_case(tmp_path / "a", one)
    put_case(tmp_path / ".a.1234.part", one)
    assert write_index(tmp_path).readings == 1
    before = (tmp_path / "index.html").read_bytes()
    assert write_index(tmp_path).readings == 1
    assert (tmp_path / "index.html").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == [".a.1234.part", "a", "index.html"]


def test_it_refuses_a_folder_without_cases_and_a_foreign_page(tmp_path, one):
    with pytest.raises(InputError, match="There is no folder"):
        write_index(tmp_path / "none")
    with pytest.raises(InputError, match="contains no audit folder"):
        write_index(tmp_path)
    with pytest.raises(InputError, match="is itself an audit folder"):
        write_index(one)
    put_case(tmp_path / "a", one)
    (tmp_path / "index.html").write_text("<title>My page</title>", encoding="utf-8")
    with pytest.raises(InputError, match="was not made by LumbarHU"):
        write_index(tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<title>My page</title>"


def test_a_thousand_cases_take_seconds(tmp_path, one):
    put_case(tmp_path / "0000", one)
    for number in range(1, 1000):
        folder = tmp_path / f"{number:04}"
        folder.mkdir()
        for name in ("record.json", "report.html", "summary.csv"):
            os.link(tmp_path / "0000" / name, folder / name)
    began = time.process_time()
    assert write_index(tmp_path).readings == 1000
    assert time.process_time() - began < 10
    assert (tmp_path / "index.html").stat().st_size < 2e6
