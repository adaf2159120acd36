"""lumbarhu study prints how the study's numbers agree with each other, computed and not quoted."""

import re

import pytest
from headless.command_runner import lumbarhu

from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs


@pytest.fixture(scope="module")
def printed() -> str:
    run = lumbarhu("study")
    assert (run.exit_code, run.err) == (0, "")
    return run.out


def test_the_notes_of_the_cutoff_file_are_found_again(printed):
    contradicting = printed.partition("numbers that agree")[0]
    for note, reported in (
        (1, "22/27 of those without and with osteoporosis: the columns are swapped"),
        (2, "printed 85.7 in the text, 92.6 in Table 3"),
        (3, "69.9 + 88.9 − 100 gives 0.588"),
        (4, "90.9 + 76.1 − 100 gives 0.670"),
        (5, "nearest are 24/27 and 65/73"),
        (6, "by the cutoffs 91.63 and 97.13 HU it is normal"),
        (7, "“Jorden Index”"),
        (8, "L3 and L4 are the same to the digit"),
    ):
        assert any(reported in line for line in contradicting.splitlines() if line.startswith(f"note {note} ")), note
    assert len(load_cutoffs().cutoffs.notes) == 8


def test_agreements_are_reported_as_well(printed):
    agreeing = printed.partition("numbers that agree")[2]
    assert "Patients, female: printed 83 in the text; Table 1 has 21 + 36 + 26 = 83." in agreeing
    assert "χ² with 4 degrees of freedom gives p = 0.5901" in agreeing


def test_the_intervals_are_those_of_the_shipped_cutoffs(printed):
    rows = re.findall(r"^(\w+) .*?([\d.]+) HU +[\d.]+ HU +([\d.]+) to ([\d.]+) HU", printed, re.MULTILINE)
    shipped = load_cutoffs().cutoffs.rois
    cutoffs = [(roi, shipped[roi].osteoporosis) for roi in ROIS] + [(roi, shipped[roi].normal) for roi in ROIS]
    expected = [(roi, cutoff.cutoff_hu, cutoff.low_hu, cutoff.high_hu) for roi, cutoff in cutoffs]
    assert [(roi, *map(float, numbers)) for roi, *numbers in rows] == expected


@pytest.mark.parametrize("option", [("--studies", "99"), ("--studies", "many"), ("--seed", "-1"), ("--seed", "1.5")])
def test_an_option_beyond_its_limits_is_refused_in_one_sentence(option):
    run = lumbarhu("study", *option)
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert f"{option[0]} {option[1]} cannot be used: give a whole number from" in run.err


def test_every_note_with_a_number_is_shown(printed):
    checks, _, notes = printed.partition("\nThe notes,")
    named = set(re.findall(r"^note (\d)", checks, re.MULTILINE))
    reported = dict(re.findall(r"^note (\d)  (.*)$", notes, re.MULTILINE))
    assert named == set("12345678") == set(reported)
    assert reported["3"].startswith("Left ROI, osteoporosis: 69.9 + 88.9 − 100 gives a Youden index of 0.588")
