"""A reading: one reader's work on one CT, stored in its own node in the scene."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from LumbarHULib.audit.audit import SEEN_PROPOSAL, SEEN_READING
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
from LumbarHULib.mrml.node_types import MaybeNone, Scene, ScriptedModuleNode, VolumeNode, nodes_of_class

MODULE_NAME = "LumbarHU"

# Increased when a new version of LumbarHU stores readings in a form that older versions would misread.
SCHEMA_VERSION = 1

_CT_ROLE = "CT"


@dataclass(frozen=True)
class Reading:
    """A view of the node that stores a reading; two views of the same node are equal.

    Parameters
    ----------
    node : vtkMRMLScriptedModuleNode
        Its parameters store the properties below as text. Its references are the reading's nodes by role: ``CT``;
        ``L1-midline``, ``L1-boundary``, ``L1-outline`` and so on; a segmentation for each region by its name;
        ``results`` and ``summary``.
    """

    node: ScriptedModuleNode

    @property
    def scene(self) -> Scene | MaybeNone:
        """The scene of the reading; None once the reading was removed."""
        return self.node.GetScene()

    @property
    def ct_node(self) -> VolumeNode | MaybeNone:
        """The CT's volume node; None when it was deleted."""
        return self.node.GetNodeReference(_CT_ROLE)

    @property
    def uid(self) -> str:
        """Unique identifier of this reading, in this scene and outside."""
        return self.node.GetParameter("uid")

    @property
    def reader(self) -> str:
        """Name or initials of the reader."""
        return self.node.GetParameter("reader")

    @property
    def number(self) -> int:
        """Number of this reading among the reader's readings of this CT, from 1."""
        return _count(self.node.GetParameter("number"))

    @property
    def title(self) -> str:
        """Reader and number, as shown to users."""
        return f"{self.reader} – reading {self.number}"

    @property
    def name_suffix(self) -> str:
        """Suffix of the names of this reading's nodes: empty for the first reading of a CT, then “ (2)” and so on."""
        ordinal = self.node.GetParameter("ordinal")
        return "" if ordinal == "1" else f" ({ordinal})"

    @property
    def owner_suffix(self) -> str:
        """Suffix of names that Slicer lists without folders, next to those of other CTs, readers and readings."""
        return f" ({self.ct_node.GetName()}, {self.reader} {self.number})"

    @property
    def case(self) -> str:
        """Name of the CT in results."""
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
        """The protocol with the text of its document, as in an audit folder."""
        return _protocol_from_text(self.protocol_text)

    @property
    def cutoffs_document(self) -> CutoffsDocument:
        """The cutoffs with the text of their document, as in an audit folder."""
        return _cutoffs_from_text(self.cutoffs_text)

    @property
    def protocol(self) -> Protocol:
        """The protocol of the reading."""
        return self.protocol_document.protocol

    @property
    def cutoffs(self) -> CutoffTable:
        """The cutoffs of the reading."""
        return self.cutoffs_document.cutoffs

    @property
    def scan_facts(self) -> ScanFacts:
        """The acquisition facts from the CT's headers."""
        return ScanFacts(**self.value("scan_facts"))

    @property
    def scan_findings(self) -> tuple[Finding, ...]:
        """The findings from reading the CT's files."""
        return tuple(Finding(**item) for item in self.value("scan_findings"))

    @property
    def accepts_off_protocol(self) -> bool:
        """Whether the user wants classes although the acquisition differs from that of the cutoffs."""
        return self.value("accepts_off_protocol")

    @property
    def is_blinded(self) -> bool:
        """Whether the scene had no other reading of the CT when this one was started, and no midline was proposed."""
        return not self.seen_by_reader

    @property
    def seen_by_reader(self) -> tuple[str, ...]:
        """What makes the reading not blinded: ``another reading`` of the same CT, a ``proposed midline``, or both."""
        origins = [self.value(name) for name in self.node.GetParameterNames() if name.startswith("origin ")]
        is_proposed = any(origin["kind"] != MANUAL.kind for origin in origins if origin)
        others = () if self.value("blinded", True) else (SEEN_READING,)
        return (*others, SEEN_PROPOSAL) if is_proposed else others

    @property
    def exclusions(self) -> dict[str, str]:
        """The levels that do not enter the means, each with its reason."""
        return self.value("exclusions")

    @property
    def skipped_levels(self) -> tuple[str, ...]:
        """The levels that are not requested: they count as not measured, even if they have markups."""
        return tuple(self.value("skipped", ()))

    @property
    def history(self) -> list[dict[str, str]]:
        """Every sign-off and reopening in order, each with ``what``, ``who``, ``when`` and ``reason``."""
        return self.value("history")

    @property
    def is_signed_off(self) -> bool:
        """Whether the reading is signed off and refuses changes."""
        return bool(self.history) and self.history[-1]["what"] == "signed off"

    def value(self, name: str, default: Any = None) -> Any:
        """Return the JSON value stored under `name`; raises InputError when it is damaged."""
        text = self.node.GetParameter(name)
        try:
            return json.loads(text) if text else default
        except ValueError as problem:
            raise InputError(
                f"The parameter “{name}” of “{self.node.GetName()}” in the scene is damaged: open an earlier copy of "
                "the scene, or start a new reading."
            ) from problem

    def keep(self, name: str, value: object) -> None:
        """Store `value` under `name` as JSON."""
        self.node.SetParameter(name, _json_text(value))

    def keep_quietly(self, name: str, value: object) -> None:
        """Store `value` without an event: for LumbarHU's own notes, often during a drag."""
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
                f"{self.title} was signed off by {last['who']} on {last['when']}: reopen it before you change it."
            )


