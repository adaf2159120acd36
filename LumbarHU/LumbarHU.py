import json
from typing import Annotated

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScriptedModuleNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.quantities import QUANTITIES
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.resources import resource_path
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import Reading, readings
from LumbarHULib.panel.context_menu import LumbarHUSubjectHierarchyPlugin as LumbarHUSubjectHierarchyPlugin
from LumbarHULib.panel.context_menu import register_context_menu
from LumbarHULib.panel.folding import RoomForSections
from LumbarHULib.panel.panel import Panel
from LumbarHULib.phantom.demo import demo_ct
from LumbarHULib.self_test.walk import STEPS, PanelWalk

#
# LumbarHU
#


class LumbarHU(ScriptedLoadableModule):
    """HU of five regions in the lumbar vertebrae, compared with published cutoffs."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Lumbar HU")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = []
        self.parent.contributors = ["LumbarHU contributors"]
        self.parent.helpText = _("""
Measures Hounsfield units in five regions of L1–L4 on a CT, from one line per level, and compares the means with the
cutoffs of a published study.<br><br>
The large button is always the next step, and so are Space and Enter: <i>New reading</i>, <i>Place L1</i> and so on.
<i>Sign off</i> and <i>Export</i> need Enter.<br><br>
<b>Place</b> a level: scroll the axial view to the middle of the vertebral body's height (or click once in the sagittal
view), then click the body's front edge and its back edge. Boundary, outline and regions follow; drag any handle.<br>
<b>Or propose</b> the midlines by one click into each body, or from a segmentation; then accept each level with Space
once you have looked at it, or drag its midline.<br>
Keys 1–4 go to a level or place it, Esc ends placing, Ctrl+Z and Ctrl+Y undo and redo.<br><br>
For research only: it is not a medical device, does not diagnose, and no result rules anything out.
""")
        self.parent.acknowledgementText = _("""
Protocol and cutoffs: Prediction of osteoporosis and osteopenia by routine computed tomography of the lumbar spine in
different regions of interest. Journal of Orthopaedic Surgery and Research 17, 2022,
<a href="https://doi.org/10.1186/s13018-022-03348-2">doi 10.1186/s13018-022-03348-2</a>. LumbarHU is not affiliated with
its authors. Please cite the study, and LumbarHU by the file CITATION.cff.
""")
        slicer.app.connect("startupCompleted()", registerSampleData)
        slicer.app.connect("startupCompleted()", lambda: register_context_menu(__file__))


#
# Register sample data sets in Sample Data module
#


def registerSampleData():
    """Offer in the Sample Data module the phantom, which is computed and not downloaded, and CTs that have a home."""
    import SampleData

    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    thumbnail = str(resource_path("Icons", "LumbarHU.png"))
    for ct in json.loads(resource_path("SampleData", "sample_data.json").read_text(encoding="utf-8"))["cts"]:
        register(
            category="LumbarHU",
            sampleName=ct["name"],
            thumbnailFileName=thumbnail,
            uris=ct["uri"],
            fileNames=ct["file_name"],
            nodeNames=ct["name"],
            checksums=f"SHA256:{ct['sha256']}",
        )
    register(
        category="LumbarHU",
        sampleName="LumbarHU phantom",
        thumbnailFileName=thumbnail,
        uris=[],
        fileNames=[],
        nodeNames=[],
        customDownloader=loadPhantom,
    )


def loadPhantom(_source=None):
    """Render the demo CT, whose every Hounsfield unit is known, and load it; this takes some ten seconds."""
    with slicer.util.WaitCursor():
        phantom = demo_ct()
        ct = CtVolume(phantom.voxels_hu, phantom.ras_from_ijk)
        return volume_node_from_ct(slicer.mrmlScene, ct, "LumbarHU phantom")


#
# LumbarHUParameterNode
#


@parameterNodeWrapper
class LumbarHUParameterNode:
    """
    The panel's choices; a reading's own state lives in the nodes of the reading.

    ctVolume - The CT to measure.
    caseName - Name of the CT in results.
    readerName - The reader's name or initials.
    reading - The node of the current reading.
    quantity - What the table of levels shows.
    outerLevels - Whether T12 and L5 are measured as well.
    osteoporosisPercent, lowBmdPercent - How frequent osteoporosis, and osteopenia or osteoporosis, are among those to
        be tested: for a cohort's predictive values.
    showRound, showOval, showRight, showFront, showLeft - Which regions are drawn.
    """

    ctVolume: vtkMRMLScalarVolumeNode
    caseName: str
    readerName: str
    reading: vtkMRMLScriptedModuleNode
    quantity: Annotated[str, Choice([quantity.title for quantity in QUANTITIES])] = QUANTITIES[0].title
    outerLevels: bool = False
    osteoporosisPercent: Annotated[float, WithinRange(0.1, 99.9)] = 20.0
    lowBmdPercent: Annotated[float, WithinRange(0.1, 99.9)] = 60.0
    showRound: bool = True
    showOval: bool = True
    showRight: bool = True
    showFront: bool = True
    showLeft: bool = True


#
# LumbarHUWidget
#


class LumbarHUWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Ties the panel to the application."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self.room = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self) -> None:
        """Called when the user opens the module the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LumbarHU.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LumbarHULogic()
        self.panel = Panel(self.ui)
        self.room = RoomForSections(self.ui.huScrollArea)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndClose)
        self.initializeParameterNode()
        if self.parent.isEntered:  # reloaded while the module is open
            self.panel.enter()
            self.room.make()

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        if self.room:
            self.room.give_back()
        if self.panel:
            self.panel.cleanup()
            self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self.initializeParameterNode()
        self.panel.enter()
        self.room.make()

    def exit(self) -> None:
        """Called each time the user opens a different module."""
        self.panel.leave()
        self.room.give_back()

    def onSceneStartClose(self, caller, event) -> None:
        """Called just before the scene is closed."""
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event) -> None:
        """Called just after the scene is closed, or another one was read into it."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Ensure parameter node exists and observed."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, inputParameterNode: LumbarHUParameterNode | None) -> None:
        """Set and observe parameter node."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self._parameterNode = inputParameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self.panel.use_parameters(self._parameterNode)

    def onParametersChanged(self, caller, event) -> None:
        """Called when a widget, a script or a scene file changed a parameter."""
        self.panel.follow_parameters()


#
# LumbarHULogic
#


class LumbarHULogic(ScriptedLoadableModuleLogic):
    """Measures without a panel; everything is in LumbarHULib."""

    def getParameterNode(self):
        """Return the panel's choices in the scene."""
        return LumbarHUParameterNode(super().getParameterNode())

    def readings(self) -> tuple[Reading, ...]:
        """Return the readings in the scene."""
        return readings(slicer.mrmlScene)

    def measure(self, reading: Reading) -> ReadingResult:
        """Measure a reading again and write its regions and tables into the scene."""
        return ReadingMeasurer(reading).measure()


#
# LumbarHUTest
#


class LumbarHUTest(ScriptedLoadableModuleTest):
    """Walks through the real panel as a reader does."""

    def setUp(self):
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """Take every step of the walk."""
        self.setUp()
        walk = PanelWalk(self)
        walk.run(lambda sentence: self.delayDisplay(sentence, 50))
        self.assertEqual(walk.done, [step.__name__ for step in STEPS])
        self.delayDisplay("Every step was taken", 50)
