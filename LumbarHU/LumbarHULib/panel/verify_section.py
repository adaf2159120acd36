"""An audit folder compared with the CT that is loaded."""

import html
from collections.abc import Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from LumbarHULib.audit.verify import meaning_of, verify_audit_folder
from LumbarHULib.mrml.ct_node import ct_from_node
from LumbarHULib.panel.findings_list import with_level_links
from LumbarHULib.panel.highlight import show_links
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import GoesTo, Services

_MOST = 50


class VerifySection(Section):
    """Verifies an audit folder, and lists what differs; a click on a level goes there.

    Parameters
    ----------
    ui : object
    services : Services
    levels : GoesTo
    """

    def __init__(self, ui, services: Services, levels: GoesTo) -> None:
        super().__init__(ui, services)
        self._on_click(ui.huVerifyButton, self._on_verify)
        ui.huDifferencesLabel.visible = False
        ui.huDifferencesLabel.connect("linkActivated(QString)", levels.go_to)

    def _show(self) -> None:
        ct_node = self._choices.ct_node
        self._enable(self._ui.huVerifyButton, "" if ct_node is not None else _("Load or choose the CT first."))
        if ct_node is None:
            self._list(())

    def _on_verify(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            self._list(())
            folder = self._ui.huVerifyPath.currentPath.strip()
            if not folder:
                self._messages.tell(_("Choose the audit folder to verify."))
                return
            differences = verify_audit_folder(Path(folder), ct_from_node(self._choices.ct_node))
            if differences:
                text = _(
                    "Differences between “{folder}” and this CT: {count}. They are listed under “Verify an export”."
                )
                self._messages.tell(text.format(count=len(differences), folder=folder))
            else:
                self._done.tell(_("Verified: all hashes, counts and numbers are the same."))
            self._list(differences)

    def _list(self, differences: Sequence[str]) -> None:
        lines = [
            f'<p style="margin: 2px">{with_level_links(one)} <i>{html.escape(meaning_of(one))}</i></p>'
            for one in differences[:_MOST]
        ]
        if len(differences) > _MOST:
            lines.append(html.escape(_("… and {count} more.").format(count=len(differences) - _MOST)))
        show_links(self._ui.huDifferencesLabel, "".join(lines))
