"""A cohort's table made from exported readings is read without findings, and replaces nothing."""

import pytest
from audit.readings import plausible_audit, random_ct

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.cohort_files.columns import COLUMNS
from LumbarHULib.cohort_files.new_table import EXAMPLE, NEW_TABLE, example_lines, write_new_table
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.core.errors import InputError


def test_each_case_has_a_row_with_its_readings(tmp_path):
    for number, (case, reader) in enumerate((("P2", "AB"), ("P1", "AB"), ("P1", "C, D"))):
        audit = plausible_audit(random_ct(seed=int(case[1])), case=case, reader=reader, reading=1)
        write_audit_folder(tmp_path / "audit" / case / reader / str(number), audit)
    path, cases = write_new_table(tmp_path)
    assert (path, cases) == (tmp_path / NEW_TABLE, 2)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "case,audit,sex,age,t_score",
        'P1,"audit/P1/AB/1;audit/P1/C, D/2",,,',
        "P2,audit/P2/AB/0,,,",
    ]
    cohort = read_cohort(path)
    assert cohort.findings == ()
    assert [(one.case, one.reader) for one in cohort.readings] == [("P1", "AB"), ("P1", "C, D"), ("P2", "AB")]
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        write_new_table(tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_folder_without_readings_gets_no_table(tmp_path):
    with pytest.raises(InputError, match="contains no audit folder"):
        write_new_table(tmp_path)
    (tmp_path / "P1").mkdir()
    (tmp_path / "P1" / "record.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        write_new_table(tmp_path)
    assert not (tmp_path / NEW_TABLE).exists()


def test_the_example_has_the_columns_of_a_table_and_is_read_without_findings(tmp_path):
    assert {*EXAMPLE} <= {*COLUMNS}
    audit = plausible_audit(case=EXAMPLE["case"])
    write_audit_folder(tmp_path / EXAMPLE["audit"], audit)
    (tmp_path / "cohort.csv").write_text("\n".join(example_lines()), encoding="utf-8")
    cohort = read_cohort(tmp_path / "cohort.csv")
    assert (cohort.groups, cohort.findings) == (("osteoporosis",), ())
