"""Midlines that are proposed, by a segmentation or by clicks."""

import re
from collections.abc import Callable, Sequence

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS
from LumbarHULib.images.segment_levels import level_named, levels_of_segments
from LumbarHULib.images.segmentation_file import Segment
from LumbarHULib.mrml.level_review import unreviewed_levels
from LumbarHULib.mrml.proposals import place_from_segments, placed_by_hand
from LumbarHULib.mrml.reading_markups import placed_levels
from LumbarHULib.mrml.vertebra_segments import segmentations_in, segments_of_node
from LumbarHULib.panel.keys import collapse
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import ListsLevels, Services
from LumbarHULib.panel.total_segmentator import is_installed, segment_vertebrae
from LumbarHULib.panel.views import show_as_outline

_COLUMNS = 2

_LEVEL = re.compile(rf"\b(?:{'|'.join(LEVELS)})\b")

# What the command line's user reads in addition.
_OPTION = re.compile(r", such as --segment “[^”]*”")


class ProposalsSection(Section):
    """Chooses a segmentation and each level's segment, and starts the clicks into the bodies.

    Parameters
    ----------
    ui : object
    services : Services
    levels : ListsLevels
    on_proposed : callable
        Called when midlines were proposed.
    """

    def __init__(self, ui, services: Services, levels: ListsLevels, on_proposed: Callable[[], object]) -> None:
        super().__init__(ui, services)
        self._levels = levels
        self._on_proposed = on_proposed
        self._was_unplaced: bool | None = None
        self._listed: tuple | None = None
        self._segments: tuple[Segment, ...] = ()
        self._by_itself: dict[str, str] = {}
        self._combos = _make_combos(ui.huSegmentsFrame)
        self._put_in_tab_order(ui.huTotalSegmentatorButton, [combo for _label, combo in self._combos.values()])
        ui.huSegmentationCombo.connect("activated(int)", lambda _index=0: self._on_segmentation())
        self._on_click(ui.huProposeButton, self._on_propose)
        self._on_click(ui.huTotalSegmentatorButton, self._on_total_segmentator)
        self._on_click(ui.huClickEachButton, self._on_click_each)
        self._on_click(ui.huClickTwoButton, self._on_click_two)
        if not is_installed():
            ui.huTotalSegmentatorButton.toolTip = _("How to get TotalSegmentator, which segments the vertebrae.")

    def choose(self, node) -> None:
        """Choose a segmentation, or none."""
        self._list_segmentations()
        self._ui.huSegmentationCombo.setCurrentIndex(
            max(0, self._ui.huSegmentationCombo.findData("" if node is None else node.GetID()))
        )
        self._on_segmentation()

    def combo(self, level: str):
        """Return where a level's segment is chosen."""
        return self._combos[level][1]

    def offered(self):
        """Return the scene's only segmentation, where its segments are named after wanted levels; None otherwise."""
        nodes = segmentations_in(slicer.mrmlScene) if self._session.may_change else ()
        if len(nodes) != 1 or not nodes[0].IsA("vtkMRMLSegmentationNode"):
            return None
        segmentation = nodes[0].GetSegmentation()
        names = [segmentation.GetSegment(key).GetName() for key in segmentation.GetSegmentIDs()]
        named = {level_named(name) for name in names}
        return nodes[0] if named & {*self._levels.proposable()} else None

    def propose_offered(self) -> None:
        """Propose every level from the segmentation that `offered` returns."""
        self.choose(self.offered())
        self._on_propose()

    def _show(self) -> None:
        ui, may_change = self._ui, self._session.may_change
        self._list_segmentations()
        has_segments = bool(self._segments) and self._node() is not None
        wanted = self._levels.proposable() if may_change else ()
        for level, widgets in self._combos.items():
            for widget in widgets:
                widget.visible = level in wanted
        ui.huSegmentsFrame.visible = has_segments and bool(wanted)
        ui.huProposeSection.visible = may_change
        frozen = self._why_unchangeable()
        none_wanted = "" if wanted else _("No level is wanted: see “Measure this level” under “More”.")
        for button in (ui.huClickEachButton, ui.huTotalSegmentatorButton):
            self._enable(button, frozen or none_wanted)
        self._enable(ui.huProposeButton, frozen or ("" if has_segments else _("Choose a segmentation first.")))
        too_few = "" if len(wanted) > 1 else _("It needs two wanted levels or more.")
        self._enable(ui.huClickTwoButton, frozen or too_few)
        is_unplaced = may_change and bool(self._levels.unplaced())
        if is_unplaced != self._was_unplaced:
            # Nothing is left to propose: it makes room, and is one click away.
            self._was_unplaced = is_unplaced
            collapse(ui.huProposeSection, not is_unplaced)

    def _list_segmentations(self) -> None:
        """Fill the list of segmentations when it changed; what is chosen stays."""
        nodes = segmentations_in(slicer.mrmlScene)
        listed = tuple((node.GetID(), node.GetName()) for node in nodes)
        if listed == self._listed:
            return
        self._listed = listed
        combo = self._ui.huSegmentationCombo
        chosen = combo.currentData or ""
        combo.clear()
        combo.addItem(_("segmentation…"), "")
        for key, name in listed:
            combo.addItem(name, key)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        if self._node() is None:
            self._segments = ()

    def _node(self):
        key = self._ui.huSegmentationCombo.currentData
        return slicer.mrmlScene.GetNodeByID(key) if key else None

    def _on_segmentation(self) -> None:
        """Read the chosen segmentation, and show which segment is which level as far as the segmentation states it."""
        node = self._node()
        self._segments, self._by_itself = (), {}
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            if node is not None:
                self._segments = segments_of_node(node)
                if not self._segments:
                    raise InputError(_("“{name}” contains no segment: choose another.").format(name=node.GetName()))
                try:
                    found, _findings = levels_of_segments(self._segments, {})
                    self._by_itself = {level: _called(segment) for level, segment in found.items()}
                except InputError as problem:
                    self._messages.tell(_OPTION.sub("", str(problem)))
        names = [_called(segment) for segment in self._segments]
        for level in LEVELS:
            combo = self.combo(level)
            combo.clear()
            combo.addItem("–")
            for name in names:
                combo.addItem(name)
            combo.setCurrentIndex(max(0, combo.findText(self._by_itself.get(level, "–"))))
        self._show()

    def _on_propose(self) -> None:
        with self._messages.show_input_errors(), self._messages.show_work(_("Finding the vertebrae …")):
            self._propose()

    def _propose(self) -> None:
        self._placing.cancel()
        session, wanted = self._session, self._levels.proposable()
        chosen = {level: self.combo(level).currentText for level in wanted if self.combo(level).currentIndex > 0}
        if not chosen:
            raise InputError(_("No level has a segment: choose the segment of each level."))
        assigned = {level: name for level, name in chosen.items() if name != self._by_itself.get(level)}
        try:
            found, findings = levels_of_segments(segments_of_node(self._node()), assigned)
        except InputError as problem:
            raise InputError(_OPTION.sub("", str(problem))) from problem
        segments = {level: segment for level, segment in found.items() if level in chosen}
        segments = self._without_kept(segments)
        session.history.remember()
        refusals = place_from_segments(session.reading, session.measurer.stack, segments, findings)
        if len(refusals) == len(segments):
            session.history.give_up()
        session.measure()
        if refusals:
            self._messages.tell(" ".join(_merged(refusals)))
        if len(refusals) < len(segments):
            show_as_outline(self._node())
            self._on_proposed()

    def _without_kept(self, segments: dict[str, Segment]) -> dict[str, Segment]:
        """Leave out the levels that a reader placed, corrected or accepted, if they are to stay."""
        reading = self._session.reading
        seen = {*placed_by_hand(reading)} | ({*placed_levels(reading)} - {*unreviewed_levels(reading)})
        kept = [level for level in segments if level in seen]
        question = _("Placed, corrected or accepted by a reader: {levels}. Replace with proposals?")
        if not kept or self._questions.confirmed(question.format(levels=", ".join(kept))):
            return segments
        return {level: segment for level, segment in segments.items() if level not in kept}

    def _on_total_segmentator(self) -> None:
        with self._messages.show_input_errors():
            levels = self._levels.proposable()
            self.choose(segment_vertebrae(self._session.reading.ct_node, levels))
            with self._messages.show_work(_("Finding the vertebrae …")):
                self._propose()
            not_found = ", ".join(level for level in levels if level not in self._by_itself)
            if not_found:
                text = _("TotalSegmentator found no {levels}.").format(levels=not_found)
                self._messages.tell(f"{self._messages.text} {text}".strip())

    def _on_click_each(self) -> None:
        self._arm(is_between=False)

    def _on_click_two(self) -> None:
        self._arm(is_between=True)

    def _arm(self, is_between: bool) -> None:
        """Wait for these clicks; stop waiting if the same button is pressed again."""
        bodies = self._placing.bodies
        was_armed = bodies.is_armed and bodies.is_between == is_between
        with self._messages.show_input_errors():
            self._placing.cancel()
            levels = () if was_armed else self._to_click()
            if levels and is_between:
                bodies.arm(tuple(dict.fromkeys((levels[0], levels[-1]))), levels)
            elif levels:
                bodies.arm(levels)

    def _to_click(self) -> tuple[str, ...]:
        """Return the wanted levels that are not placed; where all are, those that the user agrees to replace."""
        unplaced = self._levels.unplaced()
        if unplaced:
            return unplaced
        placed = self._levels.proposable()
        question = _("Already placed: {levels}. Place again by clicks into the bodies?")
        return placed if self._questions.confirmed(question.format(levels=", ".join(placed))) else ()


