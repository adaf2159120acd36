"""A cohort's table: errors are reported by row and column, and the rest is used."""

import math

import numpy as np
import pytest

from LumbarHULib.cohort_files.table import cohort_inputs, read_cohort
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS


def read(tmp_path, *lines: str, encoding: str = "utf-8"):
    path = tmp_path / "cohort.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return read_cohort(path)


def reported(cohort, code: str) -> list[str]:
    return [finding.sentence for finding in cohort.findings if finding.code == code]


def test_hu_groups_numbers_and_words_are_read(tmp_path):
    cohort = read(
        tmp_path,
        "case,hu_L1_round,hu_L2_round,t_score,sex,age,menopause,bmd",
        "a,100,120.5,-2.5,F,61,post,0.8",
        "b,90,,-1,m,70,,1.1",
    )
    assert cohort.cases == ("a", "b")
    assert cohort.mean_hu["round"][0] == 110.25
    assert math.isnan(cohort.mean_hu["round"][1])  # one level makes no mean
    assert cohort.groups == ("osteoporosis", "normal")
    assert (cohort.labels["sex"], cohort.labels["menopause"]) == (("female", "male"), ("post", ""))
    assert cohort.numbers["age"].tolist() == [61, 70]
    assert cohort.findings == ()


@pytest.mark.parametrize(
    ("lines", "code", "sentence"),
    [
        (("case,hu_L1_round,age", "a,1,old"), "no_number", "Row 2, column age: “old” is not a number and is omitted."),
        (("case,hu_L1_round,age", "a,1,1e400"), "no_number", "Row 2, column age: “1e400” is not a number"),
        (("case,hu_L1_round", "a,1", "a,2"), "duplicate_case", "Row 3 repeats case “a” from row 2"),
        (("case,hu_L1_round", "a,1", ",2"), "unusable_row", "Row 3 has no case name; it is omitted."),
        (("case,hu_L1_round", "a,1", "b,2,3"), "unusable_row", "Row 3 has 3 cells under 2 columns; it is omitted."),
        (("case,hu_L1_round,sex", "a,1,x"), "unknown_word", "Row 2, column sex: “x” is not one of male, female"),
        (("case,hu_L1_round,group", "a,1,fine"), "unknown_word", "Row 2, column group: “fine” is not one of normal,"),
        (("case,hu_L1_round,bmd [lb]", "a,1,1"), "unknown_unit", "Row 1, column bmd: the unit “lb” is unknown"),
        (("case,hu_L1_round,bmd", "a,1,850"), "unknown_unit", "Column bmd contains 850, which is not a value in g/cm²"),
        (("sep=;", "case;hu_L1_round;age", "a;1;old"), "no_number", "Row 2, column age: “old” is not a number"),
        (("case,hu_L1_round", "a,1", "b,2", "c,9999"), "out_of_range", "Row 4, column hu_L1_round: 9999 is outside"),
        (("case,hu_L1_round,bmj", "a,1,2"), "unknown_column", "Row 1, column bmj: the column is unknown"),
        (
            ("case,hu_L1_round,group,t_score", "a,1,normal,-3"),
            "group_contradicts_t_score",
            "Row 2, column group: normal is given, but a T-score of -3 is osteoporosis; the given group is used.",
        ),
        (
            ("case,hu_L1_round,sex,age", "a,1,male,49"),
            "t_score_does_not_apply",
            "Row 2, column age: a is a man of 49, below 50 years; T-scores do not apply.",
        ),
        (
            ("case,hu_L1_round,sex,menopause", "a,1,female,pre"),
            "t_score_does_not_apply",
            "Row 2, column menopause: a is a premenopausal woman; T-scores do not apply.",
        ),
        (
            ("case,hu_L1_round,days_ct_dxa", "a,1,-91"),
            "ct_far_from_dxa",
            "Row 2, column days_ct_dxa: CT and DXA of a are 91 days apart, more than the study's limit of 90.",
        ),
        (
            ("case,hu_L1_round,dxa_device", "a,1,X", "b,2,Y"),
            "dxa_differs",
            "Column dxa_device: DXA is from 2 devices, whose values are not comparable: X (1), Y (1).",
        ),
    ],
)
def test_an_error_is_reported_with_its_cell_and_the_case_stays(tmp_path, lines, code, sentence):
    cohort = read(tmp_path, *lines)
    (found,) = reported(cohort, code)
    assert found.startswith(sentence)
    assert cohort.cases[0] == "a"
    assert cohort.level_hu["L1", "round"][0] == 1


