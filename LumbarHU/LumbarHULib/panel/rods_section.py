"""Make a calibration from the rods of a phantom that are marked in the scene."""

import html
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import slicer
from slicer.i18n import tr as _

from LumbarHULib.api.calibrations import LEAST_SIZE_MM, MOST_SIZE_MM, calibrate
from LumbarHULib.api.cts import ct_from_node
from LumbarHULib.audit.ct_date import parse_date
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.calibration_file import OWN_CALIBRATION_FILE, CalibrationDocument
from LumbarHULib.files.calibration_settings import calibration_settings
from LumbarHULib.files.own_file import check_own_file
from LumbarHULib.files.phantom_file import load_phantom, shipped_phantoms
from LumbarHULib.mrml.node_types import Scene, VolumeNode, nodes_of_class
from LumbarHULib.mrml.rod_nodes import Rods, calibration_input, rod_lines_in, rod_nodes_in, rods_of_lines, rods_of_node
from LumbarHULib.panel.calibration_section import line_text, scan_text
from LumbarHULib.panel.scan_header import scan_facts_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services, UsesCalibrations

_LINES, _CHOOSE = "lines", "choose"
_MOST_DAYS = 10_000
# The fields of the form, by the fact of the scan that they state: a name in `ScanFacts`.
_FACTS = ("tube_voltage_kv", "manufacturer", "scanner_model", "kernel", "contrast", "acquired_on")


