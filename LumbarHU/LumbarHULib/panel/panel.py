"""The panel as a whole: its sections, and what ties them to the scene."""

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_check import node_ids_of, problem_of, require_usable, usable_readings
from LumbarHULib.panel.advanced_section import AdvancedSection
from LumbarHULib.panel.calibration_section import CalibrationSection
from LumbarHULib.panel.changed_ct import ChangedCt
from LumbarHULib.panel.class_table import ClassTable
from LumbarHULib.panel.cohort_section import CohortSection
from LumbarHULib.panel.ct_list_section import CtListSection
from LumbarHULib.panel.cutoffs_section import CutoffsSection
from LumbarHULib.panel.display import LevelNames, apply_locks, show_only
from LumbarHULib.panel.findings_section import FindingsSection
from LumbarHULib.panel.folding import prepare_sections
from LumbarHULib.panel.follow_up_section import FollowUpSection
from LumbarHULib.panel.hand_on_section import HandOnSection
from LumbarHULib.panel.head_section import HeadSection
from LumbarHULib.panel.highlight import set_checked
from LumbarHULib.panel.keep_section import KeepSection
from LumbarHULib.panel.keys import Keys, end_typing
from LumbarHULib.panel.levels_section import LevelsSection
from LumbarHULib.panel.live import LiveMeasurement
from LumbarHULib.panel.lost_readings import LostReadings
from LumbarHULib.panel.messages import Done, Messages
from LumbarHULib.panel.methods_section import MethodsSection
from LumbarHULib.panel.next_step import NextStepSection, Situation, has_dicom, load_dialog
from LumbarHULib.panel.numbers_section import NumbersSection
from LumbarHULib.panel.placing import Placing
from LumbarHULib.panel.proposals_section import ProposalsSection
from LumbarHULib.panel.protocols_section import ProtocolsSection
from LumbarHULib.panel.questions import Questions
from LumbarHULib.panel.readers_section import ReadersSection
from LumbarHULib.panel.regions_section import RegionsSection
from LumbarHULib.panel.rods_section import RodsSection
from LumbarHULib.panel.services import Choices, Listening, Services
from LumbarHULib.panel.session import Session
from LumbarHULib.panel.setup_section import SetupSection
from LumbarHULib.panel.shown_volume import ShownVolume, foreign_sentence, show_bar
from LumbarHULib.panel.verify_section import VerifySection
from LumbarHULib.panel.view_line import ViewLine
from LumbarHULib.panel.views import ReadingLayout, has_axial_view, layout_node, leave_automatic_window
from LumbarHULib.panel.watcher import ColorsWatcher


