"""Segmentations are read from every segmentation format, with names, values and positions."""

import numpy as np
import pytest
import SimpleITK

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.segmentation_file import read_segmentation

SPACING_MM = (0.8, 0.9, 2.5)


def labels_with(*values) -> np.ndarray:
    """Return a label map in which value n fills a block of its own, from top to bottom."""
    labels = np.zeros((4 * len(values) + 4, 12, 14), np.uint8)
    for place, value in enumerate(reversed(values)):
        labels[4 * place + 2 : 4 * place + 5, 3:9, 4 : 10 + place % 2] = value
    return labels


def written(path, labels, metadata=None, vector=False):
    image = SimpleITK.GetImageFromArray(labels, isVector=vector)
    image.SetSpacing(SPACING_MM)
    image.SetOrigin((-30.0, 12.0, -400.0))
    for key, value in (metadata or {}).items():
        image.SetMetaData(key, value)
    SimpleITK.WriteImage(image, str(path), useCompression=True)
    return path


def middle_ras_mm(labels, value):
    """Return the middle of a block by plain arithmetic."""
    places = np.argwhere(labels == value)
    middle_ijk = ((places.min(axis=0) + places.max(axis=0)) / 2)[::-1]
    return (middle_ijk * SPACING_MM + (-30.0, 12.0, -400.0)) * (-1, -1, 1)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".nii", ".mha"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_a_label_map_of_any_format_and_type_gives_its_segments_in_position(suffix, kind, tmp_path):
    labels = labels_with(20, 21, 250)
    segments = read_segmentation(written(tmp_path / f"seg{suffix}", labels.astype(kind)))
    assert [(segment.value, segment.name) for segment in segments] == [(20, ""), (21, ""), (250, "")]
    for segment in segments:
        assert segment.inside.sum() == np.count_nonzero(labels == segment.value)
        assert np.allclose(segment.middle_ras_mm, middle_ras_mm(labels, segment.value), atol=1e-4)


def test_slicers_segmentation_gives_names_and_terminology(tmp_path):
    labels = labels_with(1, 2)
    fields = {}
    for number, name in enumerate(("L1 vertebra", "Segment_2")):
        fields |= {
            f"Segment{number}_Name": name,
            f"Segment{number}_LabelValue": str(number + 1),
            f"Segment{number}_Layer": "0",
            f"Segment{number}_Tags": f"TerminologyEntry:list~SCT^123037004^x~SCT^{number}^y~^^~l~^^~^^|",
        }
    first, second = read_segmentation(written(tmp_path / "spine.seg.nrrd", labels, fields))
    assert (first.name, first.value, second.name) == ("L1 vertebra", 1, "Segment_2")
    assert "SCT^1^y" in second.terminology


def test_overlapping_segments_are_read_each_from_its_layer(tmp_path):
    upper, lower = labels_with(1, 0), labels_with(0, 1) | (labels_with(1, 0) > 0)
    fields = {
        **{"Segment0_Name": "L1", "Segment0_LabelValue": "1", "Segment0_Layer": "0"},
        **{"Segment1_Name": "L2", "Segment1_LabelValue": "1", "Segment1_Layer": "1"},
    }
    layers = np.stack([upper, lower], axis=-1).astype(np.uint8)
    first, second = read_segmentation(written(tmp_path / "spine.seg.nrrd", layers, fields, vector=True))
    assert (first.name, first.inside.sum()) == ("L1", np.count_nonzero(upper))
    assert (second.name, second.inside.sum()) == ("L2", np.count_nonzero(lower))


def test_a_folder_gives_the_vertebrae_by_the_names_of_its_files(tmp_path):
    labels = labels_with(1)
    for name in ("vertebrae_L1.nii.gz", "vertebrae_L2.nii.gz", "kidney_left.nii.gz"):
        written(tmp_path / name, labels)
    written(tmp_path / "vertebrae_L5.nii.gz", np.zeros_like(labels))
    (tmp_path / "notes.txt").write_text("L3")
    segments = read_segmentation(tmp_path)
    # An empty file named after a vertebra is kept, so that a request for that level is refused with the reason.
    assert [segment.name for segment in segments] == ["vertebrae_L1", "vertebrae_L2", "vertebrae_L5"]
    assert [bool(segment.inside.any()) for segment in segments] == [True, True, False]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "none.nrrd", "There is no file or folder"),
        (lambda folder: folder, "contains no segmentation"),
        (
            lambda folder: written(folder / "ct.nii.gz", labels_with(1).astype(np.int16) - 1000),
            "it is not a segmentation",
        ),
        (
            lambda folder: written(folder / "p.nii.gz", labels_with(1).astype(np.float32) / 3),
            "it is not a segmentation",
        ),
        (lambda folder: written(folder / "map.png", labels_with(1)[3]), "an unsupported"),
    ],
)
def test_a_file_that_is_not_a_segmentation_is_refused(make, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        read_segmentation(make(tmp_path))


def test_a_voxel_that_is_not_a_number_is_refused(tmp_path):
    labels = labels_with(20, 21).astype(np.float32)
    labels[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="contains voxels that are not a number"):
        read_segmentation(written(tmp_path / "seg.nrrd", labels))


def test_a_subfolder_is_not_a_segment(tmp_path):
    written(tmp_path / "L1.nii.gz", labels_with(1))
    (tmp_path / "L2.nii.gz").mkdir()
    assert [segment.name for segment in read_segmentation(tmp_path)] == ["L1"]


def test_a_label_value_of_thousands_of_digits_describes_nothing(tmp_path):
    fields = {"Segment0_Name": "L1", "Segment0_LabelValue": "1" * 5000, "Segment0_Layer": "0"}
    (segment,) = read_segmentation(written(tmp_path / "spine.seg.nrrd", labels_with(1), fields))
    assert (segment.value, segment.name) == (1, "spine")