def _merged(sentences: Sequence[str]) -> list[str]:
    """Return each reason once, with the other levels that it holds for as well."""
    levels_of: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for sentence in sentences:
        named = {*_LEVEL.findall(sentence)}
        reason = _LEVEL.sub("", sentence) if len(named) == 1 else sentence
        first.setdefault(reason, sentence)
        levels_of.setdefault(reason, []).extend(named)
    merged = []
    for reason, sentence in first.items():
        others = ", ".join(dict.fromkeys(levels_of[reason][1:])) if reason != sentence else ""
        same = _(" The same applies to {levels}.").format(levels=others) if others else ""
        merged.append(sentence + same)
    return merged


def _called(segment: Segment) -> str:
    return segment.name or str(segment.value)


def _make_combos(frame) -> dict[str, tuple]:
    """Return a label and a list of segments for each level, laid out in `frame`."""
    grid = qt.QGridLayout(frame)
    grid.setContentsMargins(0, 0, 0, 0)
    combos = {}
    # T12 and L5, which are seldom asked for, come last.
    for number, level in enumerate(sorted(LEVELS, key=lambda level: level not in MEAN_LEVELS)):
        label, combo = qt.QLabel(f"{level}:"), qt.QComboBox()
        combo.objectName = f"hu{level}SegmentCombo"
        combo.toolTip = _("The segment of {level}.").format(level=level)
        combo.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        row, column = divmod(number, _COLUMNS)
        grid.addWidget(label, row, 2 * column)
        grid.addWidget(combo, row, 2 * column + 1)
        grid.setColumnStretch(2 * column + 1, 1)
        combos[level] = (label, combo)
    return combos
