"""Output on the terminal after a measurement."""

import html
import json
import re

import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import rows_of, write_line, write_midlines

from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS
from LumbarHULib.files.protocol_file import DEFAULT_PROTOCOL

# The protocol's own words.
STUDYS_WORDS = {
    "osteoporosis": "osteoporosis",
    "osteopenia": "osteopenia",
    "normal": "normal",
}


@pytest.fixture
def measured(spine, tmp_path):
    """Return a function that measures the four levels and returns the printed lines and the summary."""

    def measure(*options, markups=spine.markups):
        out = tmp_path / "out"
        run = lumbarhu("measure", spine.ct, "--markups", markups, "--out", out, *options)
        assert (run.exit_code, run.err) == (0, "")
        return run.out.splitlines(), rows_of(out / "summary.csv")

    return measure


def test_it_begins_with_the_case_and_the_software(measured, spine):
    lines, _ = measured("--case", "C1", "--reader", "AB", "--reading", "2")
    assert lines[0] == "Case C1, reader AB, reading 2; CT ct.nrrd."
    assert lines[1].startswith("Protocol LumbarHU study protocol 2022 1.")
    assert "cutoffs Shanghai 2022 1." in lines[1]
    assert str(spine.ct.parent) not in "\n".join(lines)


def test_values_that_differ_from_the_shipped_protocol_are_on_the_protocol_line(measured, tmp_path):
    lines, _ = measured()
    assert "modified" not in lines[1]
    document = json.loads(DEFAULT_PROTOCOL.read_text(encoding="utf-8"))
    document["values"]["cortical_margin_mm"]["value"] += 0.5
    document["values"]["lsc_hu"]["value"] *= 2
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    lines, _ = measured("--protocol", path, "--overwrite")
    protocol_words, _, _ = lines[1].partition("; cutoffs ")
    assert protocol_words.startswith("Protocol LumbarHU study protocol 2022 1.")
    before, _, names = protocol_words.partition(" (modified: ")
    assert before
    assert sorted(names.removesuffix(")").split(", ")) == ["cortical_margin_mm", "lsc_hu"]


def test_the_tables_are_narrow_and_their_columns_name_their_limits(measured):
    lines, summary = measured()
    (head,) = [line for line in lines if line.endswith("(11.4 HU)")]
    assert head.split()[:2] == ["ROI", "cutoffs"]
    assert [line.strip()[:11] for line in lines[lines.index(head) - 2 : lines.index(head)]] == [
        "Class by   ",
        "the study's",
    ]
    table = lines[lines.index(head) - 2 : lines.index(head) + 6]
    assert max(map(len, table)) <= 110
    for line, row in zip(table[3:], summary, strict=True):
        assert line.split()[0] == row["roi"]
        assert STUDYS_WORDS[row["class"]] in line
        assert f"{float(row['cutoff_low_hu']):.1f} to {float(row['cutoff_high_hu']):.1f}" in line


def test_it_reports_the_placement_uncertainty_of_means_and_classes(measured):
    lines, summary = measured()
    (moved,) = [
        line
        for line in lines
        if line.startswith("Midlines moved 100 times by the error of readers (SD 1 mm and 2 degrees, ")
    ]
    (same,) = [line for line in lines if line.startswith("The class stays the same in: ")]
    for row in summary:
        assert f"{row['roi']} {float(row['placement_sd_hu']):.1f} HU" in moved
        assert f"{row['roi']} {100 * float(row['share_' + row['class']]):.0f} %" in same


def test_it_lists_the_regions_of_each_class(measured):
    lines, summary = measured()
    for name, words in STUDYS_WORDS.items():
        rois = [row["roi"] for row in summary if row["class"] == name]
        head = f"{words[0].upper()}{words[1:]}: "
        reported = [line for line in lines if line.startswith(head)]
        assert reported == ([f"{head}{', '.join(rois)}."] if rois else [])


@pytest.mark.parametrize(("whose", "words"), [("Ward 7's", "Ward 7's"), (None, "the")])
def test_custom_cutoffs_are_not_called_the_studys(whose, words, measured, spine, tmp_path):
    document = json.loads(DEFAULT_CUTOFFS.read_text(encoding="utf-8"))
    document |= {"name": "Ward 7", "level_medians": document["level_medians"] | {"source": "Ward 7"}}
    del document["whose"]
    if whose is not None:
        document["whose"] = whose
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    lines, summary = measured("--cutoffs", path, "--exclude", "L1=fracture")
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for row in summary:
        reported = STUDYS_WORDS[row["class"]].replace("the study's", words)
        assert [line for line in lines if line.startswith(row["roi"]) and reported in line]
        assert reported in html.unescape(report)
    assert "the study's osteoporosis" not in "\n".join(lines)
    assert not re.search("the study.{1,6}s (cutoffs|osteoporosis|upper)", report)
    assert lumbarhu("verify", tmp_path / "out", "--ct", spine.ct).exit_code == 0


def test_missing_levels_are_listed_in_one_line_with_each_regions_shift(measured):
    lines, _ = measured("--exclude", "L1=old fracture")
    (line,) = [line for line in lines if "without L1" in line]
    assert line.startswith("- The means are over L2, L3, L4, without L1 (old fracture); ")
    # The study's medians for osteopenia.
    assert "this shifts the means: round -7.7 HU, oval -7.2 HU, right -1.0 HU, front -8.2 HU, left -4.6 HU" in line


def test_an_ignored_markup_is_reported(measured, spine, tmp_path):
    markups = write_midlines(tmp_path / "markups", spine.phantom)
    write_line(markups / "L.mrk.json", spine.phantom.truth["L1"].midline_ras_mm)
    lines, _ = measured(markups=markups)
    assert [line for line in lines if line.startswith("- One markup was ignored")]
