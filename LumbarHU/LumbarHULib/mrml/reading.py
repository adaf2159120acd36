"""A reading: one reader's work on one CT, kept in the scene in a node of its own."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from LumbarHULib.core.cutoffs import CutoffTable
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MANUAL
from LumbarHULib.core.levels import parse_level, sorted_levels
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import CutoffsDocument, cutoffs_from
from LumbarHULib.files.located_json import parse_located_json
from LumbarHULib.files.protocol_file import ProtocolDocument, protocol_from

MODULE_NAME = "LumbarHU"

# Raised when a newer LumbarHU keeps readings that this one would misread.
SCHEMA_VERSION = 1

_CT_ROLE = "CT"


@dataclass(frozen=True)
class Reading:
    """A view of the node that keeps a reading; two of the same node are equal.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        Its parameters keep what is told below as text, its references what belongs to the reading by role: ``CT``;
        ``L1-midline``, ``L1-boundary``, ``L1-outline`` and so on; a segmentation for each region under its name;
        ``results`` and ``summary``.
    """

    node: object

    @property
    def scene(self):
        """The scene that the reading lives in; None once it was removed from it."""
        return self.node.GetScene()

    @property
    def ct_node(self):
        """The CT's volume node; None when it was deleted."""
        return self.node.GetNodeReference(_CT_ROLE)

    @property
    def uid(self) -> str:
        """What tells this reading from all others, in this scene and outside."""
        return self.node.GetParameter("uid")

    @property
    def reader(self) -> str:
        """Who reads."""
        return self.node.GetParameter("reader")

    @property
    def number(self) -> int:
        """Which reading of this CT by this reader it is, from 1."""
        return _count(self.node.GetParameter("number"))

    @property
    def title(self) -> str:
        """Reader and number, for people."""
        return f"{self.reader} – reading {self.number}"

    @property
    def name_suffix(self) -> str:
        """What this reading's nodes are told apart by: nothing for the first reading of a CT, else “ (2)” and so on."""
        ordinal = self.node.GetParameter("ordinal")
        return "" if ordinal == "1" else f" ({ordinal})"

    @property
    def case(self) -> str:
        """What the CT is called in results."""
        return self.node.GetParameter("case")

    @property
    def protocol_text(self) -> str:
        """The protocol document in full, as JSON."""
        return self.node.GetParameter("protocol")

    @property
    def cutoffs_text(self) -> str:
        """The cutoffs document in full, as JSON."""
        return self.node.GetParameter("cutoffs")

    @property
    def protocol_document(self) -> ProtocolDocument:
        """The protocol with its document's own words, as an audit folder tells it."""
        return _protocol_from_text(self.protocol_text)

    @property
    def cutoffs_document(self) -> CutoffsDocument:
        """The cutoffs with their document's own words, as an audit folder tells them."""
        return _cutoffs_from_text(self.cutoffs_text)

    @property
    def protocol(self) -> Protocol:
        """The protocol that the reading measures by."""
        return self.protocol_document.protocol

    @property
    def cutoffs(self) -> CutoffTable:
        """The cutoffs that the reading classifies by."""
        return self.cutoffs_document.cutoffs

    @property
    def scan_facts(self) -> ScanFacts:
        """What the CT's headers said."""
        return ScanFacts(**self.value("scan_facts"))

    @property
    def scan_findings(self) -> tuple[Finding, ...]:
        """What reading the CT's files told."""
        return tuple(Finding(**item) for item in self.value("scan_findings"))

    @property
    def accepts_off_protocol(self) -> bool:
        """Whether the user wants classes although the acquisition is known to be off the cutoffs' own."""
        return self.value("accepts_off_protocol")

    @property
    def is_blinded(self) -> bool:
        """Whether the scene held no other reading of the CT when this one was started, and no midline was proposed."""
        origins = [self.value(name) for name in self.node.GetParameterNames() if name.startswith("origin ")]
        return self.value("blinded", True) and all(origin["kind"] == MANUAL.kind for origin in origins if origin)

    @property
    def exclusions(self) -> dict[str, str]:
        """The levels that do not enter the means, each with its reason."""
        return self.value("exclusions")

    @property
    def skipped_levels(self) -> tuple[str, ...]:
        """The levels that are not asked for: they count as not measured, whatever markups they have."""
        return tuple(self.value("skipped", ()))

    @property
    def history(self) -> list[dict[str, str]]:
        """Every sign-off and reopening in order, each with ``what``, ``who``, ``when`` and ``reason``."""
        return self.value("history")

    @property
    def is_signed_off(self) -> bool:
        """Whether the reading is closed to changes."""
        return bool(self.history) and self.history[-1]["what"] == "signed off"

    def value(self, name: str, default=None):
        """Return what is kept under `name` as JSON; raises InputError when it is no longer that."""
        text = self.node.GetParameter(name)
        try:
            return json.loads(text) if text else default
        except ValueError as problem:
            raise InputError(
                f"What the scene keeps of “{self.node.GetName()}” as “{name}” is damaged: open an earlier copy of the "
                "scene, or start a new reading."
            ) from problem

    def keep(self, name: str, value) -> None:
        """Keep `value` under `name` as JSON."""
        self.node.SetParameter(name, _json_text(value))

    def keep_quietly(self, name: str, value) -> None:
        """Keep `value` without an event: for what LumbarHU notes for itself, often during a drag."""
        enabled_before = self.node.GetDisableModifiedEvent()
        self.node.SetDisableModifiedEvent(1)
        try:
            self.keep(name, value)
        finally:
            self.node.SetDisableModifiedEvent(enabled_before)

    def require_open(self) -> None:
        """Raise InputError when the reading is signed off."""
        if self.is_signed_off:
            last = self.history[-1]
            raise InputError(
                f"{self.title} was signed off by {last['who']} on {last['when']}: reopen it before you change anything."
            )


