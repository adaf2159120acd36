"""Placement on real CTs: clicks inside and outside traced vertebral bodies, and midlines off mid-height.

Bodies: random clicks within 5 mm of a traced midline's midpoint. The output shows how many are measured, in which
slices, whether another slice is reported, the spread of the means in HU over the clicks in one slice, the distance of
the midline's ends from the traced ones, and the findings. A body with bone that bridges to its neighbor must have a
finding.

Others: clicks in vessels, discs, canal, lung, muscle and organs, none of which may be measured.

Heights: the traced midline moved along the body's axis, with its distance from mid-height, and the result of the check.

Run it with ``python Testing/Evidence/real_placement.py bodies|others|heights [count] [names]``; 100 clicks in each of
25 bodies take half an hour, the rest several minutes.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from traced_vertebrae import CT_ELSEWHERE, REAL_DATA, TracedVertebra, missing_data, traced_vertebrae

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.body_height import body_height
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.placement.clicked_body import guess_from_click
from LumbarHULib.placement.midline import propose_midline

PROTOCOL = load_protocol(None).protocol

# All levels are placed under this name, because LumbarHU does not support T9 to T11.
LEVEL = "L3"
CLICK_MM, OTHER_CLICK_MM = 5.0, 2.0
OFFSETS_MM = (-17.0, -14.0, -10.0, -6.0, 0.0, 6.0, 10.0, 14.0, 17.0)
SEED = 12

# Points outside vertebral bodies, read off the screen, in RAS mm.
OTHERS = {
    "acrin": {
        "psoas": (-15, -55, -629.5),
        "canal": (16, -71, -629.5),
        "vessel": (10, -20, -629.5),
        "muscle of the back": (-20, -105, -629.5),
        "disc L1/L2": (15, -53, -578),
        "disc L2/L3": (16, -50, -612),
        "disc L3/L4": (16.5, -49, -648),
        "disc L4/L5": (17, -48, -685.5),
    },
    "cptac": {
        "aorta": (13, -37, -118),
        "vena cava": (42, -20, -118),
        "kidney": (-15, -55, -118),
        "canal": (23, -92, -118),
        "fat": (2, -75, -118),
    },
    "hcc006": {
        "aorta": (32, -5, -234.5),
        "vena cava": (52, -3, -234.5),
        "canal": (37, -65, -234.5),
        "psoas": (75, -40, -234.5),
        "aorta at T11": (16, -42, -170),
        "bowel": (-13, 6, -234.5),
        "kidney": (95, -45, -170),
        "disc T12/L1": (40, -38, -218.5),
        "disc L1/L2": (42, -28, -252.5),
        "disc T11/T12": (39, -46, -186),
        "disc T10/T11": (37, -51, -153.5),
    },
    "tcga": {
        "aorta": (8, 192, -216.5),
        "vena cava": (27, 187, -216.5),
        "canal": (11, 140, -216.5),
        "psoas": (-25, 165, -216.5),
        "aorta at T11": (4, 163, -100),
        "lung": (40, 150, -100),
        "bowel": (8, 210, -216.5),
        "disc L1/L2": (11, 155, -171),
        "disc L2/L3": (11, 160, -201),
        "disc L3/L4": (12.5, 163, -231),
        "disc L4/L5": (13.5, 163, -266.5),
        "disc T12/L1": (10.5, 148, -142),
    },
    "t12_arterial": {
        "aorta": (8, 138, 568),
        "aorta with stent": (-42, 97, 664),
        "heart": (0, 150, 664),
        "lung": (-20, 120, 664),
        "canal": (3, 86, 568),
        "liver": (50, 130, 568),
        "disc T11/T12": (4, 107, 581),
        "disc T10/T11": (3.5, 104, 604),
        "disc T9/T10": (2.5, 103, 628.5),
    },
    "t12_s1": {
        "aorta": (-12, 167, 316),
        "psoas": (-45, 140, 316),
        "canal": (-3, 113, 316),
        "ilium": (-90, 135, 260),
        "bowel": (-115, 160, 316),
        "disc L2/L3": (-4.5, 140, 334),
        "disc L4/L5": (-4, 143, 258),
        "disc L1/L2": (-5, 130, 369),
        "disc L3/L4": (-4, 146, 297),
    },
    "lidc_native": {
        "aorta": (0, -194, -638.8),
        "canal": (10, -243, -638.8),
        "lung": (-22, -225, -638.8),
        "spinous process": (9, -262, -638.8),
        "disc T9/T10": (10, -226, -601),
        "disc T10/T11": (10, -221.5, -625.5),
        "disc T11/T12": (9, -216, -653.5),
    },
    "t11_t12": {
        "calcified aorta": (-10, 145, -782.5),
        "canal": (7, 86, -782.5),
        "next to the spine": (-40, 70, -782.5),
    },
    "l3_crop": {
        "disc L2/L3": (-25, -160, -46),
        "disc L3/L4": (-25, -160, -82.5),
        "psoas": (15, -155, -64),
        "canal": (-25, -183, -64),
    },
}


def clicks_around(middle_ras_mm: np.ndarray, count: int, within_mm: float) -> np.ndarray:
    """Return points, shape (count, 3), uniformly distributed in a ball."""
    random = np.random.default_rng(SEED)
    directions = random.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return middle_ras_mm + directions * within_mm * random.random((count, 1)) ** (1 / 3)


def placed(stack: AxialStack, clicks: np.ndarray):
    """Yield the proposal and the measured level of each click, or None and the refusal."""
    for click in clicks:
        try:
            proposal = propose_midline(stack, guess_from_click(stack, LEVEL, click, PROTOCOL), PROTOCOL)
            yield proposal, measure_level(stack, proposal.landmarks, PROTOCOL)
        except InputError as problem:
            yield None, str(problem)


def alike(sentences) -> Iterator[tuple[str, int]]:
    """Yield the most common sentences, ignoring numbers, with their counts."""
    yield from Counter(re.sub(r"\d+(\.\d+)?", "#", one) for one in sentences).most_common(3)


def body_line(vertebra: TracedVertebra, count: int) -> tuple[str, bool, float]:
    """Return a body's line, whether a bridge is reported, and the share of clicks measured."""
    stack, midline = vertebra.stack, vertebra.midline_ras_mm
    tried = list(placed(stack, clicks_around(midline.mean(axis=0), count, CLICK_MM)))
    found = [(proposal, level) for proposal, level in tried if proposal is not None]
    traced_slice = round(float(stack.slice_heights(midline.mean(axis=0))))
    line = f"{vertebra.name:17}{len(found):>4} of {count}, traced slice {traced_slice}: "
    codes = Counter(finding.code for proposal, _ in found for finding in proposal.findings)
    if found:
        slices = Counter(level.frame.mid_slice for _, level in found)
        usual = slices.most_common(1)[0][0]
        unreported = sum(
            level.frame.mid_slice != usual
            and not {"mid_slice_ambiguous", "mid_height_ambiguous"} & {one.code for one in proposal.findings}
            for proposal, level in found
        )
        here = [(proposal, level) for proposal, level in found if level.frame.mid_slice == usual]
        means = np.array([[roi.values["mean_hu"] for roi in level.rois.values()] for _, level in here])
        ends_mm = [np.linalg.norm((one.midline_ras_mm - midline)[:, :2], axis=1).max() for one, _ in here]
        line += f"{dict(slices)}, {unreported} in other slices without a finding; HU SD {means.std(axis=0).max():.1f}, "
        line += f"range {np.ptp(means, axis=0).max():.1f}; ends {np.median(ends_mm):.1f} mm; {dict(codes)}"
    refusals = [f"\n    {number} × {text}" for text, number in alike(level for one, level in tried if one is None)]
    return line + "".join(refusals), codes["bridging_bone"] > 0, len(found) / count


