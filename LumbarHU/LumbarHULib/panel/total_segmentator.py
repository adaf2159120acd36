"""Slicer's extension TotalSegmentator, where it is installed: vertebrae without a reader's work."""

from collections.abc import Sequence

import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError


def is_installed() -> bool:
    """Return whether the extension is there."""
    return hasattr(slicer.modules, "totalsegmentator")


def segment_vertebrae(ct_node, levels: Sequence[str]):
    """Return a new segmentation with a segment for each level; this takes minutes.

    Raises
    ------
    InputError
        When the extension is missing, or fails.
    """
    if not is_installed():
        raise InputError(
            _(
                "TotalSegmentator is not installed: get it in View › Extensions Manager › TotalSegmentator, and start "
                "Slicer again."
            )
        )
    logic = slicer.util.getModuleLogic("TotalSegmentator")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{ct_node.GetName()} vertebrae")
    try:
        logic.setupPythonRequirements()  # asks, where something is to be downloaded
        with slicer.util.WaitCursor():
            logic.process(ct_node, node, subset=[f"vertebrae_{level}" for level in levels])
        # It writes the CT for its program without the transform above the CT.
        node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    except Exception as problem:  # whatever another extension, its downloads and its programs may raise
        slicer.mrmlScene.RemoveNode(node)
        raise InputError(_("TotalSegmentator failed: {problem}.").format(problem=str(problem).strip(" ."))) from problem
    return node
