"""Readings of a patient's CTs in a scene give the follow-up that their audit folders give, and its nodes."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
from mrml.scene_tools import load_scene

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.follow_up.job import FollowUpJob, make_follow_up
from LumbarHULib.mrml.ct_date import state_date
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.export_reading import export_reading
from LumbarHULib.mrml.follow_up_nodes import follow_ups, write_follow_up_nodes
from LumbarHULib.mrml.follow_up_readings import TimePoints, follow_up_of
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.scene_file import save_scene

FACTS = ScanFacts(tube_voltage_kv=120.0, manufacturer="Maker", scanner_model="Model", kernel="B30", contrast=False)
DATES = ("2024-03-01", "2026-03-01")
LOST_HU = 40


@pytest.fixture
def ct_nodes(scene, bodies):
    """Return two CTs of one patient: in the second, everything has 40 HU less."""
    later = CtVolume(bodies.ct.voxels_hu - np.int16(LOST_HU), bodies.ct.ras_from_ijk)
    nodes = [volume_node_from_ct(scene, ct, name) for ct, name in ((bodies.ct, "CT 2024"), (later, "CT 2026"))]
    for node, date in zip(nodes, DATES, strict=True):
        state_date(node, date)
    return nodes


@pytest.fixture
def results(ct_nodes, start_reading):
    readings = [start_reading(node=node, case="7", scan_facts=FACTS) for node in ct_nodes]
    return {reading: ReadingMeasurer(reading).measure() for reading in readings}


def test_it_is_the_follow_up_of_the_exported_folders(results, tmp_path):
    found = follow_up_of(TimePoints(results))
    folders = [
        export_reading(tmp_path / str(n), reading, result) for n, (reading, result) in enumerate(results.items())
    ]
    exported = make_follow_up(FollowUpJob(folders))
    assert found.changes.rows == exported.changes.rows
    assert [audit.record_sha256 for audit in found.audits] == [audit.record_sha256 for audit in exported.audits]
    assert [finding.code for finding in found.findings] == [finding.code for finding in exported.findings]
    first, second = ({summary.roi: summary.mean_hu for summary in result.summaries} for result in results.values())
    for record in found.changes.records(level="mean"):
        assert record["change_hu"] == pytest.approx(second[record["roi"]] - first[record["roi"]], abs=1e-9)
        # The outline may be found elsewhere in the darker CT, by little.
        assert record["change_hu"] == pytest.approx(-LOST_HU, abs=1.5)
        assert (record["days"], record["changed"]) == (730, "yes")


def test_a_reading_of_the_scene_is_compared_with_a_folder(results, tmp_path):
    (first, second), numbers = results, list(results.values())
    folder = export_reading(tmp_path, first, numbers[0])
    found = follow_up_of(TimePoints({second: numbers[1]}, [folder]))
    assert [audit.name for audit in found.audits] == ["1", "CT 2026, Reader A – reading 1"]
    names = ("level", "roi", "from_date", "from_hu", "to_hu", "change_hu", "changed")
    rows = [
        [[record[name] for name in names] for record in one.changes.records()]
        for one in (found, follow_up_of(TimePoints(results)))
    ]
    assert rows[0] == rows[1]


def test_a_date_of_the_headers_is_given_and_stored_nowhere(results, ct_nodes):
    for node in ct_nodes:
        state_date(node, "")
    dates = dict(zip(results, DATES, strict=True))
    found = follow_up_of(TimePoints(results, dates=dates))
    assert [str(audit.date) for audit in found.audits] == list(DATES)
    for reading in results:
        texts = [reading.node.GetParameter(name) for name in reading.node.GetParameterNames()]
        assert not any(date in text for date in DATES for text in texts)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(FACTS, tube_voltage_kv=100.0), "tube voltage differs (120 and 100 kV)"),
        (replace(FACTS, scanner_model="Other"), "scanner model differs"),
        (replace(FACTS, contrast=True), "contrast medium is in the CT of 2026-03-01 only"),
    ],
)
def test_what_must_agree_is_checked_as_on_the_command_line(ct_nodes, start_reading, facts, word):
    readings = [
        start_reading(node=node, case="7", scan_facts=of, levels=("L1", "L2"))
        for node, of in zip(ct_nodes, (FACTS, facts), strict=True)
    ]
    found = follow_up_of(TimePoints({one: ReadingMeasurer(one).measure() for one in readings}))
    assert {record["changed"] for record in found.changes.records()} == {"not comparable"}
    assert all(word in record["reason"] for record in found.changes.records(level="mean"))


def test_readings_of_one_ct_or_of_different_cases_are_refused(ct_nodes, start_reading):
    first, again = (start_reading(node=ct_nodes[0], case="7", levels=("L1", "L2")) for _ in range(2))
    other = start_reading(node=ct_nodes[1], case="8", levels=("L1", "L2"))
    results = {one: ReadingMeasurer(one).measure() for one in (first, again, other)}
    with pytest.raises(InputError, match="are readings of the same CT: a change needs two CTs"):
        follow_up_of(TimePoints({one: results[one] for one in (first, again)}))
    both = TimePoints({one: results[one] for one in (first, other)})
    with pytest.raises(InputError, match="are of different cases"):
        follow_up_of(both)
    assert follow_up_of(both, case="7", accept_unknown=True).case == "7"


def test_the_scene_has_a_table_of_the_means_and_a_plot_for_each_region(scene, results, tmp_path):
    found = follow_up_of(TimePoints(results))
    nodes = write_follow_up_nodes(scene, found)
    table = nodes.table("means")
    columns = [table.GetColumnName(number) for number in range(table.GetNumberOfColumns())]
    row = {name: table.GetCellText(0, number) for number, name in enumerate(columns)}
    (record,) = found.changes.records(level="mean", roi="round")
    assert (row["ROI"], row["from"], row["to"], row["changed"]) == ("round", *DATES, "yes")
    assert row["change (HU)"] == f"{-LOST_HU:+.1f}"
    assert row["95 % interval"] == f"{record['change_low_hu']:+.1f} to {record['change_high_hu']:+.1f}"
    (figure,) = nodes.figures
    assert figure.panels == ("round", "oval", "right", "front", "left")
    chart = nodes.chart(figure.name, "round")
    drawn = {}
    for number in range(chart.GetNumberOfPlotSeriesNodes()):
        series = chart.GetNthPlotSeriesNode(number)
        x, y = (
            slicer.util.arrayFromTableColumn(series.GetTableNode(), name)
            for name in (series.GetXColumnName(), series.GetYColumnName())
        )
        drawn[series.GetName()] = [(a, b) for a, b in zip(x, y, strict=True) if not np.isnan(a)]
    ends = [(0.0, record["from_hu"]), (730.0, record["to_hu"])]
    assert np.allclose(drawn["mean over levels"], ends, atol=1e-9)
    low_hu, high_hu = (record["from_hu"] + record[name] for name in ("change_low_hu", "change_high_hu"))
    assert np.allclose(drawn["95 % interval"], [(730.0, low_hu), (730.0, high_hu)], atol=1e-9)
    l3 = [one["mean_hu"] for one in found.measurements.records(level="L3", roi="round")]
    assert [hu for _, hu in drawn["L3"]] == pytest.approx(l3)
    save_scene(scene, tmp_path / "scene.mrb")
    load_scene(scene, tmp_path / "scene.mrb")
    (kept,) = follow_ups(scene)
    assert kept.case == "7"
    assert kept.table("means").GetCellText(0, columns.index("changed")) == "yes"
    assert kept.chart(figure.name, "left") is not None


def test_a_second_run_updates_the_nodes(scene, results):
    found = follow_up_of(TimePoints(results))
    first = write_follow_up_nodes(scene, found)
    nodes = {name: first.table(name) for name in first.table_names}
    count = scene.GetNumberOfNodes()
    again = write_follow_up_nodes(scene, found)
    assert {name: again.table(name) for name in again.table_names} == nodes
    assert scene.GetNumberOfNodes() == count
