"""What cannot be a follow-up is refused in one sentence, and nothing is written."""

import hashlib
import json
import shutil

import pytest
from audit.forger import in_record, in_table, record_of
from follow_up.conftest import DATES

import lumbarhu
from LumbarHULib.audit.ct_date import parse_date


def refused(folders, match, tmp_path, **options):
    out = tmp_path / "result"
    with pytest.raises(lumbarhu.InputError, match=match) as problem:
        lumbarhu.follow_up(folders, out, **options)
    assert not out.exists()
    assert str(problem.value).count("\n") == 0


def dated(*folders):
    return dict(zip(folders, DATES.values(), strict=False))


def test_one_folder(audit, tmp_path):
    refused(dated(audit("a")), "1 audit folder is given: give at least two", tmp_path)


def test_the_same_folder_twice(audit, tmp_path):
    folder = audit("a")
    again = folder.parent / "." / "b" / ".." / "a"
    refused(dated(folder, again), "is given twice: give each audit folder once", tmp_path)


def test_two_readings_of_the_same_ct(audit, tmp_path):
    first, second = audit("a"), audit("b")
    in_record("ct", "voxels_sha256", to=record_of(first)["ct"]["voxels_sha256"])(second)
    refused(dated(first, second), "“a” and “b” are readings of the same CT: a change needs two CTs", tmp_path)


def test_two_readings_of_the_same_series(audit, tmp_path):
    first, second = audit("a"), audit("b")
    for folder in (first, second):
        record = record_of(folder)
        record["ct"]["series_uid"] = "1.2.3"
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    refused(dated(first, second), "are readings of the same CT", tmp_path)


def test_results_with_a_row_that_cannot_be_used(audit, tmp_path):
    first, second = audit("a"), audit("b")
    in_table("results.csv", "level", "L9", level="L3", roi="oval")(second)
    in_record("files", "results.csv", to=hashlib.sha256((second / "results.csv").read_bytes()).hexdigest())(second)
    refused(dated(first, second), r"b” cannot be used \(results.csv, row \d+: “L9” is not a level\): measure", tmp_path)


def test_equal_dates(audit, tmp_path):
    folders = {audit("a"): "2022-03-01", audit("b"): "20220301"}
    refused(folders, "“a” and “b” have the same date, 2022-03-01: give each CT its own date", tmp_path)


def test_a_missing_date(audit, tmp_path):
    folders = {audit("a"): "2022-03-01", audit("b"): None}
    refused(folders, "The date of the CT of “b” is missing, but other CTs have one: write b=2024-03-15", tmp_path)


