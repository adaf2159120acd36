"""Where the HU of a method come from: the cohort's table, or tables of results by protocol."""

import numpy as np
import pytest

from LumbarHULib.cohort.methods.method import parse_methods
from LumbarHULib.cohort_files.methods.read import read_methods
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.cutoffs_file import load_cutoffs

CUTOFFS = {"lumbarhu-2022-study": load_cutoffs().cutoffs}
TABLE = "case,hu_L1_round,hu_L2_round,HU_L1_circle_200mm2 [HU],hu_l2_circle_200mm2,t_score\n"
TABLE += "a,100,110,101,111,-1\nb,90,,92,95,-2.6\nc,80,85,x,87,-3\n"
RESULTS = "case,reader,reading,level,roi,mean_hu,excluded\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "cohort.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def results(folder, *rows, name="results.csv"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(RESULTS + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder / name


def read(texts, table=None, results=None):
    return read_methods(parse_methods(texts), table, results or {}, CUTOFFS)


def test_regions_beyond_the_five_are_columns_of_the_table(table):
    measured = read(["round@L1", "circle_200mm2@L2"], table)
    assert [measured.hu(method).tolist() for method in measured.methods] == [[100, 90, 80], [111, 95, 87]]
    assert [finding.code for finding in measured.cohort.findings] == ["no_number"]
    assert measured.cohort.groups == ("normal", "osteoporosis", "osteoporosis")
    assert {method.source for method in measured.methods} == {"cohort.csv"}


def test_results_of_protocols_are_joined_by_case(table, tmp_path):
    thin = results(tmp_path / "thin", "b,x,1,L1,round,70,", "a,x,1,L1,round,60,", "z,x,1,L1,round,5,")
    big = results(tmp_path / "big", "a,x,1,L1,circle_200mm2,61,", "c,x,1,L1,circle_200mm2,62,")
    measured = read(["round@L1", "thin:round@L1", "big:circle_200mm2@L1"], table, {"thin": thin, "big": big.parent})
    found = [measured.hu(method) for method in measured.methods]
    np.testing.assert_equal([values.tolist() for values in found], [[100, 90, 80], [60, 70, np.nan], [61, np.nan, 62]])
    (stray,) = [finding for finding in measured.cohort.findings if finding.code == "unknown_case"]
    assert "cases that are not in the table: z" in stray.sentence
    assert [method.source for method in measured.methods] == ["cohort.csv", "thin: results.csv", "big: results.csv"]


def test_several_readings_of_a_case_are_averaged_and_give_the_error(tmp_path):
    rows = ["a,x,1,L1,round,60,", "a,y,1,L1,round,70,", "b,x,1,L1,round,80,", "b,y,1,L1,round,81,", "c,x,1,L1,round,9,"]
    rows += [row.replace("round", "oval") for row in rows]
    measured = read(["round@L1", "oval@L1"], None, {"p": results(tmp_path / "p", *rows)})
    assert measured.cohort.cases == ("a", "b", "c")
    assert measured.cohort.references == ()
    assert measured.hu(measured.methods[0]).tolist() == [65, 80.5, 9]
    np.testing.assert_equal(np.array(measured.methods[0].repeated), [[60, 80, np.nan], [70, 81, np.nan]])


def test_an_excluded_level_is_omitted(tmp_path):
    rows = [f"a,x,1,L{level},round,{60 + level}," for level in (1, 2, 3)]
    rows[0] += "fracture"
    file = results(tmp_path / "p", *rows, "a,x,1,L2,oval,50,")
    measured = read(["round", "oval@L2"], None, {"p": file})
    assert measured.hu(measured.methods[0]).tolist() == [62.5]


def test_cutoffs_hold_for_the_studys_protocol_and_mean_only(table, tmp_path):
    rows = [f"a,x,1,L{level},{roi},100," for level in (1, 2, 3, 4) for roi in ("round", "circle_200mm2")]
    both = {name: results(tmp_path / name, *rows) for name in ("lumbarhu-2022-study", "thin")}
    texts = ["round", "round@L1", "lumbarhu-2022-study:round", "thin:round", "thin:circle_200mm2"]
    measured = read(texts, table, both)
    study = load_cutoffs().cutoffs.rois["round"]
    assert [method.cutoffs for method in measured.methods] == [study, None, study, None, None]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["round", "rond"], "“cohort.csv” has no HU of the region rond: write round"),
        (["round", "prism"], "has no HU of the region prism: its regions are round, circle_200mm2"),
        (["round", "thin:round"], "needs results named thin, but the results are none: add --results thin=FILE"),
    ],
)
def test_an_unknown_region_or_protocol_is_named_with_those_that_exist(table, texts, says):
    with pytest.raises(InputError) as problem:
        read(texts, table)
    assert says in str(problem.value)


def test_a_region_in_two_results_needs_its_protocol(tmp_path):
    both = {name: results(tmp_path / name, "a,x,1,L1,oval,1,", "a,x,1,L1,round,1,") for name in ("one", "two")}
    with pytest.raises(InputError, match="region oval is in several results: name the protocol, one:oval, two:oval"):
        read(["oval@L1", "one:round@L1"], None, both)


def test_results_without_a_usable_row_are_refused(tmp_path):
    file = results(tmp_path / "p", "a,x,1,L9,round,60,", "a,x,1,L1,200mm2,60,", "a,x,zero,L1,round,60,")
    with pytest.raises(InputError, match="of p has no usable row"):
        read(["round", "oval"], None, {"p": file})


def test_there_must_be_something_to_read():
    with pytest.raises(InputError, match="There is nothing to compare"):
        read(["round", "oval"])
