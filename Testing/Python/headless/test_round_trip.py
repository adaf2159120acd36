"""What an audit folder holds, taken as input again, gives the same folder."""

from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, points_of


def test_the_markups_of_an_audit_folder_give_the_same_bytes(spine, audit, tmp_path):
    again = tmp_path / "again"
    run = lumbarhu(
        "measure", spine.ct, "--markups", audit / "markups", "--out", again, "--reader", "AB", "--case", "phantom"
    )
    assert (run.exit_code, run.err) == (0, "")
    first, second = files_of(audit), files_of(again)
    assert set(first) == set(second)
    # Record and report tell that this time a reader gave the outline.
    assert {name for name in first if first[name] != second[name]} == {"record.json", "report.html"}


def test_the_midline_alone_gives_the_same_numbers_as_all_three_markups(spine, audit, tmp_path):
    midlines = [audit / "markups" / f"{level}-midline.mrk.json" for level in ("L1", "L2", "L3", "L4")]
    run = lumbarhu(
        "measure", spine.ct, "--markups", *midlines, "--out", tmp_path / "out", "--reader=AB", "--case=phantom"
    )
    assert (run.exit_code, run.err) == (0, "")
    assert files_of(tmp_path / "out") == files_of(audit)


def test_all_three_roles_of_every_level_are_written(audit):
    names = {
        f"{level}-{role}.mrk.json" for level in ("L1", "L2", "L3", "L4") for role in ("midline", "boundary", "outline")
    }
    assert {path.name for path in (audit / "markups").iterdir()} == names
    assert {len(points_of(path)) for path in (audit / "markups").glob("*-outline.mrk.json")} == {24}
