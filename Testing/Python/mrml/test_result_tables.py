import pytest

from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import exclude_level
from LumbarHULib.mrml.result_tables import results_table, summary_table


def columns(node):
    table = node.GetTable()
    return {
        table.GetColumnName(number): [table.GetValue(row, number).ToString() for row in range(table.GetNumberOfRows())]
        for number in range(table.GetNumberOfColumns())
    }


def test_the_results_table_has_a_row_for_every_level_and_region(reading, measurer):
    result = measurer.measure()
    shown = columns(results_table(reading))
    assert shown["level"] == [level for level in ("L1", "L2", "L3", "L4") for _ in range(5)]
    assert shown["ROI"] == ["round", "oval", "right", "front", "left"] * 4
    oval = result.levels[1].rois["oval"].values
    assert float(shown["Mean (HU)"][6]) == pytest.approx(oval["mean_hu"], abs=0.05)
    assert float(shown["Area (mm²)"][6]) == pytest.approx(oval["area_mm2"], abs=0.05)
    assert shown["Voxels"][6] == str(oval["voxels"])


def test_the_summary_table_has_a_row_for_every_region(reading, measurer):
    exclude_level(reading, "L3", 'metal "screw"\tnear it')
    result = measurer.measure()
    shown = columns(summary_table(reading))
    assert shown["ROI"] == ["round", "oval", "right", "front", "left"]
    assert shown["L1"][1] == f"{result.levels[0].rois['oval'].values['mean_hu']:.1f}"
    assert "L3 (excluded)" in shown
    assert shown["mean of"] == ["L1 L2 L4"] * 5
    assert shown["mean (HU)"][1] == f"{result.summaries[1].mean_hu:.1f}"
    assert shown["osteoporosis cutoff (HU)"][0] == "87.75"
    titles = list(shown)
    assert titles[titles.index("Class by the study's cutoffs") + 1] == "next to the cutoff"
    assert columns(results_table(reading))["excluded"][10] == "metal ”screw” near it"


def test_column_titles_are_headers_in_slicers_table_view(reading, measurer):
    measurer.measure()
    assert results_table(reading).GetUseColumnTitleAsColumnHeader()
    assert results_table(reading).GetColumnTitle("Mean (HU)") == "Mean (HU)"


def test_a_reading_without_a_level_has_tables_without_rows_of_levels(start_reading):
    reading = start_reading(levels=())
    ReadingMeasurer(reading).measure()
    assert results_table(reading).GetNumberOfRows() == 0
    assert columns(summary_table(reading))["Class by the study's cutoffs"] == ["not classified"] * 5


def test_a_table_that_is_filled_again_is_one_event_and_the_same_node(reading, measurer):
    measurer.measure()
    node, events = results_table(reading), []
    tag = node.AddObserver("ModifiedEvent", lambda *_: events.append(1))
    measurer.measure()
    node.RemoveObserver(tag)
    assert results_table(reading) is node
    assert len(events) == 1
