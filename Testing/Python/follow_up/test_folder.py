"""The folder of a follow-up: complete or not written, with hashes of all that it is made from."""

import hashlib
import json
import re
import shutil
import xml.etree.ElementTree

import pytest
from audit.forger import in_record
from follow_up.conftest import DATES
from headless.cohort_files import table
from headless.phantom_files import files_of

import lumbarhu
from LumbarHULib.audit.report.case_index import write_index
from LumbarHULib.follow_up.folder import OWN_FOLLOW_UP_FOLDER
from LumbarHULib.follow_up.tables import CHANGE_DENSITY_COLUMNS

# Files of calibrated readings only.
IN_MG_CC = {"trend-mg-cc.png", "trend-mg-cc.svg"}


def dated(*folders):
    return dict(zip(folders, DATES.values(), strict=False))


@pytest.fixture(scope="module")
def made(audit_in, tmp_path_factory):
    """Return a follow-up and its folder, next to its audit folders: to be read, not changed."""
    place = tmp_path_factory.mktemp("follow-up")
    folders = dated(
        audit_in(place, "a", 120.0),
        audit_in(place, "b", 110.0),
        audit_in(place, "c", 80.0, headers={"tube_voltage_kv": 100.0}),
    )
    return lumbarhu.follow_up(folders, place / "result"), place


@pytest.fixture
def written(made, tmp_path):
    """Return the follow-up and a copy of its folder, next to copies of its audit folders."""
    found, place = made
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    return found, tmp_path / "result"


def test_the_folder_contains_exactly_the_documented_files(written):
    assert set(files_of(written[1])) == set(OWN_FOLLOW_UP_FOLDER.names) - IN_MG_CC


def test_the_tables_are_those_of_the_api(written):
    found, out = written
    rows = table(out / "changes.csv")
    assert [row["changed"] for row in rows] == [row["changed"] for row in found.rows()]
    assert [float(row["to_hu"]) for row in rows if row["to_hu"]] == [
        row["to_hu"] for row in found.rows() if row["to_hu"] is not None
    ]
    assert [row["roi"] for row in table(out / "measurements.csv")] == [
        row["roi"] for row in found.measurements.records()
    ]


def test_every_documented_column_is_in_the_tables_and_the_other_way_round(written, repository):
    page = (repository / "Docs" / "follow-up.md").read_text(encoding="utf-8").partition("## What is compared")[2]
    documented = [
        name for line in page.splitlines() if line.startswith("| `") for name in line.split("|")[1].split("`")
    ]
    names = {name for name in documented if name.strip(" ,")}
    assert names == {*written[0].changes.columns, *CHANGE_DENSITY_COLUMNS}


def test_the_record_has_the_hash_of_each_audit_folder_and_file(written, tmp_path):
    out = written[1]
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    for audit in record["audits"]:
        content = (tmp_path / audit["folder"] / "record.json").read_bytes()
        assert audit["record_sha256"] == hashlib.sha256(content).hexdigest()
    assert [audit["date"] for audit in record["audits"]] == list(DATES.values())
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files_of(out).items()}
    assert record["files"] == {name: value for name, value in hashes.items() if name != "record.json"}
    assert record["lsc"]["published"]["lsc"]["value"] == 16
    assert str(tmp_path) not in (out / "record.json").read_text(encoding="utf-8")


def test_the_page_shows_changes_reasons_findings_and_the_figure(written):
    page = (written[1] / "report.html").read_text(encoding="utf-8")
    assert "−10.0 (−35.2 to +15.2)" in page
    assert "not comparable: the tube voltage differs (120 and 100 kV)" in page
    assert "the larger" not in page
    assert "16 HU for means below 73 HU, otherwise 21.9 % of the mean" in page
    assert "after 6.4 to 7.3 years" in page
    assert page.count('src="data:image/svg+xml') == 1
    assert "<script" not in page


def test_the_figure_is_gray_and_shows_a_date_that_is_not_comparable(written):
    svg = (written[1] / "trend.svg").read_text(encoding="utf-8")
    xml.etree.ElementTree.fromstring(svg)
    colors = {color.lower() for color in re.findall(r"#[0-9a-fA-F]{6}", svg)}
    assert colors >= {"#111111", "#dedede"}
    assert all(color[1:3] == color[3:5] == color[5:7] for color in colors)
    # The third date is at another tube voltage: its marker is open, and the line to it dotted.
    assert [written[0].why_not_comparable(0, at) == [] for at in (1, 2)] == [True, False]
    assert "stroke-dasharray" in svg


def test_the_same_inputs_give_the_same_bytes(audit, tmp_path):
    folders = dated(audit("a", 120.0), audit("b", 110.0))
    for name in ("one", "two"):
        lumbarhu.follow_up(folders, tmp_path / name)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_only_the_folder_of_a_follow_up_is_replaced(written, audit, tmp_path):
    out, folders = written[1], dated(audit("d"), audit("e"))
    before = files_of(out)
    with pytest.raises(lumbarhu.InputError, match="already exists"):
        lumbarhu.follow_up(folders, out)
    assert files_of(out) == before
    lumbarhu.follow_up(folders, out, overwrite=True, figure=False)
    assert set(files_of(out)) == set(OWN_FOLLOW_UP_FOLDER.names) - {"trend.png", "trend.svg"} - IN_MG_CC
    with pytest.raises(lumbarhu.InputError, match="was not made by LumbarHU"):
        lumbarhu.follow_up(folders, audit("an-audit"), overwrite=True)


def test_a_patient_without_a_common_level_has_a_figure_too(audit, tmp_path):
    only = [{("L3", roi): "" for roi in lumbarhu.ROIS}, {("L1", roi): "" for roi in lumbarhu.ROIS}]
    found = lumbarhu.follow_up(dated(audit("a", only[0]), audit("b", only[1])), tmp_path / "result")
    assert {row["changed"] for row in found.rows()} == {"not comparable"}
    assert (tmp_path / "result" / "trend.png").stat().st_size > 10_000
    assert [dict(row) for row in found.measurements.records(level="mean")] == []


def test_an_index_skips_the_folder_of_a_follow_up(audit, tmp_path):
    first, second = audit("a"), audit("b")
    lumbarhu.follow_up(dated(first, second), tmp_path / "changes-of-P1", figure=False)
    found = write_index(tmp_path)
    assert (found.readings, found.problems) == (2, ())


def test_text_in_a_record_is_escaped(audit, tmp_path):
    other = audit("b")
    in_record("reader", to="<b>x</b>")(other)
    lumbarhu.follow_up(dated(audit("a"), other), tmp_path / "result", figure=False)
    assert "<b>x</b>" not in (tmp_path / "result" / "report.html").read_text(encoding="utf-8")
