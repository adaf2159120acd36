"""How much the numbers of traced vertebrae depend on the position of the midline.

Each traced midline is moved a hundred times by a reader's error (SD of 1 mm along and across, and of 2° in rotation).
It is measured with the outline found there, and with the traced outline at the same midline. One line for each vertebra
shows the percentage that was measured, and for each region the SD of its mean over the midlines with the outline found,
the SD that the traced outline explains (mean of both tracings), and the SD of the difference. Vertebrae whose SD
exceeds the explained SD by more than 1 HU are marked.

Run it with ``python Testing/Evidence/real_outlines_jitter.py [--count 100] [--only tcga_L1 …]``. It needs the traced
vertebrae, and says so where they are missing.
"""

import argparse
from collections import Counter

import numpy as np
from hostile_outlines import shifted_midline
from traced_vertebrae import TracedVertebra, missing_data, traced_vertebrae

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.files.protocol_file import load_protocol

ALLOWED_HU = 1.0


def means_hu(vertebra: TracedVertebra, midline_ras_mm: np.ndarray, protocol, outline_ras_mm=None) -> np.ndarray:
    """Return the five means at a midline, shape (5,), with the outline given or found."""
    landmarks = Landmarks("L2", midline_ras_mm)
    level = measure_level(vertebra.stack, landmarks, protocol, known_outline_ras_mm=outline_ras_mm)
    return np.array([level.rois[roi].values["mean_hu"] for roi in ROIS], dtype=float)


def trials(vertebra: TracedVertebra, count: int, protocol) -> tuple[np.ndarray, np.ndarray, Counter]:
    """Return means with the outline found, shape (m, 5), with the tracings, shape (m, 2, 5), and refusals."""
    random = np.random.default_rng([12, *vertebra.name.encode()])
    found, traced, refusals = [], [], Counter()
    for _ in range(count):
        midline = shifted_midline(vertebra.midline_ras_mm, random)
        try:
            means = means_hu(vertebra, midline, protocol)
        except InputError as problem:
            refusals[str(problem)[:90]] += 1
            continue
        found.append(means)
        traced.append([means_hu(vertebra, midline, protocol, points) for points in vertebra.outlines_ras_mm])
    return np.array(found).reshape(-1, 5), np.array(traced).reshape(-1, 2, 5), refusals


def line_of(vertebra: TracedVertebra, count: int, protocol) -> tuple[str, float, np.ndarray]:
    """Return a vertebra's line, the share that was measured, and the excess of its SDs over the explained SDs."""
    found, traced, refusals = trials(vertebra, count, protocol)
    measured = len(found) / count
    if len(found) < 3:
        return f"{vertebra.name:18s} {100 * measured:4.0f} %  {refusals.most_common(1)}", measured, np.full(5, np.nan)
    sd = found.std(axis=0, ddof=1)
    explained = traced.std(axis=0, ddof=1).mean(axis=0)
    apart = (found - traced.mean(axis=1)).std(axis=0, ddof=1)
    excess = sd - explained
    cells = " | ".join(
        f"{a:5.1f} {b:4.1f} {c:4.1f}{'*' if d > ALLOWED_HU else ' '}"
        for a, b, c, d in zip(sd, explained, apart, excess, strict=True)
    )
    refused = f"  {refusals.most_common(1)[0]}" if refusals else ""
    return f"{vertebra.name:18s} {100 * measured:4.0f} % | {cells}{refused}", measured, excess


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    missing = missing_data()
    if missing:
        print(missing)
        return
    protocol = load_protocol().protocol
    print(f"{'vertebra':18s} {'meas.':>6s} | " + " | ".join(f"{roi:^16s}" for roi in ROIS))
    print(f"{'':25s} | " + " | ".join(f"{'SD':>5s} {'tr.':>4s} {'diff':>4s} " for _ in ROIS))
    shares, excesses = [], []
    for vertebra in traced_vertebrae(protocol, tuple(given.only)):
        line, share, excess = line_of(vertebra, given.count, protocol)
        print(line, flush=True)
        shares.append(share)
        excesses.append(excess)
    worst = np.nanmax(np.array(excesses), axis=0)
    print(f"Measured: {100 * np.mean(shares):.1f} % in all, {100 * min(shares):.0f} % at the worst vertebra.")
    greatest = ", ".join(f"{roi} {value:+.1f}" for roi, value in zip(ROIS, worst, strict=True))
    over = int((np.nan_to_num(np.array(excesses), nan=99.0) > ALLOWED_HU).any(axis=1).sum())
    print(f"Greatest SD in excess of the traced outline's, HU: {greatest}; above {ALLOWED_HU:g} HU in {over}.")


if __name__ == "__main__":
    main()
