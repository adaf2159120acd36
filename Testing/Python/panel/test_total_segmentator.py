"""The button that runs TotalSegmentator: the extension's own functions and parameters, over a program of ours."""

import contextlib

import numpy as np

ALL = ("L1", "L2", "L3", "L4")


def test_what_total_segmentator_finds_is_proposed_and_what_it_lacks_is_reported(application, tmp_path):
    from panel.driver import Driver

    from LumbarHULib.self_test.synthetic_mouse import settle

    driver = Driver(tmp_path)
    driver.start_reading()
    driver.ui.huTotalSegmentatorButton.click()
    assert driver.ui.huMessageLabel.text.startswith("TotalSegmentator is not installed")
    with installed(TotalSegmentatorLogic(("L1", "L2", "L4"))) as logic:
        driver.ui.huTotalSegmentatorButton.click()
        settle()
        assert logic.asked == [f"vertebrae_{level}" for level in ALL]
        assert driver.ui.huMessageLabel.text == "TotalSegmentator found no L3."
        assert sorted(driver.shown()) == ["L1", "L2", "L4"]
        assert driver.shown() == driver.measured_afresh()


def test_what_total_segmentator_complains_of_is_reported_and_leaves_no_node(application, tmp_path):
    from panel.driver import Driver

    from LumbarHULib.self_test.synthetic_mouse import settle

    driver = Driver(tmp_path)
    driver.start_reading()
    count = driver.ct_node.GetScene().GetNumberOfNodes()
    with installed(TotalSegmentatorLogic(problem="there is no PyTorch.")):
        driver.ui.huTotalSegmentatorButton.click()
        settle()  # the scene comes to rest, and the sentence stays
        assert driver.ui.huMessageLabel.text == "TotalSegmentator failed: there is no PyTorch."
        assert driver.ct_node.GetScene().GetNumberOfNodes() == count


class TotalSegmentatorLogic:
    """What the panel calls of the extension's logic, by the names that it has there (May 2026)."""

    def __init__(self, found=(), problem=""):
        self._found, self._problem, self.asked = found, problem, []

    def setupPythonRequirements(self, upgrade=False):  # noqa: N802
        if self._problem:
            raise RuntimeError(self._problem)

    def process(
        self,
        inputVolume,  # noqa: N803
        outputSegmentation,  # noqa: N803
        quality=None,
        cpu=False,
        task=None,
        subset=None,
        interactive=False,
        sequenceBrowserNode=None,  # noqa: N803
    ):
        import slicer
        import vtk
        from vtk.util.numpy_support import numpy_to_vtk

        self.asked = subset
        for name in subset:
            level = name.removeprefix("vertebrae_")
            body = body_of(level, inputVolume) * (level in self._found)
            image, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
            inputVolume.GetIJKToRASMatrix(matrix)
            image.SetDimensions(body.shape[::-1])
            image.SetImageToWorldMatrix(matrix)
            image.GetPointData().SetScalars(numpy_to_vtk(body.ravel(), deep=True))
            segment = slicer.vtkSegment()
            segment.SetName(f"{level} vertebra")
            segment.AddRepresentation("Binary labelmap", image)
            outputSegmentation.GetSegmentation().AddSegment(segment, name)


def body_of(level: str, ct_node) -> np.ndarray:
    """Return the voxels of a plain body, shape (k, j, i)."""
    from mrml.plain_bodies import HALF_DEPTH_MM, HALF_WIDTH_MM, plain_bodies

    from LumbarHULib.mrml.ct_node import node_from_ijk, voxels_of

    matrix = node_from_ijk(ct_node)
    middle_ras_mm = plain_bodies().midlines_ras_mm[level].mean(axis=0)
    indices = np.indices(voxels_of(ct_node).shape, sparse=True)[::-1]
    across, along, up = (
        matrix[axis, axis] * indices[axis] + matrix[axis, 3] - middle_ras_mm[axis] for axis in range(3)
    )
    inside = (across / HALF_WIDTH_MM) ** 2 + (along / HALF_DEPTH_MM) ** 2 < 1
    return (inside & (np.abs(up) < 13)).astype(np.uint8)


@contextlib.contextmanager
def installed(logic):
    """Give the application the extension."""
    import slicer

    module_logic = slicer.util.getModuleLogic
    slicer.modules.totalsegmentator = object()
    slicer.util.getModuleLogic = {"TotalSegmentator": logic}.__getitem__
    try:
        yield logic
    finally:
        del slicer.modules.totalsegmentator
        slicer.util.getModuleLogic = module_logic
