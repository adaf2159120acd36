"""Which cutoffs classify the reading: those that fit it are offered, others are refused with the reason."""

import html
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS, NO_CUTOFFS, CutoffsDocument, load_cutoffs
from LumbarHULib.files.fitting_cutoffs import why_cutoffs_do_not_fit
from LumbarHULib.mrml.reading import set_cutoffs
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services

_SETTING = "LumbarHU/CutoffsFiles"
_MOST_FILES = 8
# Entries of the list that are no files.
_CURRENT, _CHOOSE = "current", "choose"


class CutoffsSection(Section):
    """The list of cutoffs that fit the reading, and the notes on those in use.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        self._listed: tuple = ()
        self._shown_notes: dict[str, Any] | None = None
        self._read: dict[tuple[str, float], CutoffsDocument] = {}
        ui.huCutoffsCombo.connect("activated(int)", lambda _index=0: self._on_chosen())

    def use_file(self, path: Path) -> CutoffsDocument:
        """Classify the reading by a cutoffs file, and offer the file from now on.

        Raises
        ------
        InputError
            When the file cannot be read, or its cutoffs do not fit the reading.
        """
        document = load_cutoffs(path)
        reading = self._session.reading
        problem = why_cutoffs_do_not_fit(
            document, reading.protocol_document, reading.scan_facts, reading.accepts_off_protocol
        )
        if problem:
            raise InputError(problem)
        set_cutoffs(reading, document.document)
        if path not in (DEFAULT_CUTOFFS, NO_CUTOFFS):
            _remember(path)
        self._session.measure()
        return document

    def _show(self) -> None:
        session = self._session
        document = session.reading.cutoffs_document if session.is_open else load_cutoffs()
        self._list(document)
        self._enable(self._ui.huCutoffsCombo, self._why_unchangeable())
        self._ui.huCutoffsFitLabel.text = self._warning(document)
        self._ui.huCutoffsFitLabel.visible = bool(self._ui.huCutoffsFitLabel.text)
        if document.document is not self._shown_notes:
            self._shown_notes = document.document
            self._ui.huNotesBrowser.setHtml(notes_html(document))

    def _list(self, current: CutoffsDocument) -> None:
        offered = self._offered() if self._session.is_open else {str(DEFAULT_CUTOFFS): current}
        titles = {path: _title(document) for path, document in offered.items()}
        chosen = next((path for path, one in offered.items() if one.document == current.document), _CURRENT)
        if chosen == _CURRENT:
            titles = {_CURRENT: _title(current), **titles}
        listed = (tuple(titles.items()), chosen)
        if listed == self._listed:
            return
        self._listed = listed
        combo = self._ui.huCutoffsCombo
        combo.blockSignals(True)
        combo.clear()
        for path, title in titles.items():
            combo.addItem(title, path)
        combo.addItem(_("Choose a file…"), _CHOOSE)
        combo.setCurrentIndex(combo.findData(chosen))
        combo.blockSignals(False)

    def _offered(self) -> dict[str, CutoffsDocument]:
        """Return the known cutoffs that fit the reading, by the path of their file."""
        reading, found = self._session.reading, {}
        accepts = reading.accepts_off_protocol
        for path in (DEFAULT_CUTOFFS, *_remembered(), NO_CUTOFFS):
            try:
                document = self._load(path)
            except (InputError, OSError):
                continue  # moved or changed since; choosing it again says why it cannot be used
            if not why_cutoffs_do_not_fit(document, reading.protocol_document, reading.scan_facts, accepts):
                found[str(path)] = document
        return found

    def _load(self, path: Path) -> CutoffsDocument:
        key = (str(path), path.stat().st_mtime)
        if key not in self._read:
            self._read[key] = load_cutoffs(path)
        return self._read[key]

    def _warning(self, document: CutoffsDocument) -> str:
        """Return why the cutoffs in use do not fit, or what nobody knows of the fit."""
        if not self._session.is_open:
            return ""
        reading = self._session.reading
        problem = why_cutoffs_do_not_fit(document, reading.protocol_document, reading.scan_facts)
        return problem or _unknown(document, reading.scan_facts)

    def _on_chosen(self) -> None:
        chosen = self._ui.huCutoffsCombo.currentData
        with self._messages.show_input_errors():
            try:
                self._placing.cancel()
                if chosen == _CHOOSE:
                    chosen = self._questions.chosen_file(_("Cutoffs file"), _("Cutoffs (*.json);;All files (*)"))
                if chosen and chosen != _CURRENT:
                    self.use_file(Path(chosen))
            finally:
                self._listed = ()  # the list shows what is in use, whatever was chosen
                self._show()


def notes_html(document: CutoffsDocument) -> str:
    """Return what must be known of cutoffs: source, notes, and the cutoffs of others, which are context only."""
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in document.cutoffs.notes)
    parts = [f"<h3>{html.escape(document.name)}</h3><p>{html.escape(document.citation)}</p>"]
    if notes:
        parts.append(f"<ol>{notes}</ol>")
    rows = [
        "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(other))
        for other in document.document.get("other_cutoffs", ())
    ]
    if rows:
        heading, note = (
            _("Other published cutoffs: context only"),
            _("Where these regions are in the vertebra is not known well enough, so they never give a class here."),
        )
        titles = "".join(f"<th>{html.escape(title)}</th>" for title in (_("Cutoff"), _("At"), _("Finds"), _("Source")))
        lines = "".join(f"<tr>{row}</tr>" for row in rows)
        table = f'<table border="1" cellspacing="0" cellpadding="3"><tr>{titles}</tr>{lines}</table>'
        parts.append(f"<h4>{html.escape(heading)}</h4><p>{html.escape(note)}</p>{table}")
    return "".join(parts)


def _cells(other: dict) -> tuple[str, ...]:
    source = " ".join(filter(None, (f"{other['source']}.", other.get("note", ""))))
    return f"{other['comparison']} {other['value']:g} {other['unit']}", other["region"], other["finds"], source


def _title(document: CutoffsDocument) -> str:
    if not document.cutoffs.rois:
        return _("No cutoffs: means have no class")
    return f"{document.name}, {document.version}"


def _unknown(document: CutoffsDocument, facts: ScanFacts) -> str:
    """Return what must agree but is unknown, as one line; empty if everything is known, or there are no cutoffs."""
    cutoffs = document.cutoffs
    if not cutoffs.rois:
        return ""
    pairs = {
        _("tube voltage"): (facts.tube_voltage_kv, cutoffs.tube_voltage_kv),
        _("contrast medium"): (facts.contrast, cutoffs.contrast_medium),
    }
    unknown = [what for what, values in pairs.items() if None in values]
    if not unknown:
        return ""
    return _("? Unknown whether CT and cutoffs agree: {facts}.").format(facts=", ".join(unknown))


def _remembered() -> list[Path]:
    """Return the user's files, the last one used first."""
    text = slicer.app.userSettings().value(_SETTING) or ""
    return [Path(line) for line in str(text).splitlines() if line]


def _remember(path: Path) -> None:
    paths = [path, *(one for one in _remembered() if one != path)][:_MOST_FILES]
    slicer.app.userSettings().setValue(_SETTING, "\n".join(map(str, paths)))
