from mrml.scene_tools import move_point

from LumbarHULib.mrml.reading_lifecycle import unsaved_names
from LumbarHULib.mrml.reading_markups import markup_node


def test_a_reading_that_is_kept_elsewhere_is_not_lost_and_another_is(start_reading, scene, measurer, reading):
    measurer.measure()
    assert "L1-midline" in unsaved_names(scene)
    assert unsaved_names(scene, reading) == ()
    start_reading("B", levels=("L2",))
    assert unsaved_names(scene, reading) == ("L2-midline (2)",)


def test_a_saved_reading_is_unsaved_only_after_a_change(reading, measurer, scene, tmp_path):
    measurer.measure()
    node = markup_node(reading, "L3", "midline")
    node.AddDefaultStorageNode(str(tmp_path / "L3.mrk.json"))
    assert node.GetStorageNode().WriteData(node)
    assert "L3-midline" not in unsaved_names(scene)
    move_point(node, 0, (1, 0, 0))
    assert "L3-midline" in unsaved_names(scene)