def create_reading(
    ct_node: VolumeNode,
    reader: str,
    protocol_document: dict[str, Any],
    cutoffs_document: dict[str, Any],
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
        Name or initials of the reader.
    protocol_document, cutoffs_document : dict
        The whole content of a protocol and a cutoffs file.
    number : int, optional
        Number of the reading among the reader's readings of this CT; by default the next.
    case : str
        Name of the CT in results; never the patient's name.
    scan_facts : ScanFacts, optional
        The acquisition facts from the CT's headers.
    scan_findings : sequence of Finding
        The findings from reading the CT's files.

    Raises
    ------
    InputError
        When the reader has no name, the number is taken, or a document is not valid.
    """
    reader = " ".join(reader.split())
    if not reader:
        raise InputError("The reading has no reader: enter a name or initials.")
    others = readings_of(ct_node)
    taken = [other.number for other in others if other.reader == reader]
    if number is None:
        number = max(taken, default=0) + 1
    if number < 1 or number in taken:
        problem = "readings are numbered from 1" if number < 1 else "it already exists"
        raise InputError(
            f"Reading {number} by {reader} cannot be started, because {problem}: use {max(taken, default=0) + 1}."
        )
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
    reading.keep("scan_facts", (scan_facts or ScanFacts()).plain())
    reading.keep("scan_findings", [asdict(finding) for finding in scan_findings])
    reading.keep("accepts_off_protocol", False)
    reading.keep("blinded", not others)
    reading.keep("exclusions", {})
    reading.keep("history", [])
    node.SetNodeReferenceID(_CT_ROLE, ct_node.GetID())
    ct_node.GetScene().AddNode(node)
    return reading


def reading_nodes(scene: Scene) -> tuple[ScriptedModuleNode, ...]:
    """Return the nodes of a scene that store readings, in the order in which the readings were started."""
    nodes = nodes_of_class(scene, "vtkMRMLScriptedModuleNode")
    return tuple(node for node in nodes if node.GetModuleName() == MODULE_NAME and node.GetParameter("schema"))


def readings(scene: Scene) -> tuple[Reading, ...]:
    """Return the readings of a scene in the order in which they were started.

    Raises
    ------
    InputError
        When a reading was saved by a newer version of LumbarHU.
    """
    found = tuple(map(Reading, reading_nodes(scene)))
    for reading in found:
        if _count(reading.node.GetParameter("schema")) > SCHEMA_VERSION:
            raise InputError(f"{reading.title} was saved by a newer version of LumbarHU: update LumbarHU to open it.")
    return found


def readings_of(ct_node: VolumeNode) -> tuple[Reading, ...]:
    """Return the readings of one CT in the order in which they were started."""
    return tuple(reading for reading in readings(ct_node.GetScene()) if reading.ct_node is ct_node)


def exclude_level(reading: Reading, level: str, reason: str) -> None:
    """Exclude a level from the means, with a reason.

    Raises
    ------
    InputError
        When no reason is given, or the reading is signed off.
    """
    reading.require_open()
    level, reason = parse_level(level), " ".join(reason.split())
    if not reason:
        raise InputError(f"{level} cannot be excluded without a reason: give a reason, such as “fracture”.", level)
    reading.keep("exclusions", reading.exclusions | {level: reason})


def include_level(reading: Reading, level: str) -> None:
    """Include an excluded level in the means again."""
    reading.require_open()
    reading.keep("exclusions", {name: why for name, why in reading.exclusions.items() if name != parse_level(level)})


def ask_for_level(reading: Reading, level: str, wanted: bool) -> None:
    """Request a level, or skip it as not measured; raises InputError when the reading is signed off."""
    reading.require_open()
    others = {name for name in reading.skipped_levels if name != parse_level(level)}
    reading.keep("skipped", sorted_levels(others if wanted else others | {parse_level(level)}))


def set_case(reading: Reading, case: str) -> None:
    """Change the name of the CT in results; raises InputError when the reading is signed off."""
    reading.require_open()
    reading.node.SetParameter("case", " ".join(case.split()))


def accept_off_protocol(reading: Reading, accepted: bool) -> None:
    """Record whether classes are wanted although the acquisition differs from that of the cutoffs."""
    reading.require_open()
    reading.keep("accepts_off_protocol", bool(accepted))


def set_protocol(reading: Reading, protocol_document: dict[str, Any]) -> None:
    """Replace the protocol of a reading.

    Raises
    ------
    InputError
        When the document is not valid, or the reading is signed off.
    """
    reading.require_open()
    text = _json_text(protocol_document)
    document = _protocol_from_text(text)
    if not document.protocol.is_of_study_regions:
        raise InputError(
            f"The protocol “{document.name}” has regions other than the study's, which a reading in the scene cannot "
            "have: measure the reading by it under “Other protocols”, or with lumbarhu measure --protocol."
        )
    reading.node.SetParameter("protocol", text)


def set_cutoffs(reading: Reading, cutoffs_document: dict[str, Any]) -> None:
    """Replace the cutoffs of a reading.

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
    """Add an entry to the reading's history; raises InputError without a name."""
    if not who.strip():
        raise InputError(f"{reading.title} cannot be {what} without a name: enter a name or initials.")
    reading.keep("history", [*reading.history, {"what": what, "who": who.strip(), "when": when, "reason": reason}])


def _count(text: str) -> int:
    """Return the number in a parameter; 0 when it is damaged."""
    return int(text) if text.isdecimal() else 0


def _json_text(value: object) -> str:
    """Return `value` as one line of ASCII, because the scene file stores it in an XML attribute."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


# Documents from a scene pass the same checks as those from files.
@lru_cache(maxsize=16)
def _protocol_from_text(text: str) -> ProtocolDocument:
    return protocol_from(parse_located_json(text, "protocol.json"))


@lru_cache(maxsize=16)
def _cutoffs_from_text(text: str) -> CutoffsDocument:
    return cutoffs_from(parse_located_json(text, "cutoffs.json"))
