"""The table of a batch: errors are reported by row and column, and the other rows are used."""

import os

import pytest
from headless.batch_files import COLUMNS, case_row, write_cases

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.batch_table import problem_sentences, read_batch_table


@pytest.fixture
def table_of(tmp_path):
    """Return a function from rows to the table that is read from them."""

    def read(*rows, **way):
        return read_batch_table(write_cases(tmp_path / "cases.csv", rows, **way), tmp_path / "out")

    return read


def test_a_row_states_input_settings_and_output_folder(one_level, table_of, tmp_path):
    table = table_of(case_row("P 1", one_level, "l4 , L3", "L3=old, healed; L4=metal", "AB", "2"))
    assert (table.problems, table.notes) == ((), ())
    (row,) = table.rows
    assert (row.row, row.case, row.folder) == (2, "P 1", "P 1")
    job = row.job
    assert (job.ct, job.markups, job.destination) == (one_level.ct, [one_level.markups], tmp_path / "out" / "P 1")
    assert (job.levels, job.exclusions) == (("L4", "L3"), {"L3": "old, healed", "L4": "metal"})
    assert (job.case, job.reader, job.reading) == ("P 1", "AB", 2)


def test_a_row_is_measured_from_one_of_markups_segmentation_and_seeds(one_level, table_of):
    columns = ("case", "ct", "markups", "segmentation", "seeds")
    ct, markups = str(one_level.ct), str(one_level.markups)
    table = table_of(
        ["a", ct, markups, "", ""],
        ["b", ct, "", ct, ""],
        ["c", ct, markups, ct, ""],
        ["d", ct, "", "", ""],
        ["e", ct, "", "x", ""],
        ["f", ct, "", "", markups],
        columns=columns,
    )
    assert [(row.job.markups, row.job.segmentation, row.job.seeds) for row in table.rows] == [
        ([one_level.markups], None, None),
        ([], one_level.ct, None),
        ([], None, one_level.markups),
    ]
    assert [(problem.row, problem.column) for problem in table.problems] == [
        (4, "segmentation"),
        (5, "markups"),
        (6, "segmentation"),
    ]
    assert "markups and segmentation are both given" in table.problems[0].sentence


def test_segments_and_levels_between_seeds_are_requested_as_with_the_options(one_level, table_of):
    columns = ("case", "ct", "markups", "segmentation", "seeds", "segment", "fill_levels")
    ct = str(one_level.ct)
    table = table_of(
        ["a", ct, "", ct, "", "L1=body, upper; L2=3", ""],
        ["b", ct, "", "", ct, "", "Yes"],
        ["c", ct, "", "", ct, "", "no"],
        ["d", ct, ct, "", "", "", "no"],
        ["e", ct, ct, "", "", "L1=3", ""],
        ["f", ct, ct, "", "", "", "yes"],
        ["g", ct, "", "", ct, "", "perhaps"],
        ["h", ct, "", ct, "", "L1", ""],
        columns=columns,
    )
    assert [(row.case, row.job.segments, row.job.fill_levels) for row in table.rows] == [
        ("a", {"L1": "body, upper", "L2": "3"}, False),
        ("b", {}, True),
        ("c", {}, False),
        ("d", {}, False),
    ]
    assert [(problem.case, problem.column) for problem in table.problems] == [
        ("e", "segment"),
        ("f", "fill_levels"),
        ("g", "fill_levels"),
        ("h", "segment"),
    ]
    assert "“perhaps” is neither yes nor no" in table.problems[2].sentence


def test_missing_cells_mean_the_same_as_missing_options(one_level, table_of):
    for columns in (COLUMNS, COLUMNS[:3]):
        (row,) = table_of(case_row("a", one_level)[: len(columns)], columns=columns).rows
        job = row.job
        assert (job.levels, job.exclusions, job.reader, job.reading) == (None, {}, "unnamed", 1)


def test_paths_are_relative_to_the_table_and_separated_by_semicolons(one_level, tmp_path):
    (tmp_path / "one").mkdir()
    for name in ("ct.nrrd", "L1-midline.mrk.json", "a; b.mrk.json"):
        (tmp_path / name).touch()
    rows = [["x", "../ct.nrrd", "../L1-midline.mrk.json; ../a; b.mrk.json"], ["y", "../ct.nrrd", "../a; b.mrk.json"]]
    rows.append(["z", "../ct.nrrd", "../L1-midline.mrk.json;../ct.nrrd;"])
    table = read_batch_table(write_cases(tmp_path / "one" / "cases.csv", rows, columns=COLUMNS[:3]), tmp_path)
    assert [problem.row for problem in table.problems] == [2]
    assert "“../a”" in table.problems[0].sentence
    names = [[path.name for path in row.job.markups] for row in table.rows]
    assert names == [["a; b.mrk.json"], ["L1-midline.mrk.json", "ct.nrrd"]]


def test_paths_with_separators_of_another_system_are_reported(one_level, table_of):
    table = table_of(["a", "scans\\a.nrrd", str(one_level.markups)], columns=("case", "ct", "markups"))
    (problem,) = table.problems
    assert problem.column == "ct"
    assert problem.sentence == "there is no file or folder “scans\\a.nrrd”: write / between folders."


