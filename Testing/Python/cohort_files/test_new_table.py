"""A cohort's table made from exported readings is read without findings, and replaces nothing."""

import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from audit.readings import plausible_audit, random_ct
from files.nobody import as_nobody

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.report.case_index import INDEX, write_index
from LumbarHULib.cohort_files.audit_facts import facts_below
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
    record = tmp_path / "P1" / "record.json"
    write_audit_folder(tmp_path / "P2", plausible_audit(case="P2"))
    nameless = json.loads((tmp_path / "P2" / "record.json").read_text(encoding="utf-8")) | {"case": None}
    for text in ("{", json.dumps(nameless)):
        record.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="is damaged"):
            write_new_table(tmp_path)
    assert not (tmp_path / NEW_TABLE).exists()


def test_a_folder_that_is_still_being_written_is_no_reading(tmp_path):
    write_audit_folder(tmp_path / "P1" / "1", plausible_audit(case="P1"))
    shutil.copytree(tmp_path / "P1" / "1", tmp_path / "P1" / ".1.0a1b2c3d.part")
    assert len(facts_below(tmp_path)) == 1
    path, _ = write_new_table(tmp_path)
    assert path.read_text(encoding="utf-8").splitlines()[1:] == ["P1,P1/1,,,"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permissions on Windows")
def test_a_folder_or_record_without_permission_to_read_is_named_not_omitted():
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for case in ("P1", "P2"):
            write_audit_folder(root / case / "1", plausible_audit(case=case))
        root.chmod(0o777)
        (root / "own.csv").write_text("case,audit\nP1,P1/1\nP2,P2/1\n", encoding="utf-8")
        # All is readable, and whatever is imported only when needed is imported.
        found = facts_below(root), read_cohort(root / "own.csv").readings
        assert [len(readings) for readings in found] == [2, 2]
        assert write_index(root).readings == 2
        for locked in (root / "P2", root / "P2" / "1" / "record.json"):
            mode = locked.stat().st_mode
            locked.chmod(0)
            with as_nobody():
                (finding,) = (one for one in read_cohort(root / "own.csv").findings if one.row == 3)
                assert finding.sentence == "Row 3, column audit: “1” cannot be read and is omitted."
                for read in (facts_below, write_new_table):
                    with pytest.raises(InputError) as refusal:
                        read(root)
                    assert str(refusal.value) == (
                        f"“{locked}” cannot be read (Permission denied): check its permissions and the disk."
                    )
                if locked.name == "P2":
                    outcome = write_index(root)
                    assert outcome.readings == 1
                    assert outcome.problems[0].startswith(f"P2: “{locked}” cannot be read")
            locked.chmod(mode)
        assert sorted(os.listdir(root)) == ["P1", "P2", INDEX, "own.csv"]


def test_the_example_has_the_columns_of_a_table_and_is_read_without_findings(tmp_path):
    assert {*EXAMPLE} <= {*COLUMNS}
    audit = plausible_audit(case=EXAMPLE["case"])
    write_audit_folder(tmp_path / EXAMPLE["audit"], audit)
    (tmp_path / "cohort.csv").write_text("\n".join(example_lines()), encoding="utf-8")
    cohort = read_cohort(tmp_path / "cohort.csv")
    assert (cohort.groups, cohort.findings) == (("osteoporosis",), ())
