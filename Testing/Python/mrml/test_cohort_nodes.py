"""A cohort in the scene: its nodes have the same values as its files, are found again and are updated."""

import csv
import math

import numpy as np
import pytest
import vtk
from mrml.scene_tools import load_scene
from mrml.test_result_tables import columns
from mrml.test_subject_hierarchy import hierarchy_of, tree
from sklearn.metrics import roc_curve
from vtk.util.numpy_support import vtk_to_numpy

from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort_files.folder import write_cohort_folder
from LumbarHULib.cohort_files.synthetic_files import COHORT, READINGS, write_synthetic_cohort
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.cohort_nodes import cohorts, write_cohort
from LumbarHULib.mrml.scene_file import save_scene

OPTIONS = AnalysisOptions(prevalences={"osteoporosis": 0.2, "low_bmd": 0.6}, resamples=100)
ROIS = ("round", "oval", "right", "front", "left")


def analysis_of(folder, with_readings=True):
    cohort = read_cohort(folder / COHORT, folder / READINGS if with_readings else None)
    return analyze(cohort, OPTIONS, load_cutoffs().cutoffs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the example cohort and its results."""
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder)
    return folder


@pytest.fixture(scope="module")
def analysis(folder):
    return analysis_of(folder)


@pytest.fixture(scope="module")
def tables(analysis, folder):
    return write_cohort_folder(folder / "result", analysis, with_figures=False)


@pytest.fixture
def nodes(scene, analysis, tables):
    return write_cohort(scene, analysis, tables)


def series_of(chart):
    """Return label → points, shape (n, 2), as the chart draws them."""
    found = {}
    for number in range(chart.GetNumberOfPlotSeriesNodes()):
        series = chart.GetNthPlotSeriesNode(number)
        table = series.GetTableNode().GetTable()
        x, y = (
            vtk_to_numpy(table.GetColumnByName(name)) for name in (series.GetXColumnName(), series.GetYColumnName())
        )
        drawn = [(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True) if not math.isnan(a)]
        found.setdefault((series.GetName(), series.GetMarkerStyle() == series.MarkerStyleNone), drawn)
    return found


def test_every_table_of_the_folder_is_a_node_with_its_cells(nodes, folder):
    files = {path.stem for path in (folder / "result").glob("*.csv")}
    assert set(nodes.table_names) == files
    for name in files:
        with (folder / "result" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        shown = columns(nodes.table(name))
        assert list(shown) == header
        for place, title in enumerate(header):
            for cell, row in zip(shown[title], rows, strict=True):
                try:
                    assert float(cell) == pytest.approx(float(row[place]), rel=1e-5)
                except ValueError:
                    assert cell == " ".join(row[place].replace('"', "”").split())


def test_numbers_stay_numbers_and_gaps_are_empty(nodes):
    table = nodes.table("roc").GetTable()
    assert isinstance(table.GetColumnByName("auc"), vtk.vtkDoubleArray)
    assert isinstance(table.GetColumnByName("n_positive"), vtk.vtkIntArray)
    assert "" in columns(nodes.table("characteristics"))["median"]


def test_every_figure_is_a_chart_for_each_region(nodes):
    level_figures = [f"{name}_{level}" for level in ("L1", "L2", "L3", "L4") for name in ("correlation", "roc")]
    mean_figures = ["correlation", "groups", "roc", "roc_qct", "roc_outcome"]
    assert [figure.name for figure in nodes.figures] == [*mean_figures, *level_figures, "survival", "bland_altman_1"]
    for figure in nodes.figures:
        assert figure.panels == ROIS
        for panel in figure.panels:
            chart = nodes.chart(figure.name, panel)
            assert panel in chart.GetTitle()
            assert "SYNTHETIC" in chart.GetTitle()
            assert any("n = " in label for label, _ in series_of(chart))
            units = ("HU", "g/cm²", "specificity", "sensitivity", "1: normal", "years", "without")
            for axis in (chart.GetXAxisTitle(), chart.GetYAxisTitle()):
                assert any(unit in axis for unit in units)


def test_the_curve_is_scikit_learns_and_its_marker_that_of_the_file(nodes, analysis, folder):
    cohort = analysis.cohort
    is_positive = [group == "osteoporosis" for group in cohort.groups]
    wrong, found, _ = roc_curve(is_positive, -cohort.mean_hu["oval"], drop_intermediate=False)
    drawn = series_of(nodes.chart("roc", "oval"))
    assert np.array(drawn["osteoporosis: AUC 0.85, n = 27 : 73", True]) == pytest.approx(
        np.column_stack([wrong, found])
    )
    with (folder / "result" / "roc.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = [row for row in csv.DictReader(stream) if (row["roi"], row["target"]) == ("oval", "osteoporosis")]
    label = f"≤ {float(row['cutoff_hu']):.1f} HU"
    assert drawn[label, False] == [(1 - float(row["specificity"]), float(row["sensitivity"]))]


def test_boxes_are_drawn_at_the_quartiles_of_the_table(nodes, folder):
    with (folder / "result" / "groups.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if (row["level"], row["quantity"]) == ("L1–L4", "left")]
    drawn = series_of(nodes.chart("groups", "left"))
    for place, row in enumerate(rows[1:], 1):
        outline = drawn[f"{row['group']}, n = {row['n']}", True]
        assert {x for x, _ in outline} == {place - 0.28, place, place + 0.28}
        assert {float(row[name]) for name in ("q1", "median", "q3")} <= {y for _, y in outline}


def test_points_are_the_cases_by_group(nodes, analysis):
    drawn = series_of(nodes.chart("correlation", "front"))
    cohort = analysis.cohort
    rows = [index for index, group in enumerate(cohort.groups) if group == "osteopenia"]
    assert drawn["osteopenia, n = 40", False] == [
        (cohort.numbers["bmd"][row], cohort.mean_hu["front"][row]) for row in rows
    ]


def test_all_nodes_are_in_one_folder(scene, nodes):
    below = tree(hierarchy_of(scene), hierarchy_of(scene).GetSceneItemID())
    (name,) = below
    assert name == "SYNTHETIC – Cohort synthetic-cohort"
    level_figures = [
        f"{title}, {level}" for level in ("L1", "L2", "L3", "L4") for title in ("HU against BMD", "ROC curves")
    ]
    assert list(below[name]) == [
        *("Tables", "HU against BMD", "HU by group", "ROC curves", "ROC curves, QCT", "ROC curves, outcome"),
        *level_figures,
        "Outcome over time",
        "synthetic-A minus synthetic-B",
    ]
    assert len(below[name]["Tables"]) == len(nodes.table_names)
    assert len(below[name]["ROC curves"]) == len(ROIS) + 1


def test_a_second_run_updates_the_same_nodes_and_removes_obsolete_ones(scene, nodes, folder):
    before, table, chart = scene.GetNumberOfNodes(), nodes.table("roc"), nodes.chart("roc", "round")
    table.SetName("mine")
    gone = nodes.chart("bland_altman_1", "round").GetID()
    analysis = analysis_of(folder, with_readings=False)
    again = write_cohort(scene, analysis, analysis.tables)
    assert (again, len(cohorts(scene))) == (nodes, 1)
    assert (again.table("roc"), again.chart("roc", "round"), table.GetName()) == (table, chart, "mine")
    assert scene.GetNodeByID(gone) is None
    assert "bland_altman_1" not in [figure.name for figure in again.figures]
    assert scene.GetNumberOfNodes() < before
    names = [again.chart("roc", "round").GetNthPlotSeriesNode(n).GetName() for n in range(5)]
    assert len(set(names)) == 5


def test_nodes_that_a_user_moved_to_another_folder_stay_there(scene, nodes, analysis, tables):
    hierarchy = hierarchy_of(scene)
    own = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "mine")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(nodes.table("roc")), own)
    write_cohort(scene, analysis, tables)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(nodes.table("roc"))) == own


def test_deleted_nodes_come_back_with_the_next_run(scene, nodes, analysis, tables):
    scene.RemoveNode(nodes.table("roc"))
    scene.RemoveNode(nodes.chart("roc", "left"))
    assert (nodes.table("roc"), nodes.chart("roc", "left")) == (None, None)
    again = write_cohort(scene, analysis, tables)
    assert len(columns(again.table("roc"))["roi"]) == 25
    assert len(series_of(again.chart("roc", "left"))) == 5


def test_a_saved_scene_is_complete_and_can_be_continued(nodes, scene, analysis, tables, tmp_path):
    save_scene(scene, tmp_path / "scene.mrb")
    before = {name: columns(nodes.table(name)) for name in ("roc", "findings")}
    with headless_scene() as other:
        load_scene(other, tmp_path / "scene.mrb")
        (found,) = cohorts(other)
        assert {name: columns(found.table(name)) for name in before} == before
        assert len(series_of(found.chart("groups", "round"))) == 5
        count = other.GetNumberOfNodes()
        write_cohort(other, analysis, tables)
        assert other.GetNumberOfNodes() == count