def test_a_pipe_is_reported_instead_of_waited_for(one_level, table_of, tmp_path):
    os.mkfifo(tmp_path / "pipe.nrrd")
    table = table_of(["a", str(tmp_path / "pipe.nrrd"), str(one_level.markups)], columns=("case", "ct", "markups"))
    (problem,) = table.problems
    assert problem.column == "ct"
    assert problem.sentence == f"“{tmp_path / 'pipe.nrrd'}” is neither a file nor a folder: give one of them."


@pytest.mark.parametrize(
    ("encoding", "separator"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("utf-8", ";"), ("utf-8-sig", ",")],
)
def test_a_table_saved_by_a_spreadsheet_is_read(encoding, separator, one_level, table_of):
    table = table_of(case_row("Müller 山田", one_level, "L3"), encoding=encoding, separator=separator)
    assert [row.case for row in table.rows] == ["Müller 山田"]


def test_a_table_in_an_old_encoding_is_refused_with_the_line(one_level, table_of):
    with pytest.raises(InputError, match=r"cases\.csv, line 3: this is not text in UTF-8"):
        table_of(case_row("a", one_level), case_row("Müller", one_level), encoding="latin-1")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (("case", "markups"), "no column “ct”"),
        (("name", "ct", "markups"), "no column “case”"),
        (("case", "ct", "levels"), "no column “markups"),
        (("case", "ct", "markups", "CT"), "“ct” occurs twice"),
        (("case", "ct", "markups", "exlude"), "“exlude” is unknown: write “exclude”"),
        (("case", "ct", "markups", "level"), "“level” is unknown: write “levels”"),
    ],
)
def test_a_table_without_the_necessary_columns_is_refused(columns, says, table_of):
    with pytest.raises(InputError, match=says):
        table_of(["a", "b", "c", "d"][: len(columns)], columns=columns)


def test_a_table_without_rows_is_refused(table_of):
    with pytest.raises(InputError, match="has no case"):
        table_of()


def test_an_unknown_column_is_reported_and_ignored(one_level, table_of):
    table = table_of([*case_row("a", one_level), "77"], columns=(*COLUMNS, "age"))
    assert table.notes == ("Row 1: the column “age” is unknown and was ignored.",)
    assert len(table.rows) == 1


@pytest.mark.parametrize(
    "case", ["", ".hidden", "a/b", "..", "a\\b", "CON", "nul.txt", "results.csv", "Index.html", "a:b", "-x", "a."]
)
def test_a_case_name_that_cannot_be_a_folder_name_is_reported(case, one_level, table_of):
    table = table_of(case_row(case, one_level), case_row("good", one_level))
    assert [row.case for row in table.rows] == ["good"]
    assert [(problem.row, problem.column) for problem in table.problems] == [(2, "case")]


def test_a_case_name_that_is_too_long_is_reported(one_level, table_of):
    table = table_of(case_row("山" * 34, one_level), case_row("山" * 33, one_level))
    assert [len(row.case) for row in table.rows] == [33]
    assert "longer than 100 bytes" in table.problems[0].sentence


@pytest.mark.parametrize("again", ["P1", "p1"])
def test_a_duplicate_case_is_reported(again, one_level, table_of):
    table = table_of(case_row("P1", one_level), case_row("x", one_level), case_row(again, one_level))
    assert [row.folder for row in table.rows] == ["P1", "x"]
    assert [(problem.row, problem.column) for problem in table.problems] == [(4, "case")]
    assert "is already in row 2" in table.problems[0].sentence


def test_case_names_that_share_a_folder_on_some_systems_are_duplicates(one_level, table_of):
    table = table_of(case_row("Mu\u0308ller", one_level), case_row("M\u00fcller", one_level))
    assert len(table.rows) == len(table.problems) == 1


def test_several_readings_of_a_case_have_separate_folders(one_level, table_of):
    readings = [("AB", ""), ("AB", "2"), ("CD", "1"), ("AB", "1"), ("../x", "")]
    table = table_of(*(case_row("P1", one_level, reader=reader, reading=reading) for reader, reading in readings))
    assert [row.folder for row in table.rows] == ["P1_AB_1", "P1_AB_2", "P1_CD_1"]
    assert [(problem.row, problem.column) for problem in table.problems] == [(5, "case"), (6, "reader")]


def test_an_invalid_row_changes_no_other_folder(one_level, table_of):
    good = case_row("P1", one_level, reader="AB")
    broken = case_row("P1", one_level, reader="CD", levels="L9")
    mended = case_row("P1", one_level, reader="CD")
    assert table_of(good, broken).rows[0].folder == table_of(good, mended).rows[0].folder == "P1_AB_1"


def test_problems_are_listed_by_row_and_column_and_counted_when_there_are_many(one_level, table_of):
    table = table_of(*(case_row(f"P{number}", one_level, levels="L9") for number in range(5)))
    sentences = list(problem_sentences(table.problems, 2))
    assert len(sentences) == 3
    assert sentences[0].startswith("Row 2, column levels: Unknown level “L9”")
    assert sentences[-1] == "… and 3 more."
