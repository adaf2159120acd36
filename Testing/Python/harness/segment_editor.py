"""Segment Editor, as far as other modules drive it: its real logic behind a widget, and of its effects the margin."""

import math

import slicer
import vtk

from harness.pythonqt import wrap
from harness.widgets import qMRMLWidget


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """What Segment Editor shows and edits."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._effect = None
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._node = None

    def start(self, scene):
        """Have a node in the scene that keeps the choices."""
        self._node = slicer.vtkMRMLSegmentEditorNode()
        self._node.SetSingletonTag("SegmentEditor")
        self._node = scene.AddNode(self._node)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSegmentEditorNode(self._node)

    def segmentationNode(self):
        """Return the edited segmentation node."""
        return self._node.GetSegmentationNode()

    def setSegmentationNode(self, node):
        """Edit a segmentation, its first segment if there was none chosen."""
        self._logic.SetSegmentationNode(node)
        if node is not None and node.GetSegmentation().GetNumberOfSegments():
            self._node.SetSelectedSegmentID(node.GetSegmentation().GetNthSegmentID(0))

    def sourceVolumeNode(self):
        """Return the volume that is edited on."""
        return self._node.GetSourceVolumeNode()

    def setSourceVolumeNode(self, node):
        """Edit on a volume."""
        self._logic.SetSourceVolumeNode(node)

    def currentSegmentID(self):
        """Return the segment that is edited."""
        return self._node.GetSelectedSegmentID() or ""

    def setCurrentSegmentID(self, segment_id):
        """Edit another segment."""
        self._node.SetSelectedSegmentID(segment_id)

    def activeEffect(self):
        """Return the effect that is chosen, or None."""
        return self._effect

    def setActiveEffectByName(self, name):
        """Choose an effect by its name, or none."""
        if name not in ("", "Margin"):
            raise NotImplementedError(f"Segment Editor's effect {name} is not part of the harness.")
        self._effect = _Margin(self._logic, self._node) if name else None


class _Margin:
    """The effect that grows a segment, as SegmentEditorMarginEffect.py does it."""

    def __init__(self, logic, node):
        self._logic, self._node, self._parameters = logic, node, {"MarginSizeMm": 3.0}

    def setParameter(self, name, value):
        """Set one of the effect's parameters."""
        self._parameters[name] = value

    def self(self):
        """Return the effect's Python object."""
        return self

    def onApply(self):
        """Grow the segment by a distance in mm."""
        self._logic.UpdateSelectedSegmentLabelmap()
        labelmap = self._logic.GetSelectedSegmentLabelmap()
        margin_mm = self._parameters["MarginSizeMm"]
        extent = list(labelmap.GetExtent())
        for axis, spacing_mm in enumerate(labelmap.GetSpacing()):
            extent[2 * axis] -= math.ceil(margin_mm / spacing_mm)
            extent[2 * axis + 1] += math.ceil(margin_mm / spacing_mm)
        padded = vtk.vtkImageConstantPad()
        padded.SetInputData(labelmap)
        padded.SetOutputWholeExtent(extent)
        grown = slicer.vtkITKImageMargin()
        grown.SetInputConnection(padded.GetOutputPort())
        grown.CalculateMarginInMMOn()
        grown.SetOuterMarginMM(margin_mm)
        grown.Update()
        changed = slicer.vtkOrientedImageData()
        changed.DeepCopy(grown.GetOutput())
        matrix = vtk.vtkMatrix4x4()
        labelmap.GetImageToWorldMatrix(matrix)
        changed.SetImageToWorldMatrix(matrix)
        self._logic.ModifySegmentByLabelmap(
            self._node.GetSegmentationNode(),
            self._node.GetSelectedSegmentID(),
            changed,
            self._logic.ModificationModeSet,
            False,
            False,
        )


def segment_editor(scene):
    """Return the editor's widget, as Python sees it."""
    editor = qMRMLSegmentEditorWidget()
    editor.start(scene)
    return wrap(editor)