def show_bodies(count: int, names: tuple[str, ...]) -> None:
    """Print a line for each traced body, and the share of clicks that were measured."""
    shares = {True: [], False: []}
    for vertebra in traced_vertebrae(PROTOCOL, names):
        line, is_bridged, share = body_line(vertebra, count)
        shares[is_bridged].append(share)
        print(line, flush=True)
    for is_bridged, of_kind in shares.items():
        if of_kind:
            kind = "with a bridge" if is_bridged else "without a bridge"
            mean, least = 100 * np.mean(of_kind), 100 * min(of_kind)
            print(f"{len(of_kind)} bodies {kind}: {mean:.1f} % measured, least {least:.0f} %")


def show_others(count: int, names: tuple[str, ...]) -> None:
    """Print the results of clicks outside vertebral bodies."""
    measured = total = 0
    for scan, points in OTHERS.items():
        if names and scan not in names:
            continue
        own = REAL_DATA / "real-outlines" / "ct" / f"{scan}.nrrd"
        ct = read_ct(own if own.exists() else REAL_DATA / CT_ELSEWHERE[scan]).ct
        stack = axial_stack(ct, PROTOCOL.frame)
        for name, point in points.items():
            tried = list(placed(stack, clicks_around(np.array(point, dtype=float), count, OTHER_CLICK_MM)))
            wrong = [proposal for proposal, _ in tried if proposal is not None]
            measured, total = measured + len(wrong), total + count
            print(f"{scan} {name}: {len(wrong)} of {count} measured", flush=True)
            for text, number in alike(level for proposal, level in tried if proposal is None):
                print(f"    {number} × {text}")
    print(f"{measured} of {total} clicks outside bodies were measured")


