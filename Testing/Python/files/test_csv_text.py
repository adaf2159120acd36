"""CSV: every digit, and nothing that a spreadsheet would compute."""

import csv
import io
import random

import numpy as np
import pytest

from LumbarHULib.files.csv_text import cell_text, csv_text


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_numbers_have_all_their_digits():
    numbers = [random.Random(number).uniform(-2000, 2000) for number in range(200)] + [1e-300, 0.1 + 0.2, -0.0, 2 / 3]
    rows = read(csv_text(["n"], [[number] for number in numbers]))[1:]
    assert [float(cell) for (cell,) in rows] == numbers


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "true"),
        (np.bool_(False), "false"),
        (7, "7"),
        (np.int64(-7), "-7"),
        (np.float64(-1.5), "-1.5"),
        (np.float32(0.5), "0.5"),
        (12.0, "12.0"),
        ("L1", "L1"),
    ],
)
def test_each_kind_of_cell_is_written_plainly(cell, text):
    assert cell_text(cell) == text


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_not_written(number):
    with pytest.raises(ValueError, match="not a finite number"):
        cell_text(number)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "=",
        " =1+1",
        "＝1",
        "-",
        '=HYPERLINK("x","y")',
        "x;=1+1",
        "x\n=1",
        "a\t+b",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_spreadsheet_reads_text_as_a_formula_after_any_line_break(text, delimiter):
    cells = [cell for row in read(csv_text(["case"], [[text]]), delimiter) for cell in row]
    unsafe = [cell for cell in cells if cell.lstrip(' "')[:1] in set("=+-@\t\r＝＋－＠") - {""}]
    assert unsafe == []


def test_harmless_text_is_not_changed():
    texts = ["fracture, old", 'a "quoted" word', "L1;L2", "5 - 3 = 2", "a+b", "ä ± °", " leading", "two\nlines"]
    assert read(csv_text(["t"], [[text] for text in texts]))[1:] == [[text] for text in texts]


def test_lines_end_in_a_line_feed_and_each_has_every_cell():
    assert csv_text(["a", "b"], [[1, None], [None, "x"]]) == "a,b\n1,\n,x\n"
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        csv_text(["a", "b"], [[1]])
