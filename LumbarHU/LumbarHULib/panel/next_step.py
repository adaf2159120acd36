"""The one next step of a patient: what the large button and the keys Space and Enter do."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import slicer
from slicer.i18n import tr as _

from LumbarHULib.panel.highlight import highlight
from LumbarHULib.panel.level_sight import SHORTEST_LOOK_S, LevelSight
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services
from LumbarHULib.panel.words import short_name


@dataclass(frozen=True)
class Situation:
    """Where the work on a patient is.

    Parameters
    ----------
    has_ct, is_open, is_signed_off : bool
        Whether a CT is chosen, a reading is open, and that is signed off.
    has_axial_view : bool
        Whether the layout shows the view in which midlines are placed.
    hidden_ct : str
        Name of the reading's CT while the views show another volume; empty otherwise.
    armed_level : str
        The level that the next click is for; empty when none is.
    body : str
        Into which body that click is: “any”, or the “first” or “last” of a row; empty for the edge of a midline.
    points : int
        How many ends of the armed level's midline are placed.
    unplaced, refused, unreviewed : tuple of str
        Wanted levels without a midline, with one that gives no number, and with one that nobody has seen as it is.
    level : str
        The current level.
    is_level_in_sight : bool
        Whether the axial view shows it.
    offered : str
        Name of a segmentation whose segments are named after levels; empty where there is none.
    is_measured, is_exported, has_list : bool
        Whether there is a number, the export is up to date, and a list has another CT.
    has_dicom : bool
        Whether this Slicer has a DICOM module.
    """

    has_ct: bool = False
    is_open: bool = False
    is_signed_off: bool = False
    has_axial_view: bool = True
    hidden_ct: str = ""
    armed_level: str = ""
    body: str = ""
    points: int = 0
    unplaced: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unreviewed: tuple[str, ...] = ()
    level: str = ""
    is_level_in_sight: bool = False
    offered: str = ""
    is_measured: bool = False
    is_exported: bool = False
    has_list: bool = False
    has_dicom: bool = True

    def current_or_first(self, levels: tuple[str, ...]) -> str:
        """Return the current level if it is one of these, otherwise the first of them."""
        return self.level if self.level in levels else levels[0]


@dataclass(frozen=True)
class Step:
    """A next step.

    Parameters
    ----------
    kind : str
        What is done.
    text : str
        What the button says.
    level : str
        The level that it is about.
    is_enabled : bool
        Whether it is done by the button; otherwise the text says which click in the views comes next.
    by_space : bool
        Whether the Space key does it as well: not what ends the work on a patient.
    """

    kind: str
    text: str
    level: str = ""
    is_enabled: bool = True
    by_space: bool = True


def next_step(now: Situation) -> Step:
    """Return what comes next."""
    if not now.is_open:
        if now.has_ct:
            return Step("read", _("New reading"))
        if now.has_list:
            return Step("next", _("Open the next CT"), by_space=False)
        return Step("load", _("Load a CT from DICOM") if now.has_dicom else _("Load a CT"))
    if now.is_signed_off:
        return _after_sign_off(now)
    if now.hidden_ct:  # nothing can be judged on another volume
        return Step("show", _("Show “{ct}”").format(ct=short_name(now.hidden_ct)))
    if now.armed_level:
        return Step("click", _click_words(now), now.armed_level, is_enabled=False)
    return _placing_or_reviewing(now) or Step("sign", _("Sign off"), by_space=False)


def _click_words(now: Situation) -> str:
    """Return which click comes next, and in which view."""
    bodies = {
        "any": _("{level}: click into the body (sagittal view)"),
        "first": _("{level}: click into the first body, then the last (sagittal view)"),
        "last": _("{level}: click into the last body (sagittal view)"),
    }
    if now.body:
        return bodies[now.body].format(level=now.armed_level)
    if now.points:
        return _("{level}: click the back edge (axial view)").format(level=now.armed_level)
    return _("{level}: click the front edge (axial view)").format(level=now.armed_level)


def _placing_or_reviewing(now: Situation) -> Step | None:
    if now.unplaced:
        if not now.has_axial_view:
            return Step("layout", _("Show the reading layout"))
        if now.offered:
            return Step("propose", _("Propose from “{name}”").format(name=short_name(now.offered)))
        level = now.current_or_first(now.unplaced)
        return Step("place", _("Place {level}").format(level=level), level)
    if now.unreviewed:
        if now.level in now.unreviewed and now.is_level_in_sight:
            return Step("accept", _("Accept {level}").format(level=now.level), now.level)
        level = now.current_or_first(now.unreviewed)
        return Step("review", _("Review {level}").format(level=level), level)
    if now.refused:
        level = now.current_or_first(now.refused)
        return Step("place", _("Place {level} again").format(level=level), level)
    return None if now.is_measured else Step("wait", _("No level is wanted"), is_enabled=False)


def _after_sign_off(now: Situation) -> Step:
    if now.has_list:
        return Step("next", _("Export and next CT") if not now.is_exported else _("Open the next CT"), by_space=False)
    if now.is_exported:
        return Step("report", _("Open report"), by_space=False)
    return Step("export", _("Export"), by_space=False)


def _by_enter(kind: str) -> str:
    """Return what the Space key shows in place of a step that it does not take."""
    sentences = {
        "sign": _("Press Enter to sign off."),
        "export": _("Press Enter to export."),
        "report": _("Press Enter to open the report in the browser."),
        "next": _("Press Enter to go on to the next CT."),
    }
    return sentences[kind]


def _meanings(kind: str, has_dicom: bool) -> tuple[str, ...]:
    """Return what a step does, where its name does not say all of it."""
    dicom = _("It opens Slicer's DICOM module; for a CT in a file, use “Add Data” in Slicer's toolbar.")
    files = _("It opens “Add Data”: this Slicer has no DICOM module.")
    sentences = {
        "sign": (_("It locks the reading and records the reader and the time; “Reopen…” unlocks it, with a reason."),),
        "load": (dicom if has_dicom else files,),
        "export": (_("It writes the numbers, regions, markups and report of the reading to a folder."),),
    }
    return sentences.get(kind, ())


def has_dicom() -> bool:
    """Return whether this Slicer has a DICOM module."""
    return hasattr(slicer.modules, "dicom")


def load_dialog() -> None:
    """Open Slicer's DICOM browser, or the dialog for files in a Slicer without DICOM."""
    if has_dicom():
        slicer.util.selectModule("DICOM")
    else:
        slicer.util.openAddDataDialog()


