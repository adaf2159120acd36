"""A MRML scene without the application, with only the logics that it needs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slicer
import vtk

# The order matters: volumes take their default color table from the color logic. Units format the lengths of markups.
# Without the data module's logic, every temporary label volume would stay in memory. Terminologies are omitted: their
# logic only looks up terms, in files that slicer-core does not include, and a segment stores its own terms.
_LOGIC_CLASSES: tuple[tuple[str, type], ...] = (
    ("Colors", slicer.vtkSlicerColorLogic),
    ("Units", slicer.vtkSlicerUnitsLogic),
    ("Volumes", slicer.vtkSlicerVolumesLogic),
    ("Data", slicer.vtkSlicerDataModuleLogic),
    ("Markups", slicer.vtkSlicerMarkupsLogic),
    ("SubjectHierarchy", slicer.vtkSlicerSubjectHierarchyModuleLogic),
    ("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic),
)


@contextmanager
def headless_scene() -> Iterator["slicer.vtkMRMLScene"]:
    """Yield an empty scene that reads, writes and colors like the application's scene, and clear it at the end.

    Yields
    ------
    slicer.vtkMRMLScene
        The scene and its logics live as long as the ``with`` block.
    """
    with scene_and_application_logic() as (scene, _application_logic):
        yield scene


@contextmanager
def scene_and_application_logic() -> Iterator[tuple["slicer.vtkMRMLScene", "slicer.vtkSlicerApplicationLogic"]]:
    """Yield a headless scene and the logic that owns its selection and interaction nodes, for adding views.

    Yields
    ------
    slicer.vtkMRMLScene, slicer.vtkSlicerApplicationLogic
        Both live as long as the ``with`` block.
    """
    with tempfile.TemporaryDirectory(prefix="lumbarhu-scene-") as folder:
        scene = slicer.vtkMRMLScene()
        application_logic = _application_logic(scene, Path(folder))
        logics = [_module_logic(application_logic, scene, name, logic) for name, logic in _LOGIC_CLASSES]
        logics += _input_output_logics(application_logic, scene, Path(folder))
        remove_item = vtk.calldata_type(vtk.VTK_OBJECT)(_remove_hierarchy_item)
        observation = scene.AddObserver(scene.NodeAboutToBeRemovedEvent, remove_item)
        try:
            yield scene, application_logic
        finally:
            scene.RemoveObserver(observation)
            scene.Clear(True)
            logics.clear()


def _application_logic(scene: "slicer.vtkMRMLScene", folder: Path) -> "slicer.vtkSlicerApplicationLogic":
    """Return the logic that owns the selection and interaction nodes and the path of temporary files."""
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetTemporaryPath(str(folder))
    if hasattr(logic, "SetHomeDirectory"):  # missing in Slicer 5.12 and older
        (folder / "share" / "ColorFiles").mkdir(parents=True)
        logic.SetHomeDirectory(str(folder))
        logic.SetShareDirectory("share")
    logic.SetMRMLScene(scene)
    return logic


def _module_logic(
    application_logic: "slicer.vtkSlicerApplicationLogic", scene: "slicer.vtkMRMLScene", name: str, logic_class: type
) -> Any:
    logic = logic_class()
    logic.SetMRMLApplicationLogic(application_logic)
    logic.SetMRMLScene(scene)
    application_logic.SetModuleLogic(name, logic)
    return logic


def _input_output_logics(
    application_logic: "slicer.vtkSlicerApplicationLogic", scene: "slicer.vtkMRMLScene", folder: Path
) -> list[Any]:
    """Return the logics needed to read a scene bundle."""
    remote = slicer.vtkMRMLRemoteIOLogic()
    cache = folder / "cache"
    cache.mkdir()
    remote.GetCacheManager().SetRemoteCacheDirectory(str(cache))
    manager = slicer.vtkDataIOManagerLogic()
    manager.SetMRMLApplicationLogic(application_logic)
    manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
    application_logic.SetMRMLSceneDataIO(scene, remote, manager)
    return [remote, manager]


def _remove_hierarchy_item(scene: "slicer.vtkMRMLScene", _event: str, node: "slicer.vtkMRMLNode") -> None:
    """Remove a node's item with the node; in the application, a component that needs Qt does this."""
    hierarchy = scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    if hierarchy is None or hierarchy is node or scene.IsClosing():
        return
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)