def create_reading(
    ct_node,
    reader: str,
    protocol_document: dict,
    cutoffs_document: dict,
    number: int | None = None,
    case: str = "",
    scan_facts: ScanFacts | None = None,
    scan_findings: Sequence[Finding] = (),
) -> Reading:
    """Start a reading of a CT in the CT's scene.

    Parameters
    ----------
    ct_node : vtkMRMLScalarVolumeNode
    reader : str
        Who reads.
    protocol_document, cutoffs_document : dict
        The whole content of a protocol and a cutoffs file.
    number : int, optional
        Which reading of this CT by this reader it is; by default the next.
    case : str
        What the CT shall be called in results; never the patient's name.
    scan_facts : ScanFacts, optional
        What the CT's headers say.
    scan_findings : sequence of Finding
        What reading the CT's files told.

    Raises
    ------
    InputError
        When the reader has no name, the number is taken, or a document is not valid.
    """
    reader = " ".join(reader.split())
    if not reader:
        raise InputError("The reading has no reader: give a name, or initials.")
    others = readings_of(ct_node)
    taken = [other.number for other in others if other.reader == reader]
    if number is None:
        number = max(taken, default=0) + 1
    if number < 1 or number in taken:
        problem = "readings are counted from 1" if number < 1 else "it exists already"
        raise InputError(f"Reading {number} by {reader} cannot be started, {problem}: use {max(taken, default=0) + 1}.")
    texts = {"protocol": _json_text(protocol_document), "cutoffs": _json_text(cutoffs_document)}
    _protocol_from_text(texts["protocol"])
    _cutoffs_from_text(texts["cutoffs"])

    node = ct_node.GetScene().CreateNodeByClass("vtkMRMLScriptedModuleNode")
    node.UnRegister(None)
    node.SetModuleName(MODULE_NAME)
    node.SetHideFromEditors(True)
    node.SetName(f"{MODULE_NAME} – {reader} – reading {number}")
    ordinals = [_count(other.node.GetParameter("ordinal")) for other in others]
    plain = {"uid": uuid.uuid4().hex, "reader": reader, "number": str(number), "case": case}
    plain |= texts | {"ordinal": str(max(ordinals, default=0) + 1)}
    for name, text in plain.items():
        node.SetParameter(name, text)
    reading = Reading(node)
    reading.keep("schema", SCHEMA_VERSION)
    reading.keep("scan_facts", asdict(scan_facts or ScanFacts()))
    reading.keep("scan_findings", [asdict(finding) for finding in scan_findings])
    reading.keep("accepts_off_protocol", False)
    reading.keep("blinded", not others)
    reading.keep("exclusions", {})
    reading.keep("history", [])
    node.SetNodeReferenceID(_CT_ROLE, ct_node.GetID())
    ct_node.GetScene().AddNode(node)
    return reading


