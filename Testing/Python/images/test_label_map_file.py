"""Label maps as SimpleITK reads them."""

import gzip
import tracemalloc

import numpy as np
import pytest
import SimpleITK
from audit.readings import SHEARED_STEPS_RAS_MM, STEPS_RAS_MM, random_ct, stored_otherwise

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import RoiMask
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.images.label_map_file import write_label_map
from LumbarHULib.images.sitk_file import write_with_sitk

PROTOCOL = load_protocol().protocol
OBLIQUE = np.linalg.qr(np.array([[-9.0, 0.5, 1.0], [1.0, -8.0, 0.3], [-0.7, 0.4, 9.0]]))[0]
OBLIQUE = OBLIQUE * np.sign(np.diag(OBLIQUE)) * (-1, -1, 1) * (1 / 3, 0.7, 2.5)


def two_masks(stack) -> list[tuple[int, RoiMask]]:
    generator = np.random.default_rng(3)
    return [
        (20, RoiMask(generator.random((1, 9, 12)) < 0.6, (18, 20, 30))),
        (23, RoiMask(generator.random((3, 8, 5)) < 0.6, (4, 2, 1))),
    ]


@pytest.mark.parametrize(
    "steps_ras_mm", [STEPS_RAS_MM, OBLIQUE, SHEARED_STEPS_RAS_MM], ids=["upright", "oblique", "sheared"]
)
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flipped", [(), (0,), (0, 1, 2)])
def test_simpleitk_finds_each_voxel_at_its_world_position(tmp_path, steps_ras_mm, axes, flipped):
    ct = stored_otherwise(random_ct(steps_ras_mm), axes, flipped)
    stack = axial_stack(ct, PROTOCOL.frame)
    masks = two_masks(stack)
    write_label_map(tmp_path / "round.nrrd", stack, ct.ras_from_ijk, masks)
    image = SimpleITK.ReadImage(str(tmp_path / "round.nrrd"))
    assert image.GetPixelID() == SimpleITK.sitkUInt8
    assert image.GetSize() == ct.voxels_hu.shape[::-1]
    expected = {}
    for value, mask in masks:
        for kji in np.argwhere(mask.inside) + mask.offset_kji:
            x, y, z = stack.ras_from_ijk[:3] @ (*kji[::-1], 1)
            expected[image.TransformPhysicalPointToIndex((-x, -y, z))] = value
    labels = SimpleITK.GetArrayFromImage(image)
    assert {tuple(kji[::-1]): int(labels[tuple(kji)]) for kji in np.argwhere(labels).tolist()} == expected


@pytest.mark.parametrize(
    "steps_ras_mm", [STEPS_RAS_MM, OBLIQUE, SHEARED_STEPS_RAS_MM], ids=["upright", "oblique", "sheared"]
)
def test_the_grid_matches_the_ct_when_simpleitk_reads_both(tmp_path, steps_ras_mm):
    ct = random_ct(steps_ras_mm)
    write_label_map(tmp_path / "round.nrrd", axial_stack(ct, PROTOCOL.frame), ct.ras_from_ijk, [])
    write_with_sitk(tmp_path / "ct.nrrd", ct.voxels_hu, ct.ras_from_ijk)
    label_map, stored_ct = (SimpleITK.ReadImage(str(tmp_path / name)) for name in ("round.nrrd", "ct.nrrd"))
    for corner in np.ndindex(2, 2, 2):
        index = [int(end * (size - 1)) for end, size in zip(corner, stored_ct.GetSize(), strict=True)]
        assert label_map.TransformIndexToPhysicalPoint(index) == pytest.approx(
            stored_ct.TransformIndexToPhysicalPoint(index), abs=1e-9
        )


def test_the_same_voxels_give_the_same_bytes_without_a_time_or_a_name(tmp_path):
    stack = axial_stack(random_ct(), PROTOCOL.frame)
    for name in ("round.nrrd", "other.nrrd"):
        write_label_map(tmp_path / name, stack, stack.ras_from_ijk, two_masks(stack))
    content = (tmp_path / "round.nrrd").read_bytes()
    assert content == (tmp_path / "other.nrrd").read_bytes()
    compressed = content.partition(b"\n\n")[2]
    assert compressed[:9] == gzip.compress(b"", mtime=0)[:3] + bytes(5) + compressed[8:9]


def test_two_levels_that_overlap_are_refused(tmp_path):
    stack = axial_stack(random_ct(), PROTOCOL.frame)
    mask = two_masks(stack)[0][1]
    with pytest.raises(InputError, match="regions of L1 and L2 overlap"):
        write_label_map(tmp_path / "round.nrrd", stack, stack.ras_from_ijk, [(20, mask), (21, mask)])


def test_only_a_few_slices_are_in_memory(tmp_path):
    voxels = np.zeros((300, 512, 512), np.int8)
    voxels[0, 0, :2] = (-100, 100)
    voxels[1:] = 1
    ct = CtVolume(voxels, np.diag([-0.7, -0.7, 1.0, 1.0]))
    stack = axial_stack(ct, PROTOCOL.frame)
    tracemalloc.start()
    write_label_map(tmp_path / "round.nrrd", stack, ct.ras_from_ijk, two_masks(stack))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6