def test_without_any_date_the_folders_are_compared_in_the_order_given(audit, tmp_path):
    found = lumbarhu.follow_up([audit("b", 140.0), audit("a", 90.0)], tmp_path / "result")
    row = found.rows()[0]
    assert [row[name] for name in ("from_date", "to_date", "days", "hu_per_year")] == [None] * 4
    assert (row["from_ct"], row["to_ct"]) == (1, 2)
    page = (tmp_path / "result" / "report.html").read_text(encoding="utf-8")
    assert "CT 1" in page
    assert "None" not in page
    assert (row["change_hu"], row["changed"]) == (-50.0, "yes")
    assert "dates_unknown" in [finding.code for finding in found.findings]
    record = json.loads((tmp_path / "result" / "record.json").read_text(encoding="utf-8"))
    assert [(audit["folder"], audit["date"]) for audit in record["audits"]] == [("b", None), ("a", None)]
    assert "CT 2" in (tmp_path / "result" / "trend.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["2022-13-01", "2022-02-30", "01.03.2022", "2022-3-1", "yesterday", "", "-1"])
def test_a_date_that_is_none(text):
    with pytest.raises(lumbarhu.InputError, match=r"The date of a is “.*”, which is not a date: write year-month-day"):
        parse_date(text, "a")


def test_a_date_before_any_ct():
    with pytest.raises(lumbarhu.InputError, match="The date of a is 1900-01-01, before any CT was made"):
        parse_date("19000101", "a")


def test_a_date_in_the_record_is_used_and_cannot_be_contradicted(audit, tmp_path):
    first, second = audit("a"), audit("b")
    in_record("extra", to=lambda extra: extra | {"ct_date": "2024-02-29"})(second)
    found = lumbarhu.follow_up({first: "2022-03-01", second: None})
    assert [str(audit.date) for audit in found.audits] == ["2022-03-01", "2024-02-29"]
    refused({first: "2022-03-01", second: "2024-03-01"}, "states the date 2024-02-29, not 2024-03-01", tmp_path)


def test_a_batch_writes_the_date_of_each_ct(tmp_path):
    """The column ct_date of a batch's table reaches the records, and a date that is not one is a problem of its row."""
    from headless.command_runner import lumbarhu as command
    from headless.phantom_files import one_level_phantom, write_midlines

    from LumbarHULib.images.ct_file import write_ct

    phantom = one_level_phantom()
    write_ct(tmp_path / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    write_midlines(tmp_path / "markups", phantom)
    rows = ["case,ct,markups,ct_date", "P1,ct.nrrd,markups,20220301", "P2,ct.nrrd,markups,1.3.2022"]
    (tmp_path / "CASES.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    run = command("batch", tmp_path / "CASES.csv", "--out", tmp_path / "cases", "--workers", "1")
    assert run.exit_code == 1
    assert record_of(tmp_path / "cases" / "P1")["extra"]["ct_date"] == "2022-03-01"
    failures = (tmp_path / "cases" / "failures.csv").read_text(encoding="utf-8")
    assert "The date of the CT (ct_date) is “1.3.2022”, which is not a date" in failures
    (tmp_path / "CASES.csv").write_text("\n".join(rows[:2]).replace("20220301", "20220302") + "\n", encoding="utf-8")
    command("batch", tmp_path / "CASES.csv", "--out", tmp_path / "cases", "--workers", "1")
    assert record_of(tmp_path / "cases" / "P1")["extra"]["ct_date"] == "2022-03-02"


def test_different_cases(audit, tmp_path):
    folders = dated(audit("a"), audit("b", case="P2"))
    refused(folders, r"are of different cases \(“P1” and “P2”\): give folders of one patient", tmp_path)
    found = lumbarhu.follow_up(folders, case="P1")
    assert found.case == "P1"
    assert "case_stated" in [finding.code for finding in found.findings]


@pytest.mark.parametrize(("by_mm", "is_found"), [(3.9, False), (4.1, True), (-6.0, True)])
def test_bodies_of_another_size_are_hardly_of_one_patient(audit, by_mm, is_found):
    first, second = audit("a"), audit("b")
    record = record_of(second)
    for level in record["levels"]:
        level["frame"]["depth_mm"] += by_mm
    (second / "record.json").write_text(json.dumps(record), encoding="utf-8")
    found = [one for one in lumbarhu.follow_up({first: "2022-03-01", second: "2024-03-01"}).findings]
    found = [one for one in found if one.code == "bodies_differ"]
    assert len(found) == is_found
    if is_found:
        deeper = "deeper" if by_mm > 0 else "less deep"
        assert (
            f"{abs(by_mm):.1f} mm {deeper} on 2024-03-01 than on 2022-03-01 (median of L1, L2, L3;" in found[0].sentence
        )


def test_cases_without_a_name(audit):
    folders = dated(audit("a", case="unnamed"), audit("b", case="unnamed"))
    assert "case_unnamed" in [finding.code for finding in lumbarhu.follow_up(folders).findings]
    assert lumbarhu.follow_up(folders, case="P7").rows()[0]["case"] == "P7"


def test_a_case_without_letters(audit, tmp_path):
    refused(dated(audit("a"), audit("b")), "The name of the case is ' '", tmp_path, case=" ")


def test_a_changed_table(audit, tmp_path):
    first, second = audit("a"), audit("b")
    path = second / "results.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("120.0", "60.0"), encoding="utf-8")
    refused(dated(first, second), r"was changed after it was written and cannot be used \(results.csv: ", tmp_path)


def test_a_changed_label_map(audit, tmp_path):
    first, second = audit("a"), audit("b")
    with (second / "labelmaps" / "round.nrrd").open("ab") as stream:
        stream.write(b"\0")
    refused(dated(first, second), "was changed after it was written", tmp_path)


def test_a_damaged_record_and_no_record(audit, tmp_path):
    first, second = audit("a"), audit("b")
    (second / "record.json").write_text("{", encoding="utf-8")
    refused(dated(first, second), "record.json, line 1: ", tmp_path)
    (second / "record.json").unlink()
    refused(dated(first, second), r"holds no record.json|contains no record.json", tmp_path)
    shutil.rmtree(second)
    refused(dated(first, second), "There is no folder", tmp_path)


def test_the_folder_of_a_follow_up(audit, tmp_path):
    first, second = audit("a"), audit("b")
    lumbarhu.follow_up(dated(first, second), tmp_path / "before", figure=False)
    refused(dated(first, tmp_path / "before"), "is the folder of a follow-up: give the audit folders", tmp_path)


def test_an_output_folder_that_contains_an_input(audit, tmp_path):
    first, second = audit("a"), audit("b")
    out = tmp_path / "before"
    lumbarhu.follow_up(dated(first, second), out, figure=False)
    shutil.move(second, out / "changes")
    with pytest.raises(lumbarhu.InputError, match="is not overwritten"):
        lumbarhu.follow_up(dated(first, out / "changes"), out, overwrite=True, figure=False)
    assert (out / "changes" / "record.json").is_file()