def reading_nodes(scene) -> tuple:
    """Return the nodes of a scene that keep readings, in the order in which they were started."""
    nodes = scene.GetNodesByClass("vtkMRMLScriptedModuleNode")
    nodes.UnRegister(None)
    return tuple(
        node
        for node in (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems()))
        if node.GetModuleName() == MODULE_NAME and node.GetParameter("schema")
    )


def readings(scene) -> tuple[Reading, ...]:
    """Return the readings of a scene in the order in which they were started.

    Raises
    ------
    InputError
        When one was kept by a newer LumbarHU.
    """
    found = tuple(map(Reading, reading_nodes(scene)))
    for reading in found:
        if _count(reading.node.GetParameter("schema")) > SCHEMA_VERSION:
            raise InputError(f"{reading.title} was kept by a newer version of LumbarHU: update LumbarHU to open it.")
    return found


def readings_of(ct_node) -> tuple[Reading, ...]:
    """Return the readings of one CT in the order in which they were started."""
    return tuple(reading for reading in readings(ct_node.GetScene()) if reading.ct_node is ct_node)


def exclude_level(reading: Reading, level: str, reason: str) -> None:
    """Keep a level out of the means, for a reason.

    Raises
    ------
    InputError
        When no reason is given, or the reading is signed off.
    """
    reading.require_open()
    level, reason = parse_level(level), " ".join(reason.split())
    if not reason:
        raise InputError(f"{level} is to be excluded without a reason: give one, such as fracture.", level)
    reading.keep("exclusions", reading.exclusions | {level: reason})


def include_level(reading: Reading, level: str) -> None:
    """Let a level enter the means again."""
    reading.require_open()
    reading.keep("exclusions", {name: why for name, why in reading.exclusions.items() if name != parse_level(level)})


def ask_for_level(reading: Reading, level: str, wanted: bool) -> None:
    """Ask for a level, or let it count as not measured; raises InputError when the reading is signed off."""
    reading.require_open()
    others = {name for name in reading.skipped_levels if name != parse_level(level)}
    reading.keep("skipped", sorted_levels(others if wanted else others | {parse_level(level)}))


def set_case(reading: Reading, case: str) -> None:
    """Call the CT otherwise in results; raises InputError when the reading is signed off."""
    reading.require_open()
    reading.node.SetParameter("case", " ".join(case.split()))


def accept_off_protocol(reading: Reading, accepted: bool) -> None:
    """Record whether classes are wanted although the acquisition is off the cutoffs' own."""
    reading.require_open()
    reading.keep("accepts_off_protocol", bool(accepted))


def set_protocol(reading: Reading, protocol_document: dict) -> None:
    """Measure by another protocol from now on.

    Raises
    ------
    InputError
        When the document is not valid, or the reading is signed off.
    """
    reading.require_open()
    text = _json_text(protocol_document)
    _protocol_from_text(text)
    reading.node.SetParameter("protocol", text)


def set_cutoffs(reading: Reading, cutoffs_document: dict) -> None:
    """Classify by other cutoffs from now on.

    Raises
    ------
    InputError
        When the document is not valid, or the reading is signed off.
    """
    reading.require_open()
    text = _json_text(cutoffs_document)
    _cutoffs_from_text(text)
    reading.node.SetParameter("cutoffs", text)


def add_to_history(reading: Reading, what: str, who: str, when: str, reason: str = "") -> None:
    """Add an entry to the reading's history."""
    if not who.strip():
        raise InputError(f"{reading.title} cannot be {what} by nobody: give a name, or initials.")
    reading.keep("history", [*reading.history, {"what": what, "who": who.strip(), "when": when, "reason": reason}])


def _count(text: str) -> int:
    """Return the number that a parameter holds; 0 when it is damaged."""
    return int(text) if text.isdecimal() else 0


def _json_text(value) -> str:
    """Return `value` as one line of ASCII: the scene file keeps it in an attribute of XML."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


# A scene's documents pass the same checks as a file's.
@lru_cache(maxsize=16)
def _protocol_from_text(text: str) -> ProtocolDocument:
    return protocol_from(parse_located_json(text, "protocol.json"))


@lru_cache(maxsize=16)
def _cutoffs_from_text(text: str) -> CutoffsDocument:
    return cutoffs_from(parse_located_json(text, "cutoffs.json"))