class Panel(VTKObservationMixin):
    """Everything between the widgets of LumbarHU.ui and the library.

    Parameters
    ----------
    ui : object
        The named widgets.
    """

    def __init__(self, ui) -> None:
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self.choices, self.session, self.questions = Choices(), Session(), Questions()
        self.view_line, self.names, self.layout = ViewLine(), LevelNames(), ReadingLayout()
        self.messages = Messages(ui.huMessageLabel, self.view_line.show_problem, self.view_line.show_work)
        self.done = Done(ui.huDoneLabel, self.session, self.messages)
        self.placing = Placing(self.session, self.messages, lambda: self.levels.review_next())
        self.shown, self.changed = ShownVolume(self.session, self._on_shown), ChangedCt(self.session, self.placing)
        self.live = LiveMeasurement(self.session, self.messages)
        self.colors = ColorsWatcher(self.session, (ui.huLayoutButton, ui.huCohortShowButton, ui.huFollowShowButton))
        self._make_sections()
        step, levels = self.next_step, self.levels
        others = {"Esc": self.placing.cancel, "Ctrl+Z": levels.undo, "Ctrl+Y": levels.redo, "Ctrl+Shift+Z": levels.redo}
        others |= {"Space": lambda: step.take(by_space=True), "Return": step.take, "Enter": step.take}
        self.keys = Keys(levels.on_key, others, ui.huTabs, ui.huPatientTab)
        self._is_entered = self._is_refresh_due = self._is_check_due = self._wants_layout = False
        self._known_nodes: tuple = ()
        prepare_sections(ui.huScrollArea, ui.huScrollContents)
        ui.huTabs.connect("currentChanged(int)", lambda _index: self._forget_news())
        ui.huLayoutButton.connect("toggled(bool)", self._on_layout)
        ui.huShowCtButton.connect("clicked(bool)", lambda _checked=False: self._show_ct_again())
        ui.huReadShownButton.connect("clicked(bool)", lambda _checked=False: self.setup.read(self.shown.other_ct))
        self.addObserver(layout_node(), vtk.vtkCommand.ModifiedEvent, self._on_layout_changed)
        for event in (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent):
            self.addObserver(slicer.mrmlScene, event, self._on_nodes_changed)

    def _make_sections(self) -> None:
        """Make every section, each with the few services that it needs."""
        ui, session = self.ui, self.session
        services = Services(session, self.choices, self.messages, self.done, self.questions, self.placing)
        self.levels = LevelsSection(ui, services)
        self.setup = SetupSection(ui, services, self)
        self.lost = LostReadings(ui, services)
        self.findings = FindingsSection(ui, services, self.levels)
        self.head = HeadSection(ui, services, self.levels.choose)
        self.classes = ClassTable(ui, services)
        self.proposals = ProposalsSection(ui, services, self.levels, self.levels.review_next)
        self.advanced = AdvancedSection(ui, services)
        self.cutoffs = CutoffsSection(ui, services)
        self.numbers = NumbersSection(ui, services, self.levels, self.advanced.show_notes)
        self.regions = RegionsSection(ui, services)
        self.keep = KeepSection(ui, services, self.findings)
        self.hand_on = HandOnSection(ui, services, self.keep)
        self.ct_list = CtListSection(ui, services, self.keep, self.setup, self.levels)
        self.verify = VerifySection(ui, services, self.levels)
        self.readers = ReadersSection(ui, services)
        self.protocols = ProtocolsSection(ui, services, self.keep)
        self.calibration = CalibrationSection(ui, services)
        self.rods = RodsSection(ui, services, self.calibration)
        self.cohort = CohortSection(ui, services, self.cutoffs.use_file)
        self.methods = MethodsSection(ui, services)
        self.follow_up = FollowUpSection(ui, services)
        actions = {
            "load": lambda _level: load_dialog(),
            "read": lambda _level: self.setup.on_new_reading(),
            "show": lambda _level: self._show_ct_again(),
            "layout": lambda _level: self.layout.show(),
            "propose": lambda _level: self.proposals.propose_offered(),
            "place": self.levels.place,
            "review": self.levels.go_to,
            "accept": self.levels.accept,
            "sign": lambda _level: self.keep.on_sign(),
            "export": lambda _level: self.keep.on_export(),
            "next": lambda _level: self.ct_list.on_next(),
            "report": lambda _level: self.hand_on.on_report(),
        }
        self.next_step = NextStepSection(ui, services, self._situation, actions, self.view_line.show_hint)
        sections: tuple[Listening, ...] = (self.setup, self.lost, self.levels, self.head, self.classes)
        sections += (self.proposals, self.findings, self.numbers, self.regions, self.keep, self.hand_on, self.ct_list)
        sections += (self.verify, self.readers, self.protocols, self.calibration, self.rods, self.cutoffs, self.changed)
        for section in (*sections, self.cohort, self.methods, self.follow_up, self.advanced, self.done, self.next_step):
            session.listen(section.refresh)
        session.listen(self._refresh_scene)

    @property
    def parameters(self):
        """The parameters of the scene that is open; None while a scene is being closed."""
        return self.choices.parameters

    def _situation(self) -> Situation:
        """Return where the work on the patient is."""
        session, placing = self.session, self.placing
        has_ct, has_list = self.choices.ct_node is not None, self.ct_list.has_next
        if not session.is_open:
            return Situation(has_ct=has_ct, has_list=has_list, has_dicom=has_dicom())
        result, may_change = session.result, session.may_change
        offered = self.proposals.offered() if may_change else None
        wanted = self.levels.proposable()
        return Situation(
            has_ct=has_ct,
            has_list=has_list,
            is_open=True,
            is_signed_off=session.reading.is_signed_off,
            has_axial_view=has_axial_view(),
            hidden_ct=session.reading.ct_node.GetName() if session.foreign_volume else "",
            armed_level=placing.armed_level,
            body=placing.bodies.awaited,
            points=placing.points,
            unplaced=self.levels.unplaced() if may_change else (),
            refused=() if result is None else tuple(one.level for one in result.refused if one.level in wanted),
            unreviewed=session.unreviewed,
            level=session.level,
            is_level_in_sight=self.levels.is_in_sight(),
            offered="" if offered is None else offered.GetName(),
            is_measured=result is not None and bool(result.levels),
            is_exported=self.keep.is_exported,
        )

    def enter(self) -> None:
        """Come to life: the user opened the module."""
        self._is_entered = self.view_line.is_on = True
        self.keys.enable(True)
        if self._wants_layout:
            self.layout.show()
        self._on_layout_changed()
        self.follow_parameters()
        self._on_shown()
        if self.session.is_open:
            self.session.measure()
            if self._wants_layout:
                self.levels.go_to(self.session.level)

    def leave(self) -> None:
        """Leave everything as the user had it: another module was opened."""
        self._is_entered = self.view_line.is_on = False
        self.placing.cancel()
        self.keys.enable(False)
        self.cohort.leave()
        self.follow_up.leave()
        self._wants_layout = self.layout.is_shown
        self.layout.give_back_to_other_modules()

    def cleanup(self) -> None:
        """Let go of everything for good, and leave everything as the user had it."""
        self.leave()
        self.layout.give_back()
        self.close_reading()
        self.view_line.remove()
        for watcher in (self.shown, self.changed, self.colors, self.next_step.sight, self):
            watcher.removeObservers()
        self.keys.remove()

    def use_parameters(self, parameters) -> None:
        """Work with a scene's parameters from now on; None while a scene is being closed."""
        self.choices.parameters = parameters
        if parameters is None:
            self.questions.forget_written()
            self.follow_up.forget()
            self.setup.forget_ct()
            self.close_reading()
        else:
            self.follow_parameters()

    def follow_parameters(self) -> None:
        """Do what the parameters say: another CT, regions shown or hidden, another quantity."""
        self.messages.clear()
        self._look_at_scene()

    def kept_reading(self) -> Reading | None:
        """Return the reading that the scene's parameters name."""
        node = None if self.parameters is None else self.parameters.reading
        return None if node is None or problem_of(Reading(node)) else Reading(node)

    def open_reading(self, reading: Reading) -> None:
        """Make a reading the current one; the others are hidden.

        Raises
        ------
        InputError
            When what the scene keeps of it is damaged.
        """
        require_usable(reading)
        end_typing()
        self.placing.cancel()
        self.live.stop()
        self._forget_reading_node()
        leave_automatic_window(reading.ct_node)
        self.addObserver(reading.node, vtk.vtkCommand.ModifiedEvent, self._on_reading_changed)
        self.session.open(reading)
        self.parameters.reading, self._known_nodes = reading.node, node_ids_of(reading)  # these were just measured
        self.parameters.caseName, self.parameters.readerName = reading.case, reading.reader
        self.shown.look()
        if self.session.foreign_volume:
            self.shown.restore()
        self.levels.go_to(self.session.level)

    def close_reading(self) -> None:
        """Close the reading; it stays in its scene."""
        self._forget_reading_node()
        self.placing.abandon()
        self.live.stop()
        self.session.close()
        self.names.remove()

    def _refresh_scene(self, what: str) -> None:
        if what == "all" and self.parameters is not None and not slicer.mrmlScene.IsBatchProcessing():
            current = self.session.reading if self.session.is_open else None
            show_only(slicer.mrmlScene, current, self.regions.shown_rois())
            self.shown.watch()
            if self.layout.is_shown:
                self.layout.show()  # a scene that was closed took the line of the axial slice with it
            apply_locks(self.session)
            self.live.watch()
            self.names.refresh(self.session)
        if what != "numbers":
            # Which click comes next is said where the reader looks.
            step = self.next_step.step
            self.view_line.show_hint(step.text + self.placing.hint if step.kind == "click" else "")

    def _on_shown(self) -> None:
        """Take no click while the views show another volume, and say so until they do not."""
        sentence = foreign_sentence(self.session)
        if sentence:
            self.placing.cancel()
        show_bar(self.ui, sentence, self.shown)
        self.view_line.show_problem(sentence or self.messages.text)
        self.next_step.refresh("all")
        if self.parameters is not None:
            apply_locks(self.session)
            self.live.watch()

    def _show_ct_again(self) -> None:
        self.shown.restore()
        self.levels.go_to(self.session.level)

    def _forget_news(self) -> None:
        """Take away what was said about another tab."""
        self.messages.clear()
        self.done.tell("")

    def _on_layout(self, is_on: bool) -> None:
        if is_on:
            self.layout.show()
        else:
            self.layout.give_back()
        self._on_layout_changed()

    def _on_layout_changed(self, *_) -> None:
        """Let the button say which layout is shown; other modules change it, too."""
        button = self.ui.huLayoutButton
        if self._is_entered:
            set_checked(button, self.layout.is_shown)
            self.shown.look()
            self.next_step.refresh("all")

    def _on_nodes_changed(self, *_) -> None:
        """Look again, once, when the scene has come to rest: somebody else added or removed nodes."""
        if not self._is_refresh_due and not slicer.mrmlScene.IsBatchProcessing():
            self._is_refresh_due = True
            qt.QTimer.singleShot(0, self._look_again)

    def _forget_reading_node(self) -> None:
        if self.session.reading is not None:
            self.removeObserver(self.session.reading.node, vtk.vtkCommand.ModifiedEvent, self._on_reading_changed)

    def _on_reading_changed(self, *_) -> None:
        """See soon whether the reading is still sound: anybody may write into a scene."""
        if not self._is_check_due:
            self._is_check_due = True
            qt.QTimer.singleShot(0, self._check_reading)

    def _check_reading(self) -> None:
        self._is_check_due = False
        problem = problem_of(self.session.reading) if self.session.is_open else ""
        if problem:
            self.close_reading()
            self.messages.tell(problem)

    def _look_again(self) -> None:
        self._is_refresh_due = False
        if self.parameters is None or not self._is_entered or slicer.mrmlScene.IsBatchProcessing():
            return
        session = self.session
        self.placing.abandon_if_gone()
        if session.is_open and session.reading.ct_node is not None:
            known, self._known_nodes = self._known_nodes, node_ids_of(session.reading)
            if known != self._known_nodes and (not self.placing.is_armed or {*known} - {*self._known_nodes, ""}):
                self.placing.measure_meanwhile()
        elif session.reading is not None:
            self.close_reading()
        self._look_at_scene()

    def _look_at_scene(self) -> None:
        if self.parameters is None or slicer.mrmlScene.IsBatchProcessing():
            return  # half a scene: it is looked at again when it is whole
        with self.messages.show_scene_errors():
            self.setup.take_only_ct()
            self.setup.follow_ct()
            self.session.tell()
            for problem in usable_readings(slicer.mrmlScene)[1]:
                self.messages.tell(problem, of_scene=True)