def show_heights(_count: int, names: tuple[str, ...]) -> None:
    """Print the distance from mid-height and the check's result for traced midlines moved along the body's axis."""
    print("mm above mid-height: result of the check (* outside a body, ? endplates faint)")
    for vertebra in traced_vertebrae(PROTOCOL, names):
        stack, midline = vertebra.stack, vertebra.midline_ras_mm
        depth_mm = float(np.linalg.norm(midline[0] - midline[1]))
        forward = (midline[0] - midline[1]) / depth_mm
        across = np.cross(stack.normal_ras, forward)
        size_mm = depth_mm, float(np.ptp(vertebra.traced_ras_mm[0] @ across))
        middle = midline.mean(axis=0)
        own = body_height(stack, LEVEL, middle, forward, size_mm, PROTOCOL)
        if own is None:
            print(f"{vertebra.name:17} no body")
            continue
        own_slice, up = own.endplates.middle_slice(stack), own.endplates.up_ras
        cells = []
        for offset_mm in OFFSETS_MM:
            number = round(float(stack.slice_heights(middle + offset_mm * up)))
            if not 0 <= number < len(stack.voxels_hu):
                continue
            along_mm = (number - float(stack.slice_heights(middle))) * stack.slice_spacing_mm / (up @ stack.normal_ras)
            found = body_height(stack, LEVEL, middle + along_mm * up, forward, size_mm, PROTOCOL)
            cell = f"{(number - own_slice) * stack.slice_spacing_mm:+.0f}: "
            if found is None:
                cells.append(cell + "nothing")
                continue
            off_mm = (number - found.endplates.middle_slice(stack)) * stack.slice_spacing_mm
            cells.append(f"{cell}{off_mm:+.1f}{'' if found.inside_mm > 0 else '*'}{'' if found.is_clear else '?'}")
        print(f"{vertebra.name:17} {own.endplates.height_mm:.0f} mm high; {'  '.join(cells)}", flush=True)


def main() -> None:
    """Print one of the tables."""
    if missing_data():
        print(missing_data())
        return
    kind = sys.argv[1] if len(sys.argv) > 1 else "bodies"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    {"bodies": show_bodies, "others": show_others, "heights": show_heights}[kind](count, tuple(sys.argv[3:]))


if __name__ == "__main__":
    main()