def test_t_scores_that_fall_as_density_rises_get_a_finding(tmp_path):
    density = np.linspace(0.6, 1.2, 12)
    header = "case,hu_L1_round,bmd,t_score"
    # Signs that were lost, as where a form has the minus printed in front of the box.
    lost = [f"{n},1,{bmd:.3f},{4.5 - 4 * bmd:.2f}" for n, bmd in enumerate(density)]
    (found,) = reported(read(tmp_path, header, *lost), "t_score_against_bmd")
    assert found == "Column t_score: T-scores fall with rising bmd (Spearman's ρ = -1.00, n = 12)."
    right = [f"{n},1,{bmd:.3f},{4 * bmd - 4.5:.2f}" for n, bmd in enumerate(density)]
    assert read(tmp_path, header, *right).findings == ()
    assert reported(read(tmp_path, header, *lost[:4]), "t_score_against_bmd") == []  # four say nothing


def test_menopause_in_a_man_gets_a_finding_and_is_omitted(tmp_path):
    cohort = read(tmp_path, "case,hu_L1_round,sex,age,menopause", "a,1,male,70,pre", "b,1,female,70,post", "c,1,,,post")
    (finding,) = cohort.findings
    assert finding.sentence == "Row 2, column menopause: a is a man, so “pre” is omitted."
    assert cohort.labels["menopause"] == ("", "post", "post")


def test_a_man_of_fifty_and_ninety_days_are_within_the_limits(tmp_path):
    cohort = read(tmp_path, "case,hu_L1_round,sex,age,days_ct_dxa", "a,1,male,50,90", "b,1,female,30,0")
    assert cohort.findings == ()


def test_another_unit_is_suggested_only_where_a_column_has_one(tmp_path):
    cohort = read(tmp_path, "case,hu_L1_round,t_score,bmd", "a,1,-31,850")
    density, score = cohort.findings
    assert score.sentence == "Column t_score contains -31, which is not a t_score: it is omitted."
    assert score.remedy == "Correct it: use values from -12 to 12."
    assert density.remedy == "Write its unit in the header, such as “bmd [mg/cm2]”, or correct it."


def test_the_first_of_two_rows_of_a_case_counts(tmp_path):
    assert read(tmp_path, "case,hu_L1_round", "a,1", "a,2").level_hu["L1", "round"].tolist() == [1]


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "-", "NaN", "unknown"])
def test_empty_cells_are_missing_values_without_a_finding(tmp_path, cell):
    cohort = read(tmp_path, "case,hu_L1_round,age,sex", f"a,1,{cell},{cell}")
    assert math.isnan(cohort.numbers["age"][0])
    assert cohort.labels["sex"] == ("",)
    assert cohort.findings == ()


def test_units_in_the_header_are_converted(tmp_path):
    cohort = read(tmp_path, "case,hu_L1_round (HU),bmd [mg/cm²],BMI [kg/m^2]", "a,7,850,24")
    assert (cohort.numbers["bmd"][0], cohort.numbers["bmi"][0]) == (0.85, 24)
    assert cohort.findings == ()


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        (("case;hu_L1_round;bmd", "a;100,5;0,9"), "utf-8"),
        (("case\thu_L1_round\tbmd", "a\t100.5\t0.9"), "utf-16"),
        (("sep=;", "case;hu_L1_round;bmd", "a;100,5;0,9"), "utf-8-sig"),
        (("", "\ufeffcase,hu_L1_round,bmd"[1:], "", "a,100.5,0.9", ",,"), "utf-8-sig"),
        (('"case","hu_L1_round","bmd"', '"a","100.5"," 0.9 "'), "utf-8"),
    ],
)
def test_tables_saved_by_spreadsheets_are_read(tmp_path, lines, encoding):
    cohort = read(tmp_path, *lines, encoding=encoding)
    assert (cohort.level_hu["L1", "round"][0], cohort.numbers["bmd"][0]) == (100.5, 0.9)
    assert cohort.findings == ()


def test_a_decimal_comma_in_a_comma_separated_table_is_reported(tmp_path):
    cohort = read(tmp_path, "case,hu_L1_round,bmd", 'a,1,"0,9"')
    (finding,) = cohort.findings
    assert (finding.remedy, finding.row, finding.column) == ("Write a decimal point.", 2, "bmd")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"case,age\na,1", "neither a column “audit” nor columns such as “hu_L1_round”"),
        (b"name,hu_L1_round\na,1", "lacks the column “case”"),
        (b"case,hu_L1_round\n", "has no case"),
        (b"case,hu_L1_round\n,5\n", "has no case"),
        (b"case,hu_L1_round,age,Age\na,1,2,3", "has the column “age” twice"),
        (b"PK\x03\x04\x00", "is a workbook, not CSV"),
        (b"case,hu_L1_round\n\xe4,1", "line 2: this is not text in UTF-8"),
        (b"case,hu_L1_round\n\x00,1", "is not a text file"),
        (b'case,hu_L1_round\na,1\n"b,2\nc,3\nd,4\n', "not a valid CSV table from row 3 on"),
        (b'case,hu_L1_round\na,1\n"b,2\n"c",3\n', "not a valid CSV table from row 3 on"),
    ],
)
def test_an_unusable_table_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "cohort.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_cohort(path)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_cohort(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder: choose a file"):
        read_cohort(tmp_path)


