"""The panel's section for signing, exporting and verifying."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.files.verify import verify_audit_folder
from LumbarHULib.mrml.ct_node import ct_from_node
from LumbarHULib.mrml.export_reading import audit_folder_of, export_reading
from LumbarHULib.mrml.reading_lifecycle import reopen, sign_off
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.panel.section import Section

_SHOWN_DIFFERENCES = 5
_FIRST_ROI = "round"


class KeepSection(Section):
    """Sign off, reopen, export, verify, and the way to Segment Editor."""

    def __init__(self, ui, panel):
        super().__init__(ui, panel)
        self._on_click(ui.huSignButton, self._on_sign)
        self._on_click(ui.huReopenButton, self._on_reopen)
        self._on_click(ui.huExportButton, self._on_export)
        self._on_click(ui.huVerifyButton, self._on_verify)
        self._on_click(ui.huSegmentEditorButton, self._on_segment_editor)

    def _show(self) -> None:
        ui, session = self._ui, self._session
        is_signed = session.is_open and session.reading.is_signed_off
        is_measured = session.is_open and session.result is not None and bool(session.result.levels)
        ui.huSignButton.visible = not is_signed
        ui.huSignButton.enabled = session.may_change and is_measured
        ui.huReopenFrame.visible = is_signed
        ui.huExportButton.enabled = is_measured
        ui.huVerifyButton.enabled = self._panel.parameters is not None and self._panel.parameters.ctVolume is not None
        ui.huSegmentEditorButton.enabled = session.may_change and is_measured
        self._tell(self._state() if session.is_open else "")

    def _tell(self, text: str) -> None:
        self._ui.huKeepLabel.text = text
        self._ui.huKeepLabel.visible = bool(text)

    def _state(self) -> str:
        reading = self._session.reading
        told = [] if reading.is_blinded else [_("Not blinded: the scene held another reading of this CT.")]
        if reading.history:
            last = reading.history[-1]
            text = (
                _("Signed off by {who}, {when}.") if last["what"] == "signed off" else _("Reopened by {who}, {when}.")
            )
            told.append(text.format(who=last["who"], when=last["when"]))
        return " ".join(told)

    def _who(self) -> str:
        return self._panel.parameters.readerName.strip()

    def _on_sign(self) -> None:
        with self._panel.messages.problems_told():
            self._panel.placing.cancel()
            self._session.measure()
            sign_off(self._session.reading, self._who(), _now())
            self._session.measure()

    def _on_reopen(self) -> None:
        with self._panel.messages.problems_told():
            reopen(self._session.reading, self._who(), _now(), self._ui.huReopenReasonEdit.text)
            self._ui.huReopenReasonEdit.clear()
            self._session.measure()

    def _on_export(self) -> None:
        with self._panel.messages.problems_told(), _waiting():
            self._panel.placing.cancel()
            root = self._ui.huExportPath.currentPath.strip()
            if not root:
                self._panel.messages.tell(_("Choose the folder to export to."))
                return
            self._session.measure()
            reading = self._session.reading
            # Of the same reading: its own folder is brought up to date.
            replaces = audit_folder_of(Path(root), reading).is_dir()
            folder = export_reading(Path(root), reading, self._session.result, overwrite=replaces)
            self._ui.huExportPath.addCurrentPathToHistory()
            self._ui.huVerifyPath.currentPath = str(folder)
            self._tell(_("Exported to {folder}.").format(folder=folder))

    def _on_verify(self) -> None:
        with self._panel.messages.problems_told(), _waiting():
            folder = self._ui.huVerifyPath.currentPath.strip()
            if not folder:
                self._panel.messages.tell(_("Choose the audit folder to verify."))
                return
            differences = verify_audit_folder(Path(folder), ct_from_node(self._panel.parameters.ctVolume))
            self._tell(_verdict(differences))

    def _on_segment_editor(self) -> None:
        node = segmentation_node(self._session.reading, _FIRST_ROI)
        ct_node = self._session.reading.ct_node
        if node is not None and ct_node is not None:
            slicer.util.selectModule("SegmentEditor")
            editor = slicer.modules.SegmentEditorWidget.editor
            editor.setSegmentationNode(node)
            editor.setSourceVolumeNode(ct_node)


def _verdict(differences) -> str:
    if not differences:
        return _("Verified: every hash, count and number is the same.")
    shown = " ".join(differences[:_SHOWN_DIFFERENCES])
    return _("{count} differences: {shown}").format(count=len(differences), shown=shown)


def _now() -> str:
    return qt.QDateTime.currentDateTime().toString("yyyy-MM-dd HH:mm:ss")


def _waiting():
    return slicer.util.WaitCursor()
