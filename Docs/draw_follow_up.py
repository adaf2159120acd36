"""Draw the figure of the page on follow-up from three rendered CTs of one spine: run it with ``make pictures``."""

import argparse
import shutil
import tempfile
from pathlib import Path

import lumbarhu
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine

TRABECULAR_HU = {"L1": 140.0, "L2": 132.0, "L3": 125.0, "L4": 128.0}
# Date, loss since the first date in HU, and tube voltage in kV.
CTS = (
    ("2020-03-02", 0.0, 120.0),
    ("2022-03-01", 14.0, 120.0),
    ("2024-02-29", 34.0, 120.0),
    ("2025-09-01", 24.0, 100.0),
)


def main() -> None:
    """Measure the CTs, compare them, and keep the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "figures")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        dated = {}
        for seed, (date, loss_hu, voltage_kv) in enumerate(CTS):
            dated[Path(folder) / date] = date
            write_audit(Path(folder) / date, loss_hu, voltage_kv, seed)
        lumbarhu.follow_up(dated, Path(folder) / "follow-up")
        shutil.copy(Path(folder) / "follow-up" / "trend.svg", out / "follow-up.svg")


def write_audit(folder: Path, loss_hu: float, voltage_kv: float, seed: int) -> None:
    """Render the spine with this loss of trabecular HU, measure it, and write its audit folder."""
    trabecular_hu = {level: hu - loss_hu for level, hu in TRABECULAR_HU.items()}
    spine = lumbar_spine(tuple(TRABECULAR_HU), trabecular_hu=trabecular_hu, table=False)
    grid = axial_grid((0.0, -6.0, 16.0), (96.0, 92.0, 130.0), 0.8, 2.5)
    phantom = render_on_grid(spine, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=seed)
    scan = lumbarhu.ScanFacts(
        tube_voltage_kv=voltage_kv, contrast=False, manufacturer="Example", scanner_model="One", source="DICOM"
    )
    ct = lumbarhu.ct_from_array(phantom.voxels_hu, phantom.ras_from_ijk, scan)
    measured = lumbarhu.measure(ct, {level: phantom.truth[level].midline_ras_mm for level in TRABECULAR_HU})
    measured.write_audit(folder, case="phantom", reader="AB")


if __name__ == "__main__":
    main()
