"""Signing, reopening and exporting a reading."""

from contextlib import contextmanager
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.audit.audit import SEEN_PROPOSAL, SEEN_READING
from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.results import LevelResult
from LumbarHULib.mrml.ct_date import stated_date_of
from LumbarHULib.mrml.export_reading import (
    CaseNameError,
    NoCaseNameError,
    audit_folder_of,
    prepare_export,
    require_case_name,
)
from LumbarHULib.mrml.level_review import require_reviewed
from LumbarHULib.mrml.reading_lifecycle import reopen, sign_off
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import ListsFindings, Services

# What an export holds in addition to the numbers.
_EXPORTED_SETTINGS = (
    *("case", "reader", "history", "protocol", "cutoffs", "calibration", "accepts_off_protocol"),
    *("exclusions", "skipped", "scan_facts", "scan_findings", "blinded"),
)


class KeepSection(Section):
    """Sign off, reopen and export.

    Parameters
    ----------
    ui : object
    services : Services
    findings : ListsFindings
    """

    def __init__(self, ui, services: Services, findings: ListsFindings) -> None:
        super().__init__(ui, services)
        self._findings = findings
        self._exported: dict[str, tuple] = {}
        self._on_click(ui.huSignButton, self.on_sign)
        self._on_click(ui.huReopenButton, lambda: self._reopen(ui.huReopenReasonEdit.text))
        self._on_click(ui.huReopenNowButton, self._on_reopen_now)
        self._on_click(ui.huExportButton, self.on_export)

    @property
    def export_root(self) -> str:
        """The folder that audit folders are written below; empty where none is chosen."""
        return self._ui.huExportPath.currentPath.strip()

    @property
    def is_exported(self) -> bool:
        """Whether the last export of the reading, since the application started, holds it as it is now."""
        return self._session.is_open and self._exported.get(self._session.reading.uid) == self._now()

    def export(self) -> bool:
        """Write the reading's audit folder, and show where; False when the user keeps the one that is there.

        Raises
        ------
        InputError
            When it cannot be written.
        """
        try:
            return self._export()
        except CaseNameError as problem:
            if not self._session.reading.is_signed_off:
                raise
            way_out = _("The case of a signed reading is locked: press “Reopen…” at the top, then change it.")
            raise CaseNameError(f"{problem} {way_out}") from None

    def _export(self) -> bool:
        self._placing.cancel()
        self._session.measure()
        require_reviewed(self._session.reading, self._session.result)
        reading = self._session.reading
        require_case_name(reading)
        if not self.export_root:
            self._ui.huExportPath.currentPath = self._questions.chosen_folder(_("Folder for the exports"))
        root = self.export_root
        if not root:
            self._messages.tell(_("Choose the folder to export to."))
            return False
        folder, audit = prepare_export(Path(root), reading, self._session.result)
        question = _("There is an export of {title} of “{case}” already. Replace it?")
        question = question.format(title=reading.title, case=reading.case)
        if not self._questions.may_replace(folder, question, reading.uid):
            return False
        write_audit_folder(folder, audit, overwrite=folder.is_dir())
        self._questions.has_written(folder, reading.uid)
        self._ui.huExportPath.addCurrentPathToHistory()
        self._ui.huVerifyPath.currentPath = str(folder)
        self._exported[reading.uid] = self._now()
        self._session.tell()
        refused = [refusal.sentence for refusal in self._session.result.refused]
        self._done.tell(" ".join([_("Exported to {folder}.").format(folder=folder), *refused]), folder)
        return True

    def on_sign(self) -> None:
        """Sign the reading off."""
        with self._show_input_errors(), slicer.util.WaitCursor():
            self._placing.cancel()
            self._session.measure()
            require_reviewed(self._session.reading, self._session.result)
            require_case_name(self._session.reading)  # it will be locked
            if not self._may_sign():
                self._findings.bring_into_sight()
                return
            sign_off(self._session.reading, self._choices.reader, _now())
            self._session.tell()

    def _may_sign(self) -> bool:
        """Return whether to sign off: without asking unless there is a severe finding."""
        severe = self._findings.severe
        question = _("There are severe findings:\n{findings}\nSign off anyway?")
        question = question.format(findings="\n".join(f"✖ {words}" for words in severe))
        return not severe or self._questions.confirmed(question, _("Sign off anyway"), _("Look at them"))

    def on_export(self) -> None:
        """Export the reading; an export that is up to date is only replaced when the user wants that."""
        with self._show_input_errors(), slicer.util.WaitCursor():
            if self._wants_export():
                self.export()

    @contextmanager
    def _show_input_errors(self):
        """Run one action; where nothing is done for lack of a case's name, its field is at hand."""
        ui = self._ui
        with self._messages.show_input_errors():
            try:
                yield
            except NoCaseNameError:
                ui.huSetupSection.collapsed = False
                ui.huCaseEdit.setFocus()
                ui.huScrollArea.ensureWidgetVisible(ui.huCaseEdit)
                raise

    def _show(self) -> None:
        ui, session = self._ui, self._session
        is_signed = session.is_open and session.reading.is_signed_off
        ui.huSignButton.visible = not is_signed
        self._enable(ui.huSignButton, self._why_unchangeable() or self._why_unmeasured())
        ui.huReopenFrame.visible = ui.huReopenButton.enabled = ui.huReopenNowButton.visible = is_signed
        self._enable(ui.huExportButton, self._why_unmeasured())
        ui.huSignedLabel.text = self._state()
        ui.huSignedLabel.visible = bool(ui.huSignedLabel.text)

    def _wants_export(self) -> bool:
        """Return whether to export: without asking unless the folder already holds the reading as it is."""
        if not self.is_exported:
            return True
        reading = self._session.reading
        if not audit_folder_of(Path(self.export_root), reading).is_dir():
            return True
        question = _("The export of {title} of “{case}” is up to date. Replace it?")
        return self._questions.confirmed(question.format(title=reading.title, case=reading.case))

    def _now(self) -> tuple:
        """Return a value that changes when an export would hold something else."""
        node, result = self._session.reading.node, self._session.result
        settings = (*map(node.GetParameter, _EXPORTED_SETTINGS), stated_date_of(self._session.reading.ct_node))
        numbers = () if result is None else tuple(map(_numbers, result.levels)) + tuple(result.refusals)
        return (node.GetID(), settings, numbers, self.export_root)

    def _state(self) -> str:
        if not self._session.is_open:
            return ""
        reading = self._session.reading
        words = {
            (SEEN_READING,): _("Not blinded: another reading of this CT was visible."),
            (SEEN_PROPOSAL,): _("Not blinded: a proposed midline was visible."),
            (SEEN_READING, SEEN_PROPOSAL): _(
                "Not blinded: another reading of this CT and a proposed midline were visible."
            ),
        }
        sentences = [] if reading.is_blinded else [words[reading.seen_by_reader]]
        if reading.history:
            last = reading.history[-1]
            text = (
                _("Signed off by {who}, {when}.") if last["what"] == "signed off" else _("Reopened by {who}, {when}.")
            )
            sentences.append(text.format(who=last["who"], when=last["when"]))
        return " ".join(sentences)

    def _on_reopen_now(self) -> None:
        """Ask for the reason, and reopen the reading; nothing is done without one."""
        title = _("Reopen {title}").format(title=self._session.reading.title)
        reason = self._questions.entered_text(title, _("Reason for reopening, which the record keeps:"))
        if reason.strip():
            self._reopen(reason)

    def _reopen(self, reason: str) -> None:
        with self._messages.show_input_errors():
            reopen(self._session.reading, self._choices.reader, _now(), reason)
            self._ui.huReopenReasonEdit.clear()
            self._session.measure()


def _numbers(level: LevelResult) -> tuple:
    """Return what an export holds of a level, as a value that can be compared."""
    points = (level.midline_ras_mm, level.boundary.points_ras_mm, level.outline_ras_mm)
    rois = tuple((roi, measured.edited, tuple(measured.values.items())) for roi, measured in level.rois.items())
    return (level.level, level.excluded, level.origin, rois, *(role_points.tobytes() for role_points in points))


def _now() -> str:
    return qt.QDateTime.currentDateTime().toString("yyyy-MM-dd HH:mm:ss")
