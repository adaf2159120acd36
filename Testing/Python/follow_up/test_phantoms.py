"""Two CTs of one spine whose bone lost a known amount: measured, compared, and the loss recovered."""

import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import rows_of, write_midlines

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine

BEFORE_HU = {"L1": 150.0, "L2": 142.0, "L3": 135.0, "L4": 138.0}
LOSS_HU = {"L1": 40.0, "L2": 44.0, "L3": 38.0, "L4": 2.0}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a folder with the audit folders of two CTs of the same spine, with other noise and another position."""
    folder = tmp_path_factory.mktemp("pair")
    after_hu = {level: hu - LOSS_HU[level] for level, hu in BEFORE_HU.items()}
    for name, trabecular_hu, seed, shift_mm in (("before", BEFORE_HU, 1, 0.0), ("after", after_hu, 2, 0.37)):
        spec = lumbar_spine(tuple(BEFORE_HU), trabecular_hu=trabecular_hu, table=False)
        grid = axial_grid((shift_mm, -6.0 - shift_mm, 16.0), (96.0, 92.0, 130.0), 0.8, 2.5)
        phantom = render_on_grid(spec, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=seed)
        write_ct(folder / f"{name}.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
        markups = write_midlines(folder / f"{name}-markups", phantom)
        more = ("--ct-date", "2020-01-15") if name == "before" else ()
        run = lumbarhu(
            *("measure", folder / f"{name}.nrrd", "--markups", markups, "--out", folder / name),
            *("--case", "P1", "--reader", "AB", *more),
        )
        assert run.exit_code == 0, run.err
    return folder


def follow_up(folder, out, *more):
    return lumbarhu("follow-up", folder / "before", f"{folder / 'after'}=2024-01-15", "--out", out, *more)


def test_without_headers_nothing_is_compared_until_the_user_states_it(pair, tmp_path):
    run = follow_up(pair, tmp_path / "result")
    assert run.exit_code == 0
    assert {row["changed"] for row in rows_of(tmp_path / "result" / "changes.csv")} == {"not comparable"}
    assert "state it with --accept-unknown" in run.out


def test_the_known_loss_is_recovered(pair, tmp_path):
    run = follow_up(pair, tmp_path / "result", "--accept-unknown")
    assert run.exit_code == 0, run.err
    rows = rows_of(tmp_path / "result" / "changes.csv")
    for row in rows:
        lost = LOSS_HU.get(row["level"], sum(LOSS_HU.values()) / 4)
        assert float(row["change_hu"]) == pytest.approx(-lost, abs=3.0), row
        assert float(row["change_low_hu"]) < -lost < float(row["change_high_hu"])
        assert row["changed"] == ("no" if row["level"] == "L4" else "yes")
        assert int(row["days"]) == 1461
        assert float(row["hu_per_year"]) == pytest.approx(float(row["change_hu"]) / 4)
    assert {row["levels"] for row in rows if row["level"] == "mean"} == {"L1;L2;L3;L4"}
    record = (tmp_path / "result" / "record.json").read_text(encoding="utf-8")
    assert '"accept_unknown": true' in record


def test_a_folder_with_a_date_is_verified_as_any_other(pair):
    run = lumbarhu("verify", pair / "before", "--ct", pair / "before.nrrd")
    assert run.exit_code == 0, run.out