class NextStepSection(Section):
    """The large button.

    Parameters
    ----------
    ui : object
    services : Services
    situation : callable
        Returns the `Situation` as it is now.
    actions : mapping of str to callable
        What is done for each kind of step, given its level.
    show_hint : callable
        Shows a sentence where the reader looks; an empty one takes it away.

    Attributes
    ----------
    step : Step
        What comes next.
    sight : LevelSight
        Whether the reader could see the current level.
    """

    def __init__(
        self,
        ui,
        services: Services,
        situation: Callable[[], Situation],
        actions: Mapping[str, Callable[[str], object]],
        show_hint: Callable[[str], object],
    ) -> None:
        super().__init__(ui, services)
        self._situation, self._actions, self._show_hint = situation, actions, show_hint
        self.step, self.sight = next_step(Situation()), LevelSight()
        self._offered_since_s = time.monotonic()
        font = ui.huNextStepButton.font
        font.setBold(True)
        ui.huNextStepButton.font = font
        self._on_click(ui.huNextStepButton, self.take)

    def take(self, by_space: bool = False) -> None:
        """Take the next step; the Space key takes none that ends the work on a patient.

        A key pressed twice neither accepts a level that the reader could not see yet nor ends the work on a patient.
        """
        self._show()  # the views may have moved meanwhile
        step = self.step
        if step.kind == "accept" and not self.sight.could_be_seen:
            return
        if step.is_enabled and by_space and not step.by_space:
            self._show_hint(_by_enter(step.kind))
        elif step.is_enabled and (step.by_space or self.was_offered_long_enough):
            self._show_hint("")
            self._actions[step.kind](step.level)
        self._show()

    @property
    def was_offered_long_enough(self) -> bool:
        """Whether the step has been shown long enough for the reader to read it before a key takes it."""
        return time.monotonic() - self._offered_since_s >= SHORTEST_LOOK_S

    def refresh(self, what: str) -> None:
        """Show what comes next, also when another level came into sight."""
        if what != "numbers":
            self._show()

    def _show(self) -> None:
        situation = self._situation()
        step = next_step(situation)
        if step != self.step:
            self._offered_since_s = time.monotonic()
        self.step = step
        self.sight.follow((self._session.reading.uid, situation.level) if situation.is_level_in_sight else None)
        button = self._ui.huNextStepButton
        button.text, button.enabled = step.text, step.is_enabled
        both, enter = _("The next step. Space or Enter does the same."), _("The next step. Enter does the same.")
        name = {"show": situation.hidden_ct, "propose": situation.offered}.get(step.kind, "")
        full_name = [_("“{name}”").format(name=name)] if name != short_name(name) else []
        meanings = _meanings(step.kind, situation.has_dicom)
        button.toolTip = " ".join([both if step.by_space else enter, *meanings, *full_name])
        # The only button that stands out; while it says which click comes next, that is read as well.
        highlight(button, step.is_enabled)
