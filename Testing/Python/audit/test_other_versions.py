"""Folders of earlier versions of LumbarHU, which may lack a quantity that was added since."""

import csv
from pathlib import Path

import pytest
from audit.forger import in_record, in_table, rehash
from audit.readings import example_audit, random_ct

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.verify import verification_of, verify_audit_folder
from LumbarHULib.core.levels import ROIS


@pytest.fixture
def folder(tmp_path) -> Path:
    write_audit_folder(tmp_path / "out", example_audit())
    return tmp_path / "out"


def without_column(path: Path, column: str) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [name for name in rows[0] if name != column], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: cell for name, cell in row.items() if name != column} for row in rows)


@pytest.mark.parametrize("column", ["q1_hu", "outline_edited", "boundary_moved"])
def test_a_folder_of_another_version_may_lack_a_column_and_one_of_this_version_may_not(folder, column):
    without_column(folder / "results.csv", column)
    rehash(folder)
    (named,) = [text for text in verify_audit_folder(folder, random_ct()) if text.startswith("results.csv")]
    assert named.startswith("results.csv: expected the columns ")
    in_record("software", "LumbarHU", to="0.0.9")(folder)
    found = verification_of(folder, random_ct())
    assert [text for text in found.differences if text.startswith("results.csv")] == []
    in_table("results.csv", "q3_hu", lambda text: repr(float(text) + 1.0), level="L1", roi=ROIS[0])(folder)
    rehash(folder)
    named = [text for text in verification_of(folder, random_ct()).differences if text.startswith("results.csv")]
    assert [text.partition(": ")[0] for text in named] == [f"results.csv, L1 {ROIS[0]}, q3_hu"]
