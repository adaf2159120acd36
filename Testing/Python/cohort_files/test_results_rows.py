import pytest

from LumbarHULib.cohort_files.results_rows import results_rows
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.csv_table import read_csv_table

HEADER = "case,reader,reading,level,roi,mean_hu,excluded,origin,blinded,findings"


def rows_of(tmp_path, *lines: str, header: str = HEADER, any_region: bool = False):
    path = tmp_path / "results.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    findings = []
    return list(results_rows(read_csv_table(path), findings.append, any_region)), findings


def test_a_row_has_the_cells_of_its_region_also_if_its_level_is_excluded(tmp_path):
    (first, second), findings = rows_of(
        tmp_path,
        "c,A,2,l1,Round,120.5,,manual (edited),true,few_voxels;leaves_bone",
        "c,A,2,L2,oval,80,fracture,proposal_accepted,,",
    )
    assert (first.level, first.roi, first.reading, first.mean_hu) == ("L1", "round", 2, 120.5)
    assert (first.origin, first.blinded, first.findings) == ("manual", True, "few_voxels;leaves_bone")
    assert (second.mean_hu, second.excluded, second.blinded) == (80.0, "fracture", None)
    assert findings == []


def test_columns_may_be_in_any_order_and_those_that_are_not_needed_may_be_missing(tmp_path):
    (row,), _ = rows_of(tmp_path, "7,L3,front,c,A,1", header="Mean_HU,Level,ROI,Case,Reader,Reading")
    assert (row.mean_hu, row.level, row.roi, row.excluded, row.findings) == (7.0, "L3", "front", "", "")


def test_a_number_that_cannot_be_used_is_missing_and_reported_with_its_row(tmp_path):
    rows, findings = rows_of(tmp_path, "c,A,1,L1,round,120,,,,", "c,A,1,L1,oval,x,,,,")
    assert [row.mean_hu for row in rows] == [120.0, None]
    assert [finding.row for finding in findings] == [3]


def test_regions_of_other_protocols_are_accepted_only_where_they_are_wanted(tmp_path):
    line = "c,A,1,L1,circle_200,120,,,,"
    assert [row.roi for row in rows_of(tmp_path, line, any_region=True)[0]] == ["circle_200"]
    rows, (finding,) = rows_of(tmp_path, line)
    assert rows == []
    assert "“circle_200” is not a roi" in finding.sentence


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace(",roi", ""), "lacks the column “roi”"),
        (f"{HEADER},findings", "has the column “findings” twice"),
    ],
)
def test_a_table_that_lacks_a_column_or_has_one_twice_is_refused(tmp_path, header, words):
    with pytest.raises(InputError, match=words):
        rows_of(tmp_path, header=header)
