"""The flow from the table to the analysis, counted by hand."""

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.flow import flow_table, flows, main_flows, main_place

NAN = np.nan


def cohort(**more):
    """Return six cases: one without HU, one with one level only, one without group, and two rows that are none."""
    l1, l2 = np.array([100, 90, 80, NAN, 70, 60.0]), np.array([100, 90, 80, NAN, NAN, 60.0])
    level_hu = {("L1", "round"): l1, ("L2", "round"): l2}
    groups = ("normal", "osteoporosis", "", "normal", "normal", "osteopenia")
    left_out = {"of a repeated case": 2}
    return Cohort("c", tuple("abcdef"), level_hu, groups, table_rows=8, rows_left_out=left_out, **more)


def steps(flow):
    return [(step.name, step.n, step.reason_text) for step in flow.steps]


def test_every_step_is_counted_with_its_reasons():
    (flow,) = main_flows(cohort())
    assert (flow.reference, flow.level) == ("DXA", "L1–L4")
    assert steps(flow) == [
        ("rows in the table", 8, ""),
        ("cases", 6, "2 of a repeated case"),
        ("with HU", 4, "1 without HU at any level of L1–L4; 1 with HU at fewer than 2 levels of L1–L4"),
        ("with reference", 3, "1 without group and T-score"),
        ("analyzed", 3, ""),
    ]
    assert flow.classes == {"normal": 1, "osteopenia": 1, "osteoporosis": 1}


def test_each_level_and_each_reference_has_its_own():
    outcome = np.array([0, 1, 1, 0, NAN, NAN])
    every = flows(cohort(numbers={"outcome": outcome}, outcome_name="fracture"))
    assert [(flow.reference, flow.level, flow.n) for flow in every] == [
        *[("DXA", place, n) for place, n in (("L1–L4", 3), ("L1", 4), ("L2", 3))],
        *[("fracture", place, 3) for place in ("L1–L4", "L1", "L2")],
    ]
    assert every[-1].classes == {"without": 1, "with": 2}


def test_the_steps_before_add_up():
    table = flow_table(cohort())
    before = None
    for record in table.records(reference="DXA", level="L1"):
        if record["left_out"] is None:
            continue
        if before is not None:
            assert record["n"] + record["left_out"] == before
        before = record["n"]


def test_where_there_is_no_mean_the_main_level_is_the_one_that_most_cases_have():
    level_hu = {("L1", "round"): np.array([1.0, NAN, NAN]), ("L3", "oval"): np.array([NAN, 2.0, 3.0])}
    assert main_place(Cohort("c", tuple("abc"), level_hu, ("",) * 3)) == "L3"


def test_without_a_reference_the_flow_ends_with_hu():
    (flow,) = main_flows(Cohort("c", ("a",), {("L1", "round"): np.array([1.0])}, ("",)))
    assert (flow.reference, flow.steps[-1].name, flow.n) == ("", "with HU", 1)