class RodsSection(Section):
    """The phantom's CT, its rods, the phantom file, and what the CT does not state.

    Parameters
    ----------
    ui : object
    services : Services
    calibrations : UsesCalibrations
    """

    def __init__(self, ui, services: Services, calibrations: UsesCalibrations) -> None:
        super().__init__(ui, services)
        self._calibrations = calibrations
        self._listed: dict[str, tuple] = {}
        settings = calibration_settings()
        for spin, value in ((ui.huRodRadiusSpin, settings.radius_mm), (ui.huRodLengthSpin, settings.length_mm)):
            spin.minimum, spin.maximum, spin.value = LEAST_SIZE_MM, MOST_SIZE_MM, value
        ui.huRodDaysSpin.minimum, ui.huRodDaysSpin.maximum = 1, _MOST_DAYS
        ui.huRodDaysSpin.value = settings.valid_days
        for name in shipped_phantoms():
            ui.huPhantomCombo.addItem(load_phantom(Path(name)).phantom.name, name)
        ui.huPhantomCombo.addItem(_("Choose a file…"), _CHOOSE)
        for text, answer in ((_("unknown"), ""), (_("without"), "no"), (_("with"), "yes")):
            ui.huRodContrastCombo.addItem(text, answer)
        self._phantom = ui.huPhantomCombo.currentData
        ui.huPhantomCombo.connect("activated(int)", lambda _index=0: self._on_phantom())
        ui.huPhantomCtCombo.connect("activated(int)", lambda _index=0: self._show())
        ui.huRodsCombo.connect("activated(int)", lambda _index=0: self._show())
        ui.huRodsSection.connect("contentsCollapsed(bool)", lambda _is_collapsed: self._show())
        ui.huCalibrationPath.connect("currentPathChanged(QString)", lambda _path="": self._show())
        self._on_click(ui.huCalibrateButton, self._on_calibrate)
        self._rows = {
            "tube_voltage_kv": (ui.huRodVoltageLabel, ui.huRodVoltageSpin),
            "manufacturer": (ui.huRodMakerLabel, ui.huRodMakerEdit),
            "scanner_model": (ui.huRodModelLabel, ui.huRodModelEdit),
            "kernel": (ui.huRodKernelLabel, ui.huRodKernelEdit),
            "contrast": (ui.huRodContrastLabel, ui.huRodContrastCombo),
            "acquired_on": (ui.huRodDateLabel, ui.huRodDateEdit),
        }
        self._tell("")

    def _show(self) -> None:
        ui = self._ui
        if not (ui.huRodsSection.collapsed or ui.huCalibrationSection.collapsed):
            self._show_choices()  # what is not seen costs nothing
        fields = {_("CT"): self._ct_node() is not None, _("rods"): ui.huRodsCombo.currentData}
        self._enable(ui.huCalibrateButton, self._missing(fields | {_("file to save"): self._destination()}))
        for widget in (ui.huRodRadiusSpin, ui.huRodLengthSpin):
            widget.enabled = self._is_of_marks()

    def _show_choices(self) -> None:
        """List CTs and rods, and ask for what the phantom's CT does not state."""
        ui, own = self._ui, self._choices.ct_node
        volumes = _volumes(slicer.mrmlScene)
        self._list(ui.huPhantomCtCombo, {one.GetID(): one.GetName() for one in volumes}, own.GetID() if own else "")
        self._list(ui.huRodsCombo, self._rods(), "")
        ct_node = self._ct_node()
        facts = None if ct_node is None else scan_facts_of(ct_node)[0]
        for name, widgets in self._rows.items():
            for widget in widgets:
                widget.visible = facts is not None and getattr(facts, name) is None

    def _list(self, combo, entries: dict[str, str], preferred: str) -> None:
        """Fill a list when it changed; what is chosen stays."""
        listed = tuple(entries.items())
        if self._listed.get(combo.objectName) == listed:
            return
        self._listed[combo.objectName] = listed
        chosen = combo.currentData or preferred
        combo.blockSignals(True)
        combo.clear()
        for key, title in entries.items():
            combo.addItem(title, key)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        combo.blockSignals(False)

    def _rods(self) -> dict[str, str]:
        entries = {node.GetID(): node.GetName() for node in rod_nodes_in(slicer.mrmlScene)}
        try:
            phantom = load_phantom(Path(self._phantom)).phantom
        except InputError:
            return entries
        if rod_lines_in(slicer.mrmlScene, phantom):
            entries[_LINES] = _("Lines named after the rods")
        return entries

    def _is_of_marks(self) -> bool:
        node = slicer.mrmlScene.GetNodeByID(self._ui.huRodsCombo.currentData or "")
        return node is None or node.IsA("vtkMRMLMarkupsNode")

    def _ct_node(self):
        key = self._ui.huPhantomCtCombo.currentData
        return slicer.mrmlScene.GetNodeByID(key) if key else None

    def _destination(self) -> str:
        return self._ui.huCalibrationPath.currentPath.strip()

    def _on_phantom(self) -> None:
        combo = self._ui.huPhantomCombo
        if combo.currentData == _CHOOSE:
            with self._messages.show_input_errors():
                chosen = self._questions.chosen_file(_("Phantom file"), _("Phantoms (*.json);;All files (*)"))
                if chosen:
                    document = load_phantom(Path(chosen))
                    combo.insertItem(0, document.phantom.name, chosen)
                    self._phantom = chosen
            combo.setCurrentIndex(combo.findData(self._phantom))
        self._phantom = combo.currentData
        self._show()

    def _on_calibrate(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            self._tell("")
            path = Path(self._destination())
            check_own_file(path, True, OWN_CALIBRATION_FILE)
            if path.exists() and not self._questions.confirmed(_("Replace the calibration {file}?").format(file=path)):
                return
            calibration = self._calibrated()
            calibration.write(path, overwrite=path.exists())
            self._ui.huCalibrationPath.addCurrentPathToHistory()
            self._tell(rods_html(calibration))
            if self._session.may_change:
                self._calibrations.use(calibration)
            self._done.tell(_("Calibration written to {file}.").format(file=path), path)

    def _calibrated(self) -> CalibrationDocument:
        ui, ct_node = self._ui, self._ct_node()
        phantom = load_phantom(Path(self._phantom))
        facts, _findings = scan_facts_of(ct_node)
        is_allowed = phantom.phantom.is_phantomless and self._questions.confirmed(
            _(
                "“{name}” has reference tissues in place of a phantom. This is experimental: its densities are not "
                "interchangeable with those of a phantom. Go on?"
            ).format(name=phantom.phantom.name)
        )
        ct, rods = ct_from_node(ct_node, facts), self._marked(phantom.phantom, ct_node)
        with TemporaryDirectory(prefix="lumbarhu-rods-") as folder:
            return calibrate(
                ct,
                calibration_input(rods, ct.ct, Path(folder)),
                self._phantom,
                radius_mm=ui.huRodRadiusSpin.value,
                length_mm=ui.huRodLengthSpin.value,
                excluded=_excluded(ui.huRodExcludeEdit.text),
                scan_facts=self._stated(facts),
                valid_days=ui.huRodDaysSpin.value,
                experimental_phantomless=is_allowed,
            )

    def _marked(self, phantom, ct_node) -> Rods:
        key = self._ui.huRodsCombo.currentData
        if key == _LINES:
            return rods_of_lines(rod_lines_in(slicer.mrmlScene, phantom))
        return rods_of_node(slicer.mrmlScene.GetNodeByID(key), phantom, ct_node)

    def _stated(self, facts: ScanFacts) -> ScanFacts:
        """Return what the user states; a fact that the CT states has no field."""
        ui = self._ui
        date = ui.huRodDateEdit.text.strip()
        contrast = {"": None, "no": False, "yes": True}[ui.huRodContrastCombo.currentData or ""]
        stated: dict[str, Any] = {
            "tube_voltage_kv": float(ui.huRodVoltageSpin.value) or None,
            "manufacturer": ui.huRodMakerEdit.text.strip() or None,
            "scanner_model": ui.huRodModelEdit.text.strip() or None,
            "kernel": ui.huRodKernelEdit.text.strip() or None,
            "contrast": contrast,
            "acquired_on": str(parse_date(date, _("the phantom's scan"))) if date else None,
        }
        return ScanFacts(**{name: stated[name] for name in _FACTS if getattr(facts, name) is None})

    def _tell(self, text: str) -> None:
        self._ui.huRodsLabel.text = text
        self._ui.huRodsLabel.visible = bool(text)


def rods_html(document: CalibrationDocument) -> str:
    """Return the rods with residual and leverage, the line and the scan of a calibration, as HTML."""
    calibration = document.calibration
    titles = (_("Rod"), "mg/cm³", "HU", _("SD"), _("Residual HU"), _("Leverage"))
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    rows = []
    for fitted in calibration.rods:
        cells = (
            fitted.rod.name,
            f"{fitted.rod.density_mg_cc:.2f}",
            f"{fitted.sample.mean_hu:.1f}",
            f"{fitted.sample.sd_hu:.1f}",
            f"{fitted.residual_hu:+.1f}".replace("-", "−"),
            f"{fitted.leverage:.2f}",
        )
        rows.append("".join(f'<td align="right">{html.escape(cell)}</td>' for cell in cells))
    lines = [line_text(document)]
    sd_hu = calibration.line.residual_sd_hu
    if sd_hu is not None:
        lines.append(_("Residual SD: {sd} HU.").format(sd=f"{sd_hu:.2f}"))
    lines += [
        _("Excluded: {rod} ({reason}).").format(rod=rod, reason=reason) for rod, reason in calibration.excluded.items()
    ]
    lines += scan_text(document)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    text = "".join(f'<p style="margin: 2px">{html.escape(line)}</p>' for line in lines)
    return f'<table border="1" cellspacing="0" cellpadding="2"><tr>{head}</tr>{body}</table>{text}'


def _excluded(text: str) -> dict[str, str]:
    """Return rods with the reason, from text such as “B=bubble; C=leak”."""
    excluded: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, _sign, reason = (one.strip() for one in part.partition("="))
        if not name or not reason:
            raise InputError(_("“{text}” gives no reason: write for example B=bubble.").format(text=part))
        excluded[name] = reason
    return excluded


def _volumes(scene: Scene) -> list[VolumeNode]:
    found = nodes_of_class(scene, "vtkMRMLScalarVolumeNode")
    return [node for node in found if node.GetClassName() == "vtkMRMLScalarVolumeNode"]