def write_readings(path, *rows):
    lines = ["case,reader,reading,level,roi,mean_hu,origin,excluded,blinded", *rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_readings_are_averaged_over_each_reader_first(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,age\na,50\n")
    rows = [f"a,A,{n},{level},round,{hu},manual,,true" for level in ("L1", "L2") for n, hu in ((1, 100), (2, 110))]
    rows += [f"a,B,1,{level},round,150,proposal_accepted,,false" for level in ("L1", "L2")]
    cohort = read_cohort(tmp_path / "cohort.csv", write_readings(tmp_path / "readings.csv", *rows))
    assert cohort.mean_hu["round"][0] == (105 + 150) / 2
    assert [(reading.reader, reading.reading, reading.blinded) for reading in cohort.readings] == [
        ("A", 1, True),
        ("A", 2, True),
        ("B", 1, False),
    ]
    assert cohort.readings[2].origins == {"L1": "proposal_accepted", "L2": "proposal_accepted"}


def test_hu_in_the_table_and_readings_in_a_file_contradict_each_other(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,hu_L1_round\na,50\n")
    cohort = read_cohort(
        tmp_path / "cohort.csv", write_readings(tmp_path / "readings.csv", "a,A,1,L1,round,100,manual,,")
    )
    assert cohort.level_hu["L1", "round"].tolist() == [50]
    assert len(cohort.readings) == 1


def test_errors_in_a_readings_file_are_reported(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,age\na,50\n")
    rows = ["a,A,1,L1,round,x,manual,,", "a,A,0,L1,round,1,manual,,", "z,A,1,L1,round,1,manual,,"]
    rows += ["a,B,1,L1,round,1,manual,,", "a,B,1,L1,round,2,manual,,", "a,B,1,T12,round,2,manual,,"]
    rows += ["a,,1,L1,round,1,manual,,", ",A,1,L1,round,1,manual,,", "a,A,1,L9,round,1,,,", "a,A,1,L1,circle,1,,,"]
    cohort = read_cohort(tmp_path / "cohort.csv", write_readings(tmp_path / "readings.csv", *rows))
    assert [finding.sentence for finding in cohort.findings] == [
        "readings.csv: Row 2, column mean_hu: “x” is not a number and is omitted.",
        "readings.csv, row 3: “0” is not a reading number; the row is omitted.",
        "readings.csv, row 6: this reading of L1, round of a by B is repeated; the row is omitted.",
        "readings.csv, row 8: the reader is missing; the row is omitted.",
        "readings.csv, row 9: the case is missing; the row is omitted.",
        "readings.csv, row 10: “L9” is not a level; the row is omitted.",
        "readings.csv, row 11: “circle” is not a roi; the row is omitted.",
        "The readings contain cases that are not in the table: z.",
    ]
    assert cohort.level_hu["L1", "round"].tolist() == [1]


def test_a_readings_file_may_use_any_case(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,age\na,50\n")
    (tmp_path / "readings.csv").write_text("Case,Reader,Reading,Level,ROI,Mean_HU\na,A,1,l1,Round,5\n")
    cohort = read_cohort(tmp_path / "cohort.csv", tmp_path / "readings.csv")
    assert cohort.level_hu["L1", "round"].tolist() == [5]
    assert cohort.findings == ()


def test_a_level_that_one_reading_excludes_is_omitted(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,age\na,50\n")
    rows = [
        f"a,{reader},1,{level},round,{hu},manual,," for reader, hu in (("A", 10), ("B", 20)) for level in MEAN_LEVELS
    ]
    rows[1] = "a,A,1,L2,round,10,manual,fracture,"
    cohort = read_cohort(tmp_path / "cohort.csv", write_readings(tmp_path / "readings.csv", *rows))
    assert [bool(np.isnan(cohort.hu(level, "round")[0])) for level in MEAN_LEVELS] == [False, True, False, False]
    assert reported(cohort, "excluded_by_one") == [
        "L2 of a is excluded by one reading and measured by another; it is omitted."
    ]


def test_a_cohort_of_synthetic_cases_says_so(tmp_path):
    assert read(tmp_path, "case,hu_L1_round", "synthetic-001,1").note.startswith("SYNTHETIC")
    assert read(tmp_path, "case,hu_L1_round", "a,1").note == ""


def test_every_input_file_is_known_in_advance(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,audit\na,x; y\nb,\n")
    assert cohort_inputs(tmp_path / "cohort.csv", tmp_path / "r.csv") == (
        tmp_path / "cohort.csv",
        tmp_path / "r.csv",
        tmp_path / "x",
        tmp_path / "y",
    )
